import {
  context as contextApi,
  createTraceState,
  ROOT_CONTEXT,
  type SpanContext,
  trace as traceApi,
} from '@opentelemetry/api';
import { afterEach, describe, expect, it } from 'vitest';
import { ActiveSpanContext } from '../../../src/api/context/active-span.ts';
import { type LogRecord, SeverityNumber } from '../../../src/api/log/types.ts';
import { redaction } from '../../../src/redaction.ts';
import { AsyncLocalStorageContextManager } from '../../../src/runtime/node/context-manager.ts';
import { traceRig } from '../../support/engines.ts';
import { plain, record } from '../../support/log-model.ts';
import { type LogRigOptions, logRig } from '../../support/log-rig.ts';

/** One record, as it arrives. */
function one(given: LogRecord, options: LogRigOptions = {}) {
  const rig = logRig('simd', options);
  rig.logger().emit(given);
  const logs = rig.arrived();
  expect(logs).toHaveLength(1);
  return logs[0]!;
}

const SPAN: SpanContext = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 };
const inSpan = (span: SpanContext) => traceApi.setSpanContext(ROOT_CONTEXT, span);

afterEach(() => contextApi.disable());

describe('what a record says', () => {
  it('arrives whole: severity, event name, body, attributes, times', () => {
    const log = one({
      severityNumber: SeverityNumber.WARN2,
      severityText: 'warning',
      eventName: 'cart.abandoned',
      body: 'left behind',
      attributes: { items: 3, total: 59.9, owner: 'u1', signedIn: false },
      timestamp: [1_700_000_000, 5],
      observedTimestamp: new Date(1_700_000_001_002),
    });
    expect(log).toMatchObject({
      severityNumber: 14,
      severityText: 'warning',
      eventName: 'cart.abandoned',
      body: { string: 'left behind' },
      timeUnixNano: 1_700_000_000_000_000_005n,
      observedTimeUnixNano: 1_700_000_001_002_000_000n,
      droppedAttributes: 0,
      flags: 0,
      traceId: '',
      spanId: '',
    });
    expect(log.attributes).toEqual([
      ['items', { int: 3n }],
      ['total', { double: 59.9 }],
      ['owner', { string: 'u1' }],
      ['signedIn', { bool: false }],
    ]);
  });

  it('is little where little is said: the time of the call, and nothing else', () => {
    const rig = logRig('simd');
    rig.clock.read(rig.clock.anchor);
    const before = BigInt(rig.clock.sec) * 1_000_000_000n + BigInt(rig.clock.nano);
    rig.logger().emit({});
    const [log] = rig.arrived();
    expect(log).toMatchObject({
      severityNumber: 0,
      severityText: '',
      eventName: '',
      body: undefined,
      attributes: [],
      droppedAttributes: 0,
    });
    expect(log!.timeUnixNano - before).toBeGreaterThan(0n);
    expect(log!.timeUnixNano - before).toBeLessThan(5_000_000n);
    expect(log!.observedTimeUnixNano).toBe(log!.timeUnixNano);
  });

  it('has times of every kind; what is none is the time of the call', () => {
    const at = (timestamp: unknown) => one({ timestamp: timestamp as never }).timeUnixNano;
    expect(at(1_700_000_123_456)).toBe(1_700_000_123_456_000_000n);
    expect(at([1_700_000_000, 999_999_999])).toBe(1_700_000_000_999_999_999n);
    expect(at(new Date(1_600_000_000_000))).toBe(1_600_000_000_000_000_000n);
    // A reading of the monotonic clock, whose zero is the rig's origin.
    expect(at(1500)).toBe(1_700_000_001_500_000_000n);
    const now = at(undefined);
    for (const none of [null, 'yesterday', Number.NaN, {}, [1], new Date(Number.NaN)]) {
      expect(at(none) - now).toBeLessThan(10_000_000n);
      expect(at(none) - now).toBeGreaterThanOrEqual(0n);
    }
  });

  it('observed and happened are apart: one of them may be given', () => {
    const happened = one({ timestamp: 1_600_000_000_000 });
    expect(happened.timeUnixNano).toBe(1_600_000_000_000_000_000n);
    expect(happened.observedTimeUnixNano).toBeGreaterThan(1_699_999_999_000_000_000n);
    const observed = one({ observedTimestamp: 1_600_000_000_000 });
    expect(observed.observedTimeUnixNano).toBe(1_600_000_000_000_000_000n);
    expect(observed.timeUnixNano).toBeGreaterThan(1_699_999_999_000_000_000n);
  });

  it('takes severities 1 to 24; others are unspecified', () => {
    const rig = logRig('simd');
    const logger = rig.logger();
    const given = [...Object.values(SeverityNumber), 25, -1, 9.9, Number.NaN, 1e9, '9', null];
    for (const severityNumber of given) logger.emit({ severityNumber: severityNumber as never });
    const arrived = rig.arrived().map((log) => log.severityNumber);
    expect(arrived).toEqual([...Array(25).keys(), 0, 0, 9, 0, 0, 0, 0]);
  });

  it('keeps severity texts and event names apart, record by record', () => {
    const rig = logRig('simd');
    const logger = rig.logger();
    const texts = ['INFO', 'info', '', 'INFO', 'Hinweis', '', 'ERR'];
    for (const text of texts) {
      logger.emit({ severityNumber: 9, severityText: text, eventName: `e.${text}` });
      logger.emit({ severityText: text });
    }
    const logs = rig.arrived();
    expect(logs.map(({ severityText }) => severityText)).toEqual(texts.flatMap((t) => [t, t]));
    expect(logs.map(({ eventName }) => eventName)).toEqual(texts.flatMap((t) => [`e.${t}`, '']));
  });
});

describe('bodies', () => {
  it.each<[string, unknown]>([
    ['a string', 'text'],
    ['an empty string', ''],
    ['a long string', 'ü'.repeat(5000)],
    ['a number', 42],
    ['a fraction', -0.5],
    ['true', true],
    ['false', false],
    ['bytes', new Uint8Array([0, 1, 255])],
    ['null', null],
    ['an array', [1, 'a', null, [true, [2.5]]]],
    ['an empty array', []],
    ['a map', { a: 1, b: { c: ['d', { e: null }] }, f: new Uint8Array([7]) }],
    ['an empty map', {}],
    ['a map of many', Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${i}`, i]))],
  ])('%s', (_, body) => {
    expect(plain(one({ body }).body)).toEqual(body);
  });

  it.each([
    ['undefined', undefined],
    ['a function', () => 1],
    ['a symbol', Symbol('s')],
  ])('%s is none', (_, body) => {
    expect(one({ body }).body).toBeUndefined();
  });

  it('a bigint is an int64', () => {
    expect(one({ body: 2n ** 60n }).body).toEqual({ int: 2n ** 60n });
  });

  it('are copied: what changes later does not show', () => {
    const rig = logRig('simd');
    const body = { list: [1], bytes: new Uint8Array([1]) };
    rig.logger().emit({ body, attributes: { list: body.list } });
    body.list.push(2);
    body.bytes[0] = 9;
    const [log] = rig.arrived();
    expect(plain(log!.body)).toEqual({ list: [1], bytes: new Uint8Array([1]) });
    expect(record(log!.attributes)).toEqual({ list: [1] });
  });

  it('have no limit on their length, attributes have', () => {
    const log = one(
      { body: 'abcdef', attributes: { a: 'abcdef' } },
      { bounds: { valueLength: 3 } },
    );
    expect(log.body).toEqual({ string: 'abcdef' });
    expect(record(log.attributes)).toEqual({ a: 'abc' });
  });

  it('that contain themselves end at the depth of attributes', () => {
    const body: unknown[] = [];
    body.push(body, 'x');
    const log = one({ body }, { bounds: { valueDepth: 3 } });
    expect(plain(log.body)).toEqual([[[null, 'x'], 'x'], 'x']);
  });

  it('do not stay when the next record has none', () => {
    const rig = logRig('simd');
    const logger = rig.logger();
    logger.emit({ body: 'first', severityText: 'A', eventName: 'e', attributes: { a: 1 } });
    logger.emit({});
    expect(rig.arrived()[1]).toMatchObject({
      body: undefined,
      severityText: '',
      eventName: '',
      attributes: [],
    });
  });
});

describe('attributes', () => {
  it('take every kind of value', () => {
    const attributes = {
      s: 'x',
      n: 1,
      d: 1.5,
      t: true,
      bytes: new Uint8Array([1, 2]),
      list: [1, 'a', null],
      map: { a: { b: 1 } },
      none: null,
    };
    expect(record(one({ attributes: { ...attributes, u: undefined, f() {} } }).attributes)).toEqual(
      attributes,
    );
  });

  it('follow other lists of keys, longer and shorter ones, in any order', () => {
    const rig = logRig('simd');
    const logger = rig.logger();
    const given: Record<string, unknown>[] = [];
    for (let i = 0; i < 200; i++) {
      const attributes: Record<string, unknown> = {};
      for (let j = 0; j < (i * 7) % 13; j++) attributes[`k${(i * j) % 11}`] = j % 3 ? j : `v${j}`;
      given.push(attributes);
      logger.emit({ attributes });
    }
    expect(rig.arrived().map(({ attributes }) => record(attributes))).toEqual(given);
  });

  it('are only the own ones', () => {
    const attributes = Object.create({ inherited: 1 });
    attributes.own = 2;
    expect(record(one({ attributes }).attributes)).toEqual({ own: 2 });
    expect(record(one({ attributes: Object.assign(Object.create(null), { a: 1 }) }).attributes)) //
      .toEqual({ a: 1 });
  });

  it('limits: 128 of them, the first stay, the rest is counted', () => {
    const rig = logRig('simd');
    const entries = Array.from({ length: 200 }, (_, i) => [`k${i}`, i] as const);
    rig.logger().emit({ attributes: Object.fromEntries(entries), exception: new Error('e') });
    const [log] = rig.arrived();
    expect(log!.attributes.map(([key]) => key)).toEqual(entries.slice(0, 128).map(([key]) => key));
    // 72 of its own, and type, message and stack trace of the exception.
    expect(log!.droppedAttributes).toBe(75);
  });

  it('an empty key is ignored', () => {
    expect(record(one({ attributes: { '': 1, a: 2 } }).attributes)).toEqual({ a: 2 });
  });
});

describe('exceptions', () => {
  it('become attributes, causes included', () => {
    const cause = new RangeError('deep');
    const log = one({ exception: new TypeError('boom', { cause }), attributes: { a: 1 } });
    const attributes = record(log.attributes);
    expect(attributes).toMatchObject({
      a: 1,
      'exception.type': 'TypeError',
      'exception.message': 'boom',
    });
    expect(attributes['exception.stacktrace']).toMatch(
      /^TypeError: boom\n {4}at [\s\S]*\nCaused by: RangeError: deep\n {4}at /,
    );
  });

  it('what the user has set wins', () => {
    const attributes = { 'exception.message': 'kept', 'exception.type': 'Mine' };
    const log = one({ exception: { name: 'E', message: 'lost', stack: 'at' }, attributes });
    expect(record(log.attributes)).toEqual({ ...attributes, 'exception.stacktrace': 'at' });
  });

  it.each<[unknown, Record<string, unknown>]>([
    ['text', { 'exception.message': 'text' }],
    [7, { 'exception.message': '7' }],
    [false, { 'exception.message': 'false' }],
    [
      { code: 'E_CODE', message: 'm' },
      { 'exception.type': 'E_CODE', 'exception.message': 'm' },
    ],
    [null, {}],
    [undefined, {}],
    [{}, {}],
  ])('%j', (exception, attributes) => {
    expect(record(one({ exception }).attributes)).toEqual(attributes);
  });
});

describe('traces', () => {
  it('belongs to the span of its context', () => {
    const log = one({ context: inSpan(SPAN) });
    expect(log).toMatchObject({ traceId: SPAN.traceId, spanId: SPAN.spanId, flags: 1 });
  });

  it('belongs to the span of the active context, ours or another', () => {
    contextApi.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const rig = logRig('simd');
    const logger = rig.logger();
    const span = traceRig('simd').tracer('t').startSpan('s');
    const spanContext = span.spanContext();
    contextApi.with(new ActiveSpanContext(ROOT_CONTEXT, span), () => logger.emit({}));
    contextApi.with(traceApi.setSpan(ROOT_CONTEXT, span), () => logger.emit({}));
    contextApi.with(inSpan({ ...SPAN, isRemote: true, traceFlags: 0 }), () => logger.emit({}));
    contextApi.with(inSpan(SPAN), () => logger.emit({ context: ROOT_CONTEXT }));
    logger.emit({});
    const logs = rig.arrived().map(({ traceId, spanId, flags }) => ({ traceId, spanId, flags }));
    const own = {
      traceId: spanContext.traceId,
      spanId: spanContext.spanId,
      flags: spanContext.traceFlags,
    };
    const none = { traceId: '', spanId: '', flags: 0 };
    expect(logs).toEqual([
      own,
      own,
      { traceId: SPAN.traceId, spanId: SPAN.spanId, flags: 0 },
      none,
      none,
    ]);
  });

  it('a span that is invalid is none; the state of the trace is not sent', () => {
    const state = createTraceState('a=1');
    expect(one({ context: inSpan({ ...SPAN, spanId: '0'.repeat(16) }) }).traceId).toBe('');
    expect(one({ context: inSpan({ ...SPAN, traceState: state }) }).traceId).toBe(SPAN.traceId);
  });

  it('includeTraceContext: false leaves out the active context, not the record’s', () => {
    contextApi.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const rig = logRig('simd');
    const logger = rig.logger('untraced', '1', { includeTraceContext: false });
    contextApi.with(inSpan(SPAN), () => {
      logger.emit({});
      logger.emit({ context: inSpan(SPAN) });
    });
    expect(rig.arrived().map(({ traceId }) => traceId)).toEqual(['', SPAN.traceId]);
    expect(rig.logger('untraced', '1')).not.toBe(logger);
  });
});

describe('loggers', () => {
  it('are one for each scope', () => {
    const { provider } = logRig('simd');
    const logger = provider.getLogger('a', '1', { schemaUrl: 'u', attributes: { x: [1] } });
    expect(provider.getLogger('a', '1', { schemaUrl: 'u', attributes: { x: [1] } })).toBe(logger);
    // As api-logs called them.
    expect(provider.getLogger('a', '1', { schemaUrl: 'u', scopeAttributes: { x: [1] } })) //
      .toBe(logger);
    for (const other of [
      provider.getLogger('a', '1', { schemaUrl: 'u' }),
      provider.getLogger('a', '1'),
      provider.getLogger('a'),
      provider.getLogger('b', '1', { schemaUrl: 'u', attributes: { x: [1] } }),
    ]) {
      expect(other).not.toBe(logger);
    }
  });

  it('name their scope and resource', () => {
    const rig = logRig('simd', {
      resource: { attributes: { 'service.name': 'cart' }, schemaUrl: 'https://r' },
    });
    rig.logger('lib', '2', { schemaUrl: 'https://s', attributes: { x: 1 } }).emit({});
    const [log] = rig.arrived();
    expect(log!.scope).toMatchObject({ name: 'lib', version: '2', schemaUrl: 'https://s' });
    expect(record(log!.scope.attributes)).toEqual({ x: 1 });
    expect(log!.resource.schemaUrl).toBe('https://r');
    expect(record(log!.resource.attributes)).toEqual({ 'service.name': 'cart' });
  });

  it('without a name are called unknown', () => {
    const rig = logRig('simd');
    rig.provider.getLogger('').emit({});
    expect(rig.arrived()[0]!.scope.name).toBe('unknown');
  });

  it('take turns without mixing what they record', () => {
    const rig = logRig('simd');
    for (let i = 0; i < 40; i++) {
      rig.logger(`l${i % 3}`).emit({ body: `b${i}`, attributes: { [`k${i % 5}`]: i } });
    }
    for (const { scope, body, attributes } of rig.arrived()) {
      const i = Number((body as { string: string }).string.slice(1));
      expect(scope.name).toBe(`l${i % 3}`);
      expect(record(attributes)).toEqual({ [`k${i % 5}`]: i });
    }
  });
});

describe('redaction', () => {
  const rules = {
    drop: ['user.*'],
    mask: ['secret', 'exception.message', 'form.password'],
    maskWith: '***',
  };
  const redacted = (given: LogRecord, more = {}) =>
    one(given, { redaction: redaction({ ...rules, ...more })() });

  it('applies to attributes, those of exceptions included', () => {
    const log = redacted({
      attributes: { a: 1, 'user.id': 'u', secret: 's', form: { password: 'p', name: 'n' } },
      exception: { name: 'E', message: 'password is hunter2' },
    });
    expect(record(log.attributes)).toEqual({
      a: 1,
      secret: '***',
      form: { password: '***', name: 'n' },
      'exception.type': 'E',
      'exception.message': '***',
    });
    expect(log.droppedAttributes).toBe(0);
  });

  it('treats the keys of a body as it does those of attributes', () => {
    const body = {
      message: 'm',
      'user.id': 'u',
      secret: [1, 2],
      form: { password: 'p', list: [{ x: 1 }] },
      rows: [{ secret: 's', id: 1 }],
    };
    expect(plain(redacted({ body }).body)).toEqual({
      message: 'm',
      secret: ['***'],
      form: { password: '***', list: [{ x: 1 }] },
      rows: [{ secret: 's', id: 1 }],
    });
    const list = [{ secret: 's', 'user.name': 'n', id: 1 }];
    expect(plain(redacted({ body: list }).body)).toEqual([{ secret: '***', id: 1 }]);
    expect(redacted({ body: 'secret' }).body).toEqual({ string: 'secret' });
  });

  it('knows a body as a whole by the key body', () => {
    expect(redacted({ body: { a: 1 } }, { drop: ['body'] }).body).toBeUndefined();
    expect(redacted({ body: 'text' }, { mask: ['body'] }).body).toEqual({ string: '***' });
    expect(redacted({ body: [1, 2] }, { mask: ['body'] }).body).toEqual({
      array: [{ string: '***' }],
    });
    expect(plain(redacted({ body: { secret: 1 } }, { keep: ['body'] }).body)).toEqual({
      secret: 1,
    });
    expect(plain(redacted({ body: { x: { y: 1 } } }, { drop: ['body.x'] }).body)).toEqual({});
  });

  it('counts what it keeps back', () => {
    const prepared = redaction({ drop: ['body', 'a'], mask: ['b'] })()!;
    one({ body: 'x', attributes: { a: 1, b: 2 } }, { redaction: prepared });
    expect(prepared.counts).toMatchObject({ dropped: 2, masked: 1 });
  });
});
