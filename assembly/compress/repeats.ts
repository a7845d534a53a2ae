/**
 * Finds what repeats within 64 KiB, for the formats whose sequences are whole bytes: one pass
 * that writes each sequence (literals, then a match) as soon as it is found. LZ4 and snappy
 * differ in how a sequence is written and in what they forbid near the end, not in the search,
 * so `compress` takes the format as a constant and is inlined once for each.
 *
 * A position is hashed by its next five bytes into a table of 16-bit positions, sized to the
 * input and at most 16 KiB, so that it stays in the first-level cache. Positions are kept modulo
 * 2^16, and so is a distance: an entry never written, or older than the window, turns into some
 * other place inside the window, and comparing its four bytes rejects it like any other false
 * candidate. So there is no window check. The one distance that would be wrong is 0.
 *
 * What matches is extended 32 bytes wide and, over literals not yet written, backwards: inside
 * a match only one position is entered, so the same text is often met somewhere in its middle.
 * Parsing is greedy. Where nothing has matched for long, steps grow.
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
const MOST_HASH_BITS: i32 = 13;
const LEAST_HASH_BITS: i32 = 8;

const LONGEST_STEP: i32 = 32;

/** LZ4: a match ends 5 bytes before the end of its block or earlier, and begins 12 before it. */
const LZ4_LAST_LITERALS: i32 = 5;
const LZ4_LAST_MATCH: i32 = 12;
const LEAST_MATCH: i32 = 4;

/** Literals copied without looking how many there are. */
const FEW_LITERALS: i32 = 32;
/** Literals of a sequence, or its match without the first four bytes, that its token can hold. */
const TOKEN_MOST: i32 = 15;
/** A match whose length takes one byte besides the token. */
const LZ4_SHORT_MATCH: i32 = LEAST_MATCH + TOKEN_MOST + 254;
const SNAPPY_LONGEST_COPY: i32 = 64;

// @ts-ignore: decorator
@inline
function hash(word: u64, shift: i64): i32 {
  return <i32>(((word << 24) * 0x9e3779b185ebca87) >>> shift) << 1;
}

/** Copies `length` bytes rounded up to whole vectors, two at least. */
// @ts-ignore: decorator
@inline
function copyLiterals(dst: i32, src: i32, length: i32): void {
  copy16(dst, src);
  copy16(dst + 16, src + 16);
  for (let i = FEW_LITERALS; i < length; i += 16) copy16(dst + i, src + i);
}

/** Writes what of a length the token could not hold. */
// @ts-ignore: decorator
@inline
function lz4Rest(out: i32, length: i32): i32 {
  let rest = length - TOKEN_MOST;
  if (rest >= 255) {
    const full = <i32>(<u32>rest / 255);
    memory.fill(out, 255, full);
    out += full;
    rest -= full * 255;
  }
  store<u8>(out, rest);
  return out + 1;
}

/**
 * Writes a sequence; `length` 0 is the last one of a block, which has no match. Returns where it
 * ends; as much as 64 bytes behind `limit` may be written.
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

/** Writes a run of literals, not empty; as `lz4Sequence`. */
export function snappyLiterals(out: i32, limit: i32, anchor: i32, literals: i32): i32 {
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

/** Writes a copy of 4 to 64 bytes. */
// @ts-ignore: decorator
@inline
function snappyCopy(out: i32, distance: i32, length: i32): i32 {
  if (i32(length < 12) & i32(distance < 2048)) {
    store16(out, ((distance & 255) << 8) | ((distance >>> 8) << 5) | ((length - 4) << 2) | 1);
    return out + 2;
  }
  store32(out, (distance << 8) | ((length - 1) << 2) | 2);
  return out + 3;
}

/** Writes a match of any length; as `lz4Sequence`. */
function snappyCopies(out: i32, limit: i32, distance: i32, length: i32): i32 {
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
 * bounds: a position probed is 8 bytes or more before `end` and 1 or more behind `src`; 8 bytes
 * are read before it and compared 32 wide while below `end`: within the overshoot behind an
 * input, and above memory's first page. A candidate is not below `src`: up to position 65535 an
 * entry is at most the position probed, and from there on a distance is less than 2^16. A hash
 * is below 2^bits. `out` is not behind `limit` when a sequence is begun; a short one writes 40
 * bytes at most, a long one checks.
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
  let p = src + 1;
  while (p <= last) {
    const word = load64(p);
    const head = hash(word, shift);
    const position = p - src;
    const distance = (position - <i32>load<u16>(head, HEADS)) & 0xffff;
    store<u16>(head, position, HEADS);
    const candidate = p - distance;
    if (i32(load32(candidate) != <u32>word) | i32(distance == 0)) {
      p += min(1 + ((p - anchor) >>> 6), LONGEST_STEP);
      continue;
    }
    let length = common32(p, candidate);
    if (length == 32) {
      let more = 32;
      while (more == 32 && p + length < matchEnd) {
        more = common32(p + length, candidate + length);
        length += more;
      }
    }
    length = min(length, matchEnd - p);
    const agree = <i32>(clz(load64(p - 8) ^ load64(candidate - 8)) >>> 3);
    const behind = min(agree, min(p - anchor, candidate - src));
    const literals = p - anchor - behind;
    p += length;
    length += behind;
    if (format == LZ4) {
      if (i32(literals > FEW_LITERALS) | i32(length > LZ4_SHORT_MATCH)) {
        out = lz4Sequence(out, limit, anchor, literals, distance, length);
      } else {
        const more = length - LEAST_MATCH;
        store<u8>(out++, (min(literals, TOKEN_MOST) << 4) | min(more, TOKEN_MOST));
        store<u8>(out, literals - TOKEN_MOST);
        out += i32(literals >= TOKEN_MOST);
        copyLiterals(out, anchor, literals);
        out += literals;
        store32(out, distance | ((more - TOKEN_MOST) << 16));
        out += 2 + i32(more >= TOKEN_MOST);
      }
    } else {
      if (literals) out = snappyLiterals(out, limit, anchor, literals);
      if (out > limit) return STATUS_NO_ROOM;
      out = length > SNAPPY_LONGEST_COPY
        ? snappyCopies(out, limit, distance, length)
        : snappyCopy(out, distance, length);
    }
    if (out > limit) return STATUS_NO_ROOM;
    anchor = p;
    store<u16>(hash(load64(p - 2), shift), p - 2 - src, HEADS);
  }
  const literals = end - anchor;
  if (format == LZ4) {
    out = lz4Sequence(out, limit, anchor, literals, 0, 0);
  } else if (literals) {
    out = snappyLiterals(out, limit, anchor, literals);
  }
  return out > limit ? STATUS_NO_ROOM : out;
}
