/**
 * Histograms with explicit boundaries (OTLP, HistogramDataPoint): a value belongs to the first bucket
 * whose boundary is not less than it, and to the last one if there is none. Which one that is cannot
 * be predicted, so nothing branches on it: boundaries that are less are counted, four at a time
 * (measured: half the time of a search for as many as are usual). Only where there are many, they are
 * halved before.
 */

import {
  CELL_COUNT,
  CELL_COUNTS,
  CELL_MAX,
  CELL_MIN,
  CELL_STATE,
  CELL_STREAM,
  CELL_VALUE,
  STREAM_HEADER_BYTES,
  STREAM_SIZE,
} from './cell';

/** So many boundaries are counted, no more. */
const COUNTED: i32 = 32;

/** Counts a value that went into a bucket. */
// @ts-ignore: decorator
@inline
export function countValue(cell: i32, value: f64): void {
  // bounds: of one cell, which has these fields.
  store<f64>(cell + CELL_VALUE, load<f64>(cell + CELL_VALUE) + value);
  store<f64>(cell + CELL_COUNT, load<f64>(cell + CELL_COUNT) + 1);
  if (value < load<f64>(cell + CELL_MIN)) store<f64>(cell + CELL_MIN, value);
  if (value > load<f64>(cell + CELL_MAX)) store<f64>(cell + CELL_MAX, value);
  store<i32>(cell + CELL_STATE, 1);
}

// @ts-ignore: decorator
@inline
function isLess(at: i32, place: i32, value: f64): i32 {
  return i32(load<f64>(at + (place << 3)) < value);
}

export function recordHistogram(cell: i32, value: f64): void {
  if (value != value) return;
  const stream = load<i32>(cell + CELL_STREAM);
  let at = stream + STREAM_HEADER_BYTES;
  let left = (load<i32>(stream + STREAM_SIZE) + 3) & ~3;
  // bounds: `left` boundaries, a multiple of 4, stand from `at` on, of which the last ones may be
  // infinite, and are less than nothing; the cell has a count more than there are boundaries.
  let slot = cell + CELL_COUNTS;
  while (left > COUNTED) {
    const half = (left >> 3) << 2;
    const skipped = (half << 3) & -isLess(at, half - 1, value);
    at += skipped;
    slot += skipped;
    left -= half;
  }
  let less = 0;
  for (const end = at + (left << 3); at != end; at += 32) {
    less += isLess(at, 0, value) + isLess(at, 1, value);
    less += isLess(at, 2, value) + isLess(at, 3, value);
  }
  slot += less << 3;
  store<f64>(slot, load<f64>(slot) + 1);
  countValue(cell, value);
}
