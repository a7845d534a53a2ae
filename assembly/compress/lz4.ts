/**
 * LZ4 frames (LZ4 Frame Format 1.6.4) of independent blocks, with a checksum of the content:
 *
 * ```text
 *   magic           4   0x184d2204
 *   FLG             1   version 01, blocks independent, content checksum; one-shot: content size
 *   BD              1   the largest block: 64 KiB, 256 KiB, 1 MiB or 4 MiB (4 to 7)
 *   content size  0|8   of one-shot frames
 *   HC              1   second byte of the XXH32 of FLG to here
 *   block         4+n   its size; highest bit: not compressed   ─┐ any number
 *   end mark        4   0                                       ─┘
 *   checksum        4   XXH32 of the content
 * ```
 *
 * A one-shot frame is one block up to 4 MiB, the format's largest, so that matches reach as far
 * back as they can. A block that would not shrink is stored.
 */

import { xxh32Feed, xxh32Finish, xxh32Init, xxh32Of } from '../hash/xxh32';
import { store32, store64 } from '../lanes/unaligned';
import { STREAM_STATE } from '../memory';
import { STATUS_NO_ROOM } from '../status';
import { compress, LZ4 } from './repeats';

const MAGIC: u32 = 0x184d2204;
const FLAGS: i32 = 0x64;
const FLAG_CONTENT_SIZE: i32 = 0x08;
/** Of the frame's descriptor without the content size, and what goes before and behind it. */
const START_BYTES: i32 = 7;
const CONTENT_SIZE_BYTES: i32 = 8;
const BLOCK_HEADER_BYTES: i32 = 4;
const NOT_COMPRESSED: u32 = 0x80000000;
const END_BYTES: i32 = 8;

const LARGEST_BLOCK_CODE: i32 = 7;
const SMALLEST_BLOCK_CODE: i32 = 4;
/** Streams: a receiver must keep a block, so not the largest; 64 KiB of 1 MiB see no history. */
const STREAM_BLOCK_CODE: i32 = 6;

/** Bytes of the largest block that a code in BD stands for. */
// @ts-ignore: decorator
@inline
function blockBytes(code: i32): i32 {
  return 1 << (8 + 2 * code);
}

function block(src: i32, end: i32, dst: i32, limit: i32): i32 {
  return compress(LZ4, src, end, dst, limit);
}

/**
 * Writes the blocks of [src, src + length); returns where they end, or STATUS_NO_ROOM.
 *
 * bounds: `limit` is that of the output, or less. A header is written where 8 bytes more than the
 * limit may be; the block behind it ends at the limit or is refused.
 */
function blocks(src: i32, length: i32, dst: i32, limit: i32, code: i32): i32 {
  const end = src + length;
  while (src < end) {
    const size = min(end - src, blockBytes(code));
    const body = dst + BLOCK_HEADER_BYTES;
    if (body > limit) return STATUS_NO_ROOM;
    // Stored, unless a byte is saved.
    const bodyEnd = block(src, src + size, body, min(limit, body + size - 1));
    if (bodyEnd != STATUS_NO_ROOM) {
      store32(dst, bodyEnd - body);
      dst = bodyEnd;
    } else {
      dst = body + size;
      if (dst > limit) return STATUS_NO_ROOM;
      store32(body - BLOCK_HEADER_BYTES, size | NOT_COMPRESSED);
      memory.copy(body, src, size);
    }
    src += size;
  }
  return dst;
}

/** Writes magic and descriptor; bounds: as much as 24 bytes. */
function start(dst: i32, flags: i32, code: i32, contentSize: i32): i32 {
  const sizeBytes = flags & FLAG_CONTENT_SIZE;
  store32(dst, MAGIC);
  store64(dst + 6, contentSize);
  store<u8>(dst + 4, flags);
  store<u8>(dst + 5, code << 4);
  const hc = dst + 6 + sizeBytes;
  store<u8>(hc, xxh32Of(0, dst + 4, hc - dst - 4) >>> 8);
  return START_BYTES + sizeBytes;
}

/**
 * Compresses `length` bytes at `src` to a frame at `dst`; returns its length, or STATUS_NO_ROOM
 * if that is more than `capacity`. A capacity of length + 23 + 4 * ceil(length / 2^22) always
 * suffices. The output depends on the input alone.
 */
export function lz4(src: i32, length: i32, dst: i32, capacity: i32): i32 {
  // The smallest block that holds it all: 64 KiB and then four times as much.
  const code = max(SMALLEST_BLOCK_CODE, min(LARGEST_BLOCK_CODE, (25 - clz(max(length - 1, 0))) >> 1));
  const limit = dst + capacity - END_BYTES;
  const body = dst + start(dst, FLAGS | FLAG_CONTENT_SIZE, code, length);
  if (body > limit) return STATUS_NO_ROOM;
  const end = blocks(src, length, body, limit, code);
  if (end == STATUS_NO_ROOM) return end;
  store32(end, 0);
  store32(end + 4, xxh32Of(0, src, length));
  return end + END_BYTES - dst;
}

/**
 * Begins a frame of unknown size: writes its first 7 bytes to `dst` and initialises STREAM_STATE.
 */
export function lz4Start(dst: i32): i32 {
  xxh32Init(STREAM_STATE, 0);
  return start(dst, FLAGS, STREAM_BLOCK_CODE, 0);
}

/**
 * Writes the next `length` bytes of the stream in STREAM_STATE as blocks and, if they are the
 * last, the end of the frame. Returns how many bytes were written, or STATUS_NO_ROOM if that is
 * more than `capacity`: then the stream is as it was. A capacity of length + 8 +
 * 4 * ceil(length / 2^20) always suffices.
 */
export function lz4Blocks(src: i32, length: i32, dst: i32, capacity: i32, final: i32): i32 {
  const limit = dst + capacity - (final ? END_BYTES : 0);
  if (dst > limit) return STATUS_NO_ROOM;
  const end = blocks(src, length, dst, limit, STREAM_BLOCK_CODE);
  if (end == STATUS_NO_ROOM) return end;
  xxh32Feed(STREAM_STATE, src, length);
  if (!final) return end - dst;
  store32(end, 0);
  store32(end + 4, xxh32Finish(STREAM_STATE));
  return end + END_BYTES - dst;
}
