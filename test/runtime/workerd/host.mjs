import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import { startCollector } from 'otlp-wasm/collector';
import workerdPackage from 'workerd';
import { assertArrived, capture, Unavailable } from './support.mjs';

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

/** Starts workerd; resolves with its URL once it listens. */
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
    for await (const line of createInterface({ input: child.stdio[3] })) {
      const { event, port } = JSON.parse(line);
      if (event === 'listen') return `http://127.0.0.1:${port}`;
    }
    return exited;
  })();
  return {
    url: await Promise.race([listening, exited]),
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

  async function arrives(expected, query = '') {
    const response = await fetch(`${server.url}/${query}`);
    const text = await response.text();
    assert.equal(response.status, 200, `${text}\n${server.stderr()}`);
    await collector.waitFor({ spans: 1 });
    assertArrived(collector, 'webjs');
    assert.equal(server.stderr(), '', 'standard error');
    const { engine } = JSON.parse(text);
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
        await Promise.all(Array.from({ length: REQUESTS }, () => fetch(server.url)));
        await collector.waitFor({ spans: REQUESTS });
        assert.equal(collector.traces().length, REQUESTS);
        assert.equal(server.stderr(), '', 'standard error');
        collector.clear();
      },
      'portable, asked for': () => arrives('loading', '?engine=portable'),
      'portable, once it is there': () => arrives('portable', '?engine=portable'),
    },
  };
}
