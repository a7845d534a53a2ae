/** Fields that spans, log records and data points have alike. */

import { store64 } from '../lanes/unaligned';
import { copyBytes, padded, writeBytes } from './attribute';
import { writeVarint } from './varint';

/** Fixed part of a record, an event, a link or a group with its tags: never more than this. */
export const FIXED_BYTES: i32 = 160;

/** Seconds and nanoseconds as one fixed64 field. */
// @ts-ignore: decorator
@inline
export function writeTime(p: i32, tag: i32, r: i32): i32 {
  store<u8>(p, tag);
  store64(p + 1, <u64>load<u32>(r) * 1000000000 + <u64>load<u32>(r + 4));
  return p + 9;
}

/** A varint field that is left out when zero (proto3 default). */
// @ts-ignore: decorator
@inline
export function writeCount(p: i32, tag: i32, value: u32): i32 {
  if (value == 0) return p;
  store<u8>(p, tag);
  return writeVarint(p + 1, value);
}

/** A string that was interned at `ref`, or stands at `r` as length and bytes when 0. */
// @ts-ignore: decorator
@inline
export function writeName(p: i32, limit: i32, tag: i32, ref: i32, r: i32): i32 {
  const n = ref != 0 ? load<i32>(ref) : load<i32>(r);
  if (n > limit - p - 16) return 0;
  if (n == (ref != 0 ? 2 : 0)) return p; // empty: left out
  if (ref == 0) return writeBytes(p, tag, r + 4, n);
  // The interned form differs in its tag alone.
  copyBytes(p, ref + 4, n);
  store<u8>(p, tag);
  return p + n;
}

/** Words after a name: none when it is interned. */
// @ts-ignore: decorator
@inline
export function afterName(ref: i32, r: i32): i32 {
  return ref != 0 ? r : r + 4 + padded(load<i32>(r));
}
