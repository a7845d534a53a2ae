import { runInNewContext } from 'node:vm';
import { type Context, context, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { anyValue, thrownOf } from '../../src/bridges/any-value.ts';
import { contextOf, traceFields } from '../../src/bridges/correlation.ts';
import { recordOf } from '../../src/bridges/record.ts';
import { timestampOf } from '../../src/bridges/timestamp.ts';
import { AsyncLocalStorageContextManager } from '../../src/runtime/node/context-manager.ts';

describe('the time of a record', () => {
  it.each([
    ['milliseconds', 1_732_233_600_123, [1_732_233_600, 123_000_000]],
    ['milliseconds with a fraction', 1_732_233_600_123.5, [1_732_233_600, 123_500_000]],
    ['seconds', 1_732_233_600, [1_732_233_600, 0]],
    ['seconds with a fraction', 1_732_233_600.25, [1_732_233_600, 250_000_000]],
    ['microseconds', 1_732_233_600_123_456, [1_732_233_600, 123_456_000]],
    [
      'a fraction that rounds up to a second',
      1_732_233_600.999_999_8,
      [1_732_233_600, 999_999_000],
    ],
    ['a Date', new Date(1_732_233_600_007), [1_732_233_600, 7_000_000]],
    ['a Date of before 1973', new Date(5), [0, 5_000_000]],
    ['ISO 8601', '2024-11-22T00:00:00.123Z', [1_732_233_600, 123_000_000]],
    ['ISO 8601 to the nanosecond', '2024-11-22T00:00:00.123456789Z', [1_732_233_600, 123_456_789]],
    ['ISO 8601 without a fraction', '2024-11-22T01:00:00+01:00', [1_732_233_600, 0]],
  ])('%s', (_name, time, expected) => {
    expect(timestampOf(time)).toEqual(expected);
  });

  it.each([
    undefined,
    null,
    '',
    'yesterday',
    '12:30:15',
    '2024-11-22T25:00:00Z',
    5,
    -1,
    Number.NaN,
    1e30,
    new Date(Number.NaN),
    new Date(-1),
    {},
  ])('%j is none', (time) => {
    expect(timestampOf(time)).toBeUndefined();
  });
});

describe('values of fields', () => {
  it('are what JSON makes of them, but for bytes and big integers', () => {
    const at = new Date(0);
    const bytes = new Uint8Array([1]);
    const given = {
      text: 'a',
      number: 1.5,
      none: null,
      at,
      url: new URL('http://x/y'),
      list: [1, undefined, () => {}, [2n]],
      bytes,
      skipped: undefined,
      call: () => {},
      symbol: Symbol('s'),
    };
    expect(anyValue(given)).toEqual({
      text: 'a',
      number: 1.5,
      none: null,
      at: '1970-01-01T00:00:00.000Z',
      url: 'http://x/y',
      list: [1, undefined, undefined, [2n]],
      bytes,
    });
  });

  it('keep of an error what JSON loses', () => {
    const error = Object.assign(new TypeError('no', { cause: new Error('why') }), { status: 500 });
    expect(anyValue({ error })).toEqual({
      error: {
        type: 'TypeError',
        message: 'no',
        stack: error.stack,
        cause: expect.objectContaining({ type: 'Error', message: 'why' }),
        status: 500,
      },
    });
  });

  it('end where they refer to themselves, or are too deep', () => {
    const ring: Record<string, unknown> = { twice: [{}] };
    ring['self'] = ring;
    const shared = { a: 1 };
    expect(anyValue(ring)).toEqual({ twice: [{}], self: '[Circular]' });
    expect(anyValue([shared, shared])).toEqual([shared, shared]);
    let deep: unknown = 'bottom';
    for (let i = 0; i < 40; i++) deep = [deep];
    expect(JSON.stringify(anyValue(deep))).toBe(`${'['.repeat(16)}null${']'.repeat(16)}`);
  });

  it('say so where they cannot be read', () => {
    const given = {
      fine: 1,
      get broken() {
        throw new Error('no');
      },
      json: {
        toJSON() {
          throw new Error('no');
        },
      },
    };
    expect(anyValue(given)).toEqual({ fine: 1, broken: '[Throws]', json: '[Throws]' });
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(anyValue({ proxy })).toEqual({ proxy: '[Throws]' });
  });
});

describe('an error in a field', () => {
  it('is the exception itself, what it has besides is the rest', () => {
    const error = Object.assign(new Error('no'), { code: 'E1', status: 500 });
    expect(thrownOf(error)).toEqual({ exception: error, rest: { status: 500 } });
    expect(thrownOf(error)!.exception).toBe(error);
  });

  it('may be of another realm', () => {
    const error = runInNewContext('new RangeError("far")');
    expect(thrownOf(error)!.exception).toBe(error);
  });

  it('may have been serialized', () => {
    const given = { type: 'TypeError', message: 'no', stack: 'TypeError: no\n at x', signal: 'A' };
    expect(thrownOf(given)).toEqual({
      exception: { name: 'TypeError', message: 'no', stack: given.stack },
      rest: { signal: 'A' },
    });
    expect(thrownOf({ name: 'A', type: 'B', message: '', code: 5 })).toEqual({
      exception: { name: 'A', message: '', code: 5 },
      rest: undefined,
    });
  });

  it('may be a text', () => {
    expect(thrownOf('no')).toEqual({ exception: 'no', rest: undefined });
  });

  it.each([undefined, null, 5, true, [], {}, { status: 500 }, { message: 5 }])(
    '%j is none',
    (value) => {
      expect(thrownOf(value)).toBeUndefined();
    },
  );
});

describe('what has a place of its own in a record', () => {
  const parts = {
    body: 'hello',
    severityNumber: 9,
    severityText: 'info',
    timeKey: 'time',
    time: 1_732_233_600_000,
    errorKey: 'err',
    error: undefined,
  };

  it('is put there', () => {
    const fields = { a: 1, 'otel.event.name': 'user.login' };
    expect(recordOf({ ...parts, error: new Error('no'), fields })).toEqual({
      body: 'hello',
      severityNumber: 9,
      severityText: 'info',
      timestamp: [1_732_233_600, 0],
      exception: new Error('no'),
      eventName: 'user.login',
      attributes: { a: 1 },
    });
  });

  it('stays an attribute where it does not fit', () => {
    const fields = { a: 1, 'otel.event.name': 5 };
    const record = recordOf({ ...parts, time: 'noon', error: { status: 500 }, fields });
    expect(record).toEqual({
      body: 'hello',
      severityNumber: 9,
      severityText: 'info',
      attributes: { a: 1, 'otel.event.name': 5, time: 'noon', err: { status: 500 } },
    });
  });
});

describe('fields that name a span', () => {
  const manager = new AsyncLocalStorageContextManager();
  beforeAll(() => void context.setGlobalContextManager(manager.enable()));
  afterAll(() => context.disable());

  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const spanId = 'b7ad6b7169203331';
  const named = { trace_id: traceId, span_id: spanId, trace_flags: '01' };
  const within = (spanContext: { traceId: string; spanId: string; traceFlags: number }) =>
    trace.setSpanContext(ROOT_CONTEXT, spanContext);
  const spanOf = (of: Context | undefined) => of && trace.getSpanContext(of);

  it('tell the trace where nothing else does', () => {
    const fields: Record<string, unknown> = { ...named, a: 1 };
    expect(spanOf(contextOf(fields))).toEqual({ traceId, spanId, traceFlags: 1 });
    expect(fields).toEqual({ a: 1 });
  });

  it.each([
    ['00', 0],
    ['01', 1],
    [1, 1],
    [undefined, 1],
    ['ff', 255],
    ['none', 0],
  ])('have flags: %s', (flags, traceFlags) => {
    expect(spanOf(contextOf({ ...named, trace_flags: flags }))?.traceFlags).toBe(traceFlags);
  });

  it('are dropped where the active span says the same', () => {
    const fields: Record<string, unknown> = { ...named };
    context.with(within({ traceId, spanId, traceFlags: 1 }), () => {
      expect(contextOf(fields)).toBeUndefined();
    });
    expect(fields).toEqual({});
  });

  it('stay where the active span is another, or they are no ids of W3C Trace Context', () => {
    const other = within({ traceId, spanId: '00f067aa0ba902b7', traceFlags: 1 });
    const fields: Record<string, unknown> = { ...named };
    context.with(other, () => expect(contextOf(fields)).toBeUndefined());
    expect(fields).toEqual(named);
    for (const odd of [
      { trace_id: '1234', span_id: spanId },
      { trace_id: traceId, span_id: '0'.repeat(16) },
      { trace_id: traceId },
      { trace_id: 5, span_id: 6 },
    ]) {
      const kept: Record<string, unknown> = { ...odd };
      expect(contextOf(kept)).toBeUndefined();
      expect(kept).toEqual(odd);
    }
  });

  it('are made for the active span', () => {
    expect(traceFields()).toEqual({});
    context.with(within({ traceId, spanId, traceFlags: 1 }), () => {
      expect(traceFields()).toEqual(named);
    });
    context.with(within({ traceId: '0'.repeat(32), spanId, traceFlags: 1 }), () => {
      expect(traceFields()).toEqual({});
    });
  });
});
