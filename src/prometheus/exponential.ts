/**
 * Exponential histograms as buckets with bounds: the text formats have no native histograms, and the
 * specification allows for this in place of leaving them out.
 *
 * Bucket `i` of scale `s` covers (base^i, base^(i+1)], base = 2^(2^-s). Pairs of buckets are merged,
 * which is lowering the scale by one, until there are few enough. Every bound of a lower scale is
 * one of each higher scale, to the bit, so when more values arrive and the scale falls, bounds go
 * away but what stays under the others is right: rates and quantiles go on.
 */

import type { ExponentialBuckets, ExponentialHistogramValue } from '../api/metric/data.ts';

export interface ExplicitBuckets {
  readonly boundaries: readonly number[];
  /** One more than boundaries. */
  readonly counts: readonly number[];
}

/** Series are what scrapes cost; at this many, values over six decades are told apart by a factor of 2. */
const MAX_BUCKETS = 20;

export function explicitBuckets(value: ExponentialHistogramValue): ExplicitBuckets {
  let { scale } = value;
  let positive = trimmed(value.positive);
  let negative = trimmed(value.negative);
  while (positive.bucketCounts.length + negative.bucketCounts.length > MAX_BUCKETS) {
    scale--;
    positive = merged(positive);
    negative = merged(negative);
  }
  const boundaries: number[] = [];
  const counts: number[] = [];
  let below = 0;
  const bound = (boundary: number) => {
    // What lies beyond the range of doubles belongs to the bucket without a bound.
    if (Number.isFinite(boundary) && boundary !== boundaries.at(-1)) {
      boundaries.push(boundary);
      counts.push(below);
      below = 0;
    }
  };
  // Of negative buckets the bound is inside and their other end is not: a value that is exactly a
  // bound counts one bucket higher.
  for (let i = negative.bucketCounts.length - 1; i >= 0; i--) {
    below += negative.bucketCounts[i]!;
    bound(-boundOf(negative.offset + i, scale));
  }
  const { zeroCount, zeroThreshold = 0 } = value;
  below += zeroCount;
  if (zeroCount > 0 || negative.bucketCounts.length > 0) bound(zeroThreshold);
  if (positive.bucketCounts.length > 0) {
    const lowest = boundOf(positive.offset, scale);
    if (lowest > (boundaries.at(-1) ?? Number.NEGATIVE_INFINITY)) bound(lowest);
  }
  for (const [i, count] of positive.bucketCounts.entries()) {
    below += count;
    const upper = boundOf(positive.offset + i + 1, scale);
    if (upper > (boundaries.at(-1) ?? Number.NEGATIVE_INFINITY)) bound(upper);
  }
  counts.push(below);
  return { boundaries, counts };
}

/** base^index */
function boundOf(index: number, scale: number): number {
  return 2 ** (index * 2 ** -scale);
}

function trimmed({ offset, bucketCounts }: ExponentialBuckets): ExponentialBuckets {
  const first = bucketCounts.findIndex((count) => count > 0);
  if (first < 0) return { offset: 0, bucketCounts: [] };
  let end = bucketCounts.length;
  while (bucketCounts[end - 1] === 0) end--;
  return { offset: offset + first, bucketCounts: bucketCounts.slice(first, end) };
}

function merged({ offset, bucketCounts }: ExponentialBuckets): ExponentialBuckets {
  const start = Math.floor(offset / 2);
  const counts: number[] = [];
  for (const [i, count] of bucketCounts.entries()) {
    const at = Math.floor((offset + i) / 2) - start;
    counts[at] = (counts[at] ?? 0) + count;
  }
  return { offset: start, bucketCounts: counts };
}
