/** What the collector does for spans it does for log records and data points, whatever they came over. */

import { createRequire } from 'node:module';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { toJson } from '../../../src/exporters/json-format.ts';
import { ENVELOPES } from '../../../src/workbench/collector/decode.ts';
import {
  type Collector,
  type CollectorOptions,
  isOtlpError,
  type ReceivedMetric,
  type ReceivedSignal,
  startCollector,
} from '../../../src/workbench/collector/index.ts';
import { keptOf } from '../../../src/workbench/collector/points.ts';
import { type MessageName, wireOf } from '../../../src/workbench/collector/schema.ts';
import { expectSame } from '../../support/expect-same.ts';
import { grpcClient } from '../../support/grpc-client.ts';
import { otlpCorpus } from '../../support/otlp-corpora.ts';

const official = createRequire(import.meta.url)('otlp-decoder/build/src/generated/root.js')
  .opentelemetry.proto.collector;

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanups.splice(0).reverse()) await cleanUp();
});

async function start(options: CollectorOptions = {}): Promise<Collector> {
  const collector = await startCollector({ port: 0, grpcPort: 0, ...options });
  cleanups.push(() => collector.close());
  return collector;
}

const SIGNALS = ['traces', 'logs', 'metrics'] as const;
const WAYS = ['protobuf', 'json', 'gzip', 'grpc', 'grpc gzip'] as const;

/** What was answered: the body of a success in protobuf. */
interface Answered {
  readonly accepted: boolean;
  readonly body: Uint8Array;
}

async function send(
  collector: Collector,
  signal: ReceivedSignal,
  request: Uint8Array,
  way: (typeof WAYS)[number],
): Promise<Answered> {
  if (way.startsWith('grpc')) {
    const client = grpcClient(collector.grpcUrl!);
    cleanups.push(() => client.close());
    const gzip = way === 'grpc gzip';
    const { code, body = new Uint8Array() } = await client.call(request, {
      ...{ path: ENVELOPES[signal].grpc, gzip },
    });
    return { accepted: code === 0, body };
  }
  const json = way === 'json';
  const answer = await fetch(`${collector.url}/v1/${signal}`, {
    method: 'POST',
    headers: {
      'content-type': json ? 'application/json' : 'application/x-protobuf',
      ...(way === 'gzip' && { 'content-encoding': 'gzip' }),
    },
    body: (json
      ? toJson(signal, request)
      : way === 'gzip'
        ? gzipSync(request)
        : request) as BodyInit,
  });
  const bytes = new Uint8Array(await answer.arrayBuffer());
  if (!json || answer.status !== 200) return { accepted: answer.ok, body: bytes };
  const type = wireOf(ENVELOPES[signal].response);
  const body = type.encode(type.fromObject(JSON.parse(Buffer.from(bytes).toString()))).finish();
  return { accepted: true, body };
}

const RESPONSES = {
  traces: official.trace.v1.ExportTraceServiceResponse,
  logs: official.logs.v1.ExportLogsServiceResponse,
  metrics: official.metrics.v1.ExportMetricsServiceResponse,
};

/** What came of a signal, with what it came in. */
const received = (collector: Collector, signal: ReceivedSignal): readonly object[] =>
  signal === 'metrics' ? collector.dataPoints() : collector[signal]();

const COUNTER = { traces: 'spans', logs: 'logRecords', metrics: 'dataPoints' } as const;
const REJECTED = {
  traces: 'rejectedSpans',
  logs: 'rejectedLogRecords',
  metrics: 'rejectedDataPoints',
} as const;

describe.each(SIGNALS)('%s', (signal) => {
  const request = otlpCorpus(signal, 60);

  it('are received, counted, stored and told about, the same whatever they came over', async () => {
    const told: number[] = [];
    const collector = await start({
      onRequest: (_, { spans, logRecords, metrics }) => {
        told.push(spans.length, logRecords.length, metrics.length);
      },
    });
    let first: readonly object[] | undefined;
    for (const way of WAYS) {
      expect(await send(collector, signal, request, way)).toMatchObject({ accepted: true });
      const records = received(collector, signal);
      expect(records).toHaveLength(60);
      first ??= records;
      expectSame(records, first);
      expect(collector.requests()).toMatchObject([
        { signal, spans: 0, logRecords: 0, dataPoints: 0, [COUNTER[signal]]: 60 },
      ]);
      const others = { spans: 0, logRecords: 0, dataPoints: 0 };
      expect(collector.stats()).toMatchObject({
        ...{ accepted: 1, rejected: 0, ...others, [COUNTER[signal]]: 60 },
      });
      collector.clear();
    }
    const expected = { traces: [60, 0, 0], logs: [0, 60, 0], metrics: [0, 0, 8] }[signal];
    expect(told).toEqual(WAYS.flatMap(() => expected));
  });

  it.each(WAYS)('are accepted in part: the last ones are not stored (%s)', async (way) => {
    const collector = await start();
    await send(collector, signal, request, way);
    const whole = received(collector, signal);
    collector.clear();
    await collector.fault({ kind: 'partial', rejected: 13, message: 'too old' });
    const { accepted, body } = await send(collector, signal, request, way);
    expect(accepted).toBe(true);
    const type = RESPONSES[signal];
    expect(type.toObject(type.decode(body), { longs: Number })).toEqual({
      partialSuccess: { [REJECTED[signal]]: 13, errorMessage: 'too old' },
    });
    const kept = received(collector, signal);
    expect(kept).toHaveLength(47);
    const bare = (records: readonly object[]) =>
      records.map((record) => ({
        ...record,
        metric: (record as { metric?: ReceivedMetric }).metric?.name,
      }));
    expectSame(bare(kept), bare(whole.slice(0, 47)));
    expect(collector.stats()).toMatchObject({ accepted: 1, [COUNTER[signal]]: 47, rejected: 13 });
  });

  it.each(WAYS)('are refused and torn as spans are (%s)', async (way) => {
    const collector = await start();
    await collector.fault({ kind: 'status', status: 503, times: 1 });
    expect(await send(collector, signal, request, way)).toMatchObject({ accepted: false });
    expect(received(collector, signal)).toEqual([]);
    expect(collector.stats()).toMatchObject({ errors: { 503: 1 }, [COUNTER[signal]]: 0 });
    if (way !== 'json') {
      expect(await send(collector, signal, request.subarray(0, -1), way)).toMatchObject({
        accepted: false,
      });
    }
    expect(await send(collector, signal, request, way)).toMatchObject({ accepted: true });
    expect(received(collector, signal)).toHaveLength(60);
  });

  it('are counted where nothing is stored', async () => {
    const collector = await start({ store: false });
    for (const way of WAYS) await send(collector, signal, request, way);
    expect(collector.stats()).toMatchObject({ accepted: 5, [COUNTER[signal]]: 300 });
    expect(received(collector, signal)).toEqual([]);
    // A torn one is not.
    const torn = request.subarray(0, -1);
    expect(await send(collector, signal, torn, 'protobuf')).toMatchObject({ accepted: false });
  });

  it('are kept within bounds, the newest', async () => {
    const collector = await start({ maxSpans: 100 });
    for (let i = 0; i < 2; i++) await send(collector, signal, request, 'protobuf');
    expect(received(collector, signal)).toHaveLength(60);
    expect(collector.stats().evicted).toEqual({ requests: 1, records: 60 });
    const small = await start({ maxSpans: 7 });
    await send(collector, signal, request, 'protobuf');
    await send(small, signal, request, 'protobuf');
    const newest = received(small, signal);
    expect(newest).toHaveLength(7);
    const withoutMetric = (records: readonly object[]) =>
      records.map((record) => ({ ...record, metric: undefined }));
    expectSame(withoutMetric(newest), withoutMetric(received(collector, signal).slice(-7)));
    expect(small.stats().evicted).toEqual({ requests: 0, records: 53 });
  });

  it('can be waited for', async () => {
    const collector = await start();
    const counter = COUNTER[signal];
    const arrived = collector.waitFor({ [counter]: 120 });
    for (let i = 0; i < 2; i++) await send(collector, signal, request, 'protobuf');
    await arrived;
    const error = await collector
      .waitFor({ [counter]: 121, requests: 1 }, { timeoutMs: 1 })
      .catch((e) => e);
    expect(isOtlpError(error) && error.message).toBe(
      `waited 1 ms for 121 ${counter}, 1 requests: 120 ${counter} arrived in 2 requests`,
    );
  });
});

describe('data points', () => {
  const point = (n: number) => ({ asInt: n, attributes: [{ key: 'n', value: { intValue: n } }] });
  const encode = (
    metrics: readonly object[],
    message: MessageName = 'ExportMetricsServiceRequest',
  ) => {
    const type = wireOf(message);
    return type
      .encode(type.fromObject({ resourceMetrics: [{ scopeMetrics: [{ metrics }] }] }))
      .finish();
  };
  const metrics = [
    { name: 'a', gauge: { dataPoints: [point(1), point(2)] } },
    { name: 'none' },
    { name: 'empty', sum: { dataPoints: [] } },
    { name: 'b', sum: { dataPoints: [point(3), point(4), point(5)], isMonotonic: true } },
    {
      name: 'h',
      histogram: { dataPoints: [{ count: 2, bucketCounts: [2, 0], explicitBounds: [1] }] },
    },
    { name: 'e', exponentialHistogram: { dataPoints: [{ count: 1, scale: -2 }] } },
    { name: 's', summary: { dataPoints: [{ count: 1, quantileValues: [{ quantile: 1 }] }] } },
  ];

  it('are told each with its metric, in order', async () => {
    const collector = await start();
    await send(collector, 'metrics', encode(metrics), 'protobuf');
    const points = collector.dataPoints();
    expect(points.map(({ metric, asInt, count }) => [metric.name, asInt, count])).toEqual([
      ...[
        ['a', 1n],
        ['a', 2n],
        ['b', 3n],
        ['b', 4n],
        ['b', 5n],
      ].map((two) => [...two, undefined]),
      ...['h', 'e', 's'].map((name, i) => [name, undefined, i === 0 ? 2n : 1n]),
    ]);
    expect(points[2]!.metric.sum!.isMonotonic).toBe(true);
    expect(points[5]).toMatchObject({ bucketCounts: [2n, 0n], explicitBounds: [1] });
    expect(points[6]).toMatchObject({ scale: -2 });
    expect(points[7]).toMatchObject({ quantileValues: [{ quantile: 1, value: 0 }] });
    expect(collector.metrics().map(({ name }) => name)).toEqual(metrics.map(({ name }) => name));
  });

  it('of a metric are kept in part, those of others whole', async () => {
    const collector = await start();
    await send(collector, 'metrics', encode(metrics), 'json');
    const decoded = {
      ...{ spans: [], logRecords: [], metrics: collector.metrics(), dataPoints: 8 },
    };
    const names = (from: number, to: number) =>
      keptOf(decoded, from, to).metrics.map((metric) => [
        metric.name,
        (metric.gauge ?? metric.sum ?? metric.histogram)?.dataPoints.length,
      ]);
    expect(keptOf(decoded, 0, 8)).toBe(decoded);
    expect(names(1, 4)).toEqual([
      ['a', 1],
      ['none', undefined],
      ['empty', 0],
      ['b', 2],
    ]);
    expect(names(2, 3)).toEqual([
      ['none', undefined],
      ['empty', 0],
      ['b', 1],
    ]);
    expect(keptOf(decoded, 0, -5)).toMatchObject({ dataPoints: 0 });
    expect(keptOf(decoded, 5, 99).dataPoints).toBe(3);
    // What is kept has all that the metric has besides.
    expect(keptOf(decoded, 3, 4).metrics.find(({ name }) => name === 'b')).toMatchObject({
      sum: { isMonotonic: true, dataPoints: [{ asInt: 4n }] },
    });
  });
});
