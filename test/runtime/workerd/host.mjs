import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import { startCollector } from 'otlp-wasm/collector';
import workerdPackage from 'workerd';
import {
  assertArrived,
  assertCompressed,
  assertEncoded,
  assertExported,
  assertHashed,
  assertNested,
  assertRemade,
  assertSignals,
  capture,
  ENCODINGS,
  Unavailable,
} from './support.mjs';

/** The program itself; the package's command is a script that hands no descriptors on. */
const WORKERD = workerdPackage.default ?? workerdPackage;

/** Sent at once: their exports share what another request has begun. */
const REQUESTS = 20;

/** As wrangler bundles a worker: one module, and the `.wasm` file it imports beside it. */
function bundle(project, entryPoints) {
  return build({
    absWorkingDir: project,
    entryPoints,
    outdir: 'build',
    bundle: true,
    format: 'esm',
    target: 'es2022',
    conditions: ['workerd', 'worker', 'browser'],
    loader: { '.wasm': 'copy' },
    assetNames: '[name]',
    logLevel: 'warning',
  });
}

/** The sockets of `config.capnp`: one for each set of compatibility flags and of modules. */
const SOCKETS = ['main', 'als', 'compat', 'unbundled', 'entry'];

/** Starts workerd; resolves with its URLs once it listens. */
async function serve(project, env) {
  const child = spawn(WORKERD, ['serve', 'config.capnp', '--control-fd=3'], {
    cwd: project,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const exited = once(child, 'exit').then(() => {
    throw new Error(`workerd ended\n${stderr}`);
  });
  exited.catch(() => {});
  const listening = (async () => {
    const urls = {};
    for await (const line of createInterface({ input: child.stdio[3] })) {
      const { event, socket, port } = JSON.parse(line);
      if (event === 'listen') urls[socket] = `http://127.0.0.1:${port}`;
      if (SOCKETS.every((name) => name in urls)) return urls;
    }
    return exited;
  })();
  return {
    urls: await Promise.race([listening, exited]),
    stderr: () => stderr,
    /** Waits until standard error has it, and forgets what standard error had. */
    async said(pattern) {
      while (!pattern.test(stderr)) await once(child.stderr, 'data');
      stderr = '';
    },
    close: () => child.kill(),
  };
}

export async function open(project) {
  const { code, stdout, stderr } = await capture(WORKERD, ['--version'], { cwd: project });
  if (code !== 0) throw new Unavailable(`workerd --version: exit code ${code}\n${stderr}`);

  await bundle(project, { worker: 'worker.mjs', api: '@opentelemetry/api' });
  const collector = await startCollector({ port: 0 });
  const server = await serve(project, { COLLECTOR: collector.url });

  async function answerOf(socket, query) {
    const response = await fetch(`${server.urls[socket]}/${query}`);
    const text = await response.text();
    assert.equal(response.status, 200, `${text}\n${server.stderr()}`);
    return JSON.parse(text);
  }

  /** What the worker answers: the health of its telemetry after it has recorded, or `?codec`. */
  async function healthOf(socket, query) {
    const answer = await answerOf(socket, query);
    assert.equal(server.stderr(), '', 'standard error');
    return answer;
  }

  /** Nested spans; their parents are right over an `await` where `followed`. */
  async function nested(socket, followed) {
    const { context } = await healthOf(socket, '?nested');
    await collector.waitFor({ spans: 4 });
    assertNested(collector, { followed });
    return context;
  }

  async function arrives(expected, query = '', { socket = 'main', ...options } = {}) {
    const { engine } = await healthOf(socket, query);
    await collector.waitFor({ spans: 1 });
    assertArrived(collector, 'webjs', options);
    assert.equal(engine.name, expected, engine.reason);
    return engine.reason;
  }

  async function refused(socket, query) {
    const answer = await answerOf(socket, query);
    await server.said(/otlp-wasm: the endpoint takes no gzip: .*\n/);
    return answer;
  }

  /** In JSON and in other encodings, which the worker has late, and over a server that refuses. */
  const late = (socket, options = { protocol: 'http/json' }) => ({
    [`${socket}: http/json`]: () => arrives('simd', '?protocol=http/json', { socket, ...options }),
    [`${socket}: refused as too large, then for its encoding: arrives`]: () =>
      assertRemade(collector, () => refused(socket, '?refused')),
    [`${socket}: http/json refused as too large, then for its encoding: arrives`]: () =>
      assertRemade(collector, () => refused(socket, '?refused&protocol=http/json'), options),
    [`${socket}: every encoding`]: async () => {
      for (const compression of ENCODINGS) {
        await arrives('simd', `?compression=${compression}`, { socket, compression });
      }
    },
  });

  return {
    about: stdout.trim(),
    async close() {
      server.close();
      await collector.close();
    },
    cases: {
      'simd, from a static import, by itself': () => arrives('simd'),
      'another request of the same worker': () => arrives('simd'),
      'logs and metrics': async () =>
        assertSignals(collector, await healthOf('main', '?signals'), 'simd'),
      'logs and metrics, http/json': async () =>
        assertSignals(collector, await healthOf('main', '?signals&protocol=http/json'), 'simd'),
      'logs and metrics, portable': async () =>
        assertSignals(collector, await healthOf('main', '?signals&engine=portable'), 'portable'),
      'many requests at once': async () => {
        await Promise.all(Array.from({ length: REQUESTS }, () => fetch(server.urls.main)));
        await collector.waitFor({ spans: REQUESTS });
        assert.equal(collector.traces().length, REQUESTS);
        assert.equal(server.stderr(), '', 'standard error');
        collector.clear();
      },
      ...late('main'),
      ...late('unbundled'),
      'entry: without late modules protobuf is sent, and a refusal stands': async () => {
        await answerOf('entry', '?protocol=http/json');
        await collector.waitFor({ spans: 1 });
        assertArrived(collector, 'webjs');
        await server.said(/JSON cannot be had, protobuf is sent: .*json-format\.js.*\n/);
        await collector.fault({ kind: 'status', status: 413, times: 1 });
        const { report } = await answerOf('entry', '?refused');
        assert.deepEqual([report.sent, report.rejected], [0, 2]);
        await server.said(/2 spans lost \(rejected 2\).*HTTP 413.*\n/);
        collector.clear();
      },
      'grpc: refused, and what to use instead': async () => {
        const { code, message } = await healthOf('main', '?protocol=grpc');
        assert.equal(code, 'invalid_option');
        assert.match(message, /'grpc', which workerd cannot send.*'http\/protobuf'/);
        const exporter = await healthOf('main', '?exporter');
        assert.equal(exporter.code, 'not_supported');
        assert.match(exporter.message, /'otlp-wasm\/exporters\/proto'/);
        return `${message}\n${exporter.message}`;
      },
      'no flags: context is followed up to an await': async () => {
        const { manager, reason } = await nested('main', false);
        assert.equal(manager, 'stack');
        assert.match(reason, /nodejs_als/);
        return reason;
      },
      'nodejs_als: up to an await in the first request, over it in those after': async () => {
        await nested('als', false);
        const { manager, reason } = await nested('als', true);
        assert.equal(manager, 'async-local-storage');
        return reason;
      },
      'nodejs_compat: over an await, from the first request': async () => {
        const { manager, reason } = await nested('compat', true);
        assert.equal(manager, 'async-local-storage');
        return reason;
      },
      'otlp-wasm/exporters, both protocols': async () => {
        assertExported(collector, await healthOf('main', '?exporters'));
      },
      'otlp-wasm/codec': async () => {
        assertEncoded(await healthOf('main', '?codec'));
      },
      'otlp-wasm/compress': async () => {
        const result = await healthOf('main', '?compress');
        return assertCompressed(result, { brotli: false });
      },
      'otlp-wasm/compress, nodejs_compat: has brotli': async () => {
        assertCompressed(await healthOf('compat', '?compress'));
      },
      'otlp-wasm/hash': async () => {
        assertHashed(await healthOf('main', '?hash'));
      },
      'portable, asked for': () => arrives('loading', '?engine=portable'),
      'portable, once it is there': () => arrives('portable', '?engine=portable'),
    },
  };
}
