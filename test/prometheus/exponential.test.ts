import { describe, expect, it } from 'vitest';
import { explicitBuckets } from '../../src/prometheus/exponential.ts';
import { randomFrom } from '../support/random.ts';

const NONE = { offset: 0, bucketCounts: [] };

function histogramOf(values: readonly number[], scale: number) {
  const buckets = (sign: 1 | -1) => {
    const indexes = values
      .filter((value) => value * sign > 0)
      .map((value) => Math.ceil(Math.log2(Math.abs(value)) * 2 ** scale) - 1);
    if (indexes.length === 0) return NONE;
    const offset = Math.min(...indexes);
    const bucketCounts = new Array(Math.max(...indexes) - offset + 1).fill(0);
    for (const index of indexes) bucketCounts[index - offset]++;
    return { offset, bucketCounts };
  };
  const zeroCount = values.filter((value) => value === 0).length;
  return { count: values.length, scale, zeroCount, positive: buckets(1), negative: buckets(-1) };
}

const sum = (numbers: readonly number[]) => numbers.reduce((all, each) => all + each, 0);

describe('an exponential histogram as buckets with bounds', () => {
  it('has one bucket for nothing where nothing was recorded', () => {
    expect(explicitBuckets(histogramOf([], 20))).toEqual({ boundaries: [], counts: [0] });
  });

  it('has the buckets it had when they are few, from the lower bound of the first', () => {
    expect(explicitBuckets(histogramOf([3, 3, 10], 0))).toEqual({
      boundaries: [2, 4, 8, 16],
      counts: [0, 2, 0, 1, 0],
    });
  });

  it('counts zeros up to their threshold', () => {
    const value = { ...histogramOf([0, 0, 3], 0), zeroThreshold: 0.001 };
    expect(explicitBuckets(value)).toEqual({ boundaries: [0.001, 2, 4], counts: [2, 0, 1, 0] });
  });

  it('has bounds that rise where the threshold of zeros reaches into buckets', () => {
    const value = { ...histogramOf([0, 3, 5], 0), zeroThreshold: 4 };
    expect(explicitBuckets(value)).toEqual({ boundaries: [4, 8], counts: [1, 2, 0] });
  });

  it('goes through negative buckets from the largest', () => {
    expect(explicitBuckets(histogramOf([-3, -10, -11, 0, 1.5], 0))).toEqual({
      boundaries: [-8, -4, -2, 0, 1, 2],
      counts: [2, 0, 1, 1, 0, 1, 0],
    });
  });

  it('has no bound beyond the range of doubles', () => {
    const value = { ...histogramOf([], 0), positive: { offset: 1022, bucketCounts: [1, 2] } };
    const { boundaries, counts } = explicitBuckets(value);
    expect(boundaries).toEqual([2 ** 1022, 2 ** 1023]);
    expect(counts).toEqual([0, 1, 2]);
    const tiny = { ...histogramOf([], -10), positive: { offset: -1, bucketCounts: [3, 4] } };
    // (2^-1024, 1], (1, 2^1024]
    expect(explicitBuckets(tiny)).toEqual({ boundaries: [2 ** -1024, 1], counts: [0, 3, 4] });
  });

  it.each([20, 8, 3, 0, -2])('loses nothing, at scale %i', (scale) => {
    const random = randomFrom(scale + 100);
    for (let round = 0; round < 30; round++) {
      const spread = 1 + random.below(scale > 3 ? 2 : 30);
      const values = Array.from({ length: random.below(80) }, () => {
        const size = 2 ** (random.next() * spread - spread / 2);
        return [size, size, -size, 0][random.below(4)]!;
      });
      // A scale at which upstream's buckets would not fit is no histogram.
      if (scale > 8 && values.length > 1) values.length = 1;
      const { boundaries, counts } = explicitBuckets(histogramOf(values, scale));
      expect(counts).toHaveLength(boundaries.length + 1);
      expect(boundaries.length).toBeLessThanOrEqual(24);
      expect(boundaries).toEqual([...new Set(boundaries)].sort((a, b) => a - b));
      expect(sum(counts)).toBe(values.length);
      let below = 0;
      for (const [i, boundary] of boundaries.entries()) {
        below += counts[i]!;
        expect(below).toBe(values.filter((value) => value <= boundary).length);
      }
    }
  });

  it('keeps bounds, to the bit, when more values bring the scale down', () => {
    const few = Array.from({ length: 200 }, (_, i) => 1 + i / 100);
    const many = [...few, 0.5, 20];
    const narrow = explicitBuckets(histogramOf(few, 5)).boundaries;
    const wide = explicitBuckets(histogramOf(many, 4)).boundaries;
    const between = wide.filter((bound) => bound > 1 && bound < 2.9);
    expect(between.length).toBeGreaterThan(0);
    for (const bound of between) expect(narrow).toContain(bound);
  });
});
