/** Rows of the compliance matrix's section Metrics: readers, exporters, exemplars, limits. */

import { readFileSync } from 'node:fs';
import { type Context, context as contextApi, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import { StackContextManager } from '../../../src/api/context/stack.ts';
import { DELTA_TEMPORALITY } from '../../../src/api/metric/aggregation.ts';
import {
  CUMULATIVE,
  DELTA,
  EXPONENTIAL_HISTOGRAM,
  type Exemplar,
  HISTOGRAM,
  type MetricData,
  type ResourceMetrics,
  SUM,
} from '../../../src/api/metric/data.ts';
import type { ExemplarReservoir } from '../../../src/api/metric/exemplar.ts';
import type {
  CollectOptions,
  ExportResult,
  MetricFilter,
  MetricProducer,
  PushMetricExporter,
} from '../../../src/api/metric/reader.ts';
import { manualReader, periodicReader } from '../../../src/api/metric/readers.ts';
import { byAttributes, metricsOf, pointsOf, type Rig, type RigOptions, rig } from './rig.ts';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const SPAN_ID = 'b7ad6b7169203331';

/** A context in which a span is active. */
function within(sampled: boolean): Context {
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId: TRACE_ID,
    spanId: SPAN_ID,
    traceFlags: sampled ? 1 : 0,
  });
}

/** An exporter that keeps what it gets, and answers when it is told. */
interface KeptExporter extends PushMetricExporter {
  readonly exports: ResourceMetrics[];
  readonly calls: string[];
  /** What exports are answered with; undefined: not at all. */
  answer: ExportResult | undefined;
}

function keptExporter(parts: Partial<PushMetricExporter> = {}): KeptExporter {
  const exports: ResourceMetrics[] = [];
  const calls: string[] = [];
  return {
    exports,
    calls,
    answer: { code: 0 },
    export(metrics, done) {
      exports.push(metrics);
      if (this.answer !== undefined) done(this.answer);
    },
    async forceFlush() {
      calls.push('forceFlush');
    },
    async shutdown() {
      calls.push('shutdown');
    },
    ...parts,
  };
}

/** A provider with an exporter that gets something every minute. */
function exporting(exporter: PushMetricExporter, options: RigOptions = {}): Rig {
  const made = rig({ readers: [periodicReader({ exporter })], ...options });
  made.provider.getMeter('m').createCounter('c').add(1, { a: 1 });
  return made;
}

/** What a promise comes to, while the clock goes on. */
async function settled(promise: Promise<unknown>, { host }: Rig, ms: number): Promise<string> {
  let state = 'waiting';
  promise.then(
    () => {
      state = 'done';
    },
    (error: Error) => {
      state = error.message;
    },
  );
  await host.advance(ms);
  return state;
}

describe('MetricReader', () => {
  it('The metrics Reader implementation supports registering metric Exporters: several, each with a reader of its own', async () => {
    const [one, other] = [keptExporter(), keptExporter()];
    const readers = [
      periodicReader({ exporter: one }),
      periodicReader({ exporter: other, intervalMs: 10_000 }),
    ];
    const made = exporting(one, { readers });
    await made.host.advance(60_000);
    expect(one.exports).toHaveLength(1);
    expect(other.exports).toHaveLength(6);
  });

  it('The metrics Reader implementation supports configuring the default aggregation on the basis of instrument kind: unless a view says otherwise', async () => {
    const aggregation = (kind: string) => ({ type: kind === 'HISTOGRAM' ? 5 : 0 }) as const;
    const made = rig({
      reader: { aggregation },
      views: [{ instrumentName: 'explicit', aggregation: { type: 4 } }],
    });
    const meter = made.provider.getMeter('m');
    meter.createHistogram('exponential').record(1);
    meter.createHistogram('explicit').record(1);
    meter.createCounter('c').add(1);
    const types = (await made.metrics()).map((metric) => metric.dataPointType);
    expect(types).toEqual([EXPONENTIAL_HISTOGRAM, HISTOGRAM, SUM]);
  });

  it('The metrics Reader implementation supports configuring the default temporality on the basis of instrument kind: delta begins anew with each collection', async () => {
    const made = rig({ reader: { temporality: DELTA_TEMPORALITY } });
    const meter = made.provider.getMeter('m');
    const counter = meter.createCounter('c');
    const updown = meter.createUpDownCounter('u');
    let total = 5;
    meter.createObservableCounter('o').addCallback((result) => result.observe(total));
    const seen: Record<string, unknown>[] = [];
    const look = async () => {
      const metrics = await made.metrics();
      seen.push(
        Object.fromEntries(metrics.map((m) => [m.descriptor.name, m.dataPoints[0]!.value])),
      );
      return metrics;
    };
    counter.add(1);
    updown.add(1);
    const first = await look();
    expect(first.map((metric) => metric.aggregationTemporality)).toEqual([
      DELTA,
      CUMULATIVE,
      DELTA,
    ]);
    counter.add(2);
    total = 12;
    await look();
    await look();
    expect(seen).toEqual([
      { c: 1, u: 1, o: 5 },
      { c: 2, u: 1, o: 7 },
      { u: 1, o: 0 },
    ]);
  });
});

describe('MetricExporter', () => {
  it('The metrics Exporter has access to the aggregated metrics data (aggregated points, not raw measurements): one point of many measurements', async () => {
    const exporter = keptExporter();
    const made = exporting(exporter);
    made.provider.getMeter('m').createCounter('c').add(4, { a: 1 });
    await made.host.advance(60_000);
    expect(byAttributes(pointsOf(metricsOf(exporter.exports[0]!), 'c'))).toEqual({ 'a=1': 5 });
  });

  it('The metrics Exporter export function can not be called concurrently from the same Exporter instance: the next one waits', async () => {
    let running = 0;
    let most = 0;
    const made = exporting(
      keptExporter({
        export(_metrics, done) {
          most = Math.max(most, ++running);
          made.host.setTimer(() => {
            running--;
            done({ code: 0 });
          }, 20_000);
        },
      }),
    );
    await made.host.advance(59_000);
    const flushes = Promise.all([made.provider.forceFlush(), made.provider.forceFlush()]);
    expect(await settled(flushes, made, 200_000)).toBe('done');
    expect(most).toBe(1);
  });

  it('The metrics Exporter export function does not block indefinitely: after the timeout the next export comes', async () => {
    const exporter = keptExporter();
    const made = exporting(exporter);
    exporter.answer = undefined;
    await made.host.advance(180_000);
    expect(exporter.exports).toHaveLength(3);
    expect(await settled(made.provider.forceFlush(), made, 60_000)).toMatch(/forceFlush failed/);
  });

  it('The metrics Exporter export function receives a batch of metrics: with resource and scopes; never an empty one', async () => {
    const exporter = keptExporter();
    const made = rig({ readers: [periodicReader({ exporter })] });
    await made.host.advance(120_000);
    expect(exporter.exports).toEqual([]);
    made.provider.getMeter('a').createCounter('c').add(1);
    made.provider.getMeter('b').createCounter('d').add(1);
    await made.host.advance(60_000);
    expect(exporter.exports).toMatchObject([
      {
        resource: { attributes: { 'service.name': 'shop' } },
        scopeMetrics: [{ scope: { name: 'a' } }, { scope: { name: 'b' } }],
      },
    ]);
  });

  it('The metrics Exporter export function returns Success or Failure: a failure is told, by forceFlush as well', async () => {
    const exporter = keptExporter();
    const made = exporting(exporter);
    await made.provider.forceFlush();
    exporter.answer = { code: 1, error: new Error('refused') };
    await expect(made.provider.forceFlush()).rejects.toMatchObject({
      code: 'timeout',
      cause: { message: 'refused' },
    });
  });

  it('The metrics Exporter provides a ForceFlush function: it is called after the export', async () => {
    const exporter = keptExporter();
    await exporting(exporter).provider.forceFlush();
    expect(exporter.exports).toHaveLength(1);
    expect(exporter.calls).toEqual(['forceFlush']);
  });

  it('The metrics Exporter ForceFlush can inform the caller whether it succeeded, failed or timed out: each of the three', async () => {
    await expect(exporting(keptExporter()).provider.forceFlush()).resolves.toBeUndefined();
    const failing = keptExporter({ forceFlush: () => Promise.reject(new Error('no')) });
    await expect(exporting(failing).provider.forceFlush()).rejects.toThrow(/forceFlush failed/);
    const made = exporting(keptExporter({ forceFlush: () => new Promise(() => {}) }));
    const flush = made.provider.forceFlush({ timeoutMillis: 500 });
    const reason = flush.catch((error: Error) => (error.cause as Error).message);
    await made.host.advance(500);
    expect(await reason).toMatch(/not exported within 500 ms/);
  });

  it('The metrics Exporter provides a shutdown function: once, after the last export, and nothing afterwards', async () => {
    const exporter = keptExporter();
    const made = exporting(exporter);
    await Promise.all([made.provider.shutdown(), made.provider.shutdown()]);
    expect(exporter.calls).toEqual(['forceFlush', 'shutdown']);
    expect(exporter.exports).toHaveLength(1);
    await made.host.advance(120_000);
    await made.provider.forceFlush();
    expect(exporter.exports).toHaveLength(1);
  });

  it('The metrics Exporter shutdown function do not block indefinitely: with a timeout for who waits', async () => {
    const made = exporting(keptExporter({ shutdown: () => new Promise(() => {}) }));
    const down = made.provider.shutdown({ timeoutMillis: 1000 });
    expect(await settled(down, made, 1000)).toMatch(/shutdown failed/);
  });
});

/** Exemplars of one counter that is added to in contexts. */
async function exemplarsOf(
  options: RigOptions,
  context: Context = within(true),
): Promise<readonly Exemplar[] | undefined> {
  const { provider, points } = rig(options);
  provider.getMeter('m').createCounter('c').add(3, { a: 1, b: 2 }, context);
  return (await points('c'))[0]!.exemplars;
}

describe('Exemplar', () => {
  it('The metrics SDK samples Exemplars from measurements: of every kind of instrument, bound ones too', async () => {
    const { provider, metrics } = rig();
    const meter = provider.getMeter('m');
    const context = within(true);
    meter.createCounter('a').add(1, {}, context);
    meter.createUpDownCounter('b').add(-1, {}, context);
    meter.createHistogram('c').record(1, {}, context);
    meter.createGauge('d').record(1, {}, context);
    meter.createCounter('e').bind({ x: 1 }).add(2, context);
    const found = await metrics();
    expect(found.map((metric) => metric.dataPoints[0]!.exemplars?.[0]?.value)).toEqual([
      1, -1, 1, 1, 2,
    ]);
    // They belong to the interval in which they were measured.
    expect((await metrics()).map((metric) => metric.dataPoints[0]!.exemplars)).toEqual(
      Array(5).fill(undefined),
    );
  });

  it('Exemplar sampling can be disabled: by the filter', async () => {
    expect(await exemplarsOf({ exemplarFilter: 'always_off' })).toBeUndefined();
    expect(await exemplarsOf({})).toHaveLength(1);
  });

  it('The metrics SDK supports SDK-wide exemplar filter configuration: also changed later; others are refused', async () => {
    const { provider, points } = rig();
    const counter = provider.getMeter('m').createCounter('c');
    provider.update({ exemplarFilter: 'always_on' });
    counter.add(1);
    expect((await points('c'))[0]!.exemplars).toHaveLength(1);
    expect(() => rig({ exemplarFilter: 'sometimes' as 'always_on' })).toThrow(/trace_based/);
  });

  it('The metrics SDK supports TraceBased exemplar filter: by default, sampled spans only', async () => {
    expect(await exemplarsOf({}, within(true))).toHaveLength(1);
    expect(await exemplarsOf({}, within(false))).toBeUndefined();
    expect(await exemplarsOf({}, ROOT_CONTEXT)).toBeUndefined();
  });

  it('The metrics SDK supports AlwaysOn exemplar filter: without a span as well, of asynchronous instruments as well', async () => {
    expect(await exemplarsOf({ exemplarFilter: 'always_on' }, ROOT_CONTEXT)).toMatchObject([
      { value: 3, traceId: undefined, spanId: undefined },
    ]);
    const views = [{ instrumentName: 'o', allowAttributes: [] }];
    const { provider, points } = rig({ exemplarFilter: 'always_on', views });
    const gauge = provider.getMeter('m').createObservableGauge('o');
    gauge.addCallback((result) => result.observe(5, { a: 1 }));
    expect((await points('o'))[0]!.exemplars).toMatchObject([
      { value: 5, filteredAttributes: { a: 1 } },
    ]);
  });

  it('The metrics SDK supports AlwaysOff exemplar filter: none, not even of sampled spans', async () => {
    expect(await exemplarsOf({ exemplarFilter: 'always_off' }, within(true))).toBeUndefined();
  });

  it('Exemplars retain any attributes available in the measurement that are not preserved by aggregation or view configuration: of dropped keys, and all in the overflow', async () => {
    const views = [{ instrumentName: 'c', allowAttributes: ['a'] }];
    const [exemplar] = (await exemplarsOf({ views }))!;
    expect(exemplar!.filteredAttributes).toEqual({ b: 2 });
    const overflow = await exemplarsOf({ cardinalityLimit: 1 });
    expect(overflow![0]!.filteredAttributes).toEqual({ a: 1, b: 2 });
    const bound = rig({ views });
    bound.provider.getMeter('m').createCounter('c').bind({ a: 1, b: 5 }).add(1, within(true));
    expect((await bound.points('c'))[0]!.exemplars![0]!.filteredAttributes).toEqual({ b: 5 });
  });

  it('Documentation notes that View-filtered attributes may still appear on Exemplars: and how to prevent it', () => {
    const text = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');
    expect(text.replace(/\s+/g, ' ')).toMatch(
      /attributes that a view drops may still appear on exemplars.*always_off/i,
    );
  });

  it('Exemplars contain the associated trace id and span id of the active span in the Context when the measurement was taken: given, or current', async () => {
    const [exemplar] = (await exemplarsOf({}))!;
    expect(exemplar).toMatchObject({ traceId: TRACE_ID, spanId: SPAN_ID });
    contextApi.setGlobalContextManager(new StackContextManager().enable());
    try {
      const { provider, metrics } = rig();
      const counter = provider.getMeter('m').createCounter('c');
      const bound = provider.getMeter('m').createCounter('d').bind();
      contextApi.with(within(true), () => {
        counter.add(1);
        bound.add(1);
      });
      const exemplars = (await metrics()).map((metric) => metric.dataPoints[0]!.exemplars);
      expect(exemplars).toMatchObject(Array(2).fill([{ traceId: TRACE_ID, spanId: SPAN_ID }]));
    } finally {
      contextApi.disable();
    }
  });

  it('Exemplars contain the timestamp when the measurement was taken: not that of the collection', async () => {
    const { provider, points, host } = rig();
    const counter = provider.getMeter('m').createCounter('c');
    await host.advance(1500);
    counter.add(1, {}, within(true));
    await host.advance(2000);
    const [point] = await points('c');
    const started = Date.UTC(2026, 0, 1) / 1000;
    expect(point!.exemplars![0]!.time).toEqual([started + 1, 500_000_000]);
    expect(point!.endTime).toEqual([started + 3, 500_000_000]);
  });

  it('The metrics SDK provides an ExemplarReservoir interface or extension point: one for each series, whose exemplars are exported', async () => {
    let made = 0;
    const exemplarReservoir = (): ExemplarReservoir => {
      made++;
      const kept: Exemplar[] = [];
      return {
        offer: (value, time) =>
          void kept.push({ value, time, filteredAttributes: { n: kept.length } }),
        collect: () => kept.splice(0),
      };
    };
    const views = [{ instrumentName: 'c', exemplarReservoir }];
    const { provider, points } = rig({ views, exemplarFilter: 'always_on' });
    const counter = provider.getMeter('m').createCounter('c');
    const before = made;
    for (let i = 0; i < 3; i++) for (const a of [1, 2]) counter.add(i, { a });
    expect(made - before).toBe(2);
    const found = await points('c');
    expect(found.map(({ exemplars }) => exemplars!.map((each) => each.value))).toEqual([
      [0, 1, 2],
      [0, 1, 2],
    ]);
    expect(found[0]!.exemplars![2]!.filteredAttributes).toEqual({ n: 2 });
    expect((await points('c'))[0]!.exemplars).toBeUndefined();
  });

  it('An ExemplarReservoir has an offer method with access to the measurement value, attributes, Context and timestamp: all of them; what it throws stops nobody', async () => {
    const offered: unknown[][] = [];
    const collected: unknown[] = [];
    const exemplarReservoir = (): ExemplarReservoir => ({
      offer(...all) {
        offered.push(all);
        throw new Error('full');
      },
      collect(attributes) {
        collected.push(attributes);
        throw new Error('empty');
      },
    });
    const views = [{ instrumentName: 'c', allowAttributes: ['a'], exemplarReservoir }];
    const context = within(true);
    const { provider, points } = rig({ views });
    provider.getMeter('m').createCounter('c').add(3, { a: 1, b: 2 }, context);
    expect(await points('c')).toMatchObject([{ value: 3 }]);
    const time = [Date.UTC(2026, 0, 1) / 1000, 0];
    expect(offered).toEqual([[3, time, { a: 1, b: 2 }, context]]);
    expect(collected).toEqual([{ a: 1 }]);
  });

  it('The metrics SDK provides a SimpleFixedSizeExemplarReservoir that is used by default for all aggregations except ExplicitBucketHistogram: one place, 20 for exponential histograms, each measurement with the same chance', async () => {
    const views = [{ instrumentName: 'e', aggregation: { type: 5 as const } }];
    const taken = Array(5).fill(0);
    for (let round = 0; round < 400; round++) {
      const { provider, points } = rig({ exemplarFilter: 'always_on' });
      const counter = provider.getMeter('m').createCounter('c');
      for (let i = 0; i < 5; i++) counter.add(i);
      const { exemplars } = (await points('c'))[0]!;
      expect(exemplars).toHaveLength(1);
      taken[exemplars![0]!.value]++;
    }
    // 80 are expected of each; fewer than 30 come once in ten thousand million runs.
    for (const times of taken) expect(times).toBeGreaterThan(30);
    const { provider, points } = rig({ exemplarFilter: 'always_on', views });
    const histogram = provider.getMeter('m').createHistogram('e');
    for (let i = 0; i < 100; i++) histogram.record(i);
    expect((await points('e'))[0]!.exemplars).toHaveLength(20);
  });

  it('The metrics SDK provides an AlignedHistogramBucketExemplarReservoir that is used by default for ExplicitBucketHistogram aggregation: at most one for each bucket', async () => {
    const { provider, points } = rig({ exemplarFilter: 'always_on' });
    const advice = { explicitBucketBoundaries: [10, 20] };
    const histogram = provider.getMeter('m').createHistogram('h', { advice });
    for (const value of [1, 10, 9, 30, 40]) histogram.record(value);
    const { exemplars } = (await points('h'))[0]!;
    expect(exemplars!.map(({ value }) => (value <= 10 ? 0 : value <= 20 ? 1 : 2))).toEqual([0, 2]);
  });
});

/** Lets pass what begins with `http`; of `c` only points with `a=1`. */
const FILTER: MetricFilter = {
  testMetric: (_scope, name) =>
    name === 'c' ? 'accept_partial' : name.startsWith('http') ? 'accept' : 'drop',
  testAttributes: (_scope, _name, _kind, _unit, attributes) =>
    attributes['a'] === 1 ? 'accept' : 'drop',
};

/** Metrics from elsewhere. */
function bridge(asked: (CollectOptions | undefined)[] = []): MetricProducer {
  return {
    async collect(options) {
      asked.push(options);
      const descriptor = { name: 'http.bridged', description: '', unit: '', valueType: 1 };
      const metric: MetricData = {
        descriptor,
        aggregationTemporality: CUMULATIVE,
        dataPointType: SUM,
        isMonotonic: true,
        dataPoints: [{ startTime: [1, 0], endTime: [2, 0], attributes: {}, value: 9 }],
      };
      const scopeMetrics = [{ scope: { name: 'bridge' }, metrics: [metric] }];
      return {
        resourceMetrics: { resource: { attributes: { other: 1 } }, scopeMetrics },
        errors: [],
      };
    },
  };
}

describe('MetricProducer and MetricFilter', () => {
  it('A metric Producer accepts an optional metric Filter: that of the call', async () => {
    const asked: (CollectOptions | undefined)[] = [];
    const { reader } = rig({ reader: { metricProducers: [bridge(asked)] } });
    await reader.collect({ metricFilter: FILTER });
    await reader.collect();
    expect(asked.map((options) => options?.metricFilter)).toEqual([FILTER, undefined]);
  });

  it('The metric Reader implementation supports registering metric Filter and passing them  its registered metric Producers: whose resource is replaced, and whose failure stops nobody', async () => {
    const asked: (CollectOptions | undefined)[] = [];
    const failing = { collect: () => Promise.reject(new Error('gone')) };
    const options = { metricFilter: FILTER, metricProducers: [bridge(asked), failing] };
    const { collect, provider } = rig({ reader: options });
    provider.getMeter('m').createCounter('http.own').add(1);
    const { resourceMetrics, errors } = await collect();
    expect(asked[0]!.metricFilter).toBe(FILTER);
    expect(resourceMetrics.resource.attributes).toEqual({ 'service.name': 'shop' });
    const names = metricsOf(resourceMetrics).map(({ descriptor }) => descriptor.name);
    expect(names).toEqual(['http.own', 'http.bridged']);
    expect(errors).toMatchObject([{ message: 'gone' }]);
  });

  it("The metric SDK's metric Producer implementations uses the metric Filter: for metrics, for points, as objects and in requests", async () => {
    const reader = manualReader();
    const made = rig({ reader: { metricFilter: FILTER }, readers: [reader] });
    const meter = made.provider.getMeter('m');
    meter.createCounter('http.a').add(1);
    meter.createCounter('dropped').add(1);
    for (const a of [1, 2]) meter.createCounter('c').add(a, { a });
    const found = await made.metrics();
    expect(found.map(({ descriptor, dataPoints }) => [descriptor.name, dataPoints.length])).toEqual(
      [
        ['http.a', 1],
        ['c', 1],
      ],
    );
    const points: number[] = [];
    const emit = (_bytes: Uint8Array, count: number) => void points.push(count);
    const limits = { maxBytes: 100_000 };
    await reader.collector!.collectRequests({ ...limits, metricFilter: FILTER }, emit);
    await reader.collector!.collectRequests(limits, emit);
    expect(points).toEqual([2, 4]);
  });
});

describe('Cardinality, start times, batches', () => {
  const OVERFLOW = 'otel.metric.overflow=true';

  it('Metric SDK implements cardinality limit: 2000 series of one metric, the overflow among them', async () => {
    const { provider, points } = rig();
    const counter = provider.getMeter('m').createCounter('c');
    for (let i = 0; i < 3000; i++) counter.add(1, { i });
    const found = byAttributes(await points('c'));
    expect(Object.keys(found)).toHaveLength(2000);
    expect(found[OVERFLOW]).toBe(1001);
    expect(provider.health().overflowed).toBe(1001);
  });

  it('Metric SDK supports configuring cardinality limit at MeterReader level: for all kinds, or for each', async () => {
    const cardinalityLimit = (kind: string) => (kind === 'COUNTER' ? 2 : 3);
    const { provider, points } = rig({ reader: { cardinalityLimit } });
    const meter = provider.getMeter('m');
    const [counter, histogram] = [meter.createCounter('c'), meter.createHistogram('h')];
    for (let i = 0; i < 5; i++) {
      counter.add(1, { i });
      histogram.record(1, { i });
    }
    expect(await points('c')).toHaveLength(2);
    expect(await points('h')).toHaveLength(3);
  });

  it('Metric SDK supports configuring cardinality limit per metric (using Views): which wins over the reader’s', async () => {
    const views = [{ instrumentName: 'c', aggregationCardinalityLimit: 4 }];
    const { provider, points } = rig({ views, reader: { cardinalityLimit: 2 } });
    const counter = provider.getMeter('m').createCounter('c');
    for (let i = 0; i < 9; i++) counter.add(1, { i });
    expect(byAttributes(await points('c'))).toEqual({
      'i=0': 1,
      'i=1': 1,
      'i=2': 1,
      [OVERFLOW]: 6,
    });
  });

  it('Metric SDK supports per-timeseries cumulative start timestamps: of the first measurement; asynchronous: of the collection before the first', async () => {
    const made = rig();
    const meter = made.provider.getMeter('m');
    const counter = meter.createCounter('c');
    let observed = ['early'];
    meter.createObservableCounter('o').addCallback((result) => {
      for (const a of observed) result.observe(1, { a });
    });
    const starts = async (name: string) => {
      const found = await made.points(name);
      const begin = Date.UTC(2026, 0, 1) / 1000;
      return Object.fromEntries(found.map((p) => [p.attributes['a'], p.startTime[0] - begin]));
    };
    await made.wait(1000);
    counter.add(1, { a: 'x' });
    await made.wait(1000);
    counter.add(1, { a: 'y' });
    expect(await starts('c')).toEqual({ x: 1, y: 2 });
    await made.wait(1000);
    observed = ['early', 'late'];
    counter.add(1, { a: 'x' });
    expect(await starts('o')).toEqual({ early: 0, late: 2 });
    await made.wait(1000);
    expect(await starts('c')).toEqual({ x: 1, y: 2 });
    expect(await starts('o')).toEqual({ early: 0, late: 2 });
  });

  it("The metric SDK's periodic Reader implementation supports the maxExportBatchSize parameter: full batches, in order", async () => {
    const exporter = keptExporter();
    const reader = periodicReader({ exporter, maxExportBatchSize: 3 });
    const made = rig({ readers: [reader] });
    for (const scope of ['m', 'n']) {
      const meter = made.provider.getMeter(scope);
      for (const name of ['a', 'b'])
        for (let i = 0; i < 2; i++) meter.createCounter(name).add(i, { i });
    }
    await made.provider.forceFlush();
    const batches = exporter.exports.map((each) =>
      each.scopeMetrics.flatMap(({ scope, metrics }) =>
        metrics.flatMap(({ descriptor, dataPoints }) =>
          dataPoints.map(({ attributes }) => `${scope.name}.${descriptor.name}.${attributes['i']}`),
        ),
      ),
    );
    expect(batches).toEqual([
      ['m.a.0', 'm.a.1', 'm.b.0'],
      ['m.b.1', 'n.a.0', 'n.a.1'],
      ['n.b.0', 'n.b.1'],
    ]);
    expect(() => periodicReader({ exporter, maxExportBatchSize: 0 })).toThrow(/maxExportBatchSize/);
  });
});
