/**
 * A gzip member (RFC 1952) around DEFLATE. The core has the one level `fast`: built to take less
 * time than zlib's level 1 at no worse a ratio.
 */

import { crc32 } from '../hash/crc32';
import { store32, store64 } from '../lanes/unaligned';
import { STATUS_NO_ROOM } from '../status';
import { endBits, startBits, writeFast } from './deflate';
import { inform } from './match';
import { GZIP_TRAILER_BYTES } from './trailers';

export const GZIP_HEADER_BYTES: i32 = 10;

/** Magic, method 8, no flags, no time; XFL, OS 255 (unknown). */
// @ts-ignore: decorator
@inline
export function writeGzipHeader(dst: i32, extraFlags: i32): void {
  store64(dst, 0x00088b1f);
  store32(dst + 8, 0xff00 | extraFlags);
}

/** Checksum and length, behind the data. */
// @ts-ignore: decorator
@inline
export function writeGzipTrailer(crc: u32, length: i32, end: i32): void {
  store32(end, crc);
  store32(end + 4, length);
}

/**
 * Compresses `length` bytes at `src` to `dst`; returns the member's length, or STATUS_NO_ROOM
 * if that is more than `capacity`. A capacity of length + 5 * ceil(length / 32768) + 64 always
 * suffices. `informed` says that `src` is what encodeBatch wrote last, so that its opaque fields
 * are known (match.ts). The output depends on the input and on that alone.
 *
 * bounds: the header ends 12 bytes from `dst`, which the overshoot covers at any capacity; the
 * data ends where the trailer still fits; both areas have OVERSHOOT_BYTES behind them.
 */
export function gzipFast(src: i32, length: i32, dst: i32, capacity: i32, informed: i32): i32 {
  const crc = crc32(0, src, length);
  inform(informed);
  writeGzipHeader(dst, 4);
  startBits(dst + GZIP_HEADER_BYTES);
  if (!writeFast(src, src + length, 1, dst + capacity - GZIP_TRAILER_BYTES)) return STATUS_NO_ROOM;
  const end = endBits();
  writeGzipTrailer(crc, length, end);
  return end + GZIP_TRAILER_BYTES - dst;
}
