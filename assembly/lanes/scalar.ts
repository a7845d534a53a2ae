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
