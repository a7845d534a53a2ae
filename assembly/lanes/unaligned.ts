/**
 * Loads and stores at any address. They say align 1 because `wasm2js` trusts the alignment
 * written in the instruction and would otherwise land on the aligned address; on a real
 * engine the hint costs nothing.
 */

// @ts-ignore: decorator
@inline
export function load16(p: i32): i32 {
  return <i32>load<u16>(p, 0, 1);
}

// @ts-ignore: decorator
@inline
export function load32(p: i32): u32 {
  return load<u32>(p, 0, 1);
}

// @ts-ignore: decorator
@inline
export function load64(p: i32): u64 {
  return load<u64>(p, 0, 1);
}

// @ts-ignore: decorator
@inline
export function store16(p: i32, value: i32): void {
  store<u16>(p, <u16>value, 0, 1);
}

// @ts-ignore: decorator
@inline
export function store32(p: i32, value: u32): void {
  store<u32>(p, value, 0, 1);
}

// @ts-ignore: decorator
@inline
export function store64(p: i32, value: u64): void {
  store<u64>(p, value, 0, 1);
}
