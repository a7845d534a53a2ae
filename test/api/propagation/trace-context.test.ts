import {
  type Context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  ROOT_CONTEXT,
  type SpanContext,
  trace,
} from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import { suppressTracing } from '../../../src/api/context/suppress-tracing.ts';
import { TraceContextPropagator } from '../../../src/api/propagation/trace-context.ts';
import { W3CTraceState } from '../../../src/api/propagation/trace-state.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';

const propagator = new TraceContextPropagator();

function extract(
  traceparent: string | string[] | undefined,
  tracestate?: string | string[],
): SpanContext | undefined {
  const carrier = { traceparent, tracestate };
  return trace.getSpanContext(propagator.extract(ROOT_CONTEXT, carrier, defaultTextMapGetter));
}

function inject(context: Context): Record<string, string> {
  const carrier: Record<string, string> = {};
  propagator.inject(context, carrier, defaultTextMapSetter);
  return carrier;
}

function injectSpan(spanContext: Partial<SpanContext>): Record<string, string> {
  const whole = { traceId: TRACE, spanId: PARENT, traceFlags: 1, ...spanContext };
  return inject(trace.setSpanContext(ROOT_CONTEXT, whole));
}

describe('extract: traceparent', () => {
  it('reads version 00', () => {
    expect(extract(`00-${TRACE}-${PARENT}-01`)).toEqual({
      traceId: TRACE,
      spanId: PARENT,
      traceFlags: 1,
      isRemote: true,
    });
  });

  it.each([
    ['00', 0],
    ['01', 1],
    ['02', 2],
    ['03', 3],
    ['04', 0],
    ['ff', 3],
    ['fd', 1],
  ])('flags %s: keeps the sampled and the random bit, %i', (flags, kept) => {
    expect(extract(`00-${TRACE}-${PARENT}-${flags}`)?.traceFlags).toBe(kept);
  });

  it.each([
    ['missing', undefined],
    ['empty', ''],
    ['version ff', `ff-${TRACE}-${PARENT}-01`],
    ['version of three digits', `000-${TRACE}-${PARENT}-01`],
    ['version of one digit', `0-${TRACE}-${PARENT}-01`],
    ['version not hex', `.0-${TRACE}-${PARENT}-01`],
    ['version in upper case', `0A-${TRACE}-${PARENT}-01`],
    ['trace id of zeros', `00-${'0'.repeat(32)}-${PARENT}-01`],
    ['trace id too long', `00-${TRACE}0-${PARENT}-01`],
    ['trace id too short', `00-${TRACE.slice(1)}-${PARENT}-01`],
    ['trace id in upper case', `00-${TRACE.toUpperCase()}-${PARENT}-01`],
    ['trace id not hex', `00-.${TRACE.slice(1)}-${PARENT}-01`],
    ['parent id of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['parent id too long', `00-${TRACE}-${PARENT}0-01`],
    ['parent id too short', `00-${TRACE}-${PARENT.slice(1)}-01`],
    ['parent id in upper case', `00-${TRACE}-${PARENT.toUpperCase()}-01`],
    ['parent id not hex', `00-${TRACE}-${PARENT.slice(1)}.-01`],
    ['flags too long', `00-${TRACE}-${PARENT}-001`],
    ['flags too short', `00-${TRACE}-${PARENT}-1`],
    ['flags not hex', `00-${TRACE}-${PARENT}-0.`],
    ['flags in upper case', `00-${TRACE}-${PARENT}-0A`],
    ['version 00 with more after it', `00-${TRACE}-${PARENT}-01-future`],
    ['version 00 with a dash after it', `00-${TRACE}-${PARENT}-01-`],
    ['version 00 with a dot after it', `00-${TRACE}-${PARENT}-01.`],
    ['higher version with a dot after it', `cc-${TRACE}-${PARENT}-01.future`],
    ['higher version, too short', `cc-${TRACE}-${PARENT}-0`],
    ['two headers joined', `00-${TRACE}-${PARENT}-01, 00-${TRACE}-${PARENT}-01`],
    ['two headers of a higher version joined', `cc-${TRACE}-${PARENT}-01,cc-${TRACE}-${PARENT}-01`],
    [
      'two headers of a higher version that goes on, joined',
      `cc-${TRACE}-${PARENT}-01-more, cc-${TRACE}-${PARENT}-01-more`,
    ],
    ['two headers', [`00-${TRACE}-${PARENT}-01`, `00-${TRACE}-${PARENT}-01`]],
    ['two headers, one of them empty', ['', `00-${TRACE}-${PARENT}-01`]],
    ['no header in a list', []],
    ['a list of what is no text', [55] as unknown as string[]],
    ['a line break around it', `\n00-${TRACE}-${PARENT}-01\n`],
  ])('ignores one that is invalid: %s', (_, traceparent) => {
    expect(extract(traceparent)).toBeUndefined();
  });

  it.each([
    `cc-${TRACE}-${PARENT}-01`,
    `cc-${TRACE}-${PARENT}-01-what-the-future-brings`,
    `01-${TRACE}-${PARENT}-01-`,
  ])('reads the known part of a higher version: %s', (traceparent) => {
    expect(extract(traceparent)).toMatchObject({ traceId: TRACE, spanId: PARENT, traceFlags: 1 });
  });

  it('ignores white space around it', () => {
    expect(extract(`\t 00-${TRACE}-${PARENT}-01 \t`)?.traceId).toBe(TRACE);
  });

  it('GetAll: reads a list of one header', () => {
    expect(extract([`00-${TRACE}-${PARENT}-01`])?.traceId).toBe(TRACE);
  });

  it('leaves the context as it is when there is nothing to read', () => {
    const context = ROOT_CONTEXT.setValue(Symbol('own'), 1);
    expect(propagator.extract(context, { traceparent: 'x' }, defaultTextMapGetter)).toBe(context);
    expect(propagator.extract(context, undefined, defaultTextMapGetter)).toBe(context);
  });

  it('keeps what else is in the context', () => {
    const key = Symbol('own');
    const carrier = { traceparent: `00-${TRACE}-${PARENT}-01` };
    const context = propagator.extract(
      ROOT_CONTEXT.setValue(key, 'kept'),
      carrier,
      defaultTextMapGetter,
    );
    expect(context.getValue(key)).toBe('kept');
  });
});

describe('extract: tracestate', () => {
  const traceparent = `00-${TRACE}-${PARENT}-00`;

  it('travels with the span context', () => {
    expect(extract(traceparent, 'foo=1,bar=2')?.traceState?.serialize()).toBe('foo=1,bar=2');
  });

  it('GetAll: joins several headers in their order', () => {
    const list = extract(traceparent, ['foo=1,bar=2', 'rojo=1,congo=2', '', 'baz=3']);
    expect(list?.traceState?.serialize()).toBe('foo=1,bar=2,rojo=1,congo=2,baz=3');
  });

  it('GetAll: what a getter lists besides text is no header', () => {
    const odd = ['foo=1', undefined, Symbol('odd'), 'bar=2'] as string[];
    expect(extract(traceparent, odd)?.traceState?.serialize()).toBe('foo=1,bar=2');
  });

  it('is not read without a valid traceparent', () => {
    expect(extract(undefined, 'foo=1')).toBeUndefined();
    expect(extract('00-1-2-3', 'foo=1')).toBeUndefined();
  });

  it.each(['', ' ', ',', 'foo', 'foo=,bar=3', '@foo=1,bar=2', 'foo=1,FOO=2'])(
    'leaves traceparent alone when it is empty or invalid: "%s"',
    (tracestate) => {
      const spanContext = extract(traceparent, tracestate);
      expect(spanContext?.traceId).toBe(TRACE);
      expect(spanContext).not.toHaveProperty('traceState');
    },
  );
});

describe('Level 2 randomness', () => {
  it.each(['02', '03'])('passes the random flag on: %s', (flags) => {
    const traceparent = `00-${TRACE}-${PARENT}-${flags}`;
    const context = propagator.extract(ROOT_CONTEXT, { traceparent }, defaultTextMapGetter);
    expect(inject(context).traceparent).toBe(traceparent);
  });

  it.each(['00', '01'])('does not add it for a caller that did not set it: %s', (flags) => {
    const traceparent = `00-${TRACE}-${PARENT}-${flags}`;
    const context = propagator.extract(ROOT_CONTEXT, { traceparent }, defaultTextMapGetter);
    expect(inject(context).traceparent).toBe(traceparent);
  });

  it.each([
    ['fe', '02'],
    ['ff', '03'],
    ['fc', '00'],
  ])('passes on none of the flags that have no meaning yet: %s', (flags, kept) => {
    const traceparent = `00-${TRACE}-${PARENT}-${flags}`;
    const context = propagator.extract(ROOT_CONTEXT, { traceparent }, defaultTextMapGetter);
    expect(inject(context).traceparent).toBe(`00-${TRACE}-${PARENT}-${kept}`);
  });
});

describe('inject', () => {
  it('writes version 00', () => {
    expect(injectSpan({})).toEqual({ traceparent: `00-${TRACE}-${PARENT}-01` });
  });

  it.each([
    [0, '00'],
    [1, '01'],
    [2, '02'],
    [3, '03'],
    [0xff, '03'],
    [0x101, '01'],
  ])('flags %i: writes the known bits only, %s', (traceFlags, written) => {
    expect(injectSpan({ traceFlags }).traceparent).toBe(`00-${TRACE}-${PARENT}-${written}`);
  });

  it('writes tracestate when it has a member', () => {
    const traceState = new W3CTraceState().set('foo', '1');
    expect(injectSpan({ traceState }).tracestate).toBe('foo=1');
    expect(injectSpan({ traceState: traceState.unset('foo') })).not.toHaveProperty('tracestate');
  });

  it('writes nothing without a span', () => {
    expect(inject(ROOT_CONTEXT)).toEqual({});
  });

  it.each([
    { traceId: '0'.repeat(32) },
    { spanId: '0'.repeat(16) },
    { traceId: 'short' },
    { spanId: 'x'.repeat(16) },
  ])('writes nothing when an id is invalid: %o', (invalid) => {
    expect(injectSpan(invalid)).toEqual({});
  });

  it('writes nothing where tracing is suppressed', () => {
    const spanContext = { traceId: TRACE, spanId: PARENT, traceFlags: 1 };
    const context = trace.setSpanContext(ROOT_CONTEXT, spanContext);
    expect(inject(context)).not.toEqual({});
    expect(inject(suppressTracing(context))).toEqual({});
  });
});

describe('both ways', () => {
  it('a service that only passes on changes nothing but the version', () => {
    const carrier = {
      traceparent: `cc-${TRACE}-${PARENT}-03-more`,
      tracestate: ' foo=  a b ,, bar@x=2',
    };
    expect(inject(propagator.extract(ROOT_CONTEXT, carrier, defaultTextMapGetter))).toEqual({
      traceparent: `00-${TRACE}-${PARENT}-03`,
      tracestate: 'foo=  a b,bar@x=2',
    });
  });

  it('names its fields', () => {
    expect(propagator.fields()).toEqual(['traceparent', 'tracestate']);
  });
});
