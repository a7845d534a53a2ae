import { ValueType } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import { type ExponentialHistogramValue, GAUGE } from '../../src/api/metric/data.ts';
import { ENGINE_NAMES } from '../support/engines.ts';
import { expectSame } from '../support/expect-same.ts';
import { countsByIndex } from '../support/exponential-oracle.ts';
import { decodeMetricsOfficially } from '../support/metric-model.ts';
import {
  type MetricPlan,
  type PlanOptions,
  randomMetricPlan,
  SYNC_KINDS,
} from '../support/metric-plan.ts';
import { type Row, rowsOf, setText } from '../support/metric-points.ts';
import { oursOf, upstreamOf } from '../support/metric-providers.ts';
import { randomFrom } from '../support/random.ts';
import type { ModelAttributes } from '../support/trace-model.ts';

/*
 * The same measurements, with the OpenTelemetry SDK and with ours, encoded by its serializer and by
 * ours, decoded by one official decoder and compared point by point.
 *
 * What differs, and why:
 *
 *  1. Start times: ours are those of each series, and of delta streams the last collection's also
 *     for a series that is new; the SDK's are those of the first measurement. That ours make sense
 *     is looked at here, what they are in test/api/metric.
 *  2. An asynchronous series that was not observed: ours is not exported (specification,
 *     "Asynchronous instruments"); the SDK repeats the last value of a cumulative one.
 *  3. What a callback observes for one reader: with ours nobody else gets it; the SDK has it in the
 *     next collection of the others. (Plans with two readers observe everything each time.)
 *  4. Two views that make metrics of the same name of one instrument: ours are two metrics; the SDK
 *     adds each measurement to one of them twice. (Plans have no such views.)
 *  5. Exponential histograms in whose interval nothing but zeros was recorded: the SDK merges their
 *     buckets at a scale that they do not have. (Plans have no zeros there; see exponential.test.ts.)
 *  6. Values of exponential histograms below 2^-1022: the SDK has one bucket for all of them.
 *  7. Histograms of asynchronous instruments: ours refuses such views (specification, "Measurement
 *     processing"); the SDK makes them of what was observed.
 *  8. Two observations that a view makes one series of: ours adds those of sums up (specification,
 *     "Asynchronous instruments"); the SDK takes the last one.
 *  9. Sets beyond the limit on cardinality: those that were there first stay with ours for as long as
 *     they are cumulative; the SDK begins anew with each collection. (Compared where there is one.)
 * 10. A view that says nothing of the aggregation: ours asks the reader (specification, "View"); the
 *     SDK takes that of the instrument. (Plans with views have readers without a wish.)
 * 11. -0 stays -0 with ours; sums of the SDK begin with 0, to which it is added.
 * 12. NaN: ours refuses it everywhere; the SDK adds it to sums, which are NaN ever after.
 */

/** Rows of asynchronous series that were not observed in this interval left out: difference 2. */
function observedOnly(
  rows: ReadonlyMap<string, Row>,
  plan: MetricPlan,
  interval: MetricPlan['intervals'][number],
): Map<string, Row> {
  const observed = new Map<string, Set<string>>();
  for (const [at, observations] of interval.observations) {
    const { name, meter } = plan.instruments[at]!;
    const { name: scope, version } = plan.meters[meter]!;
    const sets = new Set(observations.map(({ attributes }) => setOf(attributes ?? {})));
    for (const metric of [name, `renamed.${name}`])
      observed.set(`${scope}@${version} ${metric}`, sets);
  }
  return new Map(
    [...rows].filter(
      ([, { scope, metric, set }]) => observed.get(`${scope} ${metric}`)?.has(set) ?? true,
    ),
  );
}

/** A set as a decoder would have it. */
function setOf(attributes: object): string {
  const model = Object.entries(attributes).map(([key, value]) => [key, modelValue(value)] as const);
  return setText(model as ModelAttributes);
}

function modelValue(value: unknown): object {
  if (typeof value === 'string') return { string: value };
  if (typeof value === 'boolean') return { bool: value };
  if (Array.isArray(value)) return { array: value.map(modelValue) };
  return Number.isInteger(value) ? { int: BigInt(value as number) } : { double: value };
}

const withoutTimes = (rows: ReadonlyMap<string, Row>) =>
  Object.fromEntries(
    [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, { said }]) => [key, said]),
  );

async function compare(engine: (typeof ENGINE_NAMES)[number], plan: MetricPlan, where: object) {
  const ours = oursOf(engine, plan);
  const theirs = upstreamOf(plan);
  /** Of each reader: when it last collected. */
  const since = new Map<number, bigint>();
  let points = 0;
  for (const [n, interval] of plan.intervals.entries()) {
    ours.play(interval);
    theirs.play(interval);
    const [own, other] = await Promise.all([
      ours.collect(interval.reader),
      theirs.collect(interval.reader),
    ]);
    expect(own.errors).toEqual([]);
    const rows = rowsOf(decodeMetricsOfficially(own.request));
    const expected = observedOnly(rowsOf(decodeMetricsOfficially(other.request)), plan, interval);
    expectSame(
      { where, n, points: withoutTimes(rows) },
      { where, n, points: withoutTimes(expected) },
    );
    points += rows.size;
    // Difference 1.
    for (const { startTimeUnixNano, timeUnixNano, said } of rows.values()) {
      expect(startTimeUnixNano).toBeGreaterThan(0n);
      expect(timeUnixNano).toBeGreaterThanOrEqual(startTimeUnixNano);
      const last = since.get(interval.reader);
      const isDelta = (said as { temporality?: number }).temporality === 1;
      if (isDelta && last !== undefined) expect(startTimeUnixNano).toBe(last);
    }
    const [first] = rows.values();
    if (first !== undefined) since.set(interval.reader, first.timeUnixNano);
    else since.delete(interval.reader);
  }
  expect(ours.warnings).toEqual([]);
  return points;
}

/** Plans by chance for one engine; each engine has others, and more than these by `SEEDS`. */
const SEEDS = Number(process.env['OTLP_WASM_PROOF_SEEDS'] ?? 7);

describe.each(ENGINE_NAMES)('the same measurements as upstream: %s', (engine) => {
  const kinds: readonly (readonly [string, PlanOptions])[] = [
    ['of all instruments', {}],
    ['with views', { views: true }],
    ['with two readers', { readers: 2, intervals: 6 }],
    ['with views and two readers', { views: true, readers: 2, intervals: 6 }],
    ['of many series', { sets: 120, kinds: ['counter', 'histogram', 'observableGauge'] }],
  ];

  it.each(kinds)('make the same points, %s', async (name, options) => {
    let points = 0;
    for (let n = 0; n < SEEDS; n++) {
      const seed = (1 + n * ENGINE_NAMES.length + ENGINE_NAMES.indexOf(engine)) * 7919;
      const plan = randomMetricPlan(randomFrom(seed + name.length), options);
      points += await compare(engine, plan, { name, seed });
    }
    expect(points).toBeGreaterThan(150);
  });

  it('make the same points when there are more sets than the limit', async () => {
    const limit = 12;
    for (const temporality of ['cumulative', 'delta'] as const) {
      for (const histogram of ['explicit', 'exponential'] as const) {
        const random = randomFrom(limit + ENGINE_NAMES.indexOf(engine));
        const options: PlanOptions = { kinds: SYNC_KINDS, sets: 60, cardinalityLimit: limit };
        const { intervals, ...plan } = randomMetricPlan(random, { ...options, intervals: 8 });
        const measurements = intervals.flatMap((interval) => interval.measurements);
        // Difference 9.
        const once = { measurements, observations: new Map(), reader: 0 };
        const readers = [{ temporality, histogram, cardinalityLimit: limit }];
        const usable = { ...once, measurements: measurements.filter(({ value }) => value !== 0) };
        await compare(engine, { ...plan, readers, intervals: [usable] }, { temporality });
        const ours = oursOf(engine, { ...plan, readers });
        ours.play(usable);
        expect(ours.provider.health().overflowed).toBeGreaterThan(0);
      }
    }
  });

  it('make the same points of numbers that instruments refuse', async () => {
    const refused = [-1, -0.5, 0.75, Number.NaN, 2 ** 60, '3', null, undefined, {}, 1];
    for (const valueType of [ValueType.INT, ValueType.DOUBLE]) {
      const instruments = SYNC_KINDS.map((kind) => ({
        kind,
        meter: 0,
        name: kind,
        options: { valueType },
      }));
      const measurements = instruments.flatMap(({ kind }, instrument) =>
        refused
          // Difference 12.
          .filter((value) => !Number.isNaN(value) || kind === 'histogram')
          .map((value) => ({ instrument, value: value as number, attributes: { a: 1 } })),
      );
      const plan: MetricPlan = {
        meters: [{ name: 'shop', version: '' }],
        instruments,
        views: [],
        readers: [{ temporality: 'cumulative', histogram: 'explicit', cardinalityLimit: 2000 }],
        intervals: [{ measurements, observations: new Map(), reader: 0 }],
      };
      expect(await compare(engine, plan, { valueType })).toBe(SYNC_KINDS.length);
    }
  });

  it('make the same objects for readers that want them', async () => {
    let metrics = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const plan = randomMetricPlan(randomFrom(seed * 104_729), { kinds: SYNC_KINDS });
      const ours = oursOf(engine, plan);
      const theirs = upstreamOf(plan);
      for (const interval of plan.intervals) {
        ours.play(interval);
        theirs.play(interval);
        const own = (await ours.collectObjects(interval.reader)).resourceMetrics;
        const other = await theirs.collectObjects(interval.reader);
        expect(own.resource.attributes).toEqual(other.resource.attributes);
        const described = objectsOf(own);
        expectSame({ seed, metrics: described }, { seed, metrics: objectsOf(other) });
        metrics += described.length;
      }
    }
    expect(metrics).toBeGreaterThan(40);
  });
});

interface SomeMetrics {
  readonly scopeMetrics: readonly {
    readonly scope: { readonly name: string; readonly version?: string | undefined };
    readonly metrics: readonly {
      readonly descriptor: {
        readonly name: string;
        readonly description: string;
        readonly unit: string;
        readonly valueType: number;
      };
      readonly dataPointType: number;
      readonly aggregationTemporality: number;
      readonly dataPoints: readonly { readonly attributes: object; readonly value: unknown }[];
    }[];
  }[];
}

/** Collected objects without times, in an order of their own. */
function objectsOf({ scopeMetrics }: SomeMetrics): object[] {
  return scopeMetrics
    .flatMap(({ scope, metrics }) =>
      metrics.flatMap(({ descriptor, dataPointType, aggregationTemporality, dataPoints }) =>
        dataPoints.map(({ attributes, value }) => ({
          at: `${scope.name} ${descriptor.name} ${setOf(attributes)}`,
          scope: [scope.name, scope.version ?? ''],
          descriptor: [descriptor.name, descriptor.description, descriptor.unit],
          valueType: descriptor.valueType,
          dataPointType,
          // A gauge has none; the member is there all the same.
          temporality: dataPointType === GAUGE ? undefined : aggregationTemporality,
          value: plainValue(value),
        })),
      ),
    )
    .sort((a, b) => (a.at < b.at ? -1 : 1));
}

/** Buckets by index; -0 is 0 (difference 11). */
function plainValue(value: unknown): unknown {
  if (typeof value === 'number') return value + 0;
  if (typeof value !== 'object' || value === null || !('scale' in value)) return value;
  const { positive, negative, zeroThreshold: _, ...rest } = value as ExponentialHistogramValue;
  const counts = ({ offset, bucketCounts }: ExponentialHistogramValue['positive']) =>
    [...countsByIndex(offset, bucketCounts)].sort(([a], [b]) => a - b);
  return { ...rest, positive: counts(positive), negative: counts(negative) };
}
