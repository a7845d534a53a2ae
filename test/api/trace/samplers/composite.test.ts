import { type Attributes, SpanKind, type TraceState, trace as traceApi } from '@opentelemetry/api';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { W3CTraceState } from '../../../../src/api/propagation/trace-state.ts';
import {
  allOf,
  anyOf,
  attributeMatches,
  type ComposableSampler,
  composableAlwaysOff,
  composableAlwaysOn,
  composableAnnotating,
  composableParentThreshold,
  composableProbability,
  composableRuleBased,
  composite,
  not,
  parentIs,
  probability,
  type SamplingIntent,
  type SpanPredicate,
  spanKindIs,
  spanNameMatches,
  type TextPattern,
} from '../../../../src/samplers.ts';
import { ask, childOf, isKept, stateAfter, traceIds } from '../../../support/sampling.ts';
import { started } from '../../../support/telemetry.ts';

const LOW = `${'a'.repeat(18)}00000000000001`;
const invalidOption = expect.objectContaining({ code: 'invalid_option' });

const intending = (intent: SamplingIntent): ComposableSampler => ({
  getSamplingIntent: () => intent,
  toString: () => 'intending',
});

afterEach(() => {
  vi.restoreAllMocks();
});

describe('composite', () => {
  it('CompositeSampler and built-in ComposableSamplers', async () => {
    // The specification's example, under our tracer.
    const root = composableRuleBased([
      [spanNameMatches('GET /health*'), composableAlwaysOff()],
      [attributeMatches('http.route', '/checkout'), composableAlwaysOn()],
      [() => true, composableProbability(0.25)],
    ]);
    const sampler = composite(
      composableAnnotating(composableParentThreshold(root), { 'sampled.by': 'rules' }),
    );
    const { tracer, arrived } = started({ sampler });
    const health = tracer.startSpan('GET /healthz');
    const checkout = tracer.startSpan('POST', { attributes: { 'http.route': '/checkout' } });
    const child = tracer.startSpan('child', {}, traceApi.setSpan(childOf(), checkout));
    const others = Array.from({ length: 64 }, () => tracer.startSpan('other'));
    for (const span of [health, child, checkout, ...others]) span.end();
    const spans = await arrived();
    expect(health.spanContext().traceFlags & 1).toBe(0);
    expect(spans.slice(0, 2)).toMatchObject([
      { name: 'child', traceState: 'ot=th:0', attributes: { 'sampled.by': 'rules' } },
      { name: 'POST', traceState: 'ot=th:0', attributes: { 'http.route': '/checkout' } },
    ]);
    const kept = spans.slice(2);
    expect(kept.length).toBeGreaterThan(4);
    expect(kept.length).toBeLessThan(32);
    for (const span of kept) {
      expect(span).toMatchObject({ name: 'other', traceState: 'ot=th:c' });
      expect(span.traceId.slice(18) >= 'c').toBe(true);
    }
  });

  it('with a probability decides as probability() does', () => {
    const contexts = [
      undefined,
      childOf({ state: 'a=b,ot=th:4;x:y' }),
      childOf({ flags: 0x02, state: 'ot=rv:c1234567890abc' }),
      childOf({ state: 'ot=rv:nonsense' }),
    ];
    for (const ratio of [0, 2 ** -56, 0.01, 0.25, 0.5, 1]) {
      const [composed, plain] = [composite(composableProbability(ratio)), probability(ratio)];
      for (const context of contexts) {
        for (const traceId of [...traceIds(20), LOW]) {
          const asked = { traceId, ...(context !== undefined && { context }) };
          expect(ask(composed, asked).decision).toBe(ask(plain, asked).decision);
          expect(stateAfter(composed, asked)).toBe(stateAfter(plain, asked));
        }
      }
    }
  });

  it('drops what has no threshold, or none that can be read', () => {
    for (const threshold of [undefined, null, '', 'C', '0x8', 'c'.repeat(15), 12]) {
      const sampler = composite(
        intending({ threshold: threshold as string, adjustedCountReliable: true }),
      );
      const asked = { traceId: 'f'.repeat(32), context: childOf({ state: 'a=b,ot=th:8' }) };
      expect(isKept(sampler, asked)).toBe(false);
      expect(stateAfter(sampler, asked)).toBe('a=b');
    }
  });

  it("takes randomness of its own where the threshold is unreliable, not the trace's", () => {
    const sampler = composite(intending({ threshold: '8', adjustedCountReliable: false }));
    const random = vi.spyOn(Math, 'random');
    random.mockReturnValue(0.6);
    expect(isKept(sampler, { traceId: LOW })).toBe(true);
    expect(stateAfter(sampler, { traceId: LOW, context: childOf({ state: 'ot=th:4' }) })).toBe('');
    random.mockReturnValue(0.4);
    expect(isKept(sampler, { traceId: 'f'.repeat(32) })).toBe(false);
  });

  it('asks for attributes only when the span is sampled', () => {
    const attributes = vi.fn((): Attributes => ({ a: 1 }));
    const sampler = composite(
      intending({ threshold: '8', adjustedCountReliable: true, attributes }),
    );
    expect(ask(sampler, { traceId: LOW })).toEqual({ decision: 0 });
    expect(attributes).not.toHaveBeenCalled();
    expect(ask(sampler)).toMatchObject({ decision: 2, attributes: { a: 1 } });
  });

  it('lets a composable change the state, but not its own entry', () => {
    const given: unknown[] = [];
    const change = (next: (parent: TraceState | undefined) => TraceState | undefined) =>
      composite(
        intending({
          threshold: '8',
          adjustedCountReliable: true,
          traceState(parent, decision) {
            given.push(parent?.serialize(), decision);
            return next(parent);
          },
        }),
      );
    const context = childOf({ state: 'a=b,ot=rv:f0000000000000;th:4' });
    const adding = change((parent) => parent?.set('v', '1'));
    expect(stateAfter(adding, { context })).toBe('ot=rv:f0000000000000;th:8,v=1,a=b');
    expect(given).toEqual(['a=b,ot=rv:f0000000000000;th:4', 2]);
    const meddling = change((parent) => parent?.set('ot', 'rv:00000000000000'));
    expect(stateAfter(meddling, { context })).toBe('ot=rv:f0000000000000;th:8,a=b');
    const removing = change(() => undefined);
    expect(stateAfter(removing, { context })).toBe('ot=rv:f0000000000000;th:8');
    expect(stateAfter(removing, { context: childOf({ state: 'a=b' }) })).toBe('ot=th:8');
    expect(stateAfter(removing, { traceId: LOW, context: childOf({ state: 'a=b' }) })).toBe('');
    const creating = change(() => new W3CTraceState(['v=1', 'ot=rv:00000000000000']));
    expect(stateAfter(creating)).toBe('ot=th:8,v=1');
    expect(stateAfter(creating, { traceId: LOW })).toBe('v=1');
  });

  it('says what it is made of', () => {
    const rules = composableRuleBased([[() => true, composableProbability(0.1)]]);
    const sampler = composite(composableAnnotating(composableParentThreshold(rules), { a: 1 }));
    expect(String(sampler)).toBe(
      'CompositeSampler{ComposableAnnotating{ComposableParentThreshold{root=ComposableRuleBased{ComposableProbability{0.1}}}, a}}',
    );
    expect(String(composite(composableAlwaysOn()))).toBe('CompositeSampler{ComposableAlwaysOn}');
    expect(String(composableProbability(0))).toBe('ComposableAlwaysOff');
  });

  it('takes nothing but composable samplers', () => {
    const sampler = probability(1) as never;
    for (const make of [
      () => composite(sampler),
      () => composite(undefined as never),
      () => composableParentThreshold(sampler),
      () => composableAnnotating(sampler, {}),
      () => composableRuleBased([[() => true, sampler]]),
      () => composableRuleBased(['GET' as never]),
      () => composableRuleBased({} as never),
      () => composableProbability(1.5),
      () => composableProbability(2 ** -57),
    ]) {
      expect(make).toThrow(invalidOption);
    }
  });
});

describe('composableAlwaysOn and composableAlwaysOff', () => {
  it('keep and drop every span, with the threshold that says so', () => {
    const context = childOf({ flags: 0, state: 'a=b,ot=th:8' });
    expect(stateAfter(composite(composableAlwaysOn()), { context, traceId: LOW })).toBe(
      'ot=th:0,a=b',
    );
    expect(isKept(composite(composableAlwaysOn()), { context, traceId: LOW })).toBe(true);
    expect(isKept(composite(composableAlwaysOff()), { traceId: 'f'.repeat(32) })).toBe(false);
    expect(stateAfter(composite(composableAlwaysOff()), { context })).toBe('a=b');
  });
});

describe('composableParentThreshold', () => {
  const sampler = composite(composableParentThreshold(composableProbability(0.25)));

  it('asks its root when there is no parent', () => {
    expect(isKept(sampler)).toBe(false);
    expect(stateAfter(sampler, { traceId: 'f'.repeat(32) })).toBe('ot=th:c');
    expect(isKept(sampler, { context: childOf({ traceId: '0'.repeat(32) }) })).toBe(false);
  });

  it("follows the parent with the parent's threshold", () => {
    for (const remote of [true, false]) {
      const context = childOf({ remote, state: 'a=b,ot=th:8' });
      expect(isKept(sampler, { context })).toBe(true);
      expect(stateAfter(sampler, { context })).toBe('a=b,ot=th:8');
      const dropped = childOf({ remote, flags: 2, state: 'a=b,ot=th:c' });
      expect(isKept(sampler, { context: dropped })).toBe(false);
      expect(stateAfter(sampler, { context: dropped })).toBe('a=b');
    }
  });

  it('follows a parent without a threshold, and writes none', () => {
    expect(ask(sampler, { context: childOf() })).toEqual({ decision: 2 });
    expect(ask(sampler, { context: childOf({ flags: 2 }) })).toEqual({ decision: 0 });
    expect(stateAfter(sampler, { context: childOf({ state: 'a=b' }) })).toBe('a=b');
  });

  it("follows the parent's flag where the threshold contradicts it, and takes that out", () => {
    const sampled = childOf({ state: 'ot=th:c' });
    expect(isKept(sampler, { context: sampled })).toBe(true);
    expect(stateAfter(sampler, { context: sampled })).toBe('');
    const dropped = childOf({ flags: 2, state: 'ot=th:8' });
    expect(isKept(sampler, { context: dropped })).toBe(false);
    expect(stateAfter(sampler, { context: dropped })).toBe('');
    const explicit = childOf({ state: 'ot=rv:d0000000000000;th:c' });
    expect(stateAfter(sampler, { context: explicit })).toBe('ot=rv:d0000000000000;th:c');
  });
});

describe('composableRuleBased', () => {
  const kept = (rules: Parameters<typeof composableRuleBased>[0], asked = {}) =>
    isKept(composite(composableRuleBased(rules)), asked);

  it('asks the first rule that holds', () => {
    const on = composableAlwaysOn();
    const off = composableAlwaysOff();
    const yes = () => true;
    const no = () => false;
    expect(
      kept([
        [no, off],
        [yes, on],
        [yes, off],
      ]),
    ).toBe(true);
    expect(
      kept([
        [yes, off],
        [yes, on],
      ]),
    ).toBe(false);
  });

  it('drops what no rule is about', () => {
    expect(kept([])).toBe(false);
    expect(kept([[() => false, composableAlwaysOn()]])).toBe(false);
  });

  it('passes over a predicate that throws', () => {
    const throws = () => {
      throw new Error('no');
    };
    expect(
      kept([
        [throws, composableAlwaysOff()],
        [() => true, composableAlwaysOn()],
      ]),
    ).toBe(true);
  });

  const holds = (predicate: SpanPredicate, asked = {}) =>
    kept([[predicate, composableAlwaysOn()]], asked);

  it('by kind', () => {
    const predicate = spanKindIs(SpanKind.SERVER, SpanKind.CONSUMER);
    expect(holds(predicate, { kind: SpanKind.SERVER })).toBe(true);
    expect(holds(predicate, { kind: SpanKind.CONSUMER })).toBe(true);
    expect(holds(predicate, { kind: SpanKind.CLIENT })).toBe(false);
  });

  it.each<[TextPattern, string, boolean]>([
    ['GET /', 'GET /', true],
    ['GET /', 'GET /a', false],
    ['GET *', 'GET /a/b', true],
    ['*health*', '/api/healthz', true],
    ['*health', '/api/healthz', false],
    ['a*b*c', 'aXbXbYc', true],
    ['a*b*c', 'aXcXb', false],
    ['/v?/x', '/v1/x', true],
    ['/v?/x', '/v/x', false],
    ['*', '', true],
    ['', '', true],
    ['', 'a', false],
    ['a.c', 'abc', false],
    ['a*', 'b*', false],
    [/^get/i, 'GET /', true],
    [/^get/, 'GET /', false],
  ])('by name: %s matches %s: %s', (pattern, name, expected) => {
    expect(holds(spanNameMatches(pattern), { name })).toBe(expected);
    expect(holds(spanNameMatches('nothing', pattern), { name })).toBe(expected);
  });

  it('by name: a long text does not make a pattern slow', () => {
    const name = 'a'.repeat(2000);
    expect(holds(spanNameMatches(`${'*a'.repeat(50)}b`), { name })).toBe(false);
  });

  it('by name: a global regular expression matches the same every time', () => {
    const predicate = spanNameMatches(/GET/g);
    for (let i = 0; i < 3; i++) expect(holds(predicate, { name: 'GET' })).toBe(true);
  });

  it('by attribute: text, numbers, booleans, and each of a list', () => {
    const attributes = {
      status: 404,
      ok: false,
      tags: ['red', null, 'green'],
      'http.route': '/a/b',
    };
    expect(holds(attributeMatches('status', '404'), { attributes })).toBe(true);
    expect(holds(attributeMatches('status', '4??'), { attributes })).toBe(true);
    expect(holds(attributeMatches('status', '200', '5*'), { attributes })).toBe(false);
    expect(holds(attributeMatches('ok', 'false'), { attributes })).toBe(true);
    expect(holds(attributeMatches('tags', 'green'), { attributes })).toBe(true);
    expect(holds(attributeMatches('tags', 'null'), { attributes })).toBe(false);
    expect(holds(attributeMatches('http.route', '/a/*'), { attributes })).toBe(true);
    expect(holds(attributeMatches('absent', '*'), { attributes })).toBe(false);
    expect(holds(attributeMatches('constructor', '*'), { attributes })).toBe(false);
  });

  it('by where the parent is', () => {
    const places = ['none', 'remote', 'local'] as const;
    const contexts = [{}, { context: childOf() }, { context: childOf({ remote: false }) }];
    for (const [i, asked] of contexts.entries()) {
      expect(places.map((place) => holds(parentIs(place), asked))).toEqual(
        places.map((_, j) => i === j),
      );
    }
    expect(holds(parentIs('none', 'remote'), contexts[1])).toBe(true);
    expect(holds(parentIs('none', 'remote'), contexts[2])).toBe(false);
  });

  it('by several conditions', () => {
    const [yes, no] = [() => true, () => false];
    expect([allOf(), allOf(yes, yes), allOf(yes, no)].map((one) => holds(one))).toEqual([
      ...[true, true, false],
    ]);
    expect([anyOf(), anyOf(no, yes), anyOf(no, no)].map((one) => holds(one))).toEqual([
      ...[false, true, false],
    ]);
    expect([not(yes), not(no)].map((one) => holds(one))).toEqual([false, true]);
  });
});

describe('composableAnnotating', () => {
  it('adds attributes to sampled spans, the outer ones last', () => {
    const attributes = { rule: 'inner', a: 1 };
    const inner = composableAnnotating(composableProbability(0.5), attributes);
    attributes.a = 2;
    const sampler = composite(composableAnnotating(inner, { rule: 'outer', b: true }));
    expect(ask(sampler).attributes).toEqual({ rule: 'outer', a: 1, b: true });
    expect(stateAfter(sampler)).toBe('ot=th:8');
    expect(ask(sampler, { traceId: LOW })).toEqual({ decision: 0 });
  });

  it('keeps what its composable wants of the state', () => {
    const traceState = () => new W3CTraceState(['v=1']);
    const inner = intending({ threshold: '0', adjustedCountReliable: true, traceState });
    expect(stateAfter(composite(composableAnnotating(inner, { a: 1 })))).toBe('ot=th:0,v=1');
  });
});
