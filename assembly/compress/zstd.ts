/**
 * zstd frames (RFC 8878).
 *
 * A frame says how large its content is where that is known from the start, and ends with the
 * lower half of the content's XXH64. A block holds up to 128 KiB and is sent in the smallest of
 * three forms: as it is, as one byte that repeats, or compressed, which means parsed into
 * literals and matches (zstd-match.ts), literals (zstd-literals.ts), then sequences
 * (zstd-sequences.ts). Each writes straight to the output and gives up as soon as it is longer
 * than the block as it is; nothing is kept of what such a block would have taught the decoder.
 *
 * What a stream keeps between two calls, in STREAM_STATE:
 *
 *     0 ┌──────────────────────┐
 *       │ state of XXH64       │
 *    72 ├──────────────────────┤
 *       │ distances     3 * i32│ the last three, which the format can repeat
 *    84 └──────────────────────┘
 */

import { XXH64_STATE_BYTES, xxh64Feed, xxh64Finish, xxh64Init, xxh64Of } from '../hash/xxh64';
import { load32, load64, store16, store32 } from '../lanes/unaligned';
import { STREAM_STATE } from '../memory';
import { STATUS_NO_ROOM } from '../status';
import { forgetLiterals, keepLiterals, writeLiterals } from './zstd-literals';
import { literalsEnd, parse, sequencesEnd, startMatches, WINDOW_BYTES } from './zstd-match';
import {
  forgetSequences,
  keepSequences,
  repeat0,
  repeat1,
  repeat2,
  writeSequences,
} from './zstd-sequences';
import { BLOCK_BYTES, LITERALS } from './zstd-work';

const MAGIC: u32 = 0xfd2fb528;
/** Of the frame header's descriptor. */
const HAS_CHECKSUM: i32 = 1 << 2;
const SINGLE_SEGMENT: i32 = 1 << 5;
/** 2^(10 + 13) bytes. */
const WINDOW_DESCRIPTOR: i32 = 13 << 3;
const RAW: i32 = 0;
const REPEATED: i32 = 1;
const COMPRESSED: i32 = 2;
const BLOCK_HEADER_BYTES: i32 = 3;
const CHECKSUM_BYTES: i32 = 4;
const DISTANCES: i32 = STREAM_STATE + XXH64_STATE_BYTES;

/** Whether the bytes of [src, src + size) are all the same. */
function isRun(src: i32, size: i32): bool {
  let i = 0;
  while (i + 9 <= size && load64(src + i) == load64(src + i + 1)) i += 8;
  while (i + 1 < size && load<u8>(src + i) == load<u8>(src + i + 1)) i++;
  return i + 1 == size;
}

/** Writes the blocks of [src, src + length), at least one if `final`; returns the end. */
function writeBlocks(level: i32, src: i32, length: i32, dst: i32, room: i32, final: i32): i32 {
  forgetLiterals();
  startMatches(level, length);
  const end = src + length;
  let start = src;
  while (start < end || final) {
    const size = min(end - start, BLOCK_BYTES);
    const body = dst + BLOCK_HEADER_BYTES;
    const last = final & i32(start + size == end);
    let type = COMPRESSED;
    let content = size;
    if (size > 1 && isRun(start, size)) {
      type = REPEATED;
      if (body + 1 > room) return STATUS_NO_ROOM;
      store<u8>(body, load<u8>(start));
      dst = body + 1;
    } else {
      parse(level, src, start, start + size);
      const most = min(body + size - 1, room);
      let after = writeLiterals(LITERALS, literalsEnd - LITERALS, body, most);
      if (after) after = writeSequences(sequencesEnd, after, most);
      if (after) {
        keepLiterals();
        keepSequences();
        content = after - body;
        dst = after;
      } else {
        type = RAW;
        if (body + size > room) return STATUS_NO_ROOM;
        memory.copy(body, start, size);
        dst = body + size;
      }
    }
    const header = last | (type << 1) | (content << 3);
    store16(body - BLOCK_HEADER_BYTES, header);
    store<u8>(body - 1, header >>> 16);
    start += size;
    if (last) break;
  }
  return dst;
}

/**
 * Compresses `length` bytes at `src` to one frame at `dst`; returns its length, or STATUS_NO_ROOM
 * if that is more than `capacity`. A capacity of length + 3 * ceil(length / 131072) + 17 always
 * suffices: the header takes up to 10 bytes, an empty block 3, the checksum 4. The output depends
 * on the input and the level alone.
 *
 * bounds: the header's 14 bytes fit into the overshoot at any capacity; from there on nothing is
 * begun that ends behind the room, and stores reach less than 64 bytes behind what they begin.
 */
export function zstd(level: i32, src: i32, length: i32, dst: i32, capacity: i32): i32 {
  const room = dst + capacity - CHECKSUM_BYTES;
  // The content's size has 1, 2 or 4 bytes; in 2 it is less 256.
  const sizeFlag = length < 256 ? 0 : length < 65536 + 256 ? 1 : 2;
  const single = length <= WINDOW_BYTES;
  let descriptor = (sizeFlag << 6) | HAS_CHECKSUM;
  if (single) descriptor |= SINGLE_SEGMENT;
  store32(dst, MAGIC);
  store<u8>(dst + 4, descriptor);
  store<u8>(dst + 5, WINDOW_DESCRIPTOR);
  let out = dst + 6 - i32(single);
  store32(out, sizeFlag == 1 ? length - 256 : length);
  out += 1 << sizeFlag;
  forgetSequences(1, 4, 8);
  out = writeBlocks(level, src, length, out, room, 1);
  if (out == STATUS_NO_ROOM) return out;
  store32(out, <u32>xxh64Of(0, src, length));
  return out + CHECKSUM_BYTES - dst;
}

/**
 * Writes the header of a frame whose content's size is not known, 6 bytes, and begins its stream
 * in STREAM_STATE.
 */
export function zstdStart(level: i32, dst: i32): i32 {
  store32(dst, MAGIC);
  store16(dst + 4, HAS_CHECKSUM | (WINDOW_DESCRIPTOR << 8));
  xxh64Init(STREAM_STATE, 0);
  store32(DISTANCES, 1);
  store32(DISTANCES + 4, 4);
  store32(DISTANCES + 8, 8);
  return 6;
}

/**
 * Compresses the next `length` bytes of the stream in STREAM_STATE, matched among themselves, to
 * whole blocks; `final` ends the frame. Returns how many bytes that takes, or STATUS_NO_ROOM, with
 * the stream as it was, if that is more than `capacity`; length + 3 * ceil(length / 131072) + 7
 * always suffices.
 */
export function zstdBlocks(
  level: i32,
  src: i32,
  length: i32,
  dst: i32,
  capacity: i32,
  final: i32,
): i32 {
  const room = dst + capacity - (final ? CHECKSUM_BYTES : 0);
  forgetSequences(load32(DISTANCES), load32(DISTANCES + 4), load32(DISTANCES + 8));
  let out = writeBlocks(level, src, length, dst, room, final);
  if (out == STATUS_NO_ROOM) return out;
  store32(DISTANCES, repeat0);
  store32(DISTANCES + 4, repeat1);
  store32(DISTANCES + 8, repeat2);
  xxh64Feed(STREAM_STATE, src, length);
  if (final) {
    store32(out, <u32>xxh64Finish(STREAM_STATE));
    out += CHECKSUM_BYTES;
  }
  return out - dst;
}
