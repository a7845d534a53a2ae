import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, createServer as createSocketServer } from 'node:net';
import { join } from 'node:path';
import { startCollector } from 'otlp-wasm/collector';
import { optionsFor } from './journey.mjs';
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
  exporterUrls,
  QUIET,
  Unavailable,
} from './support.mjs';

/** A Unix socket at `path` that leads to the port of `url`. */
async function openSocket(path, url) {
  const { hostname, port } = new URL(url);
  const server = createSocketServer((socket) => {
    const onward = connect(Number(port), hostname);
    socket.pipe(onward).pipe(socket);
    for (const each of [socket, onward]) each.on('error', () => {});
  });
  await new Promise((resolve) => server.listen(path, resolve));
  return server;
}

/** A proxy; `tunnels` are the hosts that it was asked to connect to. */
async function openProxy() {
  const tunnels = [];
  const server = createServer().on('connect', ({ url }, socket) => {
    tunnels.push(url);
    const [hostname, port] = url.split(':');
    const onward = connect(Number(port), hostname, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.pipe(onward).pipe(socket);
    });
    for (const each of [socket, onward]) each.on('error', () => {});
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}`, tunnels, close: () => server.close() };
}

export async function open(project) {
  const deno = join(project, 'node_modules/.bin/deno');
  const env = { DENO_DIR: join(project, '.deno'), NO_COLOR: '1', DENO_NO_UPDATE_CHECK: '1' };
  const { code, stdout, stderr } = await capture(deno, ['--version'], { cwd: project, env });
  if (code !== 0) throw new Unavailable(`deno --version: exit code ${code}\n${stderr}`);

  const collector = await startCollector({ port: 0, grpcPort: 0 });
  const proxy = await openProxy();
  /** All that telemetry needs: whom it connects to. No prompt: what is missing is refused. */
  const addresses = [collector.url, collector.grpcUrl, proxy.url].map((url) => new URL(url).host);
  const permissions = [`--allow-net=${addresses}`, '--no-prompt'];

  async function output(flags = [], more = {}) {
    const args = ['run', '--quiet', ...permissions, ...flags, more.program ?? 'app.mjs'];
    const endpoint = more.options?.protocol === 'grpc' ? collector.grpcUrl : collector.url;
    const options = JSON.stringify(optionsFor(endpoint, more.options));
    const run = await capture(deno, [...args, options, ...(more.args ?? [])], {
      cwd: project,
      env: { ...env, ...more.env },
    });
    assert.equal(run.code, 0, run.stderr);
    assert.match(run.stderr, more.stderr ?? /^$/, 'standard error');
    return run.stdout;
  }

  async function app(flags, more) {
    return JSON.parse(await output(flags, more));
  }

  async function arrives(expected, flags, more) {
    const { engine, report } = await app(flags, more);
    assert.equal(engine.name, expected, engine.reason);
    assert.deepEqual([report.complete, report.sent], [true, 1]);
    assertArrived(collector, 'nodejs', more?.options);
    return engine.reason;
  }

  async function signals(expected, flags, options) {
    assertSignals(collector, await app(flags, { options, args: ['signals'] }), expected);
  }

  const remade = (protocol) => {
    const options = { protocol };
    const more = { options, args: ['refused'], stderr: QUIET };
    return assertRemade(collector, () => app([], more), options);
  };

  async function encodes(flags, expected) {
    return assertEncoded(await app(flags, { program: 'codec.mjs' }), expected);
  }

  async function compresses(flags, expected) {
    return assertCompressed(await app(flags, { program: 'compress.mjs' }), expected);
  }

  async function hashes(flags, expected) {
    return assertHashed(await app(flags, { program: 'hash.mjs' }), expected);
  }

  async function exports(flags, engine) {
    const urls = JSON.stringify(exporterUrls(collector));
    const { code, ...run } = await capture(
      deno,
      ['run', '--quiet', ...permissions, ...flags, 'exporters.mjs', urls],
      { cwd: project, env },
    );
    assert.equal(code, 0, run.stderr);
    assert.equal(run.stderr, '', 'standard error');
    assertExported(collector, JSON.parse(run.stdout), engine);
  }

  return {
    about: stdout.split('\n')[0],
    async close() {
      proxy.close();
      await collector.close();
    },
    cases: {
      'simd, by itself': () => arrives('simd'),
      'logs and metrics': () => signals('simd', [], {}),
      'logs and metrics, http/json': () => signals('simd', [], { protocol: 'http/json' }),
      'logs and metrics, no WebAssembly': () => signals('portable', ['--v8-flags=--jitless'], {}),
      'http/json': () => arrives('simd', [], { options: { protocol: 'http/json' } }),
      'every encoding, loaded late': async () => {
        for (const compression of ENCODINGS)
          await arrives('simd', [], { options: { compression } });
      },
      grpc: () => arrives('simd', [], { options: { protocol: 'grpc' } }),
      'grpc, through the proxy of a variable that may be read': async () => {
        await arrives('simd', ['--allow-env=GRPC_PROXY'], {
          options: { protocol: 'grpc' },
          env: { GRPC_PROXY: proxy.url, grpc_proxy: 'not allowed', no_grpc_proxy: '127.0.0.1' },
        });
        assert.deepEqual(proxy.tunnels, [new URL(collector.grpcUrl).host]);
      },
      'grpc, through a Unix socket': async () => {
        const path = join(project, 'grpc.sock');
        const socket = await openSocket(path, collector.grpcUrl);
        try {
          const allowed = [
            `--allow-net=unix:${path}`,
            `--allow-read=${path}`,
            `--allow-write=${path}`,
          ];
          const options = optionsFor(`unix://${path}`, { protocol: 'grpc' });
          const { code, stderr } = await capture(
            deno,
            // Nothing of the network.
            ['run', '--quiet', '--no-prompt', ...allowed, 'app.mjs', JSON.stringify(options)],
            { cwd: project, env },
          );
          assert.deepEqual([code, stderr], [0, '']);
          assertArrived(collector, 'nodejs', { protocol: 'grpc' });
        } finally {
          socket.close();
        }
      },
      'refused as too large, then for its encoding: arrives': () => remade('http/protobuf'),
      'http/json refused as too large, then for its encoding: arrives': () => remade('http/json'),
      'grpc refused as too large, then for its encoding: arrives': () => remade('grpc'),
      'variables are read where that is allowed': () =>
        arrives('simd', ['--allow-env=OTEL_EXPORTER_OTLP_ENDPOINT'], {
          options: { endpoint: undefined },
          env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_SERVICE_NAME: 'not allowed' },
        }),
      'console and otlp/stdout, named by a variable': async () => {
        const allowed = ['--allow-env=OTEL_TRACES_EXPORTER'];
        for (const [exporter, expected] of [
          ['console', /^span "journey/m],
          ['otlp/stdout', /^\{"resourceSpans":\[.*\}$/m],
        ]) {
          const shown = await output(allowed, { env: { OTEL_TRACES_EXPORTER: exporter } });
          assert.match(shown, expected);
          const { report } = JSON.parse(shown.trimEnd().split('\n').at(-1));
          assert.deepEqual([report.complete, report.sent], [true, 1], exporter);
        }
        assert.equal(collector.traces().length, 0);
      },
      'propagators, the rare ones too, named by a variable': async () => {
        const fields = await app(['--allow-env=OTEL_PROPAGATORS'], {
          program: 'propagators.mjs',
          env: { OTEL_PROPAGATORS: 'jaeger,b3,xray,zipkin' },
          stderr: /OTEL_PROPAGATORS has 'zipkin', which is ignored/,
        });
        assert.deepEqual(fields, ['uber-trace-id', 'b3', 'x-amzn-trace-id']);
      },
      'a file': async () => {
        const path = join(project, 'traces.jsonl');
        const allowed = [`--allow-write=${path}`, `--allow-read=${path}`];
        const { report } = await app(allowed, { program: 'file.mjs', args: [path] });
        assert.deepEqual([report.complete, report.sent], [true, 1], report.lastError);
        const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
        assert.equal(lines.length, 1);
        assert.equal(JSON.parse(lines[0]).resourceSpans.length, 1);
      },
      'context follows awaits': async () => {
        const { before, context, report } = await app([], { args: ['nested'] });
        assert.equal(before, 'none');
        assert.equal(context.manager, 'async-local-storage');
        assert.deepEqual([report.complete, report.sent], [true, 4]);
        assertNested(collector, { followed: true });
        return context.reason;
      },
      'what is left at the end is sent': async () => {
        const counted = await app([], { program: 'ends.mjs' });
        assert.deepEqual(counted, { recorded: 1, sent: 1, lost: 0 });
        assertArrived(collector, 'nodejs');
      },
      'grpc: what is left at the end is sent': async () => {
        const options = { protocol: 'grpc' };
        const counted = await app([], { program: 'ends.mjs', options });
        assert.deepEqual(counted, { recorded: 1, sent: 1, lost: 0 });
        assertArrived(collector, 'nodejs', options);
      },
      'what is recorded while the program ends is sent too': async () => {
        const counted = await app([], { program: 'ends.mjs', args: ['later'] });
        assert.deepEqual(counted, { recorded: 2, sent: 2, lost: 0 });
        assert.equal(collector.traces().length, 2);
        collector.clear();
      },
      'a server that refuses at first is asked again before the end': async () => {
        await collector.fault({ kind: 'status', status: 503, times: 1 });
        const counted = await app([], { program: 'ends.mjs' });
        assert.deepEqual(counted, { recorded: 1, sent: 1, lost: 0 });
        collector.clear();
      },
      'a server that never answers does not keep the program': async () => {
        await collector.fault({ kind: 'hang' });
        const options = { flushTimeoutMs: 200 };
        const counted = await app([], { program: 'ends.mjs', options, stderr: /1 span lost/ });
        assert.deepEqual(counted, { recorded: 1, sent: 0, lost: 1 });
        await collector.fault(null);
        collector.clear();
      },
      'Deno.exit leaves no time: what is lost is counted and shown': async () => {
        const more = { program: 'ends.mjs', args: ['exit'], stderr: /1 span lost/ };
        assert.deepEqual(await app([], more), { recorded: 1, sent: 0, lost: 1 });
        assert.equal(collector.requests().length, 0);
      },
      'no SIMD: scalar, by itself': async () => {
        const reason = await arrives('scalar', ['--v8-flags=--no-enable-sse4-1']);
        assert.match(reason, /^simd failed: /);
        return reason;
      },
      'no WebAssembly: portable, by itself': async () => {
        const reason = await arrives('portable', ['--v8-flags=--jitless']);
        assert.match(reason, /simd failed: .*scalar failed: /);
        return reason;
      },
      'otlp-wasm/exporters, all protocols': () => exports([]),
      'otlp-wasm/exporters, no WebAssembly': () => exports(['--v8-flags=--jitless'], 'portable'),
      'otlp-wasm/codec': () => encodes(),
      'otlp-wasm/codec, no SIMD: once it is ready': () =>
        encodes(['--v8-flags=--no-enable-sse4-1'], { late: true }),
      'otlp-wasm/codec, no WebAssembly: once it is ready': () =>
        encodes(['--v8-flags=--jitless'], { late: true }),
      'otlp-wasm/compress': () => compresses(),
      'otlp-wasm/compress, no SIMD: once it is ready': () =>
        compresses(['--v8-flags=--no-enable-sse4-1'], { late: true }),
      'otlp-wasm/compress, no WebAssembly: once it is ready': () =>
        compresses(['--v8-flags=--jitless'], { late: true }),
      'otlp-wasm/hash': () => hashes(),
      'otlp-wasm/hash, no SIMD: once it is ready': () =>
        hashes(['--v8-flags=--no-enable-sse4-1'], { late: true }),
      'otlp-wasm/hash, no WebAssembly: once it is ready': () =>
        hashes(['--v8-flags=--jitless'], { late: true }),
    },
  };
}
