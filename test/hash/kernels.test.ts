import { describe, expect, it } from 'vitest';
import {
  STREAM_DIGEST,
  STREAM_STATE,
  STREAM_STATE_BYTES,
} from '../../src/engine/generated/layout.ts';
import { FREE, hashesBinaries } from '../support/binaries.ts';
import { randomFrom } from '../support/random.ts';
import { naiveAdler32, naiveCrc, naiveXxh32, naiveXxh64 } from './oracles.ts';

const LONGEST = 300_000;

type Hash = (bytes: Uint8Array, seed: bigint) => bigint;

/** A hash of the binary: of a piece of memory, and of what stands in several, one after the other. */
interface Kernel {
  readonly seedBits: number;
  readonly begin: bigint;
  readonly oracle: Hash;
  /** Published check values. */
  readonly known: readonly (readonly [text: string, digest: bigint])[];
  /** Lengths at which something else begins. */
  readonly edges: readonly number[];
  whole(seed: bigint, at: number, length: number): bigint;
  pieces(seed: bigint, pieces: readonly (readonly [at: number, length: number])[]): bigint;
}

const SPAMMISH = 'Nobody inspects the spammish repetition';
const CHECK = '123456789';

describe.each(hashesBinaries(LONGEST))('hashes ($engine)', ({ exports, buffer }) => {
  const memory = new Uint8Array(buffer);
  const view = new DataView(buffer);
  const random = randomFrom(7);
  const noise = Uint8Array.from({ length: LONGEST }, () => random.below(256));
  const place = (bytes: Uint8Array, offset = 0) => {
    memory.set(bytes, FREE + offset);
    return FREE + offset;
  };

  const low = (seed: bigint) => Number(BigInt.asIntN(32, seed));
  const high = (seed: bigint) => Number(BigInt.asIntN(32, seed >> 32n));
  const unsigned = (value: number) => BigInt(value >>> 0);
  const chained = (crc: (seed: number, at: number, length: number) => number) => ({
    seedBits: 32,
    whole: (seed: bigint, at: number, length: number) => unsigned(crc(low(seed), at, length)),
    pieces: (seed: bigint, pieces: readonly (readonly [number, number])[]) => {
      let value = low(seed);
      for (const [at, length] of pieces) value = crc(value, at, length);
      return unsigned(value);
    },
  });

  const kernels: Record<string, Kernel> = {
    crc32: {
      ...chained(exports.crc32),
      begin: 0n,
      oracle: (bytes, seed) => BigInt(naiveCrc(0xedb88320, bytes, low(seed))),
      known: [
        ['', 0n],
        [CHECK, 0xcbf43926n],
      ],
      edges: [16, 7200, 65536],
    },
    crc32c: {
      ...chained(exports.crc32c),
      begin: 0n,
      oracle: (bytes, seed) => BigInt(naiveCrc(0x82f63b78, bytes, low(seed))),
      known: [
        ['', 0n],
        [CHECK, 0xe3069283n],
        // RFC 3720, B.4
        ['\0'.repeat(32), 0x8a9136aan],
      ],
      // From 5016 on, vectors are struck out, 16 KiB at a time but for the last 3344.
      edges: [16, 5016, 3344 + 16_384, 3344 + 32_768, 65536],
    },
    adler32: {
      ...chained(exports.adler32),
      begin: 1n,
      oracle: (bytes, seed) => BigInt(naiveAdler32(bytes, Number(seed))),
      known: [
        ['', 1n],
        ['Wikipedia', 0x11e60398n],
      ],
      edges: [16, 32, 64, 5536, 5552, 2 * 5536, 65536],
    },
    xxh32: {
      seedBits: 32,
      begin: 0n,
      oracle: (bytes, seed) => BigInt(naiveXxh32(bytes, Number(seed))),
      known: [
        ['', 0x02cc5d05n],
        ['a', 0x550d7456n],
        ['abc', 0x32d153ffn],
        [SPAMMISH, 0xe2293b2fn],
      ],
      edges: [4, 16, 32, 65536],
      whole: (seed, at, length) => unsigned(exports.xxh32(low(seed), at, length)),
      pieces(seed, pieces) {
        exports.xxh32Start(low(seed));
        for (const [at, length] of pieces) exports.xxh32Update(at, length);
        return unsigned(exports.xxh32Digest());
      },
    },
    xxh64: {
      seedBits: 64,
      begin: 0n,
      oracle: naiveXxh64,
      known: [
        ['', 0xef46db3751d8e999n],
        ['a', 0xd24ec4f1a98c6e5bn],
        ['abc', 0x44bc2cf5ad770999n],
        [SPAMMISH, 0xfbcea83c8a378bf1n],
      ],
      edges: [4, 8, 32, 64, 65536],
      whole(seed, at, length) {
        exports.xxh64(low(seed), high(seed), at, length);
        return view.getBigUint64(STREAM_DIGEST, true);
      },
      pieces(seed, pieces) {
        exports.xxh64Start(low(seed), high(seed));
        for (const [at, length] of pieces) exports.xxh64Update(at, length);
        exports.xxh64Digest();
        return view.getBigUint64(STREAM_DIGEST, true);
      },
    },
  };

  describe.each(Object.entries(kernels))('%s', (name, kernel) => {
    const anySeed = () => {
      const seed = (BigInt(random.below(2 ** 32)) << 32n) | BigInt(random.below(2 ** 32));
      return BigInt.asUintN(kernel.seedBits, seed);
    };

    it.each(kernel.known)('knows %j', (text, digest) => {
      const bytes = new TextEncoder().encode(text);
      expect(kernel.whole(kernel.begin, place(bytes), bytes.length)).toBe(digest);
    });

    it('agrees with the definition at every length up to 300, wherever the bytes stand', () => {
      for (let length = 0; length <= 300; length++) {
        const bytes = noise.subarray(length, 2 * length);
        const seed = anySeed();
        const at = place(bytes, length % 67);
        expect(kernel.whole(seed, at, length), `${length}`).toBe(kernel.oracle(bytes, seed));
      }
    });

    it('agrees with the definition around its edges', () => {
      for (const edge of kernel.edges) {
        for (const delta of [-17, -16, -1, 0, 1, 15, 16, 33]) {
          const bytes = noise.subarray(3, 3 + Math.max(0, edge + delta));
          const seed = anySeed();
          const at = place(bytes, edge % 5);
          expect(kernel.whole(seed, at, bytes.length), `${bytes.length}`).toBe(
            kernel.oracle(bytes, seed),
          );
        }
      }
    });

    it('agrees with the definition on the largest bytes, where sums overflow first', () => {
      const bytes = new Uint8Array(70_000).fill(255);
      const at = place(bytes);
      const seed = name === 'adler32' ? 0xffffffffn : anySeed();
      expect(kernel.whole(seed, at, bytes.length)).toBe(kernel.oracle(bytes, seed));
    });

    it('gives the same for any split into pieces', () => {
      for (let round = 0; round < 60; round++) {
        const length = [90, 700, 20_000, LONGEST - 100][round % 4]!;
        const longest = [9, 40, 5000, 60_000][random.below(4)]!;
        const at = place(noise.subarray(0, length), random.below(64));
        const seed = anySeed();
        const pieces: [number, number][] = [];
        for (let done = 0; done < length; ) {
          const size = Math.min(random.below(longest), length - done);
          pieces.push([at + done, size]);
          done += size;
        }
        expect(kernel.pieces(seed, pieces)).toBe(kernel.whole(seed, at, length));
      }
    });

    it('leaves what it reads, and what stands around it, as it is', () => {
      memory.fill(0x5a, FREE);
      place(noise.subarray(0, 20_000), 100);
      const before = memory.slice(FREE);
      kernel.whole(anySeed(), FREE + 100, 20_000);
      kernel.pieces(anySeed(), [
        [FREE + 100, 7],
        [FREE + 107, 19_993],
      ]);
      expect(Buffer.compare(memory.subarray(FREE), before)).toBe(0);
    });
  });

  it('two streams take turns when their states are put back', () => {
    const state = memory.subarray(STREAM_STATE, STREAM_STATE + STREAM_STATE_BYTES);
    const at = place(noise.subarray(0, 10_000));
    exports.xxh64Start(1, 2);
    exports.xxh64Update(at, 1001);
    const first = state.slice();
    exports.xxh32Start(3);
    exports.xxh32Update(at, 77);
    const second = state.slice();
    state.set(first);
    exports.xxh64Update(at + 1001, 8999);
    exports.xxh64Digest();
    const seed = 0x2_0000_0001n;
    const whole = noise.subarray(0, 10_000);
    expect(view.getBigUint64(STREAM_DIGEST, true)).toBe(naiveXxh64(whole, seed));
    state.set(second);
    exports.xxh32Update(at + 77, 9923);
    expect(exports.xxh32Digest() >>> 0).toBe(naiveXxh32(whole, 3));
  });

  it('a stream goes on after its digest was asked for', () => {
    const at = place(noise.subarray(0, 100));
    exports.xxh64Start(0, 0);
    exports.xxh64Update(at, 45);
    exports.xxh64Digest();
    exports.xxh64Digest();
    expect(view.getBigUint64(STREAM_DIGEST, true)).toBe(naiveXxh64(noise.subarray(0, 45)));
    exports.xxh64Update(at + 45, 55);
    exports.xxh64Digest();
    expect(view.getBigUint64(STREAM_DIGEST, true)).toBe(naiveXxh64(noise.subarray(0, 100)));
  });

  it('a stream of more than 4 GiB has its length', () => {
    // 6 GiB that have left the sums as they were.
    const more = 6 * 2 ** 30;
    for (const length of [32, 40, 100]) {
      const bytes = noise.subarray(0, length);
      const at = place(bytes);
      const add = (counter: number) =>
        view.setBigUint64(counter, view.getBigUint64(counter, true) + BigInt(more), true);
      // The states have the number of bytes behind their sums.
      exports.xxh64Start(0, 0);
      exports.xxh64Update(at, length);
      add(STREAM_STATE + 32);
      exports.xxh64Digest();
      const digest = view.getBigUint64(STREAM_DIGEST, true);
      expect(digest).toBe(naiveXxh64(bytes, 0n, length + more));
      exports.xxh32Start(0);
      exports.xxh32Update(at, length);
      add(STREAM_STATE + 16);
      expect(exports.xxh32Digest() >>> 0).toBe(naiveXxh32(bytes, 0, length + more));
    }
  });
});
