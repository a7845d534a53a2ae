import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import { startCollector } from 'otlp-wasm/collector';
import workerdPackage from 'workerd';
import {
  assertArrived,
  assertEncoded,
  assertExported,
  assertNested,
  capture,
  Unavailable,
} from './support.mjs';

/** The program itself; the package's command is a script that hands no descriptors on. */
const WORKERD = workerdPackage.default ?? workerdPackage;

/** Sent at once: their exports share what another request has begun. */
const REQUESTS = 20;

/** As wrangler bundles a worker: one module, and the `.wasm` file it imports beside it. */
function bundle(project) {
  return build({
    absWorkingDir: project,
    entryPoints: { worker: 'worker.mjs' },
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

/** The sockets of `config.capnp`: one for each set of compatibility flags. */
const SOCKETS = ['main', 'als', 'compat'];

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
    close: () => child.kill(),
  };
}

export async function open(project) {
  const { code, stdout, stderr } = await capture(WORKERD, ['--version'], { cwd: project });
  if (code !== 0) throw new Unavailable(`workerd --version: exit code ${code}\n${stderr}`);

  await bundle(project);
  const collector = await startCollector({ port: 0 });
  const server = await serve(project, { COLLECTOR: collector.url });

  /** What the worker answers: the health of its telemetry after it has recorded, or `?codec`. */
  async function healthOf(socket, query) {
    const response = await fetch(`${server.urls[socket]}/${query}`);
    const text = await response.text();
    assert.equal(response.status, 200, `${text}\n${server.stderr()}`);
    assert.equal(server.stderr(), '', 'standard error');
    return JSON.parse(text);
  }

  /** Nested spans; their parents are right over an `await` where `followed`. */
  async function nested(socket, followed) {
    const { context } = await healthOf(socket, '?nested');
    await collector.waitFor({ spans: 4 });
    assertNested(collector, { followed });
    return context;
  }

  async function arrives(expected, query = '') {
    const { engine } = await healthOf('main', query);
    await collector.waitFor({ spans: 1 });
    assertArrived(collector, 'webjs');
    assert.equal(engine.name, expected, engine.reason);
    return engine.reason;
  }

  return {
    about: stdout.trim(),
    async close() {
      server.close();
      await collector.close();
    },
    cases: {
      'simd, from a static import, by itself': () => arrives('simd'),
      'another request of the same worker': () => arrives('simd'),
      'many requests at once': async () => {
        await Promise.all(Array.from({ length: REQUESTS }, () => fetch(server.urls.main)));
        await collector.waitFor({ spans: REQUESTS });
        assert.equal(collector.traces().length, REQUESTS);
        assert.equal(server.stderr(), '', 'standard error');
        collector.clear();
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
      'portable, asked for': () => arrives('loading', '?engine=portable'),
      'portable, once it is there': () => arrives('portable', '?engine=portable'),
    },
  };
}
