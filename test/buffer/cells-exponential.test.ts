import { describe, expect, it } from 'vitest';
import { DELTA, EXPONENTIAL_HISTOGRAM } from '../../src/api/metric/data.ts';
import type { Cells } from '../../src/buffer/cells.ts';
import { BUCKETS_OFFSET, CELL_POSITIVE } from '../../src/engine/generated/layout.ts';
import { attributesOf, openCells } from '../support/cells.ts';
import { ENGINE_NAMES } from '../support/engines.ts';
import { border, borders, bucketOf, expectedBuckets, neighbour } from '../support/exponential.ts';
import { randomFrom, type SeededRandom } from '../support/random.ts';

const SMALLEST = 2 ** -1074;
const LARGEST = Number.MAX_VALUE;

/** Any finite double greater than 0, each with about the same chance. */
function anyDouble(random: SeededRandom): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setUint32(0, random.below(0x7ff00000));
  view.setUint32(4, random.below(2 ** 32));
  return view.getFloat64(0) || SMALLEST;
}

function cellOf(cells: Cells, maxSize = 160, maxScale = 20): number {
  const stream = cells.stream({ name: 'e', kind: EXPONENTIAL_HISTOGRAM, maxSize, maxScale });
  return cells.series(stream, attributesOf({}), 1, 0);
}

/** The bucket that each value goes to when it is alone. */
function bucketsAlone(cells: Cells, values: readonly number[], maxScale: number): number[] {
  const shape = { name: 'e', kind: EXPONENTIAL_HISTOGRAM, maxScale, temporality: DELTA } as const;
  const stream = cells.stream(shape);
  const cell = cells.series(stream, attributesOf({}), 1, 0);
  const buckets = values.map((value) => {
    cells.recordExponential(cell, value);
    const { scale, positive, count } = cells.exponentialOf(cell);
    expect([scale, positive.bucketCounts, count]).toEqual([maxScale, [1], 1]);
    cells.take(cell, 1, 0);
    return positive.offset;
  });
  cells.freeStream(stream);
  return buckets;
}

function edges(random: SeededRandom, scale: number): number[] {
  const values = [1, 2, 4, 0.5, LARGEST, SMALLEST, 2 * SMALLEST, 3 * SMALLEST, 2 ** -1022];
  for (const power of [1, 2, -1, 10, -10, 52, 53, 1023, -1021, -1022]) {
    for (const by of [-2, -1, 0, 1, 2]) values.push(neighbour(2 ** power, by));
  }
  for (let i = 0; i < 40; i++) {
    values.push(2 ** (random.below(2098) - 1074), anyDouble(random));
    values.push(
      SMALLEST * (1 + random.below(2 ** 30)),
      1 + random.next(),
      1 + random.next() / 2 ** 20,
    );
  }
  // The doubles beside the borders of buckets, of which one belongs to each side.
  for (let i = 0; i < 60 && scale > 0; i++) {
    const place = 1 + random.below(2 ** scale - 1);
    const near = border(place, scale) * 2 ** (random.below(200) - 100);
    for (const by of [-2, -1, 0, 1, 2]) values.push(neighbour(near, by));
  }
  return values;
}

describe.each(ENGINE_NAMES)('exponential histograms on %s', (engine) => {
  it('finds the bucket of a value as exact arithmetic does, at every scale', () => {
    const cells = openCells(engine);
    const random = randomFrom(11);
    for (let scale = -10; scale <= 20; scale++) {
      const values = edges(random, scale);
      const found = bucketsAlone(cells, values, scale);
      values.forEach((value, i) => {
        if (found[i] !== bucketOf(value, scale)) {
          expect({ value, scale, bucket: found[i] }).toEqual({
            ...{ value, scale, bucket: bucketOf(value, scale) },
          });
        }
      });
    }
    expect(cells.usage.usedBytes).toBe(0);
  });

  it('tells the last double of each bucket from the first one of the next, at the finest scale', () => {
    const cells = openCells(engine);
    const shape = { name: 'e', kind: EXPONENTIAL_HISTOGRAM, temporality: DELTA } as const;
    const cell = cells.series(cells.stream(shape), attributesOf({}), 1, 0);
    const at = (cell + CELL_POSITIVE + BUCKETS_OFFSET) >> 2;
    const alone = (value: number) => {
      cells.recordExponential(cell, value);
      const bucket = cells.i32[at]!;
      cells.take(cell, 1, 0);
      return bucket;
    };
    const wrong: number[] = [];
    for (const { place, below, above } of borders()) {
      if (alone(below) !== place - 1 || alone(above) !== place) wrong.push(place);
    }
    expect(wrong).toEqual([]);
  });

  it.each([
    ['latencies', (random: SeededRandom) => Math.exp(random.next() * 8 - 2)],
    ['values near each other', (random: SeededRandom) => 1000 + random.next()],
    ['one value', () => 42],
    ['all doubles', anyDouble],
    ['both signs', (random: SeededRandom) => (random.next() - 0.5) * 10 ** random.below(12)],
    ['zeros among others', (random: SeededRandom) => [0, -0, 1, -3, 7.5][random.below(5)]!],
    ['powers of two', (random: SeededRandom) => 2 ** (random.below(40) - 20)],
    ['subnormals', (random: SeededRandom) => SMALLEST * (1 + random.below(1000))],
    [
      'extremes',
      (random: SeededRandom) => [SMALLEST, LARGEST, -SMALLEST, -LARGEST][random.below(4)]!,
    ],
  ])('holds %s in the finest buckets that they fit into', (_name, draw) => {
    const cells = openCells(engine);
    const random = randomFrom(13);
    for (const maxSize of [2, 3, 7, 8, 9, 160]) {
      for (const [maxScale, length] of [
        [20, 1],
        [20, 2],
        [20, 60],
        [6, 40],
        [0, 40],
        [-4, 40],
      ] as const) {
        const cell = cellOf(cells, maxSize, maxScale);
        const values = Array.from({ length }, () => draw(random));
        for (const value of values) cells.recordExponential(cell, value);
        const held = cells.exponentialOf(cell);
        expect(held).toEqual({
          ...expectedBuckets(values, maxSize, maxScale),
          count: length,
          sum: values.reduce((a, b) => a + b, 0),
          min: values.reduce((a, b) => (b < a ? b : a)),
          max: values.reduce((a, b) => (b > a ? b : a)),
          zeroThreshold: 0,
        });
      }
    }
  });

  it('leaves out what is no number or infinite', () => {
    const cells = openCells(engine);
    const cell = cellOf(cells);
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      cells.recordExponential(cell, value);
    }
    expect(cells.exponentialOf(cell)).toMatchObject({ count: 0, sum: 0, min: undefined });
  });

  it('begins anew at its finest scale when it was taken', () => {
    const cells = openCells(engine);
    const shape = { name: 'e', kind: EXPONENTIAL_HISTOGRAM, temporality: DELTA } as const;
    const cell = cells.series(cells.stream(shape), attributesOf({}), 1, 0);
    for (const value of [1, 1e9, -5]) cells.recordExponential(cell, value);
    expect(cells.exponentialOf(cell).scale).toBeLessThan(20);
    cells.take(cell, 9, 0);
    expect(cells.exponentialOf(cell)).toMatchObject({ scale: 20, count: 0, zeroCount: 0 });
    expect(cells.exponentialOf(cell).positive.bucketCounts).toEqual([]);
    cells.recordExponential(cell, 3);
    expect(cells.exponentialOf(cell).positive).toEqual(expectedBuckets([3], 160, 20).positive);
  });

  it('loses no count when memory is used up: buckets are made coarser', () => {
    const cells = openCells(engine, 256 * 1024);
    const stream = cells.stream({ name: 'e', kind: EXPONENTIAL_HISTOGRAM });
    const recorded = new Map<number, number[]>();
    for (;;) {
      const cell = cells.series(stream, attributesOf({}), 1, 0);
      if (cell === 0) break;
      recorded.set(cell, []);
    }
    const random = randomFrom(14);
    const all = [...recorded];
    for (let round = 0; round < 12; round++) {
      for (const [cell, values] of all) {
        const value = (random.next() < 0.3 ? -1 : 1) * anyDouble(random);
        cells.recordExponential(cell, value);
        values.push(value);
      }
    }
    expect(all.length).toBeGreaterThan(500);
    let coarse = 0;
    for (const [cell, values] of all) {
      const { scale, positive, negative, count } = cells.exponentialOf(cell);
      const finest = expectedBuckets(values, 160, 20).scale;
      expect(scale).toBeLessThanOrEqual(finest);
      if (scale < finest) coarse++;
      expect(count).toBe(values.length);
      expect({ positive, negative }).toMatchObject({
        positive: expectedBuckets(values, 2 ** 31, scale).positive,
        negative: expectedBuckets(values, 2 ** 31, scale).negative,
      });
    }
    expect(coarse).toBeGreaterThan(100);
  });
});
