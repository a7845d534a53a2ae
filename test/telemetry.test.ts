import { join } from 'node:path';
import {
  context as contextApi,
  propagation as propagationApi,
  ROOT_CONTEXT,
  type Tracer,
  trace as traceApi,
} from '@opentelemetry/api';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AsyncLocalStorageContextManager } from '../src/runtime/node/context-manager.ts';
import { isOtlpError, start, type Telemetry } from '../src/runtime/node/index.ts';
import {
  type Collector,
  type CollectorOptions,
  startCollector,
} from '../src/workbench/collector/index.ts';
import { bundle, ROOT, runNode, temporaryFolder } from './support/bundle.ts';
import { ENGINE_NAMES } from './support/engines.ts';
import { started } from './support/telemetry.ts';

const collectors: Collector[] = [];
const telemetries: Telemetry[] = [];

async function collect(options: CollectorOptions = {}): Promise<Collector> {
  const collector = await startCollector({ port: 0, ...options });
  collectors.push(collector);
  return collector;
}

function run(...options: Parameters<typeof start>): Telemetry {
  const telemetry = start(...options);
  telemetries.push(telemetry);
  return telemetry;
}

afterEach(async () => {
  await Promise.all(collectors.splice(0).map((collector) => collector.close()));
  await Promise.all(telemetries.splice(0).map((telemetry) => telemetry.shutdown()));
});

function record(tracer: Tracer, count: number): void {
  for (let i = 0; i < count; i++) {
    tracer.startSpan(`span ${i}`, { attributes: { 'request.number': i, route: '/users' } }).end();
  }
}

describe.each(ENGINE_NAMES)('to a real collector, on the engine %s', (engine) => {
  it('a burst of 20 000 spans in one tick, then shutdown: all of them arrive', async () => {
    const collector = await collect();
    const telemetry = run({ endpoint: collector.url, engine });
    record(telemetry.tracer('burst'), 20_000);
    const report = await telemetry.shutdown();
    expect(report).toEqual({
      complete: true,
      recorded: 20_000,
      sent: 20_000,
      rejected: 0,
      dropped: 0,
      queued: 0,
      lastError: undefined,
    });
    const numbers = collector.traces().map(({ attributes }) => attributes['request.number']);
    expect(numbers).toHaveLength(20_000);
    expect(new Set(numbers).size).toBe(20_000);
    expect(collector.requests().every((request) => request.contentEncoding === 'gzip')).toBe(true);
    expect(telemetry.health().memory.engineBytes).toBeLessThanOrEqual(16 * 1024 * 1024);
  });

  it('one span with everything, as it was recorded', async () => {
    const collector = await collect();
    const telemetry = run({ endpoint: collector.url, engine, serviceName: 'shop' });
    const tracer = telemetry.tracer('lib', '1.0');
    const parent = tracer.startSpan('parent');
    const span = tracer.startSpan(
      'GET /',
      { kind: 1, attributes: { a: [1, 2] }, links: [{ context: parent.spanContext() }] },
      traceApi.setSpan(ROOT_CONTEXT, parent),
    );
    span.addEvent('e', { b: true }).setStatus({ code: 2, message: 'no' }).end();
    parent.end();
    expect(await telemetry.flush()).toMatchObject({ complete: true, sent: 2 });
    const { traceId, spanId } = parent.spanContext();
    expect(collector.traces()).toMatchObject([
      {
        name: 'GET /',
        traceId,
        parentSpanId: spanId,
        kind: 2,
        attributes: { a: [1, 2] },
        events: [{ name: 'e', attributes: { b: true } }],
        links: [{ traceId, spanId }],
        status: { code: 2, message: 'no' },
        scope: { name: 'lib', version: '1.0' },
        resource: { attributes: { 'service.name': 'shop', 'process.pid': process.pid } },
      },
      { name: 'parent' },
    ]);
    const request = collector.requests()[0];
    expect(request).toMatchObject({
      path: '/v1/traces',
      contentType: 'application/x-protobuf',
      userAgent: expect.stringMatching(/^OTel-OTLP-Exporter-JavaScript\//),
    });
  });
});

describe('a collector', () => {
  it('that is down: flush says so, shutdown drops and counts', async () => {
    const collector = await collect();
    await collector.close();
    const telemetry = run({
      endpoint: collector.url,
      flushTimeoutMs: 3000,
      // The first retry lies beyond the deadline, mostly: no need to wait for it.
      queue: { retry: { initialMs: 1e9, maxMs: 1e9 } },
    });
    record(telemetry.tracer('t'), 7);
    expect(await telemetry.flush()).toMatchObject({
      complete: false,
      recorded: 7,
      sent: 0,
      queued: 7,
      lastError: expect.stringContaining('ECONNREFUSED'),
    });
    expect(telemetry.health().endpoints[0]).toMatchObject({
      state: 'failing',
      url: `${collector.url}/v1/traces`,
    });
    expect(await telemetry.shutdown()).toMatchObject({ complete: false, dropped: 7, queued: 0 });
    expect(telemetry.health().signals.traces.dropped).toMatchObject({ shutdown: 7 });
  });

  it('that answers late: flush resolves after the answer', async () => {
    const collector = await collect();
    await collector.fault({ kind: 'delay', delayMs: 100 });
    const telemetry = run({ endpoint: collector.url });
    record(telemetry.tracer('t'), 5);
    const flush = telemetry.flush();
    await collector.waitFor({ requests: 1 });
    expect(await flush).toMatchObject({ complete: true, sent: 5 });
    expect(collector.stats()).toMatchObject({ accepted: 1, spans: 5 });
  });

  it('that wants credentials gets them, and none of them shows', async () => {
    const collector = await collect();
    await collector.fault({ kind: 'status', status: 403, message: 'bad key hunter2hunter2' });
    const url = new URL(collector.url);
    url.username = 'user';
    url.password = 'hunter2hunter2';
    const telemetry = run({ endpoint: url.href, headers: { 'x-key': 'also-a-secret' } });
    record(telemetry.tracer('t'), 1);
    expect(await telemetry.flush()).toMatchObject({ complete: true, rejected: 1 });
    expect(collector.requests()[0]?.headers).toMatchObject({ authorization: '[redacted]' });
    const shown = JSON.stringify([await telemetry.flush(), telemetry.health()]);
    expect(shown).toContain('HTTP 403: bad key ***');
    expect(shown).not.toMatch(/hunter2|also-a-secret/);
  });
});

describe('start', () => {
  it('refuses what it cannot use, and starts nothing then', () => {
    const listeners = process.listenerCount('beforeExit');
    for (const options of [{ endpoint: 'nowhere' }, { ringBytes: 5 }, { engine: 'fast' }]) {
      try {
        start(options as never);
        expect.unreachable('started');
      } catch (error) {
        expect(isOtlpError(error)).toBe(true);
      }
    }
    expect(process.listenerCount('beforeExit')).toBe(listeners);
  });

  it('watches for the end of the process until shutdown, unless told not to', async () => {
    const listeners = () =>
      ['beforeExit', 'exit', 'SIGTERM', 'SIGINT'].map((event) => process.listenerCount(event));
    const before = listeners();
    const quiet = run({ flushOnExit: false });
    expect(listeners()).toEqual(before);
    const first = run();
    const second = run();
    expect(listeners()).toEqual(before.map((count) => count + 1));
    await first.shutdown();
    expect(listeners()).toEqual(before.map((count) => count + 1));
    await second.shutdown();
    expect(listeners()).toEqual(before);
    await quiet.shutdown();
  });
});

describe('register', () => {
  const withContext = () => ({ contextManager: () => new AsyncLocalStorageContextManager() });

  it('installs the globals, shutdown gives them back', async () => {
    const { arrived, host, telemetry, traces } = started({}, withContext());
    const early = traceApi.getTracer('early');
    expect(telemetry.register()).toBe(telemetry);
    early.startActiveSpan('outer', (outer) => {
      const carrier: Record<string, string> = {};
      propagationApi.inject(contextApi.active(), carrier);
      const { traceId, spanId } = outer.spanContext();
      expect(carrier['traceparent']).toBe(`00-${traceId}-${spanId}-03`);
      traceApi.getTracer('inner', '1').startSpan('inner').end();
      outer.end();
    });
    expect((await arrived()).map(({ name, scope }) => [name, scope.name])).toEqual([
      ['inner', 'inner'],
      ['outer', 'early'],
    ]);
    const down = telemetry.shutdown();
    await host.settle();
    await down;
    const after = traceApi.getTracer('after').startSpan('s');
    expect(after.isRecording()).toBe(false);
    expect(propagationApi.fields()).toEqual([]);
    contextApi.with(ROOT_CONTEXT.setValue(Symbol.for('k'), 1), () => {
      expect(contextApi.active()).toBe(ROOT_CONTEXT);
    });
    expect(traces()).toMatchObject({ recorded: 2 });
    expect(host.warnings).toEqual([]);
  });

  it('takes the propagator it was given', async () => {
    const propagator = {
      inject: (_context: unknown, carrier: Record<string, string>) => {
        carrier['x'] = 'mine';
      },
      extract: () => ROOT_CONTEXT,
      fields: () => ['x'],
    };
    const { host, telemetry } = started({ propagator: propagator as never });
    telemetry.register();
    const carrier: Record<string, string> = {};
    propagationApi.inject(ROOT_CONTEXT, carrier);
    expect(carrier).toEqual({ x: 'mine' });
    const down = telemetry.shutdown();
    await host.settle();
    await down;
  });

  it('a second time changes nothing; shutdown still gives everything back', async () => {
    const { host, telemetry } = started({}, withContext());
    telemetry.register().register();
    expect(host.warnings).toEqual([]);
    const down = telemetry.shutdown();
    await host.settle();
    await down;
    expect(traceApi.getTracer('after').startSpan('s').isRecording()).toBe(false);
    expect(propagationApi.fields()).toEqual([]);
  });

  it('of another telemetry is warned of, and does not disturb the first', async () => {
    const first = started({}, withContext());
    const second = started({}, withContext());
    first.telemetry.register();
    second.telemetry.register();
    expect(second.host.warnings).toEqual([
      expect.stringMatching(
        /^otlp-wasm: another OpenTelemetry SDK has registered its tracer provider, meter provider, logger provider, propagator, context manager before; it stays/,
      ),
    ]);
    const down = second.telemetry.shutdown();
    await second.host.settle();
    await down;
    const name = 'still the first';
    traceApi.getTracer('t').startActiveSpan(name, (span) => {
      expect(traceApi.getActiveSpan()).toBe(span);
      span.end();
    });
    expect((await first.arrived()).map((span) => span.name)).toEqual([name]);
    const closed = first.telemetry.shutdown();
    await first.host.settle();
    await closed;
  });
});

describe('the tracer provider, for instrumentation that waits for it', () => {
  it('forceFlush resolves when everything is answered, shutdown closes', async () => {
    const { host, telemetry, tracer, transport } = started();
    tracer.startSpan('a').end();
    const flushed = telemetry.tracerProvider.forceFlush();
    await host.settle();
    await expect(flushed).resolves.toBeUndefined();
    expect(transport.traces()).toHaveLength(1);
    const down = telemetry.tracerProvider.shutdown();
    await host.settle();
    await expect(down).resolves.toBeUndefined();
    expect(transport.closed).toBe(true);
  });

  it('both reject when that takes too long, and say what still waits', async () => {
    const { host, telemetry, tracer, transport } = started({ flushTimeoutMs: 50 });
    transport.always(new Promise(() => {}));
    tracer.startSpan('a').end();
    const flushed = expect(telemetry.tracerProvider.forceFlush()).rejects.toMatchObject({
      code: 'timeout',
      message: expect.stringContaining('forceFlush is not complete, 1 records still wait'),
    });
    await host.advance(60);
    await flushed;
    const down = expect(telemetry.tracerProvider.shutdown()).rejects.toMatchObject({
      code: 'timeout',
    });
    await host.advance(60);
    await down;
  });
});

describe('in a process of its own', () => {
  const folder = temporaryFolder();
  let product = '';
  const fixture = (name: string) => join(ROOT, 'test/fixtures', name);

  beforeAll(async () => {
    product = await bundle('src/runtime/node/index.ts', folder.path);
  });
  afterAll(folder.remove);

  it('exports do not trace themselves with http instrumented', async () => {
    const collector = await collect();
    const { code, stdout, stderr } = await runNode([
      fixture('traces-http.mjs'),
      product,
      collector.url,
    ]);
    expect([code, stderr]).toEqual([0, '']);
    const { report, requests } = JSON.parse(stdout);
    // The server has no suppressed context: it is another side of the wire.
    const seen = collector
      .traces()
      .map(({ kind, attributes }) => [
        kind,
        attributes['url.path'] ?? new URL(String(attributes['url.full'])).pathname,
      ]);
    expect(seen.sort()).toEqual([
      [2, '/suppressed'],
      [2, '/traced'],
      [3, '/traced'],
    ]);
    // The instrumentation measures, too.
    expect(report).toMatchObject({ complete: true, rejected: 0, dropped: 0 });
    expect(report.sent).toBe(report.recorded);
    expect(requests).toBe(2);
  });

  it('nothing is lost when it ends by itself', async () => {
    const collector = await collect();
    const ended = await runNode([fixture('ends.mjs'), product, collector.url, 'by itself']);
    expect(ended).toEqual({ code: 0, signal: null, stdout: '', stderr: '' });
    expect(collector.traces()).toHaveLength(100);
  });

  it('what is lost by process.exit() or a crash is said', async () => {
    const collector = await collect();
    const lost = 'otlp-wasm: 100 spans lost (exit 100)';
    const exited = await runNode([fixture('ends.mjs'), product, collector.url, 'exit']);
    expect(exited).toMatchObject({ code: 3, stderr: expect.stringContaining(lost) });
    const crashed = await runNode([fixture('ends.mjs'), product, collector.url, 'throw']);
    expect(crashed).toMatchObject({ code: 1, stderr: expect.stringContaining(lost) });
    expect(crashed.stderr).toContain('a failure of the program');
  });
});
