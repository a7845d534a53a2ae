/** Groups: what many records share, encoded once (buffer/strings.ts draws it). */

import {
  GROUP_HEADER_BYTES,
  GROUP_PARENT,
  GROUP_POSTLUDE,
  GROUP_PRELUDE,
  GROUP_SERIAL,
} from '../buffer/strings';
import { CONTROL_SERIAL } from '../memory';
import { STATUS_NO_ROOM } from '../status';
import { padded, writeAttributes, writeBytes } from './attribute';
import { FIXED_BYTES, writeCount } from './field';
import { closeLength } from './varint';

/**
 * Encodes a group (buffer/record.ts: group) at `dst`: a resource when `parent` is 0, else a
 * scope of that resource. Returns the bytes it takes there, a multiple of 4, or
 * STATUS_NO_ROOM when that would be more than `limit`.
 */
export function defineGroup(src: i32, dst: i32, limit: i32, parent: i32): i32 {
  const end = dst + limit;
  const urlBytes = load<i32>(src);
  let r = src + 4 + padded(urlBytes);
  const attributes = load<i32>(r);
  const dropped = load<u32>(r + 4);
  r += 8;
  let p = dst + GROUP_HEADER_BYTES;
  if (end - p < FIXED_BYTES + urlBytes) return STATUS_NO_ROOM;
  store<u8>(p, 0x0a);
  const at = p + 1;
  p = at + 2;
  let attributeTag = 0x0a;
  let droppedTag = 0x10;
  if (parent != 0) {
    attributeTag = 0x1a;
    droppedTag = 0x20;
    for (let tag = 0x0a; tag <= 0x12; tag += 8) {
      const n = load<i32>(r);
      if (end - p - FIXED_BYTES < n) return STATUS_NO_ROOM;
      if (n > 0) p = writeBytes(p, tag, r + 4, n);
      r += 4 + padded(n);
    }
  }
  p = writeAttributes(p, end, attributeTag, attributes, r);
  if (p == 0 || end - p < FIXED_BYTES + urlBytes) return STATUS_NO_ROOM;
  p = closeLength(at, 2, writeCount(p, droppedTag, dropped));
  // An envelope with nothing in it is not sent: an empty scope or resource is left out.
  if (p == dst + GROUP_HEADER_BYTES + 2) p -= 2;
  const prelude = p - dst - GROUP_HEADER_BYTES;
  if (urlBytes > 0) p = writeBytes(p, 0x1a, src + 4, urlBytes);
  store<i32>(dst + GROUP_SERIAL, load<i32>(CONTROL_SERIAL));
  store<i32>(dst + GROUP_PARENT, parent);
  store<i32>(dst + GROUP_PRELUDE, prelude);
  store<i32>(dst + GROUP_POSTLUDE, p - dst - GROUP_HEADER_BYTES - prelude);
  return padded(p - dst);
}
