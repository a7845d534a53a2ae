/**
 * Snappy, in both of its forms.
 *
 * A block is the length of the content (a varint), then literals and copies. What we write never
 * looks back more than 65535 bytes, though the format would allow any distance.
 *
 * The framed form (Framing format, 2014-01-07) is a stream of chunks:
 *
 * ```text
 *   ff 06 00 00 "sNaPpY"        identifies the stream
 *   00 | size u24 | crc | block        up to 64 KiB of content, compressed     ─┐ any number
 *   01 | size u24 | crc | content      the same, where that would not shrink   ─┘
 * ```
 *
 * where size counts what follows it and crc is the masked CRC-32C of the content. Chunks know
 * nothing of each other, so a stream has no state.
 */

import { crc32c } from '../hash/crc32c';
import { store32, store64 } from '../lanes/unaligned';
import { STATUS_NO_ROOM } from '../status';
import { compress, SNAPPY } from './repeats';

const START_BYTES: i32 = 10;
const CHUNK_BYTES: i32 = 65536;
const CHUNK_HEADER_BYTES: i32 = 8;
const CHUNK_COMPRESSED: i32 = 0;
const CHUNK_NOT_COMPRESSED: i32 = 1;

/**
 * Writes a block of [src, src + length); returns where it ends, or STATUS_NO_ROOM.
 *
 * bounds: the varint is five bytes at most, `dst` not behind `limit`.
 */
function block(src: i32, length: i32, dst: i32, limit: i32): i32 {
  let rest: u32 = length;
  for (; rest > 127; rest >>>= 7) store<u8>(dst++, rest | 128);
  store<u8>(dst++, rest);
  if (dst > limit) return STATUS_NO_ROOM;
  return compress(SNAPPY, src, src + length, dst, limit);
}

/**
 * Compresses `length` bytes at `src` to a block at `dst`; returns its length, or STATUS_NO_ROOM
 * if that is more than `capacity`. A capacity of length + length / 64 + 16 always suffices. The
 * output depends on the input alone.
 */
export function snappy(src: i32, length: i32, dst: i32, capacity: i32): i32 {
  const end = block(src, length, dst, dst + capacity);
  return end == STATUS_NO_ROOM ? end : end - dst;
}

/** Begins a framed stream: writes its first 10 bytes to `dst`. */
export function snappyStart(dst: i32): i32 {
  // ff 06 00 00 s N a P p Y
  store64(dst, 0x50614e73000006ff);
  store32(dst + 8, 0x5970);
  return START_BYTES;
}

/**
 * Writes `length` bytes at `src` as chunks of a framed stream to `dst`. Returns how many bytes
 * were written, or STATUS_NO_ROOM if that is more than `capacity`. A capacity of length +
 * 8 * ceil(length / 2^16) always suffices.
 *
 * bounds: a chunk's header is written where it ends before the limit; the block behind it ends at
 * the limit or is refused.
 */
export function snappyChunks(src: i32, length: i32, dst: i32, capacity: i32): i32 {
  const limit = dst + capacity;
  const end = src + length;
  let out = dst;
  while (src < end) {
    const size = min(end - src, CHUNK_BYTES);
    const body = out + CHUNK_HEADER_BYTES;
    if (body > limit) return STATUS_NO_ROOM;
    let bodyEnd = block(src, size, body, min(limit, body + size - 1));
    let type = CHUNK_COMPRESSED;
    if (bodyEnd == STATUS_NO_ROOM) {
      bodyEnd = body + size;
      if (bodyEnd > limit) return STATUS_NO_ROOM;
      memory.copy(body, src, size);
      type = CHUNK_NOT_COMPRESSED;
    }
    const crc: u32 = crc32c(0, src, size);
    store32(out, ((bodyEnd - out - 4) << 8) | type);
    store32(out + 4, rotr<u32>(crc, 15) + 0xa282ead8);
    out = bodyEnd;
    src += size;
  }
  return out - dst;
}

/**
 * Compresses `length` bytes at `src` to a framed stream at `dst`; returns its length, or
 * STATUS_NO_ROOM if that is more than `capacity`. A capacity of length + 10 +
 * 8 * ceil(length / 2^16) always suffices.
 */
export function snappyFramed(src: i32, length: i32, dst: i32, capacity: i32): i32 {
  if (capacity < START_BYTES) return STATUS_NO_ROOM;
  snappyStart(dst);
  const chunks = snappyChunks(src, length, dst + START_BYTES, capacity - START_BYTES);
  return chunks == STATUS_NO_ROOM ? chunks : START_BYTES + chunks;
}
