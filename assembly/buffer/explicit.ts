/**
 * Histograms with explicit boundaries (OTLP, HistogramDataPoint): a value belongs to the first bucket
 * whose boundary is not less than it, and to the last one if there is none. The search halves the
 * boundaries without a branch that depends on them, since measurements cannot be predicted.
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

/** Counts a value that went into a bucket. */
// @ts-ignore: decorator
@inline
export function countValue(cell: i32, value: f64): void {
  // bounds: of one cell, which has these fields.
  store<f64>(cell + CELL_VALUE, load<f64>(cell + CELL_VALUE) + value);
  store<f64>(cell + CELL_COUNT, load<f64>(cell + CELL_COUNT) + 1);
  store<f64>(cell + CELL_MIN, min<f64>(load<f64>(cell + CELL_MIN), value));
  store<f64>(cell + CELL_MAX, max<f64>(load<f64>(cell + CELL_MAX), value));
  store<i32>(cell + CELL_STATE, 1);
}

export function recordHistogram(cell: i32, value: f64): void {
  if (value != value) return;
  const stream = load<i32>(cell + CELL_STREAM);
  const first = stream + STREAM_HEADER_BYTES;
  let left = load<i32>(stream + STREAM_SIZE);
  let at = first;
  // bounds: `left` boundaries stand from `at` on, so that the answer is one of them or the one
  // behind them; the cell has a count more than there are boundaries.
  while (left > 0) {
    const half = (left + 1) >> 1;
    const behind = at + (half << 3);
    at = select<i32>(behind, at, load<f64>(behind - 8) < value);
    left -= half;
  }
  const slot = cell + CELL_COUNTS + (at - first);
  store<f64>(slot, load<f64>(slot) + 1);
  countValue(cell, value);
}
