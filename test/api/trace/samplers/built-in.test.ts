import {
  type Context,
  createContextKey,
  propagation,
  ROOT_CONTEXT,
  type Sampler,
  SamplingDecision,
  type SamplingResult,
  SpanKind,
  TraceFlags,
  trace as traceApi,
} from '@opentelemetry/api';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  createAlwaysRecordSampler,
  ParentBasedSampler,
} from '@opentelemetry/sdk-trace';
import { describe, expect, it } from 'vitest';
import { W3CTraceState } from '../../../../src/api/propagation/trace-state.ts';
import {
  alwaysOff,
  alwaysOn,
  alwaysRecord,
  parentBased,
  probability,
  rateLimited,
} from '../../../../src/samplers.ts';
import { ask, childOf, isKept, stateAfter, traceIds } from '../../../support/sampling.ts';
import { started } from '../../../support/telemetry.ts';

const { NOT_RECORD, RECORD, RECORD_AND_SAMPLED } = SamplingDecision;
const invalidOption = expect.objectContaining({ code: 'invalid_option' });

/** Always this result. */
const fixed = (result: SamplingResult): Sampler => ({
  shouldSample: () => result,
  toString: () => `fixed ${result.decision}`,
});

describe('alwaysOn and alwaysOff', () => {
  it("decide as upstream's, and are described as the specification says", () => {
    for (const [ours, theirs] of [
      [alwaysOn(), new AlwaysOnSampler()],
      [alwaysOff(), new AlwaysOffSampler()],
    ] as const) {
      expect(String(ours)).toBe(String(theirs));
      for (const context of [ROOT_CONTEXT, childOf(), childOf({ flags: 0, state: 'ot=th:8' })]) {
        expect(ask(ours, { context })).toEqual(ask(theirs, { context }));
      }
    }
    expect(String(alwaysOn())).toBe('AlwaysOnSampler');
    expect(String(alwaysOff())).toBe('AlwaysOffSampler');
  });
});

describe('parentBased', () => {
  const names = [
    ...['root', 'remoteParentSampled', 'remoteParentNotSampled'],
    ...['localParentSampled', 'localParentNotSampled'],
  ] as const;
  const contexts: Context[] = [
    ROOT_CONTEXT,
    childOf({ remote: true, flags: TraceFlags.SAMPLED }),
    childOf({ remote: true, flags: TraceFlags.NONE }),
    childOf({ remote: false, flags: TraceFlags.SAMPLED }),
    childOf({ remote: false, flags: TraceFlags.NONE }),
    // no parent: its ids are none
    childOf({ traceId: '0'.repeat(32) }),
    childOf({ flags: 0xff }),
  ];

  it("asks whom upstream's asks", () => {
    const asked: string[] = [];
    const noting = (name: string): Sampler => ({
      shouldSample(...args) {
        asked.push(`${name} ${args.map((arg) => JSON.stringify(arg)).slice(1)}`);
        return { decision: RECORD };
      },
      toString: () => name,
    });
    const options = Object.fromEntries(names.map((name) => [name, noting(name)])) as {
      [name in (typeof names)[number]]: Sampler;
    };
    const [ours, theirs] = [parentBased(options), new ParentBasedSampler(options)];
    for (const context of contexts) {
      const before = asked.length;
      expect(ask(ours, { context })).toEqual(ask(theirs, { context }));
      expect(asked).toHaveLength(before + 2);
      expect(asked[before]).toBe(asked[before + 1]);
    }
    expect(new Set(asked.map((line) => line.split(' ')[0]))).toEqual(new Set(names));
    expect(String(ours)).toBe(String(theirs));
  });

  it("has upstream's defaults", () => {
    for (const root of [alwaysOn(), alwaysOff()]) {
      const [ours, theirs] = [parentBased({ root }), new ParentBasedSampler({ root })];
      for (const context of contexts) {
        expect(ask(ours, { context })).toEqual(ask(theirs, { context }));
      }
      expect(String(ours)).toBe(String(theirs));
    }
  });

  it('keeps the threshold of a parent that is followed', () => {
    const sampler = parentBased({ root: probability(0.25) });
    for (const remote of [true, false]) {
      const context = childOf({ remote, state: 'a=b,ot=th:8' });
      expect(ask(sampler, { context })).toEqual({ decision: RECORD_AND_SAMPLED });
    }
  });

  it('takes out a threshold that contradicts the decision', () => {
    const sampler = parentBased({ root: alwaysOn() });
    const after = (flags: number, state: string) =>
      stateAfter(sampler, { context: childOf({ flags, state }) });
    // the trace id reaches 8, not c
    expect(after(1, 'a=b,ot=th:c')).toBe('a=b');
    expect(after(0, 'a=b,ot=th:8;x:y')).toBe('ot=x:y,a=b');
    expect(after(1, 'ot=rv:d0000000000000;th:c')).toBeUndefined();
    expect(after(1, 'ot=rv:00000000000000;th:8')).toBe('ot=rv:00000000000000');
    const anyway = parentBased({ root: alwaysOn(), remoteParentNotSampled: alwaysOn() });
    const context = childOf({ flags: 0, state: 'ot=th:8' });
    expect(isKept(anyway, { context })).toBe(true);
    expect(stateAfter(anyway, { context })).toBe('');
  });

  it("leaves the state that the parent's sampler gives", () => {
    const traceState = new W3CTraceState(['ot=th:4']);
    const localParentSampled = fixed({ decision: RECORD_AND_SAMPLED, traceState });
    const sampler = parentBased({ root: alwaysOff(), localParentSampled });
    const context = childOf({ remote: false, state: 'ot=th:c' });
    expect(ask(sampler, { context }).traceState).toBe(traceState);
  });

  it('takes nothing but samplers', () => {
    expect(() => parentBased({} as never)).toThrow(invalidOption);
    expect(() => parentBased(undefined as never)).toThrow(invalidOption);
    expect(() => parentBased({ root: alwaysOn(), localParentSampled: {} as never })).toThrow(
      /'localParentSampled' of parentBased\(\) is an object/,
    );
  });
});

describe('alwaysRecord', () => {
  it('Sampler: AlwaysRecord', () => {
    const traceState = new W3CTraceState(['a=b']);
    const attributes = { 'sampler.name': 'x' };
    for (const [decision, expected] of [
      [NOT_RECORD, RECORD],
      [RECORD, RECORD],
      [RECORD_AND_SAMPLED, RECORD_AND_SAMPLED],
    ] as const) {
      const root = fixed({ decision, attributes, traceState });
      const result = ask(alwaysRecord(root));
      expect(result).toEqual({ decision: expected, attributes, traceState });
      expect(result).toEqual(ask(createAlwaysRecordSampler(root)));
      expect(String(alwaysRecord(root))).toBe(String(createAlwaysRecordSampler(root)));
    }
    expect(() => alwaysRecord(undefined as never)).toThrow(invalidOption);
  });

  it('records spans that are not exported', async () => {
    const { tracer, arrived } = started({ sampler: alwaysRecord(alwaysOff()) });
    const span = tracer.startSpan('span');
    expect(span.isRecording()).toBe(true);
    expect(span.spanContext().traceFlags & TraceFlags.SAMPLED).toBe(0);
    span.end();
    expect(await arrived()).toEqual([]);
  });
});

describe('rateLimited', () => {
  function onClock(spansPerSecond: number, burst?: number) {
    let at = 1000;
    const sampler = rateLimited(spansPerSecond, {
      now: () => at,
      ...(burst !== undefined && { burst }),
    });
    return {
      sampler,
      /** How many of so many spans are sampled, `ms` later. */
      kept(spans: number, ms = 0): number {
        at += ms;
        let kept = 0;
        for (let i = 0; i < spans; i++) if (isKept(sampler)) kept++;
        return kept;
      },
    };
  }

  it('samples a burst, then as many as the time that passed allows', () => {
    const { kept, sampler } = onClock(10);
    expect(kept(100)).toBe(10);
    expect(kept(100, 99)).toBe(0);
    expect(kept(100, 1)).toBe(1);
    expect(kept(100, 350)).toBe(3);
    expect(kept(100, 50)).toBe(1);
    expect(kept(100, 3_600_000)).toBe(10);
    expect(String(sampler)).toBe('RateLimitedSampler{10}');
  });

  it('never exceeds burst plus rate times time', () => {
    const { kept } = onClock(50, 5);
    let total = 0;
    for (let ms = 0; ms < 2000; ms += 7) total += kept(3, 7);
    expect(total).toBeLessThanOrEqual(5 + (50 * 2009) / 1000);
    expect(total).toBeGreaterThanOrEqual((50 * 2000) / 1000 - 1);
  });

  it('has rates below one a second', () => {
    const { kept } = onClock(0.1);
    expect(kept(10)).toBe(1);
    expect(kept(10, 9000)).toBe(0);
    expect(kept(10, 1000)).toBe(1);
  });

  it('drops everything at 0', () => {
    expect(onClock(0).kept(10, 10_000)).toBe(0);
  });

  it('is not emptied or filled by a clock that goes back', () => {
    const { kept } = onClock(10, 2);
    expect(kept(1)).toBe(1);
    expect(kept(5, -500)).toBe(1);
    expect(kept(5, 100)).toBe(1);
  });

  it('has the clock of the runtime by default', () => {
    const sampler = rateLimited(1e-6, { burst: 3 });
    expect(traceIds(9).filter((traceId) => isKept(sampler, { traceId }))).toHaveLength(3);
  });

  it('takes a threshold out of the state: spans it samples cannot be counted', () => {
    const sampler = rateLimited(1e-6);
    const context = childOf({ state: 'a=b,ot=th:8' });
    for (const decision of [RECORD_AND_SAMPLED, NOT_RECORD]) {
      const result = ask(sampler, { context });
      expect(result.decision).toBe(decision);
      expect(result.traceState?.serialize()).toBe('a=b');
    }
  });

  it.each([
    [-1],
    [Number.NaN],
    [Number.POSITIVE_INFINITY],
    ['1' as never],
    [1, 0.5],
    [1, Number.NaN],
  ])('rejects %s spans per second, burst %s', (spansPerSecond, burst?: number) => {
    const options = burst === undefined ? {} : { burst };
    expect(() => rateLimited(spansPerSecond, options)).toThrow(invalidOption);
  });
});

describe('under the tracer', () => {
  it('Allow samplers to modify tracestate', async () => {
    const sampler: Sampler = {
      shouldSample(context) {
        const before = traceApi.getSpanContext(context)?.traceState ?? new W3CTraceState();
        return { decision: RECORD_AND_SAMPLED, traceState: before.set('vendor', 'new') };
      },
      toString: () => 'changes the state',
    };
    const { tracer, arrived } = started({ sampler });
    const root = tracer.startSpan('root');
    expect(root.spanContext().traceState?.serialize()).toBe('vendor=new');
    root.end();
    const context = childOf({ state: 'a=b,vendor=old' });
    const child = tracer.startSpan('child', {}, context);
    expect(child.spanContext().traceState?.serialize()).toBe('vendor=new,a=b');
    child.end();
    expect((await arrived()).map(({ traceState }) => traceState)).toEqual([
      'vendor=new',
      'vendor=new,a=b',
    ]);
    // An empty state clears the parent's.
    const clearing = started({
      sampler: fixed({ decision: RECORD_AND_SAMPLED, traceState: new W3CTraceState() }),
    });
    const cleared = clearing.tracer.startSpan('child', {}, context);
    expect(cleared.spanContext().traceState?.serialize() ?? '').toBe('');
  });

  it('a dropped span passes the state of its sampler on, too', () => {
    const { tracer } = started({ sampler: probability(0.25) });
    const span = tracer.startSpan('span', {}, childOf({ state: 'ot=th:4;x:y,a=b' }));
    expect(span.isRecording()).toBe(false);
    expect(span.spanContext().traceState?.serialize()).toBe('ot=x:y,a=b');
  });

  it('ShouldSample gets full parent Context', () => {
    const seen: unknown[][] = [];
    const sampler: Sampler = {
      shouldSample(...args) {
        seen.push(args);
        return { decision: RECORD_AND_SAMPLED };
      },
      toString: () => 'sees',
    };
    const { tracer } = started({ sampler });
    const key = createContextKey('tenant');
    const baggage = propagation.createBaggage({ plan: { value: 'gold' } });
    const context = propagation.setBaggage(childOf().setValue(key, 'acme'), baggage);
    const attributes = { route: '/' };
    const links = [{ context: traceApi.getSpanContext(context)! }];
    const span = tracer.startSpan('GET /', { kind: SpanKind.SERVER, attributes, links }, context);
    expect(seen).toHaveLength(1);
    const [parent, traceId, name, kind, ...rest] = seen[0]! as [Context, string, string, SpanKind];
    expect(parent.getValue(key)).toBe('acme');
    expect(propagation.getBaggage(parent)?.getEntry('plan')?.value).toBe('gold');
    expect(traceApi.getSpanContext(parent)).toEqual(traceApi.getSpanContext(context));
    expect(traceId).toBe(traceApi.getSpanContext(context)!.traceId);
    expect(traceId).toBe(span.spanContext().traceId);
    expect([name, kind, ...rest]).toEqual(['GET /', SpanKind.SERVER, attributes, links]);
    // A root that is asked for has no parent, and all the rest.
    tracer.startSpan('root', { root: true }, context);
    const [ofRoot] = seen[1]! as [Context];
    expect(traceApi.getSpanContext(ofRoot)).toBeUndefined();
    expect(ofRoot.getValue(key)).toBe('acme');
  });
});
