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
export function xor6(dst: i32, a: i32, b: i32, c: i32, d: i32, e: i32, f: i32): void {
  const ab = v128.xor(v128.load(a, 0, 1), v128.load(b, 0, 1));
  const cd = v128.xor(v128.load(c, 0, 1), v128.load(d, 0, 1));
  const ef = v128.xor(v128.load(e, 0, 1), v128.load(f, 0, 1));
  v128.store(dst, v128.xor(v128.xor(ab, cd), ef), 0, 1);
}

// @ts-ignore: decorator
@inline
export function common32(a: i32, b: i32): i32 {
  const low = i8x16.bitmask(i8x16.eq(v128.load(a, 0, 1), v128.load(b, 0, 1)));
  const high = i8x16.bitmask(i8x16.eq(v128.load(a, 16, 1), v128.load(b, 16, 1)));
  return ctz(~(low | (high << 16)));
}

export function sums(src: i32, length: i32): u64 {
  // Before each step of 32 bytes, all bytes so far; a step adds them 32 times.
  let before = i32x4.splat(0);
  let first = i32x4.splat(0);
  let second = i32x4.splat(0);
  for (const end = src + length; src != end; src += 32) {
    const a = v128.load(src, 0, 1);
    const b = v128.load(src, 16, 1);
    before = i32x4.add(before, first);
    const pairs = i16x8.add(i16x8.extadd_pairwise_i8x16_u(a), i16x8.extadd_pairwise_i8x16_u(b));
    first = i32x4.add(first, i32x4.extadd_pairwise_i16x8_u(pairs));
    const a1 = i32x4.dot_i16x8_s(
      i16x8.extend_low_i8x16_u(a),
      i16x8(32, 31, 30, 29, 28, 27, 26, 25),
    );
    const a2 = i32x4.dot_i16x8_s(
      i16x8.extend_high_i8x16_u(a),
      i16x8(24, 23, 22, 21, 20, 19, 18, 17),
    );
    const b1 = i32x4.dot_i16x8_s(
      i16x8.extend_low_i8x16_u(b),
      i16x8(16, 15, 14, 13, 12, 11, 10, 9),
    );
    const b2 = i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(b), i16x8(8, 7, 6, 5, 4, 3, 2, 1));
    second = i32x4.add(second, i32x4.add(i32x4.add(a1, a2), i32x4.add(b1, b2)));
  }
  second = i32x4.add(second, i32x4.shl(before, 5));
  return <u64>total(first) | ((<u64>total(second)) << 32);
}

/** Of the four words. */
// @ts-ignore: decorator
@inline
function total(v: v128): u32 {
  return (
    i32x4.extract_lane(v, 0) +
    i32x4.extract_lane(v, 1) +
    i32x4.extract_lane(v, 2) +
    i32x4.extract_lane(v, 3)
  );
}

// @ts-ignore: decorator
@inline
export function equal32(a: i32, b: i32): i32 {
  const low = i8x16.bitmask(i8x16.eq(v128.load(a, 0, 1), v128.load(b, 0, 1)));
  const high = i8x16.bitmask(i8x16.eq(v128.load(a, 16, 1), v128.load(b, 16, 1)));
  return low | (high << 16);
}
