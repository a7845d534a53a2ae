import { createTraceState } from '@opentelemetry/api';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { describe, expect, it } from 'vitest';
import { codecOn } from '../src/codec.ts';
import { OtlpError } from '../src/errors.ts';
import type { SpanLike } from '../src/exporters/span-like.ts';
import { codecs, modelEverywhere, only, refused, sdkSpans, spanLike } from './support/codecs.ts';
import { decoded } from './support/encode-everywhere.ts';
import { engineSources } from './support/engines.ts';
import { expectSame } from './support/expect-same.ts';
import { readJson } from './support/json-model.ts';
import { decodeOfficially, spansOf } from './support/trace-model.ts';

const MEGABYTE = 1_000_000;
const any = (value: unknown) => value as never;

function namesOf(request: Uint8Array): string[] {
  return spansOf(decodeOfficially(request)).map(({ name }) => name);
}

/** The OtlpError that a call throws. */
function problemOf(call: () => unknown): OtlpError {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(OtlpError);
    return error as OtlpError;
  }
  throw new Error('nothing was thrown');
}

/** A span that is larger than so many bytes by one attribute. */
function large(name: string, bytes: number, text = 'x'): SpanLike {
  return spanLike({ name, attributes: { v: text.repeat(bytes / Buffer.byteLength(text)) } });
}

describe('encodeTraces', () => {
  it('encodes no spans as no bytes', () => {
    for (const { codec } of codecs()) {
      expect(codec.encodeTraces([])).toEqual(new Uint8Array());
      expect(Buffer.from(codec.encodeTracesJson([])).toString()).toBe('{}');
    }
  });

  it.each([1, 2, 31, 32, 33, 511, 512, 513, 5000])('%i spans in one call, in order', (count) => {
    const hex = (i: number, digits: number) => (i + 1).toString(16).padStart(digits, '5');
    const contexts = Array.from({ length: count }, (_, i) => ({
      traceId: hex(i >> 2, 32),
      spanId: hex(i, 16),
      traceFlags: 1,
    }));
    const spans = contexts.map((context, i) =>
      spanLike({
        name: `s${i}`,
        spanContext: () => context,
        ...(i % 3 === 0 && { parentSpanContext: { ...context, spanId: hex(2 * i, 16) } }),
        attributes: { i, text: `größe ${i}`, same: 'same' },
      }),
    );
    const found = spansOf(modelEverywhere(spans));
    expectSame(
      found.map(({ name, traceId, spanId, parentSpanId, attributes }) => [
        ...[name, traceId, spanId, parentSpanId],
        attributes[0]![1],
      ]),
      contexts.map(({ traceId, spanId }, i) => [
        ...[`s${i}`, traceId, spanId, i % 3 === 0 ? hex(2 * i, 16) : ''],
        { int: BigInt(i) },
      ]),
    );
  });

  it('ids that are none are nobody else’s', () => {
    const context = spanLike().spanContext();
    const broken = [
      { ...context, traceId: 'ö'.repeat(32) },
      { ...context, spanId: '\u{1f600}'.repeat(8) },
      { ...context, traceId: '' },
      { ...context, traceId: context.traceId.slice(1) },
      { ...context, spanId: `${context.spanId}00` },
    ];
    const all = broken.flatMap((each) => [context, each]).concat(context);
    const spans = all.map((each) => spanLike({ spanContext: () => each, parentSpanContext: each }));
    for (const { codec } of codecs()) {
      const found = spansOf(decodeOfficially(codec.encodeTraces(spans)));
      expect(found).toHaveLength(all.length);
      found.forEach(({ traceId, spanId, parentSpanId }, i) => {
        const ids = { traceId, spanId, parentSpanId };
        const { spanId: own } = context;
        if (all[i] !== context) expect(ids).not.toMatchObject(context);
        else expect(ids).toEqual({ traceId: context.traceId, spanId: own, parentSpanId: own });
      });
    }
  });

  it('takes more spans than its ring holds: joined, in order, whole', () => {
    const filler = 'f'.repeat(500);
    const spans = Array.from({ length: 20_000 }, (_, i) =>
      spanLike({ name: `s${i}`, attributes: { i, filler: `${filler}${i}` } }),
    );
    const [first, ...others] = codecs().map(({ codec }) => codec.encodeTraces(spans));
    for (const other of others) expect(Buffer.compare(first!, other)).toBe(0);
    expect(first!.length).toBeGreaterThan(8 * MEGABYTE);
    const found = spansOf(decodeOfficially(first!));
    expectSame(
      found.map(({ name, attributes }) => [name, attributes]),
      spans.map(({ name }, i) => [
        name,
        [
          ['i', { int: BigInt(i) }],
          ['filler', { string: `${filler}${i}` }],
        ],
      ]),
    );
  });

  it('takes more resources and scopes than one request of its ring has', () => {
    const resources = ['a', 'b'].map((name) => ({ attributes: { 'service.name': name } }));
    const scopes = ['x', 'y'].map((name) => ({ name }));
    const spans = Array.from({ length: 3000 }, (_, i) =>
      spanLike({
        name: `${i}`,
        resource: resources[i & 1]!,
        instrumentationScope: scopes[(i >> 1) & 1]!,
        attributes: { filler: `${i}`.padStart(2000, '.') },
      }),
    );
    const found = spansOf(decodeOfficially(codecs()[0]!.codec.encodeTraces(spans)));
    expect(found).toHaveLength(spans.length);
    const seen = new Map<string, number>();
    for (const { name, resource, scope } of found) {
      const i = Number(name);
      const origin = JSON.stringify([resource.attributes[0]![1], scope.name]);
      expect(origin).toBe(JSON.stringify([{ string: 'ab'[i & 1] }, 'xy'[(i >> 1) & 1]]));
      expect(i).toBeGreaterThan(seen.get(origin) ?? -1);
      seen.set(origin, i);
    }
  });

  it('gives bytes of their own, which later calls leave alone', () => {
    for (const { codec } of codecs()) {
      const spans = [spanLike({ name: 'first', attributes: { a: 'one' } })];
      const first = codec.encodeTraces(spans);
      const copy = first.slice();
      const second = codec.encodeTraces([spanLike({ name: 'other', attributes: { a: 'two' } })]);
      codec.encodeTraces([large('large', 3 * MEGABYTE)]);
      expect(first).toEqual(copy);
      expect(first.byteOffset).toBe(0);
      expect(first.buffer.byteLength).toBe(first.length);
      expect(second.buffer).not.toBe(first.buffer);
      second.fill(0);
      expect(codec.encodeTraces(spans)).toEqual(copy);
    }
  });

  it('leaves the spans as they are', () => {
    const freeze = <T extends object>(value: T): T => {
      for (const inner of Object.values(value)) {
        if (typeof inner === 'object' && inner !== null) freeze(inner);
      }
      return Object.freeze(value);
    };
    const span = freeze(
      spanLike({
        attributes: { list: ['a', null] },
        events: [{ time: [1, 2], name: 'e', attributes: { a: 1 } }],
        links: [{ context: spanLike().spanContext(), attributes: { a: 1 } }],
      }),
    );
    for (const { codec } of codecs()) expect(namesOf(codec.encodeTraces([span]))).toEqual(['s']);
  });

  it('is what upstream spans need: the request of their own serializer, decoded', () => {
    const spans = sdkSpans((provider) => {
      provider
        .getTracer('t', '1')
        .startSpan('s', { attributes: { a: 1 } })
        .end();
    });
    const theirs = ProtobufTraceSerializer.serializeRequest(spans)!;
    for (const { codec } of codecs()) {
      expect(decodeOfficially(codec.encodeTraces(spans))).toEqual(decodeOfficially(theirs));
    }
  });

  it('can be called by what it calls', () => {
    for (const { codec } of codecs()) {
      const inner: Uint8Array[] = [];
      const nesting = (depth: number): SpanLike =>
        spanLike({
          name: `nested ${depth}`,
          attributes: { depth, text: 'größe' },
          spanContext: () => ({
            ...spanLike().spanContext(),
            traceState: any({
              serialize() {
                const spans = [spanLike({ name: 'a' }), spanLike({ name: `in ${depth}` })];
                inner.push(codec.encodeTraces(depth > 0 ? [...spans, nesting(depth - 1)] : spans));
                return `depth=${depth}`;
              },
            }),
          }),
        });
      codec.encodeTraces([spanLike()]);
      const spans = [spanLike({ name: 'before' }), nesting(2), spanLike({ name: 'after' })];
      const outer = spansOf(decodeOfficially(codec.encodeTraces(spans)));
      expect(outer.map(({ name, traceState }) => [name, traceState])).toEqual([
        ['before', ''],
        ['nested 2', 'depth=2'],
        ['after', ''],
      ]);
      expect(inner.map(namesOf)).toEqual([
        ['a', 'in 0'],
        ['a', 'in 1', 'nested 0'],
        ['a', 'in 2', 'nested 1'],
      ]);
      expect(namesOf(codec.encodeTraces([spanLike({ name: 'next' })]))).toEqual(['next']);
    }
  });
});

describe('large spans', () => {
  it.each([
    ['3 MB', 3 * MEGABYTE, 'x'],
    ['3 MB, not ASCII', 3 * MEGABYTE, '漢'],
    ['20 MB', 20 * MEGABYTE, 'x'],
  ])('%s among small ones: in order, whole', (_, bytes, text) => {
    const spans = [spanLike({ name: 'a' }), large('b', bytes, text), spanLike({ name: 'c' })];
    const [first, ...others] = codecs().map(({ codec }) => {
      const request = codec.encodeTraces(spans);
      expect(namesOf(codec.encodeTraces([spanLike({ name: 'next' })]))).toEqual(['next']);
      return request;
    });
    for (const other of others) expect(Buffer.compare(first!, other)).toBe(0);
    const found = spansOf(decodeOfficially(first!));
    expect(found.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    const value = found[1]!.attributes[0]![1];
    expect('string' in value && value.string === spans[1]!.attributes['v']).toBe(true);
  });

  it('small in the ring, large when encoded: one text in many places', () => {
    const event = { time: [1, 2] as [number, number], name: 'n'.repeat(128) };
    const spans = [
      spanLike({ name: 'a' }),
      spanLike({ name: 'b', events: Array(40_000).fill(event) }),
      spanLike({ name: 'c' }),
    ];
    for (const { codec } of codecs()) {
      const request = codec.encodeTraces(spans);
      expect(request.length).toBeGreaterThan(5 * MEGABYTE);
      expect(namesOf(request)).toEqual(['a', 'b', 'c']);
    }
  });

  it('several that fill even the larger ring', () => {
    const codec = codecOn(only('simd'));
    const spans = ['a', 'b', 'c', 'd'].map((name) => large(name, 18 * MEGABYTE));
    const request = codec.encodeTraces(spans);
    expect(request.length).toBeGreaterThan(72 * MEGABYTE);
    expect(namesOf(request)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('more than 32 MiB: says so, and goes on', () => {
    const spans = [spanLike({ name: 'small' }), large('a', 40 * MEGABYTE)];
    for (const { codec } of codecs()) {
      const { code, message } = problemOf(() => codec.encodeTraces(spans));
      expect(code).toBe('invalid_data');
      expect(message).toMatch(/^1 of the spans is larger than 33554432 bytes; .*attributeValueLen/);
      expect(namesOf(codec.encodeTraces([spanLike({ name: 'next' })]))).toEqual(['next']);
    }
  });
});

describe('what an SDK should not, but may say', () => {
  it('kinds, codes and counts that there are none of leave other fields alone', () => {
    const odd = [
      { kind: any(300) },
      { kind: any(-1) },
      { kind: any('2') },
      { kind: any(1.5) },
      { status: { code: any(9) } },
      { status: { code: any('2') } },
      { droppedEventsCount: any(-3) },
      { droppedEventsCount: any(NaN) },
      { droppedEventsCount: any('7') },
    ];
    const found = spansOf(modelEverywhere(odd.map((each) => spanLike(each))));
    const plain = spansOf(modelEverywhere([spanLike(), spanLike({ kind: any(undefined) })]));
    found.forEach((span, i) => {
      expectSame(span, plain[i < 4 ? 1 : 0]);
    });
  });

  it('an attribute that throws takes nothing else with it', () => {
    const attributes = {
      before: 1,
      get broken(): string {
        throw new Error('a getter');
      },
      behind: 2,
    };
    const [span] = spansOf(modelEverywhere([spanLike({ attributes })]));
    expect(span!.attributes.map(([key]) => key)).toEqual(['before', 'behind']);
    expect(span!.droppedAttributes).toBe(1);
  });

  it('a resource that is not complete is one resource in each request, and complete in the next', () => {
    const resource = {
      attributes: { a: 1 } as Record<string, number>,
      asyncAttributesPending: true,
    };
    const spans = Array.from({ length: 70 }, () => spanLike({ resource }));
    for (const { codec } of codecs()) {
      resource.asyncAttributesPending = true;
      resource.attributes = { a: 1 };
      expect(decodeOfficially(codec.encodeTraces(spans))).toHaveLength(1);
      resource.attributes = { a: 1, b: 2 };
      resource.asyncAttributesPending = false;
      const [only] = decodeOfficially(codec.encodeTraces(spans));
      expect(only!.attributes.map(([key]) => key)).toEqual(['a', 'b']);
    }
  });
});

describe('what is no span', () => {
  const thrown = new TypeError('the getter of a span');
  it.each<readonly [string, unknown]>([
    ['null', null],
    ['undefined', undefined],
    ['a number', 42],
    ['a string', 'span'],
    ['{}', {}],
    ['an array', []],
    ['a promise', Promise.resolve(spanLike())],
    ['a function', spanLike],
    ['no context', { ...spanLike(), spanContext: undefined }],
    ['a context that is none', spanLike({ spanContext: () => any(undefined) })],
    ['no resource', spanLike({ resource: any(undefined) })],
    ['no scope', spanLike({ instrumentationScope: any(null) })],
    ['no status', spanLike({ status: any(undefined) })],
    ['no times', spanLike({ endTime: any(undefined) })],
    ['a time in another unit', spanLike({ startTime: any([1n, 0]) })],
    ['a time that is a Date', spanLike({ endTime: any(new Date(0)) })],
    [
      'an event’s time that is none',
      spanLike({ events: [{ name: 'e', time: any([Symbol('t'), 0]) }] }),
    ],
    ['ids that are numbers', spanLike({ spanContext: () => any({ traceId: 1, spanId: 2 }) })],
    ['no ids', spanLike({ spanContext: () => any({ traceFlags: 1 }) })],
    ['no events', spanLike({ events: any(undefined) })],
    ['no links', spanLike({ links: any(null) })],
    ['an event that is none', spanLike({ events: [any(null)] })],
    ['a link without a context', spanLike({ links: [any({})] })],
    [
      'a context that throws',
      spanLike({
        spanContext() {
          throw thrown;
        },
      }),
    ],
    [
      'a trace state that throws',
      spanLike({
        spanContext: () => ({
          ...spanLike().spanContext(),
          traceState: any({
            serialize() {
              throw thrown;
            },
          }),
        }),
      }),
    ],
    [
      'a getter that throws',
      {
        ...spanLike(),
        get events() {
          throw thrown;
        },
      },
    ],
  ])('%s: refused by its place, nothing of the call is left', (_, none) => {
    const good = (name: string) =>
      spanLike({
        name,
        attributes: { [`of ${name}`]: 'größe' },
        events: [{ time: [1, 2], name }],
        droppedEventsCount: 3,
      });
    for (const { codec } of codecs()) {
      const expected = codec.encodeTraces([good('x'), spanLike()]);
      const spans = [good('a'), good('b'), any(none), good('c'), any(none)];
      for (const encode of [codec.encodeTraces, codec.encodeTracesJson]) {
        const { code, message, cause } = problemOf(() => encode(spans));
        expect(code).toBe('invalid_data');
        expect(message).toMatch(
          /^spans\[2\] is no ended span of an OpenTelemetry SDK: TypeError: /,
        );
        expect(cause).toBeInstanceOf(TypeError);
        if (message.includes('getter of a span')) expect(cause).toBe(thrown);
      }
      expect(codec.encodeTraces([good('x'), spanLike()])).toEqual(expected);
    }
  });

  it('is named even where another one is too large', () => {
    const codec = codecOn(only('simd'));
    const spans = [large('a', 3 * MEGABYTE), any(null)];
    expect(problemOf(() => codec.encodeTraces(spans)).message).toMatch(/^spans\[1\] is no /);
  });

  it('may throw what cannot be shown', () => {
    for (const { codec } of codecs()) {
      const spans = [
        spanLike({ name: 'before' }),
        spanLike({
          spanContext() {
            throw Object.create(null);
          },
        }),
        spanLike({ name: 'behind' }),
      ];
      expect(problemOf(() => codec.encodeTraces(spans)).message).toMatch(/^spans\[1\] is no /);
      expect(namesOf(codec.encodeTraces([spanLike({ name: 'next' })]))).toEqual(['next']);
    }
  });

  it('leaves the texts of its neighbours alone', () => {
    const text = (i: number) => spanLike({ name: `s${i}`, attributes: { text: `größe ${i}` } });
    const broken = spanLike({
      attributes: { text: 'größe von nichts' },
      events: [{ name: 'e', time: any([1n, 0]) }],
    });
    for (const { codec } of codecs()) {
      // Until keys whose values never repeat are not interned any more.
      codec.encodeTraces(Array.from({ length: 200 }, (_, i) => text(i)));
      problemOf(() => codec.encodeTraces([text(1), broken, text(2), text(3)]));
      const found = spansOf(decodeOfficially(codec.encodeTraces([text(4), text(5)])));
      expect(found.map(({ attributes }) => attributes)).toEqual([
        [['text', { string: 'größe 4' }]],
        [['text', { string: 'größe 5' }]],
      ]);
    }
  });

  it.each([undefined, null, spanLike(), new Set([spanLike()]), 'spans'])(
    'is no list of spans either: %s',
    (spans) => {
      for (const { codec } of codecs()) {
        const { code, message } = problemOf(() => codec.encodeTraces(any(spans)));
        expect(code).toBe('invalid_data');
        expect(message).toMatch(/^spans is no array \(\w+\); give an array/);
      }
    },
  );

  it('is described in a bounded line', () => {
    const codec = codecOn(only('simd'));
    const span = {
      get resource() {
        throw new Error('long '.repeat(10_000));
      },
    };
    expect(problemOf(() => codec.encodeTraces([any(span)])).message.length).toBeLessThan(400);
  });
});

describe('encodeTracesJson', () => {
  it('says the same as the protobuf', () => {
    const state = createTraceState('a=1');
    const context = { ...spanLike().spanContext(), traceState: state };
    const spans = [
      spanLike({ name: '', attributes: { a: 1, b: 'größe', c: [true, 0.5], nan: NaN } }),
      spanLike({
        kind: 2,
        status: { code: 2, message: 'failed' },
        spanContext: () => context,
        parentSpanContext: { ...context, isRemote: true },
        events: [{ time: [1, 2], name: 'e', attributes: { big: any(2n ** 62n) } }],
        links: [{ context, attributes: { bytes: any(Uint8Array.of(1, 2)) } }],
        droppedLinksCount: 5,
      }),
      ...Array.from({ length: 600 }, (_, i) => spanLike({ name: `s${i}` })),
    ];
    for (const { codec } of codecs()) {
      const model = decoded(codec.encodeTraces(spans));
      expectSame(readJson(codec.encodeTracesJson(spans)), model);
    }
  });

  it('is one request where the protobuf came in pieces', () => {
    const codec = codecOn(only('simd'));
    const spans = Array.from({ length: 3000 }, (_, i) =>
      spanLike({ name: `s${i}`, attributes: { filler: `${i}`.padStart(2000, '.') } }),
    );
    const model = readJson(codec.encodeTracesJson(spans));
    expect(spansOf(model).map(({ name }) => name)).toEqual(spans.map(({ name }) => name));
  });
});

describe('where the engine must be loaded', () => {
  /** A host whose engine in plain JavaScript comes when it is released. */
  function loading() {
    let release: (fails?: boolean) => void = () => {};
    let asked = 0;
    const codec = codecOn({
      simd: refused,
      scalar: refused,
      portable: () => {
        asked++;
        return new Promise((resolve, reject) => {
          release = (fails) =>
            fails ? reject(new Error('no such file')) : resolve(any(engineSources.portable()));
        });
      },
    });
    return { codec, release: (fails?: boolean) => release(fails), asked: () => asked };
  }

  it('a call says what to do, and begins to load it', async () => {
    const { codec, release, asked } = loading();
    for (const encode of [codec.encodeTraces, codec.encodeTracesJson]) {
      const { code, message } = problemOf(() => encode([spanLike()]));
      expect(code).toBe('engine_unavailable');
      expect(message).toMatch(
        /another engine is not loaded yet.*'await ready\(\)' of 'otlp-wasm\/codec'/,
      );
    }
    const ready = codec.ready();
    release();
    await ready;
    expect(asked()).toBe(1);
    expect(namesOf(codec.encodeTraces([spanLike()]))).toEqual(['s']);
    await codec.ready();
    expect(asked()).toBe(1);
  });

  it('ready() before the first call, more than once', async () => {
    const { codec, release, asked } = loading();
    const both = Promise.all([codec.ready(), codec.ready()]);
    release();
    await both;
    expect(asked()).toBe(1);
    const expected = codecOn(only('simd')).encodeTraces([spanLike()]);
    expect(codec.encodeTraces([spanLike()])).toEqual(expected);
  });

  it('what could not be loaded is tried again', async () => {
    const { codec, release, asked } = loading();
    const failed = codec.ready();
    release(true);
    await expect(failed).rejects.toMatchObject({ code: 'engine_unavailable' });
    await expect(failed).rejects.toThrow(/portable failed: Error: no such file/);
    const ready = codec.ready();
    release();
    await ready;
    expect(asked()).toBe(2);
    expect(namesOf(codec.encodeTraces([spanLike()]))).toEqual(['s']);
  });

  it('a failure that nobody waits for is nobody’s', async () => {
    const { codec, release } = loading();
    expect(problemOf(() => codec.encodeTraces([])).code).toBe('engine_unavailable');
    // An unhandled rejection would fail this run.
    release(true);
    await new Promise((resolve) => setImmediate(resolve));
    expect(problemOf(() => codec.encodeTraces([])).code).toBe('engine_unavailable');
  });

  it('a host without any engine says so', async () => {
    const codec = codecOn({ simd: refused, scalar: refused, portable: refused });
    const problem = problemOf(() => codec.encodeTraces([]));
    expect(problem.code).toBe('engine_unavailable');
    expect(problem.message).toMatch(/no engine works on this host \(simd failed: /);
    await expect(codec.ready()).rejects.toMatchObject({ code: 'engine_unavailable' });
  });

  it('is asked for nothing before the first call', () => {
    const untouched = codecOn({ simd: refused, scalar: refused, portable: refused });
    expect(Object.keys(untouched).sort()).toEqual([
      ...['encodeLogs', 'encodeLogsJson', 'encodeTraces', 'encodeTracesJson', 'ready'],
    ]);
    const asked: string[] = [];
    const codec = codecOn({
      ...only('simd'),
      simd: () => {
        asked.push('simd');
        return engineSources.simd();
      },
    });
    expect(asked).toEqual([]);
    codec.encodeTraces([]);
    codec.encodeTraces([spanLike()]);
    expect(asked).toEqual(['simd']);
  });
});
