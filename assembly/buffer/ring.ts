/**
 * The ring: a power of two of bytes holding the records of ended spans (record.ts), each in
 * one piece. TypeScript claims and commits (it writes a record at the head and then moves
 * the head); the encoder drains (it reads from the tail and then moves the tail). Positions
 * count up for ever, modulo 2^32; the place is the position modulo the ring's size. A record
 * that would not fit before the end of the ring starts at its beginning again, behind a pad.
 */

import {
  CONTROL_COUNT,
  CONTROL_EPOCH,
  CONTROL_HEAD,
  CONTROL_RING_BASE,
  CONTROL_RING_BYTES,
  CONTROL_SERIAL,
  CONTROL_TAIL,
} from '../memory';
import { RECORD_PAD } from './record';

/** Makes the ring empty, `ringBytes` (a power of two) long, and begin at `base`. */
export function initRing(base: i32, ringBytes: i32): void {
  store<i32>(CONTROL_RING_BASE, base);
  store<i32>(CONTROL_HEAD, 0);
  store<i32>(CONTROL_TAIL, 0);
  store<i32>(CONTROL_RING_BYTES, ringBytes);
  store<i32>(CONTROL_EPOCH, 0);
  store<i32>(CONTROL_SERIAL, 0);
  store<i32>(CONTROL_COUNT, 0);
}

/** Throws away up to `maxRecords` of the oldest records; returns how many there were. */
export function discard(maxRecords: i32): i32 {
  const mask = load<i32>(CONTROL_RING_BYTES) - 1;
  const base = load<i32>(CONTROL_RING_BASE);
  const head = load<i32>(CONTROL_HEAD);
  let tail = load<i32>(CONTROL_TAIL);
  let count = 0;
  // bounds: records lie in the ring, and tail stays within tail..head.
  while (tail != head && count < maxRecords) {
    const size = load<i32>(base + (tail & mask));
    tail += size & ~RECORD_PAD;
    if (!(size & RECORD_PAD)) count++;
  }
  store<i32>(CONTROL_TAIL, tail);
  store<i32>(CONTROL_COUNT, load<i32>(CONTROL_COUNT) - count);
  return count;
}
