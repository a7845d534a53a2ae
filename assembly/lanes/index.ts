/**
 * Picks the lanes at compile time. Kernels are written over this small vocabulary;
 * `v128` appears in `simd.ts` only.
 */

import * as scalar from './scalar';
import * as simd from './simd';

/** Copies 16 bytes between two places that do not overlap, or overlap by 16 or more. */
// @ts-ignore: decorator
@inline
export function copy16(dst: i32, src: i32): void {
  if (ASC_FEATURE_SIMD) simd.copy16(dst, src);
  else scalar.copy16(dst, src);
}

/** Stores at dst the exclusive or of the 16 bytes at each of five places. */
// @ts-ignore: decorator
@inline
export function xor5(dst: i32, a: i32, b: i32, c: i32, d: i32, e: i32): void {
  if (ASC_FEATURE_SIMD) simd.xor5(dst, a, b, c, d, e);
  else scalar.xor5(dst, a, b, c, d, e);
}

/** Stores at dst the exclusive or of the 16 bytes at each of six places. */
// @ts-ignore: decorator
@inline
export function xor6(dst: i32, a: i32, b: i32, c: i32, d: i32, e: i32, f: i32): void {
  if (ASC_FEATURE_SIMD) simd.xor6(dst, a, b, c, d, e, f);
  else scalar.xor6(dst, a, b, c, d, e, f);
}

/** How many of the 32 bytes at a and at b agree, from the first one on. */
// @ts-ignore: decorator
@inline
export function common32(a: i32, b: i32): i32 {
  return ASC_FEATURE_SIMD ? simd.common32(a, b) : scalar.common32(a, b);
}

/**
 * The sum of the bytes of [src, src + length), in the lower half, and the sum of each times its
 * distance from the end, in the upper half. `length` is a multiple of 32 and at most 5536.
 */
// @ts-ignore: decorator
@inline
export function sums(src: i32, length: i32): u64 {
  return ASC_FEATURE_SIMD ? simd.sums(src, length) : scalar.sums(src, length);
}

/** A bit for each of the 32 bytes at a that is the same at b, from the lowest on. */
// @ts-ignore: decorator
@inline
export function equal32(a: i32, b: i32): i32 {
  return ASC_FEATURE_SIMD ? simd.equal32(a, b) : scalar.equal32(a, b);
}
