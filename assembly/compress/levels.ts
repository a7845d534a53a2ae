/**
 * DEFLATE at three levels, bare and within its two wrappers. `fast` is the core's own parse and
 * writer, so it gives the bytes that the core gives.
 */

import { adler32 } from '../hash/adler32';
import { crc32 } from '../hash/crc32';
import { store16, store32 } from '../lanes/unaligned';
import { STATUS_NO_ROOM } from '../status';
import { endBits, startBits, writeFast, writeSync } from './deflate';
import { GZIP_HEADER_BYTES, writeGzipHeader, writeGzipTrailer } from './gzip';
import { LEVEL_DEFAULT, LEVEL_FAST } from './level';
import { writeSplit } from './split';
import { GZIP_TRAILER_BYTES, ZLIB_TRAILER_BYTES } from './trailers';

function writeBlocks(level: i32, src: i32, end: i32, final: i32, room: i32): bool {
  if (level > LEVEL_FAST) return writeSplit(src, end, final, room, level > LEVEL_DEFAULT);
  return writeFast(src, end, final, room);
}

/**
 * A raw DEFLATE stream (RFC 1951); returns its length or STATUS_NO_ROOM. A capacity of
 * length + 5 * ceil(length / 32768) + 64 always suffices, for the two wrappers too. The output
 * depends on the level and the input alone.
 *
 * bounds: blocks check their room; both areas have OVERSHOOT_BYTES behind them.
 */
export function deflate(level: i32, src: i32, length: i32, dst: i32, capacity: i32): i32 {
  return deflateBlocks(level, src, length, dst, capacity, 1);
}

/**
 * The same as part of a stream: unless `final`, no block is the last and an empty stored one
 * follows, so that the part ends with a byte and others can be put behind it. Nothing refers to
 * what comes before. Nothing of nothing is no bytes.
 */
export function deflateBlocks(
  level: i32,
  src: i32,
  length: i32,
  dst: i32,
  capacity: i32,
  final: i32,
): i32 {
  final = i32(final != 0);
  if (!length && !final) return 0;
  startBits(dst);
  const room = dst + capacity;
  if (!writeBlocks(level, src, src + length, final, room)) return STATUS_NO_ROOM;
  if (!final && !writeSync(room)) return STATUS_NO_ROOM;
  return endBits() - dst;
}

/**
 * What begins a zlib stream (RFC 1950); returns its length. Method 8, window of 2^15; FLEVEL 0
 * (fastest), 2 (default) or 3, and what makes the header a multiple of 31.
 */
export function zlibStart(level: i32, dst: i32): i32 {
  store16(dst, level < LEVEL_DEFAULT ? 0x0178 : level == LEVEL_DEFAULT ? 0x9c78 : 0xda78);
  return 2;
}

/** What ends one: the adler32 of all of it. Returns its length. */
export function zlibEnd(checksum: i32, dst: i32): i32 {
  store32(dst, bswap<u32>(checksum));
  return ZLIB_TRAILER_BYTES;
}

/** What begins a gzip member; returns its length. XFL tells the slowest level (2) from the fastest (4). */
export function gzipStart(level: i32, dst: i32): i32 {
  writeGzipHeader(dst, level < LEVEL_DEFAULT ? 4 : level == LEVEL_DEFAULT ? 0 : 2);
  return GZIP_HEADER_BYTES;
}

/** What ends one: the crc32 of all of it and its length, modulo 2^32. Returns its own length. */
export function gzipEnd(crc: i32, length: i32, dst: i32): i32 {
  writeGzipTrailer(crc, length, dst);
  return GZIP_TRAILER_BYTES;
}

/**
 * A zlib stream (RFC 1950).
 *
 * bounds: as for the data; the header is 2 bytes, which the overshoot covers at any capacity.
 */
export function zlib(level: i32, src: i32, length: i32, dst: i32, capacity: i32): i32 {
  startBits(dst + zlibStart(level, dst));
  const room = dst + capacity - ZLIB_TRAILER_BYTES;
  if (!writeBlocks(level, src, src + length, 1, room)) return STATUS_NO_ROOM;
  const end = endBits();
  return end + zlibEnd(adler32(1, src, length), end) - dst;
}

/** A gzip member (RFC 1952). */
export function gzip(level: i32, src: i32, length: i32, dst: i32, capacity: i32): i32 {
  const crc = crc32(0, src, length);
  startBits(dst + gzipStart(level, dst));
  const room = dst + capacity - GZIP_TRAILER_BYTES;
  if (!writeBlocks(level, src, src + length, 1, room)) return STATUS_NO_ROOM;
  const end = endBits();
  return end + gzipEnd(crc, length, end) - dst;
}
