import {
  type Context,
  context as contextApi,
  createContextKey,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  type SpanOptions,
  trace as traceApi,
} from '@opentelemetry/api';
import {
  isTracingSuppressed as isSuppressedThere,
  suppressTracing as suppressThere,
  unsuppressTracing as unsuppressThere,
} from '@opentelemetry/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ActiveSpanContext } from '../../../src/api/context/active-span.ts';
import { isTracingSuppressed, suppressTracing } from '../../../src/api/context/suppress-tracing.ts';
import { AsyncLocalStorageContextManager } from '../../../src/runtime/node/context-manager.ts';
import { randomFrom } from '../../support/random.ts';
import { type Started, started } from '../../support/telemetry.ts';

const REMOTE = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: 1,
  isRemote: true,
};

const KEYS = ['a', 'b', 'c'].map((name) => createContextKey(name));

/** All that can be asked of a context. */
function answers(context: Context): unknown[] {
  return [
    ...KEYS.map((key) => context.getValue(key)),
    context.getValue(createContextKey('never set')),
    traceApi.getSpan(context),
    traceApi.getSpanContext(context),
    isTracingSuppressed(context),
    isSuppressedThere(context),
    propagation.getBaggage(context),
  ];
}

describe('ActiveSpanContext', () => {
  it('answers as trace.setSpan would, whatever is made of it', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = randomFrom(seed * 104_729);
      const { tracer } = started();
      const spans: Span[] = [
        ...Array.from({ length: 4 }, (_, i) => tracer.startSpan(`s${i}`)),
        traceApi.wrapSpanContext(REMOTE),
      ];
      const pick = <T>(list: readonly T[]) => list[random.below(list.length)] as T;
      const operations: (() => (context: Context) => Context)[] = [
        () => {
          const [key, value] = [pick(KEYS), pick(['x', 0, undefined, null, {}])];
          return (context) => context.setValue(key, value);
        },
        () => {
          const key = pick(KEYS);
          return (context) => context.deleteValue(key);
        },
        () => {
          const span = pick(spans);
          return (context) => traceApi.setSpan(context, span);
        },
        () => (context) => traceApi.setSpanContext(context, REMOTE),
        () => (context) => traceApi.deleteSpan(context),
        () => suppressTracing,
        () => suppressThere,
        () => unsuppressThere,
        () => {
          const baggage = propagation.createBaggage({ k: { value: `${random.below(9)}` } });
          return (context) => propagation.setBaggage(context, baggage);
        },
        () => (context) => propagation.deleteBaggage(context),
      ];
      // Each pair: ours, and what the API would have. Every one stays as it was.
      const pairs: (readonly [Context, Context])[] = [[ROOT_CONTEXT, ROOT_CONTEXT]];
      for (let i = 0; i < 150; i++) {
        const [ours, reference] = pick(pairs);
        if (random.below(2) === 0) {
          const span = pick(spans);
          pairs.push([new ActiveSpanContext(ours, span), traceApi.setSpan(reference, span)]);
        } else {
          const operation = pick(operations)();
          pairs.push([operation(ours), operation(reference)]);
        }
      }
      for (const [ours, reference] of pairs) {
        expect(answers(ours), `seed ${seed}`).toEqual(answers(reference));
        const places = [ours, reference].map((each) => spans.indexOf(traceApi.getSpan(each)!));
        expect(places[0]).toBe(places[1]);
        if (ours instanceof ActiveSpanContext) {
          expect(ours.rest).not.toBeInstanceOf(ActiveSpanContext);
        }
      }
    }
  });

  it('is changed by nothing: each call makes another context', () => {
    const span = started().tracer.startSpan('s');
    const context = new ActiveSpanContext(ROOT_CONTEXT.setValue(KEYS[0]!, 1), span);
    context.setValue(KEYS[0]!, 2);
    context.deleteValue(KEYS[0]!);
    traceApi.deleteSpan(context);
    suppressTracing(context);
    expect(context.getValue(KEYS[0]!)).toBe(1);
    expect(traceApi.getSpan(context)).toBe(span);
    expect(isTracingSuppressed(context)).toBe(false);
  });

  it('takes in contexts of others, which know nothing of it', () => {
    const values = new Map<symbol, unknown>([[KEYS[0]!, 'theirs']]);
    const theirs = (map: ReadonlyMap<symbol, unknown>): Context => ({
      getValue: (key) => map.get(key),
      setValue: (key, value) => theirs(new Map([...map, [key, value]])),
      deleteValue: (key) => theirs(new Map([...map].filter(([each]) => each !== key))),
    });
    const span = started().tracer.startSpan('s');
    const context = new ActiveSpanContext(theirs(values), span);
    expect(context.getValue(KEYS[0]!)).toBe('theirs');
    const changed = context.setValue(KEYS[1]!, 'b').deleteValue(KEYS[0]!);
    expect(KEYS.map((key) => changed.getValue(key))).toEqual([undefined, 'b', undefined]);
    expect(traceApi.getSpan(changed)).toBe(span);
    expect(traceApi.getSpan(traceApi.deleteSpan(changed))).toBeUndefined();
  });
});

describe('startActiveSpan', () => {
  let run: Started;

  beforeEach(() => {
    run = started({}, { contextManager: () => new AsyncLocalStorageContextManager() });
    run.telemetry.register();
  });

  afterEach(async () => {
    const down = run.telemetry.shutdown();
    await run.host.settle();
    await down;
  });

  /** With arguments that the types do not allow, too. */
  const start = (...args: unknown[]) =>
    (run.tracer as unknown as { startActiveSpan(...args: unknown[]): unknown }).startActiveSpan(
      's',
      ...args,
    );

  it.each<[string, unknown[], object]>([
    ['a function', [], { kind: 0 }],
    ['options and a function', [{ kind: SpanKind.CLIENT }], { kind: 2 }],
    ['options, context and a function', [{ kind: 1 }, ROOT_CONTEXT], { kind: 1 }],
    ['undefined for options', [undefined], { kind: 0 }],
    ['null for options', [null], { kind: 0 }],
    ['undefined for options and context', [undefined, undefined], { kind: 0 }],
    ['undefined for the context', [{ kind: 3 }, undefined], { kind: 3 }],
    ['null for both', [null, null], { kind: 0 }],
    ['undefined for options, with a context', [undefined, ROOT_CONTEXT], { kind: 0 }],
  ])('takes %s', (_, args, expected) => {
    const outer = run.tracer.startSpan('outer');
    contextApi.with(traceApi.setSpan(ROOT_CONTEXT, outer), () => {
      const seen: Span[] = [];
      const returned = start(...args, (span: Span) => {
        seen.push(span);
        expect(traceApi.getActiveSpan()).toBe(span);
        return 'returned';
      });
      expect(returned).toBe('returned');
      expect(traceApi.getActiveSpan()).toBe(outer);
      expect(seen).toMatchObject([{ name: 's', ...expected }]);
      const root = args[1] === ROOT_CONTEXT;
      expect((seen[0] as unknown as { parentSpanContext?: object }).parentSpanContext).toEqual(
        root ? undefined : outer.spanContext(),
      );
    });
    expect.assertions(5);
  });

  it.each<[string, unknown[]]>([
    ['nothing', []],
    ['options alone', [{}]],
    ['undefined', [undefined]],
    ['text', ['fn']],
    ['options and text', [{}, 'fn']],
    ['options, a context and null', [{}, ROOT_CONTEXT, null]],
  ])('starts nothing without a function: %s', async (_, args) => {
    expect(start(...args)).toBeUndefined();
    expect(run.traces().recorded).toBe(0);
  });

  it('starts a span as a root where its options say so', () => {
    run.tracer.startActiveSpan('outer', (outer) => {
      run.tracer.startActiveSpan('inner', { root: true } as SpanOptions, (inner) => {
        expect(inner.spanContext().traceId).not.toBe(outer.spanContext().traceId);
        expect(traceApi.getActiveSpan()).toBe(inner);
      });
    });
    expect.assertions(2);
  });

  it('within tracing suppressed starts nothing, within the span it can be suppressed', () => {
    const baggage = propagation.createBaggage({ user: { value: 'u1' } });
    contextApi.with(propagation.setBaggage(ROOT_CONTEXT, baggage), () => {
      run.tracer.startActiveSpan('s', (span) => {
        expect(propagation.getActiveBaggage()).toBe(baggage);
        contextApi.with(suppressTracing(contextApi.active()), () => {
          expect(traceApi.getActiveSpan()).toBe(span);
          expect(propagation.getActiveBaggage()).toBe(baggage);
          run.tracer.startActiveSpan('suppressed', (inner) => {
            expect(inner.isRecording()).toBe(false);
            expect(isTracingSuppressed(contextApi.active())).toBe(true);
            expect(propagation.getActiveBaggage()).toBe(baggage);
          });
        });
        expect(isTracingSuppressed(contextApi.active())).toBe(false);
      });
    });
    expect.assertions(7);
  });

  it('thousands deep, each beneath the one around it, with contexts no deeper than one', async () => {
    const key = createContextKey('depth');
    let calls = 0;
    const descend = (depth: number, around: Span | undefined): Promise<void> =>
      run.tracer.startActiveSpan(`s${depth % 10}`, async (span) => {
        calls++;
        // From here on the call stack begins anew.
        await null;
        const context = contextApi.active();
        if (!(context instanceof ActiveSpanContext)) expect.fail(`no such context at ${depth}`);
        if (context.rest instanceof ActiveSpanContext) expect.fail(`a chain at ${depth}`);
        if (traceApi.getActiveSpan() !== span) expect.fail(`another span at ${depth}`);
        const parent = (span as unknown as { parentSpanContext?: object }).parentSpanContext;
        if (depth % 97 === 0) expect(parent).toEqual(around?.spanContext());
        if (depth === 0) return;
        // Now and then a value is set between two spans.
        if (depth % 10 !== 0) await descend(depth - 1, span);
        else await contextApi.with(context.setValue(key, depth), () => descend(depth - 1, span));
      });
    await descend(3000, undefined);
    expect(calls).toBe(3001);
    const span = run.tracer.startSpan('s');
    let context = new ActiveSpanContext(ROOT_CONTEXT, span);
    for (let i = 0; i < 5000; i++) context = new ActiveSpanContext(context, span);
    expect(context.rest).toBe(ROOT_CONTEXT);
  });
});
