import { describe, expect, it } from 'vitest';
import type { ExponentialHistogramValue } from '../../src/api/metric/data.ts';
import { ENGINE_NAMES } from '../support/engines.ts';
import {
  countsByIndex,
  exponentialHistogram,
  indexOf,
  partsOf,
} from '../support/exponential-oracle.ts';
import { decodeMetricsOfficially, type ModelExponentialPoint } from '../support/metric-model.ts';
import { type OurProvider, oursOf } from '../support/metric-providers.ts';
import { randomFrom, type SeededRandom } from '../support/random.ts';

/*
 * Exponential histograms through the API, against exact arithmetic: the bucket of each value, the
 * best scale that the number of buckets allows, counts, smallest and largest value.
 */

function histogramOf(
  engine: (typeof ENGINE_NAMES)[number],
  maxSize: number,
  temporality: 'cumulative' | 'delta' = 'cumulative',
) {
  const ours = oursOf(engine, {
    readers: [{ temporality, histogram: 'exponential', cardinalityLimit: 2000 }],
    views: [{ instrumentName: '*', aggregation: { type: 'exponential', maxSize } }],
  });
  const meter = ours.provider.getMeter('test');
  // An up-down counter, since a histogram takes nothing that is negative; but that has no delta.
  if (temporality === 'cumulative') {
    const counter = meter.createUpDownCounter('values');
    return { ours, record: (value: number) => counter.add(value) };
  }
  const histogram = meter.createHistogram('values');
  return { ours, record: (value: number) => histogram.record(value) };
}

async function pointOf(ours: OurProvider): Promise<ModelExponentialPoint> {
  const { request } = await ours.collect(0);
  const points = decodeMetricsOfficially(request).flatMap(({ scopes }) =>
    scopes.flatMap(({ metrics }) => metrics.flatMap((metric) => metric.points)),
  );
  expect(points).toHaveLength(1);
  return points[0] as ModelExponentialPoint;
}

async function objectOf(ours: OurProvider): Promise<ExponentialHistogramValue> {
  const { resourceMetrics } = await ours.collectObjects(0);
  const [point] = resourceMetrics.scopeMetrics[0]!.metrics[0]!.dataPoints;
  return point!.value as ExponentialHistogramValue;
}

async function expectExact(
  ours: OurProvider,
  values: readonly number[],
  maxSize: number,
): Promise<void> {
  const expected = exponentialHistogram(values, maxSize);
  const object = await objectOf(ours);
  const point = await pointOf(ours);
  for (const { scale, count, zeroCount, positive, negative, min, max } of [object, point]) {
    expect(Number(count)).toBe(expected.count);
    expect(Number(zeroCount)).toBe(expected.zeroCount);
    if (expected.scale !== undefined) expect(scale).toBe(expected.scale);
    expect(countsByIndex(positive.offset, positive.bucketCounts)).toEqual(expected.positive);
    expect(countsByIndex(negative.offset, negative.bucketCounts)).toEqual(expected.negative);
    expect(positive.bucketCounts.length).toBeLessThanOrEqual(maxSize);
    expect(negative.bucketCounts.length).toBeLessThanOrEqual(maxSize);
    // A zero has no sign.
    expect(min! + 0).toBe(expected.min + 0);
    expect(max! + 0).toBe(expected.max + 0);
  }
}

const double = new DataView(new ArrayBuffer(8));

/** The double whose bits are so many steps from those of a value. */
function steps(value: number, by: number): number {
  double.setFloat64(0, value);
  double.setBigInt64(0, double.getBigInt64(0) + BigInt(by));
  return double.getFloat64(0);
}

type Draw = (random: SeededRandom) => number;

const sign = (random: SeededRandom) => (random.below(2) === 0 ? 1 : -1);

const DISTRIBUTIONS: Readonly<Record<string, Draw>> = {
  'of one magnitude': (r) => 1 + r.next(),
  'of a few magnitudes': (r) => Math.exp(r.next() * 10 - 3),
  'of both signs': (r) => sign(r) * Math.exp(r.next() * 8),
  'of all magnitudes': (r) => sign(r) * 2 ** (r.next() * 2040 - 1020),
  'that are powers of two and their neighbours': (r) =>
    sign(r) * steps(2 ** (r.below(40) - 20), r.below(3) - 1),
  'at the ends of the buckets of scale 3': (r) =>
    steps(2 ** ((r.below(64) - 32) / 8), r.below(5) - 2),
  'at the ends of the buckets of scale 20': (r) =>
    steps(2 ** ((r.below(2 ** 20) + 1) / 2 ** 20), r.below(5) - 2),
  'below the normal ones': (r) => sign(r) * r.below(2 ** 31) * Number.MIN_VALUE,
  'that are integers': (r) => r.below(5000) - 100,
  'mostly zeros': (r) => (r.below(3) === 0 ? r.next() : 0),
  'that differ in their last bits': (r) => steps(0.1, r.below(200)),
};

describe.each(ENGINE_NAMES)('exponential histograms against exact arithmetic: %s', (engine) => {
  it.each(Object.entries(DISTRIBUTIONS))('have values %s in their buckets', async (name, draw) => {
    const random = randomFrom(0x5ca1e + name.length);
    for (const [maxSize, count] of [
      [160, 300],
      [160, 3],
      [20, 100],
      [4, 50],
    ] as const) {
      const { ours, record } = histogramOf(engine, maxSize);
      const values: number[] = [];
      for (let n = 0; n < count; n++) {
        const value = draw(random);
        values.push(value);
        record(value);
        // Also what it was on the way.
        if (n === count >> 1) await expectExact(ours, values, maxSize);
      }
      await expectExact(ours, values, maxSize);
    }
  });

  it('has the only value in the finest bucket, whatever it is', async () => {
    const extremes = [1, 2, 0.5, 3, 1e300, 1e-300, Number.MIN_VALUE, 2 ** -1022, Number.MAX_VALUE];
    const near = extremes.flatMap((value) => [steps(value, -1), value]).concat(steps(1, 1));
    for (const value of near.filter((each) => each > 0)) {
      for (const signed of [value, -value]) {
        const { ours, record } = histogramOf(engine, 160);
        record(signed);
        await expectExact(ours, [signed], 160);
      }
    }
  });

  it('begins anew with each collection of differences, at the finest scale', async () => {
    const random = randomFrom(0xde17a);
    for (let interval = 0; interval < 6; interval++) {
      const { ours, record } = histogramOf(engine, 20, 'delta');
      for (let collection = 0; collection < 3; collection++) {
        const spread = 10 ** random.below(5);
        const values = Array.from({ length: 1 + random.below(40) }, () => random.next() * spread);
        for (const value of values) record(value);
        const expected = exponentialHistogram(values, 20);
        const point = await objectOf(ours);
        expect(point.scale).toBe(expected.scale);
        expect(countsByIndex(point.positive.offset, point.positive.bucketCounts)).toEqual(
          expected.positive,
        );
      }
    }
  });

  it('counts zeros of either sign and ignores what is no finite number', async () => {
    const { ours, record } = histogramOf(engine, 160);
    for (const value of [0, -0, 5, Number.NaN, Infinity, -Infinity, 0]) record(value);
    await expectExact(ours, [0, -0, 5, 0], 160);
  });

  it('keeps its buckets where an interval had nothing but zeros', async () => {
    const { ours, record } = histogramOf(engine, 160);
    const values = [1.5, 700, 0.01];
    for (const value of values) record(value);
    await expectExact(ours, values, 160);
    record(0);
    await expectExact(ours, [...values, 0], 160);
    record(12);
    await expectExact(ours, [...values, 0, 12], 160);
  });
});

describe('the oracle', () => {
  it('takes a double apart exactly', () => {
    for (const value of [1, 0.1, Number.MAX_VALUE, Number.MIN_VALUE, 2 ** -1030 * 3]) {
      const { mantissa, exponent } = partsOf(value);
      // Never below the smallest exponent, so both factors are doubles.
      const half = exponent >> 1;
      expect(Number(mantissa) * 2 ** half * 2 ** (exponent - half)).toBe(value);
    }
  });

  it('knows the examples of the data model', () => {
    // Base 2 at scale 0: (1, 2] is bucket 0, and base 4 at scale -1, sqrt(2) at scale 1.
    expect([1, 1.5, 2, 2.5, 4].map((value) => indexOf(value, 0))).toEqual([-1, 0, 0, 1, 1]);
    expect([1, 4, 4.5, 16].map((value) => indexOf(value, -1))).toEqual([-1, 0, 1, 1]);
    expect([1, 1.4, 1.42, 2].map((value) => indexOf(value, 1))).toEqual([-1, 0, 1, 1]);
  });

  it('agrees with itself from scale to scale', () => {
    const random = randomFrom(77);
    for (let n = 0; n < 500; n++) {
      const value = 2 ** (random.next() * 2000 - 1000);
      for (let scale = 20; scale > -10; scale--) {
        expect(indexOf(value, scale - 1)).toBe(indexOf(value, scale) >> 1);
      }
    }
  });
});
