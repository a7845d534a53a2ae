/**
 * XXH64 (xxHash specification 0.1.1, "XXH64 algorithm").
 *
 * Four sums take 8 bytes each of a stripe of 32, in a chain of one addition, one rotation and one
 * multiplication that do not wait for the other three; at the end they are folded into one, to
 * which the length and what is left of the input, less than a stripe, are added.
 *
 * Between the pieces of a stream everything stands in the state:
 *
 *     0 ┌────────────────────────┐
 *       │ four sums       4 * u64│
 *    32 ├────────────────────────┤
 *       │ bytes seen          u64│ modulo 32 they are the bytes of the stripe begun below
 *    40 ├────────────────────────┤
 *       │ stripe begun   32 bytes│
 *    72 └────────────────────────┘
 *
 * The four sums keep their seeds in them until the first stripe is whole, so an input shorter than
 * that finds its seed in the third.
 */

import { load32, load64, store64 } from '../lanes/unaligned';

const PRIME_1: u64 = 0x9e3779b185ebca87;
const PRIME_2: u64 = 0xc2b2ae3d27d4eb4f;
const PRIME_3: u64 = 0x165667b19e3779f9;
const PRIME_4: u64 = 0x85ebca77c2b2ae63;
const PRIME_5: u64 = 0x27d4eb2f165667c5;

const STRIPE: i32 = 32;
/** In a state. */
const SEEN: i32 = STRIPE;
const BEGUN: i32 = SEEN + 8;

/** What a state takes. */
export const XXH64_STATE_BYTES: i32 = BEGUN + STRIPE;

/** The four sums of the call that runs. */
let sum1: u64 = 0;
let sum2: u64 = 0;
let sum3: u64 = 0;
let sum4: u64 = 0;

// @ts-ignore: decorator
@inline
function round(sum: u64, word: u64): u64 {
  return rotl<u64>(sum + word * PRIME_2, 31) * PRIME_1;
}

// @ts-ignore: decorator
@inline
function merged(hash: u64, sum: u64): u64 {
  return (hash ^ round(0, sum)) * PRIME_1 + PRIME_4;
}

// @ts-ignore: decorator
@inline
function begin(seed: u64): void {
  sum1 = seed + PRIME_1 + PRIME_2;
  sum2 = seed + PRIME_2;
  sum3 = seed;
  sum4 = seed - PRIME_1;
}

/**
 * The whole stripes of [src, src + length).
 *
 * bounds: reads [src, src + (length & ~31)).
 */
function stripes(src: i32, length: i32): void {
  let a = sum1;
  let b = sum2;
  let c = sum3;
  let d = sum4;
  for (const end = src + (length & -STRIPE); src != end; src += STRIPE) {
    a = round(a, load64(src));
    b = round(b, load64(src + 8));
    c = round(c, load64(src + 16));
    d = round(d, load64(src + 24));
  }
  sum1 = a;
  sum2 = b;
  sum3 = c;
  sum4 = d;
}

/**
 * The digest: the sums, the number of all bytes, and the last of them, less than a stripe, at
 * `src`.
 *
 * bounds: reads exactly [src, src + (seen & 31)).
 */
function digest(seen: u64, src: i32): u64 {
  let hash: u64;
  if (seen >= <u64>STRIPE) {
    hash = rotl<u64>(sum1, 1) + rotl<u64>(sum2, 7) + rotl<u64>(sum3, 12) + rotl<u64>(sum4, 18);
    hash = merged(merged(merged(merged(hash, sum1), sum2), sum3), sum4);
  } else {
    hash = sum3 + PRIME_5;
  }
  hash += seen;
  let left = <i32>seen & (STRIPE - 1);
  for (; left >= 8; left -= 8) {
    hash = rotl<u64>(hash ^ round(0, load64(src)), 27) * PRIME_1 + PRIME_4;
    src += 8;
  }
  if (left >= 4) {
    hash = rotl<u64>(hash ^ ((<u64>load32(src)) * PRIME_1), 23) * PRIME_2 + PRIME_3;
    src += 4;
    left -= 4;
  }
  while (left--) hash = rotl<u64>(hash ^ ((<u64>load<u8>(src++)) * PRIME_5), 11) * PRIME_1;
  hash = (hash ^ (hash >> 33)) * PRIME_2;
  hash = (hash ^ (hash >> 29)) * PRIME_3;
  return hash ^ (hash >> 32);
}

/** XXH64 of `length` bytes at `src`. */
export function xxh64Of(seed: u64, src: i32, length: i32): u64 {
  begin(seed);
  stripes(src, length);
  return digest(<u64>length, src + (length & -STRIPE));
}

function keepSums(state: i32): void {
  store64(state, sum1);
  store64(state + 8, sum2);
  store64(state + 16, sum3);
  store64(state + 24, sum4);
}

function takeSums(state: i32): void {
  sum1 = load64(state);
  sum2 = load64(state + 8);
  sum3 = load64(state + 16);
  sum4 = load64(state + 24);
}

/** Begins a stream in the XXH64_STATE_BYTES at `state`. */
export function xxh64Init(state: i32, seed: u64): void {
  begin(seed);
  keepSums(state);
  store64(state + SEEN, 0);
}

/**
 * The next `length` bytes of the stream, at `src`.
 *
 * bounds: reads exactly [src, src + length); fewer than 32 bytes stand in the stripe begun, and it
 * is filled to 32 at most.
 */
export function xxh64Feed(state: i32, src: i32, length: i32): void {
  const seen = load64(state + SEEN);
  store64(state + SEEN, seen + <u64>length);
  const begun = <i32>seen & (STRIPE - 1);
  if (begun + length >= STRIPE) {
    takeSums(state);
    if (begun) {
      const missing = STRIPE - begun;
      memory.copy(state + BEGUN + begun, src, missing);
      stripes(state + BEGUN, STRIPE);
      src += missing;
      length -= missing;
    }
    stripes(src, length);
    keepSums(state);
    src += length & -STRIPE;
    memory.copy(state + BEGUN, src, length & (STRIPE - 1));
  } else {
    memory.copy(state + BEGUN + begun, src, length);
  }
}

/** XXH64 of what the stream was fed. The stream can go on. */
export function xxh64Finish(state: i32): u64 {
  takeSums(state);
  return digest(load64(state + SEEN), state + BEGUN);
}
