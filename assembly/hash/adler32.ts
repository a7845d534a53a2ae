/**
 * Adler-32 (RFC 1950, 8.2): the sum of all bytes, and the sum of what that was after each of them,
 * modulo 65521.
 *
 * The second sum has the first byte of n as often as n, the last once. So bytes are taken many at a
 * time: before them the first sum is s; they add `length * s` and themselves, weighted by their
 * distance from the end.
 *
 * The remainder is taken as rarely as 32 bits allow: after n bytes from 16-bit sums the second
 * is at most 255 n (n + 1) / 2 + (n + 1) 65535, below 2^32 up to n = 5552.
 */

import { sums } from '../lanes/index';

const MODULUS: u32 = 65521;
/** Bytes of which `sums` takes a multiple. */
const STEP: i32 = 32;
const LONGEST: i32 = 173 * STEP;

/**
 * Adler-32 of `length` bytes at `src`, continuing from `seed`: the checksum of what came before,
 * 1 at the start.
 *
 * bounds: reads exactly [src, src + length).
 */
export function adler32(seed: i32, src: i32, length: i32): i32 {
  let first: u32 = seed & 0xffff;
  let second: u32 = (<u32>seed) >>> 16;
  while (length > 0) {
    const size = min(length, LONGEST);
    const steps = size & -STEP;
    const added = sums(src, steps);
    second += first * steps + <u32>(added >>> 32);
    first += <u32>added;
    src += steps;
    for (let left = size - steps; left > 0; left--) {
      first += load<u8>(src++);
      second += first;
    }
    first %= MODULUS;
    second %= MODULUS;
    length -= size;
  }
  return first | (second << 16);
}
