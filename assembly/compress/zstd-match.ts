/**
 * Finds matches for zstd: one pass over a block that turns it into sequences (zstd-sequences.ts)
 * and puts its literals in a row.
 *
 * Telemetry is made of records like the ones before, in which some values differ. So where a
 * match ends, the one that goes on at the same distance is often only a few bytes away, and it is
 * cheap: the format can repeat each of the last three distances for a bit or two. The two faster
 * levels therefore begin every search by comparing the next 32 bytes with those at the last two
 * distances, all at once: four bytes in a row that agree end the gap. Only places in the gap are
 * looked up by a hash of their next five bytes, and what is found there must outdo the match that
 * would end it: be longer by what a distance takes, less what the literals that it spares would.
 *
 * Level fast keeps one place per hash, its position modulo 2^16. An entry that is older, or
 * was never written, turns into some other place at most 64 KiB back; comparing rejects it. So
 * the table is small enough to stay in the cache, and the distances to stay cheap. Level default
 * keeps the last two places, wherever they are, takes the longer of both matches, and looks one
 * place further on for one that is longer still.
 *
 * Level best enters every place into a chain of those with the same four bytes, and follows up to
 * CHAIN_DEPTH of them. Matches are weighed by their length and the bits of their distance, and
 * must still be best two places further on.
 */

import { copy16, equal32 } from '../lanes/index';
import { load32, load64, store64 } from '../lanes/unaligned';
import { commonLength } from './common-length';
import { LEVEL_DEFAULT, LEVEL_FAST } from './level';
import { LITERALS, MATCH_TABLES, MATCH_TABLES_BYTES, SEQUENCES } from './zstd-work';

/** How far back a match may lie. */
export const WINDOW_BYTES: i32 = 1 << 23;

/** Places are not looked up where fewer bytes than this follow in the block. */
const MARGIN: i32 = 12;

/** At most; small inputs have smaller tables. */
const FAST_HASH_BITS: i32 = 15;
const DEFAULT_HASH_BITS: i32 = 14;
/** The shortest match that is taken by a hash. */
const LEAST: i32 = 5;
/** By how much a match in the gap must be longer than the one behind it, less GAP per literal. */
const EXTRA: i32 = 6;
const GAP: i32 = 3;
/** Longer matches are taken without looking further on. */
const LONG: i32 = 32;

/** Level best: u32 heads by hash, then the place before each place, modulo CHAIN_PLACES. */
const HEADS: i32 = MATCH_TABLES;
const HEAD_BITS: i32 = 16;
const CHAINS: i32 = HEADS + (4 << HEAD_BITS);
const CHAIN_PLACES: i32 = (MATCH_TABLES_BYTES - (4 << HEAD_BITS)) >>> 2;
const CHAIN_DEPTH: i32 = 64;
/** A match as long as this ends the search. */
const LONG_ENOUGH: i32 = 512;
/** What a byte is worth, and a distance that is not one of the last costs, in halves of a bit. */
const BYTE_WORTH: i32 = 4;
const DISTANCE_COST: i32 = 3;
/** What a match one place further on must be worth more, for each place. */
const DELAY_COST: i32 = 4;
const MOST_DELAY: i32 = 2;

/** Behind the last sequence, and behind the last literal, of the block parsed. */
export let sequencesEnd: i32 = 0;
export let literalsEnd: i32 = 0;

let hashShift: u64 = 0;
/** The last distances; 1 to begin with, as any input has a byte before its second. */
let last0: i32 = 0;
let last1: i32 = 0;
let last2: i32 = 0;
/** Level best: the first position not yet entered, and what is known of the match found. */
let entered: i32 = 0;
let foundDistance: i32 = 0;
let foundWorth: i32 = 0;

// @ts-ignore: decorator
@inline
function hashOf5(word: u64, shift: u64): i32 {
  return <i32>(((word << 24) * 0x9e3779b185ebca87) >> shift);
}

// @ts-ignore: decorator
@inline
function hashOf4(word: u32): i32 {
  return (word * 0x9e3779b1) >>> (32 - HEAD_BITS);
}

/** Of bits that stand for bytes, those where four in a row begin. */
// @ts-ignore: decorator
@inline
function runsOf4(bits: i32): i32 {
  const two = bits & (bits >>> 1);
  return two & (two >>> 2);
}

/**
 * Adds the sequence of `run` literals from `anchor` on and a match.
 *
 * bounds: a block's sequences consume it, so neither area overflows; up to 15 bytes more than the
 * literals are copied, which the overshoot behind LITERALS takes.
 */
// @ts-ignore: decorator
@inline
function emit(anchor: i32, run: i32, length: i32, distance: i32): void {
  const to = literalsEnd;
  copy16(to, anchor);
  for (let i = 16; i < run; i += 16) copy16(to + i, anchor + i);
  literalsEnd = to + run;
  const at = sequencesEnd;
  store64(at, <u64>run | ((<u64>(length - 3)) << 17) | ((<u64>distance) << 34));
  sequencesEnd = at + 8;
}

/** Enters the place p into a level's table. */
// @ts-ignore: decorator
@inline
function enter(level: i32, src: i32, p: i32, shift: u64): void {
  const hash = hashOf5(load64(p), shift);
  if (level == LEVEL_FAST) {
    store<u16>(hash << 1, <u16>(p - src), MATCH_TABLES);
  } else {
    const bucket = load<u64>(hash << 3, MATCH_TABLES);
    store<u64>(hash << 3, (bucket << 32) | <u64>(p - src), MATCH_TABLES);
  }
}

/**
 * The levels fast and default; `level` is a constant, so that each gets a loop of its own.
 *
 * bounds: places lie at least MARGIN bytes before the block's end, comparisons start below it and
 * read 32 bytes, within the overshoot behind an input. Distances lead to places not before `src`:
 * the last ones did before, and p only grows; an entry of level fast is taken modulo 2^16 behind
 * the position, and less than 2^16 in the first 64 KiB. Eight bytes are read before p and a place
 * that matches, above address 0.
 */
// @ts-ignore: decorator
@inline
function parseByGaps(level: i32, src: i32, start: i32, end: i32): void {
  const shift = hashShift;
  const limit = end - MARGIN;
  let p = max(start, src + 1);
  let anchor = start;
  let distance0 = last0;
  let distance1 = last1;
  while (p < limit) {
    // What stands behind the input has no say.
    const known = <i32>(<u32>(-1) >>> max(32 - (end - p), 0));
    const equal0 = equal32(p, p - distance0) & known;
    const equal1 = equal32(p, p - distance1) & known;
    const runs0 = runsOf4(equal0);
    const runs = runs0 | runsOf4(equal1);
    // The gap ends where the first run begins; without one, where none could be seen.
    const gap = ctz(runs);
    const stop = min(limit, p + min(gap, 29));
    const is0 = (runs0 >>> gap) & 1;
    const runLength = ctz(~(select(equal0, equal1, is0) >>> gap));
    const perLiteral = select(GAP, 0, runs);
    let need = select(runLength + EXTRA, LEAST, runs);
    let q = 0;
    let length = 0;
    let found = 0;
    while (p < stop) {
      const word = load64(p);
      const hash = hashOf5(word, shift);
      let place: i32;
      if (level == LEVEL_FAST) {
        const before = p - 1;
        place = before - ((before - src - <i32>load<u16>(hash << 1, MATCH_TABLES)) & 0xffff);
        store<u16>(hash << 1, <u16>(p - src), MATCH_TABLES);
        if (load32(place) == <u32>word) {
          length = commonLength(p, place, end - p);
          if (length >= need - perLiteral * (stop - p)) {
            q = place;
            break;
          }
        }
      } else {
        const bucket = load<u64>(hash << 3, MATCH_TABLES);
        store<u64>(hash << 3, (bucket << 32) | <u64>(p - src), MATCH_TABLES);
        place = src + <i32>bucket;
        const older = src + <i32>(bucket >> 32);
        // One branch for both comparisons: taken alone, neither can be predicted.
        if (i32(load32(place) == <u32>word) | i32(load32(older) == <u32>word)) {
          const most = end - p;
          let longer = commonLength(p, place, most);
          const olderLength = commonLength(p, older, most);
          const isOlder = i32(olderLength > longer + 1);
          longer = select(olderLength, longer, isOlder);
          place = select(older, place, isOlder);
          if (longer >= need - perLiteral * (stop - p) && p - place <= WINDOW_BYTES) {
            q = place;
            length = longer;
            if (found || longer >= LONG) break;
            found = p;
            need = longer + 2 + perLiteral * (stop - p - 1);
            if (p + 1 == stop) break;
            p++;
            continue;
          }
        }
        if (found) {
          p = found;
          break;
        }
      }
      // Where nothing has matched for long, steps grow.
      p += 1 + ((p - anchor) >>> 8);
    }
    if (!q) {
      if (!runs) continue;
      if (stop == limit) break;
      p = stop;
      q = p - select(distance0, distance1, is0);
      length = commonLength(p, q, end - p);
    }
    const distance = p - q;
    let back = 8;
    while (back == 8) {
      q = p - distance;
      const same = <i32>(clz(load64(p - 8) ^ load64(q - 8)) >>> 3);
      back = min(min(p - anchor, q - src), same);
      p -= back;
      length += back;
    }
    distance1 = select(distance1, distance0, distance == distance0);
    distance0 = distance;
    emit(anchor, p - anchor, length, distance);
    enter(level, src, p + 2, shift);
    p += length;
    anchor = p;
    enter(level, src, p - 2, shift);
  }
  last0 = distance0;
  last1 = distance1;
  finish(anchor, end);
}

/** Adds the literals that no match follows. */
function finish(anchor: i32, end: i32): void {
  memory.copy(literalsEnd, anchor, end - anchor);
  literalsEnd += end - anchor;
}

/** Offers the match at a last distance to what is known of the best; returns its length. */
// @ts-ignore: decorator
@inline
function offerLast(p: i32, most: i32, distance: i32, best: i32): i32 {
  if (load32(p - distance) == load32(p)) {
    const length = commonLength(p, p - distance, most);
    if (length * BYTE_WORTH > foundWorth) {
      foundWorth = length * BYTE_WORTH;
      foundDistance = distance;
      return length;
    }
  }
  return best;
}

/**
 * Level best: enters all places before p into their chains and finds the match at p that is worth
 * most; returns its length, 0 if there is none.
 *
 * bounds: links lead to positions that were entered in this input and are less than CHAIN_PLACES
 * back, so their own link has not been written over, or to position 0, where the walk ends.
 */
function find(src: i32, p: i32, end: i32): i32 {
  const position = p - src;
  for (; entered < position; entered++) {
    const head = hashOf4(load32(src + entered)) << 2;
    store<i32>((entered & (CHAIN_PLACES - 1)) << 2, load<i32>(head, HEADS), CHAINS);
    store<i32>(head, entered, HEADS);
  }
  const word = load32(p);
  const most = end - p;
  foundWorth = 0;
  let best = offerLast(p, most, last0, 0);
  best = offerLast(p, most, last1, best);
  best = offerLast(p, most, last2, best);
  let candidate = load<i32>(hashOf4(word) << 2, HEADS);
  for (let left = CHAIN_DEPTH; left && best < LONG_ENOUGH && best < most; left--) {
    const distance = position - candidate;
    if (distance >= CHAIN_PLACES) break;
    const q = src + candidate;
    const tail = max(best - 3, 0);
    if (load32(q + tail) == load32(p + tail) && load32(q) == word) {
      const length = commonLength(p, q, most);
      const worth = length * BYTE_WORTH - (31 - clz(distance)) - DISTANCE_COST;
      if (worth > foundWorth) {
        foundWorth = worth;
        foundDistance = distance;
        best = length;
      }
    }
    if (!candidate) break;
    candidate = load<i32>((candidate & (CHAIN_PLACES - 1)) << 2, CHAINS);
  }
  return best;
}

function parseByChains(src: i32, start: i32, end: i32): void {
  const limit = end - MARGIN;
  let p = max(start, src + 1);
  let anchor = start;
  while (p < limit) {
    let length = find(src, p, end);
    if (!length) {
      p += 1 + ((p - anchor) >>> 8);
      continue;
    }
    let distance = foundDistance;
    let worth = foundWorth;
    let delay = 1;
    while (delay <= MOST_DELAY && length < LONG_ENOUGH && p + delay < limit) {
      const later = find(src, p + delay, end);
      if (later && foundWorth > worth + delay * DELAY_COST) {
        p += delay;
        length = later;
        distance = foundDistance;
        worth = foundWorth;
        delay = 0;
      }
      delay++;
    }
    const first = max(anchor, src + distance);
    while (p > first && load<u8>(p - 1) == load<u8>(p - 1 - distance)) {
      p--;
      length++;
    }
    emit(anchor, p - anchor, length, distance);
    if (distance != last0) {
      if (distance != last1) last2 = last1;
      last1 = last0;
      last0 = distance;
    }
    p += length;
    anchor = p;
  }
  finish(anchor, end);
}

/** Begins an input of so many bytes. */
export function startMatches(level: i32, length: i32): void {
  last0 = 1;
  last1 = 1;
  last2 = 1;
  entered = 1;
  const bits = max(33 - clz(length), 8);
  if (level == LEVEL_FAST) {
    const own = min(bits, FAST_HASH_BITS);
    hashShift = 64 - own;
    memory.fill(MATCH_TABLES, 0, 2 << own);
  } else if (level == LEVEL_DEFAULT) {
    const own = min(bits, DEFAULT_HASH_BITS);
    hashShift = 64 - own;
    memory.fill(MATCH_TABLES, 0, 8 << own);
  } else {
    memory.fill(HEADS, 0, 4 << HEAD_BITS);
  }
}

/** Parses the block [start, end) of the input that begins at src and was started. */
export function parse(level: i32, src: i32, start: i32, end: i32): void {
  sequencesEnd = SEQUENCES;
  literalsEnd = LITERALS;
  if (level == LEVEL_FAST) parseByGaps(LEVEL_FAST, src, start, end);
  else if (level == LEVEL_DEFAULT) parseByGaps(LEVEL_DEFAULT, src, start, end);
  else parseByChains(src, start, end);
}
