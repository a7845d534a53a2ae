/**
 * Hash chains over a window of 2^15: `heads` has for each hash of four bytes the last address
 * entered, `previous` for each address, modulo the window, how far back the one before it is that
 * has the same hash; 65535 stands for all that is out of reach.
 *
 * A search that has found a match of length L wants a longer one, which must repeat the four
 * bytes that end behind it: L - 3 to L. So it goes on in the chain of these four, which in
 * repetitive input are far rarer than the first four: every candidate there reaches as far, and
 * the longest match of a window turns up within a few steps. If the new chain begins nearer than
 * where the old one goes on, the old one is followed: what lies between has been seen. A step
 * compares the first four bytes and those four.
 */

import { HASH_BITS } from './deflate-work';

export const LONGEST_MATCH: i32 = 258;
export const WINDOW: u32 = 0x8000;

// @ts-ignore: decorator
@inline
export function hash(word: u32): i32 {
  return ((word * 0x9e3779b1) >>> (32 - HASH_BITS)) << 2;
}

/** Enters p, which has `word`; returns the address that the hash had before, or 0. */
// @ts-ignore: decorator
@inline
export function enter(heads: i32, previous: i32, p: i32, word: u32): i32 {
  const head = heads + hash(word);
  const before = load<i32>(head);
  store<i32>(head, p);
  store<u16>(previous + ((p & 0x7fff) << 1), min<u32>(p - before, 0xffff));
  return before;
}

/** How far back from p + at the place is that was entered last with the four bytes there. */
// @ts-ignore: decorator
@inline
export function backTo(heads: i32, p: i32, word: u32): u32 {
  return <u32>p - load<u32>(heads + hash(word));
}

/** How far back, from a place `distance` back, the one before it is. */
// @ts-ignore: decorator
@inline
export function further(previous: i32, c: i32, distance: u32): u32 {
  return distance + <u32>load<u16>(previous + ((c & 0x7fff) << 1));
}
