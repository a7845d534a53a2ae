import { createRequire } from 'node:module';
import {
  type Attributes,
  type Exception,
  ROOT_CONTEXT,
  type Span,
  type SpanOptions,
  SpanStatusCode,
  type TimeInput,
  trace as traceApi,
} from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import type { StartOptions } from '../../../src/options/options.ts';
import { randomFrom, type SeededRandom } from '../../support/random.ts';
import { started, unaccounted } from '../../support/telemetry.ts';

const { ExportTraceServiceRequest } = createRequire(import.meta.url)(
  'otlp-decoder/build/src/generated/root.js',
).opentelemetry.proto.collector.trace.v1;

/** Unix milliseconds at which the fake host's clock begins. */
const START_MS = Date.UTC(2026, 0, 1);
const nanos = (ms: number) => BigInt(ms) * 1_000_000n;

/** One span, as it arrives. */
async function one(
  work: (span: Span) => void,
  options: StartOptions = {},
  spanOptions?: SpanOptions,
) {
  const { arrived, tracer } = started(options);
  const span = tracer.startSpan('s', spanOptions);
  work(span);
  span.end();
  const spans = await arrived();
  expect(spans).toHaveLength(1);
  return spans[0] as NonNullable<(typeof spans)[0]>;
}

async function attributesOf(work: (span: Span) => void, options?: StartOptions) {
  return (await one(work, options)).attributes;
}

const any = (value: unknown) => value as never;

describe('attributes', () => {
  it('of every kind arrive as they were', async () => {
    const attributes = {
      string: 'text',
      empty: '',
      unicode: 'ü 漢 🎉 \ud800',
      int: 42,
      negative: -1,
      large: 2 ** 53 - 1,
      double: 0.5,
      nan: Number.NaN,
      infinite: Number.NEGATIVE_INFINITY,
      yes: true,
      no: false,
      strings: ['a', 'b'],
      numbers: [1, 2.5],
      mixed: ['a', 1, false, null, ['nested']],
      none: [],
      bytes: new Uint8Array([0, 255]),
      map: { a: 1, b: { c: ['d'] } },
      null: null,
      bigint: 2n ** 62n,
    };
    const expected = { ...attributes, unicode: 'ü 漢 🎉 \ufffd' };
    expect(await attributesOf((span) => span.setAttributes(any(attributes)))).toEqual(expected);
    expect(
      await attributesOf((span) => {
        for (const [key, value] of Object.entries(attributes)) span.setAttribute(key, any(value));
      }),
    ).toEqual(expected);
  });

  it('the last value of a key wins, and a key is sent once', async () => {
    const { arrived, tracer, transport } = started({ compression: 'none' });
    const span = tracer.startSpan('s', { attributes: { a: 'first', b: 1 } });
    span.setAttribute('a', 'second').setAttribute('c', true);
    span.setAttributes({ a: 'third', c: [1] });
    span.setAttribute('b', 2);
    span.addEvent('e', { a: 1 });
    span.end();
    expect((await arrived())[0]?.attributes).toEqual({ a: 'third', b: 2, c: [1] });
    const request = ExportTraceServiceRequest.decode(transport.payloads[0]?.body);
    const sent = request.resourceSpans[0].scopeSpans[0].spans[0].attributes;
    expect(sent.map(({ key }: { key: string }) => key)).toEqual(['a', 'b', 'c']);
  });

  it('are those of the moment they were set', async () => {
    const list = ['a'];
    const map = { deep: { list: [1] } };
    const bytes = new Uint8Array([1]);
    const buffer = Buffer.from([1]);
    const { arrived, tracer } = started();
    const span = tracer.startSpan('s', { attributes: any({ list, map, bytes, buffer }) });
    span.addEvent('e', any({ list, map, bytes, buffer }));
    list.push('b');
    map.deep.list.push(2);
    bytes[0] = 2;
    buffer[0] = 2;
    span.end();
    list.push('c');
    const expected = {
      list: ['a'],
      map: { deep: { list: [1] } },
      bytes: new Uint8Array([1]),
      buffer: new Uint8Array([1]),
    };
    const [arrivedSpan] = await arrived();
    expect(arrivedSpan?.attributes).toEqual(expected);
    expect(arrivedSpan?.events[0]?.attributes).toEqual(expected);
  });

  it('that are none are left out', async () => {
    const attributes = await attributesOf((span) => {
      span.setAttribute('', 'no key');
      span.setAttribute(any(undefined), 'no key');
      span.setAttribute(any(Symbol('s')), 'no key');
      span.setAttribute(
        'function',
        any(() => 1),
      );
      span.setAttribute('symbol', any(Symbol('s')));
      span.setAttribute('undefined', any(undefined));
      span.setAttributes(any('text'));
      span.setAttributes(any(null));
      span.setAttributes(any(7));
      span.setAttribute('kept', 1);
    });
    expect(attributes).toEqual({ kept: 1 });
  });

  it('that throw when they are read are dropped and counted; the others stay', async () => {
    const trap = {
      before: 1,
      get bad(): string {
        throw new Error('no');
      },
      after: 2,
    };
    const proxy = new Proxy(
      {},
      {
        ownKeys() {
          throw new Error('no');
        },
      },
    );
    const { proxy: revoked, revoke } = Proxy.revocable([], {});
    revoke();
    const span = await one((span) => {
      span.setAttributes(any(trap));
      span.setAttribute('nested', any({ list: [trap] }));
      span.setAttribute('proxy', any(proxy));
      span.setAttribute('revoked', any(revoked));
      span.setAttributes(any(proxy));
      span.addEvent('e', any(trap));
    });
    expect(span.attributes).toEqual({ before: 1, after: 2 });
    expect(span.droppedAttributesCount).toBe(5);
    expect(span.events[0]).toMatchObject({
      attributes: { before: 1, after: 2 },
      droppedAttributesCount: 1,
    });
  });

  it('that refer to themselves end somewhere', async () => {
    const once: Record<string, unknown> = { name: 'once' };
    once['self'] = once;
    const twice: Record<string, unknown> = {};
    twice['left'] = twice['right'] = twice;
    const list: unknown[] = [];
    list.push(list, list, list);
    const sparse: unknown[] = [];
    sparse.length = 2 ** 32 - 1;
    const span = await one((span) => {
      span.setAttribute('once', any(once));
      span.setAttribute('twice', any(twice));
      span.setAttribute('list', any(list));
      span.setAttribute('sparse', any(sparse));
    });
    let depth = 0;
    for (let map = span.attributes['once']; map !== null; depth++) {
      expect(map).toMatchObject({ name: 'once' });
      map = (map as { self: typeof map }).self;
    }
    expect(depth).toBe(64);
    expect(Object.keys(span.attributes)).toEqual(['once']);
    expect(span.droppedAttributesCount).toBe(3);
  });
});

describe('limits', () => {
  it('on attributes: the first stay, those set again still change, the rest is counted', async () => {
    const limits = { attributes: 2 };
    const span = await one(
      (span) => {
        span.setAttribute('a', 1).setAttribute('b', 1).setAttribute('c', 1);
        span.setAttributes({ a: 2, d: 1 });
      },
      { limits },
    );
    expect(span.attributes).toEqual({ a: 2, b: 1 });
    expect(span.droppedAttributesCount).toBe(2);
  });

  it('are 128 each by default', async () => {
    const many: Attributes = Object.fromEntries(
      Array.from({ length: 130 }, (_, i) => [`k${i}`, i]),
    );
    const link = { context: { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 } };
    const span = await one((span) => {
      span.setAttributes(many);
      span.addLinks([{ ...link, attributes: many }]);
      span.addEvent('first', many);
      for (let i = 0; i < 130; i++) span.addEvent('e').addLink(link);
    });
    expect(Object.keys(span.attributes)).toHaveLength(128);
    expect(span.droppedAttributesCount).toBe(2);
    expect(span.events).toHaveLength(128);
    expect(span.droppedEventsCount).toBe(3);
    expect(span.links).toHaveLength(128);
    expect(span.droppedLinksCount).toBe(3);
    expect(span.events[0]?.droppedAttributesCount).toBe(2);
    expect(span.links[0]?.droppedAttributesCount).toBe(2);
    expect(Object.keys(span.links[0]?.attributes ?? {})).toHaveLength(128);
  });

  it('on the attributes of events and links are their own', async () => {
    const link = { context: { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 } };
    const attributes = { a: 1, b: 2, c: 3 };
    const span = await one(
      (span) => {
        span.setAttributes(attributes).addEvent('e', attributes);
        span.addLink({ ...link, attributes, droppedAttributesCount: 4 });
      },
      { limits: { attributesPerEvent: 2, attributesPerLink: 1 } },
    );
    expect(span).toMatchObject({
      attributes,
      events: [{ attributes: { a: 1, b: 2 }, droppedAttributesCount: 1 }],
      links: [{ attributes: { a: 1 }, droppedAttributesCount: 6 }],
    });
  });

  it('on the length of values cut strings and bytes, nested ones too, but not keys', async () => {
    const attributes = {
      'a long key': 'a long value',
      list: ['long', 'x'],
      map: { key: 'long' },
      bytes: new Uint8Array(5),
      number: 123456,
    };
    const limits = { attributeValueLength: 3 };
    const span = await one(
      (span) => {
        span.setAttributes(any(attributes));
        span.setAttribute('a long key', 'another');
        span.addEvent('long name', any(attributes));
      },
      { limits },
    );
    const cut = {
      list: ['lon', 'x'],
      map: { key: 'lon' },
      bytes: new Uint8Array(3),
      number: 123456,
    };
    expect(span.attributes).toEqual({ ...cut, 'a long key': 'ano' });
    expect(span.events[0]).toMatchObject({ name: 'long name', attributes: cut });
  });

  it('of zero keep nothing', async () => {
    const span = await one(
      (span) => span.setAttribute('a', 1).addEvent('e').addLink({ context: span.spanContext() }),
      { limits: { attributes: 0, events: 0, links: 0 } },
    );
    expect(span).toMatchObject({
      attributes: {},
      events: [],
      links: [],
      droppedAttributesCount: 1,
      droppedEventsCount: 1,
      droppedLinksCount: 1,
    });
  });
});

describe('events', () => {
  it('in each form of the call', async () => {
    const { arrived, host, tracer } = started();
    const span = tracer.startSpan('s');
    await host.advance(5);
    span
      .addEvent('1')
      .addEvent('2', { a: 1 })
      .addEvent('3', START_MS + 2000);
    span.addEvent('4', { b: [2] }, new Date(START_MS + 3000)).addEvent('5', [7, 8]);
    span.end();
    expect((await arrived())[0]?.events).toMatchObject([
      { name: '1', attributes: {}, timeUnixNano: nanos(START_MS + 5) },
      { name: '2', attributes: { a: 1 }, timeUnixNano: nanos(START_MS + 5) },
      { name: '3', timeUnixNano: nanos(START_MS + 2000) },
      { name: '4', attributes: { b: [2] }, timeUnixNano: nanos(START_MS + 3000) },
      { name: '5', timeUnixNano: 7_000_000_008n },
    ]);
  });

  it('of exceptions carry what they say', async () => {
    const failure = new TypeError('wrong');
    const withCode = Object.assign(new Error('reset'), { code: 'ECONNRESET' });
    const hostile = {
      get message(): string {
        throw new Error('no');
      },
    };
    const span = await one((span) => {
      span.recordException(failure);
      span.recordException(withCode, START_MS + 9);
      span.recordException('just text');
      span.recordException({ message: 'plain', name: 'Plain' });
      span.recordException({ code: 5 } as unknown as Exception);
      span.recordException(hostile as unknown as Exception);
      span.recordException(any(null));
      span.recordException(any(7));
    });
    expect(span.events.map(({ name }) => name)).toEqual(Array(8).fill('exception'));
    expect(span.events.map(({ attributes }) => attributes)).toEqual([
      {
        'exception.type': 'TypeError',
        'exception.message': 'wrong',
        'exception.stacktrace': failure.stack,
      },
      {
        'exception.type': 'ECONNRESET',
        'exception.message': 'reset',
        'exception.stacktrace': withCode.stack,
      },
      { 'exception.message': 'just text' },
      { 'exception.type': 'Plain', 'exception.message': 'plain' },
      { 'exception.type': '5' },
      {},
      {},
      {},
    ]);
    expect(span.events[1]?.timeUnixNano).toBe(nanos(START_MS + 9));
    expect(span.status.code).toBe(SpanStatusCode.UNSET);
  });
});

describe('status', () => {
  const { UNSET, OK, ERROR } = SpanStatusCode;

  it.each([
    ['nothing', [], 0, ''],
    ['an error with a message', [{ code: ERROR, message: 'm' }], 2, 'm'],
    ['an error without', [{ code: ERROR }], 2, ''],
    ['ok, whose message goes', [{ code: OK, message: 'm' }], 1, ''],
    ['ok is final', [{ code: OK }, { code: ERROR, message: 'm' }, { code: UNSET }], 1, ''],
    [
      'ok over an error',
      [
        { code: ERROR, message: 'm' },
        { code: OK, message: 'n' },
      ],
      1,
      '',
    ],
    [
      'the last error',
      [
        { code: ERROR, message: 'm' },
        { code: ERROR, message: 'n' },
      ],
      2,
      'n',
    ],
    ['an error without after one with', [{ code: ERROR, message: 'm' }, { code: ERROR }], 2, ''],
    ['unset never overrides', [{ code: ERROR, message: 'm' }, { code: UNSET }], 2, 'm'],
    ['no status at all', [null, undefined, 7, { code: 3 }, { code: '1' }, { code: 1e9 }], 0, ''],
    ['no message', [{ code: ERROR, message: {} }], 2, ''],
  ])('%s', async (_, calls, code, message) => {
    const span = await one((span) => {
      for (const call of calls) span.setStatus(call as never);
    });
    expect(span.status).toEqual({ code, message });
    expect(span.kind).toBe(1);
  });
});

describe('times', () => {
  it('are those of the clock where none is given', async () => {
    const { arrived, host, tracer } = started();
    const span = tracer.startSpan('s');
    await host.advance(1234);
    span.end();
    expect((await arrived())[0]).toMatchObject({
      startTimeUnixNano: nanos(START_MS),
      endTimeUnixNano: nanos(START_MS + 1234),
    });
  });

  it.each<[string, TimeInput, bigint]>([
    ['a Date', new Date(START_MS + 7), nanos(START_MS + 7)],
    ['Unix milliseconds', START_MS + 7.5, nanos(START_MS + 7) + 500_000n],
    ['a time long before the process began', 1_000_000_000_001, 1_000_000_000_001_000_000n],
    // The fake host's monotonic clock stands at 1000 ms at the start.
    ['a reading of the monotonic clock', 1000.25, nanos(START_MS) + 250_000n],
    ['seconds and nanoseconds', [START_MS / 1000, 123_456_789], nanos(START_MS) + 123_456_789n],
    ['more nanoseconds than a second has', [10, 2_500_000_000], 12_500_000_000n],
    ['negative nanoseconds', [10, -1], 9_999_999_999n],
    ['the year 2100', Date.UTC(2100, 0, 1), nanos(Date.UTC(2100, 0, 1))],
    ['before 1970', [-5, 0], 0n],
    ['not a date', new Date(Number.NaN), nanos(START_MS)],
    ['not a number', Number.NaN, nanos(START_MS)],
    ['infinity', Number.POSITIVE_INFINITY, nanos(START_MS)],
    ['text', any('2026'), nanos(START_MS)],
    ['an empty array', any([]), nanos(START_MS)],
    ['an object', any({}), nanos(START_MS)],
    ['null', any(null), nanos(START_MS)],
    ['a bigint', any(5n), nanos(START_MS)],
  ])('%s', async (_, startTime, expected) => {
    const span = await one(() => {}, {}, { startTime });
    expect(span.startTimeUnixNano).toBe(expected);
    expect(span.endTimeUnixNano).toBeGreaterThanOrEqual(expected);
    const { arrived, tracer } = started();
    tracer.startSpan('s', { startTime: [0, 0] }).end(startTime);
    expect((await arrived())[0]?.endTimeUnixNano).toBe(expected);
  });

  it('never end before they began', async () => {
    const { arrived, tracer } = started();
    tracer.startSpan('s', { startTime: [100, 5] }).end([100, 4]);
    tracer.startSpan('s', { startTime: [100, 5] }).end([99, 9]);
    tracer.startSpan('s', { startTime: START_MS + 60_000 }).end();
    const spans = await arrived();
    expect(spans.map(({ endTimeUnixNano: end, startTimeUnixNano: start }) => end - start)).toEqual([
      0n,
      0n,
      0n,
    ]);
    expect(spans[0]?.startTimeUnixNano).toBe(100_000_000_005n);
  });

  it('follow the wall clock from span to span, but not within one', async () => {
    const { arrived, host, tracer } = started();
    const before = tracer.startSpan('before');
    host.moveWallClock(3_600_000);
    tracer.startSpan('notices').end();
    await host.advance(1000);
    before.end();
    tracer.startSpan('after').end();
    const spans = await arrived();
    const times = Object.fromEntries(spans.map((span) => [span.name, span.endTimeUnixNano]));
    expect(times['before']).toBe(nanos(START_MS + 1000));
    expect(times['after']).toBe(nanos(START_MS + 3_600_000 + 1000));
  });
});

describe('a span that has ended', () => {
  it('takes nothing any more, and arrives once', async () => {
    const { arrived, tracer, traces } = started();
    const span = tracer.startSpan('s', { attributes: { a: 1 } });
    span.end([START_MS / 1000, 5]);
    expect(span.isRecording()).toBe(false);
    span.setAttribute('a', 2).setAttributes({ b: 1 }).addEvent('e').updateName('other');
    span.addLink({ context: span.spanContext() }).addLinks([{ context: span.spanContext() }]);
    span.setStatus({ code: SpanStatusCode.ERROR });
    span.recordException(new Error('late'));
    span.end();
    span.end(START_MS + 99);
    expect(await arrived()).toMatchObject([
      {
        name: 's',
        attributes: { a: 1 },
        events: [],
        links: [],
        status: { code: 0 },
        droppedAttributesCount: 0,
      },
    ]);
    expect(traces().recorded).toBe(1);
    expect(span.spanContext().spanId).toMatch(/^[0-9a-f]{16}$/);
  });

  it('is still a parent', async () => {
    const { arrived, tracer } = started();
    const parent = tracer.startSpan('parent');
    parent.end();
    tracer.startSpan('child', {}, traceApi.setSpan(ROOT_CONTEXT, parent)).end();
    expect((await arrived())[1]?.parentSpanId).toBe(parent.spanContext().spanId);
  });
});

describe('names', () => {
  it('are what they were last', async () => {
    const { arrived, tracer } = started();
    tracer.startSpan('a').updateName('b').updateName('c').end();
    tracer.startSpan('').end();
    for (const name of [undefined, null, 5, Symbol('s'), Object.create(null)]) {
      tracer.startSpan(any(name)).updateName(any(name)).end();
    }
    expect((await arrived()).map(({ name }) => name)).toEqual([
      'c',
      '',
      'undefined',
      'null',
      '5',
      'Symbol(s)',
      '',
    ]);
  });
});

describe('links', () => {
  it('that are none are left out; ids that are none are empty', async () => {
    const hostile = {
      get context(): never {
        throw new Error('no');
      },
    };
    const span = await one((span) => {
      for (const link of [null, undefined, 7, {}, { context: null }, hostile]) {
        span.addLink(any(link));
      }
      span.addLinks(any(null)).addLinks(any(7)).addLinks([]);
      span.addLink({ context: { traceId: 'nope', spanId: any(Symbol('s')), traceFlags: 1 } });
      span.addLink({ context: { traceId: 'nope', spanId: 'x', traceFlags: any('y') } });
      span.addLink({
        context: { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 0, isRemote: true },
        droppedAttributesCount: any('many'),
      });
    });
    expect(span.links).toMatchObject([
      { traceId: '0'.repeat(32), spanId: '0'.repeat(16), flags: 0x100 },
      { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), flags: 0x300, droppedAttributesCount: 0 },
    ]);
  });
});

describe('garbage', () => {
  it('of any kind never throws, and everything else goes on', async () => {
    for (let seed = 1; seed <= 40; seed++) {
      await rummage(randomFrom(seed * 6151), seed);
    }
  });
});

/** Calls everything with anything; a failure names its seed. */
async function rummage(random: SeededRandom, seed: number): Promise<void> {
  const limits = random.below(2)
    ? {}
    : { attributes: random.below(4), events: random.below(3), attributeValueLength: 5 };
  const { arrived, telemetry, tracer, traces } = started({ limits, ringBytes: 1024 * 1024 });
  const pick = <T>(from: readonly T[]) => from[random.below(from.length)] as T;
  const failing = () => {
    throw new Error('hostile');
  };
  const hostile = () =>
    new Proxy(pick<object>([{}, [], () => 1, new Date(), new Uint8Array(2), new Error('e')]), {
      get: random.below(2) ? failing : () => any(garbage(3)),
      ownKeys: random.below(2) ? failing : () => ['a', 'b'],
      has: failing,
      getPrototypeOf: random.below(4) ? () => Object.prototype : failing,
    });
  const garbage = (depth = 0): unknown =>
    pick<() => unknown>([
      () => undefined,
      () => null,
      () => random.below(2) === 0,
      () => pick([0, -0, 1, -1, 2 ** 31, 2 ** 53, 1e308, Number.NaN, Infinity, -Infinity, 0.1]),
      () => pick([0n, -1n, 2n ** 63n, 2n ** 200n]),
      () =>
        pick(['', 'a', '\ud800', '漢'.repeat(random.below(200)), 'x'.repeat(random.below(9000))]),
      () => Symbol('s'),
      () => () => 1,
      () => Object.create(null),
      () => new Date(pick([Number.NaN, 0, 8.64e15, Date.now()])),
      () => new Error('e'),
      () => new Uint8Array(random.below(100)),
      () => Buffer.alloc(random.below(10)),
      () => new Map([[1, 2]]),
      () => Promise.resolve(),
      hostile,
      () => (depth > 3 ? [] : Array.from({ length: random.below(5) }, () => garbage(depth + 1))),
      () =>
        depth > 3
          ? {}
          : Object.fromEntries(
              Array.from({ length: random.below(5) }, (_, i) => [
                pick(['a', 'code', 'context', 'attributes', 'kind', 'startTime', 'links', `${i}`]),
                garbage(depth + 1),
              ]),
            ),
      () => ({ context: { traceId: garbage(3), spanId: garbage(3), traceState: garbage(3) } }),
      () => ({ getValue: garbage(3), setValue: garbage(3) }),
      () => ({ getValue: hostile, setValue: failing }),
    ])();
  const call = (target: object, method: string, argument: (i: number) => unknown) => {
    const args = Array.from({ length: random.below(4) }, (_, i) => argument(i));
    return (target as Record<string, (...args: unknown[]) => unknown>)[method]?.(...args);
  };
  let ended = 0;
  try {
    for (let i = 0; i < 30; i++) {
      const source = random.below(3)
        ? tracer
        : (call(telemetry.tracerProvider, 'getTracer', () => garbage()) as object);
      const span = (
        random.below(2)
          ? call(source, 'startSpan', () => garbage())
          : call(source, 'startSpan', (at) => (at === 0 ? 'name' : garbage()))
      ) as Span;
      for (let j = random.below(12); j > 0; j--) {
        const method = pick([
          'setAttribute',
          'setAttributes',
          'addEvent',
          'addLink',
          'addLinks',
          'setStatus',
          'updateName',
          'recordException',
        ]);
        expect(call(span, method, (at) => (at === 0 && random.below(2) ? 'a' : garbage()))).toBe(
          method === 'recordException' ? undefined : span,
        );
      }
      if (span.isRecording()) ended++;
      call(span, 'end', () => garbage());
      if (span.isRecording()) span.end();
    }
    tracer.startSpan('the last').end();
    const spans = await arrived();
    expect(spans.filter(({ name }) => name === 'the last')).toHaveLength(1);
    expect(traces()).toMatchObject({ recorded: ended + 1, queued: 0 });
    expect(unaccounted(traces())).toBe(0);
  } catch (error) {
    throw new Error(`seed ${seed}`, { cause: error });
  }
}
