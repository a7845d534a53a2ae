// The web SDK of one line in Chromium, with the exporters as a bundler for browsers takes them.

import assert from 'node:assert/strict';
import { startCollector } from 'otlp-wasm/collector';
import { bundle, launch, serve } from './driver.mjs';

/** Longest a page may take for anything. */
const PAGE_MS = 30_000;

/**
 * @param {string} project this folder
 * @param {string} line of upstream's SDK
 * @returns {Promise<{ about: string, cases: Record<string, () => Promise<object | undefined>>,
 *   close: () => Promise<void> }>} a case may answer requests to be compared
 */
export async function open(project, line) {
  const browser = await launch();
  const server = await serve(await bundle(project, `page-${line}`), { '/': `/page-${line}.js` });
  const collector = await startCollector({
    port: 0,
    keepBodies: true,
    allowedOrigins: [server.url],
  });

  /** Opens the page, lets `act` do something there, and gives back what had arrived then. */
  async function visit({ exporter, protocol, csp = '' }, act) {
    server.visit(csp);
    collector.clear();
    const page = await browser.newPage();
    page.setDefaultTimeout(PAGE_MS);
    const problems = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('console', (message) => problems.push(message.text()));
    try {
      const query = new URLSearchParams({ exporter, protocol, url: `${collector.url}/v1/traces` });
      await page.goto(`${server.url}/?${query}`);
      await page.waitForFunction(() => globalThis.record !== undefined);
      const result = await act(page);
      const requests = collector.requests();
      for (const { status, error, headers } of requests) {
        assert.equal(status, 200, error);
        assert.equal(headers.origin, server.url);
        assert.equal(headers['x-shop'], 'one');
      }
      return { result, problems, requests };
    } finally {
      await page.close();
    }
  }

  const everything = (page) =>
    page.evaluate(() => {
      globalThis.record();
      return globalThis.finish();
    });

  const compared = (protocol, upstream, ours) => ({
    protocol,
    upstream: upstream.requests.map(({ body }) => body),
    ours: ours.requests.map(({ body }) => body),
  });

  const encodings = ({ requests }) => requests.map(({ contentEncoding }) => contentEncoding);

  const seen = new Map();
  /** What upstream's exporter sends of the same spans. */
  async function upstreamSends(protocol) {
    if (!seen.has(protocol))
      seen.set(protocol, await visit({ exporter: 'upstream', protocol }, everything));
    return seen.get(protocol);
  }

  /** Records, lets `leave` go away, and waits for the collector, not for the page. */
  const leaving = (protocol, leave) => async () => {
    const upstream = await upstreamSends(protocol);
    const ours = await visit({ exporter: 'ours', protocol }, async (page) => {
      await page.evaluate(() => globalThis.settled());
      await leave(page);
      await collector.waitFor({ requests: 1 });
    });
    assert.deepEqual(encodings(ours), ['gzip']);
    return compared(protocol, upstream, ours);
  };

  const ofProtocol = (protocol) => ({
    [`${protocol}: as upstream's exporter, and in gzip`]: async () => {
      const upstream = await upstreamSends(protocol);
      const ours = await visit({ exporter: 'ours', protocol }, everything);
      assert.deepEqual([ours.problems, upstream.problems], [[], []]);
      assert.deepEqual(encodings(ours), ['gzip']);
      assert.deepEqual(encodings(upstream), ['identity']);
      const { engine, signals } = ours.result;
      assert.equal(engine.name, 'simd', engine.reason);
      assert.equal(signals.traces.sent, collector.traces().length);
      return compared(protocol, upstream, ours);
    },
    [`${protocol}: a page that is hidden sends what it has`]: leaving(protocol, (page) =>
      page.evaluate(() => {
        globalThis.record();
        Object.defineProperty(document, 'visibilityState', { value: 'hidden' });
        document.dispatchEvent(new Event('visibilitychange'));
      }),
    ),
    [`${protocol}: what ends right before its page is left arrives`]: leaving(protocol, (page) =>
      Promise.all([
        page.waitForURL('**/elsewhere'),
        page.evaluate(() => {
          globalThis.record();
          location.href = '/elsewhere';
        }),
      ]),
    ),
    [`${protocol}: under a policy without wasm-unsafe-eval`]: async () => {
      const csp = `default-src 'self'; connect-src 'self' ${collector.url}`;
      const upstream = await upstreamSends(protocol);
      const ours = await visit({ exporter: 'ours', protocol, csp }, everything);
      assert.equal(ours.result.engine.name, 'portable', ours.result.engine.reason);
      assert.deepEqual(encodings(ours), ['gzip']);
      return compared(protocol, upstream, ours);
    },
  });

  return {
    about: `Chromium ${browser.version()}`,
    cases: { ...ofProtocol('proto'), ...ofProtocol('http') },
    async close() {
      await browser.close();
      server.close();
      await collector.close();
    },
  };
}
