/**
 * Rows of the specification's compliance matrix about traces, from `start()` to what arrives.
 * Attributes and their limits: compliance-attributes.test.ts; the active span:
 * ../context/active-span.test.ts; samplers: samplers/.
 */

import {
  type Context,
  context as contextApi,
  createContextKey,
  createTraceState,
  type Exception,
  INVALID_SPAN_CONTEXT,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Sampler,
  type Span,
  type SpanContext,
  SpanStatusCode,
  trace as traceApi,
} from '@opentelemetry/api';
import {
  BatchSpanProcessor,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type SpanProcessor as UpstreamProcessor,
} from '@opentelemetry/sdk-trace';
import { describe, expect, it } from 'vitest';
import { TraceContextPropagator } from '../../../src/api/propagation/trace-context.ts';
import { SCHEMA_URL } from '../../../src/api/resource/schema-url.ts';
import type { SpanProcessor } from '../../../src/api/trace/processors.ts';
import type { ReadableSpan } from '../../../src/api/trace/readable.ts';
import type { Outcome } from '../../../src/deliver/transport.ts';
import type { ReceivedSpan } from '../../../src/workbench/collector/received.ts';
import { settledBy, started, unaccounted } from '../../support/telemetry.ts';

const REMOTE: SpanContext = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: 1,
  isRemote: true,
};
const headersGetter = {
  keys: (carrier: Record<string, string>) => Object.keys(carrier),
  get: (carrier: Record<string, string>, key: string) => carrier[key],
};
const headersSetter = {
  set(carrier: Record<string, string>, key: string, value: string) {
    carrier[key] = value;
  },
};

/** A processor that only does what it is given. */
function processor(parts: Partial<SpanProcessor>): SpanProcessor {
  return {
    onStart() {},
    onEnd() {},
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
    ...parts,
  };
}

/** One span, as it arrives. */
async function one(work: (span: Span) => void): Promise<ReceivedSpan> {
  const { arrived, tracer } = started();
  const span = tracer.startSpan('s');
  work(span);
  span.end();
  const spans = await arrived();
  expect(spans).toHaveLength(1);
  return spans[0]!;
}

/** What `promise` comes to while its host is told to go on. */
async function outcome<T>(promise: Promise<T>, goOn: () => Promise<void>): Promise<T> {
  const { done, value } = await settledBy(promise, goOn);
  expect(done).toBe(true);
  return value as T;
}

describe('TracerProvider', () => {
  it('Create TracerProvider: several in one process know nothing of each other', async () => {
    const first = started({ serviceName: 'first' });
    const second = started({ serviceName: 'second' });
    expect(first.telemetry.tracerProvider).not.toBe(second.telemetry.tracerProvider);
    first.telemetry.tracerProvider.getTracer('t').startSpan('a').end();
    second.telemetry.tracerProvider.getTracer('t').startSpan('b').end();
    for (const [{ arrived }, name, service] of [
      [first, 'a', 'first'],
      [second, 'b', 'second'],
    ] as const) {
      const spans = await arrived();
      expect(spans.map((span) => span.name)).toEqual([name]);
      expect(spans[0]!.resource.attributes['service.name']).toBe(service);
    }
  });

  it('Get a Tracer: by name and version; one without a name works, too', async () => {
    const { arrived, telemetry } = started();
    const provider = telemetry.tracerProvider;
    for (const [name, version] of [['named'], ['named', '1.2.3'], ['']] as const) {
      provider.getTracer(name, version).startSpan('s').end();
    }
    const scopes = (await arrived()).map(({ scope }) => [scope.name, scope.version]);
    expect(scopes).toEqual([
      ['named', ''],
      ['named', '1.2.3'],
      ['unknown', ''],
    ]);
  });

  it('Get a Tracer with schema_url: it is the envelope’s of the scope', async () => {
    const { arrived, telemetry } = started();
    const schemaUrl = 'https://opentelemetry.io/schemas/1.30.0';
    telemetry.tracerProvider.getTracer('t', '1', { schemaUrl }).startSpan('s').end();
    const [span] = await arrived();
    expect(span!.scope.schemaUrl).toBe(schemaUrl);
  });

  it('Get a Tracer with scope attributes: they arrive with the scope, and tell tracers apart', async () => {
    const { arrived, telemetry } = started();
    const provider = telemetry.tracerProvider;
    const withAttributes = (attributes: object) =>
      provider.getTracer('pool', '1', { attributes } as object);
    const attributes = { 'pool.name': 'main', size: 4, kinds: ['a', 'b'], spare: false };
    withAttributes(attributes).startSpan('a').end();
    withAttributes({ 'pool.name': 'other' }).startSpan('b').end();
    provider.getTracer('pool', '1').startSpan('c').end();
    expect(withAttributes(attributes)).toBe(withAttributes({ ...attributes }));
    const spans = await arrived();
    expect(spans.map(({ name, scope }) => [name, scope.name, scope.attributes])).toEqual([
      ['a', 'pool', attributes],
      ['b', 'pool', { 'pool.name': 'other' }],
      ['c', 'pool', {}],
    ]);
  });

  it('Associate Tracer with InstrumentationScope: each span arrives below the scope of its tracer', async () => {
    const { arrived, telemetry } = started();
    const [http, pg] = [telemetry.tracer('http', '1'), telemetry.tracer('pg', '2')];
    for (const tracer of [http, pg, http]) tracer.startSpan('s').end();
    const spans = await arrived();
    const scopes = spans.map(({ scope }) => `${scope.name}@${scope.version}`).sort();
    expect(scopes).toEqual(['http@1', 'http@1', 'pg@2']);
    // One envelope per scope, not one per span.
    expect(new Set(spans.map(({ scope }) => scope)).size).toBe(2);
  });

  it('Safe for concurrent calls: tracers are got while others record, flush and shut down', async () => {
    const { host, telemetry, traces, transport } = started({ batch: { size: 7 } });
    let made = 0;
    const work = async (n: number) => {
      for (let i = 0; i < 10; i++) {
        telemetry.tracerProvider
          .getTracer(`t${(n + i) % 5}`)
          .startSpan(`${n}.${i}`)
          .end();
        made++;
        await Promise.resolve();
        if (i === n % 10) void telemetry.flush();
      }
    };
    const all = Promise.all(Array.from({ length: 20 }, (_, n) => work(n)));
    await outcome(all, host.settle);
    const [first, second] = [telemetry.shutdown(), telemetry.shutdown()];
    await outcome(Promise.all([first, second, telemetry.flush()]), host.settle);
    expect(made).toBe(200);
    expect(traces()).toMatchObject({ recorded: 200, sent: 200, queued: 0 });
    expect(unaccounted(traces())).toBe(0);
    expect(new Set(transport.traces().map(({ name }) => name)).size).toBe(200);
  });

  it('Shutdown (SDK only required): exports what there is, shuts processors down once, takes no more', async () => {
    const calls: string[] = [];
    const { host, telemetry, tracer, traces, transport } = started({
      spanProcessors: [processor({ shutdown: async () => void calls.push('shutdown') })],
    });
    tracer.startSpan('before').end();
    const report = await outcome(telemetry.shutdown(), host.settle);
    expect(report).toMatchObject({ complete: true, recorded: 1, sent: 1 });
    expect(await telemetry.shutdown()).toBe(report);
    expect(calls).toEqual(['shutdown']);
    expect(transport.closed).toBe(true);
    telemetry.tracerProvider.getTracer('late').startSpan('after').end();
    await host.settle();
    expect(transport.traces().map(({ name }) => name)).toEqual(['before']);
    expect(traces().dropped).toMatchObject({ after_shutdown: 1 });
  });

  it('ForceFlush (SDK only required): resolves when processors and exporter are done, and says whether they were', async () => {
    let release = () => {};
    const flushed = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { host, telemetry, tracer, transport } = started({
      spanProcessors: [processor({ forceFlush: () => flushed })],
    });
    tracer.startSpan('s').end();
    const flush = telemetry.flush();
    expect((await settledBy(flush, host.settle)).done).toBe(false);
    expect(transport.traces()).toHaveLength(1);
    release();
    expect(await outcome(flush, host.settle)).toMatchObject({ complete: true, sent: 1 });

    const failing = started({
      spanProcessors: [processor({ forceFlush: () => Promise.reject(new Error('no')) })],
    });
    const report = await outcome(failing.telemetry.flush(), failing.host.settle);
    expect(report.complete).toBe(false);
  });
});

describe('Tracer', () => {
  it('Create a new Span: with kind, attributes, links and start time', async () => {
    const { arrived, tracer } = started();
    const span = tracer.startSpan('GET /cart', {
      kind: 1,
      attributes: { 'http.request.method': 'GET' },
      links: [{ context: REMOTE }],
      startTime: [1_700_000_000, 5],
    });
    span.end([1_700_000_001, 7]);
    expect(await arrived()).toMatchObject([
      {
        name: 'GET /cart',
        kind: 2,
        attributes: { 'http.request.method': 'GET' },
        links: [{ traceId: REMOTE.traceId, spanId: REMOTE.spanId }],
        startTimeUnixNano: 1_700_000_000_000_000_005n,
        endTimeUnixNano: 1_700_000_001_000_000_007n,
      },
    ]);
  });

  it('Safe for concurrent calls: interleaved and nested calls keep their spans apart', async () => {
    const { host, tracer, arrived } = started();
    const work = async (n: number) => {
      const span = tracer.startSpan(`span ${n}`, { attributes: { n } });
      await Promise.resolve();
      // What is read may itself record.
      span.setAttributes({
        get nested() {
          tracer.startSpan(`nested ${n}`, { attributes: { n: -n } }).end();
          return n;
        },
      });
      await Promise.resolve();
      span.end();
    };
    await outcome(Promise.all(Array.from({ length: 50 }, (_, n) => work(n))), host.settle);
    const spans = await arrived();
    expect(spans).toHaveLength(100);
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(100);
    for (const { name, attributes } of spans) {
      const [kind, n] = name.split(' ') as [string, string];
      expect(attributes).toEqual(
        kind === 'span' ? { n: Number(n), nested: Number(n) } : { n: -Number(n) },
      );
    }
  });
});

describe('SpanContext', () => {
  it('IsValid: that of every span is, whoever its parent was; INVALID_SPAN_CONTEXT is not', () => {
    const { tracer } = started();
    const parents = [undefined, REMOTE, { ...REMOTE, traceFlags: 0 }, INVALID_SPAN_CONTEXT];
    for (const parent of parents) {
      const context =
        parent === undefined ? ROOT_CONTEXT : traceApi.setSpanContext(ROOT_CONTEXT, parent);
      const { traceId, spanId } = tracer.startSpan('s', {}, context).spanContext();
      expect(isSpanContextValid({ traceId, spanId, traceFlags: 0 })).toBe(true);
      expect(traceId).toMatch(/^(?!0+$)[0-9a-f]{32}$/);
      expect(spanId).toMatch(/^(?!0+$)[0-9a-f]{16}$/);
    }
    expect(isSpanContextValid(INVALID_SPAN_CONTEXT)).toBe(false);
  });

  it('IsRemote: true for what was extracted, false for every span of our own', async () => {
    const seen: (boolean | undefined)[] = [];
    const { arrived, tracer } = started({
      spanProcessors: [processor({ onEnd: (s) => seen.push(s.parentSpanContext?.isRemote) })],
    });
    const carrier = { traceparent: `00-${REMOTE.traceId}-${REMOTE.spanId}-01` };
    const context = new TraceContextPropagator().extract(ROOT_CONTEXT, carrier, headersGetter);
    expect(traceApi.getSpanContext(context)!.isRemote).toBe(true);
    const server = tracer.startSpan('server', {}, context);
    expect(server.spanContext().isRemote ?? false).toBe(false);
    const inner = tracer.startSpan('inner', {}, traceApi.setSpan(context, server));
    inner.end();
    server.end();
    expect(seen).toEqual([undefined, true]);
    // Bit 0x100: it is known whether the parent is remote; 0x200: it is.
    expect((await arrived()).map(({ name, flags }) => [name, flags & 0x300])).toEqual([
      ['inner', 0x100],
      ['server', 0x300],
    ]);
  });

  it('Conforms to the W3C TraceContext spec: what one service writes another reads', async () => {
    const [client, server] = [started(), started()];
    const propagator = new TraceContextPropagator();
    const call = client.tracer.startSpan('call', {}, withState('vendor=1'));
    const headers: Record<string, string> = {};
    propagator.inject(traceApi.setSpan(ROOT_CONTEXT, call), headers, headersSetter);
    const { traceId, spanId } = call.spanContext();
    expect(headers).toEqual({
      traceparent: `00-${traceId}-${spanId}-01`,
      tracestate: 'vendor=1',
    });
    const context = propagator.extract(ROOT_CONTEXT, headers, headersGetter);
    server.tracer.startSpan('handle', {}, context).end();
    call.end();
    expect(await server.arrived()).toMatchObject([
      { traceId, parentSpanId: spanId, traceState: 'vendor=1', flags: 0x301 },
    ]);
  });

  it('Support W3C Trace Context Level 2 randomness: roots carry the random flag, and their last 56 bits are', async () => {
    const { arrived, tracer } = started();
    const propagator = new TraceContextPropagator();
    const headers: Record<string, string> = {};
    const ids = Array.from({ length: 400 }, () => {
      const span = tracer.startSpan('root');
      expect(span.spanContext().traceFlags).toBe(3);
      propagator.inject(traceApi.setSpan(ROOT_CONTEXT, span), headers, headersSetter);
      expect(headers['traceparent']!.slice(-3)).toBe('-03');
      const child = tracer.startSpan('child', {}, traceApi.setSpan(ROOT_CONTEXT, span));
      expect(child.spanContext().traceFlags).toBe(3);
      span.end();
      return BigInt(`0x${span.spanContext().traceId.slice(-14)}`);
    });
    // Each bit is one in about half of them: 200 ± 60 is six standard deviations.
    for (let bit = 0n; bit < 56n; bit++) {
      const ones = ids.filter((id) => ((id >> bit) & 1n) === 1n).length;
      expect(Math.abs(ones - 200)).toBeLessThan(60);
    }
    expect((await arrived())[0]!.flags & 0xff).toBe(3);
  });
});

/** The remote parent with a trace state. */
function withState(text: string): Context {
  return traceApi.setSpanContext(ROOT_CONTEXT, { ...REMOTE, traceState: createTraceState(text) });
}

describe('Span', () => {
  it('Create root span: without a parent, and where `root` is asked for', async () => {
    const { arrived, tracer } = started();
    tracer.startSpan('none', {}, ROOT_CONTEXT).end();
    tracer.startSpan('asked', { root: true }, withState('vendor=1')).end();
    const spans = await arrived();
    expect(spans).toMatchObject([
      { parentSpanId: '', traceState: '' },
      { parentSpanId: '', traceState: '' },
    ]);
    expect(new Set([REMOTE.traceId, ...spans.map(({ traceId }) => traceId)]).size).toBe(3);
  });

  it('Create with default parent (active span)', async () => {
    const { arrived, host, telemetry, tracer } = started();
    telemetry.register();
    try {
      const parent = tracer.startSpan('parent');
      const context = traceApi.setSpan(contextApi.active(), parent);
      contextApi.with(context, () => tracer.startSpan('child').end());
      tracer.startSpan('root').end();
      parent.end();
      const { spanId, traceId } = parent.spanContext();
      expect(await arrived()).toMatchObject([
        { name: 'child', traceId, parentSpanId: spanId },
        { name: 'root', parentSpanId: '' },
        { name: 'parent', parentSpanId: '' },
      ]);
    } finally {
      await outcome(telemetry.shutdown(), host.settle);
    }
  });

  it('Create with parent from Context', async () => {
    const { arrived, tracer } = started();
    const local = tracer.startSpan('local');
    tracer.startSpan('below local', {}, traceApi.setSpan(ROOT_CONTEXT, local)).end();
    tracer.startSpan('below remote', {}, withState('vendor=1')).end();
    const { traceId, spanId } = local.spanContext();
    expect(await arrived()).toMatchObject([
      { name: 'below local', traceId, parentSpanId: spanId },
      {
        name: 'below remote',
        traceId: REMOTE.traceId,
        parentSpanId: REMOTE.spanId,
        traceState: 'vendor=1',
      },
    ]);
  });

  it('No explicit parent Span/SpanContext allowed: only a context is a parent', async () => {
    const { arrived, tracer } = started();
    const parent = tracer.startSpan('parent');
    for (const options of [{ parent }, { parent: parent.spanContext() }, parent]) {
      tracer.startSpan('s', options as object).end();
    }
    const spans = await arrived();
    expect(spans).toHaveLength(3);
    for (const span of spans) {
      expect(span.parentSpanId).toBe('');
      expect(span.traceId).not.toBe(parent.spanContext().traceId);
    }
  });

  it('SpanProcessor.OnStart receives parent Context', () => {
    const key = createContextKey('tenant');
    const seen: unknown[] = [];
    const { tracer } = started({
      spanProcessors: [
        processor({
          onStart(span, parentContext) {
            seen.push(parentContext.getValue(key), traceApi.getSpanContext(parentContext));
            seen.push(span.attributes['given'], span.ended);
          },
        }),
      ],
    });
    const context = withState('vendor=1').setValue(key, 'acme');
    tracer.startSpan('s', { attributes: { given: 1 } }, context);
    expect(seen).toEqual(['acme', traceApi.getSpanContext(context), 1, false]);
    seen.length = 0;
    tracer.startSpan('s', {}, ROOT_CONTEXT);
    expect(seen).toEqual([undefined, undefined, undefined, false]);
  });

  it('SpanProcessor.OnStart: processors run in their order and may change the span', async () => {
    const { arrived, tracer } = started({
      spanProcessors: [
        processor({ onStart: (span) => void span.setAttribute('a', 1).updateName('renamed') }),
        processor({
          onStart() {
            throw new Error('of no consequence');
          },
        }),
        processor({ onStart: (span) => void span.setAttribute('b', span.name) }),
      ],
    });
    tracer.startSpan('s').end();
    expect(await arrived()).toMatchObject([
      { name: 'renamed', attributes: { a: 1, b: 'renamed' } },
    ]);
  });

  it('UpdateName: the last one is the name', async () => {
    const { name } = await one((span) => {
      expect(span.updateName('second')).toBe(span);
      span.updateName('GET /cart/{id}');
    });
    expect(name).toBe('GET /cart/{id}');
  });

  it('User-defined start timestamp: a Date, Unix milliseconds, seconds and nanoseconds', async () => {
    const { arrived, tracer } = started();
    const times = [new Date(1_700_000_000_123), 1_700_000_000_123.5, [1_700_000_000, 123_456_789]];
    for (const startTime of times) tracer.startSpan('s', { startTime: startTime as never }).end();
    expect((await arrived()).map(({ startTimeUnixNano }) => startTimeUnixNano)).toEqual([
      1_700_000_000_123_000_000n,
      1_700_000_000_123_500_000n,
      1_700_000_000_123_456_789n,
    ]);
  });

  it('End: takes the time at the call, exports the span once', async () => {
    const { arrived, host, tracer } = started();
    const span = tracer.startSpan('s');
    await host.advance(250);
    span.end();
    await host.advance(250);
    span.end();
    const spans = await arrived();
    expect(spans).toHaveLength(1);
    const { endTimeUnixNano, startTimeUnixNano } = spans[0]!;
    expect(endTimeUnixNano - startTimeUnixNano).toBe(250_000_000n);
  });

  it('End with timestamp: a Date, Unix milliseconds, seconds and nanoseconds', async () => {
    const { arrived, tracer } = started();
    const times = [new Date(1_700_000_000_123), 1_700_000_000_123.5, [1_700_000_000, 123_456_789]];
    for (const endTime of times) {
      tracer.startSpan('s', { startTime: [1_600_000_000, 0] }).end(endTime as never);
    }
    expect((await arrived()).map(({ endTimeUnixNano }) => endTimeUnixNano)).toEqual([
      1_700_000_000_123_000_000n,
      1_700_000_000_123_500_000n,
      1_700_000_000_123_456_789n,
    ]);
  });

  it('IsRecording: true where the sampler records, false where it drops', () => {
    for (const [decision, recording] of [
      [0, false],
      [1, true],
      [2, true],
    ] as const) {
      const { tracer } = started({ sampler: { shouldSample: () => ({ decision }) } });
      expect(tracer.startSpan('s').isRecording()).toBe(recording);
    }
    expect(started().tracer.startSpan('s').isRecording()).toBe(true);
  });

  it('IsRecording becomes false after End: and what is said then is not recorded', async () => {
    const span = await one((given) => {
      expect(given.isRecording()).toBe(true);
      given.end();
      expect(given.isRecording()).toBe(false);
      given.setAttribute('late', 1).addEvent('late').addLink({ context: REMOTE });
      given.setStatus({ code: SpanStatusCode.ERROR }).updateName('late');
    });
    expect(span).toMatchObject({
      name: 's',
      attributes: {},
      events: [],
      links: [],
      status: { code: 0 },
    });
  });

  it('Set status with StatusCode (Unset, Ok, Error): Ok is final, Unset changes nothing, only Error has a description', async () => {
    const { UNSET, OK, ERROR } = SpanStatusCode;
    const cases: [
      statuses: { code: SpanStatusCode; message?: string }[],
      code: number,
      message: string,
    ][] = [
      [[], 0, ''],
      [[{ code: UNSET, message: 'no' }], 0, ''],
      [[{ code: ERROR, message: 'failed' }], 2, 'failed'],
      [
        [
          { code: ERROR, message: 'failed' },
          { code: ERROR, message: 'again' },
        ],
        2,
        'again',
      ],
      [[{ code: ERROR, message: 'failed' }, { code: UNSET }], 2, 'failed'],
      [[{ code: OK, message: 'no' }], 1, ''],
      [
        [
          { code: ERROR, message: 'failed' },
          { code: OK, message: 'no' },
        ],
        1,
        '',
      ],
      [[{ code: OK }, { code: ERROR, message: 'failed' }], 1, ''],
    ];
    for (const [statuses, code, message] of cases) {
      const { status } = await one((span) => {
        for (const each of statuses) expect(span.setStatus(each)).toBe(span);
      });
      expect(status).toEqual({ code, message });
    }
  });

  it('Safe for concurrent calls: one span used by many tasks, and ended by two of them', async () => {
    const { arrived, host, tracer } = started();
    const span = tracer.startSpan('s');
    const work = async (n: number) => {
      span.setAttribute(`k${n}`, n);
      await Promise.resolve();
      span.addEvent(`e${n}`);
      await Promise.resolve();
      span.setAttribute('last', n);
    };
    await outcome(Promise.all(Array.from({ length: 20 }, (_, n) => work(n))), host.settle);
    const ends = [0, 1].map(async () => span.end());
    await outcome(Promise.all(ends), host.settle);
    const spans = await arrived();
    expect(spans).toHaveLength(1);
    const numbers = Array.from({ length: 20 }, (_, n) => n);
    const keys = numbers.map((n) => [`k${n}`, n]);
    expect(spans[0]!.attributes).toEqual({ ...Object.fromEntries(keys), last: 19 });
    expect(spans[0]!.events.map(({ name }) => name)).toEqual(numbers.map((n) => `e${n}`));
  });

  it('SpanProcessor.OnEnding: before any OnEnd, with the end time, and can still change the span', async () => {
    const calls: string[] = [];
    const ordered = (name: string, more: (span: Span & ReadableSpan) => void) =>
      processor({
        onEnding(span) {
          calls.push(`${name} ending ${span.ended} ${span.endTime.join('.')}`);
          more(span);
        },
        onEnd: (span) => void calls.push(`${name} end ${span.ended} ${span.attributes['x']}`),
      });
    const { arrived, tracer } = started({
      spanProcessors: [
        ordered('a', (span) => {
          span.setAttribute('x', 1).addEvent('last words').setStatus({ code: 2 });
          // Ending it again from here does nothing.
          span.end();
        }),
        processor({}),
        processor({
          onEnding() {
            throw new Error('of no consequence');
          },
        }),
        ordered('b', (span) => span.setAttribute('x', (span.attributes['x'] as number) + 1)),
      ],
    });
    tracer.startSpan('s', { startTime: [1_700_000_000, 0] }).end([1_700_000_001, 5]);
    expect(calls).toEqual([
      'a ending false 1700000001.5',
      'b ending false 1700000001.5',
      'a end true 2',
      'b end true 2',
    ]);
    expect(await arrived()).toMatchObject([
      { attributes: { x: 2 }, events: [{ name: 'last words' }], status: { code: 2 } },
    ]);
  });

  it('SpanProcessor: sees what is recorded only, and exports what is sampled only', async () => {
    const decisions: Record<string, number> = { dropped: 0, recorded: 1, sampled: 2 };
    const calls: string[] = [];
    const { arrived, tracer } = started({
      sampler: { shouldSample: (_c, _t, name) => ({ decision: decisions[name]! }) },
      spanProcessors: [
        processor({
          onStart: (span) => void calls.push(`start ${span.name}`),
          onEnding: (span) => void calls.push(`ending ${span.name}`),
          onEnd: (span) => void calls.push(`end ${span.name}`),
        }),
      ],
    });
    for (const name of Object.keys(decisions)) tracer.startSpan(name).end();
    expect(calls).toEqual(
      ['recorded', 'sampled'].flatMap((n) => [`start ${n}`, `ending ${n}`, `end ${n}`]),
    );
    expect((await arrived()).map(({ name }) => name)).toEqual(['sampled']);
  });
});

describe('upstream’s span processors', () => {
  const kinds: [name: string, make: (exporter: InMemorySpanExporter) => UpstreamProcessor][] = [
    ['SimpleSpanProcessor', (exporter) => new SimpleSpanProcessor({ exporter })],
    ['BatchSpanProcessor', (exporter) => new BatchSpanProcessor({ exporter })],
  ];
  it.each(kinds)('%s hands our spans to its exporter', async (_name, make) => {
    const exporter = new InMemorySpanExporter();
    const { host, telemetry, tracer } = started({
      serviceName: 'shop',
      spanProcessors: [make(exporter) as unknown as SpanProcessor],
    });
    const parent = tracer.startSpan('parent', { kind: 1, attributes: { a: [1, 2] } });
    tracer.startSpan('child', {}, traceApi.setSpan(ROOT_CONTEXT, parent)).end();
    parent.addEvent('e', { b: true }).end();
    const flush = telemetry.flush();
    await host.settle();
    expect(await flush).toMatchObject({ complete: true, sent: 2 });
    const [child, ended] = exporter.getFinishedSpans();
    const { traceId, spanId } = parent.spanContext();
    expect(child).toMatchObject({ name: 'child', parentSpanContext: { traceId, spanId } });
    expect(ended).toMatchObject({
      name: 'parent',
      kind: 1,
      attributes: { a: [1, 2] },
      events: [{ name: 'e', attributes: { b: true } }],
      resource: { attributes: { 'service.name': 'shop' } },
      instrumentationScope: { name: 'test' },
    });
    await telemetry.shutdown();
    expect(exporter.getFinishedSpans()).toHaveLength(0);
  });
});

describe('Span linking', () => {
  const linked = (n: number) => ({
    context: {
      ...REMOTE,
      spanId: `${n}`.padStart(16, '0'),
      traceState: createTraceState(`n=${n}`),
    },
    attributes: { n },
  });

  it('Links can be recorded on span creation', async () => {
    const { arrived, tracer } = started();
    tracer.startSpan('s', { links: [linked(1)] }).end();
    expect((await arrived())[0]!.links).toEqual([
      {
        traceId: REMOTE.traceId,
        spanId: '0000000000000001',
        traceState: 'n=1',
        flags: 0x301,
        attributes: { n: 1 },
        droppedAttributesCount: 0,
      },
    ]);
  });

  it('Links can be recorded after span creation', async () => {
    const { links } = await one((span) => {
      expect(span.addLink(linked(1))).toBe(span);
      expect(span.addLinks([linked(2), linked(3)])).toBe(span);
    });
    expect(links.map(({ attributes }) => attributes)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
  });

  it('Links order is preserved: those of the creation first', async () => {
    const { arrived, tracer } = started();
    const span = tracer.startSpan('s', { links: [linked(5), linked(3)] });
    span.addLink(linked(4)).addLinks([linked(1), linked(2)]);
    span.end();
    const { links } = (await arrived())[0]!;
    expect(links.map(({ attributes }) => attributes['n'])).toEqual([5, 3, 4, 1, 2]);
    expect(links.map(({ traceState }) => traceState)).toEqual([5, 3, 4, 1, 2].map((n) => `n=${n}`));
  });
});

describe('Span events', () => {
  it('AddEvent: with attributes, with a time, with both, with neither', async () => {
    const { arrived, host, tracer } = started();
    const span = tracer.startSpan('s');
    await host.advance(5);
    expect(span.addEvent('neither')).toBe(span);
    span.addEvent('attributes', { a: [1, 2] });
    span.addEvent('time', [1_700_000_000, 7]);
    span.addEvent('both', { b: true }, new Date(1_700_000_000_000));
    span.end();
    const { events, startTimeUnixNano } = (await arrived())[0]!;
    const now = startTimeUnixNano + 5_000_000n;
    expect(
      events.map(({ name, attributes, timeUnixNano }) => [name, attributes, timeUnixNano]),
    ).toEqual([
      ['neither', {}, now],
      ['attributes', { a: [1, 2] }, now],
      ['time', {}, 1_700_000_000_000_000_007n],
      ['both', { b: true }, 1_700_000_000_000_000_000n],
    ]);
  });

  it('Add order preserved: whatever their times', async () => {
    const names = ['c', 'a', 'b', 'a'];
    const { events } = await one((span) => {
      for (const [i, name] of names.entries()) span.addEvent(name, [1_700_000_000 - i, 0]);
    });
    expect(events.map(({ name }) => name)).toEqual(names);
  });

  it('Safe for concurrent calls: an event whose attributes add an event', async () => {
    const { events } = await one((span) => {
      span.addEvent('outer', {
        get a() {
          span.addEvent('inner', { b: 1 });
          return 2;
        },
      });
      span.addEvent('last');
    });
    const byName = Object.fromEntries(events.map(({ name, attributes }) => [name, attributes]));
    expect(events).toHaveLength(3);
    expect(byName).toEqual({ outer: { a: 2 }, inner: { b: 1 }, last: {} });
  });
});

describe('Span exceptions', () => {
  it('RecordException: an event with type, message and stack trace', async () => {
    const error = new RangeError('too far');
    const { events, status } = await one((span) => {
      span.recordException(error);
      span.recordException('only text');
    });
    expect(events.map(({ name, attributes }) => ({ name, attributes }))).toEqual([
      {
        name: 'exception',
        attributes: {
          'exception.type': 'RangeError',
          'exception.message': 'too far',
          'exception.stacktrace': error.stack,
        },
      },
      { name: 'exception', attributes: { 'exception.message': 'only text' } },
    ]);
    // It is for the user to say that the operation failed.
    expect(status).toEqual({ code: 0, message: '' });
  });

  it('RecordException: goes on with its causes, also in a circle', async () => {
    const root = new Error('root');
    const middle = new Error('middle', { cause: root });
    const error = new Error('outer', { cause: middle });
    Object.assign(root, { cause: error });
    const { events } = await one((span) => span.recordException(error));
    expect(events[0]!.attributes['exception.stacktrace']).toBe(
      `${error.stack}\nCaused by: ${middle.stack}\nCaused by: ${root.stack}`,
    );
  });

  it('RecordException with extra parameters: a time, and a code in place of the type', async () => {
    const exception = { code: 'ECONNRESET', name: 'Error', message: 'reset' } as Exception;
    const { events } = await one((span) => span.recordException(exception, [1_700_000_000, 1]));
    expect(events).toMatchObject([
      {
        timeUnixNano: 1_700_000_000_000_000_001n,
        attributes: { 'exception.type': 'ECONNRESET', 'exception.message': 'reset' },
      },
    ]);
  });
});

describe('Sampling', () => {
  const dropping: Sampler = { shouldSample: () => ({ decision: 0 }) };

  it('New Span ID created also for non-recording Spans', () => {
    // Below a parent that is not sampled, without a sampler and with one.
    for (const options of [{}, { sampler: dropping }]) {
      const { tracer } = started(options);
      const parent = { ...REMOTE, traceFlags: 0 };
      const context = traceApi.setSpanContext(ROOT_CONTEXT, parent);
      const spans = [1, 2, 3].map(() => tracer.startSpan('s', {}, context));
      for (const span of spans) expect(span.isRecording()).toBe(false);
      const contexts = spans.map((span) => span.spanContext());
      expect(new Set([parent.spanId, ...contexts.map(({ spanId }) => spanId)]).size).toBe(4);
      for (const { traceId, traceFlags, spanId } of contexts) {
        expect({ traceId, traceFlags }).toEqual({ traceId: REMOTE.traceId, traceFlags: 0 });
        expect(spanId).toMatch(/^(?!0+$)[0-9a-f]{16}$/);
      }
    }
    const { tracer } = started({ sampler: dropping });
    const [a, b] = [tracer.startSpan('root').spanContext(), tracer.startSpan('root').spanContext()];
    expect(isSpanContextValid(a)).toBe(true);
    expect(a.traceId).not.toBe(b.traceId);
    expect(a.spanId).not.toBe(b.spanId);
  });

  it('IdGenerators: ids are those of the generator given to start()', async () => {
    let n = 0;
    const next = (digits: number) => (++n).toString(16).padStart(digits, 'f');
    const asked: string[] = [];
    const { arrived, tracer } = started({
      idGenerator: {
        generateTraceId: () => next(32),
        generateSpanId: () => next(16),
      },
      sampler: {
        shouldSample(_context, traceId) {
          asked.push(traceId);
          return { decision: 2 };
        },
      },
    });
    const root = tracer.startSpan('root');
    const child = tracer.startSpan('child', {}, traceApi.setSpan(ROOT_CONTEXT, root));
    // Nobody knows whether such ids are random: no random flag.
    expect(root.spanContext()).toEqual({
      traceId: 'f'.repeat(31).concat('2'),
      spanId: 'f'.repeat(15).concat('1'),
      traceFlags: 1,
    });
    child.end();
    root.end();
    const { traceId, spanId } = root.spanContext();
    expect(asked).toEqual([traceId, traceId]);
    expect(await arrived()).toMatchObject([
      { name: 'child', traceId, spanId: 'fffffffffffffff3', parentSpanId: spanId, flags: 0x101 },
      { name: 'root', traceId, spanId, parentSpanId: '', flags: 0x101 },
    ]);
  });

  it('IdGenerators: one that fails or makes no ids is told once, and ids are drawn at random', () => {
    const bad = [
      () => {
        throw new Error('no');
      },
      () => '0'.repeat(32),
      () => 'ABCD'.repeat(8),
      () => 7,
      () => undefined,
    ];
    for (const generate of bad) {
      const { host, tracer } = started({
        idGenerator: { generateTraceId: generate, generateSpanId: generate } as never,
      });
      const ids = [1, 2, 3].map(() => tracer.startSpan('s').spanContext());
      for (const id of ids) expect(isSpanContextValid(id)).toBe(true);
      expect(new Set(ids.map(({ traceId }) => traceId)).size).toBe(3);
      expect(host.warnings.filter((line) => line.includes('idGenerator'))).toHaveLength(1);
    }
  });

  it('Built-in `SpanProcessor`s implement `ForceFlush` spec: exports all that has ended, and gives up in time', async () => {
    const { host, telemetry, tracer, traces, transport } = started({
      batch: { size: 4, delayMs: 60_000 },
      flushTimeoutMs: 5_000,
    });
    for (let i = 0; i < 3; i++) tracer.startSpan(`s${i}`).end();
    const open = tracer.startSpan('open');
    await host.settle();
    expect(transport.payloads).toHaveLength(0);
    let answer: (outcome: Outcome) => void = () => {};
    transport.next(
      new Promise<Outcome>((resolve) => {
        answer = resolve;
      }),
    );
    const flush = telemetry.flush();
    expect((await settledBy(flush, host.settle)).done).toBe(false);
    expect(transport.payloads).toHaveLength(1);
    answer({ kind: 'delivered' });
    expect(await outcome(flush, host.settle)).toMatchObject({ complete: true, sent: 3 });
    expect(transport.traces().map(({ name }) => name)).toEqual(['s0', 's1', 's2']);

    open.end();
    transport.next(new Promise<Outcome>(() => {}));
    const late = telemetry.flush();
    expect((await settledBy(late, () => host.advance(4_900))).done).toBe(false);
    const report = await outcome(late, () => host.advance(200));
    expect(report).toMatchObject({ complete: false, recorded: 4, sent: 3, queued: 1 });
    expect(unaccounted(traces())).toBe(0);
  });

  it('Fetch InstrumentationScope from ReadableSpan: and its resource, at the start and at the end', () => {
    const seen: unknown[] = [];
    const read = (span: ReadableSpan) =>
      void seen.push(span.instrumentationScope, span.resource.attributes['service.name']);
    const { telemetry } = started({
      serviceName: 'shop',
      spanProcessors: [processor({ onStart: read, onEnd: read })],
    });
    const options = { schemaUrl: 'https://example.com/1.0.0', attributes: { a: 1 } };
    telemetry.tracerProvider.getTracer('till', '2.1.0', options).startSpan('s').end();
    const scope = { name: 'till', version: '2.1.0', ...options };
    expect(seen).toEqual([scope, 'shop', scope, 'shop']);
    // The same object each time: exporters group by it.
    expect(seen[0]).toBe(seen[2]);
  });

  it('ReadableSpan: has all that was recorded', () => {
    const ended: ReadableSpan[] = [];
    const { tracer } = started({
      limits: { attributes: 2, events: 1, links: 1 },
      spanProcessors: [processor({ onEnd: (span) => void ended.push(span) })],
    });
    const link = { context: REMOTE, attributes: { l: 1 } };
    const span = tracer.startSpan(
      's',
      { kind: 3, startTime: [1_700_000_000, 900_000_000], links: [link, link] },
      withState('vendor=1'),
    );
    span.setAttributes({ a: 'x', b: [1, 2], c: 3 });
    span.addEvent('e', { f: true }, [1_700_000_001, 0]).addEvent('dropped');
    span.setStatus({ code: 2, message: 'failed' });
    span.end([1_700_000_002, 100_000_000]);
    expect(ended).toHaveLength(1);
    expect(ended[0]).toMatchObject({
      name: 's',
      kind: 3,
      startTime: [1_700_000_000, 900_000_000],
      endTime: [1_700_000_002, 100_000_000],
      duration: [1, 200_000_000],
      ended: true,
      status: { code: 2, message: 'failed' },
      attributes: { a: 'x', b: [1, 2] },
      events: [
        { name: 'e', time: [1_700_000_001, 0], attributes: { f: true }, droppedAttributesCount: 0 },
      ],
      links: [{ ...link, droppedAttributesCount: 0 }],
      droppedAttributesCount: 1,
      droppedEventsCount: 1,
      droppedLinksCount: 1,
      parentSpanContext: { ...REMOTE, traceState: createTraceState('vendor=1') },
    });
    expect(ended[0]!.spanContext()).toEqual(span.spanContext());
  });
});

describe('Exporters', () => {
  it('SchemaURL in ResourceSpans and ScopeSpans: the detectors’ and the tracer’s, each its own', async () => {
    const { arrived, telemetry } = started();
    const schemaUrl = 'https://opentelemetry.io/schemas/1.30.0';
    telemetry.tracerProvider.getTracer('t', '1', { schemaUrl }).startSpan('s').end();
    telemetry.tracer('none').startSpan('s').end();
    const urls = (await arrived()).map(({ resource, scope }) => [
      resource.schemaUrl,
      scope.schemaUrl,
    ]);
    expect(urls).toEqual([
      [SCHEMA_URL, schemaUrl],
      [SCHEMA_URL, ''],
    ]);
  });
});
