/**
 * The parse of the level `best`: of all ways to write a block, the cheapest under the prices that
 * the way before set.
 *
 * First each position's matches are found, once: of every length that is to be had, the
 * nearest, which a search down the chains (chains.ts) meets in just this order, because from
 * each match on it looks for longer ones only. Then, from the end of the block to its start, each
 * position is given what the cheapest way from there to the end costs: a literal and what
 * follows it, or a match, at its length or any shorter one, and what follows that. What is chosen
 * on the way from start to end is counted, and sets the prices of the next round: the entropy of
 * each symbol. The first round has the statistics of the lazy parse.
 *
 * Behind a match of NICE bytes or more nothing is searched up to its end: it will be taken.
 *
 * Candidates are u32: distance - 1 (bits 0-14), distance symbol (15-19), length (20-28), and in
 * bit 31 whether it is the first, so shortest, of its position; a position without any has one of
 * length 0. Choices are the same, at the length chosen, 0 for a literal.
 */

import { load32, store64 } from '../lanes/unaligned';
import { backTo, enter, further, LONGEST_MATCH, WINDOW } from './chains';
import { commonLength } from './common-length';
import {
  CANDIDATES,
  CANDIDATES_END,
  CHOICES,
  COSTS,
  COSTS_BYTES,
  HASH_3_BITS,
  OPTIMAL_HEADS,
  OPTIMAL_HEADS_3,
  OPTIMAL_PREVIOUS,
  PRICES,
} from './deflate-work';
import { log2 } from './entropy';
import { DISTANCE_SYMBOLS, FREQUENCIES, LITERAL_SYMBOLS, SYMBOLS, setTokens } from './match';
import { distanceExtraBitsOf, extraBitsOf, lengthSymbolOf, matchToken } from './tokens';

/** Tokens lie where the candidates did, which are not needed any more. */
export const OPTIMAL_TOKENS: i32 = CANDIDATES;

const LITERAL_PRICES: i32 = PRICES;
/** Of each length: its price, and the longest length that has a lower symbol. */
const LENGTH_PRICES: i32 = PRICES + 1024;
const DISTANCE_PRICES: i32 = LENGTH_PRICES + 8 * 259;
const DISTANCES: i32 = FREQUENCIES + LITERAL_SYMBOLS * 4;

const ROUNDS: i32 = 3;
/** Places compared at one position. */
const DEPTH: i32 = 96;
const NICE: i32 = 258;
const FIRST: u32 = 0x80000000;

// @ts-ignore: decorator
@inline
function candidate(length: i32, distance: u32): u32 {
  const d = <i32>distance - 1;
  const extraBits = distanceExtraBitsOf(d);
  const symbol = (extraBits << 1) + (d >>> extraBits);
  return (length << 20) | (symbol << 15) | d;
}

/** Behind the last candidate. */
let candidatesEnd: i32 = 0;

/**
 * Finds the candidates of [start, end); returns where it stopped because there was no more room
 * for them, or end.
 *
 * bounds: searches begin 4 bytes below `end` and compare what begins below it, within the
 * overshoot. A candidate is not below `src`, nor further back than the window; OPTIMAL_HEADS_3 has
 * addresses that were entered, or 0. A position has at most one candidate a step and one of
 * three bytes.
 */
function findCandidates(src: i32, start: i32, end: i32): i32 {
  let at = CANDIDATES;
  let skipTo = start;
  let p = start;
  for (; p < end && at < CANDIDATES_END - (DEPTH + 1) * 4; p++) {
    const first = at;
    const longest = min(end - p, LONGEST_MATCH);
    if (longest >= 4) {
      const word = load32(p);
      const head3 = OPTIMAL_HEADS_3 + ((((word << 8) * 0x9e3779b1) >>> (32 - HASH_3_BITS)) << 2);
      const c3 = load<i32>(head3);
      store<i32>(head3, p);
      let d = <u32>(p - enter(OPTIMAL_HEADS, OPTIMAL_PREVIOUS, p, word));
      if (p >= skipTo) {
        const farthest = min<u32>(p - src, WINDOW);
        const d3 = <u32>(p - c3);
        let best = 3;
        let place = 0;
        let link = 0;
        let tail = word;
        let steps = DEPTH;
        while (d <= farthest) {
          const c = p - d;
          let next = further(OPTIMAL_PREVIOUS, c + link, d);
          if (!((load32(c) ^ word) | (load32(c + place) ^ tail))) {
            const common = commonLength(p, c, longest);
            if (common > best) {
              if (best == 3 && d3 < d && d3 <= farthest && !((load32(c3) ^ word) << 8)) {
                store<u32>(at, candidate(3, d3));
                at += 4;
              }
              best = common;
              store<u32>(at, candidate(common, d));
              at += 4;
              if (common == longest) break;
              place = common - 3;
              tail = load32(p + place);
              const other = backTo(OPTIMAL_HEADS, p + place, tail);
              link = select(place, link, other >= next);
              next = max(other, next);
            }
          }
          if (!--steps) break;
          d = next;
        }
        if (best == 3 && d3 <= farthest && !((load32(c3) ^ word) << 8)) {
          store<u32>(at, candidate(3, d3));
          at += 4;
        }
        if (best >= NICE) skipTo = p + best;
      }
    }
    if (at == first) {
      store<u32>(at, 0);
      at += 4;
    }
    store<u32>(first, load<u32>(first) | FIRST);
  }
  candidatesEnd = at;
  return p;
}

/** What a symbol costs that was counted so often, of `total` in all. */
// @ts-ignore: decorator
@inline
function priceOf(frequency: u32, total: u32): i32 {
  // A symbol not seen yet is taken to be half as frequent as one seen once.
  return <i32>(total - (frequency ? log2(frequency) : 0) + (frequency ? 0 : 256));
}

function totalOf(p: i32, n: i32): u32 {
  let total: u32 = 0;
  for (const end = p + n * 4; p < end; p += 4) total += load<u32>(p);
  return log2(total | 1);
}

/** Sets all prices, in 256ths of a bit, from FREQUENCIES. */
function setPrices(): void {
  const total = totalOf(FREQUENCIES, LITERAL_SYMBOLS);
  for (let i = 0; i < 1024; i += 4) {
    store<i32>(i, priceOf(load<u32>(i, FREQUENCIES), total), LITERAL_PRICES);
  }
  let lower = 0;
  let before = 0;
  for (let length = 3; length <= LONGEST_MATCH; length++) {
    const symbol = lengthSymbolOf(length - 3);
    if (symbol != before) lower = length - 1;
    before = symbol;
    const price = priceOf(load<u32>(symbol << 2, FREQUENCIES), total);
    store<i32>(length << 3, price + (extraBitsOf(symbol) << 8), LENGTH_PRICES);
    store<i32>(length << 3, lower, LENGTH_PRICES + 4);
  }
  const distances = totalOf(DISTANCES, DISTANCE_SYMBOLS);
  for (let symbol = 0; symbol < DISTANCE_SYMBOLS; symbol++) {
    const price = priceOf(load<u32>(symbol << 2, DISTANCES), distances);
    store<i32>(
      symbol << 2,
      price + (extraBitsOf(LITERAL_SYMBOLS + symbol) << 8),
      DISTANCE_PRICES,
    );
  }
}

/**
 * Chooses the cheapest way from every position of [start, end) to the end. Of the lengths with one
 * symbol only the longest is tried.
 *
 * bounds: a length reaches up to `end`, whose cost is the first one stored. Costs are stored
 * downwards and moved up, as many as a match can reach, when the lower end is met.
 */
function choose(start: i32, end: i32): void {
  let at = candidatesEnd - 4;
  let cost = COSTS + COSTS_BYTES - 4;
  let choice = CHOICES + ((end - start) << 2);
  store<i32>(cost, 0);
  let following = 0;
  for (let p = end - 1; p >= start; p--) {
    if (cost == COSTS) {
      cost = COSTS + COSTS_BYTES - 4 * (LONGEST_MATCH + 2);
      memory.copy(cost, COSTS, 4 * (LONGEST_MATCH + 2));
    }
    cost -= 4;
    choice -= 4;
    let best = following + load<i32>((<i32>load<u8>(p)) << 2, LITERAL_PRICES);
    let chosen: u32 = 0;
    while (true) {
      const one = load<u32>(at);
      at -= 4;
      const isFirst = one >>> 31;
      let length = <i32>((one >>> 20) & 511);
      if (length) {
        const shorter = isFirst ? 2 : <i32>((load<u32>(at) >>> 20) & 511);
        const price = load<i32>(((one >>> 15) & 31) << 2, DISTANCE_PRICES);
        length = min(length, end - p);
        while (length > shorter) {
          const lengthPrice = LENGTH_PRICES + (length << 3);
          const sum = price + load<i32>(lengthPrice) + load<i32>(cost + (length << 2));
          if (sum < best) {
            best = sum;
            chosen = (<u32>length << 20) | (one & 0xfffff);
          }
          length = load<i32>(lengthPrice, 4);
        }
      }
      if (isFirst) break;
    }
    following = best;
    store<i32>(cost, best);
    store<u32>(choice, chosen);
  }
}

/** Counts what was chosen, and in the end makes tokens of it. */
function follow(start: i32, end: i32, tokens: bool): void {
  memory.fill(FREQUENCIES, 0, SYMBOLS * 4);
  let token = OPTIMAL_TOKENS;
  let anchor = start;
  let p = start;
  while (p < end) {
    const chosen = load<u32>(CHOICES + ((p - start) << 2));
    let counter = FREQUENCIES + ((<i32>load<u8>(p)) << 2);
    if (chosen) {
      const length = chosen >>> 20;
      const symbol = (chosen >>> 15) & 31;
      const d = chosen & 0x7fff;
      if (tokens) {
        const match = matchToken(length - 3, d, distanceExtraBitsOf(d), symbol);
        store64(token, ((<u64>(p - anchor)) << 32) | match);
        token += 8;
      }
      const distance = symbol << 2;
      store<i32>(distance, load<i32>(distance, DISTANCES) + 1, DISTANCES);
      counter = FREQUENCIES + (lengthSymbolOf(length - 3) << 2);
      p += length;
      anchor = p;
    } else p++;
    store<i32>(counter, load<i32>(counter) + 1);
  }
  if (tokens) setTokens(token, end - anchor);
}

/**
 * Parses the block [start, end) of the input that begins at src, which FREQUENCIES is about, into
 * OPTIMAL_TOKENS, and counts its symbols; returns where it stopped, at the end most often.
 */
export function parseOptimal(src: i32, start: i32, end: i32): i32 {
  const stop = findCandidates(src, start, end);
  // The lazy parse has no matches of three bytes: at first they are as likely as those of four.
  const shortest = FREQUENCIES + 257 * 4;
  store<i32>(shortest, load<i32>(shortest, 4) + 1);
  for (let round = 1; round <= ROUNDS; round++) {
    setPrices();
    choose(start, stop);
    follow(start, stop, round == ROUNDS);
  }
  return stop;
}
