/** The vocabulary of 16-byte lanes over v128. Its twin without SIMD is `scalar.ts`. */

// @ts-ignore: decorator
@inline
export function copy16(dst: i32, src: i32): void {
  v128.store(dst, v128.load(src, 0, 1), 0, 1);
}
