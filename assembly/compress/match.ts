/**
 * Finds matches: one pass over a block that turns it into tokens and counts symbols.
 *
 * Each position is hashed by its next four bytes into a bucket of two 16-bit positions,
 * the newer in the low half, so one 32-bit load fetches both candidates and one store
 * (shift left, or in the position) ages them. Positions are kept modulo 2^16 and distances
 * computed modulo the window of 2^15. An entry that has left the window, or was never
 * written, thus turns into some other place inside the window; comparing its four bytes
 * rejects it like any other false candidate. So there is no window check, which would be
 * a coin toss to the branch predictor, and the table need only be cleared once per input.
 *
 * A position where neither candidate agrees in four bytes becomes a literal. Otherwise both
 * candidates are compared 32 bytes wide without a branch, the longer is taken (the nearer on
 * a tie) and, if all 32 agreed, extended. Parsing is greedy: with telemetry, where a span
 * repeats the one before it, looking one position further costs more than it finds. Inside
 * a match two positions are entered: the second, which serves when the byte before the
 * match differs next time, and the last.
 *
 * Where nothing has matched for long, steps grow: incompressible input is skipped over.
 *
 * The encoder knows where a request holds ids, and notes it (OPAQUE_FIELDS). They either repeat
 * as a whole or not at all, so in such a field only the first byte is searched for: 5 to 8 % of
 * the time of a compression, at a ratio that is rather better.
 *
 * The work area:
 *
 * ```text
 *   HEADS         64 KiB   2^14 buckets
 *   FREQUENCIES   1264 B   u32 of 286 literal/length symbols, then of 30 distance symbols
 *   MATCH_COUNTS  1024 B   u32 of each match length, 3 to 258
 *   CODES ...     16 KiB   codes of the block, scratch of their construction (deflate.ts)
 *   TOKENS       256 KiB   u64 each
 * ```
 *
 * A token is a run of literals (bits 32 and up), then a match: length - 3 (bits 0-7),
 * distance symbol (8-12), number of extra distance bits (13-16), their value (17-31).
 */

import { common32 } from '../lanes/index';
import { load32, store64 } from '../lanes/unaligned';
import { GZIP_WORK, OPAQUE_FIELDS } from '../memory';

const HASH_BITS: i32 = 14;
export const HEADS: i32 = GZIP_WORK;
export const HEADS_BYTES: i32 = 4 << HASH_BITS;

export const LITERAL_SYMBOLS: i32 = 286;
export const DISTANCE_SYMBOLS: i32 = 30;
export const SYMBOLS: i32 = LITERAL_SYMBOLS + DISTANCE_SYMBOLS;

export const FREQUENCIES: i32 = HEADS + HEADS_BYTES;
const DISTANCES: i32 = FREQUENCIES + LITERAL_SYMBOLS * 4;
export const MATCH_COUNTS: i32 = FREQUENCIES + SYMBOLS * 4;
export const COUNTERS_BYTES: i32 = SYMBOLS * 4 + 1024;
export const CODES: i32 = FREQUENCIES + 4096;
export const TOKENS: i32 = CODES + 16384;
const TOKENS_END: i32 = TOKENS + 0x40000;

/** A block ends after so many bytes; a rest of up to half as many more joins the last. */
const BLOCK_BYTES: i32 = 2 * 65535 - 510;
const LONGEST_MATCH: i32 = 258;
const WINDOW_MASK: i32 = 0x7fff;

/** A block also ends after so many literals in a row: they are better stored by themselves. */
const BARREN_BYTES: i32 = 32768;
/** Literals in a row before the search begins to skip, and places it then looks at densely. */
const PATIENCE: i32 = 128;
const DENSE: i32 = 32;

/** Where OPAQUE_FIELDS has the next note, or 0. */
let field: i32 = 0;

/** Says, before an input is parsed, whether OPAQUE_FIELDS is about it. */
// @ts-ignore: decorator
@inline
export function inform(informed: i32): void {
  field = informed ? OPAQUE_FIELDS : 0;
}

/** Behind the last token of the block parsed. */
export let tokensEnd: i32 = 0;
/** Literals that follow the last token. */
export let trailingLiterals: i32 = 0;

/** The two of a block that another parse made. */
export function setTokens(end: i32, trailing: i32): void {
  tokensEnd = end;
  trailingLiterals = trailing;
}

// @ts-ignore: decorator
@inline
function countLiteral(p: i32): void {
  const symbol = (<i32>load<u8>(p)) << 2;
  store<i32>(symbol, load<i32>(symbol, FREQUENCIES) + 1, FREQUENCIES);
}

// @ts-ignore: decorator
@inline
function hash(word: u32): i32 {
  return ((word * 0x9e3779b1) >>> (32 - HASH_BITS)) << 2;
}

// @ts-ignore: decorator
@inline
function enter(p: i32, position: i32): void {
  const head = hash(load32(p));
  store<i32>(head, (load<i32>(head, HEADS) << 16) | (position & 0xffff), HEADS);
}

/**
 * Parses the block of the input [src, end) that begins at start; returns where it ends.
 * Adds to FREQUENCIES (literals and distances) and MATCH_COUNTS.
 *
 * bounds: probes stay 12 bytes below `end`, comparisons start below it and read 32 bytes,
 * within the overshoot behind an input. Candidates are not below `src`: position 0 is never
 * probed and entries are smaller than the position probed, so below position 2^15 a distance
 * is at most the position, and from there on at most 2^15. Tokens end before TOKENS_END.
 */
export function parse(src: i32, start: i32, end: i32): i32 {
  const stop = end - start > BLOCK_BYTES + BLOCK_BYTES / 2 ? start + BLOCK_BYTES : end;
  const limit = min(stop, end - 11);
  let p = start;
  let anchor = start;
  let token = TOKENS;
  if (p == src && p < end) countLiteral(p++);
  let note = field ? load<i32>(field) : i32.MAX_VALUE;
  let opaque = src + (note >>> 4);
  let barrier = min(opaque, limit);
  let pause = min(start + DENSE, barrier);
  while (true) {
    if (p >= pause) {
      if (p >= limit || p - anchor >= BARREN_BYTES) break;
      let next = p + (((p - anchor) & -PATIENCE) >>> 3);
      if (p >= opaque) {
        next = opaque + (note & 15);
        field += 4;
        note = load<i32>(field);
        opaque = src + (note >>> 4);
        barrier = min(opaque, limit);
      }
      next = min(next, limit);
      while (p < next) countLiteral(p++);
      pause = min(p + DENSE, barrier);
      continue;
    }
    const word = load32(p);
    const head = hash(word);
    const position = p - src;
    const before = p - 1;
    const bucket = load<i32>(head, HEADS);
    store<i32>(head, (bucket << 16) | (position & 0xffff), HEADS);
    const newer = (position - 1 - bucket) & WINDOW_MASK;
    const older = (position - 1 - (bucket >>> 16)) & WINDOW_MASK;
    // One branch for both comparisons: taken alone, neither can be predicted.
    if (!(i32(load32(before - newer) == word) | i32(load32(before - older) == word))) {
      countLiteral(p++);
      continue;
    }
    const longest = min(end - p, LONGEST_MATCH);
    const newerLength = common32(p, before - newer);
    // Clamped, so that what lies behind the input has no say in the choice.
    const olderLength = min(common32(p, before - older), longest);
    const distance = select(older, newer, olderLength > newerLength);
    let length = max(newerLength, olderLength);
    if (length == 32) {
      let more = 32;
      while (more == 32 && length < longest) {
        more = common32(p + length, before + length - distance);
        length += more;
      }
    }
    length = min(length, longest);

    // Distances are coded as floating point: two leading bits, then extra bits.
    const extraBits = max(30 - clz(distance | 1), 0);
    const symbol = (extraBits << 1) + (distance >>> extraBits);
    const extra = distance & ((1 << extraBits) - 1);
    const match = (extra << 17) | (extraBits << 13) | (symbol << 8) | (length - 3);
    store64(token, ((<u64>(p - anchor)) << 32) | <u64>(<u32>match));
    const symbolCount = symbol << 2;
    const lengthCount = (length - 3) << 2;
    store<i32>(symbolCount, load<i32>(symbolCount, DISTANCES) + 1, DISTANCES);
    store<i32>(lengthCount, load<i32>(lengthCount, MATCH_COUNTS) + 1, MATCH_COUNTS);
    enter(p + 1, position + 1);
    p += length;
    enter(p - 1, position + length - 1);
    anchor = p;
    token += 8;
    if (token == TOKENS_END) break;
    pause = min(p + DENSE, barrier);
  }
  if (p >= limit) while (p < stop) countLiteral(p++);
  tokensEnd = token;
  trailingLiterals = p - anchor;
  return p;
}
