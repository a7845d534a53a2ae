import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import {
  DELTA,
  EXPONENTIAL_HISTOGRAM,
  GAUGE,
  HISTOGRAM,
  SUM,
  SUMMARY,
} from '../../src/api/metric/data.ts';
import type { Cells, StreamShape } from '../../src/buffer/cells.ts';
import { Group } from '../../src/buffer/record.ts';
import {
  CELL_COUNT,
  CELL_COUNTS,
  CELL_END,
  CELL_START,
  CELL_STATE,
  CELL_VALUE,
} from '../../src/engine/generated/layout.ts';
import {
  attributesOf,
  type Encoded,
  encoded,
  encodeMetricsEverywhere,
  openCells,
} from '../support/cells.ts';
import { ENGINE_NAMES } from '../support/engines.ts';
import { expectedBuckets } from '../support/exponential.ts';
import {
  decodeMetricsOfficially,
  type ModelMetric,
  type ModelPoint,
} from '../support/metric-model.ts';
import { randomFrom } from '../support/random.ts';

const { opentelemetry } = createRequire(import.meta.url)(
  'otlp-decoder/build/src/generated/root.js',
);
const { ExportMetricsServiceRequest } = opentelemetry.proto.collector.metrics.v1;

/** Fields ascending, lengths minimal, defaults left out: as the official encoder writes it. */
function expectCanonical(request: Uint8Array): void {
  const again = ExportMetricsServiceRequest.encode(ExportMetricsServiceRequest.decode(request));
  expect(Buffer.compare(again.finish(), request)).toBe(0);
}

function measure(cells: Cells, cell: number, value: number): void {
  cells.f64[(cell + CELL_VALUE) >> 3] = value;
  cells.i32[(cell + CELL_STATE) >> 2] = 1;
}

function metricsOf({ models, requests }: Encoded): readonly ModelMetric[] {
  for (const request of requests) expectCanonical(request);
  return models.flatMap((model) => model.flatMap((r) => r.scopes.flatMap((s) => s.metrics)));
}

/** The points of one stream with one series, to which `run` does something. */
function pointOf(shape: StreamShape, run: (cells: Cells, cell: number) => void): ModelPoint {
  const [metric] = metricsOf(
    encodeMetricsEverywhere((cells) => {
      const stream = cells.stream(shape);
      run(cells, cells.series(stream, attributesOf({}), 1_600_000_000, 5));
      return [stream];
    }),
  );
  expect(metric?.points).toHaveLength(1);
  return metric!.points[0]!;
}

const NO_EXEMPLARS = { flags: 0, exemplars: [] };

describe('encoded metrics', () => {
  it('have the resource and the scope, with what they say of themselves', () => {
    const [first, ...others] = ENGINE_NAMES.map((engine) => {
      const cells = openCells(engine);
      const resource = new Group(attributesOf({ 'service.name': 'shop', n: 1 }), {
        schemaUrl: 'urn:resource',
        dropped: 3,
      });
      const own = attributesOf({ 'scope.kind': 'test' });
      const scopes = [
        new Group(own, { parent: resource, name: 'a', version: '1.2', schemaUrl: 'urn:scope' }),
        new Group(attributesOf({}), { parent: resource }),
      ].map((group) => ({ scope: cells.group(group), streams: [] as number[] }));
      for (const [i, { streams }] of scopes.entries()) {
        streams.push(
          cells.stream({ name: `m${i}`, kind: GAUGE, description: 'Said.', unit: '{x}' }),
        );
        measure(cells, cells.series(streams[0]!, attributesOf({}), 0, 0), i);
      }
      const requests: Buffer[] = [];
      const batch = { resource: cells.group(resource), scopes, timeSec: 1, timeNano: 0 };
      cells.encode(batch, (bytes) => requests.push(Buffer.from(bytes)));
      return requests;
    });
    for (const other of others) expect(other).toEqual(first);
    expect(first).toHaveLength(1);
    expectCanonical(first![0]!);
    expect(decodeMetricsOfficially(first![0]!)).toMatchObject([
      {
        attributes: [
          ['service.name', { string: 'shop' }],
          ['n', { int: 1n }],
        ],
        droppedAttributes: 3,
        schemaUrl: 'urn:resource',
        scopes: [
          {
            name: 'a',
            version: '1.2',
            schemaUrl: 'urn:scope',
            attributes: [['scope.kind', { string: 'test' }]],
            metrics: [{ name: 'm0', description: 'Said.', unit: '{x}', kind: 'gauge' }],
          },
          { name: '', version: '', schemaUrl: '', metrics: [{ name: 'm1' }] },
        ],
      },
    ]);
  });

  it('are sums and gauges, of doubles and of integers', () => {
    const values = [0, -0, 1, -1, 1.5, -2.75, 1e300, 2 ** 53, -(2 ** 53), Number.NaN, Infinity];
    for (const value of values) {
      for (const kind of [SUM, GAUGE] as const) {
        const point = pointOf({ name: 'm', kind }, (cells, cell) => measure(cells, cell, value));
        expect(point).toEqual({
          attributes: [],
          startTimeUnixNano: 1_600_000_000_000_000_005n,
          timeUnixNano: 1_700_000_000_000_000_007n,
          value: { double: value },
          ...NO_EXEMPLARS,
        });
      }
    }
    const largest = 2n ** 63n - 1024n;
    for (const [value, int] of [
      [0, 0n],
      [-0, 0n],
      [7, 7n],
      [-7, -7n],
      [7.9, 7n],
      [-7.9, -7n],
      [2 ** 32, 2n ** 32n],
      [-(2 ** 32), -(2n ** 32n)],
      [2 ** 53, 2n ** 53n],
      [-(2 ** 53) - 2, -(2n ** 53n) - 2n],
      [4503599627370497, 4503599627370497n],
      [-4503599627370497, -4503599627370497n],
      [2 ** 62, 2n ** 62n],
      [1e300, largest],
      [-1e300, -largest],
      [Number.NaN, 0n],
    ] as const) {
      const shape = { name: 'm', kind: SUM, int: true } as const;
      const point = pointOf(shape, (cells, cell) => measure(cells, cell, value));
      expect(point).toMatchObject({ value: { int } });
    }
  });

  it('say of a sum whether it only grows, and of what is added up over what time', () => {
    const metrics = metricsOf(
      encodeMetricsEverywhere((cells) =>
        [true, false].flatMap((monotonic) =>
          [0, 1].map((temporality) => {
            const kind = SUM;
            const shape = {
              name: 'm',
              kind,
              monotonic,
              temporality: temporality as 0 | 1,
            } as const;
            const stream = cells.stream(shape);
            measure(cells, cells.series(stream, attributesOf({}), 1, 0), 1);
            return stream;
          }),
        ),
      ),
    );
    expect(metrics.map(({ monotonic, temporality }) => [monotonic, temporality])).toEqual([
      [true, 1],
      [true, 2],
      [false, 1],
      [false, 2],
    ]);
  });

  it('are histograms with sum and extremes, without them, and of no boundaries', () => {
    const shape = { name: 'h', kind: HISTOGRAM, boundaries: [0, 5.5, 10, 20, 1e9] } as const;
    const run = (cells: Cells, cell: number) => {
      for (const value of [-4, 0, 3, 5.5, 5.6, 19, 20, 21, 2e9]) cells.recordHistogram(cell, value);
    };
    expect(pointOf(shape, run)).toEqual({
      attributes: [],
      startTimeUnixNano: 1_600_000_000_000_000_005n,
      timeUnixNano: 1_700_000_000_000_000_007n,
      count: 9n,
      sum: 2_000_000_070.1,
      min: -4,
      max: 2e9,
      boundaries: [0, 5.5, 10, 20, 1e9],
      bucketCounts: [2n, 2n, 1n, 2n, 1n, 1n],
      ...NO_EXEMPLARS,
    });
    expect(pointOf({ ...shape, recordSum: false, recordMinMax: false }, run)).toMatchObject({
      ...{ sum: undefined, min: undefined, max: undefined, count: 9n },
    });
    expect(pointOf({ ...shape, boundaries: [] }, run)).toMatchObject({
      ...{ count: 9n, boundaries: [], bucketCounts: [9n] },
    });
  });

  it('hold counts beyond 32 bits', () => {
    const shape = { name: 'h', kind: HISTOGRAM, boundaries: [1] } as const;
    const count = 2 ** 45 + 12_345;
    const point = pointOf(shape, (cells, cell) => {
      cells.recordHistogram(cell, 0.5);
      cells.f64[(cell + CELL_COUNT) >> 3] = count;
      cells.f64[(cell + CELL_COUNTS) >> 3] = count;
    });
    expect(point).toMatchObject({ count: BigInt(count), bucketCounts: [BigInt(count), 0n] });
    const exponential = { name: 'e', kind: EXPONENTIAL_HISTOGRAM } as const;
    for (const large of [127, 128, 16_384, 2 ** 28, 2 ** 32 - 1, 2 ** 32, 2 ** 53]) {
      const other = pointOf(exponential, (cells, cell) => {
        cells.recordExponential(cell, 1);
        const at = cells.exponentialOf(cell).positive.bucketCounts.length;
        expect(at).toBe(1);
        // Its first bucket is a part of the cell.
        const { f64 } = cells;
        const place = f64.indexOf(1, (cell + 120) >> 3);
        f64[place] = large;
      });
      expect(other).toMatchObject({ positive: { offset: -1, bucketCounts: [BigInt(large)] } });
    }
  });

  it('are exponential histograms of both signs, at any scale', () => {
    const random = randomFrom(31);
    const draws = [
      () => Math.exp(random.next() * 10),
      () => (random.next() - 0.3) * 1e3,
      () => 2 ** (random.below(2000) - 1000),
      () => -1 - random.next() / 1e6,
      () => 0,
    ];
    for (const [i, draw] of draws.entries()) {
      const values = Array.from({ length: 50 }, draw);
      const zeroThreshold = i * 0.25;
      const shape = { name: 'e', kind: EXPONENTIAL_HISTOGRAM, zeroThreshold } as const;
      const point = pointOf(shape, (cells, cell) => {
        for (const value of values) cells.recordExponential(cell, value);
      });
      const { scale, zeroCount, positive, negative } = expectedBuckets(values, 160, 20);
      const bigints = ({ offset, bucketCounts }: typeof positive) => ({
        offset,
        bucketCounts: bucketCounts.map(BigInt),
      });
      expect(point).toEqual({
        attributes: [],
        startTimeUnixNano: 1_600_000_000_000_000_005n,
        timeUnixNano: 1_700_000_000_000_000_007n,
        count: 50n,
        sum: values.reduce((a, b) => a + b, 0),
        min: Math.min(...values),
        max: Math.max(...values),
        ...{ scale, zeroCount: BigInt(zeroCount), zeroThreshold },
        positive: bigints(positive),
        negative: bigints(negative),
        ...NO_EXEMPLARS,
      });
    }
  });

  it('are summaries', () => {
    const quantiles = [
      { quantile: 0, value: -1.5 },
      { quantile: 0.5, value: 0 },
      { quantile: 1, value: 99 },
    ];
    const point = pointOf({ name: 's', kind: SUMMARY, quantiles: 3 }, (cells, cell) => {
      measure(cells, cell, 77.5);
      cells.f64[(cell + CELL_COUNT) >> 3] = 12;
      cells.f64.set(
        quantiles.flatMap(({ quantile, value }) => [quantile, value]),
        (cell + CELL_COUNTS) >> 3,
      );
      expect(cells.summaryOf(cell)).toEqual({ count: 12, sum: 77.5, quantiles });
    });
    expect(point).toMatchObject({ count: 12n, sum: 77.5, quantiles });
  });

  it('have the attributes of each series, whatever their kind of point', () => {
    const kinds = [SUM, GAUGE, HISTOGRAM, EXPONENTIAL_HISTOGRAM, SUMMARY] as const;
    const metrics = metricsOf(
      encodeMetricsEverywhere((cells) =>
        kinds.map((kind) => {
          const stream = cells.stream({ name: `m${kind}`, kind });
          for (const values of [{}, { a: 'x' }, { a: 'y', b: [1, 'z'], c: 'long'.repeat(100) }]) {
            const cell = cells.series(stream, attributesOf(values), 1, 0);
            cells.i32[(cell + CELL_STATE) >> 2] = 1;
          }
          return stream;
        }),
      ),
    );
    expect(metrics).toHaveLength(kinds.length);
    for (const { points } of metrics) {
      expect(points.map(({ attributes }) => attributes)).toEqual([
        [],
        [['a', { string: 'x' }]],
        [
          ['a', { string: 'y' }],
          ['b', { array: [{ int: 1n }, { string: 'z' }] }],
          ['c', { string: 'long'.repeat(100) }],
        ],
      ]);
    }
  });

  it('have exemplars, whatever their kind of point', () => {
    const kinds = [SUM, GAUGE, HISTOGRAM, EXPONENTIAL_HISTOGRAM] as const;
    for (const int of [false, true]) {
      const metrics = metricsOf(
        encodeMetricsEverywhere((cells) =>
          kinds.map((kind) => {
            const stream = cells.stream({ name: 'm', kind, exemplars: 4, int });
            const cell = cells.series(stream, attributesOf({ k: 'v' }), 1, 0);
            cells.i32[(cell + CELL_STATE) >> 2] = 1;
            const ids = [0x04030201, 2, 3, 4, 0x08070605, 6];
            const filtered = attributesOf({ user: 'u', big: 'b'.repeat(200) });
            cells.setExemplar(cell, 1, { value: 3.5, sec: 10, nano: 1, ids, filtered });
            cells.setExemplar(cell, 3, { value: -4, sec: 11, nano: 2 });
            return stream;
          }),
        ),
      );
      for (const { points } of metrics) {
        expect(points[0]!.attributes).toEqual([['k', { string: 'v' }]]);
        expect(points[0]!.exemplars).toEqual([
          {
            filteredAttributes: [
              ['user', { string: 'u' }],
              ['big', { string: 'b'.repeat(200) }],
            ],
            timeUnixNano: 10_000_000_001n,
            value: int ? { int: 3n } : { double: 3.5 },
            traceId: '01020304020000000300000004000000',
            spanId: '0506070806000000',
          },
          {
            filteredAttributes: [],
            timeUnixNano: 11_000_000_002n,
            value: int ? { int: -4n } : { double: -4 },
            ...{ traceId: '', spanId: '' },
          },
        ]);
      }
    }
  });

  it('end when the series says, else with the batch', () => {
    const point = pointOf({ name: 'm', kind: GAUGE }, (cells, cell) => {
      measure(cells, cell, 1);
      cells.i32.set([4_000_000_000 | 0, 5], (cell + CELL_END) >> 2);
      cells.i32.set([0, 0], (cell + CELL_START) >> 2);
    });
    expect(point).toMatchObject({
      startTimeUnixNano: 0n,
      timeUnixNano: 4_000_000_000_000_000_005n,
    });
  });

  it('leave out what has nothing to say', () => {
    for (const engine of ENGINE_NAMES) {
      const cells = openCells(engine);
      const empty = cells.stream({ name: 'empty', kind: SUM });
      const idle = cells.stream({ name: 'idle', kind: SUM });
      cells.series(idle, attributesOf({}), 1, 0);
      expect(encoded(cells, [])).toMatchObject({ requests: [], tooLarge: 0 });
      expect(encoded(cells, [empty, idle, 0])).toMatchObject({ requests: [] });
      const busy = cells.stream({ name: 'busy', kind: SUM });
      measure(cells, cells.series(busy, attributesOf({}), 1, 0), 1);
      cells.series(busy, attributesOf({ idle: true }), 1, 0);
      const metrics = metricsOf(encoded(cells, [empty, idle, 0, busy]));
      expect(metrics.map(({ name, points }) => [name, points.length])).toEqual([['busy', 1]]);
    }
  });

  it('give away what a delta stream has, and write a series again when it was measured again', () => {
    for (const engine of ENGINE_NAMES) {
      const cells = openCells(engine);
      const kinds = [SUM, HISTOGRAM, EXPONENTIAL_HISTOGRAM] as const;
      const streams = kinds.map((kind) =>
        cells.stream({ name: 'm', kind, temporality: DELTA, boundaries: [1], exemplars: 1 }),
      );
      const all = streams.map((stream) =>
        ['a', 'b'].map((id) => cells.series(stream, attributesOf({ id }), 100, 1)),
      );
      const add = (which: number, value: number) => {
        const [sum, histogram, exponential] = all.map((pair) => pair[which]!) as [
          number,
          number,
          number,
        ];
        measure(cells, sum, cells.numberOf(sum) + value);
        cells.recordHistogram(histogram, value);
        cells.recordExponential(exponential, value);
        for (const cell of [sum, histogram, exponential]) {
          cells.setExemplar(cell, 0, { value, sec: 1, nano: 0 });
        }
      };
      const collect = (timeSec: number) =>
        metricsOf(encoded(cells, streams, { timeSec, timeNano: 0 })).map(({ points }) =>
          points.map((point) => {
            const id = (point.attributes[0]![1] as { string: string }).string;
            const start = Number(point.startTimeUnixNano / 1_000_000_000n);
            const value = 'value' in point ? (point.value as { double: number }).double : 0;
            const sum = 'sum' in point ? point.sum : value;
            return [id, start, sum, point.exemplars.length];
          }),
        );
      const thrice = (points: unknown) => [points, points, points];
      add(0, 2);
      add(0, 3);
      add(1, 7);
      expect(collect(200)).toEqual(
        thrice([
          ['a', 100, 5, 1],
          ['b', 100, 7, 1],
        ]),
      );
      expect(collect(300)).toEqual([]);
      add(1, 1);
      expect(collect(400)).toEqual(thrice([['b', 300, 1, 1]]));
      add(0, 4);
      expect(collect(500)).toEqual(thrice([['a', 400, 4, 1]]));
    }
  });

  it('write a series of asynchronous instruments when it was observed, and keep its value', () => {
    for (const engine of ENGINE_NAMES) {
      const cells = openCells(engine);
      const stream = cells.stream({ name: 'm', kind: SUM, observed: true });
      const cell = cells.series(stream, attributesOf({}), 1, 0);
      measure(cells, cell, 8);
      expect(encoded(cells, [stream]).points).toEqual([1]);
      expect(encoded(cells, [stream]).points).toEqual([]);
      expect(cells.numberOf(cell)).toBe(8);
      measure(cells, cell, 9);
      const [metric] = metricsOf(encoded(cells, [stream]));
      expect(metric!.points[0]).toMatchObject({ startTimeUnixNano: 1_000_000_000n });
    }
  });

  it('write a cumulative series each time, and its exemplars once', () => {
    for (const engine of ENGINE_NAMES) {
      const cells = openCells(engine);
      const stream = cells.stream({ name: 'm', kind: SUM, exemplars: 1 });
      const cell = cells.series(stream, attributesOf({}), 1, 0);
      measure(cells, cell, 8);
      cells.setExemplar(cell, 0, { value: 8, sec: 1, nano: 0 });
      const exemplars = () => metricsOf(encoded(cells, [stream]))[0]!.points[0]!.exemplars.length;
      expect([exemplars(), exemplars()]).toEqual([1, 0]);
    }
  });
});
