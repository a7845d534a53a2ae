import { describe, expect, it } from 'vitest';
import { DELTA, HISTOGRAM } from '../../src/api/metric/data.ts';
import { attributesOf, openCells } from '../support/cells.ts';
import { ENGINE_NAMES } from '../support/engines.ts';
import { neighbour } from '../support/exponential.ts';
import { randomFrom, type SeededRandom } from '../support/random.ts';

/** Boundary by boundary. */
function countsOf(boundaries: readonly number[], values: readonly number[]): number[] {
  const counts = Array.from({ length: boundaries.length + 1 }, () => 0);
  for (const value of values) {
    let at = 0;
    while (at < boundaries.length && value > boundaries[at]!) at++;
    counts[at]!++;
  }
  return counts;
}

function ascending(random: SeededRandom, length: number): number[] {
  let boundary = -length / 2;
  return Array.from({ length }, () => {
    boundary += 0.001 + random.next();
    return boundary;
  });
}

describe.each(ENGINE_NAMES)('histograms on %s', (engine) => {
  it.each([0, 1, 2, 3, 4, 5, 8, 15, 16, 31, 32, 33, 36, 37, 63, 64, 65, 100, 257, 1000])(
    'counts what lies on, beside and between %d boundaries',
    (length) => {
      const cells = openCells(engine);
      const random = randomFrom(length + 1);
      const boundaries = ascending(random, length);
      const stream = cells.stream({ name: 'h', kind: HISTOGRAM, boundaries });
      const cell = cells.series(stream, attributesOf({}), 1, 0);
      const values = [Number.NEGATIVE_INFINITY, 0, -0, -length, length, Number.MAX_VALUE];
      for (const boundary of boundaries) {
        const above = boundary > 0 ? 1 : -1;
        values.push(boundary, Math.sign(boundary) * neighbour(Math.abs(boundary), above));
        values.push(Math.sign(boundary) * neighbour(Math.abs(boundary), -above));
      }
      for (let i = 0; i < 200; i++) values.push((random.next() - 0.5) * (length + 2));
      values.push(Number.POSITIVE_INFINITY);
      for (const value of values) cells.recordHistogram(cell, value);
      cells.recordHistogram(cell, Number.NaN);
      expect(cells.histogramOf(cell)).toEqual({
        buckets: { boundaries, counts: countsOf(boundaries, values) },
        count: values.length,
        sum: Number.NaN,
        min: Number.NEGATIVE_INFINITY,
        max: Number.POSITIVE_INFINITY,
      });
    },
  );

  it('sums up, and keeps the smallest and the largest value, in the order of recording', () => {
    const cells = openCells(engine);
    const stream = cells.stream({ name: 'h', kind: HISTOGRAM, boundaries: [1, 2] });
    const cell = cells.series(stream, attributesOf({}), 1, 0);
    const random = randomFrom(3);
    const values = Array.from({ length: 100 }, () => random.next() * 3 - 0.5);
    for (const value of values) cells.recordHistogram(cell, value);
    expect(cells.histogramOf(cell)).toMatchObject({
      sum: values.reduce((a, b) => a + b, 0),
      min: Math.min(...values),
      max: Math.max(...values),
      count: 100,
    });
  });

  it('has no sum and no extremes where they are not asked for, nor extremes of nothing', () => {
    const cells = openCells(engine);
    const bare = cells.stream({
      name: 'h',
      kind: HISTOGRAM,
      recordSum: false,
      recordMinMax: false,
    });
    const cell = cells.series(bare, attributesOf({}), 1, 0);
    cells.recordHistogram(cell, 4);
    expect(cells.histogramOf(cell)).toEqual({
      buckets: { boundaries: [], counts: [1] },
      count: 1,
    });
    const empty = cells.series(
      cells.stream({ name: 'h', kind: HISTOGRAM }),
      attributesOf({}),
      1,
      0,
    );
    expect(cells.histogramOf(empty)).toEqual({
      buckets: { boundaries: [], counts: [0] },
      count: 0,
      sum: 0,
    });
  });

  it('begins anew when it was taken, if its stream gives away', () => {
    const cells = openCells(engine);
    const boundaries = [1, 2, 3];
    for (const temporality of [DELTA, undefined] as const) {
      const stream = cells.stream({ name: 'h', kind: HISTOGRAM, boundaries, temporality });
      const cell = cells.series(stream, attributesOf({}), 1, 0);
      for (const value of [0, 1.5, 9]) cells.recordHistogram(cell, value);
      cells.take(cell, 7, 8);
      cells.recordHistogram(cell, 2);
      expect(cells.histogramOf(cell)).toMatchObject(
        temporality === DELTA
          ? { buckets: { counts: [0, 1, 0, 0] }, count: 1, sum: 2, min: 2, max: 2 }
          : { buckets: { counts: [1, 2, 0, 1] }, count: 4, sum: 12.5, min: 0, max: 9 },
      );
    }
  });
});
