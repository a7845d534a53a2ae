import { JsonMetricsSerializer, ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  AggregationType,
  InstrumentType,
  MeterProvider,
  MetricReader,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import { describe, expect, it } from 'vitest';
import { type MetricCodec, metricCodecOn } from '../src/metric-codec.ts';
import { metricsSources } from './support/cells.ts';
import { ENGINE_NAMES } from './support/engines.ts';
import { decodeMetricsOfficially } from './support/metric-model.ts';

const refused = (): never => {
  throw new Error('not on this host');
};

/** A fresh codec for each engine. */
function codecs(): MetricCodec[] {
  const none = { simd: refused, scalar: refused, portable: refused };
  return ENGINE_NAMES.map((name) => metricCodecOn({ ...none, [name]: metricsSources[name] }));
}

class ManualReader extends MetricReader {
  protected async onShutdown() {}
  protected async onForceFlush() {}
}

/** Metrics as an exporter is given them. */
async function collected(
  temporality: AggregationTemporality,
  histogram: AggregationType.DEFAULT | AggregationType.EXPONENTIAL_HISTOGRAM,
  run: (provider: MeterProvider) => void,
): Promise<ResourceMetrics> {
  const reader = new ManualReader({
    aggregationTemporalitySelector: () => temporality,
    aggregationSelector: (type) => ({
      type: type === InstrumentType.HISTOGRAM ? histogram : AggregationType.DEFAULT,
    }),
  });
  const resource = resourceFromAttributes(
    { 'service.name': 'größe', n: 7 },
    { schemaUrl: 'https://example.com/r' },
  );
  const provider = new MeterProvider({ readers: [reader], resource });
  run(provider);
  const { resourceMetrics } = await reader.collect();
  await provider.shutdown();
  return resourceMetrics;
}

function measure(provider: MeterProvider): void {
  const meter = provider.getMeter('shop', '1.2.3', { schemaUrl: 'https://example.com/s' });
  const orders = meter.createCounter('orders', { description: 'Größe', unit: '{order}' });
  const queue = meter.createUpDownCounter('queue', { valueType: 0 });
  const took = meter.createHistogram('took', { unit: 's' });
  const bounded = meter.createHistogram('bounded', {
    advice: { explicitBucketBoundaries: [1, 2.5] },
  });
  const gauge = provider.getMeter('other').createGauge('temperature');
  for (let i = 0; i < 40; i++) {
    orders.add(i / 4, { method: i % 2 === 0 ? 'card' : 'größe', 'nr.': i % 5 });
    queue.add(i % 3 === 0 ? -2 : 1);
    took.record(i * i, { list: ['a', 'b'], yes: true });
    bounded.record(i);
    gauge.record(i - 0.5, { place: `room ${i % 4}` });
  }
}

const { CUMULATIVE, DELTA } = AggregationTemporality;

describe('encodeMetrics', () => {
  it.each([
    ['cumulative, buckets with boundaries', CUMULATIVE, AggregationType.DEFAULT],
    ['delta, exponential buckets', DELTA, AggregationType.EXPONENTIAL_HISTOGRAM],
  ] as const)('says what upstream’s serializer says: %s', async (_, temporality, histogram) => {
    const metrics = await collected(temporality, histogram, measure);
    const theirs = ProtobufMetricsSerializer.serializeRequest(metrics)!;
    const [first, ...others] = codecs().map((codec) => codec.encodeMetrics(metrics as never));
    for (const other of others) expect(Buffer.compare(first!, other)).toBe(0);
    expect(decodeMetricsOfficially(first!)).toEqual(decodeMetricsOfficially(theirs));
  });

  it('says the same in JSON', async () => {
    const metrics = await collected(CUMULATIVE, AggregationType.DEFAULT, measure);
    for (const codec of codecs()) {
      const json = JSON.parse(Buffer.from(codec.encodeMetricsJson(metrics as never)).toString());
      const theirs = JSON.parse(
        Buffer.from(JsonMetricsSerializer.serializeRequest(metrics)!).toString(),
      );
      const namesOf = ({ resourceMetrics: [{ scopeMetrics }] }: typeof json) =>
        scopeMetrics.map((scope: { scope: { name: string }; metrics: { name: string }[] }) => [
          scope.scope.name,
          scope.metrics.map(({ name }) => name),
        ]);
      expect(namesOf(json)).toEqual(namesOf(theirs));
      expect(json.resourceMetrics[0].scopeMetrics[0].metrics[0]).toMatchObject({
        name: 'orders',
        unit: '{order}',
        sum: { aggregationTemporality: 2, isMonotonic: true },
      });
    }
  });

  it('gives bytes of their own, which later calls leave alone', async () => {
    const [one, two] = await Promise.all(
      [1, 2].map((n) =>
        collected(CUMULATIVE, AggregationType.DEFAULT, (provider) => {
          provider.getMeter('m').createCounter(`c${n}`).add(n);
        }),
      ),
    );
    for (const codec of codecs()) {
      const first = codec.encodeMetrics(one as never);
      const copy = first.slice();
      const second = codec.encodeMetrics(two as never);
      expect(first).toEqual(copy);
      expect(first.buffer.byteLength).toBe(first.length);
      expect(decodeMetricsOfficially(second)[0]!.scopes[0]!.metrics[0]!.name).toBe('c2');
    }
  });

  it('makes one message of what is more than one request', () => {
    const filler = 'x'.repeat(50_000);
    const times = { startTime: [1, 0], endTime: [2, 0] };
    const dataPoints = Array.from({ length: 150 }, (_, i) => ({
      ...{ ...times, value: i, attributes: { i, filler } },
    }));
    const descriptor = { name: 'c', description: '', unit: '', valueType: 1 };
    const metric = { descriptor, dataPoints, dataPointType: 2, aggregationTemporality: 1 };
    const scopeMetrics = [{ scope: { name: 's' }, metrics: [metric] }];
    for (const codec of codecs()) {
      const metrics = { resource: { attributes: {} }, scopeMetrics };
      const request = codec.encodeMetrics(metrics as never);
      const points = decodeMetricsOfficially(request)
        .flatMap(({ scopes }) => scopes)
        .flatMap((scope) => scope.metrics)
        .flatMap((each) => each.points);
      expect(points).toHaveLength(150);
    }
  });

  it('encodes what has no points as no bytes', () => {
    for (const codec of codecs()) {
      const nothing = { resource: { attributes: { a: 1 } }, scopeMetrics: [] };
      expect(codec.encodeMetrics(nothing)).toEqual(new Uint8Array());
      expect(Buffer.from(codec.encodeMetricsJson(nothing)).toString()).toBe('{}');
    }
  });

  const point = { startTime: [1, 0], endTime: [2, 0], attributes: {}, value: 1 };
  const descriptor = { name: 'c', description: '', unit: '', valueType: 1 };
  const gauge = (dataPoints: unknown) => ({
    resource: { attributes: {} },
    scopeMetrics: [
      {
        scope: { name: 's' },
        metrics: [{ descriptor, dataPoints, dataPointType: 2, aggregationTemporality: 1 }],
      },
    ],
  });

  it.each([
    [undefined, 'these are no metrics'],
    [{}, 'these are no metrics'],
    [{ resource: {}, scopeMetrics: 5 }, 'these are no metrics'],
    [gauge([{ ...point, value: 'much' }]), 'a value of it is much'],
    [gauge([{ ...point, startTime: undefined }]), 'these are no metrics'],
    [gauge([{ ...point, attributes: { a: 'x'.repeat(5e6) } }]), '1 of the data points is larger'],
  ])('refuses what is none, and goes on: %#', (metrics, message) => {
    for (const codec of codecs()) {
      expect(() => codec.encodeMetrics(metrics as never)).toThrow(message);
      expect(() => codec.encodeMetrics(metrics as never)).toThrow(
        expect.objectContaining({ code: 'invalid_data' }),
      );
      const request = codec.encodeMetrics(gauge([point]) as never);
      expect(decodeMetricsOfficially(request)[0]!.scopes[0]!.metrics[0]!.points).toHaveLength(1);
    }
  });

  it('throws until an engine is loaded, where it is elsewhere', async () => {
    const codec = metricCodecOn({
      simd: refused,
      scalar: refused,
      portable: async () => metricsSources.portable(),
    });
    expect(() => codec.encodeMetrics(gauge([point]) as never)).toThrow(
      expect.objectContaining({ code: 'engine_unavailable' }),
    );
    await codec.ready();
    expect(codec.encodeMetrics(gauge([point]) as never).length).toBeGreaterThan(0);
    const none = metricCodecOn({ simd: refused, scalar: refused, portable: refused });
    await expect(none.ready()).rejects.toMatchObject({ code: 'engine_unavailable' });
  });
});
