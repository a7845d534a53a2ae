/** Finds matches for zstd. */

import { common32, copy16 } from '../lanes/index';
import { load32, load64, store32, store64 } from '../lanes/unaligned';
import { LITERALS, MATCH_TABLES, SEQUENCES } from './zstd-work';

/** A distance a frame may reach back. */
export const WINDOW_BYTES: i32 = 1 << 23;

/** Behind the last sequence, and behind the last literal, of the block parsed. */
export let sequencesEnd: i32 = 0;
export let literalsEnd: i32 = 0;

let hashShift: u64 = 0;
/** The last distance, to begin the next block with. */
let lastDistance: i32 = 0;

// @ts-ignore: decorator
@inline
function hash5(word: u64, shift: u64): i32 {
  return <i32>(((word << 24) * 0x9e3779b185ebca87) >> shift) << 2;
}

// @ts-ignore: decorator
@inline
function matchLength(a: i32, b: i32, most: i32): i32 {
  let length = common32(a, b);
  if (length == 32) {
    let more = 32;
    while (more == 32 && length < most) {
      more = common32(a + length, b + length);
      length += more;
    }
  }
  return min(length, most);
}

/** Copies literals. */
// @ts-ignore: decorator
@inline
function copyLiterals(dst: i32, src: i32, size: i32): void {
  copy16(dst, src);
  for (let i = 16; i < size; i += 16) copy16(dst + i, src + i);
}

/** Begins an input of so many bytes. */
export function startFast(length: i32): void {
  const bits = min(max(33 - clz(length), 8), 15);
  hashShift = 64 - bits;
  memory.fill(MATCH_TABLES, 0, 4 << bits);
  lastDistance = 0;
}

/** Parses [start, end) of the input that began at src. */
export function parseFast(src: i32, start: i32, end: i32): void {
  const shift = hashShift;
  const limit = end - 12;
  let sequence = SEQUENCES;
  let literals = LITERALS;
  let p = max(start, src + 1);
  let anchor = start;
  let distance = lastDistance;
  while (p < limit) {
    const word = load64(p);
    const head = hash5(word, shift);
    let q = src + load<i32>(head, MATCH_TABLES);
    store<i32>(head, p - src, MATCH_TABLES);
    const again = i32(load32(p - distance) == <u32>word) & i32(distance != 0);
    if (!(again | (i32(load32(q) == <u32>word) & i32(p - q <= WINDOW_BYTES)))) {
      p += 1 + ((p - anchor) >> 8);
      continue;
    }
    if (again) q = p - distance;
    let length = matchLength(p, q, end - p);
    while (p > anchor && q > src && load<u8>(p - 1) == load<u8>(q - 1)) {
      p--;
      q--;
      length++;
    }
    distance = p - q;
    const run = p - anchor;
    copyLiterals(literals, anchor, run);
    literals += run;
    store64(sequence, <u64>run | ((<u64>(length - 3)) << 17) | ((<u64>distance) << 34));
    sequence += 8;
    store<i32>(hash5(load64(p + 2), shift), p + 2 - src, MATCH_TABLES);
    p += length;
    anchor = p;
    if (p < limit) store<i32>(hash5(load64(p - 2), shift), p - 2 - src, MATCH_TABLES);
  }
  lastDistance = distance;
  const rest = end - anchor;
  memory.copy(literals, anchor, rest);
  sequencesEnd = sequence;
  literalsEnd = literals + rest;
}
