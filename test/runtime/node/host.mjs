import assert from 'node:assert/strict';
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
  ENCODINGS,
  exporterUrls,
  resultOf,
} from './support.mjs';

export async function open(project) {
  const collector = await startCollector({ port: 0, grpcPort: 0 });

  /** Runs the application with these options besides the usual; `flags` are Node's. */
  function app(more = {}, flags = [], args = []) {
    const options = optionsFor(more.protocol === 'grpc' ? collector.grpcUrl : collector.url, more);
    return resultOf(process.execPath, [...flags, 'app.mjs', ...args], { cwd: project, options });
  }

  async function arrives(expected, options = {}, flags = []) {
    const result = await app(options, flags);
    assert.equal(result.engine?.name, expected, JSON.stringify(result));
    assert.deepEqual([result.report.complete, result.report.sent], [true, 1]);
    assertArrived(collector, 'nodejs', options);
    return result.engine.reason;
  }

  async function signals(expected, options = {}, flags = []) {
    assertSignals(collector, await app(options, flags, ['signals']), expected);
  }

  const remade = (protocol) =>
    assertRemade(collector, () => app({ protocol }, [], ['refused']), { protocol });

  async function encodes(flags = []) {
    const args = [...flags, 'codec.mjs'];
    assertEncoded(await resultOf(process.execPath, args, { cwd: project }));
  }

  async function hashes(flags = []) {
    assertHashed(await resultOf(process.execPath, [...flags, 'hash.mjs'], { cwd: project }));
  }

  async function compresses(flags = []) {
    const args = [...flags, 'compress.mjs'];
    assertCompressed(await resultOf(process.execPath, args, { cwd: project }));
  }

  async function exports(flags = [], engine = 'simd') {
    const args = [...flags, 'exporters.mjs', JSON.stringify(exporterUrls(collector))];
    assertExported(collector, await resultOf(process.execPath, args, { cwd: project }), engine);
  }

  return {
    about: `Node ${process.version}`,
    close: () => collector.close(),
    cases: {
      'simd, by itself': () => arrives('simd'),
      'simd, asked for': async () =>
        assert.match(await arrives('simd', { engine: 'simd' }), /asked for/),
      'scalar, asked for': async () =>
        assert.match(await arrives('scalar', { engine: 'scalar' }), /asked for/),
      'portable, asked for': async () =>
        assert.match(await arrives('portable', { engine: 'portable' }), /asked for/),
      'http/json': () => arrives('simd', { protocol: 'http/json' }),
      grpc: () => arrives('simd', { protocol: 'grpc' }),
      'logs and metrics': () => signals('simd'),
      'logs and metrics, http/json': () => signals('simd', { protocol: 'http/json' }),
      'logs and metrics, grpc': () => signals('simd', { protocol: 'grpc' }),
      'logs and metrics, no SIMD': () => signals('scalar', {}, ['--no-enable-sse4-1']),
      'logs and metrics, no WebAssembly': () => signals('portable', {}, ['--jitless']),
      'every encoding, loaded late': async () => {
        for (const compression of ENCODINGS) await arrives('simd', { compression });
      },
      'grpc: zstd and snappy': async () => {
        for (const compression of ['zstd', 'snappy']) {
          await arrives('simd', { protocol: 'grpc', compression });
        }
      },
      'every encoding, no WebAssembly': async () => {
        for (const compression of ENCODINGS)
          await arrives('portable', { compression }, ['--jitless']);
      },
      'refused as too large, then for its encoding: arrives': () => remade('http/protobuf'),
      'http/json refused as too large, then for its encoding: arrives': () => remade('http/json'),
      'grpc refused as too large, then for its encoding: arrives': () => remade('grpc'),
      'context follows awaits': async () => {
        const { before, context, report } = await app({}, [], ['nested']);
        assert.equal(before, 'none');
        assert.equal(context.manager, 'async-local-storage');
        assert.deepEqual([report.complete, report.sent], [true, 4]);
        assertNested(collector, { followed: true });
        return context.reason;
      },
      'no SIMD: scalar, by itself': async () => {
        const reason = await arrives('scalar', {}, ['--no-enable-sse4-1']);
        assert.match(reason, /^simd failed: /);
        return reason;
      },
      'no WebAssembly: portable, by itself': async () => {
        const reason = await arrives('portable', {}, ['--jitless']);
        assert.match(reason, /simd failed: .*scalar failed: /);
        return reason;
      },
      'no WebAssembly, simd asked for: fails': async () => {
        const { code, message } = await app({ engine: 'simd' }, ['--jitless']);
        assert.equal(code, 'engine_unavailable');
        assert.match(message, /'simd' cannot be had/);
        assert.equal(collector.requests().length, 0);
        return message;
      },
      'otlp-wasm/exporters, all protocols': () => exports(),
      'otlp-wasm/exporters, no WebAssembly': () => exports(['--jitless'], 'portable'),
      'otlp-wasm/codec': () => encodes(),
      'otlp-wasm/codec, no SIMD': () => encodes(['--no-enable-sse4-1']),
      'otlp-wasm/codec, no WebAssembly': () => encodes(['--jitless']),
      'otlp-wasm/compress': () => compresses(),
      'otlp-wasm/compress, no SIMD': () => compresses(['--no-enable-sse4-1']),
      'otlp-wasm/compress, no WebAssembly': () => compresses(['--jitless']),
      'otlp-wasm/hash': () => hashes(),
      'otlp-wasm/hash, no SIMD': () => hashes(['--no-enable-sse4-1']),
      'otlp-wasm/hash, no WebAssembly': () => hashes(['--jitless']),
    },
  };
}
