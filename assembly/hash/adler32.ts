/**
 * Adler-32 (RFC 1950, 8.2): the sum of all bytes and the sum of those sums, modulo 65521.
 *
 * The remainder is taken as rarely as 32 bits allow: after n bytes from remainders the sum of sums
 * is at most 255 n (n + 1) / 2 + (n + 1) (MODULUS - 1), below 2^32 up to n = 5552.
 */

const MODULUS: u32 = 65521;
const LONGEST: i32 = 5552;

/**
 * Adler-32 of `length` bytes at `src`, continuing from `seed`: the checksum of what came before,
 * 1 at the start.
 *
 * bounds: reads exactly [src, src + length).
 */
export function adler32(seed: i32, src: i32, length: i32): i32 {
  let sum: u32 = seed & 0xffff;
  let sums: u32 = (<u32>seed) >>> 16;
  while (length > 0) {
    const size = min(length, LONGEST);
    for (const end = src + size; src != end; src++) {
      sum += load<u8>(src);
      sums += sum;
    }
    sum %= MODULUS;
    sums %= MODULUS;
    length -= size;
  }
  return sum | (sums << 16);
}
