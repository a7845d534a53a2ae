import {
  type Context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  isSpanContextValid,
  ROOT_CONTEXT,
  type SpanContext,
  type TextMapPropagator,
  trace,
} from '@opentelemetry/api';
import { B3InjectEncoding, B3Propagator } from '@opentelemetry/propagator-b3';
import { describe, expect, it } from 'vitest';
import { suppressTracing } from '../../../src/api/context/suppress-tracing.ts';
import { b3 } from '../../../src/api/propagation/b3.ts';
import { randomFrom, type SeededRandom } from '../../support/random.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const PARENT = '05e3ac9a4f6e3b90';

type Headers = Record<string, string | string[]>;

const single = b3();
const multi = b3({ inject: 'multi' });

function extract(headers: Headers, from = ROOT_CONTEXT, propagator: TextMapPropagator = single) {
  return propagator.extract(from, headers, defaultTextMapGetter);
}

function spanOf(headers: Headers): SpanContext | undefined {
  return trace.getSpanContext(extract(headers));
}

function inject(context: Context, propagator: TextMapPropagator = single): Record<string, string> {
  const carrier: Record<string, string> = {};
  propagator.inject(context, carrier, defaultTextMapSetter);
  return carrier;
}

function withSpan(from: Context, traceFlags: number, traceId = TRACE, spanId = SPAN): Context {
  return trace.setSpanContext(from, { traceId, spanId, traceFlags });
}

const remote = (traceFlags: number, traceId = TRACE) => ({
  traceId,
  spanId: SPAN,
  traceFlags,
  isRemote: true,
});

describe('B3 Propagator: extract', () => {
  it.each([
    ['accept', `${TRACE}-${SPAN}-1`, 1],
    ['deny', `${TRACE}-${SPAN}-0`, 0],
    ['debug, which implies sampled', `${TRACE}-${SPAN}-d`, 1],
    ['no sampling state', `${TRACE}-${SPAN}`, 0],
    ['a parent span, which is not used', `${TRACE}-${SPAN}-1-${PARENT}`, 1],
    ['a parent span and no sampling state', `${TRACE}-${SPAN}-${PARENT}`, 0],
    ['upper case', `${TRACE}-${SPAN}-1`.toUpperCase(), 1],
    ['white space around it', ` ${TRACE}-${SPAN}-1\t`, 1],
  ])('reads the single header: %s', (_, header, flags) => {
    expect(spanOf({ b3: header })).toEqual(remote(flags));
  });

  it.each([
    ['accept', { 'x-b3-sampled': '1' }, 1],
    ['accept, as it was once written', { 'x-b3-sampled': 'True' }, 1],
    ['deny', { 'x-b3-sampled': '0' }, 0],
    ['deny, as it was once written', { 'x-b3-sampled': 'false' }, 0],
    ['no sampling state', {}, 0],
    ['debug, which implies sampled', { 'x-b3-flags': '1' }, 1],
    ['debug, whatever is said besides', { 'x-b3-flags': '1', 'x-b3-sampled': '0' }, 1],
    ['other flags, which mean nothing', { 'x-b3-flags': '2', 'x-b3-sampled': '0' }, 0],
    ['a parent span, which is not used', { 'x-b3-parentspanid': PARENT, 'x-b3-sampled': '1' }, 1],
  ])('reads several headers: %s', (_, others, flags) => {
    const ids = { 'x-b3-traceid': TRACE, 'x-b3-spanid': SPAN };
    expect(spanOf({ ...ids, ...others })).toEqual(remote(flags));
  });

  it('pads trace ids of 64 bits with zeros on the left, in both encodings', () => {
    const short = TRACE.slice(16);
    const padded = remote(1, `0000000000000000${short}`);
    expect(spanOf({ b3: `${short}-${SPAN}-1` })).toEqual(padded);
    expect(spanOf({ 'x-b3-traceid': short, 'x-b3-spanid': SPAN, 'x-b3-sampled': '1' })).toEqual(
      padded,
    );
  });

  it('prefers the single header, and falls back to the others where it is invalid', () => {
    const others = { 'x-b3-traceid': PARENT + PARENT, 'x-b3-spanid': PARENT };
    expect(spanOf({ b3: `${TRACE}-${SPAN}-1`, ...others })).toEqual(remote(1));
    expect(spanOf({ b3: 'nonsense', ...others })?.spanId).toBe(PARENT);
  });

  it('reads the same whichever encoding it injects', () => {
    const headers = { b3: `${TRACE}-${SPAN}-1` };
    expect(trace.getSpanContext(extract(headers, ROOT_CONTEXT, multi))).toEqual(remote(1));
  });

  it.each<[string, Headers]>([
    ['nothing', {}],
    ['an empty header', { b3: '' }],
    ['another sampling state', { b3: '2' }],
    ['another sampling state after ids', { b3: `${TRACE}-${SPAN}-2` }],
    ['a trace id alone', { b3: TRACE }],
    ['a trace id of zeros', { b3: `${'0'.repeat(32)}-${SPAN}-1` }],
    ['a short trace id of zeros', { b3: `${'0'.repeat(16)}-${SPAN}-1` }],
    ['a span id of zeros', { b3: `${TRACE}-${'0'.repeat(16)}-1` }],
    ['a trace id of 24 digits', { b3: `${TRACE.slice(8)}-${SPAN}-1` }],
    ['a digit that is none', { b3: `${TRACE.slice(1)}g-${SPAN}-1` }],
    ['something before it', { b3: `x${TRACE}-${SPAN}-1` }],
    ['something after it', { b3: `${TRACE}-${SPAN}-1-${PARENT}-1` }],
    ['a short parent', { b3: `${TRACE}-${SPAN}-1-${PARENT.slice(1)}` }],
    ['two headers', { b3: [`${TRACE}-${SPAN}-1`, `${TRACE}-${PARENT}-1`] }],
    ['no span id', { 'x-b3-traceid': TRACE, 'x-b3-sampled': '1' }],
    ['no trace id', { 'x-b3-spanid': SPAN, 'x-b3-sampled': '1' }],
    ['several headers, ids of zeros', { 'x-b3-traceid': '0'.repeat(32), 'x-b3-spanid': SPAN }],
    ['several headers, a long span id', { 'x-b3-traceid': TRACE, 'x-b3-spanid': TRACE }],
    [
      'another value of X-B3-Sampled',
      { 'x-b3-traceid': TRACE, 'x-b3-spanid': SPAN, 'x-b3-sampled': 'yes' },
    ],
    ['a parent alone', { 'x-b3-parentspanid': PARENT }],
  ])('invalid input leaves the context as it was: %s', (_, headers) => {
    const before = withSpan(ROOT_CONTEXT, 1, PARENT + PARENT, PARENT);
    expect(extract(headers, before)).toBe(before);
  });
});

describe('B3 Propagator: inject', () => {
  it('writes the single header by default', () => {
    expect(inject(withSpan(ROOT_CONTEXT, 1))).toEqual({ b3: `${TRACE}-${SPAN}-1` });
    expect(inject(withSpan(ROOT_CONTEXT, 0))).toEqual({ b3: `${TRACE}-${SPAN}-0` });
  });

  it('writes several headers when configured so, and never X-B3-ParentSpanId', () => {
    const ids = { 'x-b3-traceid': TRACE, 'x-b3-spanid': SPAN };
    const context = extract({ b3: `${TRACE}-${SPAN}-1-${PARENT}` });
    expect(inject(context, multi)).toEqual({ ...ids, 'x-b3-sampled': '1' });
    expect(inject(withSpan(ROOT_CONTEXT, 0), multi)).toEqual({ ...ids, 'x-b3-sampled': '0' });
  });

  it('sends no flag but the sampled one', () => {
    expect(inject(withSpan(ROOT_CONTEXT, 3))).toEqual({ b3: `${TRACE}-${SPAN}-1` });
    expect(inject(withSpan(ROOT_CONTEXT, 2), multi)['x-b3-sampled']).toBe('0');
  });

  it('writes nothing without a span, for an invalid one, or where tracing is suppressed', () => {
    const debug = extract({ b3: `${TRACE}-${SPAN}-d` });
    for (const propagator of [single, multi]) {
      expect(inject(ROOT_CONTEXT, propagator)).toEqual({});
      expect(inject(withSpan(ROOT_CONTEXT, 1, '0'.repeat(32)), propagator)).toEqual({});
      expect(inject(suppressTracing(debug), propagator)).toEqual({});
    }
  });

  it('refuses an encoding that there is not', () => {
    const make = () => b3({ inject: 'both' as 'multi' });
    expect(make).toThrow("option 'inject' is 'both'; give 'single' or 'multi'");
  });

  it('names the headers it writes', () => {
    expect(single.fields()).toEqual(['b3']);
    const both = [
      ...Object.keys(inject(withSpan(ROOT_CONTEXT, 1), multi)),
      ...Object.keys(inject(extract({ b3: `${TRACE}-${SPAN}-d` }), multi)),
    ];
    expect([...multi.fields()].sort()).toEqual([...new Set(both)].sort());
  });
});

describe('B3 Propagator: debug and lone sampling states travel on', () => {
  it.each<[string, Headers]>([
    ['single', { b3: `${TRACE}-${SPAN}-d` }],
    ['several', { 'x-b3-traceid': TRACE, 'x-b3-spanid': SPAN, 'x-b3-flags': '1' }],
  ])('debug from %s reaches the requests of later spans, in both encodings', (_, headers) => {
    const later = withSpan(extract(headers), 1, TRACE, PARENT);
    expect(inject(later)).toEqual({ b3: `${TRACE}-${PARENT}-d` });
    expect(inject(later, multi)).toEqual({
      'x-b3-traceid': TRACE,
      'x-b3-spanid': PARENT,
      'x-b3-flags': '1',
    });
  });

  it('ends with the request it came with', () => {
    const debug = extract({ b3: `${TRACE}-${SPAN}-d` });
    const next = extract({ b3: `${TRACE}-${SPAN}-1` }, debug);
    expect(inject(next)).toEqual({ b3: `${TRACE}-${SPAN}-1` });
  });

  it.each<[Headers, Record<string, string>, Record<string, string>]>([
    [{ b3: '0' }, { b3: '0' }, { 'x-b3-sampled': '0' }],
    [{ b3: '1' }, { b3: '1' }, { 'x-b3-sampled': '1' }],
    [{ b3: 'd' }, { b3: 'd' }, { 'x-b3-flags': '1' }],
    [{ 'x-b3-sampled': '0' }, { b3: '0' }, { 'x-b3-sampled': '0' }],
    [{ 'x-b3-sampled': 'true' }, { b3: '1' }, { 'x-b3-sampled': '1' }],
    [{ 'x-b3-flags': '1' }, { b3: 'd' }, { 'x-b3-flags': '1' }],
  ])('%o without ids makes no span and is passed on', (headers, one, several) => {
    const context = extract(headers);
    expect(trace.getSpanContext(context)).toBeUndefined();
    expect(inject(context)).toEqual(one);
    expect(inject(context, multi)).toEqual(several);
  });

  it('a span has its own say after deny or accept without ids, not after debug', () => {
    expect(inject(withSpan(extract({ b3: '0' }), 1))).toEqual({ b3: `${TRACE}-${SPAN}-1` });
    expect(inject(withSpan(extract({ b3: '1' }), 0))).toEqual({ b3: `${TRACE}-${SPAN}-0` });
    expect(inject(withSpan(extract({ b3: 'd' }), 0))).toEqual({ b3: `${TRACE}-${SPAN}-d` });
  });
});

function hex(random: SeededRandom, digits: number): string {
  let text = '';
  while (text.length < digits) text += random.below(16).toString(16);
  return text;
}

function oneOf<T>(random: SeededRandom, of: readonly T[]): T {
  return of[random.below(of.length)]!;
}

describe("B3 Propagator: the same as upstream's", () => {
  const theirs = new B3Propagator();
  const theirsMulti = new B3Propagator({ injectEncoding: B3InjectEncoding.MULTI_HEADER });

  it('reads 2000 valid headers of both encodings alike, and writes them alike', () => {
    const random = randomFrom(20_261_121);
    for (let i = 0; i < 2000; i++) {
      const traceId = hex(random, oneOf(random, [16, 32]));
      const spanId = hex(random, 16);
      const inSingle = random.below(2) === 0;
      const headers: Record<string, string> = {};
      if (inSingle) {
        headers.b3 = `${traceId}-${spanId}${oneOf(random, ['', '-0', '-1', '-d', `-1-${PARENT}`])}`;
      } else {
        Object.assign(headers, { 'x-b3-traceid': traceId, 'x-b3-spanid': spanId });
        const sampled = oneOf(random, [undefined, '0', '1', 'true', 'false']);
        if (sampled !== undefined) headers['x-b3-sampled'] = sampled;
        if (random.below(4) === 0) headers['x-b3-flags'] = oneOf(random, ['0', '1']);
      }
      const ours = extract(headers);
      const upstream = extract(headers, ROOT_CONTEXT, theirs);
      expect(trace.getSpanContext(ours)).toEqual(trace.getSpanContext(upstream));
      // Upstream loses the debug flag between the encodings, so each is written as it was read.
      const [mine, other] = inSingle ? [single, theirs] : [multi, theirsMulti];
      const child = hex(random, 16);
      const flags = trace.getSpanContext(ours)!.traceFlags;
      const traceHex = trace.getSpanContext(ours)!.traceId;
      expect(inject(withSpan(ours, flags, traceHex, child), mine)).toEqual(
        inject(withSpan(upstream, flags, traceHex, child), other),
      );
    }
  });
});

/** What a single header says, by a plain reading of B3: ids, a state, or nothing. */
function plainReading(text: string): Partial<SpanContext> | 'state' | undefined {
  const header = text.toLowerCase();
  if (['0', '1', 'd'].includes(header)) return 'state';
  const [traceId = '', spanId = '', ...rest] = header.split('-');
  const isHex = (part: string, ...lengths: number[]) =>
    lengths.includes(part.length) && [...part].every((c) => '0123456789abcdef'.includes(c));
  if (!isHex(traceId, 16, 32) || /^0+$/.test(traceId)) return undefined;
  if (!isHex(spanId, 16) || /^0+$/.test(spanId)) return undefined;
  let state: string | undefined;
  if (rest.length > 0 && ['0', '1', 'd'].includes(rest[0]!)) state = rest.shift();
  if (rest.length > 0 && isHex(rest[0]!, 16)) rest.shift();
  if (rest.length > 0) return undefined;
  return {
    traceId: traceId.padStart(32, '0'),
    spanId,
    traceFlags: state === '1' || state === 'd' ? 1 : 0,
  };
}

describe('B3 Propagator: malformed headers', () => {
  const PIECES = [
    '-',
    '0',
    '1',
    'd',
    'g',
    'A',
    '=',
    ',',
    'é',
    TRACE,
    SPAN,
    '0'.repeat(16),
    '\u0000',
  ];

  /** A header with characters removed, repeated, replaced and put in. */
  function damaged(header: string, random: SeededRandom): string {
    let text = header;
    for (let times = random.below(4); times > 0; times--) {
      const at = random.below(text.length + 1);
      const until = at + random.below(3);
      text = text.slice(0, at) + oneOf(random, ['', ...PIECES]) + text.slice(until);
    }
    return text;
  }

  it('are read as a plain reading of the format has it, or not at all (5000 of them)', () => {
    const random = randomFrom(3);
    const seen = { span: 0, state: 0, nothing: 0 };
    for (let i = 0; i < 5000; i++) {
      const whole = oneOf(random, [`${TRACE}-${SPAN}-1-${PARENT}`, `${SPAN}-${SPAN}-d`, '0', '']);
      const header = damaged(whole, random);
      const context = extract({ b3: header });
      const expected = plainReading(header);
      if (expected === undefined) {
        expect(context, header).toBe(ROOT_CONTEXT);
        seen.nothing++;
      } else if (expected === 'state') {
        expect(inject(context), header).toEqual({ b3: header.toLowerCase() });
        seen.state++;
      } else {
        expect(trace.getSpanContext(context), header).toEqual({ ...expected, isRemote: true });
        seen.span++;
      }
    }
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(100);
  });

  it('in several headers, never throw and never give an invalid span', () => {
    const random = randomFrom(4);
    let spans = 0;
    for (let i = 0; i < 5000; i++) {
      const headers: Headers = {
        'x-b3-traceid': oneOf(random, [TRACE, SPAN]),
        'x-b3-spanid': SPAN,
        'x-b3-sampled': oneOf(random, ['0', '1', 'true']),
        'x-b3-flags': oneOf(random, ['0', '1']),
      };
      const name = oneOf(random, Object.keys(headers));
      headers[name] = damaged(headers[name] as string, random);
      if (random.below(20) === 0) headers['x-b3-spanid'] = [SPAN, SPAN];
      const spanContext = trace.getSpanContext(extract(headers));
      if (spanContext === undefined) continue;
      spans++;
      expect(isSpanContextValid(spanContext)).toBe(true);
      expect(spanContext.traceId + spanContext.spanId).toMatch(/^[0-9a-f]{48}$/);
    }
    expect(spans).toBeGreaterThan(1000);
    expect(spans).toBeLessThan(4000);
  });
});
