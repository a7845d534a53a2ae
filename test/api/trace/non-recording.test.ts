import {
  createTraceState,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  trace as traceApi,
} from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import { TraceContextPropagator } from '../../../src/api/propagation/trace-context.ts';
import { alwaysOff, alwaysOn } from '../../../src/api/trace/samplers/always.ts';
import type { TraceSampler } from '../../../src/api/trace/tracer.ts';
import type { StartOptions } from '../../../src/options/options.ts';
import { started } from '../../support/telemetry.ts';

const REMOTE: SpanContext = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: 1,
  isRemote: true,
  traceState: createTraceState('vendor=1'),
};
const below = (parent: Span | SpanContext) =>
  'spanContext' in parent
    ? traceApi.setSpan(ROOT_CONTEXT, parent)
    : traceApi.setSpanContext(ROOT_CONTEXT, parent);

describe.each<[string, StartOptions, SpanContext | undefined]>([
  ['a sampler that says no', { sampler: alwaysOff() }, undefined],
  ['a sampler that says no, below a remote parent', { sampler: alwaysOff() }, REMOTE],
  ['no sampler, below a parent that is not sampled', {}, { ...REMOTE, traceFlags: 0 }],
  ['telemetry that is disabled', { disabled: true }, undefined],
  ['telemetry that is disabled, below a remote parent', { disabled: true }, REMOTE],
])('%s', (_, options, parent) => {
  const context = parent === undefined ? ROOT_CONTEXT : below(parent);

  it('New Span ID created also for non-recording Spans: another one for each, none recorded', () => {
    const { tracer, traces } = started(options);
    const spans = Array.from({ length: 200 }, () => tracer.startSpan('s', {}, context));
    const ids = spans.map((span) => span.spanContext().spanId);
    expect(new Set(ids).size).toBe(200);
    for (const id of ids) expect(id).toMatch(/^(?!0{16})[0-9a-f]{16}$/);
    expect(ids).not.toContain(REMOTE.spanId);
    expect(spans.some((span) => span.isRecording())).toBe(false);
    for (const span of spans) span.end();
    expect(traces()).toMatchObject({ recorded: 0, queued: 0 });
  });

  it('has the trace id, state and flags of its parent, but is not sampled nor remote', () => {
    const { tracer } = started(options);
    const { traceId, traceFlags, traceState, ...rest } = tracer
      .startSpan('s', {}, context)
      .spanContext();
    if (parent === undefined) {
      expect(traceId).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
      // Random ids of a trace that is not sampled.
      expect(traceFlags).toBe(2);
    } else {
      expect(traceId).toBe(parent.traceId);
      expect(traceFlags).toBe(0);
    }
    expect(traceState).toBe(parent?.traceState);
    expect(Object.keys(rest)).toEqual(['spanId']);
  });

  it('takes every call and does nothing', () => {
    const { tracer, traces } = started(options);
    const span = tracer.startSpan('s', {}, context);
    const before = span.spanContext();
    expect(
      span
        .setAttribute('a', 1)
        .setAttributes({ b: 2 })
        .addEvent('e')
        .addLink({ context: REMOTE })
        .addLinks([])
        .setStatus({ code: 2 })
        .updateName('n'),
    ).toBe(span);
    expect(span.recordException(new Error('e'))).toBeUndefined();
    expect(span.end()).toBeUndefined();
    expect(span.end()).toBeUndefined();
    expect(span.spanContext()).toBe(before);
    expect(traces().lateCalls).toBe(0);
  });

  it('its children go on with its trace and are not recorded either', () => {
    const { tracer, traces } = started(options);
    let span = tracer.startSpan('s', {}, context);
    const { traceId, traceState } = span.spanContext();
    const seen = new Set([span.spanContext().spanId]);
    for (let i = 0; i < 5; i++) {
      tracer.startActiveSpan('child', {}, below(span), (child) => {
        span = child;
      });
      expect(span.isRecording()).toBe(false);
      expect(span.spanContext()).toMatchObject({ traceId });
      expect(span.spanContext().traceState).toBe(traceState);
      expect(span.spanContext().traceFlags & 1).toBe(0);
      seen.add(span.spanContext().spanId);
    }
    expect(seen.size).toBe(6);
    expect(traces().recorded).toBe(0);
  });

  it('is handed on to other processes', () => {
    const { tracer } = started(options);
    const span = tracer.startSpan('s', {}, context);
    const carrier: Record<string, string> = {};
    new TraceContextPropagator().inject(below(span), carrier, {
      set: (target, key, value) => {
        target[key] = value;
      },
    });
    const { traceId, spanId, traceFlags } = span.spanContext();
    expect(carrier['traceparent']).toBe(`00-${traceId}-${spanId}-0${traceFlags}`);
    expect(carrier['tracestate']).toBe(parent && 'vendor=1');
  });
});

describe('below a span that is not recorded', () => {
  it('a sampler that says yes records a child of it, in its trace', async () => {
    const off = started({ sampler: alwaysOff() });
    const on = started({ sampler: alwaysOn() });
    const parent = off.tracer.startSpan('parent', {}, below(REMOTE));
    const child = on.tracer.startSpan('child', {}, below(parent));
    expect(child.isRecording()).toBe(true);
    child.end();
    expect(await on.arrived()).toMatchObject([
      {
        traceId: REMOTE.traceId,
        parentSpanId: parent.spanContext().spanId,
        // Sampled; the parent is known, and of this process.
        flags: 0x101,
        traceState: 'vendor=1',
      },
    ]);
  });

  it('a root is recorded', () => {
    const { tracer } = started();
    const parent = tracer.startSpan('parent', {}, below({ ...REMOTE, traceFlags: 0 }));
    const root = tracer.startSpan('root', { root: true }, below(parent));
    expect(root.isRecording()).toBe(true);
    expect(root.spanContext().traceId).not.toBe(REMOTE.traceId);
  });
});

describe('a sampler that always decides the same', () => {
  const never = () => {
    throw new Error('it must not be asked');
  };

  it.each([
    ['records and samples', 2, true, 3, 1],
    ['records only', 1, true, 2, 0],
    ['drops', 0, false, 2, 0],
  ])('is not asked: %s', async (_, always, recording, traceFlags, sent) => {
    const sampler: TraceSampler = { always, shouldSample: never, toString: () => 'always' };
    const { arrived, tracer } = started({ sampler });
    const span = tracer.startSpan('s', { attributes: { a: 1 } });
    expect(span.isRecording()).toBe(recording);
    expect(span.spanContext().traceFlags).toBe(traceFlags);
    span.end();
    expect(await arrived()).toHaveLength(sent);
  });

  it('AlwaysOn and AlwaysOff decide by themselves, whatever the parent is', () => {
    for (const [sampler, recording] of [
      [alwaysOn(), true],
      [alwaysOff(), false],
    ] as const) {
      const { tracer } = started({ sampler });
      for (const context of [ROOT_CONTEXT, below(REMOTE), below({ ...REMOTE, traceFlags: 0 })]) {
        const span = tracer.startSpan('s', {}, context);
        expect(span.isRecording()).toBe(recording);
        expect(span.spanContext().traceFlags & 1).toBe(recording ? 1 : 0);
      }
    }
    expect([alwaysOn(), alwaysOff()].map(String)).toEqual(['AlwaysOnSampler', 'AlwaysOffSampler']);
  });
});
