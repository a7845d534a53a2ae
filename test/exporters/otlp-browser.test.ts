import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { OTLPTraceExporter as JsonExporter } from '../../src/runtime/browser/exporter-http.ts';
import { OTLPTraceExporter as ProtoExporter } from '../../src/runtime/browser/exporter-proto.ts';
import { OTLPTraceExporter as DenoExporter } from '../../src/runtime/deno/exporter-proto.ts';
import { decodeRequest } from '../../src/workbench/collector/decode.ts';
import { endedSpans } from '../support/otlp-exporter.ts';

// The fetch variant, with a fetch that is none.

interface Call {
  readonly url: string;
  readonly init: RequestInit & { headers: Headers; body: Uint8Array };
}

let calls: Call[];
let answer: () => Response | Promise<Response>;

beforeEach(() => {
  calls = [];
  answer = () => new Response(null, { status: 200 });
  vi.stubGlobal('fetch', async (url: string, init: never) => {
    calls.push({ url, init });
    return answer();
  });
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

describe('in a browser', () => {
  it.each([
    ['proto', ProtoExporter, 'protobuf', 'application/x-protobuf'],
    ['http', JsonExporter, 'json', 'application/json'],
  ] as const)(
    'exporters/%s posts what a span processor gives it',
    async (_, Exporter, format, type) => {
      const exporter = new Exporter({ headers: { 'x-tenant': 'a' } });
      const processor = new BatchSpanProcessor({ exporter });
      const tracer = new TracerProvider({ spanProcessors: [processor] }).getTracer('t');
      for (let i = 0; i < 3; i++) tracer.startSpan(`s${i}`).end();
      await processor.forceFlush();
      expect(calls.map(({ url }) => url)).toEqual(['http://localhost:4318/v1/traces']);
      const { headers, body, keepalive } = calls[0]!.init;
      expect(Object.fromEntries(headers)).toEqual({ 'content-type': type, 'x-tenant': 'a' });
      expect(keepalive).toBe(true);
      const names = decodeRequest('traces', format, body).spans.map(({ name }) => name);
      expect(names).toEqual(['s0', 's1', 's2']);
      await processor.shutdown();
    },
  );

  it('compresses, where that is asked for', async () => {
    const exporter = new ProtoExporter({ compression: 'gzip' });
    exporter.export(endedSpans(50), () => {});
    await exporter.forceFlush();
    expect(calls[0]?.init.headers.get('content-encoding')).toBe('gzip');
    expect([...calls[0]!.init.body.subarray(0, 2)]).toEqual([0x1f, 0x8b]);
  });

  it('takes a url relative to the page', async () => {
    vi.stubGlobal('location', { href: 'https://shop.test/cart/items?x=1' });
    const exporter = new ProtoExporter({ url: '/telemetry' });
    exporter.export(endedSpans(1), () => {});
    await exporter.forceFlush();
    expect(calls[0]?.url).toBe('https://shop.test/telemetry');
  });

  it('reads no variables', async () => {
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', 'http://elsewhere:1');
    expect(new ProtoExporter().health().endpoints[0]?.url).toBe('http://localhost:4318/v1/traces');
  });

  it('sends what a hidden page exports without waiting for a turn it may not get', async () => {
    vi.stubGlobal('document', { visibilityState: 'hidden' });
    const exporter = new ProtoExporter();
    exporter.export(endedSpans(1), () => {});
    await Promise.resolve();
    expect(calls).toHaveLength(1);
    await exporter.shutdown();
  });

  it('asks for headers before every attempt', async () => {
    let attempts = 0;
    answer = () => new Response(null, { status: ++attempts === 1 ? 503 : 200 });
    const exporter = new ProtoExporter({
      headers: async () => ({ 'x-attempt': String(attempts) }),
      queue: { retry: { initialMs: 1 } },
    });
    exporter.export(endedSpans(1), () => {});
    await exporter.forceFlush();
    expect(calls.map(({ init }) => init.headers.get('x-attempt'))).toEqual(['0', '1']);
  });

  it('sends nothing without the headers that are asked for, and keeps the spans', async () => {
    let works = false;
    const exporter = new ProtoExporter({
      headers: () => {
        if (!works) throw new Error('not signed in');
        return {};
      },
      queue: { retry: { initialMs: 1, maxMs: 2 } },
    });
    const result = await new Promise<{ error?: Error }>((resolve) => {
      exporter.export(endedSpans(1), resolve);
    });
    expect(result.error?.message).toContain('1 span kept');
    expect(result.error?.message).toContain('headers cannot be had: not signed in');
    expect(calls).toEqual([]);
    works = true;
    await exporter.forceFlush();
    expect(calls).toHaveLength(1);
  });
});

describe('in Deno', () => {
  it('reads the variables that may be read', async () => {
    const variables: Record<string, string> = {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector.test:4318',
      OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=a',
    };
    vi.stubGlobal('Deno', {
      env: { get: (name: string) => variables[name] },
      permissions: { querySync: () => ({ state: 'granted' }) },
      unrefTimer() {},
    });
    const exporter = new DenoExporter();
    exporter.export(endedSpans(1), () => {});
    await exporter.forceFlush();
    expect(calls[0]?.url).toBe('http://collector.test:4318/v1/traces');
    expect(calls[0]?.init.headers.get('x-tenant')).toBe('a');
    expect(calls[0]?.init.headers.get('user-agent')).toMatch(/^OTel-OTLP-Exporter-JavaScript\//);
  });
});
