/** The vocabulary of 16-byte lanes without SIMD. Its twin over v128 is `simd.ts`. */

import { load32, load64, store32, store64 } from './unaligned';

// @ts-ignore: decorator
@inline
export function copy16(dst: i32, src: i32): void {
  if (ASC_FEATURE_BULK_MEMORY) {
    const low = load64(src);
    const high = load64(src + 8);
    store64(dst, low);
    store64(dst + 8, high);
  } else {
    // Targets without bulk memory are turned into JavaScript, where 64-bit words cost two.
    const a = load32(src);
    const b = load32(src + 4);
    const c = load32(src + 8);
    const d = load32(src + 12);
    store32(dst, a);
    store32(dst + 4, b);
    store32(dst + 8, c);
    store32(dst + 12, d);
  }
}

// @ts-ignore: decorator
@inline
export function xor5(dst: i32, a: i32, b: i32, c: i32, d: i32, e: i32): void {
  store64(dst, load64(a) ^ load64(b) ^ load64(c) ^ load64(d) ^ load64(e));
  const high = load64(a + 8) ^ load64(b + 8) ^ load64(c + 8);
  store64(dst + 8, high ^ load64(d + 8) ^ load64(e + 8));
}

// @ts-ignore: decorator
@inline
export function xor6(dst: i32, a: i32, b: i32, c: i32, d: i32, e: i32, f: i32): void {
  store64(dst, load64(a) ^ load64(b) ^ load64(c) ^ load64(d) ^ load64(e) ^ load64(f));
  const high = load64(a + 8) ^ load64(b + 8) ^ load64(c + 8);
  store64(dst + 8, high ^ load64(d + 8) ^ load64(e + 8) ^ load64(f + 8));
}

// @ts-ignore: decorator
@inline
export function common32(a: i32, b: i32): i32 {
  let i = 0;
  let differ: u64 = 0;
  do {
    differ = load64(a + i) ^ load64(b + i);
    if (differ) return i + <i32>(ctz(differ) >>> 3);
    i += 8;
  } while (i < 32);
  return i;
}

const EVEN: u64 = 0x00ff00ff00ff00ff;
const ONES: u64 = 0x0001000100010001;

/** Eight bytes as two words of four 16-bit lanes; a product adds lanes up in its highest one. */
export function sums(src: i32, length: i32): u64 {
  let first: u32 = 0;
  let second: u32 = 0;
  const end = src + length;
  if (ASC_FEATURE_BULK_MEMORY) {
    for (; src != end; src += 8) {
      const word = load64(src);
      const even = word & EVEN;
      const odd = (word >> 8) & EVEN;
      second += 8 * first + <u32>(((even * 0x0008000600040002) >> 48));
      second += <u32>((odd * 0x0007000500030001) >> 48);
      first += <u32>(((even + odd) * ONES) >> 48);
    }
  } else {
    // Targets without bulk memory are turned into JavaScript, where 64-bit words cost more.
    for (; src != end; src++) {
      first += load<u8>(src);
      second += first;
    }
  }
  return <u64>first | ((<u64>second) << 32);
}

/** A bit for each of the word's bytes that is 0, from the lowest on. */
// @ts-ignore: decorator
@inline
function zeros(word: u64): i32 {
  const carries = (word & 0x7f7f7f7f7f7f7f7f) + 0x7f7f7f7f7f7f7f7f;
  const marks = ~(carries | word) & 0x8080808080808080;
  // Each mark is multiplied to a place of its own in the topmost byte.
  return <i32>(((marks >> 7) * 0x0102040810204080) >> 56);
}

// @ts-ignore: decorator
@inline
export function equal32(a: i32, b: i32): i32 {
  const first = zeros(load64(a) ^ load64(b));
  const second = zeros(load64(a + 8) ^ load64(b + 8));
  const third = zeros(load64(a + 16) ^ load64(b + 16));
  const fourth = zeros(load64(a + 24) ^ load64(b + 24));
  return first | (second << 8) | (third << 16) | (fourth << 24);
}
