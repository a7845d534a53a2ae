/** The vocabulary of 16-byte lanes over v128. Its twin without SIMD is `scalar.ts`. */

// @ts-ignore: decorator
@inline
export function copy16(dst: i32, src: i32): void {
  v128.store(dst, v128.load(src, 0, 1), 0, 1);
}

// @ts-ignore: decorator
@inline
export function xor5(dst: i32, a: i32, b: i32, c: i32, d: i32, e: i32): void {
  const ab = v128.xor(v128.load(a, 0, 1), v128.load(b, 0, 1));
  const cd = v128.xor(v128.load(c, 0, 1), v128.load(d, 0, 1));
  v128.store(dst, v128.xor(v128.xor(ab, cd), v128.load(e, 0, 1)), 0, 1);
}

// @ts-ignore: decorator
@inline
export function common32(a: i32, b: i32): i32 {
  const low = i8x16.bitmask(i8x16.eq(v128.load(a, 0, 1), v128.load(b, 0, 1)));
  const high = i8x16.bitmask(i8x16.eq(v128.load(a, 16, 1), v128.load(b, 16, 1)));
  return ctz(~(low | (high << 16)));
}
