/**
 * The parse of the level `default`: lazy matching over hash chains (chains.ts).
 *
 * A position is probed once: where the place entered last with its hash does not begin with the
 * same four bytes, it becomes a literal, without a look down the chain. That is one branch, and
 * one that can be predicted. With a match in hand the next position is searched, from the start in
 * the chain of the four bytes that a longer match there must end with: mostly it has no member.
 * While something longer is found, the byte before it becomes a literal.
 *
 * All positions of a short match are entered, of a long one every other in the middle.
 */

import { load32, store64 } from '../lanes/unaligned';
import { backTo, enter, further, LONGEST_MATCH, WINDOW } from './chains';
import { commonLength } from './common-length';
import { LAZY_HEADS, LAZY_PREVIOUS } from './deflate-work';
import { FREQUENCIES, LITERAL_SYMBOLS } from './match';
import { distanceExtraBitsOf, lengthSymbolOf, matchToken } from './tokens';

const DISTANCES: i32 = FREQUENCIES + LITERAL_SYMBOLS * 4;
/** Places compared for one match. */
const DEPTH: i32 = 10;
/** So many positions are entered densely at both ends of a match. */
const DENSE: i32 = 8;

/** Behind the last token of the segment parsed. */
export let lazyTokensEnd: i32 = 0;
/** Where the literals behind that token begin. */
export let lazyAnchor: i32 = 0;
/** Extra bits of lengths and distances in the segment, where 258 counts as if it had five. */
export let lazyExtraBits: i32 = 0;

// @ts-ignore: decorator
@inline
function count(counter: i32): void {
  store<i32>(counter, load<i32>(counter) + 1);
}

// @ts-ignore: decorator
@inline
function countLiteral(p: i32): void {
  count(FREQUENCIES + ((<i32>load<u8>(p)) << 2));
}

/**
 * Parses the input [src, end) from `start` on up to `stop` or the end of a match that goes
 * further; returns where that is. Tokens are added at `token`, the run of the first one is counted
 * from `firstAnchor`. Adds to FREQUENCIES.
 *
 * bounds: searches begin 4 bytes below `end` and compare what begins below it, within the
 * overshoot. A candidate is not below `src`, nor further back than the window. Candidates are
 * loaded before that is known only where they are an address that was entered, or 0.
 */
export function parseLazy(
  src: i32,
  start: i32,
  stop: i32,
  end: i32,
  token: i32,
  firstAnchor: i32,
): i32 {
  const searchable = end - 3;
  const limit = min(stop, searchable);
  let p = start;
  let anchor = firstAnchor;
  let extraBits = 0;
  while (p < limit) {
    let word = load32(p);
    let c = enter(LAZY_HEADS, LAZY_PREVIOUS, p, word);
    let d = <u32>(p - c);
    let farthest = min<u32>(p - src, WINDOW);
    if (!(i32(d <= farthest) & i32(load32(c) == word))) {
      countLiteral(p++);
      continue;
    }
    let first = p;
    let length = 3;
    let distance: u32 = 0;
    let at = 0;
    let tail = word;
    let longest = min(end - p, LONGEST_MATCH);
    while (true) {
      let best = length;
      let link = at;
      let steps = DEPTH;
      do {
        c = p - d;
        let next = further(LAZY_PREVIOUS, c + link, d);
        if (!((load32(c) ^ word) | (load32(c + at) ^ tail))) {
          const common = commonLength(p, c, longest);
          if (common > best) {
            best = common;
            distance = d;
            if (common == longest) break;
            at = common - 3;
            tail = load32(p + at);
            const other = backTo(LAZY_HEADS, p + at, tail);
            link = select(at, link, other >= next);
            next = max(other, next);
          }
        }
        d = next;
      } while (i32(d <= farthest) & i32(--steps != 0));
      if (best == length) break;
      // Without a branch that cannot be predicted: counts the literal, if it is one.
      const counter = FREQUENCIES + ((<i32>load<u8>(first)) << 2);
      store<i32>(counter, load<i32>(counter) + i32(first != p));
      first = p;
      length = best;
      if (p + 1 >= searchable) break;
      longest = min(end - p - 1, LONGEST_MATCH);
      if (length >= longest) break;
      p++;
      word = load32(p);
      enter(LAZY_HEADS, LAZY_PREVIOUS, p, word);
      at = length - 3;
      tail = load32(p + at);
      farthest = min<u32>(p - src, WINDOW);
      d = backTo(LAZY_HEADS, p + at, tail);
      if (d > farthest) break;
    }
    const e = <i32>distance - 1;
    const distanceExtraBits = distanceExtraBitsOf(e);
    const symbol = (distanceExtraBits << 1) + (e >>> distanceExtraBits);
    const match = matchToken(length - 3, e, distanceExtraBits, symbol);
    store64(token, ((<u64>(first - anchor)) << 32) | match);
    token += 8;
    const lengthSymbol = lengthSymbolOf(length - 3);
    count(FREQUENCIES + (lengthSymbol << 2));
    count(DISTANCES + (symbol << 2));
    extraBits += distanceExtraBits + max(29 - clz((length - 3) | 1), 0);
    anchor = first + length;
    // Three loops, because the outer two run the same number of times most often.
    const ends = min(anchor, searchable);
    const dense = min(first + DENSE, ends);
    for (p++; p < dense; p++) enter(LAZY_HEADS, LAZY_PREVIOUS, p, load32(p));
    for (; p < anchor - DENSE; p += 2) enter(LAZY_HEADS, LAZY_PREVIOUS, p, load32(p));
    for (; p < ends; p++) enter(LAZY_HEADS, LAZY_PREVIOUS, p, load32(p));
    p = anchor;
  }
  while (p < stop) countLiteral(p++);
  lazyTokensEnd = token;
  lazyAnchor = anchor;
  lazyExtraBits = extraBits;
  return p;
}
