import {
  context as contextApi,
  INVALID_SPAN_CONTEXT,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  trace as traceApi,
} from '@opentelemetry/api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StackContextManager } from '../../../src/api/context/stack.ts';
import { AsyncLocalStorageContextManager } from '../../../src/runtime/node/context-manager.ts';
import { type Started, started } from '../../support/telemetry.ts';

const MANAGERS = [
  ['async-local-storage', () => new AsyncLocalStorageContextManager()],
  ['stack', () => new StackContextManager()],
] as const;

describe.each(MANAGERS)('%s', (kind, contextManager) => {
  let run: Started;
  const names = (spans: readonly { name: string; parentSpanId?: string; spanId: string }[]) =>
    Object.fromEntries(
      spans.map(({ name, parentSpanId }) => [
        name,
        spans.find(({ spanId }) => spanId === parentSpanId)?.name,
      ]),
    );

  beforeEach(() => {
    run = started({}, { contextManager });
    run.telemetry.register();
  });

  afterEach(async () => {
    const down = run.telemetry.shutdown();
    await run.host.settle();
    await down;
  });

  describe('Trace / Context interaction', () => {
    it('Get active Span: from a context, and from the current one', () => {
      const span = run.tracer.startSpan('s');
      const holding = traceApi.setSpan(ROOT_CONTEXT, span);
      expect(traceApi.getSpan(ROOT_CONTEXT)).toBeUndefined();
      expect(traceApi.getActiveSpan()).toBeUndefined();
      expect(traceApi.getSpan(holding)).toBe(span);
      expect(traceApi.getSpanContext(holding)).toEqual(span.spanContext());
      contextApi.with(holding, () => expect(traceApi.getActiveSpan()).toBe(span));
      expect(traceApi.getActiveSpan()).toBeUndefined();
      span.end();
      expect.assertions(6);
    });

    it('Set active Span: makes a new context, whose span becomes the default parent', async () => {
      const { tracer } = run;
      const first = tracer.startSpan('first');
      const second = tracer.startSpan('second');
      const outer = traceApi.setSpan(ROOT_CONTEXT, first);
      const inner = traceApi.setSpan(outer, second);
      expect(inner).not.toBe(outer);
      expect(traceApi.getSpan(outer)).toBe(first);
      expect(traceApi.getSpan(inner)).toBe(second);
      expect(traceApi.getSpan(traceApi.deleteSpan(inner))).toBeUndefined();
      contextApi.with(outer, () => {
        tracer.startSpan('child of first').end();
        contextApi.with(inner, () => tracer.startSpan('child of second').end());
        tracer.startSpan('another of first').end();
      });
      tracer.startSpan('root').end();
      first.end();
      second.end();
      expect(names(await run.arrived())).toEqual({
        'child of first': 'first',
        'child of second': 'second',
        'another of first': 'first',
        root: undefined,
        first: undefined,
        second: undefined,
      });
    });

    it('Set active Span: one of another process, and one that is invalid', () => {
      const remote = {
        traceId: '0af7651916cd43dd8448eb211c80319c',
        spanId: 'b7ad6b7169203331',
        traceFlags: 1,
      };
      const childOf = (spanContext: SpanContext) => {
        const span = traceApi.wrapSpanContext(spanContext);
        return contextApi.with(traceApi.setSpan(contextApi.active(), span), () => {
          expect(traceApi.getActiveSpan()).toBe(span);
          return run.tracer.startSpan('child').spanContext().traceId;
        });
      };
      expect(childOf(remote)).toBe(remote.traceId);
      expect(childOf(INVALID_SPAN_CONTEXT)).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
      expect.assertions(4);
    });
  });

  describe('Tracer', () => {
    it('Get active Span: the one startActiveSpan started, outside of it none', () => {
      const { tracer } = run;
      let span: Span | undefined;
      tracer.startActiveSpan('s', (given) => {
        span = given;
        expect(traceApi.getActiveSpan()).toBe(given);
        given.end();
        // Active as long as the call runs, ended or not.
        expect(traceApi.getActiveSpan()).toBe(given);
      });
      expect(span?.isRecording()).toBe(false);
      expect(traceApi.getActiveSpan()).toBeUndefined();
      expect.assertions(4);
    });

    it('Mark Span active: nested spans have the one around them as their parent', async () => {
      const { tracer } = run;
      tracer.startActiveSpan('outer', (outer) => {
        tracer.startActiveSpan('middle', {}, (middle) => {
          tracer.startActiveSpan('inner', {}, contextApi.active(), (inner) => inner.end());
          expect(traceApi.getActiveSpan()).toBe(middle);
          middle.end();
        });
        tracer.startActiveSpan('apart', { root: true }, (apart) => apart.end());
        expect(traceApi.getActiveSpan()).toBe(outer);
        outer.end();
      });
      expect(names(await run.arrived())).toEqual({
        inner: 'middle',
        middle: 'outer',
        apart: undefined,
        outer: undefined,
      });
    });

    it('Mark Span active: the one before is active again after a throw', () => {
      const { tracer } = run;
      tracer.startActiveSpan('outer', (outer) => {
        expect(() =>
          tracer.startActiveSpan('inner', (inner) => {
            inner.end();
            throw new Error('expected');
          }),
        ).toThrow('expected');
        expect(traceApi.getActiveSpan()).toBe(outer);
        outer.end();
      });
      expect(traceApi.getActiveSpan()).toBeUndefined();
      expect.assertions(3);
    });

    it('Mark Span active: other values of the context stay', () => {
      const key = Symbol('own');
      contextApi.with(ROOT_CONTEXT.setValue(key, 'kept'), () =>
        run.tracer.startActiveSpan('s', (span) => {
          expect(contextApi.active().getValue(key)).toBe('kept');
          span.end();
        }),
      );
      expect.assertions(1);
    });

    it(`Mark Span active: ${kind === 'stack' ? 'up to the first await' : 'over every await'}`, async () => {
      const { tracer } = run;
      await tracer.startActiveSpan('outer', async (outer) => {
        tracer.startSpan('at once').end();
        await null;
        expect(traceApi.getActiveSpan()).toBe(kind === 'stack' ? undefined : outer);
        tracer.startSpan('later').end();
        outer.end();
      });
      expect(names(await run.arrived())).toEqual({
        'at once': 'outer',
        later: kind === 'stack' ? undefined : 'outer',
        outer: undefined,
      });
    });
  });
});
