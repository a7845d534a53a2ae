/**
 * Blocks of the levels `default` and `best`: they end where statistics change.
 *
 * The input is parsed in segments. Each joins the block before it, unless the two cost less under
 * codes of their own, even with another header (entropy.ts; whatever is dearer than stored
 * counts as stored). A token whose run of literals began in the block before is shortened when
 * its segment starts a block; the literals cut off trail the block before.
 *
 * At the level `best` the block found like this is then parsed once more (optimal.ts), starting
 * from its statistics.
 */

import { load64, store64 } from '../lanes/unaligned';
import { writeBlock } from './deflate';
import {
  HEADS_3_BYTES,
  HEADS_BYTES,
  HISTOGRAMS,
  LAZY_HEADS,
  OPTIMAL_BYTES,
  OPTIMAL_HEADS,
  OPTIMAL_HEADS_3,
} from './deflate-work';
import { entropy } from './entropy';
import { lazyAnchor, lazyExtraBits, lazyTokensEnd, parseLazy } from './lazy';
import { COUNTERS_BYTES, FREQUENCIES, SYMBOLS, TOKENS, setTokens } from './match';
import { OPTIMAL_TOKENS, parseOptimal } from './optimal';

const HISTOGRAM_BYTES: i32 = SYMBOLS * 4;
/** Symbols of the block so far; of the segment, while the block is written; none. */
const BLOCK: i32 = HISTOGRAMS;
const SEGMENT: i32 = BLOCK + HISTOGRAM_BYTES;
const NONE: i32 = SEGMENT + HISTOGRAM_BYTES;

const SEGMENT_BYTES: i32 = 16384;
const SHORT_SEGMENT_BYTES: i32 = 8192;
/** A block has fewer than 2^18 symbols (huffman.ts). */
const LARGEST_BLOCK: i32 = 240 << 10;
/** What another header costs, in 256ths of a bit. */
const HEADER: u32 = 600 << 8;
/** So many bytes of tokens may a segment need, which has up to two lengths: one for four bytes. */
const SEGMENT_TOKENS: i32 = (2 * SEGMENT_BYTES + 512) * 2;
const TOKENS_END: i32 = TOKENS + 0x40000;

/** Cost of the segment counted in FREQUENCIES, together with what `other` counts. */
// @ts-ignore: decorator
@inline
function costWith(other: i32, extraBits: i32, size: i32): u32 {
  return min(entropy(FREQUENCIES, other) + (<u32>extraBits << 8), <u32>size << 11);
}

/** Writes the block [start, end) that is counted in BLOCK and whose last match ends at `anchor`. */
function write(
  src: i32,
  start: i32,
  end: i32,
  last: i32,
  room: i32,
  tokensEnd: i32,
  anchor: i32,
  best: bool,
): bool {
  memory.copy(FREQUENCIES, BLOCK, HISTOGRAM_BYTES);
  if (!best) {
    setTokens(tokensEnd, end - anchor);
    return writeBlock(start, end, last, room, TOKENS, true);
  }
  do {
    const stop = parseOptimal(src, start, end);
    if (!writeBlock(start, stop, last & i32(stop == end), room, OPTIMAL_TOKENS, true)) return false;
    start = stop;
  } while (start < end);
  return true;
}

/** Writes [src, end) in blocks, the last of them marked if `final`; false if there is no room. */
export function writeSplit(src: i32, end: i32, final: i32, room: i32, best: bool): bool {
  memory.fill(LAZY_HEADS, 0, HEADS_BYTES);
  if (best) {
    memory.fill(OPTIMAL_HEADS, 0, HEADS_BYTES);
    memory.fill(OPTIMAL_HEADS_3, 0, HEADS_3_BYTES);
  }
  memory.fill(FREQUENCIES, 0, COUNTERS_BYTES);
  memory.fill(HISTOGRAMS, 0, 3 * HISTOGRAM_BYTES);
  const segment = best ? SHORT_SEGMENT_BYTES : SEGMENT_BYTES;
  const largest = best ? OPTIMAL_BYTES : LARGEST_BLOCK;
  let start = src;
  let p = src;
  let token = TOKENS;
  let anchor = src;
  let extraBits = 0;
  let cost: u32 = 0;
  while (true) {
    const stop = end - p < 2 * segment ? end : p + segment;
    memory.fill(FREQUENCIES, 0, HISTOGRAM_BYTES);
    const q = parseLazy(src, p, stop, end, token, anchor);
    let cut = p > start;
    let joint: u32 = 0;
    if (cut || q < end) joint = costWith(NONE, lazyExtraBits, q - p);
    if (cut && q - start <= largest && token <= TOKENS_END - 2 * SEGMENT_TOKENS) {
      const apart = joint + cost + HEADER;
      joint = costWith(BLOCK, extraBits + lazyExtraBits, q - start);
      cut = joint > apart;
      if (cut) joint = apart - cost - HEADER;
    }
    if (cut) {
      memory.copy(SEGMENT, FREQUENCIES, HISTOGRAM_BYTES);
      const first = load64(token);
      if (!write(src, start, p, 0, room, token, anchor, best)) return false;
      const size = lazyTokensEnd - token;
      store64(token, first - (<u64>(p - anchor) << 32));
      memory.copy(TOKENS, token, size);
      memory.copy(BLOCK, SEGMENT, HISTOGRAM_BYTES);
      start = p;
      anchor = size ? lazyAnchor : p;
      token = TOKENS + size;
      extraBits = lazyExtraBits;
    } else {
      for (let i = 0; i < HISTOGRAM_BYTES; i += 4) {
        store<i32>(i, load<i32>(i, BLOCK) + load<i32>(i, FREQUENCIES), BLOCK);
      }
      anchor = lazyAnchor;
      token = lazyTokensEnd;
      extraBits += lazyExtraBits;
    }
    cost = joint;
    p = q;
    if (p >= end) break;
  }
  return write(src, start, end, final, room, token, anchor, best);
}
