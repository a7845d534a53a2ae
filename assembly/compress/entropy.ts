/**
 * What symbols cost before they have codes: their entropy, in 256ths of a bit, from integers, so
 * that every engine decides the same.
 */

import { DISTANCE_SYMBOLS, LITERAL_SYMBOLS } from './match';

/**
 * The logarithm of n to the base 2, 256 to the bit, for 0 < n < 2^18: with m = n / 2^floor between
 * 1 and 2, that of m is taken for m - 1 + 0.346 (m - 1) (2 - m), which is off by 0.012 at most.
 */
// @ts-ignore: decorator
@inline
export function log2(n: u32): u32 {
  const whole = 31 - clz(n);
  const m = ((n << 14) >>> whole) & 0x3fff;
  return (whole << 8) + ((m + ((m * (0x4000 - m)) >>> 14) * 89 / 257) >>> 6);
}

/** Entropy of n symbols, counted in two histograms together. */
function entropyOf(a: i32, b: i32, n: i32): u32 {
  let total: u32 = 0;
  let sum: u32 = 0;
  for (const end = a + n * 4; a < end; a += 4) {
    const frequency = load<u32>(a) + load<u32>(b);
    total += frequency;
    sum += frequency * log2(frequency | 1);
    b += 4;
  }
  return total * log2(total | 1) - sum;
}

/** The same of a block whose literals and lengths, then distances, were counted. */
export function entropy(a: i32, b: i32): u32 {
  return (
    entropyOf(a, b, LITERAL_SYMBOLS) +
    entropyOf(a + LITERAL_SYMBOLS * 4, b + LITERAL_SYMBOLS * 4, DISTANCE_SYMBOLS)
  );
}
