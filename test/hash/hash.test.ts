import * as zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Bytes } from '../../src/engine/input.ts';
import { isOtlpError, type OtlpError } from '../../src/errors.ts';
import { type Hash32Name, type Hashes, hashesOn } from '../../src/hash.ts';
import { refused } from '../support/codecs.ts';
import { hashes, hashesSources } from '../support/hashes.ts';
import { randomFrom } from '../support/random.ts';
import { naiveAdler32, naiveCrc, naiveXxh32, naiveXxh64 } from './oracles.ts';

const NAMES = ['crc32', 'crc32c', 'adler32', 'xxh32', 'xxh64'] as const;
type Name = (typeof NAMES)[number];

const ORACLES: Record<Name, (bytes: Uint8Array, seed: never) => number | bigint> = {
  crc32: (bytes, seed) => naiveCrc(0xedb88320, bytes, seed),
  crc32c: (bytes, seed) => naiveCrc(0x82f63b78, bytes, seed),
  adler32: naiveAdler32,
  xxh32: naiveXxh32,
  xxh64: naiveXxh64,
};

const random = randomFrom(3);
/** As much as is copied at a time. */
const PIECE = 262_144;
/** Two pieces and a bit. */
const NOISE = Uint8Array.from({ length: 600_001 }, () => random.below(256));

const oracle = (name: Name, bytes: Uint8Array, seed?: number | bigint) =>
  ORACLES[name](bytes, seed as never);

/** Of the first so many bytes: slow, and asked for by each engine. */
const prefixes = new Map<string, number | bigint>();
function ofPrefix(name: Name, length: number): number | bigint {
  const key = `${name} ${length}`;
  const digest = prefixes.get(key) ?? oracle(name, NOISE.subarray(0, length));
  prefixes.set(key, digest);
  return digest;
}

const hashed = (hash: Hashes, name: Name, bytes: Bytes, seed?: number | bigint) =>
  hash[name](bytes, seed as never);

const open = (hash: Hashes, name: Name, seed?: number | bigint) =>
  hash.createHash(name as Hash32Name, seed as number);

/** What `call` throws. */
function thrownBy(call: () => unknown): OtlpError {
  try {
    call();
  } catch (error) {
    if (isOtlpError(error)) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe.each(hashes())('otlp-wasm/hash ($engine)', ({ hash }) => {
  describe.each(NAMES)('%s', (name) => {
    const seedOf = (round: number) => {
      if (name === 'xxh64') return BigInt.asUintN(64, BigInt(round) * 0x1234_5678_9abc_def1n);
      return round === 0 ? 0 : random.below(2 ** 32);
    };

    it('is that of its definition, whatever the length', () => {
      const lengths = [0, 1, 31, 32, 1000, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, NOISE.length];
      for (const length of lengths) {
        const bytes = NOISE.subarray(0, length);
        expect(hashed(hash, name, bytes), `${length}`).toBe(ofPrefix(name, length));
      }
    });

    it('takes a seed', () => {
      for (let round = 0; round < 10; round++) {
        const bytes = NOISE.subarray(round, random.below(500));
        const seed = seedOf(round);
        expect(hashed(hash, name, bytes, seed), `${seed}`).toBe(oracle(name, bytes, seed));
      }
      const largest = name === 'xxh64' ? 2n ** 64n - 1n : 2 ** 32 - 1;
      const bytes = NOISE.subarray(0, 100_000);
      expect(hashed(hash, name, bytes, largest)).toBe(oracle(name, bytes, largest));
    });

    it('of a stream is that of all its bytes, however they were split', () => {
      for (let round = 0; round < 20; round++) {
        const longest = [70, 3000, 90_000, NOISE.length][round % 4]!;
        const seed = seedOf(round);
        const stream = open(hash, name, seed);
        const length = random.below([1000, 50_000, NOISE.length][round % 3]!);
        for (let at = 0; at < length; ) {
          const end = Math.min(at + random.below(longest), length);
          expect(stream.update(NOISE.subarray(at, end))).toBe(stream);
          at = end;
        }
        expect(stream.digest()).toBe(hashed(hash, name, NOISE.subarray(0, length), seed));
      }
    });

    it('of a stream can be asked for again and again, and more may follow', () => {
      const stream = open(hash, name);
      expect(stream.digest()).toBe(oracle(name, NOISE.subarray(0, 0)));
      stream.update(NOISE.subarray(0, 77));
      expect(stream.digest()).toBe(oracle(name, NOISE.subarray(0, 77)));
      expect(stream.digest()).toBe(oracle(name, NOISE.subarray(0, 77)));
      stream.update(NOISE.subarray(77, 99));
      expect(stream.digest()).toBe(oracle(name, NOISE.subarray(0, 99)));
    });

    it('reads what is not plainly a Uint8Array', () => {
      const { buffer } = NOISE;
      const whole = ofPrefix(name, NOISE.length);
      expect(hashed(hash, name, buffer)).toBe(whole);
      expect(hashed(hash, name, Buffer.from(NOISE))).toBe(whole);
      const part = oracle(name, NOISE.subarray(8, 808));
      expect(hashed(hash, name, new DataView(buffer, 8, 800))).toBe(part);
      expect(hashed(hash, name, new Float64Array(buffer, 8, 100))).toBe(part);
      expect(hashed(hash, name, new BigInt64Array(buffer, 8, 100))).toBe(part);
      const shared = new SharedArrayBuffer(800);
      new Uint8Array(shared).set(NOISE.subarray(8, 808));
      expect(hashed(hash, name, shared)).toBe(part);
      expect(hashed(hash, name, new Uint8Array(shared))).toBe(part);
    });

    it('of nothing', () => {
      const nothing = oracle(name, new Uint8Array());
      for (const none of [new Uint8Array(), new ArrayBuffer(0), new DataView(NOISE.buffer, 5, 0)]) {
        expect(hashed(hash, name, none)).toBe(nothing);
        expect(open(hash, name).update(none).digest()).toBe(nothing);
      }
    });

    it.each([
      ['text', 'string'],
      [undefined, 'undefined'],
      [null, 'null'],
      [7, 'number'],
      [[1, 2, 3], 'object'],
      [{ length: 3 }, 'object'],
    ])('does not read %j', (given, seen) => {
      for (const call of [
        () => hashed(hash, name, given as never),
        () => open(hash, name).update(given as never),
      ]) {
        const { code, message } = thrownBy(call);
        expect(code).toBe('invalid_data');
        expect(message).toContain(`(${seen})`);
      }
    });

    it('does not take a detached buffer for an empty one', () => {
      const bytes = NOISE.slice();
      const { buffer } = bytes;
      const views = [bytes, new DataView(buffer), new BigInt64Array(buffer, 8, 1), buffer];
      structuredClone(buffer, { transfer: [buffer] });
      const stream = open(hash, name).update(NOISE.subarray(0, 50));
      for (const view of views) {
        const { code, message } = thrownBy(() => hashed(hash, name, view));
        expect(code).toBe('invalid_data');
        expect(message).toContain('detached');
        expect(thrownBy(() => stream.update(view)).code).toBe('invalid_data');
      }
      expect(stream.digest()).toBe(oracle(name, NOISE.subarray(0, 50)));
    });

    it.each([-1, 0.5, 2 ** 64, Number.NaN, '0', null, {}, -1n, 2n ** 64n])(
      'does not take %s for a seed',
      (seed) => {
        for (const call of [
          () => hashed(hash, name, NOISE, seed as never),
          () => open(hash, name, seed as never),
        ]) {
          const { code, message } = thrownBy(call);
          expect(code).toBe('invalid_option');
          expect(message).toMatch(/^seed is .*; give a /);
        }
      },
    );
  });

  it('a seed of the wrong kind is refused', () => {
    expect(thrownBy(() => hash.xxh64(NOISE, 1 as never)).message).toMatch(
      /^seed is 1; give a bigint /,
    );
    expect(thrownBy(() => hash.crc32(NOISE, 1n as never)).message).toMatch(
      /^seed is 1; give a number, /,
    );
    expect(thrownBy(() => hash.xxh32(NOISE, 2 ** 32)).code).toBe('invalid_option');
  });

  it.each(['md5', '', 'XXH64', undefined, {}])('there is no hash %j', (name) => {
    const { code, message } = thrownBy(() => hash.createHash(name as never));
    expect(code).toBe('invalid_option');
    expect(message).toContain("'crc32', 'crc32c', 'adler32', 'xxh32' or 'xxh64'");
  });

  it.each(['crc32', 'crc32c', 'adler32'] as const)('%s goes on from what it was', (name) => {
    const before = hash[name](NOISE.subarray(0, 70_000));
    expect(hash[name](NOISE.subarray(70_000), before)).toBe(hash[name](NOISE));
  });

  it('streams take turns', () => {
    const streams = [...NAMES, ...NAMES].map((name, i) => ({
      name,
      start: i * 100,
      end: i * 100,
      stream: open(hash, name),
    }));
    for (let round = 0; round < 300; round++) {
      const one = streams[random.below(streams.length)]!;
      const end = one.end + random.below(100);
      one.stream.update(NOISE.subarray(one.end, end));
      one.end = end;
      if (round % 7 === 0) hash.xxh64(NOISE.subarray(0, round * 300));
      if (round % 11 === 0) one.stream.digest();
    }
    for (const { name, start, end, stream } of streams) {
      expect(stream.digest(), name).toBe(oracle(name, NOISE.subarray(start, end)));
    }
  });
});

describe('otlp-wasm/hash', () => {
  it('is what node:zlib says', () => {
    const { crc32 } = zlib as { crc32?: (bytes: Uint8Array, seed?: number) => number };
    const hash = hashesOn(hashesSources);
    // The trailers of gzip (RFC 1952, 2.3.1) and zlib (RFC 1950, 2.2).
    const member = zlib.gzipSync(NOISE);
    expect(hash.crc32(NOISE)).toBe(member.readUInt32LE(member.length - 8));
    const stream = zlib.deflateSync(NOISE);
    expect(hash.adler32(NOISE)).toBe(stream.readUInt32BE(stream.length - 4));
    if (crc32 !== undefined) expect(hash.crc32(NOISE, 5)).toBe(crc32(NOISE, 5));
  });

  it('does nothing before the first call', () => {
    let asked = 0;
    const simd = () => {
      asked++;
      return hashesSources.simd();
    };
    const hash = hashesOn({ ...hashesSources, simd });
    expect(asked).toBe(0);
    hash.crc32(NOISE);
    hash.createHash('xxh64').update(NOISE);
    expect(asked).toBe(1);
  });

  it('has to be ready where engines must be loaded', async () => {
    const portable = async () => hashesSources.portable();
    const hash = hashesOn({ simd: refused, scalar: refused, portable });
    for (const call of [
      () => hash.crc32(NOISE),
      () => hash.xxh64(NOISE),
      () => hash.createHash('adler32'),
      () => hash.createHash('xxh32'),
    ]) {
      const { code, message } = thrownBy(call);
      expect(code).toBe('engine_unavailable');
      expect(message).toContain("'await ready()' of 'otlp-wasm/hash'");
    }
    await hash.ready();
    expect(hash.xxh64(NOISE)).toBe(ofPrefix('xxh64', NOISE.length));
  });

  it('says which arguments are wrong even before it is ready', () => {
    const hash = hashesOn({ simd: refused, scalar: refused, portable: refused });
    expect(thrownBy(() => hash.crc32('text' as never)).code).toBe('invalid_data');
    expect(thrownBy(() => hash.createHash('xxh32', -1)).code).toBe('invalid_option');
  });

  it('fails clearly where no engine works', async () => {
    const hash = hashesOn({ simd: refused, scalar: refused, portable: refused });
    expect(thrownBy(() => hash.crc32(NOISE)).code).toBe('engine_unavailable');
    await expect(hash.ready()).rejects.toMatchObject({ code: 'engine_unavailable' });
  });
});
