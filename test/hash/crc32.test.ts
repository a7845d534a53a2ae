import { describe, expect, it } from 'vitest';
import { coreEngines } from '../support/core.ts';
import { randomFrom } from '../support/random.ts';

const SRC = 0x100000;

/** Bit by bit, as the polynomial is defined. */
function naive(seed: number, bytes: Uint8Array): number {
  let crc = ~seed;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc;
}

/** The folding of vectors: 300 of them behind each other, and from which length it is used. */
const SPAN = 300 * 16;
const WORTHWHILE = SPAN + SPAN / 2;
const CHUNK = 16 * 1024;

describe.each(coreEngines())('crc32 ($name)', ({ exports, memory }) => {
  const view = new Uint8Array(memory.buffer);
  const place = (bytes: Uint8Array, offset = 0) => {
    view.set(bytes, SRC + offset);
    return SRC + offset;
  };
  const random = randomFrom(1);
  const noise = Uint8Array.from({ length: 200_000 }, () => random.below(256));

  it.each([
    ['', 0],
    ['a', 0xe8b7be43],
    ['abc', 0x352441c2],
    ['123456789', 0xcbf43926],
    ['The quick brown fox jumps over the lazy dog', 0x414fa339],
  ])('knows %j', (text, crc) => {
    const bytes = new TextEncoder().encode(text);
    expect(exports.crc32(0, place(bytes), bytes.length) >>> 0).toBe(crc);
  });

  it('agrees with the definition at every length up to 300', () => {
    for (let length = 0; length <= 300; length++) {
      const bytes = noise.subarray(length, 2 * length);
      const seed = random.below(2 ** 32) | 0;
      expect(exports.crc32(seed, place(bytes), length), `${length}`).toBe(naive(seed, bytes));
    }
  });

  it('agrees with the definition around every boundary of the folding', () => {
    const edges = [WORTHWHILE, SPAN + CHUNK, SPAN + 2 * CHUNK, SPAN + 3 * CHUNK, 65536, 131072];
    for (const edge of edges) {
      for (const delta of [-17, -16, -15, -1, 0, 1, 15, 16, 17, 31, 32]) {
        const bytes = noise.subarray(5, 5 + edge + delta);
        const at = place(bytes, (edge + delta) % 16);
        expect(exports.crc32(-7, at, bytes.length), `${bytes.length}`).toBe(naive(-7, bytes));
      }
    }
  });

  it('gives the same for any split into chunks', () => {
    const whole = naive(0, noise);
    for (let round = 0; round < 40; round++) {
      const at = place(noise, random.below(64));
      let crc = 0;
      for (let done = 0; done < noise.length; ) {
        const longest = [40, 5000, 30_000, noise.length][round % 4];
        const length = Math.min(random.below(longest), noise.length - done);
        crc = exports.crc32(crc, at + done, length);
        done += length;
      }
      expect(crc).toBe(whole);
    }
  });

  it('sees every single byte that changes', () => {
    const length = WORTHWHILE + 1000;
    const at = place(noise.subarray(0, length));
    const before = exports.crc32(0, at, length);
    for (let i = 0; i < length; i += 7) {
      view[at + i] ^= 0x10;
      expect(exports.crc32(0, at, length), `byte ${i}`).not.toBe(before);
      view[at + i] ^= 0x10;
    }
    expect(exports.crc32(0, at, length)).toBe(before);
  });
});
