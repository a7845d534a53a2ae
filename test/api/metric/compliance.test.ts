/** Rows of the compliance matrix's section Metrics: API, provider, views, aggregations. */

import { type Attributes, type Counter, type Meter, metrics, ValueType } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import type { InstrumentKind } from '../../../src/api/metric/aggregation.ts';
import {
  CUMULATIVE,
  EXPONENTIAL_HISTOGRAM,
  GAUGE,
  HISTOGRAM,
  type MetricData,
  SUM,
} from '../../../src/api/metric/data.ts';
import { simpleFixedSizeReservoir } from '../../../src/api/metric/exemplar.ts';
import { manualReader } from '../../../src/api/metric/readers.ts';
import { describe as described } from '../../../src/api/trace/attributes.ts';
import { saidDuring } from '../../support/diag.ts';
import { byAttributes, metricsOf, type Rig, type RigOptions, rig } from './rig.ts';

/** The only metric that comes of what is done with a meter. */
async function metricOf(
  work: (meter: Meter) => void,
  options: RigOptions = {},
): Promise<MetricData> {
  const { provider, metrics } = rig(options);
  work(provider.getMeter('m'));
  const found = await metrics();
  expect(found).toHaveLength(1);
  return found[0]!;
}

function values(metric: MetricData): Record<string, unknown> {
  return byAttributes(metric.dataPoints as never);
}

/** Names of the metrics that are collected. */
async function names({ metrics }: Rig): Promise<string[]> {
  return (await metrics()).map((metric) => metric.descriptor.name);
}

describe('Metrics API', () => {
  it('The API provides a way to set and get a global default MeterProvider: ours is one', async () => {
    const { provider, points } = rig();
    try {
      expect(metrics.setGlobalMeterProvider(provider)).toBe(true);
      metrics.getMeter('m').createCounter('c').add(2);
      expect(metrics.getMeterProvider()).toBe(provider);
    } finally {
      metrics.disable();
    }
    expect(await points('c')).toMatchObject([{ value: 2 }]);
  });

  it('It is possible to create any number of MeterProviders: they know nothing of each other', async () => {
    const [one, other] = [rig(), rig()];
    one.provider.getMeter('m').createCounter('c').add(1);
    other.provider.getMeter('m').createCounter('c').add(5);
    expect(await one.points('c')).toMatchObject([{ value: 1 }]);
    expect(await other.points('c')).toMatchObject([{ value: 5 }]);
  });

  it('MeterProvider provides a way to get a Meter: the same one for the same scope', () => {
    const { provider } = rig();
    expect(provider.getMeter('m', '1')).toBe(provider.getMeter('m', '1'));
    expect(provider.getMeter('m', '1')).not.toBe(provider.getMeter('m', '2'));
  });

  it('get_meter accepts name, version and schema_url: they arrive with the scope', async () => {
    const { provider, collect } = rig();
    const meter = provider.getMeter('m', '1.2', { schemaUrl: 'https://schema/1' });
    meter.createCounter('c').add(1);
    const { scopeMetrics } = (await collect()).resourceMetrics;
    expect(scopeMetrics.map((each) => each.scope)).toEqual([
      { name: 'm', version: '1.2', schemaUrl: 'https://schema/1' },
    ]);
  });

  it('get_meter accepts attributes: they arrive with the scope, and tell meters apart', async () => {
    const { provider, collect } = rig();
    const one = provider.getMeter('m', '', { attributes: { shard: 1 } });
    const other = provider.getMeter('m', '', { attributes: { shard: 2 } });
    expect(one).not.toBe(other);
    one.createCounter('c').add(1);
    other.createCounter('c').add(2);
    const { scopeMetrics } = (await collect()).resourceMetrics;
    expect(scopeMetrics.map(({ scope }) => scope.attributes)).toEqual([{ shard: 1 }, { shard: 2 }]);
  });

  for (const name of ['', null, undefined]) {
    it(`When an invalid name is specified a working Meter implementation is returned as a fallback: ${name}`, async () => {
      const { provider, points } = rig();
      provider
        .getMeter(name as string)
        .createCounter('c')
        .add(1);
      expect(await points('c')).toMatchObject([{ value: 1 }]);
    });
  }

  it('The fallback Meter name property keeps its original invalid value: the empty name', async () => {
    const { provider, collect } = rig();
    provider.getMeter('').createCounter('c').add(1);
    expect((await collect()).resourceMetrics.scopeMetrics[0]!.scope.name).toBe('');
  });

  it('Associate Meter with InstrumentationScope: metrics arrive below the scope of their meter', async () => {
    const { provider, collect } = rig();
    provider.getMeter('a').createCounter('of.a').add(1);
    provider.getMeter('b').createCounter('of.b').add(1);
    const { scopeMetrics } = (await collect()).resourceMetrics;
    expect(
      scopeMetrics.map(({ scope, metrics: of }) => [scope.name, of[0]!.descriptor.name]),
    ).toEqual([
      ['a', 'of.a'],
      ['b', 'of.b'],
    ]);
  });

  it('Counter instrument is supported: a monotonic sum; negative values are refused', async () => {
    const metric = await metricOf((meter) => {
      const counter = meter.createCounter('c');
      counter.add(2, { a: 1 });
      counter.add(3, { a: 1 });
      counter.add(-1, { a: 1 });
      counter.add(0.5);
    });
    expect(metric).toMatchObject({ dataPointType: SUM, isMonotonic: true });
    expect(values(metric)).toEqual({ 'a=1': 5, '': 0.5 });
  });

  it('AsynchronousCounter instrument is supported: a monotonic sum of what callbacks observe', async () => {
    let total = 10;
    const { provider, metrics } = rig();
    const counter = provider.getMeter('m').createObservableCounter('c');
    counter.addCallback((result) => result.observe(total, { a: 1 }));
    const [first] = await metrics();
    total = 15;
    const [second] = await metrics();
    expect(first).toMatchObject({ dataPointType: SUM, isMonotonic: true });
    expect([values(first!), values(second!)]).toEqual([{ 'a=1': 10 }, { 'a=1': 15 }]);
  });

  it('Histogram instrument is supported: counts by bucket, sum, least and greatest value', async () => {
    const metric = await metricOf((meter) => {
      const histogram = meter.createHistogram('h');
      for (const value of [1, 5, 6, 20_000]) histogram.record(value);
      histogram.record(-1);
    });
    expect(metric.dataPointType).toBe(HISTOGRAM);
    expect(metric.dataPoints).toMatchObject([
      {
        value: {
          count: 4,
          sum: 20_012,
          min: 1,
          max: 20_000,
          buckets: { counts: [0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1] },
        },
      },
    ]);
  });

  it('AsynchronousGauge instrument is supported: the last value that callbacks observe', async () => {
    const metric = await metricOf((meter) => {
      const gauge = meter.createObservableGauge('g');
      gauge.addCallback((result) => {
        result.observe(7, { a: 1 });
        result.observe(-8, { a: 1 });
      });
    });
    expect(metric.dataPointType).toBe(GAUGE);
    expect(values(metric)).toEqual({ 'a=1': -8 });
  });

  it('Gauge instrument is supported: the last value', async () => {
    const metric = await metricOf((meter) => {
      const gauge = meter.createGauge('g');
      gauge.record(3);
      gauge.record(-2);
    });
    expect(metric.dataPointType).toBe(GAUGE);
    expect(values(metric)).toEqual({ '': -2 });
  });

  it('UpDownCounter instrument is supported: a sum that may fall', async () => {
    const metric = await metricOf((meter) => {
      const counter = meter.createUpDownCounter('c');
      counter.add(3);
      counter.add(-5);
    });
    expect(metric).toMatchObject({ dataPointType: SUM, isMonotonic: false });
    expect(values(metric)).toEqual({ '': -2 });
  });

  it('AsynchronousUpDownCounter instrument is supported: a sum of what callbacks observe', async () => {
    const metric = await metricOf((meter) => {
      const counter = meter.createObservableUpDownCounter('c');
      counter.addCallback((result) => result.observe(-4));
    });
    expect(metric).toMatchObject({ dataPointType: SUM, isMonotonic: false });
    expect(values(metric)).toEqual({ '': -4 });
  });

  it('Instruments have name: it is that of the metric', async () => {
    const metric = await metricOf((meter) => meter.createCounter('http.requests').add(1));
    expect(metric.descriptor.name).toBe('http.requests');
  });

  it('Instruments have kind: several kinds of the same name are several metrics', async () => {
    const { provider, metrics } = rig();
    const meter = provider.getMeter('m');
    meter.createCounter('same').add(1);
    meter.createUpDownCounter('same').add(-1);
    meter.createGauge('same').record(5);
    meter.createHistogram('same').record(5);
    const kinds = (await metrics()).map((metric) => metric.dataPointType);
    expect(kinds).toEqual([SUM, SUM, GAUGE, HISTOGRAM]);
  });

  it('Instruments have an optional unit of measure: it arrives, and without one it is empty', async () => {
    const unit = async (options?: { unit: string }) =>
      (await metricOf((meter) => meter.createCounter('c', options).add(1))).descriptor.unit;
    expect(await unit({ unit: 'By' })).toBe('By');
    expect(await unit()).toBe('');
  });

  it('Instruments have an optional description: it arrives, and without one it is empty', async () => {
    const text = async (options?: { description: string }) =>
      (await metricOf((meter) => meter.createCounter('c', options).add(1))).descriptor.description;
    expect(await text({ description: 'what it counts' })).toBe('what it counts');
    expect(await text()).toBe('');
  });

  it('A valid instrument MUST be created and warning SHOULD be emitted when multiple instruments are registered under the same Meter using the same name: both are exported', async () => {
    const { provider, metrics, warnings } = rig();
    const meter = provider.getMeter('m');
    meter.createCounter('same', { unit: 'By' }).add(1);
    meter.createCounter('same', { unit: 's' }).add(2);
    expect(warnings.join()).toMatch(/several metrics of the meter 'm' have the name 'same'/);
    expect(warnings.join()).toMatch(/views: \[\{ instrumentName: 'same', .*instrumentUnit: 's'/);
    const found = await metrics();
    expect(found.map((metric) => [metric.descriptor.unit, values(metric)['']])).toEqual([
      ['By', 1],
      ['s', 2],
    ]);
  });

  it('Duplicate instrument registration name conflicts are resolved by using the first-seen for the stream name: whatever case it has later', async () => {
    const { provider, metrics, warnings } = rig();
    const meter = provider.getMeter('m');
    meter.createCounter('requestCount').add(1);
    meter.createCounter('RequestCount').add(2);
    const found = await metrics();
    expect(found.map((metric) => metric.descriptor.name)).toEqual(['requestCount']);
    expect(values(found[0]!)).toEqual({ '': 3 });
    expect(warnings.join()).toMatch(/'RequestCount' is there already as 'requestCount'/);
  });

  it('It is possible to register two instruments with same name under different Meters: each on its own', async () => {
    const { provider, metrics, warnings } = rig();
    provider.getMeter('a').createCounter('same', { unit: 'By' }).add(1);
    provider.getMeter('b').createHistogram('same').record(2);
    expect(await metrics()).toHaveLength(2);
    expect(warnings).toEqual([]);
  });

  it('Instrument names conform to the specified syntax: others are warned of, and work', async () => {
    const { provider, metrics, warnings } = rig();
    const meter = provider.getMeter('m');
    for (const name of ['a', 'A_b.c-d/e9', 'x'.repeat(255)]) meter.createCounter(name).add(1);
    expect(warnings).toEqual([]);
    const odd = ['', '1a', '_a', 'a b', 'ä', 'x'.repeat(256), 'a*'];
    for (const name of odd) meter.createCounter(name).add(1);
    expect(warnings).toHaveLength(odd.length);
    expect(await metrics()).toHaveLength(3 + odd.length);
  });

  it('Instrument units conform to the specified syntax: any text, and case matters', async () => {
    const { provider, metrics, warnings } = rig();
    const meter = provider.getMeter('m');
    const units = ['{request}/s', 'KBy', 'kBy', 'ä'.repeat(100)];
    units.forEach((unit, i) => {
      meter.createCounter(`c${i}`, { unit }).add(1);
    });
    meter.createCounter('none', { unit: null as unknown as string }).add(1);
    expect((await metrics()).map(({ descriptor }) => descriptor.unit)).toEqual([...units, '']);
    expect(warnings).toEqual([]);
  });

  it('Instrument descriptions conform to the specified syntax: any text of any length', async () => {
    const { provider, metrics } = rig();
    const meter = provider.getMeter('m');
    const description = `${'many '.repeat(1000)}𝒲ords`;
    meter.createCounter('long', { description }).add(1);
    meter.createCounter('none', { description: null as unknown as string }).add(1);
    expect((await metrics()).map(({ descriptor }) => descriptor.description)).toEqual([
      description,
      '',
    ]);
  });

  it('Instrument supports the advisory ExplicitBucketBoundaries parameter: unless a view has others; what is no list is warned of', async () => {
    const advised = (explicitBucketBoundaries: unknown, options?: RigOptions) =>
      metricOf((meter) => {
        const advice = { explicitBucketBoundaries: explicitBucketBoundaries as number[] };
        meter.createHistogram('h', { advice }).record(3);
      }, options);
    const boundaries = (metric: MetricData) =>
      (metric.dataPoints as never as { value: { buckets: { boundaries: number[] } } }[])[0]!.value
        .buckets.boundaries;
    expect(boundaries(await advised([2, 4]))).toEqual([2, 4]);
    const byDefault = [{ instrumentName: 'h', aggregation: { type: 0 as const } }];
    expect(boundaries(await advised([2, 4], { views: byDefault }))).toEqual([2, 4]);
    const byView = [
      { instrumentName: 'h', aggregation: { type: 4 as const, options: { boundaries: [7] } } },
    ];
    expect(boundaries(await advised([2, 4], { views: byView }))).toEqual([7]);
    const warnings: string[] = [];
    const warn = (line: string) => void warnings.push(line);
    expect(boundaries(await advised(['a'], { warn }))).toHaveLength(15);
    expect(warnings.join()).toMatch(/explicitBucketBoundaries of 'h'/);
  });

  it('Instrument supports the advisory Attributes parameter: unless a view says which are kept', async () => {
    const work = (meter: Meter) => {
      const options = { advice: { attributes: ['a'] } } as object;
      meter.createCounter('c', options).add(1, { a: 1, b: 2 });
    };
    expect(values(await metricOf(work))).toEqual({ 'a=1': 1 });
    const views = [{ instrumentName: 'c', allowAttributes: ['b'] }];
    expect(values(await metricOf(work, { views }))).toEqual({ 'b=2': 1 });
    const rename = [{ instrumentName: 'c', name: 'other' }];
    expect(values(await metricOf(work, { views: rename }))).toEqual({ 'a=1': 1 });
  });

  it('Synchronous instruments support Bind to pre-associate attributes: as if they were given each time', async () => {
    const { provider, metrics } = rig();
    const meter = provider.getMeter('m');
    const attributes = { a: 1 };
    const counter = meter.createCounter('counter');
    const bound = counter.bind(attributes);
    attributes.a = 2;
    bound.add(1);
    bound.add(-1);
    counter.add(10, { a: 1 });
    meter.createUpDownCounter('updown').bind({ a: 1 }).add(-3);
    meter.createHistogram('histogram').bind().record(4);
    meter.createGauge('gauge').bind({ a: 1 }).record(5);
    const found = await metrics();
    expect(found.map((metric) => values(metric))).toMatchObject([
      { 'a=1': 11 },
      { 'a=1': -3 },
      { '': { count: 1, sum: 4 } },
      { 'a=1': 5 },
    ]);
  });

  it('All methods of MeterProvider are safe to be called concurrently: meters are got while others collect, flush and shut down', async () => {
    const { provider, collect, points } = rig();
    provider.getMeter('a').createCounter('c').add(1);
    const all = [collect(), provider.forceFlush(), collect()];
    provider.getMeter('b').createCounter('d').add(1);
    await Promise.all(all);
    expect(await points('d')).toMatchObject([{ value: 1 }]);
    const down = [provider.shutdown(), provider.shutdown(), provider.forceFlush()];
    provider.getMeter('c').createCounter('late').add(1);
    await Promise.all(down);
    expect(provider.health().dropped.after_shutdown).toBe(1);
  });

  it('All methods of Meter are safe to be called concurrently: instruments are made inside of callbacks', async () => {
    const { provider, points } = rig();
    const meter = provider.getMeter('m');
    meter.createObservableGauge('g').addCallback((result) => {
      meter.createCounter('inner').add(1);
      meter.createObservableGauge('other').addCallback((inner) => inner.observe(3));
      result.observe(1);
    });
    expect(await points('inner')).toMatchObject([{ value: 1 }]);
    expect(await points('other')).toMatchObject([{ value: 3 }]);
  });

  it('All methods of any instrument are safe to be called concurrently: measured inside of callbacks and of getters', async () => {
    const { provider, points } = rig();
    const counter = provider.getMeter('m').createCounter('c') as Counter;
    counter.add(1, {
      get a() {
        counter.add(10, { b: 1 });
        return 1;
      },
    } as Attributes);
    expect(byAttributes(await points('c'))).toMatchObject({ 'a=1': 1 });
  });
});

describe('MeterProvider', () => {
  it('MeterProvider allows a Resource to be specified: with its schema URL', async () => {
    const resource = { attributes: described({ 'service.name': 'x' }), schemaUrl: 'https://s/1' };
    const { provider, collect } = rig({ resource });
    provider.getMeter('m').createCounter('c').add(1);
    expect((await collect()).resourceMetrics.resource).toMatchObject({
      attributes: { 'service.name': 'x' },
      schemaUrl: 'https://s/1',
    });
  });

  it('A specified Resource can be associated with all the produced metrics from any Meter from the MeterProvider: also when it becomes known later', async () => {
    const { provider, collect } = rig();
    provider.getMeter('a').createCounter('c').add(1);
    provider.getMeter('b').createCounter('c').add(1);
    provider.redescribe(described({ 'service.name': 'later' }), '');
    const { resource, scopeMetrics } = (await collect()).resourceMetrics;
    expect(resource.attributes).toEqual({ 'service.name': 'later' });
    expect(scopeMetrics).toHaveLength(2);
  });

  for (const stored of ['InstrumentationLibrary', 'InstrumentationScope']) {
    it(`The supplied name, version and schema_url arguments passed to the MeterProvider are used to create an ${stored} instance stored in the Meter: it can be asked for`, () => {
      const meter = rig().provider.getMeter('m', '1', { schemaUrl: 'https://s/1' });
      expect(meter.scope).toEqual({ name: 'm', version: '1', schemaUrl: 'https://s/1' });
    });
  }

  it('Configuration is managed solely by the MeterProvider: meters got before and after see the same views and readers', async () => {
    const other = manualReader();
    const rigged = rig({ readers: [other], views: [{ instrumentName: 'c', name: 'seen' }] });
    const before = rigged.provider.getMeter('m');
    before.createCounter('c').add(1);
    expect(rigged.provider.getMeter('m')).toBe(before);
    expect(await names(rigged)).toEqual(['seen']);
    const { resourceMetrics } = await other.collect();
    expect(metricsOf(resourceMetrics).map(({ descriptor }) => descriptor.name)).toEqual(['seen']);
  });

  it('The MeterProvider provides methods to update the configuration: views, filter, limit, meters, readers', async () => {
    const rigged = rig();
    const { provider } = rigged;
    const counter = provider.getMeter('m').createCounter('c');
    counter.add(1);
    provider.update({ views: [{ instrumentName: 'c', name: 'renamed' }] });
    counter.add(2);
    // What was measured before is collected once again, and then no more.
    expect(await names(rigged)).toEqual(['renamed', 'c']);
    expect(await names(rigged)).toEqual(['renamed']);
    const other = manualReader();
    provider.addReader(other);
    counter.add(4);
    expect(metricsOf((await other.collect()).resourceMetrics)).toMatchObject([
      { descriptor: { name: 'renamed' }, dataPoints: [{ value: 4 }] },
    ]);
    expect(() => provider.update({ cardinalityLimit: -1 })).toThrow(/positive integer/);
  });

  it('The updated configuration applies to all already returned Meters: a meter is switched off and on, bound instruments as well', async () => {
    const rigged = rig();
    const { provider } = rigged;
    const counter = provider.getMeter('noisy').createCounter('c');
    const bound = counter.bind({ a: 1 });
    bound.add(1);
    expect(counter.enabled()).toBe(true);
    provider.update({ meterConfigurator: ({ name }) => ({ enabled: name !== 'noisy' }) });
    expect(counter.enabled()).toBe(false);
    bound.add(10);
    counter.add(10, { a: 1 });
    expect(byAttributes(await rigged.points('c'))).toEqual({ 'a=1': 1 });
    expect(await names(rigged)).toEqual([]);
    provider.update({ meterConfigurator: () => undefined });
    bound.add(100);
    expect(byAttributes(await rigged.points('c'))).toEqual({ 'a=1': 100 });
  });
});

describe('View', () => {
  it('There is a way to register Views with a MeterProvider: at start; one that selects nothing is refused', async () => {
    const rigged = rig({ views: [{ instrumentName: 'c', name: 'd' }] });
    rigged.provider.getMeter('m').createCounter('c').add(1);
    expect(await names(rigged)).toEqual(['d']);
    expect(() => rig({ views: [{ name: 'x' }] })).toThrow(/selects nothing/);
    expect(() => rig({ views: [{ instrumentName: 'a*', name: 'x' }] })).toThrow(/several/);
  });

  it('The View instrument selection criteria is as specified: all that are given have to be met', async () => {
    const criteria = {
      instrumentName: 'c',
      instrumentType: 'COUNTER' as const,
      instrumentUnit: 'By',
      meterName: 'm',
      meterVersion: '1',
      meterSchemaUrl: 'https://s/1',
    };
    const seen = async (view: object) => {
      const rigged = rig({ views: [{ ...criteria, ...view, name: 'seen' }] });
      const meter = rigged.provider.getMeter('m', '1', { schemaUrl: 'https://s/1' });
      meter.createCounter('c', { unit: 'By' }).add(1);
      return (await names(rigged))[0];
    };
    expect(await seen({})).toBe('seen');
    expect(await seen({ instrumentName: 'C' })).toBe('seen');
    const others = {
      instrumentName: 'd',
      instrumentType: 'HISTOGRAM',
      instrumentUnit: 'by',
      meterName: 'M',
      meterVersion: '2',
      meterSchemaUrl: '',
    };
    for (const [key, value] of Object.entries(others))
      expect(await seen({ [key]: value })).toBe('c');
  });

  it('The View instrument selection criteria supports wildcards: * for any characters, ? for one', async () => {
    const dropped = async (instrumentName: string) => {
      const rigged = rig({ views: [{ instrumentName, aggregation: { type: 1 } }] });
      const meter = rigged.provider.getMeter('m');
      for (const name of ['http.a', 'http.ab', 'rpc.a']) meter.createCounter(name).add(1);
      const left = await names(rigged);
      return ['http.a', 'http.ab', 'rpc.a'].filter((name) => !left.includes(name));
    };
    expect(await dropped('http.*')).toEqual(['http.a', 'http.ab']);
    expect(await dropped('*.?')).toEqual(['http.a', 'rpc.a']);
    expect(await dropped('http.a?')).toEqual(['http.ab']);
    expect(await dropped('*p*a*')).toEqual(['http.a', 'http.ab', 'rpc.a']);
    expect(await dropped('http?a')).toEqual(['http.a']);
    expect(await dropped('http')).toEqual([]);
  });

  it('The View instrument selection criteria supports the match-all wildcard: every instrument of every meter', async () => {
    const rigged = rig({ views: [{ instrumentName: '*', aggregation: { type: 1 } }] });
    rigged.provider.getMeter('a').createCounter('c').add(1);
    rigged.provider.getMeter('b').createHistogram('odd name').record(1);
    expect(await names(rigged)).toEqual([]);
  });

  it('The View allows configuring the name, description, attributes keys and aggregation of the resulting metric stream: all at once', async () => {
    const metric = await metricOf(
      (meter) => {
        const histogram = meter.createHistogram('h', { description: 'old', unit: 's' });
        histogram.record(3, { keep: 1, drop: 1 });
        histogram.record(4, { keep: 1, drop: 2 });
      },
      {
        views: [
          {
            instrumentName: 'h',
            name: 'not a name by the syntax!',
            description: 'new',
            allowAttributes: ['keep'],
            aggregation: { type: 2 },
          },
        ],
      },
    );
    expect(metric).toMatchObject({
      dataPointType: SUM,
      descriptor: { name: 'not a name by the syntax!', description: 'new', unit: 's' },
    });
    expect(values(metric)).toEqual({ 'keep=1': 7 });
  });

  it('The View allows configuring excluded attribute keys of resulting metric stream: they win over those that are kept', async () => {
    const work = (meter: Meter) => meter.createCounter('c').add(1, { a: 1, b: 2, 'user.id': 3 });
    const views = [{ instrumentName: 'c', denyAttributes: ['user.*', 'b'] }];
    expect(values(await metricOf(work, { views }))).toEqual({ 'a=1': 1 });
    const both = [{ instrumentName: 'c', allowAttributes: ['a', 'b'], denyAttributes: ['b'] }];
    expect(values(await metricOf(work, { views: both }))).toEqual({ 'a=1': 1 });
  });

  it('The View allows configuring the exemplar reservoir of resulting metric stream: of another size', async () => {
    const metric = await metricOf(
      (meter) => {
        const counter = meter.createCounter('c');
        for (let i = 0; i < 10; i++) counter.add(i);
      },
      {
        exemplarFilter: 'always_on',
        views: [{ instrumentName: 'c', exemplarReservoir: simpleFixedSizeReservoir(4) }],
      },
    );
    expect(metric.dataPoints[0]!.exemplars).toHaveLength(4);
  });

  it('The SDK allows more than one View to be specified per instrument: each is a metric', async () => {
    const rigged = rig({
      views: [
        { instrumentName: 'h', name: 'sum', aggregation: { type: 2 } },
        { instrumentName: 'h', name: 'by.a', allowAttributes: ['a'] },
      ],
    });
    const histogram = rigged.provider.getMeter('m').createHistogram('h');
    histogram.record(2, { a: 1, b: 1 });
    histogram.record(3, { a: 1, b: 2 });
    expect(byAttributes(await rigged.points('sum'))).toEqual({ 'a=1,b=1': 2, 'a=1,b=2': 3 });
    expect(byAttributes(await rigged.points('by.a'))).toMatchObject({
      'a=1': { sum: 5, count: 2 },
    });
  });

  it('The MeterProvider supports configuring view_matching_mode to enable composable View matching: views of one name are merged, the last word wins', async () => {
    const views = [
      { instrumentName: '*', allowAttributes: ['a', 'b'], description: 'first' },
      { instrumentName: 'h', aggregation: { type: 2 as const }, denyAttributes: ['b'] },
      { instrumentName: 'h', name: 'one' },
      { instrumentName: 'h', name: 'other', description: 'last' },
    ];
    const rigged = rig({ views, viewMatchingMode: 'composable' });
    rigged.provider.getMeter('m').createHistogram('h').record(2, { a: 1, b: 2, c: 3 });
    const found = await rigged.metrics();
    expect(found.map((metric) => [metric.descriptor, values(metric)])).toMatchObject([
      [{ name: 'one', description: 'first' }, { 'a=1': 2 }],
      [{ name: 'other', description: 'last' }, { 'a=1': 2 }],
    ]);
    expect(() => rig({ viewMatchingMode: 'merged' as 'composable' })).toThrow(/composable/);
  });
});

const KINDS: Record<InstrumentKind, (meter: Meter) => void> = {
  COUNTER: (meter) => meter.createCounter('i').add(3),
  UP_DOWN_COUNTER: (meter) => meter.createUpDownCounter('i').add(3),
  HISTOGRAM: (meter) => meter.createHistogram('i').record(3),
  GAUGE: (meter) => meter.createGauge('i').record(3),
  OBSERVABLE_COUNTER: (meter) => meter.createObservableCounter('i').addCallback(observeThree),
  OBSERVABLE_UP_DOWN_COUNTER: (meter) =>
    meter.createObservableUpDownCounter('i').addCallback(observeThree),
  OBSERVABLE_GAUGE: (meter) => meter.createObservableGauge('i').addCallback(observeThree),
};

function observeThree(result: { observe(value: number): void }): void {
  result.observe(3);
}

/** What comes of each kind of instrument with an aggregation. */
async function kindsWith(type: 0 | 1 | 2 | 3 | 4 | 5): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const [kind, work] of Object.entries(KINDS)) {
    const { provider, metrics } = rig({ views: [{ instrumentName: 'i', aggregation: { type } }] });
    work(provider.getMeter('m'));
    const [metric] = await metrics();
    found[kind] = metric && [metric.dataPointType, 'isMonotonic' in metric && metric.isMonotonic];
  }
  return found;
}

const BY_DEFAULT = {
  COUNTER: [SUM, true],
  UP_DOWN_COUNTER: [SUM, false],
  HISTOGRAM: [HISTOGRAM, false],
  GAUGE: [GAUGE, false],
  OBSERVABLE_COUNTER: [SUM, true],
  OBSERVABLE_UP_DOWN_COUNTER: [SUM, false],
  OBSERVABLE_GAUGE: [GAUGE, false],
};

describe('Aggregation', () => {
  it('The Drop aggregation is available: for every kind, and then the instrument is not enabled', async () => {
    expect(Object.values(await kindsWith(1))).toEqual(Array(7).fill(undefined));
    const { provider } = rig({ views: [{ instrumentName: 'i', aggregation: { type: 1 } }] });
    expect(provider.getMeter('m').createCounter('i').enabled()).toBe(false);
  });

  it('The Default aggregation is available: by a view as well', async () => {
    expect(await kindsWith(0)).toEqual(BY_DEFAULT);
  });

  it('The Default aggregation uses the specified aggregation by instrument: where no view matches', async () => {
    for (const [kind, work] of Object.entries(KINDS)) {
      const metric = await metricOf(work);
      const [type, isMonotonic] = BY_DEFAULT[kind as InstrumentKind];
      expect(metric.dataPointType, kind).toBe(type);
      if ('isMonotonic' in metric) expect(metric.isMonotonic, kind).toBe(isMonotonic);
      expect(metric.aggregationTemporality).toBe(CUMULATIVE);
    }
  });

  it('The Sum aggregation is available: monotonic for counters and histograms', async () => {
    expect(await kindsWith(2)).toEqual({
      ...BY_DEFAULT,
      HISTOGRAM: [SUM, true],
      GAUGE: [SUM, false],
      OBSERVABLE_GAUGE: [SUM, false],
    });
  });

  it('The LastValue aggregation is available: for every kind', async () => {
    expect(Object.values(await kindsWith(3))).toEqual(Array(7).fill([GAUGE, false]));
  });

  it('The ExplicitBucketHistogram aggregation is available: with boundaries; without a sum where values may fall; not for asynchronous instruments', async () => {
    const metric = await metricOf((meter) => meter.createUpDownCounter('i').add(-3), {
      views: [
        {
          instrumentName: 'i',
          aggregation: { type: 4, options: { boundaries: [5, 0], recordMinMax: false } },
        },
      ],
    });
    expect(metric.dataPoints).toMatchObject([
      {
        value: {
          count: 1,
          sum: undefined,
          min: undefined,
          max: undefined,
          buckets: { boundaries: [0, 5], counts: [1, 0, 0] },
        },
      },
    ]);
    const asynchronous = ['OBSERVABLE_COUNTER', 'OBSERVABLE_GAUGE'] as const;
    const found = await kindsWith(4);
    for (const kind of asynchronous) expect(found[kind]).toEqual(BY_DEFAULT[kind]);
    expect(found['GAUGE']).toEqual([HISTOGRAM, false]);
  });

  it('The ExponentialBucketHistogram aggregation is available: 160 buckets at scale 20 at first, other sizes by a view', async () => {
    const recorded = (options: object, numbers: number[]) =>
      metricOf(
        (meter) => {
          const histogram = meter.createHistogram('i');
          for (const value of numbers) histogram.record(value);
        },
        { views: [{ instrumentName: 'i', aggregation: { type: 5, options } }] },
      );
    const one = await recorded({}, [3]);
    expect(one.dataPointType).toBe(EXPONENTIAL_HISTOGRAM);
    expect(one.dataPoints).toMatchObject([
      { value: { scale: 20, count: 1, sum: 3, min: 3, max: 3, zeroCount: 0 } },
    ]);
    const four = await recorded({ maxSize: 4, maxScale: 3 }, [0, 1, 2, 4, 16]);
    expect(four.dataPoints).toMatchObject([
      {
        value: {
          scale: -1,
          zeroCount: 1,
          count: 5,
          positive: { offset: -1, bucketCounts: [1, 2, 1] },
        },
      },
    ]);
  });
});

describe('what a user gives', () => {
  it('is never thrown at, whatever it is', async () => {
    const { provider, points } = rig();
    const meter = provider.getMeter('m');
    const closed = new Proxy(
      {},
      {
        get() {
          throw new Error('no');
        },
        ownKeys() {
          throw new Error('no');
        },
      },
    );
    const odd: unknown[] = [null, 5, 'text', Symbol('x'), () => 1, closed, [1, 2], new Map()];
    const said = await saidDuring(() => {
      for (const given of odd) {
        const counter = meter.createCounter('c', given as never);
        counter.add(1, given as never);
        counter.add(given as never, {});
        counter.bind(given as never).add(1);
        counter.add(1, { a: given } as never);
        meter.createHistogram('h').record(given as never, given as never, given as never);
        meter.createObservableGauge('g').addCallback(given as never);
        meter.addBatchObservableCallback(given as never, given as never);
        provider.getMeter(given as never, given as never, given as never);
      }
    });
    expect(said.some(({ line }) => /is not recorded by 'c'/.test(line))).toBe(true);
    expect(provider.health().invalid).toBeGreaterThan(0);
    const total = (await points('c')).reduce((sum, point) => sum + (point.value as number), 0);
    // Of the numbers among them 5 was one.
    expect(total).toBe(odd.length * 3 + 5);
  });

  it('is cut to integers for instruments of integers, and refused where it is no number', async () => {
    const { provider, points } = rig();
    const options = { valueType: ValueType.INT };
    const counter = provider.getMeter('m').createCounter('c', options);
    for (const value of [1.9, Number.NaN, Number.POSITIVE_INFINITY, 2]) counter.add(value);
    expect(await points('c')).toMatchObject([{ value: 3 }]);
    expect(provider.health().invalid).toBe(2);
  });
});
