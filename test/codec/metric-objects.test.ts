import type { HrTime } from '@opentelemetry/api';
import { ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import { describe, expect, it } from 'vitest';
import {
  EXPONENTIAL_HISTOGRAM,
  GAUGE,
  HISTOGRAM,
  type MetricData,
  type ResourceMetrics,
  SUM,
  SUMMARY,
} from '../../src/api/metric/data.ts';
import { encodeMetrics, type MetricsEncoded } from '../../src/codec/metrics.ts';
import { openCells } from '../support/cells.ts';
import { ENGINE_NAMES } from '../support/engines.ts';
import { decodeMetricsOfficially, type ModelMetricsRequest } from '../support/metric-model.ts';
import { randomFrom, type SeededRandom } from '../support/random.ts';

type Limits = Parameters<typeof encodeMetrics>[2];

interface Result extends MetricsEncoded {
  readonly models: readonly ModelMetricsRequest[];
}

/** The same on each engine, which has nothing left in memory behind it. */
function everywhere(data: ResourceMetrics, limits: Limits = {}, maxBytes?: number): Result {
  const [first, ...others] = ENGINE_NAMES.map((engine) => {
    const cells = openCells(engine, maxBytes);
    const requests: Buffer[] = [];
    const outcome = encodeMetrics(cells, data, limits, (bytes) =>
      requests.push(Buffer.from(bytes)),
    );
    expect(cells.usage.usedBytes).toBe(0);
    return { requests, outcome };
  });
  for (const { requests } of others) {
    expect(requests.length).toBe(first!.requests.length);
    requests.forEach((request, i) => {
      expect(Buffer.compare(request, first!.requests[i]!)).toBe(0);
    });
  }
  expect(first!.outcome.requests).toBe(first!.requests.length);
  return { ...first!.outcome, models: first!.requests.map(decodeMetricsOfficially) };
}

const DESCRIPTOR = { name: 'm', description: 'Said.', unit: 'ms', valueType: 1 } as const;
const TIMES: { readonly startTime: HrTime; readonly endTime: HrTime } = {
  startTime: [1_700_000_000, 1],
  endTime: [1_700_000_060, 999_999_999],
};

function collected(...metrics: MetricData[]): ResourceMetrics {
  return {
    resource: { attributes: { 'service.name': 'shop' }, schemaUrl: 'urn:r' },
    scopeMetrics: [{ scope: { name: 'scope', version: '2', schemaUrl: 'urn:s' }, metrics }],
  };
}

function metricsOf({ models }: Result) {
  return models.flatMap((model) => model.flatMap((r) => r.scopes.flatMap((s) => s.metrics)));
}

function randomMetric(random: SeededRandom, name: string): MetricData {
  const kind = [HISTOGRAM, EXPONENTIAL_HISTOGRAM, GAUGE, SUM][random.below(4)]!;
  const boundaries = Array.from({ length: random.below(20) }, (_, i) => i * 3 - 10);
  const counts = (length: number) =>
    Array.from({ length }, () => random.below(2 ** random.below(34)));
  const extremes = random.below(2) ? { min: -random.next(), max: random.next() } : {};
  const value = () => {
    const total = { count: random.below(1000), sum: random.next() * 1e6, ...extremes };
    if (kind === HISTOGRAM)
      return { ...total, buckets: { boundaries, counts: counts(boundaries.length + 1) } };
    if (kind !== EXPONENTIAL_HISTOGRAM) return (random.next() - 0.5) * 1e6;
    const buckets = () => {
      const bucketCounts = counts(random.below(170));
      return { offset: bucketCounts.length === 0 ? 0 : random.below(2000) - 1000, bucketCounts };
    };
    const scale = random.below(31) - 10;
    return {
      ...total,
      scale,
      zeroCount: random.below(9),
      positive: buckets(),
      negative: buckets(),
    };
  };
  const valueType = kind > 1 && random.below(2) ? 0 : 1;
  return {
    descriptor: { name, description: random.below(2) ? 'd' : '', unit: 's', valueType },
    aggregationTemporality: random.below(2) as 0 | 1,
    dataPointType: kind,
    isMonotonic: random.below(2) === 1,
    dataPoints: Array.from({ length: 1 + random.below(5) }, (_, i) => ({
      startTime: [random.below(2 ** 31), random.below(1e9)],
      endTime: [random.below(2 ** 31) + 1, random.below(1e9)],
      attributes: { i, text: 't'.repeat(random.below(300)), list: [1, 2], flag: i > 1 },
      value: valueType === 0 ? Math.round(value() as number) : value(),
    })),
  } as unknown as MetricData;
}

function randomMetrics(seed: number): ResourceMetrics {
  const random = randomFrom(seed);
  return {
    resource: { attributes: { 'service.name': 'shop', seed } },
    scopeMetrics: Array.from({ length: 1 + random.below(4) }, (_, s) => ({
      scope: { name: `scope.${s}`, version: '1' },
      metrics: Array.from({ length: 1 + random.below(10) }, (_, m) =>
        randomMetric(random, `m.${m}`),
      ),
    })),
  };
}

describe('collected metrics', () => {
  it.each(Array.from({ length: 25 }, (_, i) => i + 1))(
    'say the same as from upstream: random metrics %d',
    (seed) => {
      const data = randomMetrics(seed);
      const ours = everywhere(data);
      expect(ours).toMatchObject({ tooLarge: 0, invalid: 0, requests: 1 });
      const theirs = ProtobufMetricsSerializer.serializeRequest(data as never)!;
      expect(ours.models[0]).toEqual(decodeMetricsOfficially(theirs));
    },
  );

  it('have exemplars, zero thresholds and summaries besides', () => {
    const exemplars = [
      {
        filteredAttributes: { user: 'u' },
        time: [1_700_000_001, 5] as [number, number],
        value: 4.5,
        traceId: '0af7651916cd43dd8448eb211c80319c',
        spanId: 'b7ad6b7169203331',
      },
      { filteredAttributes: {}, time: [1, 0] as [number, number], value: 2 },
    ];
    const base = { descriptor: DESCRIPTOR, aggregationTemporality: 1 } as const;
    const quantiles = [{ quantile: 0.5, value: 10 }];
    const empty = { offset: 0, bucketCounts: [] };
    const result = everywhere(
      collected(
        {
          ...base,
          dataPointType: SUM,
          isMonotonic: true,
          dataPoints: [
            { ...TIMES, attributes: {}, value: 7, exemplars },
            { ...TIMES, attributes: { a: 1 }, value: 8 },
          ],
        },
        {
          ...base,
          dataPointType: EXPONENTIAL_HISTOGRAM,
          dataPoints: [
            {
              ...{ ...TIMES, attributes: {} },
              value: {
                count: 2,
                scale: -3,
                zeroCount: 2,
                zeroThreshold: 0.25,
                positive: empty,
                negative: empty,
              },
            },
          ],
        },
        {
          ...base,
          dataPointType: SUMMARY,
          dataPoints: [{ ...TIMES, attributes: {}, value: { count: 3, sum: 20, quantiles } }],
        },
      ),
    );
    const [sum, exponential, summary] = metricsOf(result);
    expect(sum!.points.map((point) => point.exemplars)).toEqual([
      [
        {
          filteredAttributes: [['user', { string: 'u' }]],
          timeUnixNano: 1_700_000_001_000_000_005n,
          value: { double: 4.5 },
          traceId: '0af7651916cd43dd8448eb211c80319c',
          spanId: 'b7ad6b7169203331',
        },
        {
          filteredAttributes: [],
          timeUnixNano: 10n ** 9n,
          value: { double: 2 },
          traceId: '',
          spanId: '',
        },
      ],
      [],
    ]);
    expect(exponential!.points[0]).toMatchObject({
      ...{ scale: -3, zeroCount: 2n, zeroThreshold: 0.25, sum: undefined, min: undefined },
    });
    expect(summary!.points[0]).toMatchObject({ count: 3n, sum: 20, quantiles });
  });

  it('become metrics of the same name where their points have other boundaries', () => {
    const histogram = (boundaries: number[], count: number) => ({
      ...{ ...TIMES, attributes: { count } },
      value: {
        count,
        sum: 1,
        buckets: { boundaries, counts: [count, ...boundaries.map(() => 0)] },
      },
    });
    const result = everywhere(
      collected({
        ...{ descriptor: DESCRIPTOR, aggregationTemporality: 0, dataPointType: HISTOGRAM },
        dataPoints: [
          histogram([1, 2], 1),
          histogram([3], 2),
          histogram([1, 2], 3),
          histogram([], 4),
        ],
      }),
    );
    expect(
      metricsOf(result).map(({ name, points }) => [
        name,
        points.map((point) =>
          'boundaries' in point ? [Number(point.count), point.boundaries] : [],
        ),
      ]),
    ).toEqual([
      [
        'm',
        [
          [1, [1, 2]],
          [3, [1, 2]],
        ],
      ],
      ['m', [[2, [3]]]],
      ['m', [[4, []]]],
    ]);
  });

  it('are split where a request would be too large', () => {
    const data = randomMetrics(77);
    const whole = everywhere(data);
    const split = everywhere(data, { maxPoints: 3 });
    expect(split.requests).toBe(Math.ceil(whole.points / 3));
    const names = (result: Result) =>
      metricsOf(result).flatMap(({ name, points }) => points.map((point) => [name, point]));
    expect(names(split)).toEqual(names(whole));
  });

  it('take turns where memory has not room for all of them', () => {
    const dataPoints = Array.from({ length: 700 }, (_, i) => ({
      ...{ ...TIMES, attributes: { i, text: 'x'.repeat(900) }, value: i },
    }));
    const base = {
      descriptor: DESCRIPTOR,
      aggregationTemporality: 1,
      dataPointType: GAUGE,
    } as const;
    const result = everywhere(collected({ ...base, dataPoints }), {}, 256 * 1024);
    expect(result).toMatchObject({ points: 700, tooLarge: 0, invalid: 0 });
    expect(result.requests).toBeGreaterThan(3);
    const values = metricsOf(result).flatMap(({ points }) =>
      points.map((point) => 'value' in point && point.value),
    );
    expect(values).toEqual(dataPoints.map(({ value }) => ({ double: value })));
  });

  it('leave out what is no point, and hold the others', () => {
    const point = (more: object) => ({ ...TIMES, attributes: {}, value: 1, ...more });
    const gauge = {
      ...{ descriptor: DESCRIPTOR, aggregationTemporality: 1, dataPointType: GAUGE },
      dataPoints: [
        point({ value: 'seven' }),
        point({ startTime: undefined }),
        point({ endTime: [-1, 0] }),
        point({ value: 5 }),
      ],
    };
    const broken = { buckets: { boundaries: [1, 2], counts: [1] }, count: 1, sum: 1 };
    const histogram = {
      ...{ ...gauge, dataPointType: HISTOGRAM },
      dataPoints: [point({ value: broken }), point({ value: null })],
    };
    const unknown = { ...gauge, dataPointType: 9, dataPoints: [point({})] };
    const result = everywhere(collected(...([gauge, histogram, unknown] as never[])));
    expect(result).toMatchObject({ points: 1, invalid: 6 });
    expect(result.problem).toBeInstanceOf(TypeError);
    expect(metricsOf(result)).toHaveLength(1);
  });

  it('are no request where there are none', () => {
    expect(everywhere(collected())).toMatchObject({ requests: 0, points: 0, models: [] });
  });

  it('say that there is no room for a resource that is larger than memory', () => {
    const data = collected({
      ...{ descriptor: DESCRIPTOR, aggregationTemporality: 1, dataPointType: GAUGE },
      dataPoints: [{ ...TIMES, attributes: {}, value: 1 }],
    });
    const resource = { attributes: { text: 'x'.repeat(400_000) } };
    expect(everywhere({ ...data, resource }, {}, 256 * 1024)).toMatchObject({
      ...{ requests: 0, tooLarge: 1 },
    });
  });
});
