/**
 * Finds what repeats within 64 KiB, for the formats whose sequences are whole bytes: one pass
 * that writes each sequence (literals, then a match) as soon as it is found. LZ4 and snappy
 * differ in how a sequence is written and in what they forbid near the end, not in the search,
 * so `compress` takes the format as a constant and is inlined once for each.
 *
 * A position is hashed by its next five bytes into a table of 16-bit positions, as many as the
 * input is long and at most 32 KiB, a first-level cache. Positions are kept modulo 2^16, and so is
 * a distance: an entry never written, or older than the window, turns into some other place inside
 * the window, and comparing its four bytes rejects it like any other false candidate. So there is
 * no window check. The one distance that would be wrong is 0.
 *
 * In telemetry three of five matches follow the one before them without a literal between, so
 * the position behind a match is tried first, and such a match written, by itself. Other matches
 * are also extended backwards: inside a match only one position is entered, so a text is often
 * met again somewhere in its middle. Apart from the search for the next match there is hardly a
 * branch that could be mispredicted: a match is compared 8 bytes and then 32 at a time, literals
 * are copied 32 at a time, bytes that a length may or may not take are written in any case and
 * then counted or not. Parsing is greedy. Where nothing has matched for long, steps grow.
 *
 * Measured over OTLP traces: two candidates for each hash, or the better of two neighbouring
 * positions, make the output 2 to 3 % smaller and take 8 to 13 % more time; hashes of four
 * bytes make it larger, as they find matches of four, which save a byte and hide longer ones.
 */

import { common32, copy16 } from '../lanes/index';
import { load32, load64, store16, store32 } from '../lanes/unaligned';
import { CODECS_WORK } from '../memory';
import { STATUS_NO_ROOM } from '../status';

/** Which format `compress` writes. */
export const LZ4: i32 = 0;
export const SNAPPY: i32 = 1;

/** u16 each. */
const HEADS: i32 = CODECS_WORK;
const LEAST_HASH_BITS: i32 = 8;
const MOST_HASH_BITS: i32 = 14;

/** Positions probed one by one before steps begin to grow, and how long they get. */
const DENSE: i32 = 64;
const LONGEST_STEP: i32 = 32;

/** LZ4: a match ends 5 bytes before the end of its block or earlier, and begins 12 before it. */
const LZ4_LAST_LITERALS: i32 = 5;
const LZ4_LAST_MATCH: i32 = 12;
const LEAST_MATCH: i32 = 4;

/** Literals copied without looking how many there are. */
const FEW_LITERALS: i32 = 32;
/** Literals of a sequence, or its match without the first four bytes, that an LZ4 token holds. */
const TOKEN_MOST: i32 = 15;
/** A match whose length takes one byte besides the token, or none. */
const LZ4_SHORT_MATCH: i32 = LEAST_MATCH + TOKEN_MOST + 254;
const SNAPPY_LONGEST_COPY: i32 = 64;

// @ts-ignore: decorator
@inline
function hash(p: i32, shift: i64): i32 {
  return <i32>(((load64(p) << 24) * 0x9e3779b185ebca87) >>> shift) << 1;
}

/**
 * How much agrees from p and from candidate on, up to matchEnd. A third of all matches ends within
 * 8 bytes, and few that go on do so for more than 32 more.
 */
// @ts-ignore: decorator
@inline
function matchLength(p: i32, candidate: i32, matchEnd: i32): i32 {
  let length = 8;
  const differ = load64(p) ^ load64(candidate);
  if (differ) {
    length = <i32>(ctz(differ) >>> 3);
  } else {
    let more = 32;
    do {
      more = common32(p + length, candidate + length);
      length += more;
    } while (more == 32 && p + length < matchEnd);
  }
  return min(length, matchEnd - p);
}

/** How much agrees before p and before candidate, up to `most`. */
// @ts-ignore: decorator
@inline
function matchBehind(p: i32, candidate: i32, most: i32): i32 {
  let behind = <i32>(clz(load64(p - 8) ^ load64(candidate - 8)) >>> 3);
  if (i32(behind == 8) & i32(most > 8)) {
    let more = 8;
    while (more == 8 && behind < most) {
      more = <i32>(clz(load64(p - behind - 8) ^ load64(candidate - behind - 8)) >>> 3);
      behind += more;
    }
  }
  return min(behind, most);
}

/** Copies FEW_LITERALS bytes, of which fewer may count. */
// @ts-ignore: decorator
@inline
function copyFew(dst: i32, src: i32): void {
  copy16(dst, src);
  copy16(dst + 16, src + 16);
}

/** Copies any number of literals, and up to 15 bytes more. */
// @ts-ignore: decorator
@inline
function copyLiterals(dst: i32, src: i32, length: i32): void {
  for (let i = 0; i < length; i += 16) copy16(dst + i, src + i);
}

/** Writes what of a length the token could not hold. */
function lz4Rest(out: i32, length: i32): i32 {
  const rest = length - TOKEN_MOST;
  const full = <i32>(<u32>rest / 255);
  memory.fill(out, 255, full);
  store<u8>(out + full, rest - full * 255);
  return out + full + 1;
}

/**
 * Writes a sequence; `length` 0 is the last one of a block, which has no match. Returns where it
 * ends, or something behind `limit`; as much as 64 bytes behind `limit` may be written.
 */
function lz4Sequence(
  out: i32,
  limit: i32,
  anchor: i32,
  literals: i32,
  distance: i32,
  length: i32,
): i32 {
  const more = max(length - LEAST_MATCH, 0);
  if (out + literals + <i32>(<u32>literals / 255) + <i32>(<u32>more / 255) > limit) {
    return limit + 1;
  }
  store<u8>(out++, (min(literals, TOKEN_MOST) << 4) | min(more, TOKEN_MOST));
  if (literals >= TOKEN_MOST) out = lz4Rest(out, literals);
  copyLiterals(out, anchor, literals);
  out += literals;
  if (!length) return out;
  store16(out, distance);
  out += 2;
  return more >= TOKEN_MOST ? lz4Rest(out, more) : out;
}

/** Writes literals, if there are any; as `lz4Sequence`. */
function snappyLiterals(out: i32, limit: i32, anchor: i32, literals: i32): i32 {
  if (!literals) return out;
  if (out + literals > limit) return limit + 1;
  const n = literals - 1;
  if (n < 60) {
    store<u8>(out++, n << 2);
  } else {
    const bytes = (39 - clz(n)) >>> 3;
    store<u8>(out, (59 + bytes) << 2);
    store32(out + 1, n);
    out += 1 + bytes;
  }
  copyLiterals(out, anchor, literals);
  return out + literals;
}

/** Writes a copy of 4 to 64 bytes: a near one of less than 12 takes two bytes, others three. */
// @ts-ignore: decorator
@inline
function snappyCopy(out: i32, distance: i32, length: i32): i32 {
  const near = i32(length < 12) & i32(distance < 2048);
  const two = ((distance & 255) << 8) | ((distance >>> 8) << 5) | ((length - 4) << 2) | 1;
  const three = (distance << 8) | ((length - 1) << 2) | 2;
  store32(out, select(two, three, near));
  return out + 3 - near;
}

/** Writes literals and a match of any length; as `lz4Sequence`. */
function snappySequence(
  out: i32,
  limit: i32,
  anchor: i32,
  literals: i32,
  distance: i32,
  length: i32,
): i32 {
  out = snappyLiterals(out, limit, anchor, literals);
  if (out + 3 * (length >>> 6) > limit) return limit + 1;
  while (length > SNAPPY_LONGEST_COPY) {
    // At least four bytes are left for the last copy: it may then be one of two bytes.
    const part = length >= SNAPPY_LONGEST_COPY + LEAST_MATCH ? SNAPPY_LONGEST_COPY : 60;
    out = snappyCopy(out, distance, part);
    length -= part;
  }
  return snappyCopy(out, distance, length);
}

/**
 * Compresses [src, end) to `out` as one LZ4 block or as the elements of a snappy block. Returns
 * where they end, or STATUS_NO_ROOM if that is behind `limit`.
 *
 * bounds: a position probed is 8 bytes or more before `end`, so that what is behind the input has
 * no say; comparisons begin at `end` or before it and are 32 wide, within the overshoot behind an
 * input. 8 bytes are read before p and candidate, which memory's first pages precede. A candidate
 * is not below `src`: up to position 65535 an entry is at most the position probed, and from there
 * on a distance is less than 2^16. A hash is below 2^bits. `out` is not behind `limit` when a
 * sequence is begun; a short one writes 40 bytes at most, a long one checks.
 */
// @ts-ignore: decorator
@inline
export function compress(format: i32, src: i32, end: i32, out: i32, limit: i32): i32 {
  const last = end - (format == LZ4 ? LZ4_LAST_MATCH : 8);
  const matchEnd = end - (format == LZ4 ? LZ4_LAST_LITERALS : 0);
  const bits = max(min(32 - clz(end - src), MOST_HASH_BITS), LEAST_HASH_BITS);
  const shift = <i64>(64 - bits);
  memory.fill(HEADS, 0, 2 << bits);
  let anchor = src;
  let p = src;
  while (p <= last) {
    let head = hash(p, shift);
    let distance = (p - src - <i32>load<u16>(head, HEADS)) & 0xffff;
    store<u16>(head, p - src, HEADS);
    if (i32(load32(p - distance) == load32(p)) & i32(distance != 0)) {
      const length = matchLength(p, p - distance, matchEnd);
      if (format == LZ4) {
        if (length > LZ4_SHORT_MATCH) {
          out = lz4Sequence(out, limit, p, 0, distance, length);
        } else {
          const more = length - LEAST_MATCH;
          store<u8>(out, min(more, TOKEN_MOST));
          store32(out + 1, distance | ((more - TOKEN_MOST) << 16));
          out += 3 + i32(more >= TOKEN_MOST);
        }
      } else {
        out =
          length > SNAPPY_LONGEST_COPY
            ? snappySequence(out, limit, p, 0, distance, length)
            : snappyCopy(out, distance, length);
      }
      p += length;
    } else {
      p++;
      let dense = min(p + DENSE, last);
      while (true) {
        if (p > dense) {
          p += min((p - anchor) >>> 6, LONGEST_STEP);
          if (p > last) break;
          dense = p;
        }
        head = hash(p, shift);
        distance = (p - src - <i32>load<u16>(head, HEADS)) & 0xffff;
        store<u16>(head, p - src, HEADS);
        if (load32(p - distance) == load32(p)) {
          if (distance) break;
        }
        p++;
      }
      if (p > last) break;
      let length = matchLength(p, p - distance, matchEnd);
      const behind = matchBehind(p, p - distance, min(p - anchor, p - distance - src));
      const literals = p - anchor - behind;
      p += length;
      length += behind;
      if (format == LZ4) {
        if (i32(literals > FEW_LITERALS) | i32(length > LZ4_SHORT_MATCH)) {
          out = lz4Sequence(out, limit, anchor, literals, distance, length);
        } else {
          const more = length - LEAST_MATCH;
          store<u8>(out, (min(literals, TOKEN_MOST) << 4) | min(more, TOKEN_MOST));
          store<u8>(out + 1, literals - TOKEN_MOST);
          out += 1 + i32(literals >= TOKEN_MOST);
          copyFew(out, anchor);
          out += literals;
          store32(out, distance | ((more - TOKEN_MOST) << 16));
          out += 2 + i32(more >= TOKEN_MOST);
        }
      } else {
        if (i32(literals > FEW_LITERALS) | i32(length > SNAPPY_LONGEST_COPY)) {
          out = snappySequence(out, limit, anchor, literals, distance, length);
        } else {
          store<u8>(out, (literals - 1) << 2);
          copyFew(out + 1, anchor);
          out += literals + i32(literals != 0);
          out = snappyCopy(out, distance, length);
        }
      }
    }
    if (out > limit) return STATUS_NO_ROOM;
    anchor = p;
    store<u16>(hash(p - 2, shift), p - 2 - src, HEADS);
  }
  out =
    format == LZ4
      ? lz4Sequence(out, limit, anchor, end - anchor, 0, 0)
      : snappyLiterals(out, limit, anchor, end - anchor);
  return out > limit ? STATUS_NO_ROOM : out;
}
