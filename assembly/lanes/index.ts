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
