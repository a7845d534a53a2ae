import assert from 'node:assert/strict';
import { request as ask, createServer } from 'node:http';
import { startCollector } from 'otlp-wasm/collector';
import { bundle, launch, serve } from './driver.mjs';
import {
  assertArrived,
  assertCompressed,
  assertEncoded,
  assertHashed,
  assertNested,
  assertRemade,
  assertSignals,
  ENCODINGS,
} from './support.mjs';

/** Paths of pages, and their scripts. */
const PAGES = {
  '/': '/page.js',
  '/codec': '/codec/codec.js',
  '/compress': '/compress/compress.js',
  '/hash': '/hash/hash.js',
};

/** A way to the collector on which the browser's question whether it may post has to wait. */
async function gate(target) {
  let release;
  let arrive;
  const released = new Promise((resolve) => {
    release = resolve;
  });
  const asked = new Promise((resolve) => {
    arrive = resolve;
  });
  const server = createServer(async (request, response) => {
    const { method, headers, url } = request;
    if (method === 'OPTIONS') {
      arrive();
      await released;
    }
    const onward = ask(new URL(url, target), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    request.pipe(onward);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${server.address().port}`;
  return { url, asked, release, close: () => server.close() };
}

export async function open(project) {
  const browser = await launch();
  const files = new Map([
    ...(await bundle(project, 'page')),
    ...(await bundle(project, 'codec', '/codec')),
    ...(await bundle(project, 'compress', '/compress')),
    ...(await bundle(project, 'hash', '/hash')),
  ]);
  const chunks = [...files.keys()].filter((path) => path.includes('/chunk-'));
  const server = await serve(files, PAGES);
  const collector = await startCollector({ port: 0, allowedOrigins: [server.url] });

  const pageUrl = (query, endpoint = collector.url, path = '/') =>
    `${server.url}${path}?collector=${encodeURIComponent(endpoint)}&${query}`;

  /** Opens the page; what its journey came to, what it complained of, what it loaded late. */
  async function visit({ csp = '', query = '', path = '/' } = {}) {
    server.visit(csp);
    const page = await browser.newPage();
    const problems = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('console', (message) => problems.push(message.text()));
    try {
      await page.goto(pageUrl(query, collector.url, path));
      await page.waitForFunction(() => globalThis.result !== undefined);
      const result = await page.evaluate(() => globalThis.result);
      assert.equal(result.error, undefined);
      return { ...result, problems, lazy: chunks.filter((path) => server.asked().includes(path)) };
    } finally {
      await page.close();
    }
  }

  /** Opens the page, lets `act` record and leave, and waits for what was recorded. */
  async function leave(act, { spans = 1, endpoint } = {}) {
    server.visit('');
    const page = await browser.newPage();
    try {
      await page.goto(pageUrl('leave', endpoint));
      await page.waitForFunction(() => globalThis.record !== undefined);
      await act(page);
      await collector.waitFor({ spans });
    } finally {
      await page.close();
    }
  }

  /** As `leave`; nothing is posted before the page is gone. */
  async function outlive(act) {
    const { url: endpoint, asked, release, close } = await gate(collector.url);
    await leave((page) => act(page, asked).then(release), { endpoint }).finally(close);
    assertArrived(collector, 'webjs');
  }

  async function arrives(csp) {
    const result = await visit({ csp });
    assert.deepEqual([result.report.complete, result.report.sent], [true, 1]);
    assertArrived(collector, 'webjs');
    return result;
  }

  const remade = (protocol) =>
    assertRemade(collector, () => visit({ query: `refused&protocol=${protocol}` }), { protocol });

  return {
    about: `Chromium ${browser.version()}`,
    async close() {
      await browser.close();
      server.close();
      await collector.close();
    },
    cases: {
      'simd, by itself; nothing else is loaded': async () => {
        const { engine, atEnd, lazy, problems } = await arrives();
        assert.equal(engine.name, 'simd', engine.reason);
        assert.equal(atEnd.name, 'simd');
        assert.deepEqual(lazy, []);
        assert.deepEqual(problems, []);
        return engine.reason;
      },
      'logs and metrics': async () =>
        assertSignals(collector, await visit({ query: 'signals' }), 'simd'),
      'http/json, loaded late': async () => {
        const { report, lazy, problems } = await visit({ query: 'protocol=http/json' });
        assert.deepEqual([report.complete, report.sent], [true, 1]);
        assert.equal(lazy.length, 1, `lazily loaded: ${lazy}`);
        assert.match(lazy[0], /^\/chunk-json-format-/);
        assert.deepEqual(problems, []);
        assertArrived(collector, 'webjs', { protocol: 'http/json' });
      },
      'every encoding, loaded late': async () => {
        for (const compression of ENCODINGS) {
          const { report, lazy, problems } = await visit({ query: `compression=${compression}` });
          assert.deepEqual([report.complete, report.sent], [true, 1]);
          assert.match(lazy[0], /^\/chunk-web-compressor-/);
          assert.deepEqual(problems, []);
          assertArrived(collector, 'webjs', { compression });
        }
      },
      'refused as too large, then for its encoding: arrives': () => remade('http/protobuf'),
      'http/json refused as too large, then for its encoding: arrives': () => remade('http/json'),
      'grpc: refused, and what to use instead': async () => {
        const { code, message } = await visit({ query: 'protocol=grpc' });
        assert.equal(code, 'invalid_option');
        assert.match(message, /'grpc', which browser cannot send.*'http\/protobuf'/);
        const exporter = await visit({ query: 'exporter' });
        assert.equal(exporter.code, 'not_supported');
        assert.match(exporter.message, /'otlp-wasm\/exporters\/proto'/);
        assert.equal(collector.requests().length, 0);
        return `${message}\n${exporter.message}`;
      },
      'context follows calls, up to an await': async () => {
        const { before, context, report, problems } = await visit({ query: 'nested' });
        assert.equal(before, 'none');
        assert.equal(context.manager, 'stack');
        assert.deepEqual([report.complete, report.sent], [true, 4]);
        assert.deepEqual(problems, []);
        assertNested(collector, { followed: false });
        return context.reason;
      },
      'a span that ends right before its page is left arrives': async () => {
        const leaveAtOnce = () => {
          globalThis.record();
          location.href = '/elsewhere';
        };
        await outlive((page) =>
          Promise.all([page.waitForURL('**/elsewhere'), page.evaluate(leaveAtOnce)]),
        );
      },
      'what is on its way when the page is left arrives': async () => {
        await outlive(async (page, asked) => {
          await page.evaluate(() => {
            globalThis.record();
            void globalThis.telemetry.flush();
          });
          await asked;
          await page.goto(`${server.url}/elsewhere`);
        });
      },
      'more than may outlive a page is sent as usual': async () => {
        const spans = 40;
        await leave(
          (page) =>
            page.evaluate(async (count) => {
              const tracer = globalThis.telemetry.tracer('large');
              for (let i = 0; i < count; i++) {
                // Random, so that there is nothing to compress.
                const bytes = crypto.getRandomValues(new Uint8Array(4096));
                const noise = Array.from(bytes, (byte) => byte.toString(36)).join('');
                tracer.startSpan('large', { attributes: { noise } }).end();
              }
              await globalThis.telemetry.flush();
            }, spans),
          { spans },
        );
        assert.ok(Math.max(...collector.requests().map(({ wireBytes }) => wireBytes)) > 64 * 1024);
        collector.clear();
      },
      'a page that is hidden sends what it has': async () => {
        await leave((page) =>
          page.evaluate(() => {
            globalThis.record();
            Object.defineProperty(document, 'visibilityState', { value: 'hidden' });
            document.dispatchEvent(new Event('visibilitychange'));
          }),
        );
        assertArrived(collector, 'webjs');
      },
      'a policy without wasm-unsafe-eval: portable, loaded after the span had ended': async () => {
        const connect = `connect-src 'self' ${collector.url}`;
        const { engine, atEnd, lazy } = await arrives(`default-src 'self'; ${connect}`);
        assert.equal(engine.name, 'portable', engine.reason);
        assert.equal(atEnd.name, 'loading');
        assert.ok(
          lazy.some((path) => path.includes('portable')),
          `lazily loaded: ${lazy}`,
        );
        assert.match(engine.reason, /simd failed: CompileError.*scalar failed: CompileError/);
        return engine.reason;
      },
      'otlp-wasm/codec; nothing else is loaded': async () => {
        const { lazy, problems, ...result } = await visit({ path: '/codec' });
        assertEncoded(result);
        assert.deepEqual(lazy, []);
        assert.deepEqual(problems, []);
      },
      'otlp-wasm/codec, a policy without wasm-unsafe-eval: once it is ready': async () => {
        const { lazy, ...result } = await visit({ path: '/codec', csp: "default-src 'self'" });
        const said = assertEncoded(result, { late: true });
        assert.ok(
          lazy.some((path) => path.includes('portable')),
          `lazily loaded: ${lazy}`,
        );
        return said;
      },
      'otlp-wasm/compress; nothing else is loaded': async () => {
        const { lazy, problems, ...result } = await visit({ path: '/compress' });
        assert.deepEqual([lazy, problems], [[], []]);
        return assertCompressed(result, { brotli: false });
      },
      'otlp-wasm/compress, a policy without wasm-unsafe-eval: once it is ready': async () => {
        const result = await visit({ path: '/compress', csp: "default-src 'self'" });
        return assertCompressed(result, { late: true, brotli: false });
      },
      'otlp-wasm/hash; nothing else is loaded': async () => {
        const { lazy, problems, ...result } = await visit({ path: '/hash' });
        assertHashed(result);
        assert.deepEqual([lazy, problems], [[], []]);
      },
      'otlp-wasm/hash, a policy without wasm-unsafe-eval: once it is ready': async () => {
        const result = await visit({ path: '/hash', csp: "default-src 'self'" });
        return assertHashed(result, { late: true });
      },
    },
  };
}
