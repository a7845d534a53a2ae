import { DiagLogLevel, diag, ROOT_CONTEXT, trace as traceApi } from '@opentelemetry/api';
import { TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { W3CTraceState } from '../../../../src/api/propagation/trace-state.ts';
import { parentBased, probability, traceIdRatioBased } from '../../../../src/samplers.ts';
import { randomFrom } from '../../../support/random.ts';
import {
  ask,
  childOf,
  isKept,
  MIDDLE_TRACE_ID,
  stateAfter,
  traceIds,
} from '../../../support/sampling.ts';
import { started } from '../../../support/telemetry.ts';

const LOW = `${'a'.repeat(18)}00000000000001`;

let warnings: string[];
beforeEach(() => {
  warnings = [];
  const ignore = () => {};
  diag.setLogger(
    {
      ...{ error: ignore, info: ignore, debug: ignore, verbose: ignore },
      warn: (line) => void warnings.push(line),
    },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
});
afterEach(() => diag.disable());

describe.each([
  ['probability', probability, 'ProbabilitySampler'],
  ['traceIdRatioBased', traceIdRatioBased, 'TraceIdRatioBased'],
] as const)('%s', (name, make, description) => {
  it('says what it is', () => {
    expect(String(make(0.25))).toBe(`${description}{0.25}`);
  });

  it.each([
    [1, 'ot=th:0'],
    [0.5, 'ot=th:8'],
    [0.25, 'ot=th:c'],
    [0.01, 'ot=th:fd70a'],
  ])('writes the threshold of %d to the state of a root', (ratio, expected) => {
    const traceId = 'f'.repeat(32);
    expect(stateAfter(make(ratio), { traceId })).toBe(expected);
    expect(isKept(make(ratio), { traceId })).toBe(true);
  });

  it('gives a dropped root no state', () => {
    expect(ask(make(0.25), { traceId: LOW })).toEqual({ decision: 0 });
  });

  it('drops everything at 0 and keeps everything at 1', () => {
    for (const traceId of traceIds(100)) {
      expect(isKept(make(0), { traceId })).toBe(false);
      expect(isKept(make(1), { traceId })).toBe(true);
    }
    expect(stateAfter(make(0), { context: childOf({ state: 'ot=th:0' }) })).toBe('');
  });

  it('samples its share of traces', () => {
    const ids = traceIds(20_000);
    for (const ratio of [0.01, 0.1, 0.3, 0.5, 0.9]) {
      const sampler = make(ratio);
      const share = ids.filter((traceId) => isKept(sampler, { traceId })).length / ids.length;
      // five standard deviations
      const margin = 5 * Math.sqrt((ratio * (1 - ratio)) / ids.length);
      expect(Math.abs(share - ratio)).toBeLessThan(margin);
    }
  });

  it('samples whatever a lower ratio samples', () => {
    const random = randomFrom(5);
    const ids = traceIds(500, 9);
    for (let i = 0; i < 40; i++) {
      const [low, high] = [random.next(), random.next()].sort((a, b) => a - b) as [number, number];
      const [fewer, more] = [make(low), make(high)];
      for (const traceId of ids) {
        if (isKept(fewer, { traceId })) expect(isKept(more, { traceId })).toBe(true);
      }
    }
  });

  it("ignores the parent's decision", () => {
    const sampler = make(0.5);
    expect(isKept(sampler, { context: childOf({ flags: 0x02 }) })).toBe(true);
    const context = childOf({ traceId: LOW });
    expect(isKept(sampler, { context, traceId: LOW })).toBe(false);
  });

  it('prefers explicit randomness, and never writes over it', () => {
    const sampler = make(0.25);
    const context = childOf({ traceId: LOW, state: 'ot=rv:e0000000000000' });
    expect(stateAfter(sampler, { context, traceId: LOW })).toBe('ot=rv:e0000000000000;th:c');
    const low = childOf({ state: 'ot=rv:00000000000001;th:4' });
    expect(ask(sampler, { context: low, traceId: 'f'.repeat(32) })).toMatchObject({ decision: 0 });
    expect(stateAfter(sampler, { context: low })).toBe('ot=rv:00000000000001');
  });

  it('takes explicit randomness that is given to a root', () => {
    const traceState = new W3CTraceState(['ot=rv:e0000000000000']);
    const context = traceApi.setSpanContext(ROOT_CONTEXT, {
      ...{ traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 0, traceState },
    });
    expect(stateAfter(make(0.25), { context, traceId: LOW })).toBe('ot=rv:e0000000000000;th:c');
  });

  it.each(['rv:E0000000000000', 'rv:e000000000000', 'rv:e00000000000000', 'rv:', 'rv'])(
    'decides by the trace id when explicit randomness is malformed: %s',
    (malformed) => {
      const context = childOf({ traceId: LOW, state: `ot=${malformed}` });
      expect(isKept(make(0.25), { context, traceId: LOW })).toBe(false);
    },
  );

  it('keeps other sub-keys and other vendors, and moves its entry to the front', () => {
    const context = childOf({ state: 'congo=t61,ot=p:8;th:4;x:y,rojo=00f0' });
    expect(stateAfter(make(0.5), { context })).toBe('ot=p:8;x:y;th:8,congo=t61,rojo=00f0');
  });

  it('returns the very state when it says what it should', () => {
    const context = childOf({ state: 'congo=t61,ot=p:8;th:8' });
    const before = traceApi.getSpanContext(context)?.traceState;
    expect(ask(make(0.5), { context }).traceState).toBe(before);
  });

  it('takes the threshold out of the state of a span it drops', () => {
    const sampler = make(0.25);
    const after = (state: string) =>
      stateAfter(sampler, { context: childOf({ traceId: LOW, state }), traceId: LOW });
    expect(after('congo=t61,ot=th:4')).toBe('congo=t61');
    expect(after('congo=t61,ot=th:4;x:y')).toBe('ot=x:y,congo=t61');
    expect(after('congo=t61,ot=x:y')).toBe('congo=t61,ot=x:y');
    expect(after('ot=th:4')).toBe('');
  });

  it('writes no entry longer than 256 characters, and leaves no wrong threshold in it', () => {
    const room = (chars: number) => `x:${'y'.repeat(chars - 2)}`;
    const sampler = make(0.25);
    const traceId = 'f'.repeat(32);
    const after = (state: string) => stateAfter(sampler, { context: childOf({ state }), traceId });
    expect(after(`ot=${room(251)}`)).toBe(`ot=${room(251)};th:c`);
    expect(after(`a=b,ot=${room(252)}`)).toBe(`a=b,ot=${room(252)}`);
    // 'th:8' and its semicolon fit, 'th:fd70a' in their place does not
    expect(
      stateAfter(make(0.01), { context: childOf({ state: `ot=${room(250)};th:8` }), traceId }),
    ).toBe(`ot=${room(250)}`);
    expect(
      warnings.filter((line) => line.includes('no room for a sampling threshold')).length,
    ).toBe(name === 'probability' ? 1 : 0);
  });

  it.each([Number.NaN, -0.1, 1.1, Number.POSITIVE_INFINITY, '0.5', undefined])(
    'rejects the ratio %s',
    (ratio) => {
      expect(() => make(ratio as number)).toThrow(
        expect.objectContaining({ code: 'invalid_option' }),
      );
    },
  );
});

describe('probability', () => {
  it('takes no ratio but 0 below the smallest threshold', () => {
    expect(() => probability(2 ** -57)).toThrow(
      expect.objectContaining({ code: 'invalid_option' }),
    );
    expect(isKept(probability(2 ** -56), { traceId: 'f'.repeat(32) })).toBe(true);
    expect(isKept(probability(2 ** -56), { traceId: `${'f'.repeat(31)}e` })).toBe(false);
  });

  it('warns once when a remote caller does not say that its trace ids are random', () => {
    const sampler = probability(0.5);
    ask(sampler);
    ask(sampler, { context: childOf({ flags: 0x03 }) });
    ask(sampler, { context: childOf({ flags: 0x01, remote: false }) });
    ask(sampler, { context: childOf({ flags: 0x01, state: 'ot=rv:e0000000000000' }) });
    expect(warnings).toEqual([]);
    ask(sampler, { context: childOf({ flags: 0x01 }) });
    ask(sampler, { context: childOf({ flags: 0x01 }) });
    expect(warnings).toEqual([expect.stringContaining('W3C Trace Context Level 2')]);
  });
});

describe('traceIdRatioBased', () => {
  it('TraceIdRatioBased sampler implements OpenTelemetry tracestate `th` field', async () => {
    const { tracer, arrived } = started({
      sampler: parentBased({ root: traceIdRatioBased(0.25) }),
    });
    const roots = Array.from({ length: 64 }, () => tracer.startSpan('root'));
    for (const root of roots) {
      tracer.startSpan('child', {}, traceApi.setSpan(ROOT_CONTEXT, root)).end();
      root.end();
    }
    const spans = await arrived();
    const kept = roots.filter((root) => (root.spanContext().traceFlags & 1) === 1);
    expect(kept.length).toBeGreaterThan(4);
    expect(kept.length).toBeLessThan(32);
    expect(spans).toHaveLength(2 * kept.length);
    for (const { traceId, traceState } of spans) {
      expect(traceState).toBe('ot=th:c');
      expect(traceId.slice(18) >= 'c').toBe(true);
    }
  });

  it('takes ratios below the smallest threshold as that', () => {
    expect(isKept(traceIdRatioBased(2 ** -80), { traceId: 'f'.repeat(32) })).toBe(true);
    expect(isKept(traceIdRatioBased(2 ** -80), { traceId: `${'f'.repeat(31)}e` })).toBe(false);
  });

  it('warns once when it decides about a child, and says so if a parent has a threshold', () => {
    const plain = traceIdRatioBased(0.5);
    ask(plain);
    ask(plain, { context: childOf({ remote: false }) });
    ask(plain, { context: childOf() });
    const informed = traceIdRatioBased(0.5);
    ask(informed, { context: childOf({ state: 'ot=th:8' }) });
    expect(warnings).toEqual([
      expect.not.stringContaining('a parent uses a probability sampler'),
      expect.stringContaining('a parent uses a probability sampler'),
    ]);
  });

  // Upstream's algorithm is one of its own, as the specification lets it be; what is specified
  // must agree.
  it.each([0, 0.000_1, 0.25, 0.5, 1])(
    "has upstream's description at %d, and its share",
    (ratio) => {
      const [ours, theirs] = [traceIdRatioBased(ratio), new TraceIdRatioBasedSampler(ratio)];
      expect(String(ours)).toBe(String(theirs));
      const ids = traceIds(20_000, 21);
      const count = (sampler: typeof ours) =>
        ids.filter((traceId) => isKept(sampler, { traceId })).length;
      const deviation = Math.sqrt(2 * ids.length * ratio * (1 - ratio));
      expect(Math.abs(count(ours) - count(theirs))).toBeLessThanOrEqual(5 * deviation);
    },
  );
});

it('one trace is decided the same by every sampler of a ratio', () => {
  const ids = traceIds(200, 4);
  for (const traceId of [...ids, MIDDLE_TRACE_ID]) {
    const asked = { traceId, context: childOf({ traceId, state: 'ot=rv:7fffffffffffff' }) };
    expect(isKept(probability(0.5), asked)).toBe(false);
    expect(isKept(traceIdRatioBased(0.51), asked)).toBe(true);
  }
});
