import { brotliDecompressSync, constants, gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Encoding, Level } from '../src/compress/encoding.ts';
import { type Compressor, compressOn } from '../src/compress.ts';
import type { CodecsExports } from '../src/engine/generated/contract.ts';
import { CODECS_END } from '../src/engine/generated/layout.ts';
import type { EngineName, EngineSources } from '../src/engine/select.ts';
import { OtlpError } from '../src/errors.ts';
import { brotli } from '../src/runtime/node/brotli.ts';
import { codecsSources } from '../src/runtime/node/codecs.ts';
import { refused } from './support/codecs.ts';
import { FORMATS } from './support/compressors.ts';
import { ENGINE_NAMES } from './support/engines.ts';
import { otlpCorpus } from './support/otlp-corpora.ts';
import { randomFrom } from './support/random.ts';

const LEVELS: readonly Level[] = ['fast', 'default', 'best'];
const MEBIBYTE = 1024 * 1024;
const any = (value: unknown) => value as never;

/** What the binary writes. */
const ENCODINGS: readonly Encoding[] = [...FORMATS.map(({ encoding }) => encoding), 'zlib'];
const STREAMED = ENCODINGS.filter((encoding) => encoding !== 'snappy');
/** Those that know levels. */
const LEVELLED: readonly string[] = ['gzip', 'deflate', 'zlib', 'deflate-raw', 'zstd'];
const levelsOf = (encoding: string) => (LEVELLED.includes(encoding) ? LEVELS : ['fast' as const]);

/** A host that has one engine. */
function only(engine: EngineName): EngineSources<CodecsExports> {
  const none = { simd: refused, scalar: refused, portable: refused };
  return { ...none, [engine]: codecsSources[engine] };
}

const functions = new Map(ENGINE_NAMES.map((engine) => [engine, compressOn(only(engine), brotli)]));
const simd = functions.get('simd')!;
const everyEngine = [...functions.values()];

/** A decoder that is not ours makes of `compressed` what went in. */
function expectReadBack(encoding: Encoding, compressed: Uint8Array, bytes: Uint8Array): void {
  const name = encoding === 'zlib' ? 'deflate' : encoding;
  const format = FORMATS.find((each) => each.encoding === name)!;
  expectEqualBytes(format.decode(compressed, bytes), bytes);
}

function expectEqualBytes(got: Uint8Array, expected: Uint8Array): void {
  expect(got.length).toBe(expected.length);
  expect(Buffer.compare(got, expected)).toBe(0);
}

/** The OtlpError that a call throws. */
function problemOf(call: () => unknown): OtlpError {
  try {
    call();
  } catch (error) {
    if (error instanceof OtlpError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/** xorshift32, whose every byte will do. */
function noise(length: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = 7;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return new Uint8Array(words.buffer, 0, length);
}

/** ES2024. */
interface ResizableBuffer extends ArrayBuffer {
  resize(bytes: number): void;
}

function resizableBuffer(bytes: number, maxByteLength: number): ResizableBuffer {
  const create = ArrayBuffer as unknown as new (
    bytes: number,
    options: { maxByteLength: number },
  ) => ResizableBuffer;
  return new create(bytes, { maxByteLength });
}

/** Of a Zstandard frame (RFC 8878, 3.1.1.1), bytes. */
function windowOf(frame: Uint8Array): number {
  const view = new DataView(frame.buffer, frame.byteOffset);
  const descriptor = view.getUint8(4);
  const [exponent, mantissa] = [view.getUint8(5) >> 3, view.getUint8(5) & 7];
  const isWhole = (descriptor & 0x20) !== 0;
  if (!isWhole) return 2 ** (10 + exponent) * (1 + mantissa / 8);
  const sizes = [view.getUint8(5), view.getUint16(5, true) + 256, view.getUint32(5, true)];
  return sizes[descriptor >> 6]!;
}

function text(length: number): Uint8Array<ArrayBuffer> {
  const { below } = randomFrom(11);
  const words = ['span', 'batch', 'collector', 'GET /orders/', '"http.route"', 'größe', ' ', '\n'];
  let all = '';
  while (all.length < length) all += words[below(words.length)]! + (below(4) ? '' : below(1000));
  return new TextEncoder().encode(all).slice(0, length);
}

const INPUTS: readonly (readonly [name: string, bytes: Uint8Array])[] = [
  ['no bytes', new Uint8Array()],
  ['one byte', Uint8Array.of(65)],
  ['text', text(5000)],
  ['zeros', new Uint8Array(70_000)],
  ['noise', noise(70_000)],
  ['traces', otlpCorpus('traces', 64)],
];

describe.each(ENCODINGS)('%s', (encoding) => {
  it.each(INPUTS)(
    '%s: read back as they were, the same from each engine, in bounds',
    (_, bytes) => {
      for (const level of LEVELS) {
        const [first, ...others] = everyEngine.map((on) => on.compress(encoding, bytes, { level }));
        for (const other of others) expectEqualBytes(other, first!);
        expectReadBack(encoding, first!, bytes);
        expect(first!.length).toBeLessThanOrEqual(simd.worstCase(encoding, bytes.length));
      }
    },
  );
});

describe('in one call', () => {
  it('each function writes what compress() does under its name', () => {
    const { gzip, zlib, deflateRaw, zstd, lz4, snappy, snappyFramed } = simd;
    const named = { gzip, zlib, 'deflate-raw': deflateRaw, zstd, lz4, snappy };
    const bytes = text(3000);
    for (const [encoding, call] of Object.entries({ ...named, 'x-snappy-framed': snappyFramed })) {
      for (const level of LEVELS) {
        const expected = simd.compress(encoding as Encoding, bytes, { level });
        expectEqualBytes(call(bytes, { level }), expected);
      }
      const byDefault = simd.compress(encoding as Encoding, bytes, { level: 'default' });
      for (const options of [undefined, {}, { level: undefined }]) {
        expectEqualBytes(call(bytes, options), byDefault);
      }
    }
    expectEqualBytes(simd.compress('deflate', bytes), simd.zlib(bytes));
  });

  it.each(ENCODINGS)('%s: levels are no worse in their order', (encoding) => {
    const bytes = otlpCorpus('logs', 512);
    const sizes = LEVELS.map((level) => simd.compress(encoding, bytes, { level }).length);
    expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
    // Where there are no levels, they are the same.
    if (!LEVELLED.includes(encoding)) expect(new Set(sizes).size).toBe(1);
  });

  it('gives bytes of their own, which later calls leave alone', () => {
    for (const encoding of [...ENCODINGS, 'identity', 'br'] as const) {
      const bytes = text(3000);
      const first = simd.compress(encoding, bytes);
      const copy = first.slice();
      simd.compress(encoding, noise(3 * MEBIBYTE), { level: 'fast' });
      bytes.fill(0);
      expectEqualBytes(first, copy);
      expect(Object.getPrototypeOf(first)).toBe(Uint8Array.prototype);
      expect(first.byteOffset).toBe(0);
      expect(first.buffer.byteLength).toBe(first.length);
    }
  });

  it.each(ENCODINGS)('%s: leaves what it is given as it was', (encoding) => {
    const bytes = text(3000);
    simd.compress(encoding, bytes);
    expectEqualBytes(bytes, text(3000));
  });

  it('takes parts of buffers, Buffers, other views, whole buffers and shared ones', () => {
    const bytes = text(4096);
    const expected = simd.gzip(bytes);
    const wide = new Uint8Array(5000);
    wide.set(bytes, 3);
    const shared = new SharedArrayBuffer(4096);
    new Uint8Array(shared).set(bytes);
    const resizable = resizableBuffer(4096, 8192);
    new Uint8Array(resizable).set(bytes);
    for (const same of [
      wide.subarray(3, 4099),
      Buffer.from(bytes),
      new DataView(wide.buffer, 3, 4096),
      new Float64Array(bytes.slice().buffer),
      bytes.slice().buffer,
      new Uint8Array(shared),
      shared,
      new Uint8Array(resizable),
    ]) {
      expectEqualBytes(simd.gzip(same), expected);
      for (const encoding of ['identity', 'br'] as const) {
        const copy = simd.compress(encoding, same);
        expectEqualBytes(encoding === 'br' ? brotliDecompressSync(copy) : copy, bytes);
      }
    }
  });

  it('brotli: by the host, at its quality for each level', () => {
    const qualities: number[] = [];
    const { brotli: ours } = compressOn(only('simd'), (bytes, quality) => {
      qualities.push(quality);
      return brotli(bytes, quality);
    });
    for (const [, bytes] of INPUTS) {
      for (const level of LEVELS) {
        const compressed = ours(bytes, { level });
        expectEqualBytes(brotliDecompressSync(compressed), bytes);
        expect(compressed.length).toBeLessThanOrEqual(simd.worstCase('br', bytes.length));
      }
    }
    expect(qualities.slice(0, 3)).toEqual([1, 5, 11]);
  });

  describe('more than 16 MiB', () => {
    const bytes = Buffer.concat([
      noise(6 * MEBIBYTE),
      ...Array.from({ length: 10 }, () => otlpCorpus('traces', 2000)),
      new Uint8Array(2 * MEBIBYTE),
    ]);

    it('is what it says', () => expect(bytes.length).toBeGreaterThan(16 * MEBIBYTE));

    it.each(ENCODINGS)('%s: one stream, in bounds', (encoding) => {
      const compressed = simd.compress(encoding, bytes, { level: 'fast' });
      expectReadBack(encoding, compressed, bytes);
      expect(compressed.length).toBeLessThanOrEqual(simd.worstCase(encoding, bytes.length));
    });

    const incompressible = noise(8 * MEBIBYTE + 1);

    it.each(ENCODINGS)('%s: that cannot be compressed stays in bounds', (encoding) => {
      const compressed = simd.compress(encoding, incompressible, { level: 'fast' });
      const most = simd.worstCase(encoding, incompressible.length);
      expect(compressed.length).toBeGreaterThan(incompressible.length);
      expect(compressed.length).toBeLessThanOrEqual(most);
    });
  });

  it('zstd: no window is larger than HTTP allows (RFC 9659)', () => {
    const most = 8 * MEBIBYTE;
    for (const level of LEVELS) {
      const frames = [300, 70_000, most, most + 1].map((length) =>
        simd.zstd(new Uint8Array(length), { level }),
      );
      frames.push(simd.createCompressor('zstd', { level }).end());
      for (const frame of frames) expect(windowOf(frame)).toBeLessThanOrEqual(most);
    }
  });

  it('memory grows no further than for 8 MiB, and stays', () => {
    const sizes: number[] = [];
    const { instantiate } = codecsSources.portable() as { instantiate: CallableFunction };
    const { gzip } = compressOn({
      ...only('portable'),
      portable: () => ({
        instantiate(imports) {
          sizes.push(imports.env.memory.buffer.byteLength);
          return instantiate(imports);
        },
      }),
    });
    gzip(new Uint8Array(1000));
    expect(sizes).toEqual([CODECS_END + MEBIBYTE + 65_536]);
    for (const mebibytes of [7, 9, 17, 1]) {
      gzip(new Uint8Array(mebibytes * MEBIBYTE), { level: 'fast' });
    }
    expect(sizes).toHaveLength(3);
    expect(sizes[2]).toBeLessThan(CODECS_END + 17 * MEBIBYTE);
  });
});

/** Pushes `bytes` in chunks of random lengths. */
function streamed(stream: Compressor, bytes: Uint8Array, seed: number, longest: number) {
  const { below } = randomFrom(seed);
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const chunk = bytes.slice(at, at + below(longest));
    parts.push(stream.push(chunk));
    // It has been taken.
    chunk.fill(0xee);
    at += chunk.length;
  }
  return Buffer.concat([...parts, stream.end()]);
}

describe.each(STREAMED)('a stream of %s', (encoding) => {
  const long = new Uint8Array(
    Buffer.concat([text(300_000), noise(200_000), new Uint8Array(100_000), text(700)]),
  );

  it('is the same however it is cut, and the same from each engine', () => {
    for (const level of levelsOf(encoding)) {
      const expected = streamed(simd.createCompressor(encoding, { level }), long, 1, 1 << 20);
      expectReadBack(encoding, expected, long);
      expect(expected.length).toBeLessThanOrEqual(simd.worstCase(encoding, long.length));
      // The others take their time over it.
      for (const on of level === 'fast' ? everyEngine : [simd]) {
        const stream = on.createCompressor(encoding, { level });
        expectEqualBytes(streamed(stream, long, 2, 60_000), expected);
      }
    }
  });

  it.each([0, 1, 2, 300, 524_287, 524_288, 524_289, 1_048_576])('of %i bytes', (length) => {
    const bytes = length < 1000 ? text(length) : noise(length);
    for (const longest of [10_000, 524_289, 1_200_000]) {
      const compressed = streamed(simd.createCompressor(encoding), bytes, length + 1, longest);
      expectReadBack(encoding, compressed, bytes);
      expect(compressed.length).toBeLessThanOrEqual(simd.worstCase(encoding, length));
    }
  });

  it('that is flushed has everything in it, and goes on', () => {
    const stream = simd.createCompressor(encoding);
    expect(stream.flush()).toEqual(new Uint8Array());
    const parts: Uint8Array[] = [];
    for (const length of [1, 100, 70_000, 0, 600_000]) {
      parts.push(stream.push(text(length)), stream.flush());
      expect(stream.flush()).toEqual(new Uint8Array());
    }
    parts.push(stream.push(text(9)), stream.end());
    const all = [1, 100, 70_000, 0, 600_000, 9].flatMap((length) => [...text(length)]);
    expectReadBack(encoding, Buffer.concat(parts), Uint8Array.from(all));
  });

  it('gives back most of it before it ends', () => {
    const stream = simd.createCompressor(encoding);
    const early = stream.push(noise(1_600_000)).length;
    expect(early).toBeGreaterThan(1_500_000);
    stream.end();
  });

  it('keeps what may be the last of it, so that the end needs no piece of its own', () => {
    const piece = noise(524_288);
    const stream = simd.createCompressor(encoding, { level: 'fast' });
    expect(stream.push(piece)).toEqual(new Uint8Array());
    const long = stream.end().length;
    expect(long).toBeGreaterThan(524_288);
    const flushed = simd.createCompressor(encoding, { level: 'fast' });
    const parts = [flushed.push(piece), flushed.flush(), flushed.end()];
    expect(Buffer.concat(parts).length).toBeGreaterThanOrEqual(long);
  });

  it('as a stream of the web platform', async () => {
    const expected = streamed(simd.createCompressor(encoding, { level: 'fast' }), long, 3, 50_000);
    const { readable, writable } = simd.compressionStream(encoding, { level: 'fast' });
    const writer = writable.getWriter();
    const written = (async () => {
      for (let at = 0; at < long.length; at += 99_999) {
        await writer.write(long.subarray(at, at + 99_999));
      }
      await writer.close();
    })();
    const parts: Uint8Array[] = [];
    for await (const part of readable as unknown as AsyncIterable<Uint8Array>) parts.push(part);
    await written;
    expect(parts.length).toBe(2);
    expect(parts.every(({ length }) => length > 0)).toBe(true);
    expectEqualBytes(Buffer.concat(parts), expected);
  });
});

describe('streams', () => {
  it('a reader has what was pushed when it is flushed', () => {
    const stream = simd.createCompressor('gzip');
    const seen = Buffer.concat([stream.push(text(5000)), stream.flush()]);
    const inflated = gunzipSync(seen, { finishFlush: constants.Z_SYNC_FLUSH });
    expectEqualBytes(inflated, text(5000));
  });

  it.each(ENGINE_NAMES)('any number at once, between other calls: %s', (engine) => {
    const on = compressOn(only(engine));
    const { below } = randomFrom(engine.length);
    const opened = STREAMED.flatMap((encoding) =>
      levelsOf(encoding).map((level, i) => {
        const bytes = new Uint8Array(Buffer.concat([text(20_000), noise(5_000 + i)]));
        // Flushed after each chunk, so that what a stream keeps is put away and taken out again.
        const cuts = Array.from({ length: 5 }, () => below(bytes.length)).sort((a, b) => a - b);
        const stream = on.createCompressor(encoding, { level });
        return { encoding, level, bytes, cuts, stream, parts: [] as Uint8Array[] };
      }),
    );
    const turns = opened.flatMap((one) =>
      one.cuts.map((_, chunk) => ({ one, chunk, order: chunk + below(1000) / 1000 })),
    );
    // A chunk of each of them, then the next, in another order each time.
    turns.sort((a, b) => a.order - b.order);
    turns.forEach(({ one: { bytes, cuts, stream, parts }, chunk }, turn) => {
      parts.push(stream.push(bytes.subarray(cuts[chunk - 1] ?? 0, cuts[chunk])), stream.flush());
      on.compress(ENCODINGS[turn % ENCODINGS.length]!, text(1000), { level: 'fast' });
      // Memory grows under streams that are open.
      if (turn === 40) on.lz4(new Uint8Array(2 * MEBIBYTE));
    });
    for (const { encoding, level, bytes, cuts, stream, parts } of opened) {
      parts.push(stream.push(bytes.subarray(cuts.at(-1)!)), stream.end());
      const alone = on.createCompressor(encoding, { level });
      const expected = cuts.flatMap((cut, chunk) => [
        ...[alone.push(bytes.subarray(cuts[chunk - 1] ?? 0, cut)), alone.flush()],
      ]);
      expected.push(alone.push(bytes.subarray(cuts.at(-1)!)), alone.end());
      expectEqualBytes(Buffer.concat(parts), Buffer.concat(expected));
      expectReadBack(encoding, Buffer.concat(parts), bytes);
    }
  });

  it('identity: what was pushed', async () => {
    const stream = simd.createCompressor('identity');
    const bytes = noise(1_200_000);
    const buffer = Buffer.from(bytes);
    const parts = [stream.push(buffer), stream.end()];
    buffer.fill(0);
    expectEqualBytes(Buffer.concat(parts), bytes);
  });

  it('one that has ended takes nothing more', () => {
    for (const act of [
      (stream: Compressor) => stream.push(text(1)),
      (stream: Compressor) => stream.flush(),
      (stream: Compressor) => stream.end(),
    ]) {
      const stream = simd.createCompressor('gzip');
      stream.end();
      expect(problemOf(() => act(stream))).toMatchObject({
        code: 'invalid_data',
        message: 'this stream has ended; create another one.',
      });
    }
  });

  it('one that was given no bytes goes on', () => {
    const stream = simd.createCompressor('zlib');
    const parts = [stream.push(text(300))];
    expect(problemOf(() => stream.push(any('text'))).code).toBe('invalid_data');
    parts.push(stream.push(text(300)), stream.end());
    const all = Buffer.concat([text(300), text(300)]);
    expectReadBack('zlib', Buffer.concat(parts), all);
  });

  it('a stream of the web platform fails with what was wrong', async () => {
    const { readable, writable } = simd.compressionStream('gzip');
    const writer = writable.getWriter();
    const wrong = { name: 'OtlpError', code: 'invalid_data' };
    const read = expect(readable.getReader().read()).rejects.toMatchObject(wrong);
    await expect(writer.write(any('text'))).rejects.toMatchObject(wrong);
    await expect(writer.closed).rejects.toMatchObject(wrong);
    await read;
  });
});

describe('what cannot be', () => {
  const bytes = text(2000);
  const expected = simd.gzip(bytes);

  function expectProblem(call: () => unknown, code: string, message: RegExp): void {
    const problem = problemOf(call);
    expect(problem.code).toBe(code);
    expect(problem.message).toMatch(message);
    // Nothing is left of it.
    expectEqualBytes(simd.gzip(bytes), expected);
  }

  const LEVELS_MEANT = /'level' is .*; give 'fast', 'default' or 'best', or leave it out\.$/;
  it.each(
    [22, -1, 0, 9, Number.NaN, 1e300, '', 'fastest', 'FAST', null, {}, [], true, 5n].map(any),
  )('level %s', (level) => {
    for (const encoding of [...ENCODINGS, 'br', 'identity'] as const) {
      expectProblem(
        () => simd.compress(encoding, bytes, { level }),
        'invalid_option',
        LEVELS_MEANT,
      );
    }
    for (const open of [simd.createCompressor, simd.compressionStream]) {
      expectProblem(() => open('gzip', { level }), 'invalid_option', LEVELS_MEANT);
    }
  });

  it.each(['toString', '__proto__', 'constructor'])('level %s, which objects have', (level) => {
    const options = any({ level });
    expectProblem(() => simd.gzip(bytes, options), 'invalid_option', LEVELS_MEANT);
  });

  it.each(['fast', 9, null, true].map(any))('options %s', (options) => {
    const meant = /^options is .*; give an object such as \{ level: 'fast' \}, or leave it out\.$/;
    expectProblem(() => simd.gzip(bytes, options), 'invalid_option', meant);
  });

  it.each(['lzma', 'GZIP', '', 'toString', '__proto__', undefined, null, 7].map(any))(
    'encoding %s',
    (encoding) => {
      const meant = /^encoding is .*; give 'gzip', 'deflate', .* or 'identity'\.$/;
      for (const call of [
        () => simd.compress(encoding, bytes),
        () => simd.worstCase(encoding, 1),
        () => simd.createCompressor(encoding),
        () => simd.compressionStream(encoding),
      ]) {
        expectProblem(call, 'invalid_option', meant);
      }
    },
  );

  it.each(['text', 7, null, undefined, {}, [1, 2], () => {}, Symbol('x'), 5n].map(any))(
    'bytes that are %s',
    (given) => {
      for (const encoding of [...ENCODINGS, 'br', 'identity'] as const) {
        expectProblem(
          () => simd.compress(encoding, given),
          'invalid_data',
          /^bytes are no Uint8Array/,
        );
      }
    },
  );

  it('bytes whose buffer is detached', () => {
    const detached = text(2000);
    structuredClone(detached.buffer, { transfer: [detached.buffer] });
    for (const encoding of [...ENCODINGS, 'br', 'identity'] as const) {
      expectProblem(() => simd.compress(encoding, detached), 'invalid_data', /detached/);
    }
    expectProblem(() => simd.gzip(detached.buffer), 'invalid_data', /detached/);
    expectProblem(() => simd.createCompressor('lz4').push(detached), 'invalid_data', /detached/);
  });

  it('bytes whose buffer has become too short', () => {
    const buffer = resizableBuffer(100, 100);
    const view = new Uint8Array(buffer, 50, 50);
    buffer.resize(60);
    expectProblem(() => simd.gzip(view), 'invalid_data', /shrunk/);
  });

  it('what only looks like bytes', () => {
    const fakes = [Object.create(Uint8Array.prototype), new Proxy(text(9), {}), { length: 9 }];
    for (const fake of fakes) {
      expectProblem(() => simd.gzip(fake), 'invalid_data', /^bytes are no Uint8Array/);
    }
  });

  it('a stream of snappy blocks, or of brotli', () => {
    for (const open of [simd.createCompressor, simd.compressionStream]) {
      expectProblem(() => open('snappy'), 'not_supported', /'x-snappy-framed'/);
      expectProblem(() => open('br'), 'not_supported', /left to the host/);
    }
  });

  it('brotli where the host has none', () => {
    for (const none of [undefined, () => undefined]) {
      const { brotli: refusing } = compressOn(only('simd'), none);
      expectProblem(() => refusing(bytes), 'not_supported', /use 'gzip' or 'zstd'\.$/);
    }
  });

  it.each([-1, 0.5, Number.NaN, Infinity, 2 ** 53, '9', undefined, 5n].map(any))(
    'the worst case of %s bytes',
    (length) => {
      const meant = /^length is .*; give a number of bytes/;
      expectProblem(() => simd.worstCase('gzip', length), 'invalid_option', meant);
    },
  );
});

it('where a host has no memory to grow into, the call says so and the next one works', () => {
  const { instantiate } = codecsSources.portable() as { instantiate: CallableFunction };
  let room = 1;
  const { lz4 } = compressOn({
    ...only('portable'),
    portable: () => ({
      instantiate(imports) {
        if (room-- <= 0) throw new RangeError('out of memory');
        return instantiate(imports);
      },
    }),
  });
  const bytes = text(3000);
  const first = lz4(bytes);
  const large = new Uint8Array(3 * MEBIBYTE);
  expect(problemOf(() => lz4(large))).toMatchObject({
    code: 'engine_unavailable',
    message: expect.stringMatching(/needs \d+ bytes of memory .* use a stream/),
  });
  expectEqualBytes(lz4(bytes), first);
  room = 1;
  expectReadBack('lz4', lz4(large), large);
});

describe('where an engine must be loaded', () => {
  function late() {
    const module = codecsSources.portable();
    const portable = async () => module;
    return compressOn({ ...only('portable'), portable });
  }
  const bytes = text(3000);

  it('calls before it is ready say so, and start the loading', async () => {
    const on = late();
    const early = {
      code: 'engine_unavailable',
      message: expect.stringMatching(/'await ready\(\)' of 'otlp-wasm\/compress'/),
    };
    expect(problemOf(() => on.gzip(bytes))).toMatchObject(early);
    expect(problemOf(() => on.createCompressor('zstd'))).toMatchObject(early);
    await new Promise((resolve) => setTimeout(resolve, 0));
    expectEqualBytes(on.gzip(bytes), simd.gzip(bytes));
    await on.ready();
  });

  it('ready() loads it', async () => {
    const on = late();
    await on.ready();
    expectEqualBytes(on.lz4(bytes), simd.lz4(bytes));
  });

  it('a stream of the web platform waits for it', async () => {
    const { readable, writable } = late().compressionStream('gzip');
    const writer = writable.getWriter();
    void writer.write(bytes);
    void writer.close();
    const parts: Uint8Array[] = [];
    for await (const part of readable as unknown as AsyncIterable<Uint8Array>) parts.push(part);
    expectEqualBytes(gunzipSync(Buffer.concat(parts)), bytes);
  });

  it('identity needs none', () => {
    const none = compressOn({ simd: refused, scalar: refused, portable: refused });
    expectEqualBytes(none.compress('identity', bytes), bytes);
    expectEqualBytes(none.createCompressor('identity').push(noise(524_289)), noise(524_288));
  });

  it('none can be had', async () => {
    const none = compressOn({ simd: refused, scalar: refused, portable: refused });
    const seen = { code: 'engine_unavailable', message: expect.stringMatching(/not on this host/) };
    expect(problemOf(() => none.gzip(bytes))).toMatchObject(seen);
    await expect(none.ready()).rejects.toMatchObject(seen);
    const { readable } = none.compressionStream('gzip');
    await expect(readable.getReader().read()).rejects.toMatchObject(seen);
  });
});
