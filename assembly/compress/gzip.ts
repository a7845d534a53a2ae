/**
 * A gzip member (RFC 1952) around DEFLATE at the one level this binary has, `fast`: built to
 * take less time than zlib's level 1 at no worse a ratio.
 */

import { crc32 } from '../hash/crc32';
import { store32, store64 } from '../lanes/unaligned';
import { STATUS_NO_ROOM } from '../status';
import { deflate } from './deflate';
import { HEADS, HEADS_BYTES } from './match';

const HEADER_BYTES: i32 = 10;
const TRAILER_BYTES: i32 = 8;

/**
 * Compresses `length` bytes at `src` to `dst`; returns the member's length, or STATUS_NO_ROOM
 * if that is more than `capacity`. A capacity of length + 5 * ceil(length / 32768) + 64 always
 * suffices. The output depends on the input alone.
 *
 * bounds: the header ends 12 bytes from `dst`, which the overshoot covers at any capacity; the
 * data ends where the trailer still fits; both areas have OVERSHOOT_BYTES behind them.
 */
export function gzipFast(src: i32, length: i32, dst: i32, capacity: i32): i32 {
  const crc = crc32(0, src, length);
  memory.fill(HEADS, 0, HEADS_BYTES);
  // Magic, method 8, no flags, no time; XFL 4 (fastest), OS 255 (unknown).
  store64(dst, 0x00088b1f);
  store32(dst + 8, 0xff04);
  const end = deflate(src, src + length, dst + HEADER_BYTES, dst + capacity - TRAILER_BYTES);
  if (end == STATUS_NO_ROOM) return end;
  store32(end, crc);
  store32(end + 4, length);
  return end + TRAILER_BYTES - dst;
}
