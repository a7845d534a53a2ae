/**
 * The ring: a power of two of bytes holding the records of ended spans, or of logs (record.ts), each in
 * one piece. TypeScript claims and commits (it writes a record at the head and then moves
 * the head); the encoder drains (it reads from the tail and then moves the tail). Positions
 * count up for ever, modulo 2^32; the place is the position modulo the ring's size. A record
 * that would not fit before the end of the ring starts at its beginning again, behind a pad.
 */

import {
  RING_AT,
  RING_COUNT,
  RING_HEAD,
  RING_SIZE,
  RING_TAIL,
} from '../memory';
import { RECORD_PAD } from './record';

/** Makes the ring empty, `ringBytes` (a power of two) long, and begin at `base`. */
export function initRing(ring: i32, base: i32, ringBytes: i32): void {
  store<i32>(ring + RING_AT, base);
  store<i32>(ring + RING_HEAD, 0);
  store<i32>(ring + RING_TAIL, 0);
  store<i32>(ring + RING_SIZE, ringBytes);
  store<i32>(ring + RING_COUNT, 0);
}

/** Throws away up to `maxRecords` of the oldest records; returns how many there were. */
export function discard(ring: i32, maxRecords: i32): i32 {
  const mask = load<i32>(ring + RING_SIZE) - 1;
  const base = load<i32>(ring + RING_AT);
  const head = load<i32>(ring + RING_HEAD);
  let tail = load<i32>(ring + RING_TAIL);
  let count = 0;
  // bounds: records lie in the ring, and tail stays within tail..head.
  while (tail != head && count < maxRecords) {
    const size = load<i32>(base + (tail & mask));
    tail += size & ~RECORD_PAD;
    if (!(size & RECORD_PAD)) count++;
  }
  store<i32>(ring + RING_TAIL, tail);
  store<i32>(ring + RING_COUNT, load<i32>(ring + RING_COUNT) - count);
  return count;
}
