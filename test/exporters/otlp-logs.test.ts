import { JsonLogsSerializer, ProtobufLogsSerializer } from '@opentelemetry/otlp-transformer';
import {
  BatchLogRecordProcessor,
  LoggerProvider,
  type LogRecordExporter,
  type ReadableLogRecord,
  SimpleLogRecordProcessor,
} from '@opentelemetry/sdk-logs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { OTLPExporterConfig } from '../../src/exporters/exporter-options.ts';
import { OTLPLogExporter as GrpcExporter } from '../../src/runtime/node/exporter-grpc.ts';
import { OTLPLogExporter as JsonExporter } from '../../src/runtime/node/exporter-http.ts';
import { OTLPLogExporter as ProtoExporter } from '../../src/runtime/node/exporter-proto.ts';
import { type Collector, startCollector } from '../../src/workbench/collector/index.ts';

// Upstream's logs SDK as its users set it up, a real collector on loopback, and our exporters between.
// What does not depend on the signal is tested with spans (otlp-collector.test.ts, otlp-delivery.test.ts).

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

const EXPORTERS = {
  proto: (collector: Collector, options: OTLPExporterConfig) =>
    new ProtoExporter({ url: `${collector.url}/v1/logs`, ...options }),
  http: (collector: Collector, options: OTLPExporterConfig) =>
    new JsonExporter({ url: `${collector.url}/v1/logs`, ...options }),
  grpc: (collector: Collector, { compression, queue }: OTLPExporterConfig) =>
    new GrpcExporter({
      url: collector.grpcUrl!,
      ...(compression && { compression }),
      ...(queue && { queue }),
    }),
};
type Protocol = keyof typeof EXPORTERS;

function exporterTo(collector: Collector, protocol: Protocol, options: OTLPExporterConfig = {}) {
  const exporter = EXPORTERS[protocol](collector, {
    queue: { retry: { initialMs: 5, maxMs: 20 } },
    ...options,
  });
  cleanups.push(() => exporter.shutdown().catch(() => {}));
  return exporter;
}

/** Keeps what is exported, so that it can be exported by another exporter as well. */
function keeping(exporter: LogRecordExporter) {
  const records: ReadableLogRecord[] = [];
  const kept: LogRecordExporter = {
    export(batch, callback) {
      records.push(...batch);
      exporter.export(batch, callback);
    },
    forceFlush: () => exporter.forceFlush(),
    shutdown: () => exporter.shutdown(),
  };
  return { exporter: kept, records };
}

function emitShop(provider: LoggerProvider): void {
  const logger = provider.getLogger('shop', '1.2.3', { schemaUrl: 'https://example.com/scope' });
  const other = provider.getLogger('other');
  for (let i = 0; i < 20; i++) {
    logger.emit({
      timestamp: [1_700_000_000, i],
      severityNumber: 9,
      severityText: 'INFO',
      body: `größe ${i}`,
      attributes: { n: i, ratio: i / 3, yes: true, list: ['a', 'b'], text: `wert ${i}` },
    });
    other.emit({ timestamp: [1_700_000_001, i], eventName: 'done', body: { order: { n: i } } });
  }
}

const byTime = (collector: Collector) =>
  collector.logs().sort((a, b) => Number(a.timeUnixNano - b.timeUnixNano));

describe.each(Object.keys(EXPORTERS) as Protocol[])('exporters/%s', (protocol) => {
  it.each(['none', 'gzip'])(
    'delivers what upstream delivers, compression %s',
    async (compression) => {
      const ours = await collecting();
      const theirs = await collecting();
      const kept = keeping(exporterTo(ours, protocol, { compression }));
      const provider = new LoggerProvider({
        resource: {
          attributes: { 'service.name': 'shop' },
          schemaUrl: 'https://example.com/r',
        } as never,
        processors: [new BatchLogRecordProcessor({ exporter: kept.exporter })],
      });
      emitShop(provider);
      await provider.forceFlush();
      const [serializer, type] =
        protocol === 'http'
          ? [JsonLogsSerializer, 'application/json']
          : [ProtobufLogsSerializer, 'application/x-protobuf'];
      await fetch(`${theirs.url}/v1/logs`, {
        method: 'POST',
        headers: { 'content-type': type },
        body: serializer.serializeRequest(kept.records) as Uint8Array<ArrayBuffer>,
      });
      expect(kept.records).toHaveLength(40);
      expect(byTime(ours)).toEqual(byTime(theirs));
      expect(ours.requests().map(({ signal }) => signal)).toEqual(['logs']);
      await provider.shutdown();
    },
  );

  it('under a SimpleLogRecordProcessor: every record', async () => {
    const collector = await collecting();
    const exporter = exporterTo(collector, protocol, { concurrencyLimit: 3 });
    const provider = new LoggerProvider({
      processors: [new SimpleLogRecordProcessor({ exporter })],
    });
    for (let i = 0; i < 100; i++) provider.getLogger('t').emit({ body: i });
    await provider.forceFlush();
    await exporter.forceFlush();
    expect(collector.logs()).toHaveLength(100);
    expect(exporter.health().signals.logs).toMatchObject({ recorded: 100, sent: 100, queued: 0 });
    await provider.shutdown();
  });
});

describe('a collector with faults', () => {
  it('that is away: the processor goes on, and the records arrive', async () => {
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const collector = await collecting();
    const exporter = exporterTo(collector, 'proto');
    const processor = new BatchLogRecordProcessor({ exporter });
    const provider = new LoggerProvider({ processors: [processor] });
    await collector.fault({ kind: 'status', status: 503 });
    for (let round = 1; round <= 3; round++) {
      for (let i = 0; i < 100; i++) provider.getLogger('t').emit({ body: i });
      await processor.forceFlush();
      expect(exporter.health().signals.logs).toMatchObject({ recorded: 100 * round, sent: 0 });
    }
    expect(said.mock.calls.map(([line]) => line)).toEqual([
      expect.stringMatching(
        /^otlp-wasm: the collector does not answer, log records wait: 100 log records kept, to/,
      ),
    ]);
    await collector.fault(null);
    await exporter.forceFlush();
    expect(collector.logs()).toHaveLength(300);
    await provider.shutdown();
  });

  it('that takes a part: what it refused is counted and said', async () => {
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const collector = await collecting();
    const exporter = exporterTo(collector, 'http');
    const processor = new BatchLogRecordProcessor({ exporter });
    const provider = new LoggerProvider({ processors: [processor] });
    await collector.fault({ kind: 'partial', rejected: 2, message: 'too old' });
    for (let i = 0; i < 5; i++) provider.getLogger('t').emit({ body: i });
    await processor.forceFlush();
    expect(exporter.health().signals.logs).toMatchObject({ sent: 3, rejected: 2 });
    expect(String(said.mock.calls[0]?.[0])).toMatch(
      /^otlp-wasm: 2 log records lost \(rejected 2\).*too old/,
    );
    await provider.shutdown();
  });

  it('what is no log record is counted, and others of its batch are sent', async () => {
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const collector = await collecting();
    const exporter = exporterTo(collector, 'proto');
    const kept = keeping(exporter);
    const processor = new SimpleLogRecordProcessor({ exporter: kept.exporter });
    new LoggerProvider({ processors: [processor] }).getLogger('t').emit({ body: 'good' });
    const answer = await new Promise((resolve) => {
      exporter.export([...kept.records, {} as never], resolve);
    });
    expect(answer).toMatchObject({ code: 1 });
    expect(collector.logs().map(({ body }) => body)).toEqual(['good', 'good']);
    expect(exporter.health().signals.logs.dropped).toMatchObject({ unreadable: 1 });
    expect(String(said.mock.calls[0]?.[0])).toContain('no log record of an OpenTelemetry SDK');
  });
});

describe('variables', () => {
  async function sent(exporter: LogRecordExporter, collector: Collector) {
    cleanups.push(() => exporter.shutdown().catch(() => {}));
    const processor = new BatchLogRecordProcessor({ exporter });
    new LoggerProvider({ processors: [processor] }).getLogger('t').emit({ body: 'b' });
    await processor.forceFlush();
    return collector.requests()[0]!;
  }

  it('of all signals: the path of logs is appended', async () => {
    const collector = await collecting();
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', collector.url);
    vi.stubEnv('OTEL_EXPORTER_OTLP_HEADERS', 'x-all=1');
    const request = await sent(new ProtoExporter(), collector);
    expect(request).toMatchObject({ signal: 'logs', headers: { 'x-all': '1' } });
  });

  it('of logs win, and those of traces are not read', async () => {
    const collector = await collecting();
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', 'http://127.0.0.1:1');
    vi.stubEnv('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'http://127.0.0.1:1/v1/traces');
    vi.stubEnv('OTEL_EXPORTER_OTLP_TRACES_HEADERS', 'x-traces=1');
    vi.stubEnv('OTEL_EXPORTER_OTLP_LOGS_ENDPOINT', `${collector.url}/v1/logs`);
    vi.stubEnv('OTEL_EXPORTER_OTLP_LOGS_HEADERS', 'x-logs=1');
    vi.stubEnv('OTEL_EXPORTER_OTLP_LOGS_COMPRESSION', 'gzip');
    const request = await sent(new JsonExporter(), collector);
    expect(request).toMatchObject({ contentEncoding: 'gzip', headers: { 'x-logs': '1' } });
    expect(request.headers).not.toHaveProperty('x-traces');
  });

  it('of logs, for gRPC', async () => {
    const collector = await collecting();
    vi.stubEnv('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'http://127.0.0.1:1');
    vi.stubEnv('OTEL_EXPORTER_OTLP_LOGS_ENDPOINT', collector.grpcUrl!);
    await sent(new GrpcExporter(), collector);
    expect(collector.logs()).toHaveLength(1);
  });
});
