import {
  type Context,
  context as contextApi,
  createTraceState,
  INVALID_SPAN_CONTEXT,
  ROOT_CONTEXT,
  type Sampler,
  SamplingDecision,
  type SamplingResult,
  type Span,
  type SpanContext,
  SpanKind,
  TraceFlags,
  type Tracer,
  trace as traceApi,
} from '@opentelemetry/api';
import { afterEach, describe, expect, it } from 'vitest';
import { suppressTracing } from '../../../src/api/context/suppress-tracing.ts';
import { AsyncLocalStorageContextManager } from '../../../src/runtime/node/context-manager.ts';
import { type Started, started } from '../../support/telemetry.ts';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const SPAN_ID = 'b7ad6b7169203331';
const NO_ID = '0000000000000000';

const REMOTE: SpanContext = {
  traceId: TRACE_ID,
  spanId: SPAN_ID,
  traceFlags: TraceFlags.SAMPLED,
  isRemote: true,
};

const withSpanContext = (spanContext: SpanContext) =>
  traceApi.setSpanContext(ROOT_CONTEXT, spanContext);

describe('parents', () => {
  it('none: a root in a trace of its own', async () => {
    const { arrived, tracer } = started();
    const span = tracer.startSpan('root');
    const { traceId, spanId, traceFlags } = span.spanContext();
    expect(traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(spanId).toMatch(/^[0-9a-f]{16}$/);
    expect(traceFlags).toBe(3);
    expect(span.isRecording()).toBe(true);
    expect(span.spanContext()).toBe(span.spanContext());
    span.end();
    const other = tracer.startSpan('other root');
    expect(other.spanContext().traceId).not.toBe(traceId);
    other.end();
    expect((await arrived())[0]).toMatchObject({ traceId, spanId, parentSpanId: '', flags: 0x103 });
  });

  it('a local one: its trace, flags and state', async () => {
    const { arrived, tracer } = started();
    const parent = tracer.startSpan('parent');
    const child = tracer.startSpan('child', {}, traceApi.setSpan(ROOT_CONTEXT, parent));
    const grandchild = tracer.startSpan('grandchild', {}, traceApi.setSpan(ROOT_CONTEXT, child));
    for (const span of [grandchild, child, parent]) span.end();
    const { traceId } = parent.spanContext();
    expect(await arrived()).toMatchObject([
      { name: 'grandchild', traceId, parentSpanId: child.spanContext().spanId, flags: 0x103 },
      { name: 'child', traceId, parentSpanId: parent.spanContext().spanId, flags: 0x103 },
      { name: 'parent', traceId, parentSpanId: '' },
    ]);
  });

  it('a remote one: its trace and state, and the remote bit', async () => {
    const { arrived, tracer } = started();
    const traceState = createTraceState('vendor=1,other=two');
    const span = tracer.startSpan('child', {}, withSpanContext({ ...REMOTE, traceState }));
    expect(span.spanContext()).toMatchObject({ traceId: TRACE_ID, traceFlags: 1, traceState });
    expect(span.spanContext().spanId).not.toBe(SPAN_ID);
    expect(span.spanContext().isRemote).toBeUndefined();
    const child = tracer.startSpan('grandchild', {}, traceApi.setSpan(ROOT_CONTEXT, span));
    expect(child.spanContext().traceState).toBe(traceState);
    child.end();
    span.end();
    expect(await arrived()).toMatchObject([
      { name: 'grandchild', flags: 0x101, traceState: 'vendor=1,other=two' },
      {
        traceId: TRACE_ID,
        parentSpanId: SPAN_ID,
        flags: 0x301,
        traceState: 'vendor=1,other=two',
      },
    ]);
  });

  it('keep flags that are not ours, and read ids in capitals', async () => {
    const { arrived, tracer } = started();
    const context = withSpanContext({ ...REMOTE, traceId: TRACE_ID.toUpperCase(), traceFlags: 3 });
    const span = tracer.startSpan('child', {}, context);
    expect(span.spanContext()).toMatchObject({ traceId: TRACE_ID, traceFlags: 3 });
    span.end();
    expect((await arrived())[0]).toMatchObject({ traceId: TRACE_ID, flags: 0x303 });
  });

  it('that are invalid do not count', async () => {
    const { arrived, tracer } = started();
    const invalid = [
      INVALID_SPAN_CONTEXT,
      { ...REMOTE, traceId: 'xyz' },
      { ...REMOTE, spanId: NO_ID },
    ];
    for (const each of invalid) tracer.startSpan('root', {}, withSpanContext(each)).end();
    const spans = await arrived();
    expect(spans.map(({ parentSpanId }) => parentSpanId)).toEqual(['', '', '']);
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(3);
  });

  it('do not count for a root', async () => {
    const { arrived, tracer } = started();
    tracer.startSpan('root', { root: true }, withSpanContext(REMOTE)).end();
    const [span] = await arrived();
    expect(span).toMatchObject({ parentSpanId: '', flags: 0x103 });
    expect(span?.traceId).not.toBe(TRACE_ID);
  });

  it('that are not sampled: nothing is recorded, the trace goes on with an id of its own', async () => {
    const { arrived, tracer, traces } = started();
    const traceState = createTraceState('vendor=1');
    const context = withSpanContext({ ...REMOTE, traceFlags: TraceFlags.NONE, traceState });
    const span = tracer.startSpan('child', { attributes: { a: 1 } }, context);
    expect(span.isRecording()).toBe(false);
    expect(span.spanContext()).toMatchObject({ traceId: TRACE_ID, traceFlags: 0, traceState });
    expect(span.spanContext().spanId).toMatch(/^(?!0{16})[0-9a-f]{16}$/);
    expect(span.spanContext().spanId).not.toBe(SPAN_ID);
    const grandchild = tracer.startSpan('grandchild', {}, traceApi.setSpan(ROOT_CONTEXT, span));
    expect(grandchild.isRecording()).toBe(false);
    grandchild.end();
    span.setAttribute('a', 1).end();
    expect(await arrived()).toEqual([]);
    expect(traces().recorded).toBe(0);
  });
});

describe('options of a span', () => {
  it('kind, start time, attributes and links', async () => {
    const { arrived, tracer } = started();
    const kinds = [
      SpanKind.INTERNAL,
      SpanKind.SERVER,
      SpanKind.CLIENT,
      SpanKind.PRODUCER,
      SpanKind.CONSUMER,
    ];
    for (const kind of kinds) tracer.startSpan('s', { kind }).end();
    tracer
      .startSpan('all', {
        attributes: { a: 1, b: 'two' },
        links: [{ context: REMOTE, attributes: { why: 'batch' } }],
        startTime: [1_700_000_000, 5],
      })
      .end([1_700_000_001, 6]);
    const spans = await arrived();
    expect(spans.map(({ kind }) => kind)).toEqual([1, 2, 3, 4, 5, 1]);
    expect(spans[5]).toMatchObject({
      attributes: { a: 1, b: 'two' },
      startTimeUnixNano: 1_700_000_000_000_000_005n,
      endTimeUnixNano: 1_700_000_001_000_000_006n,
      links: [{ traceId: TRACE_ID, spanId: SPAN_ID, attributes: { why: 'batch' }, flags: 0x301 }],
    });
  });

  it('a kind that is none is internal', async () => {
    const { arrived, tracer } = started();
    for (const kind of [-1, 5, 1e9, Number.NaN, 'server', null, {}]) {
      tracer.startSpan('s', { kind } as object).end();
    }
    const spans = await arrived();
    expect(spans.map(({ kind, status }) => [kind, status.code])).toEqual(Array(7).fill([1, 0]));
  });
});

describe('a suppressed context', () => {
  it('records nothing', async () => {
    const { arrived, tracer, traces } = started();
    const context = suppressTracing(withSpanContext(REMOTE));
    const span = tracer.startSpan('s', {}, context);
    expect(span.isRecording()).toBe(false);
    expect(span.spanContext()).toEqual(INVALID_SPAN_CONTEXT);
    span.end();
    tracer.startActiveSpan('s', {}, context, (active) => active.end());
    expect(await arrived()).toEqual([]);
    expect(traces().recorded).toBe(0);
  });

  it('is the one exports run in', async () => {
    const run = started({}, { contextManager: () => new AsyncLocalStorageContextManager() });
    const { arrived, telemetry, tracer, traces, transport } = run;
    telemetry.register();
    try {
      let active: Context = ROOT_CONTEXT;
      transport.always(async () => {
        tracer.startSpan('within the export').end();
        await Promise.resolve();
        tracer.startSpan('and later in it').end();
        active = contextApi.active();
        return { kind: 'delivered' };
      });
      await tracer.startActiveSpan('s', async (span) => {
        span.end();
        await arrived();
      });
      expect(traces()).toMatchObject({ recorded: 1, sent: 1 });
      expect(active).not.toBe(ROOT_CONTEXT);
      expect(traceApi.getSpan(active)).toBeUndefined();
    } finally {
      void telemetry.shutdown();
      await run.host.advance(0);
    }
  });
});

describe('startActiveSpan', () => {
  let run: Started | undefined;

  function registered() {
    run = started({}, { contextManager: () => new AsyncLocalStorageContextManager() });
    run.telemetry.register();
    return run;
  }

  afterEach(async () => {
    const down = run?.telemetry.shutdown();
    await run?.host.settle();
    await down;
    run = undefined;
  });

  it('makes the span active for the call, in each of its forms', () => {
    const { tracer } = registered();
    const seen: [string, Span | undefined][] = [];
    const result = tracer.startActiveSpan('1', (span) => {
      seen.push(['1', traceApi.getActiveSpan()]);
      expect(span).toBe(traceApi.getActiveSpan());
      return 'a';
    });
    expect(result).toBe('a');
    tracer.startActiveSpan('2', { kind: SpanKind.CLIENT }, (span) => {
      expect(span).toBe(traceApi.getActiveSpan());
      expect(span).toMatchObject({ name: '2', kind: SpanKind.CLIENT });
    });
    tracer.startActiveSpan('3', {}, withSpanContext(REMOTE), (span) => {
      expect(span).toBe(traceApi.getActiveSpan());
      expect(span.spanContext().traceId).toBe(TRACE_ID);
    });
    expect(seen).toHaveLength(1);
    expect(traceApi.getActiveSpan()).toBeUndefined();
  });

  it('lets what the function throws or rejects with through, and ends nothing itself', async () => {
    const { tracer } = registered();
    const failure = new Error('mine');
    expect(() =>
      tracer.startActiveSpan('s', () => {
        throw failure;
      }),
    ).toThrow(failure);
    let span: Span | undefined;
    const promise = tracer.startActiveSpan('s', async (active) => {
      span = active;
      await Promise.resolve();
      throw failure;
    });
    await expect(promise).rejects.toBe(failure);
    expect(span?.isRecording()).toBe(true);
    expect(traceApi.getActiveSpan()).toBeUndefined();
  });

  it('parents what follows asynchronously', async () => {
    const { arrived, tracer } = registered();
    const work = (name: string) =>
      tracer.startActiveSpan(name, async (span) => {
        await new Promise((resolve) => setImmediate(resolve));
        tracer.startSpan(`${name} child`).end();
        await Promise.all([1, 2].map(async () => traceApi.getActiveSpan()?.addEvent('tick')));
        span.end();
      });
    await Promise.all([work('a'), work('b')]);
    const spans = await arrived();
    for (const name of ['a', 'b']) {
      const parent = spans.find((span) => span.name === name);
      const child = spans.find((span) => span.name === `${name} child`);
      expect(child).toMatchObject({ traceId: parent?.traceId, parentSpanId: parent?.spanId });
      expect(parent?.events).toHaveLength(2);
    }
  });

  it('without a function does nothing; without a context takes the active one', () => {
    const { tracer } = registered();
    const loose = tracer as unknown as { startActiveSpan(...args: unknown[]): unknown };
    expect(loose.startActiveSpan('s')).toBeUndefined();
    expect(loose.startActiveSpan('s', {})).toBeUndefined();
    for (const context of [undefined, null, {}, 'x']) {
      tracer.startActiveSpan('outer', (outer) => {
        loose.startActiveSpan('inner', {}, context, (inner: Span) => {
          expect(inner.spanContext().traceId).toBe(outer.spanContext().traceId);
        });
      });
    }
  });
});

describe('a sampler', () => {
  const sampling = (decide: (...args: Parameters<Sampler['shouldSample']>) => SamplingResult) =>
    started({ sampler: { shouldSample: decide, toString: () => 'test' } });

  it('is asked with the context, trace id, name, kind, attributes and links', async () => {
    const asked: unknown[][] = [];
    const { tracer } = sampling((...args) => {
      asked.push(args);
      return { decision: SamplingDecision.RECORD_AND_SAMPLED };
    });
    const context = withSpanContext(REMOTE);
    const links = [{ context: REMOTE }];
    const attributes = { a: 1 };
    const span = tracer.startSpan('s', { kind: SpanKind.SERVER, attributes, links }, context);
    expect(asked).toEqual([[context, TRACE_ID, 's', SpanKind.SERVER, attributes, links]]);
    expect(span.spanContext().traceId).toBe(TRACE_ID);
    tracer.startSpan('r', { root: true }, context);
    const [seen, traceId, name, kind, ...rest] = asked[1] ?? [];
    expect(traceApi.getSpanContext(seen as Context)).toBeUndefined();
    expect(traceId).not.toBe(TRACE_ID);
    expect([name, kind, ...rest]).toEqual(['r', SpanKind.INTERNAL, {}, []]);
  });

  it('decides what is recorded and what is exported', async () => {
    const decisions: Record<string, SamplingDecision> = {
      no: SamplingDecision.NOT_RECORD,
      'here only': SamplingDecision.RECORD,
      yes: SamplingDecision.RECORD_AND_SAMPLED,
    };
    const run = sampling((_context, _id, name) => ({
      decision: decisions[name] as SamplingDecision,
    }));
    const { arrived, tracer, traces } = run;
    const spans = Object.keys(decisions).map((name) => tracer.startSpan(name));
    expect(spans.map((span) => span.isRecording())).toEqual([false, true, true]);
    expect(spans.map((span) => span.spanContext().traceFlags)).toEqual([2, 2, 3]);
    for (const span of spans) span.end();
    expect(spans.map((span) => span.isRecording())).toEqual([false, false, false]);
    // Only sampled spans reach an exporter (specification, "Sampling").
    expect((await arrived()).map(({ name }) => name)).toEqual(['yes']);
    expect(traces()).toMatchObject({ recorded: 1, sent: 1 });
  });

  it('may sample below a parent that is not, and the other way round', async () => {
    const { arrived, tracer } = sampling((_context, _id, name) => ({
      decision: name === 'yes' ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.NOT_RECORD,
    }));
    const unsampled = withSpanContext({ ...REMOTE, traceFlags: 2 });
    const yes = tracer.startSpan('yes', {}, unsampled);
    const no = tracer.startSpan('no', {}, withSpanContext({ ...REMOTE, traceFlags: 3 }));
    expect([yes, no].map((span) => span.spanContext().traceFlags)).toEqual([3, 2]);
    yes.end();
    no.end();
    expect(await arrived()).toMatchObject([{ name: 'yes', flags: 0x303, parentSpanId: SPAN_ID }]);
  });

  it('adds attributes, which win, and changes the trace state', async () => {
    const traceState = createTraceState('sampler=1');
    const { arrived, tracer } = sampling(() => ({
      decision: SamplingDecision.RECORD_AND_SAMPLED,
      attributes: { 'sampler.rule': 'a', shared: 'sampler' },
      traceState,
    }));
    const parent = withSpanContext({ ...REMOTE, traceState: createTraceState('was=1') });
    const span = tracer.startSpan('s', { attributes: { own: 1, shared: 'own' } }, parent);
    expect(span.spanContext().traceState).toBe(traceState);
    span.end();
    expect((await arrived())[0]).toMatchObject({
      attributes: { own: 1, 'sampler.rule': 'a', shared: 'sampler' },
      traceState: 'sampler=1',
    });
  });

  it('that fails is passed over', async () => {
    const answers = [
      () => {
        throw new Error('broken');
      },
      () => undefined,
      () => null,
    ];
    for (const answer of answers) {
      const { arrived, tracer } = sampling(answer as unknown as () => SamplingResult);
      tracer.startSpan('s').end();
      tracer.startSpan('unsampled', {}, withSpanContext({ ...REMOTE, traceFlags: 0 })).end();
      expect((await arrived()).map(({ name }) => name)).toEqual(['s']);
    }
  });

  it('that answers nonsense records nothing', async () => {
    for (const answer of [{}, { decision: 7 }, { decision: 'yes' }]) {
      const { tracer } = sampling(() => answer as SamplingResult);
      expect(tracer.startSpan('s').isRecording()).toBe(false);
    }
  });
});

describe('a tracer', () => {
  it('is one per name, version, schema URL and attributes', () => {
    const { telemetry } = started();
    const { tracerProvider } = telemetry;
    const scoped = (options?: object) => tracerProvider.getTracer('a', '1', options as never);
    const tracers = [
      tracerProvider.getTracer('a'),
      scoped(),
      tracerProvider.getTracer('b', '1'),
      scoped({ schemaUrl: 'https://example.org/1' }),
      scoped({ attributes: { a: 1 } }),
      scoped({ attributes: { a: '1' } }),
    ];
    expect(new Set(tracers).size).toBe(tracers.length);
    expect(tracerProvider.getTracer('a', '1')).toBe(tracers[1]);
    expect(tracerProvider.getTracer('a', '1', {})).toBe(tracers[1]);
    expect(telemetry.tracer('a')).toBe(tracers[0]);
    expect(telemetry.tracer('a', '1')).toBe(tracers[1]);
    expect(scoped({ schemaUrl: 'https://example.org/1' })).toBe(tracers[3]);
    expect(scoped({ attributes: { a: 1 } })).toBe(tracers[4]);
  });

  it('gives its spans its scope', async () => {
    const { arrived, telemetry } = started();
    telemetry.tracerProvider
      .getTracer('lib', '1.2', {
        schemaUrl: 'https://example.org/1',
        attributes: { x: 1 },
      } as never)
      .startSpan('s')
      .end();
    expect((await arrived())[0]?.scope).toMatchObject({
      name: 'lib',
      version: '1.2',
      schemaUrl: 'https://example.org/1',
      attributes: { x: 1 },
    });
  });

  it('works whatever it is named and described with', async () => {
    const { arrived, telemetry } = started();
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    const getTracer = telemetry.tracerProvider.getTracer.bind(telemetry.tracerProvider) as (
      ...args: unknown[]
    ) => Tracer;
    const names = [undefined, null, '', 0, Symbol('s'), {}, Object.create(null), () => 1];
    for (const name of names) getTracer(name).startSpan('s').end();
    const more = [null, { attributes: circular }, { attributes: { big: 1n } }, { attributes: 'x' }];
    for (const options of more) getTracer('lib', 7, options).startSpan('s').end();
    expect(await arrived()).toHaveLength(names.length + more.length);
  });

  it('keeps working beyond a thousand scopes', async () => {
    const { arrived, telemetry } = started();
    for (let i = 0; i < 1100; i++) telemetry.tracer(`scope ${i}`).startSpan(`${i}`).end();
    const spans = await arrived();
    expect(spans.map(({ scope }) => scope.name)).toEqual(
      Array.from({ length: 1100 }, (_, i) => `scope ${i}`),
    );
  });
});
