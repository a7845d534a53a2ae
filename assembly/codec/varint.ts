/** Base-128 varints, always of minimal length (protobuf encoding, "Base 128 Varints"). */

/** Bytes that `value` takes as a varint, 1..5. */
// @ts-ignore: decorator
@inline
export function varintSize(value: u32): i32 {
  // 1 + floor(log2(value) / 7), without a division or a branch.
  return <i32>(((31 - clz<u32>(value | 1)) * 9 + 73) >> 6);
}

/** Bytes that a 64-bit `value` takes as a varint, 1..10. */
export function varint64Size(value: u64): i32 {
  return <i32>(((63 - clz<u64>(value | 1)) * 9 + 73) >> 6);
}

function writeLongVarint(p: i32, value: u32): i32 {
  // bounds: at most 5 bytes; every caller has left that much room before its limit.
  do {
    store<u8>(p++, value | 0x80);
    value >>= 7;
  } while (value > 0x7f);
  store<u8>(p, value);
  return p + 1;
}

/** Writes `value` at `p`; returns where the next byte goes. */
// @ts-ignore: decorator
@inline
export function writeVarint(p: i32, value: u32): i32 {
  if (value < 0x80) {
    store<u8>(p, value);
    return p + 1;
  }
  return writeLongVarint(p, value);
}

export function writeVarint64(p: i32, value: u64): i32 {
  // bounds: at most 10 bytes; the callers check for a whole attribute at a time.
  while (value > 0x7f) {
    store<u8>(p++, <u8>value | 0x80);
    value >>= 7;
  }
  store<u8>(p, <u8>value);
  return p + 1;
}

/**
 * Closes a length-delimited field: `width` bytes were reserved at `at` for its length and
 * its content ends at `end`. Moves the content when the length needs another width, so that
 * varints stay minimal whatever was guessed. Returns the field's new end.
 */
export function closeLength(at: i32, width: i32, end: i32): i32 {
  const length = end - at - width;
  const needed = varintSize(length);
  // bounds: the content moves by at most 4 bytes up, into the overshoot every buffer has.
  if (needed != width) memory.copy(at + needed, at + width, length);
  writeVarint(at, length);
  return at + needed + length;
}
