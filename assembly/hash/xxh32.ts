/**
 * XXH32 (xxHash specification 0.1.1, "XXH32 algorithm"): four 32-bit sums over stripes of 16 bytes,
 * folded into one at the end; built as `xxh64.ts`, which says more.
 *
 * The four sums would fill a vector, but a vector's multiplication takes three times as long as a
 * word's and every step waits for the one before.
 *
 * Between the pieces of a stream everything stands in the state:
 *
 *     0 ┌────────────────────────┐
 *       │ four sums       4 * u32│
 *    16 ├────────────────────────┤
 *       │ bytes seen          u64│ modulo 16 they are the bytes of the stripe begun below
 *    24 ├────────────────────────┤
 *       │ stripe begun   16 bytes│
 *    40 └────────────────────────┘
 */

import { load32, load64, store32, store64 } from '../lanes/unaligned';

const PRIME_1: u32 = 0x9e3779b1;
const PRIME_2: u32 = 0x85ebca77;
const PRIME_3: u32 = 0xc2b2ae3d;
const PRIME_4: u32 = 0x27d4eb2f;
const PRIME_5: u32 = 0x165667b1;

const STRIPE: i32 = 16;
/** In a state. */
const SEEN: i32 = STRIPE;
const BEGUN: i32 = SEEN + 8;

/** What a state takes. */
export const XXH32_STATE_BYTES: i32 = BEGUN + STRIPE;

/** The four sums of the call that runs. */
let sum1: u32 = 0;
let sum2: u32 = 0;
let sum3: u32 = 0;
let sum4: u32 = 0;

// @ts-ignore: decorator
@inline
function round(sum: u32, word: u32): u32 {
  return rotl<u32>(sum + word * PRIME_2, 13) * PRIME_1;
}

// @ts-ignore: decorator
@inline
function begin(seed: u32): void {
  sum1 = seed + PRIME_1 + PRIME_2;
  sum2 = seed + PRIME_2;
  sum3 = seed;
  sum4 = seed - PRIME_1;
}

/**
 * The whole stripes of [src, src + length).
 *
 * bounds: reads [src, src + (length & ~15)).
 */
function stripes(src: i32, length: i32): void {
  let a = sum1;
  let b = sum2;
  let c = sum3;
  let d = sum4;
  for (const end = src + (length & -STRIPE); src != end; src += STRIPE) {
    a = round(a, load32(src));
    b = round(b, load32(src + 4));
    c = round(c, load32(src + 8));
    d = round(d, load32(src + 12));
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
 * bounds: reads exactly [src, src + (seen & 15)).
 */
function digest(seen: u64, src: i32): u32 {
  let hash: u32;
  if (seen >= <u64>STRIPE) {
    hash = rotl<u32>(sum1, 1) + rotl<u32>(sum2, 7) + rotl<u32>(sum3, 12) + rotl<u32>(sum4, 18);
  } else {
    hash = sum3 + PRIME_5;
  }
  hash += <u32>seen;
  let left = <i32>seen & (STRIPE - 1);
  for (; left >= 4; left -= 4) {
    hash = rotl<u32>(hash + load32(src) * PRIME_3, 17) * PRIME_4;
    src += 4;
  }
  while (left--) hash = rotl<u32>(hash + (<u32>load<u8>(src++)) * PRIME_5, 11) * PRIME_1;
  hash = (hash ^ (hash >>> 15)) * PRIME_2;
  hash = (hash ^ (hash >>> 13)) * PRIME_3;
  return hash ^ (hash >>> 16);
}

/** XXH32 of `length` bytes at `src`. */
export function xxh32Of(seed: u32, src: i32, length: i32): u32 {
  begin(seed);
  stripes(src, length);
  return digest(<u64>length, src + (length & -STRIPE));
}

function keepSums(state: i32): void {
  store32(state, sum1);
  store32(state + 4, sum2);
  store32(state + 8, sum3);
  store32(state + 12, sum4);
}

function takeSums(state: i32): void {
  sum1 = load32(state);
  sum2 = load32(state + 4);
  sum3 = load32(state + 8);
  sum4 = load32(state + 12);
}

/** Begins a stream in the XXH32_STATE_BYTES at `state`. */
export function xxh32Init(state: i32, seed: u32): void {
  begin(seed);
  keepSums(state);
  store64(state + SEEN, 0);
}

/**
 * The next `length` bytes of the stream, at `src`.
 *
 * bounds: reads exactly [src, src + length); fewer than 16 bytes stand in the stripe begun, and it
 * is filled to 16 at most.
 */
export function xxh32Feed(state: i32, src: i32, length: i32): void {
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

/** XXH32 of what the stream was fed. The stream can go on. */
export function xxh32Finish(state: i32): u32 {
  takeSums(state);
  return digest(load64(state + SEEN), state + BEGUN);
}
