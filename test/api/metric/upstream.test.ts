/** The same measurements, by upstream's SDK and by ours, collected as objects. */

import type { Attributes, Meter } from '@opentelemetry/api';
import { ValueType } from '@opentelemetry/api';
import {
  AggregationTemporality,
  AggregationType,
  createAllowListAttributesProcessor,
  InMemoryMetricExporter,
  InstrumentType,
  MeterProvider,
  MetricReader,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { describe, expect, it } from 'vitest';
import {
  CUMULATIVE_TEMPORALITY,
  DELTA_TEMPORALITY,
  type TemporalitySelector,
} from '../../../src/api/metric/aggregation.ts';
import type { MetricReader as OwnReader } from '../../../src/api/metric/reader.ts';
import { randomFrom } from '../../support/random.ts';
import { rig, textOf } from './rig.ts';

class AskedReader extends MetricReader {
  async onForceFlush() {}
  async onShutdown() {}
}

interface Collected {
  readonly descriptor: object;
  readonly dataPointType: number;
  readonly aggregationTemporality: number;
  readonly isMonotonic?: boolean;
  readonly dataPoints: readonly { readonly attributes: Attributes; readonly value: unknown }[];
}

/** What is compared: all but times, points by their attributes, nothing that is undefined. */
function comparable(metrics: readonly Collected[]): unknown {
  const plain = metrics.map(({ descriptor, dataPoints, ...rest }) => {
    const { name, description, unit, valueType } = descriptor as Record<string, unknown>;
    const points = dataPoints.map(({ attributes, value }) => {
      if (typeof value === 'number') return [textOf(attributes), value];
      const { zeroThreshold: _, ...counts } = value as Record<string, unknown>;
      return [textOf(attributes), counts];
    });
    const { dataPointType, aggregationTemporality, isMonotonic } = rest;
    return {
      ...{ name, description, unit, valueType, isMonotonic },
      ...{ dataPointType, aggregationTemporality },
      points: points.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
    };
  });
  return JSON.parse(
    JSON.stringify(plain.sort((a, b) => (String(a.name) < String(b.name) ? -1 : 1))),
  );
}

const OBSERVED = ['OBSERVABLE_COUNTER', 'OBSERVABLE_UP_DOWN_COUNTER', 'OBSERVABLE_GAUGE'];

/** Instruments of all kinds, played to by the same random numbers. */
function instrumentsOf(meter: Meter, seed: number) {
  const random = randomFrom(seed);
  const observed = new Map<string, number>();
  const counter = meter.createCounter('counter', { unit: 'By', description: 'bytes' });
  const whole = meter.createCounter('whole', { valueType: ValueType.INT });
  const updown = meter.createUpDownCounter('updown');
  const gauge = meter.createGauge('gauge');
  const advice = { explicitBucketBoundaries: [1, 5, 25] };
  const histogram = meter.createHistogram('histogram', { unit: 'ms' });
  const advised = meter.createHistogram('advised', { advice });
  const exponential = meter.createHistogram('exponential');
  const filtered = meter.createCounter('filtered');
  const asynchronous = [
    meter.createObservableCounter('OBSERVABLE_COUNTER'),
    meter.createObservableUpDownCounter('OBSERVABLE_UP_DOWN_COUNTER'),
    meter.createObservableGauge('OBSERVABLE_GAUGE'),
  ];
  asynchronous.forEach((instrument, i) => {
    instrument.addCallback((result) => {
      for (const [set, total] of observed) {
        const [kind, id] = set.split('/');
        if (kind === OBSERVED[i]) result.observe(total, { id: Number(id) });
      }
    });
  });
  return (measurements: number) => {
    for (let i = 0; i < measurements; i++) {
      const attributes: Attributes = {};
      if (random.below(3) > 0) attributes['a'] = `v${random.below(4)}`;
      if (random.below(3) > 0) attributes['b'] = random.below(3);
      if (random.below(3) > 0) attributes['c'] = random.below(2) === 0;
      const value = random.below(1000) / 8;
      counter.add(value, attributes);
      whole.add(random.below(9), attributes);
      updown.add(value - 60, attributes);
      gauge.record(value - 60, attributes);
      histogram.record(value * 100, attributes);
      advised.record(random.below(30), attributes);
      exponential.record(value + 1 / 16, attributes);
      filtered.add(value, attributes);
    }
    for (const kind of OBSERVED) {
      const set = `${kind}/${random.below(4)}`;
      const before = observed.get(set) ?? 0;
      observed.set(set, before + (kind === 'OBSERVABLE_COUNTER' ? 1 : -1) * random.below(50));
    }
  };
}

async function compare(temporality: TemporalitySelector, seed: number, exponential: boolean) {
  const aggregation = { type: exponential ? AggregationType.EXPONENTIAL_HISTOGRAM : 4 } as const;
  const reader = new AskedReader({
    aggregationTemporalitySelector: (type) => temporality(type) as AggregationTemporality,
  });
  const upstream = new MeterProvider({
    readers: [reader],
    views: [
      { instrumentName: 'exponential', aggregation },
      {
        instrumentName: 'filtered',
        name: 'renamed',
        attributesProcessors: [createAllowListAttributesProcessor(['a'])],
      },
    ],
  });
  const ours = rig({
    reader: { temporality },
    views: [
      { instrumentName: 'exponential', aggregation },
      { instrumentName: 'filtered', name: 'renamed', allowAttributes: ['a'] },
    ],
  });
  const players = [upstream.getMeter('m'), ours.provider.getMeter('m')].map((meter) =>
    instrumentsOf(meter, seed),
  );
  for (let interval = 0; interval < 5; interval++) {
    const measurements = (interval * 37 + seed * 11) % 120;
    for (const play of players) play(measurements);
    const wanted = (await reader.collect()).resourceMetrics.scopeMetrics.flatMap((s) => s.metrics);
    const found = await ours.metrics();
    expect(comparable(found)).toEqual(comparable(wanted as never));
    expect(found.length).toBeGreaterThan(2);
  }
}

describe('the same measurements come out as with upstream', () => {
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    it(`cumulative, seed ${seed}`, () => compare(CUMULATIVE_TEMPORALITY, seed, false));
    it(`delta, exponential histograms among them, seed ${seed}`, () =>
      compare(DELTA_TEMPORALITY, seed, true));
  }
});

describe('upstream’s readers and exporters', () => {
  it('work as they are', async () => {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.DELTA);
    const reader = new PeriodicExportingMetricReader({ exporter });
    const { provider } = rig({ readers: [reader as unknown as OwnReader] });
    const counter = provider.getMeter('m').createCounter('c');
    counter.add(3, { a: 1 });
    await provider.forceFlush();
    counter.add(4, { a: 1 });
    await provider.forceFlush();
    const found = exporter.getMetrics().map(({ scopeMetrics }) => scopeMetrics[0]!.metrics[0]!);
    expect(found).toMatchObject([
      { aggregationTemporality: AggregationTemporality.DELTA, dataPoints: [{ value: 3 }] },
      { aggregationTemporality: AggregationTemporality.DELTA, dataPoints: [{ value: 4 }] },
    ]);
    await provider.shutdown();
    expect(InstrumentType.COUNTER).toBe('COUNTER');
  });

  it('views with attributes processors work as they are', async () => {
    const attributesProcessors = [createAllowListAttributesProcessor(['a'])];
    const { provider, points } = rig({ views: [{ instrumentName: 'c', attributesProcessors }] });
    const counter = provider.getMeter('m').createCounter('c');
    counter.add(3, { a: 1, b: 1 });
    counter.bind({ a: 1, b: 2 }).add(4);
    expect(await points('c')).toMatchObject([{ attributes: { a: 1 }, value: 7 }]);
  });
});
