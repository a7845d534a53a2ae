import { JsonMetricsSerializer, ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  AggregationType,
  DataPointType,
  InstrumentType,
  MeterProvider,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  AggregationTemporalityPreference,
  type OTLPMetricExporterOptions,
} from '../../src/exporters/otlp-metric-exporter.ts';
import { OTLPMetricExporter as GrpcExporter } from '../../src/runtime/node/exporter-grpc.ts';
import { OTLPMetricExporter as JsonExporter } from '../../src/runtime/node/exporter-http.ts';
import { OTLPMetricExporter as ProtoExporter } from '../../src/runtime/node/exporter-proto.ts';
import {
  type Collector,
  type ReceivedMetric,
  startCollector,
} from '../../src/workbench/collector/index.ts';

// Upstream's metrics SDK as its users set it up, a real collector on loopback, and our exporters
// between. What does not depend on the signal is tested with spans (otlp-collector.test.ts,
// otlp-delivery.test.ts), what points become in test/codec/metric-objects.test.ts.

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanups.splice(0).reverse()) await cleanUp();
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

async function collecting(): Promise<Collector> {
  const collector = await startCollector({ port: 0, grpcPort: 0 });
  cleanups.push(() => collector.close());
  return collector;
}

type Options = Pick<
  OTLPMetricExporterOptions,
  'compression' | 'queue' | 'temporalityPreference' | 'aggregationPreference'
>;

const EXPORTERS = {
  proto: (collector: Collector, options: Options) =>
    new ProtoExporter({ url: `${collector.url}/v1/metrics`, ...options }),
  http: (collector: Collector, options: Options) =>
    new JsonExporter({ url: `${collector.url}/v1/metrics`, ...options }),
  grpc: (collector: Collector, options: Options) =>
    new GrpcExporter({ url: collector.grpcUrl!, ...options }),
};
type Protocol = keyof typeof EXPORTERS;
const PROTOCOLS = Object.keys(EXPORTERS) as Protocol[];

function exporterTo(collector: Collector, protocol: Protocol, options: Options = {}) {
  const exporter = EXPORTERS[protocol](collector, {
    queue: { retry: { initialMs: 5, maxMs: 20 } },
    ...options,
  });
  cleanups.push(() => exporter.shutdown().catch(() => {}));
  return exporter;
}

/** Keeps what is exported, so that it can be exported by another exporter as well. */
function keeping(exporter: PushMetricExporter) {
  const exported: ResourceMetrics[] = [];
  const kept: PushMetricExporter = {
    export(metrics, callback) {
      exported.push(metrics);
      exporter.export(metrics, callback);
    },
    forceFlush: () => exporter.forceFlush(),
    shutdown: () => exporter.shutdown(),
    selectAggregation: (type) => exporter.selectAggregation!(type),
    selectAggregationTemporality: (type) => exporter.selectAggregationTemporality!(type),
  };
  return { exporter: kept, exported };
}

function providerOf(exporter: PushMetricExporter) {
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const provider = new MeterProvider({
    resource: resourceFromAttributes({ 'service.name': 'shop' }),
    readers: [reader],
  });
  cleanups.push(() => provider.shutdown().catch(() => {}));
  return { provider, reader };
}

function measureShop(provider: MeterProvider): void {
  const meter = provider.getMeter('shop', '1.2.3', { schemaUrl: 'https://example.com/scope' });
  const orders = meter.createCounter('orders', { description: 'Größe', unit: '{order}' });
  const queue = meter.createUpDownCounter('queue', { valueType: 0 });
  const took = meter.createHistogram('took', { unit: 's' });
  const gauge = provider.getMeter('other').createGauge('temperature');
  provider
    .getMeter('other')
    .createObservableCounter('seen')
    .addCallback((result) => result.observe(7, { by: 'callback' }));
  for (let i = 0; i < 50; i++) {
    orders.add(i / 4, { method: i % 2 === 0 ? 'card' : 'größe', 'nr.': i % 5 });
    queue.add(i % 3 === 0 ? -1 : 1);
    took.record(i * i, { list: ['a', 'b'] });
    gauge.record(i - 0.5, { place: `room ${i % 4}` });
  }
}

/** Without buckets that are none, which upstream writes as messages with nothing in them. */
function withoutEmptyBuckets(metric: ReceivedMetric): ReceivedMetric {
  const { exponentialHistogram: data } = metric;
  if (data === undefined) return metric;
  const dataPoints = data.dataPoints.map((point) =>
    Object.fromEntries(
      Object.entries(point).filter(
        ([, value]) => (value as { bucketCounts?: unknown[] })?.bucketCounts?.length !== 0,
      ),
    ),
  );
  return { ...metric, exponentialHistogram: { ...data, dataPoints: dataPoints as never } };
}

const byName = (collector: Collector) =>
  collector
    .metrics()
    .map(withoutEmptyBuckets)
    .sort((a, b) => (a.name < b.name ? -1 : 1));

describe.each(PROTOCOLS)('exporters/%s', (protocol) => {
  it.each([
    ['none', AggregationTemporalityPreference.CUMULATIVE, AggregationType.DEFAULT],
    ['gzip', AggregationTemporalityPreference.DELTA, AggregationType.EXPONENTIAL_HISTOGRAM],
  ])(
    'delivers what upstream delivers, compression %s',
    async (compression, temporalityPreference, histogram) => {
      const ours = await collecting();
      const theirs = await collecting();
      const kept = keeping(
        exporterTo(ours, protocol, {
          compression,
          temporalityPreference,
          aggregationPreference: (type: InstrumentType) => ({
            type: type === InstrumentType.HISTOGRAM ? histogram : AggregationType.DEFAULT,
          }),
        }),
      );
      const { provider, reader } = providerOf(kept.exporter);
      for (let round = 0; round < 2; round++) {
        measureShop(provider);
        await reader.forceFlush();
      }
      const [serializer, type] =
        protocol === 'http'
          ? [JsonMetricsSerializer, 'application/json']
          : [ProtobufMetricsSerializer, 'application/x-protobuf'];
      expect(kept.exported).toHaveLength(2);
      for (const exported of kept.exported) {
        await fetch(`${theirs.url}/v1/metrics`, {
          method: 'POST',
          headers: { 'content-type': type },
          body: serializer.serializeRequest(exported) as Uint8Array<ArrayBuffer>,
        });
      }
      expect(byName(ours)).toEqual(byName(theirs));
      expect(new Set(byName(ours).map(({ name }) => name))).toEqual(
        new Set(['orders', 'queue', 'seen', 'temperature', 'took']),
      );
      expect(ours.requests().map(({ signal }) => signal)).toEqual(['metrics', 'metrics']);
    },
  );

  it('counts data points', async () => {
    const collector = await collecting();
    const exporter = exporterTo(collector, protocol);
    const { provider, reader } = providerOf(exporter);
    const counter = provider.getMeter('m').createCounter('c');
    for (let i = 0; i < 300; i++) counter.add(1, { i });
    await reader.forceFlush();
    expect(collector.dataPoints()).toHaveLength(300);
    expect(exporter.health().signals.metrics).toMatchObject({
      ...{ recorded: 300, sent: 300, queued: 0, requests: 1 },
    });
  });
});

describe('a collector with faults', () => {
  it('that is away: the reader goes on, and the points arrive', async () => {
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const collector = await collecting();
    const exporter = exporterTo(collector, 'proto');
    // A reader that is flushed waits for its exporter to be, which is to wait for the collector.
    const { provider, reader } = providerOf({
      export: (metrics, callback) => exporter.export(metrics, callback),
      forceFlush: async () => {},
      shutdown: () => exporter.shutdown(),
    });
    const counter = provider.getMeter('m').createCounter('c');
    await collector.fault({ kind: 'status', status: 503 });
    for (let round = 1; round <= 3; round++) {
      counter.add(1, { a: 1 });
      counter.add(1, { a: 2 });
      await reader.forceFlush();
      expect(exporter.health().signals.metrics).toMatchObject({ recorded: 2 * round, sent: 0 });
    }
    expect(String(said.mock.calls[0]?.[0])).toMatch(
      /^otlp-wasm: the collector does not answer, data points wait: 2 data points kept, to/,
    );
    await collector.fault(null);
    await exporter.forceFlush();
    expect(collector.dataPoints()).toHaveLength(6);
  });

  it('that takes a part: what it refused is counted and said', async () => {
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const collector = await collecting();
    const exporter = exporterTo(collector, 'http');
    const { provider, reader } = providerOf(exporter);
    const counter = provider.getMeter('m').createCounter('c');
    await collector.fault({ kind: 'partial', rejected: 2, message: 'too old' });
    for (let i = 0; i < 5; i++) counter.add(1, { i });
    await reader.forceFlush();
    expect(exporter.health().signals.metrics).toMatchObject({ sent: 3, rejected: 2 });
    expect(String(said.mock.calls[0]?.[0])).toMatch(
      /^otlp-wasm: 2 data points lost \(rejected 2\).*too old/,
    );
  });

  it('too many points for one request: several, and none is lost', async () => {
    const collector = await collecting();
    const exporter = exporterTo(collector, 'proto');
    const filler = 'x'.repeat(50_000);
    const times = { startTime: [1, 0], endTime: [2, 0] };
    const dataPoints = Array.from({ length: 200 }, (_, i) => ({
      ...{ ...times, value: i, attributes: { i, filler } },
    }));
    const descriptor = { name: 'c', description: '', unit: '', valueType: 1 };
    const metric = {
      ...{ descriptor, dataPoints, dataPointType: DataPointType.GAUGE, aggregationTemporality: 1 },
    };
    const scopeMetrics = [{ scope: { name: 's' }, metrics: [metric] }];
    const answer = await new Promise((resolve) => {
      exporter.export({ resource: { attributes: {} }, scopeMetrics } as never, resolve);
    });
    expect(answer).toEqual({ code: 0 });
    expect(collector.dataPoints()).toHaveLength(200);
    expect(collector.requests()).toHaveLength(2);
    expect(exporter.health().signals.metrics).toMatchObject({ recorded: 200, sent: 200 });
  });
});

describe('what is no metric', () => {
  const answerOf = (exporter: InstanceType<typeof ProtoExporter>, metrics: unknown) =>
    new Promise((resolve) => {
      exporter.export(metrics as never, resolve);
    });

  it.each([{}, { resource: { attributes: {} } }, { scopeMetrics: [{}] }])(
    '%j is counted, and later ones are exported',
    async (metrics) => {
      vi.spyOn(process.stderr, 'write').mockReturnValue(true);
      const collector = await collecting();
      const exporter = exporterTo(collector, 'proto');
      expect(await answerOf(exporter, metrics)).toMatchObject({ code: 1 });
      expect(exporter.health().signals.metrics).toMatchObject({
        recorded: 1,
        queued: 0,
        dropped: { unreadable: 1 },
      });
      const { provider, reader } = providerOf(exporter);
      provider.getMeter('m').createCounter('c').add(1);
      await reader.forceFlush();
      expect(collector.dataPoints()).toHaveLength(1);
    },
  );

  it('nothing at all is nothing to send', async () => {
    const collector = await collecting();
    const exporter = exporterTo(collector, 'proto');
    const metrics = { resource: { attributes: {} }, scopeMetrics: [] };
    expect(await answerOf(exporter, metrics)).toEqual({ code: 0 });
    expect(collector.requests()).toEqual([]);
  });
});

describe('preferences', () => {
  const { CUMULATIVE, DELTA } = AggregationTemporality;
  const TYPES = Object.values(InstrumentType);

  function temporalities(options: OTLPMetricExporterOptions = {}): Record<string, number> {
    const exporter: PushMetricExporter = new ProtoExporter(options);
    return Object.fromEntries(
      TYPES.map((type) => [type, exporter.selectAggregationTemporality!(type)]),
    );
  }

  const EXPECTED = {
    cumulative: Object.fromEntries(TYPES.map((type) => [type, CUMULATIVE])),
    delta: Object.fromEntries(
      TYPES.map((type) => [type, type.includes('UP_DOWN') ? CUMULATIVE : DELTA]),
    ),
    lowmemory: Object.fromEntries(
      TYPES.map((type) => [type, type === 'COUNTER' || type === 'HISTOGRAM' ? DELTA : CUMULATIVE]),
    ),
  };

  it.each([
    [undefined, 'cumulative'],
    [null as never, 'cumulative'],
    [AggregationTemporalityPreference.CUMULATIVE, 'cumulative'],
    [AggregationTemporality.DELTA, 'delta'],
    [AggregationTemporalityPreference.LOWMEMORY, 'lowmemory'],
  ] as const)('temporality %s is %s', (temporalityPreference, expected) => {
    expect(
      temporalities(temporalityPreference === undefined ? {} : { temporalityPreference }),
    ).toEqual(EXPECTED[expected]);
  });

  it.each(['cumulative', 'delta', 'lowmemory', 'DELTA'] as const)('variable: %s', (text) => {
    vi.stubEnv('OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE', text);
    const name = text.toLowerCase() as keyof typeof EXPECTED;
    expect(temporalities()).toEqual(EXPECTED[name]);
    expect(temporalities({ temporalityPreference: 1 })).toEqual(EXPECTED.cumulative);
  });

  it('a variable that cannot be used is said, and ignored', () => {
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    vi.stubEnv('OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE', 'sometimes');
    expect(temporalities()).toEqual(EXPECTED.cumulative);
    expect(said.mock.calls.join()).toContain('OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE');
  });

  const aggregations = (options: OTLPMetricExporterOptions = {}) => {
    const exporter: PushMetricExporter = new ProtoExporter(options);
    return TYPES.map((type) => [type, exporter.selectAggregation!(type).type]);
  };

  it('histograms by variable', () => {
    const plain = TYPES.map((type) => [type, AggregationType.DEFAULT]);
    expect(aggregations()).toEqual(plain);
    const variable = 'OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION';
    vi.stubEnv(variable, 'base2_exponential_bucket_histogram');
    expect(aggregations()).toEqual(
      TYPES.map((type) => [
        type,
        type === InstrumentType.HISTOGRAM
          ? AggregationType.EXPONENTIAL_HISTOGRAM
          : AggregationType.DEFAULT,
      ]),
    );
    const dropped = { type: AggregationType.DROP as const };
    expect(aggregations({ aggregationPreference: () => dropped })).toEqual(
      TYPES.map((type) => [type, AggregationType.DROP]),
    );
  });

  it.each([
    [{ temporalityPreference: 3 }, "option 'temporalityPreference' is 3"],
    [{ temporalityPreference: 'delta' }, "option 'temporalityPreference' is 'delta'"],
    [{ aggregationPreference: {} }, "option 'aggregationPreference' is an object"],
  ])('%j is refused', (options, message) => {
    for (const Exporter of [ProtoExporter, JsonExporter, GrpcExporter]) {
      expect(() => new Exporter(options as never)).toThrow(message);
      expect(() => new Exporter(options as never)).toThrow(
        expect.objectContaining({ code: 'invalid_option' }),
      );
    }
  });

  it('variables of metrics: endpoint and headers', async () => {
    const collector = await collecting();
    vi.stubEnv('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'http://127.0.0.1:1/v1/traces');
    vi.stubEnv('OTEL_EXPORTER_OTLP_METRICS_ENDPOINT', `${collector.url}/v1/metrics`);
    vi.stubEnv('OTEL_EXPORTER_OTLP_METRICS_HEADERS', 'x-metrics=1');
    const { provider, reader } = providerOf(new ProtoExporter());
    provider.getMeter('m').createCounter('c').add(1);
    await reader.forceFlush();
    expect(collector.requests()[0]).toMatchObject({
      signal: 'metrics',
      headers: { 'x-metrics': '1' },
    });
  });
});
