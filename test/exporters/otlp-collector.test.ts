import { context, diag, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import {
  BatchSpanProcessor,
  type ReadableSpan,
  SimpleSpanProcessor,
  type SpanExporter,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { OTLPExporterConfig } from '../../src/exporters/exporter-options.ts';
import { OTLPTraceExporter as JsonExporter } from '../../src/runtime/node/exporter-http.ts';
import { OTLPTraceExporter as ProtoExporter } from '../../src/runtime/node/exporter-proto.ts';
import { type Collector, startCollector } from '../../src/workbench/collector/index.ts';
import { unaccounted } from '../support/otlp-exporter.ts';

// Upstream's SDK as its users set it up, a real collector on loopback, and our exporters between.

const EXPORTERS = { proto: ProtoExporter, http: JsonExporter };
type Protocol = keyof typeof EXPORTERS;
const PROTOCOLS = Object.keys(EXPORTERS) as Protocol[];

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanups.splice(0).reverse()) await cleanUp();
  vi.restoreAllMocks();
  trace.disable();
  context.disable();
  propagation.disable();
  diag.disable();
});

async function collecting(): Promise<Collector> {
  const collector = await startCollector({ port: 0 });
  cleanups.push(() => collector.close());
  return collector;
}

function exporterTo(collector: Collector, protocol: Protocol, options: OTLPExporterConfig = {}) {
  const exporter = new EXPORTERS[protocol]({
    url: `${collector.url}/v1/traces`,
    queue: { retry: { initialMs: 5, maxMs: 20 } },
    ...options,
  });
  cleanups.push(() => exporter.shutdown().catch(() => {}));
  return exporter;
}

/** Keeps what is exported, so that it can be exported by another exporter as well. */
function keeping(exporter: SpanExporter): { exporter: SpanExporter; spans: ReadableSpan[] } {
  const spans: ReadableSpan[] = [];
  return {
    spans,
    exporter: {
      export(batch, callback) {
        spans.push(...batch);
        exporter.export(batch, callback);
      },
      forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
      shutdown: () => exporter.shutdown(),
    },
  };
}

function recordShop(provider: TracerProvider): void {
  const tracer = provider.getTracer('shop', '1.2.3', { schemaUrl: 'https://example.com/scope' });
  const other = provider.getTracer('other');
  const remote = {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    traceFlags: 1,
    isRemote: true,
  };
  const parent = trace.setSpanContext(context.active(), remote);
  for (let i = 0; i < 20; i++) {
    const span = tracer.startSpan(
      'GET /größe',
      {
        kind: SpanKind.SERVER,
        attributes: {
          n: i,
          ratio: i / 3,
          text: `wert ${i}`,
          yes: true,
          list: ['a', 'b'],
          ints: [1, 2],
        },
        links: [
          { context: { ...remote, spanId: '00f067aa0ba902b7' }, attributes: { why: 'retry' } },
        ],
      },
      parent,
    );
    span.addEvent('cache miss', { key: `k${i}` });
    if (i % 3 === 0) span.setStatus({ code: SpanStatusCode.ERROR, message: 'nicht da' });
    span.recordException(new TypeError('größe'));
    const child = other.startSpan('query', { kind: SpanKind.CLIENT }, trace.setSpan(parent, span));
    child.end();
    span.end();
  }
}

describe.each(PROTOCOLS)('exporters/%s', (protocol) => {
  it.each(['none', 'gzip'])(
    'delivers what upstream delivers, compression %s',
    async (compression) => {
      const ours = await collecting();
      const theirs = await collecting();
      const kept = keeping(exporterTo(ours, protocol, { compression }));
      const provider = new TracerProvider({
        resource: {
          attributes: { 'service.name': 'shop' },
          schemaUrl: 'https://example.com/r',
        } as never,
        spanProcessors: [new BatchSpanProcessor({ exporter: kept.exporter })],
      });
      recordShop(provider);
      await provider.forceFlush();
      const [serializer, type] =
        protocol === 'proto'
          ? [ProtobufTraceSerializer, 'application/x-protobuf']
          : [JsonTraceSerializer, 'application/json'];
      await fetch(`${theirs.url}/v1/traces`, {
        method: 'POST',
        headers: { 'content-type': type },
        body: serializer.serializeRequest(kept.spans) as Uint8Array<ArrayBuffer>,
      });
      expect(kept.spans).toHaveLength(40);
      const bySpanId = (collector: Collector) =>
        collector.traces().sort((a, b) => (a.spanId < b.spanId ? -1 : 1));
      expect(bySpanId(ours)).toEqual(bySpanId(theirs));
      expect(ours.requests()[0]).toMatchObject({
        contentType: type,
        contentEncoding: compression === 'gzip' ? 'gzip' : 'identity',
        userAgent: expect.stringMatching(/^OTel-OTLP-Exporter-JavaScript\/\d/),
      });
      await provider.shutdown();
    },
  );

  it('under a SimpleSpanProcessor: every span, more at once than may be in flight', async () => {
    const collector = await collecting();
    const exporter = exporterTo(collector, protocol, { concurrencyLimit: 3 });
    const provider = new TracerProvider({
      spanProcessors: [new SimpleSpanProcessor({ exporter })],
    });
    const tracer = provider.getTracer('t');
    for (let i = 0; i < 200; i++) tracer.startSpan(`s${i}`).end();
    await provider.forceFlush();
    expect(collector.traces()).toHaveLength(200);
    expect(exporter.health().signals.traces).toMatchObject({
      recorded: 200,
      sent: 200,
      requests: 200,
    });
    await provider.shutdown();
  });
});

describe('a collector with faults', () => {
  it.each([
    { kind: 'refuse' },
    { kind: 'status', status: 503 },
    { kind: 'status', status: 429, retryAfter: 0 },
    { kind: 'cut', when: 'headers' },
    { kind: 'cut', when: 'body' },
  ] as const)('%j: the processor goes on, and the spans arrive', async (fault) => {
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const collector = await collecting();
    const exporter = exporterTo(collector, 'proto');
    const processor = new BatchSpanProcessor({ exporter });
    const provider = new TracerProvider({ spanProcessors: [processor] });
    await collector.fault(fault);
    for (let round = 1; round <= 3; round++) {
      for (let i = 0; i < 100; i++) provider.getTracer('t').startSpan(`s${i}`).end();
      await processor.forceFlush();
      expect(exporter.health().signals.traces).toMatchObject({ recorded: 100 * round, sent: 0 });
      expect(unaccounted(exporter.health())).toBe(0);
    }
    expect(said.mock.calls.map(([line]) => line)).toEqual([
      expect.stringMatching(
        /^otlp-wasm: the collector does not answer, spans wait: 100 spans kept, to/,
      ),
    ]);
    await collector.fault(null);
    await exporter.forceFlush();
    expect(collector.traces()).toHaveLength(300);
    expect(exporter.health().signals.traces).toMatchObject({ sent: 300, queued: 0 });
    expect(exporter.health().endpoints[0]).toMatchObject({ state: 'ok' });
    await provider.shutdown();
  });

  it('the shutdown of the SDK waits for what was kept', async () => {
    vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const collector = await collecting();
    const exporter = exporterTo(collector, 'proto');
    const provider = new TracerProvider({ spanProcessors: [new BatchSpanProcessor({ exporter })] });
    await collector.fault({ kind: 'refuse' });
    for (let i = 0; i < 100; i++) provider.getTracer('t').startSpan(`s${i}`).end();
    await provider.forceFlush();
    provider.getTracer('t').startSpan('last').end();
    const down = provider.shutdown();
    await collector.fault(null);
    await down;
    expect(collector.traces()).toHaveLength(101);
    expect(exporter.health().signals.traces).toMatchObject({ sent: 101, queued: 0 });
  });

  it('a partial success is a success for the processor, and is said', async () => {
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const collector = await collecting();
    const exporter = exporterTo(collector, 'http');
    const processor = new BatchSpanProcessor({ exporter });
    const provider = new TracerProvider({ spanProcessors: [processor] });
    await collector.fault({ kind: 'partial', rejected: 2, message: 'too old' });
    for (let i = 0; i < 5; i++) provider.getTracer('t').startSpan(`s${i}`).end();
    await processor.forceFlush();
    expect(exporter.health().signals.traces).toMatchObject({ sent: 3, rejected: 2 });
    expect(String(said.mock.calls[0]?.[0])).toMatch(
      /^otlp-wasm: 2 spans lost \(rejected 2\).*too old/,
    );
    await provider.shutdown();
  });

  it('a refusal for good reaches the processor', async () => {
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const collector = await collecting();
    const processor = new BatchSpanProcessor({ exporter: exporterTo(collector, 'proto') });
    const provider = new TracerProvider({ spanProcessors: [processor] });
    await collector.fault({ kind: 'status', status: 401, message: 'who are you' });
    provider.getTracer('t').startSpan('s').end();
    await expect(processor.forceFlush()).rejects.toThrow('1 span rejected: HTTP 401: who are you');
    expect(said).toHaveBeenCalledTimes(1);
    await provider.shutdown();
  });

  it('a server that never answers: the attempt ends in time', async () => {
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const collector = await collecting();
    const exporter = exporterTo(collector, 'proto', { timeoutMillis: 20 });
    const processor = new BatchSpanProcessor({ exporter });
    const provider = new TracerProvider({ spanProcessors: [processor] });
    await collector.fault({ kind: 'hang' });
    provider.getTracer('t').startSpan('s').end();
    await processor.forceFlush();
    expect(String(said.mock.calls[0]?.[0])).toContain('no answer within 20 ms');
    await collector.fault(null);
    await exporter.forceFlush();
    expect(collector.traces()).toHaveLength(1);
  });
});

describe('headers that are asked for', () => {
  const flushed = async (
    collector: Collector,
    options: OTLPExporterConfig,
    protocol: Protocol = 'proto',
  ) => {
    const exporter = exporterTo(collector, protocol, options);
    const processor = new BatchSpanProcessor({ exporter });
    const provider = new TracerProvider({ spanProcessors: [processor] });
    provider.getTracer('t').startSpan('s').end();
    return { exporter, flush: processor.forceFlush() };
  };

  it.each([
    ['a function', () => ({ 'x-tenant': 'a', 'x-n': 5 as never })],
    ['an asynchronous one', async () => ({ 'x-tenant': 'a', 'x-n': '5' })],
  ])('%s is asked before every attempt', async (_, answer) => {
    const collector = await collecting();
    await collector.fault({ kind: 'status', status: 503, times: 1 });
    const headers = vi.fn(answer);
    const { flush } = await flushed(collector, { headers });
    await flush;
    expect(headers).toHaveBeenCalledTimes(2);
    for (const request of collector.requests()) {
      expect(request.headers).toMatchObject({ 'x-tenant': 'a', 'x-n': '5' });
    }
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('token service is away');
      },
      'token service is away',
    ],
    [
      'rejects',
      async () => {
        throw new Error('token service is away');
      },
      'token service is away',
    ],
    ['answers nothing', () => undefined, 'returned undefined, not an object'],
    ['answers nonsense', () => ({ 'x-a': 'line\nbreak' }), "'x-a' whose value has characters"],
    ['does not answer', () => new Promise(() => {}), 'no answer within 500 ms'],
  ])('one that %s loses nothing', async (_, broken, reason) => {
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const collector = await collecting();
    let works = false;
    const headers = () => (works ? { 'x-tenant': 'a' } : broken()) as never;
    const { exporter, flush } = await flushed(collector, {
      headers,
      // an attempt may take as long, too
      timeoutMillis: reason.startsWith('no answer') ? 500 : 10_000,
    });
    await flush;
    expect(exporter.health().signals.traces).toMatchObject({ queued: 1 });
    const line = String(said.mock.calls[0]?.[0]);
    expect(line).toContain('1 span kept');
    expect(line).toContain(`headers cannot be had: `);
    expect(line).toContain(reason);
    expect(collector.requests()).toEqual([]);
    works = true;
    await exporter.forceFlush();
    expect(collector.requests().at(-1)?.headers).toMatchObject({ 'x-tenant': 'a' });
    expect(collector.traces()).toHaveLength(1);
  });

  it.each([
    ['asked for', async () => ({ authorization: 'Bearer tip-top-secret' })],
    ['given', { authorization: 'Bearer tip-top-secret' }],
  ])('values that were %s are shown nowhere', async (_, headers) => {
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const collector = await collecting();
    // A server that quotes what it was sent.
    const message = 'no such token: Bearer tip-top-secret';
    await collector.fault({ kind: 'status', status: 401, message });
    const { exporter, flush } = await flushed(collector, { headers: headers as never });
    const error = await flush.catch((rejected: Error) => rejected);
    expect(String(error)).toContain('no such token');
    const shown = [String(error), JSON.stringify(exporter.health()), said.mock.calls.join()].join();
    expect(shown).not.toContain('secret');
  });
});

describe('the end of a program', () => {
  it('after the exporter was shut down nothing is sent, and that is counted', async () => {
    vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const collector = await collecting();
    const exporter = exporterTo(collector, 'proto');
    await exporter.shutdown();
    const processor = new SimpleSpanProcessor({ exporter });
    new TracerProvider({ spanProcessors: [processor] }).getTracer('t').startSpan('s').end();
    await processor.forceFlush().catch(() => {});
    expect(exporter.health().signals.traces.dropped.after_shutdown).toBe(1);
    expect(collector.requests()).toEqual([]);
  });

  it('listens for the end while it has something to say, and not after its shutdown', async () => {
    const before = process.listenerCount('exit');
    const collector = await collecting();
    const exporter = exporterTo(collector, 'proto');
    expect(process.listenerCount('exit')).toBe(before);
    exporter.export([], () => {});
    const processor = new SimpleSpanProcessor({ exporter });
    new TracerProvider({ spanProcessors: [processor] }).getTracer('t').startSpan('s').end();
    await processor.forceFlush();
    expect(process.listenerCount('exit')).toBe(before + 1);
    await exporter.shutdown();
    expect(process.listenerCount('exit')).toBe(before);
    expect(process.listenerCount('SIGTERM')).toBe(0);
  });
});
