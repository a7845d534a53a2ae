import { runInNewContext } from 'node:vm';
import {
  type Attributes,
  createTraceState,
  type HrTime,
  ROOT_CONTEXT,
  type SpanContext,
  trace as traceApi,
} from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { describe, expect, it } from 'vitest';
import type { SpanLike } from '../../src/exporters/span-like.ts';
import {
  bytesEverywhere,
  modelEverywhere,
  sdkSpans,
  spanLike,
  upstreamModel,
} from '../support/codecs.ts';
import { expectSame } from '../support/expect-same.ts';
import { randomFrom } from '../support/random.ts';
import {
  expectedValue,
  randomPlan,
  randomStyle,
  record,
  type SpanPlan,
} from '../support/span-plan.ts';
import { started } from '../support/telemetry.ts';
import {
  type ModelAttributes,
  type ModelRequest,
  type ModelValue,
  spansOf,
} from '../support/trace-model.ts';

/*
 * Spans of the OpenTelemetry SDK, and spans made by hand, through our codec on each engine and
 * through the SDK's own serializer; both decoded by one official decoder and compared field by
 * field.
 *
 * Zero-valued fields (dropped counts, status, empty strings outside of values) are written by the
 * SDK and left out by us: the same message, as proto3 has it, so that no comparison sees it.
 *
 * What differs, and why:
 *
 *  1. Integers from 2^53 to 2^63: ours are doubles, since a number of that size need not be the
 *     integer it looks like. The SDK writes int64.
 *  2. -0: ours is a double and keeps its sign; the SDK writes the integer 0.
 *  3. bigint: ours is an int64. The SDK's tracers refuse it, and its serializer writes an empty
 *     value.
 *  4. undefined, functions and symbols as values of a key: ours leaves the key out, since they are
 *     no values; the SDK's serializer writes an empty one.
 *  5. An empty key: ours leaves it out, as the specification wants no such keys; the SDK's
 *     serializer writes it.
 *  6. Date: ours is its text; the SDK's serializer writes a map without members.
 *  7. Scopes that are equal and have no attributes are one ScopeSpans; the SDK goes by identity.
 *  8. Arrays and maps more than 100 deep are empty values, where the SDK's serializer ends the
 *     stack sooner or later; a value of more than 65,536 members is left out and counted.
 *  9. More spans, or more different texts, than an engine has room for: several ResourceSpans of
 *     the same resource.
 */

/** Differences 1 and 2. */
function common(value: ModelValue): ModelValue {
  if ('int' in value && !Number.isSafeInteger(Number(value.int))) {
    return { double: Number(value.int) };
  }
  if ('double' in value && Object.is(value.double, -0)) return { int: 0n };
  if ('array' in value) return { array: value.array.map(common) };
  if ('map' in value) return { map: commonAttributes(value.map) };
  return value;
}

function commonAttributes(attributes: ModelAttributes): ModelAttributes {
  return attributes.map(([key, value]) => [key, common(value)]);
}

/** Differences 7 and 9: groups of one description become one, where the first of them is. */
function merged<Group extends object, Inner>(
  groups: readonly Group[],
  innerOf: (group: Group) => readonly Inner[],
): (Group & { readonly inner: Inner[] })[] {
  const found = new Map<string, Group & { readonly inner: Inner[] }>();
  for (const group of groups) {
    const inner = innerOf(group);
    const text = JSON.stringify(group, (_, value) => {
      if (value === inner) return undefined;
      return typeof value === 'bigint' ? `${value}n` : value;
    });
    const same = found.get(text);
    if (same === undefined) found.set(text, { ...group, inner: [...inner] });
    else for (const each of inner) same.inner.push(each);
  }
  return [...found.values()];
}

/** A request but for what is known to differ. */
function comparable(request: ModelRequest) {
  return merged(request, (resource) => resource.scopes).map(({ inner: scopes, ...resource }) => ({
    schemaUrl: resource.schemaUrl,
    attributes: commonAttributes(resource.attributes),
    scopes: merged(scopes, (scope) => scope.spans).map(({ inner: spans, ...scope }) => ({
      name: scope.name,
      version: scope.version,
      schemaUrl: scope.schemaUrl,
      droppedAttributes: scope.droppedAttributes,
      attributes: commonAttributes(scope.attributes),
      spans: spans.map((span) => ({
        ...span,
        attributes: commonAttributes(span.attributes),
        events: span.events.map((e) => ({ ...e, attributes: commonAttributes(e.attributes) })),
        links: span.links.map((l) => ({ ...l, attributes: commonAttributes(l.attributes) })),
      })),
    })),
  }));
}

/** Ours, which is the same as theirs. */
function expectAsUpstream(spans: readonly SpanLike[]): ModelRequest {
  const model = modelEverywhere(spans);
  expectSame(comparable(model), comparable(upstreamModel(spans)));
  return model;
}

const any = (value: unknown) => value as never;
const bag = (attributes: Record<string, unknown>) => attributes as Attributes;
const LINKED: SpanContext = {
  traceId: 'f0e1d2c3b4a5968778695a4b3c2d1e0f',
  spanId: '0123456789abcdef',
  traceFlags: 0,
};

/** One value in every place that has attributes. */
function withValueEverywhere(value: unknown): SpanLike {
  const attributes = bag({ before: 1, v: value, after: 'x' });
  return spanLike({
    attributes,
    events: [{ time: [1_700_000_000, 5], name: 'e', attributes }],
    links: [{ context: LINKED, attributes }],
    resource: { attributes },
    instrumentationScope: { name: 'n', attributes },
  });
}

/** The value of `v` in each of them. */
function valuesOf(request: ModelRequest): (ModelValue | undefined)[] {
  const [span] = spansOf(request);
  const { attributes, events, links, resource, scope } = span!;
  return [
    attributes,
    events[0]!.attributes,
    links[0]!.attributes,
    resource.attributes,
    scope.attributes,
  ].map((list) => list.find(([key]) => key === 'v')?.[1]);
}

const BOUNDARIES = [0, 31, 32, 33, 127, 128, 129, 1023, 1024, 1025, 12_287, 12_288, 12_289, 40_000];
const sparse: unknown[] = [];
sparse[2] = 'third';

const AGREED: Readonly<Record<string, readonly unknown[]>> = {
  'ASCII of any length': BOUNDARIES.map((length) => 'a'.repeat(length)),
  'two bytes a unit, of any length': BOUNDARIES.map((length) => 'é'.repeat(length)),
  'three bytes a unit, of any length': BOUNDARIES.map((length) => `a${'漢'.repeat(length)}`),
  'pairs of surrogates': ['🎉', 'a🎉', '🎉'.repeat(600), '𝒳\u{10ffff}'],
  'halves of surrogate pairs': [
    '\ud800',
    'a\udc00b',
    '\ude00\ud83d',
    '\ud83d'.repeat(1030),
    'é\ud800',
  ],
  'control characters': ['\0', 'a\0b', '\n\u007f\u0080', '\ufeffbom', '\u2028'],
  integers: [0, 1, -1, 127, 128, 16_384, -128],
  'integers around 2^31': [31, 32].flatMap((bits) =>
    [-1, 0, 1].flatMap((by) => [2 ** bits + by, -(2 ** bits) + by]),
  ),
  'integers around 2^53': [2 ** 53 - 1, -(2 ** 53) + 1],
  'integers of 2^63 and more': [2 ** 63, 2 ** 64, -(2 ** 64), 1e300],
  doubles: [0.5, -0.1, 5e-324, Number.MAX_VALUE, 2 ** 31 + 0.5, NaN, Infinity, -Infinity],
  booleans: [true, false],
  'nothing at all': [null],
  bytes: [
    new Uint8Array(),
    Uint8Array.of(0, 255, 128),
    new Uint8Array(300).fill(7).subarray(3, 200),
    Buffer.from('text'),
  ],
  arrays: [
    [],
    ['a', '', 'é', 'x'.repeat(2000)],
    [1, -1, 0.5, 2 ** 40],
    [true, false],
    [null, 'a', null],
    [undefined, 1],
    sparse,
    [1, 'a', true, null, [2, ['b', []]], Uint8Array.of(1), { a: 1 }],
    Array.from({ length: 3000 }, (_, i) => i),
  ],
  maps: [
    {},
    { a: 1, b: 'x', c: null, d: true, e: 0.5 },
    { a: { b: { c: { d: ['e', { f: Uint8Array.of(9) }] } } } },
    { 10: 'ten', 2: 'two', b: 1, a: 2 },
    Object.assign(Object.create(null), { bare: 1 }),
    { ['é'.repeat(300)]: 'long key' },
  ],
};

describe('values of attributes', () => {
  it.each(Object.entries(AGREED))('%s', (_, values) => {
    for (const value of values) {
      // Of an array with holes, too.
      const expected = expectedValue(Array.isArray(value) ? Array.from(value) : value, Infinity);
      for (const found of valuesOf(expectAsUpstream([withValueEverywhere(value)]))) {
        expectSame(found, expected);
      }
    }
  });

  // The differences listed above, so that the list stays true.
  it.each<readonly [string, unknown, ModelValue | undefined, ModelValue]>([
    ['1: 2^53', 2 ** 53, { double: 2 ** 53 }, { int: 2n ** 53n }],
    ['1: -2^63', -(2 ** 63), { double: -(2 ** 63) }, { int: -(2n ** 63n) }],
    ['2: -0', -0, { double: -0 }, { int: 0n }],
    ['3: 0n', 0n, { int: 0n }, { empty: true }],
    ['3: bigint', -(2n ** 63n), { int: -(2n ** 63n) }, { empty: true }],
    [
      '3: bigint in an array',
      [2n ** 63n - 1n],
      { array: [{ int: 2n ** 63n - 1n }] },
      { array: [{ empty: true }] },
    ],
    ['4: undefined', undefined, undefined, { empty: true }],
    ['4: a function', () => 1, undefined, { empty: true }],
    ['4: a symbol', Symbol('s'), undefined, { empty: true }],
    ['4: undefined in a map', { a: undefined }, { map: [] }, { map: [['a', { empty: true }]] }],
    ['6: Date', new Date(NaN), { string: 'Invalid Date' }, { map: [] }],
  ])('differ as documented in %s', (_, value, ours, theirs) => {
    const span = withValueEverywhere(value);
    expect(valuesOf(modelEverywhere([span]))).toEqual(Array(5).fill(ours));
    expect(valuesOf(upstreamModel([span]))).toEqual(Array(5).fill(theirs));
  });

  it('5: an empty key is left out, in maps it stays', () => {
    const span = spanLike({ attributes: bag({ '': 1, a: { '': 2 } }) });
    const [ours] = spansOf(modelEverywhere([span]));
    const [theirs] = spansOf(upstreamModel([span]));
    const map: ModelAttributes = [['a', { map: [['', { int: 2n }]] }]];
    expect(ours!.attributes).toEqual(map);
    expect(theirs!.attributes).toEqual([['', { int: 1n }], ...map]);
  });

  it('8: what never ends is left out and counted, what is very deep is cut', () => {
    const endless: unknown[] = [];
    endless.push(endless, endless);
    let deep: unknown = 'bottom';
    for (let i = 0; i < 200; i++) deep = [deep];
    const attributes = bag({ a: 1, endless, deep, z: 2 });
    const [span] = spansOf(modelEverywhere([spanLike({ attributes, droppedAttributesCount: 4 })]));
    expect(span!.attributes.map(([key]) => key)).toEqual(['a', 'deep', 'z']);
    expect(span!.droppedAttributes).toBe(5);
    let depth = 0;
    let value: ModelValue | undefined = span!.attributes[1]![1];
    for (; value !== undefined && 'array' in value; depth++) value = value.array[0];
    expect([depth, value]).toEqual([100, { empty: true }]);
  });

  it('a value that cannot be read is counted, the others stay', () => {
    const attributes = bag({
      a: 1,
      bad: {
        get inner() {
          throw new Error('never');
        },
      },
      z: 2,
    });
    const [span] = spansOf(modelEverywhere([spanLike({ attributes })]));
    expect(span!.attributes).toEqual([
      ['a', { int: 1n }],
      ['z', { int: 2n }],
    ]);
    expect(span!.droppedAttributes).toBe(1);
  });
});

describe('keys of attributes', () => {
  it.each([0, 1, 2, 10, 63, 64, 65, 128, 129, 5000])('%i of them', (count) => {
    const attributes: Attributes = {};
    for (let i = 0; i < count; i++) {
      attributes[`key.${i}`] = [i, `value ${i % 7}`, i % 2 === 0, i + 0.5, `ü${i}`][i % 5]!;
    }
    const [span] = spansOf(expectAsUpstream([spanLike({ attributes }), spanLike({ attributes })]));
    expect(span!.attributes).toHaveLength(count);
  });

  it('that mean something to JavaScript', () => {
    const attributes = JSON.parse(
      '{"__proto__":"p","constructor":1,"toString":true,"hasOwnProperty":0,"length":2,"10":"ten","2":"two","-1":"minus","01":"octal","4294967295":1,"a.b":3}',
    ) as Attributes;
    const [span] = spansOf(
      expectAsUpstream([
        spanLike({ attributes }),
        spanLike({ attributes: bag({ x: attributes }) }),
      ]),
    );
    expect(new Set(span!.attributes.map(([key]) => key))).toEqual(new Set(Object.keys(attributes)));
    expect(Object.keys(attributes)).toContain('__proto__');
  });

  it('only those of the object itself that can be enumerated', () => {
    const inheriting = Object.create({ inherited: 1 });
    const members = { hidden: { value: 1 }, own: { value: 1, enumerable: true } };
    const given: Attributes[] = [
      Object.defineProperties(inheriting, members),
      Object.defineProperties({}, members),
      Object.defineProperties(Object.create(null), members),
      new Proxy({ own: 1 }, {}),
      runInNewContext('({ own: 1 })'),
    ];
    const spans = given.map((attributes) =>
      spanLike({
        attributes,
        events: [{ time: [1, 2], name: 'e', attributes }],
        links: [{ context: LINKED, attributes }],
      }),
    );
    const own: ModelAttributes = [['own', { int: 1n }]];
    for (const { attributes, events, links } of spansOf(expectAsUpstream(spans))) {
      const found = [attributes, events[0]!.attributes, links[0]!.attributes];
      expect(found).toEqual([own, own, own]);
    }
  });

  it('not those that somebody has given all objects', () => {
    const attributes = { own: 1, map: { inner: 1 } };
    const spans = [
      spanLike({
        attributes,
        events: [
          { time: [1, 2], name: 'e', attributes },
          { time: [1, 2], name: 'bare', attributes: {} },
        ],
      }),
      spanLike(),
    ];
    const expected = bytesEverywhere(spans);
    const everything = Object.prototype as Record<string, unknown>;
    everything['everywhere'] = 1;
    let polluted: Uint8Array;
    try {
      polluted = bytesEverywhere(spans);
    } finally {
      delete everything['everywhere'];
    }
    expect(Buffer.compare(polluted, expected)).toBe(0);
    expect(Buffer.compare(bytesEverywhere(spans), expected)).toBe(0);
  });

  it('in changing order, some there and some not, with values of changing kinds', () => {
    const random = randomFrom(11);
    const keys = ['http.method', 'http.route', 'user', 'size', 'ok', '7', 'ü', '__proto__'];
    const values = [
      'GET',
      'ü',
      3,
      -0.5,
      true,
      null,
      ['a'],
      { b: 1 },
      '',
      2 ** 40,
      'x'.repeat(1500),
    ];
    const spans = Array.from({ length: 400 }, () => {
      const attributes = {};
      for (let left = random.below(keys.length + 1); left > 0; left--) {
        const value = values[random.below(values.length)];
        const key = keys[random.below(keys.length)]!;
        Object.defineProperty(attributes, key, { value, enumerable: true, configurable: true });
      }
      return spanLike({ name: `n${random.below(3)}`, attributes });
    });
    expectAsUpstream(spans);
  });

  it('that are never the same, and more of them than are remembered', () => {
    const spans = Array.from({ length: 1500 }, (_, i) =>
      spanLike({
        name: `n${i % 5}`,
        attributes: { [`a${i}`]: i, [`b${i}`]: `v${i}`, always: 'here', [`c${i}`]: true },
        events: [{ time: [1, i], name: `e${i}`, attributes: { [`d${i}`]: `w${i}`, e: 1 } }],
        links: [{ context: LINKED, attributes: { [`f${i}`]: `x${i}` } }],
      }),
    );
    for (let round = 0; round < 3; round++) {
      expectAsUpstream(spans.slice(round * 500, 1000 + round * 250));
    }
  });
});

describe('the rest of a span', () => {
  it.each(['', 'n', 'n\0', 'größe 漢 🎉', '\ud800 half', 'long '.repeat(5000)])(
    'name %#',
    (name) => {
      expect(spansOf(expectAsUpstream([spanLike({ name })]))[0]!.name).toBe(
        Buffer.from(name).toString(),
      );
    },
  );

  it('kinds, one that is not set too', () => {
    const kinds = [0, 1, 2, 3, 4, undefined, null];
    const request = expectAsUpstream(kinds.map((kind) => spanLike({ kind: any(kind) })));
    expect(spansOf(request).map(({ kind }) => kind)).toEqual([1, 2, 3, 4, 5, 0, 0]);
  });

  it('status, with a message and without', () => {
    const given = [
      { code: 0 },
      { code: 1 },
      { code: 2 },
      { code: 2, message: 'größe\n\ud800' },
      { code: 1, message: 'unusual' },
      { code: 0, message: 'more so' },
      { code: 2, message: '' },
      { code: 2, message: undefined },
    ];
    const request = expectAsUpstream(given.map((status) => spanLike({ status: any(status) })));
    expect(spansOf(request).map(({ status }) => [status.code, status.message])).toEqual([
      ...[
        [0, ''],
        [1, ''],
        [2, ''],
        [2, 'größe\n\ufffd'],
      ],
      ...[
        [1, 'unusual'],
        [0, 'more so'],
        [2, ''],
        [2, ''],
      ],
    ]);
  });

  it.each<readonly [HrTime, HrTime]>([
    [
      [0, 0],
      [0, 0],
    ],
    [
      [0, 1],
      [0, 999_999_999],
    ],
    [
      [1, 0],
      [1, 999_999_999],
    ],
    [
      [65_535, 999_999_999],
      [65_536, 0],
    ],
    [
      [2 ** 31 - 1, 999_999_999],
      [2 ** 31, 0],
    ],
    [
      [2 ** 32 - 1, 0],
      [2 ** 32 - 1, 999_999_999],
    ],
    [
      [1_700_000_000, 2_000_000_000],
      [1_700_000_003, 1],
    ],
    // Later than it ends, which is not ours to mend.
    [
      [1_700_000_001, 0],
      [1_700_000_000, 0],
    ],
  ])('time from %j to %j', (startTime, endTime) => {
    const events = [{ time: startTime, name: 'e' }];
    const [span] = spansOf(expectAsUpstream([spanLike({ startTime, endTime, events })]));
    const nanos = ([sec, nano]: HrTime) => BigInt(sec) * 1_000_000_000n + BigInt(nano);
    expect(span!.startTimeUnixNano).toBe(nanos(startTime));
    expect(span!.endTimeUnixNano).toBe(nanos(endTime));
    expect(span!.events[0]!.timeUnixNano).toBe(nanos(startTime));
  });

  it('ids in capital letters, and all digits', () => {
    const ids = ['0123456789ABCDEFfedcba9876543210', 'AbCdEf0123456789'] as const;
    const [traceId, spanId] = ids;
    const context = { traceId, spanId, traceFlags: 1 };
    const [span] = spansOf(
      expectAsUpstream([
        spanLike({
          spanContext: () => context,
          parentSpanContext: context,
          links: [{ context }],
        }),
      ]),
    );
    expect([span!.traceId, span!.spanId]).toEqual(ids.map((id) => id.toLowerCase()));
    expect([span!.links[0]!.traceId, span!.parentSpanId]).toEqual(
      ids.map((id) => id.toLowerCase()),
    );
  });

  it('parents: remote, local, unknown, none', () => {
    const own = spanLike().spanContext();
    const parents = [
      { ...own, spanId: '00000000000000ff', isRemote: true },
      { ...own, spanId: '00000000000000ff', isRemote: false },
      { ...own, spanId: 'ffffffffffffffff' },
      { ...own, spanId: '' },
      undefined,
    ];
    const spans = parents.map((parentSpanContext) => spanLike({ parentSpanContext }));
    const found = spansOf(expectAsUpstream(spans)).map((span) => [span.parentSpanId, span.flags]);
    expect(found).toEqual([
      ['00000000000000ff', 0x301],
      ['00000000000000ff', 0x101],
      ['ffffffffffffffff', 0x101],
      ['', 0x101],
      ['', 0x101],
    ]);
  });

  it('trace flags, all eight bits', () => {
    const given = [0, 1, 2, 3, 255, 256, 0x3ff];
    const spans = given.map((traceFlags) =>
      spanLike({
        spanContext: () => ({ ...LINKED, traceFlags }),
        links: [
          { context: { ...LINKED, traceFlags } },
          { context: { ...LINKED, traceFlags, isRemote: true } },
        ],
      }),
    );
    expect(
      spansOf(expectAsUpstream(spans)).map(({ flags, links }) => [flags, links[1]!.flags]),
    ).toEqual(given.map((flags) => [(flags & 255) | 0x100, (flags & 255) | 0x300]));
  });

  it('trace state, of the span and of its links', () => {
    const long = createTraceState(
      Array.from({ length: 30 }, (_, i) => `vendor${i}=${'v'.repeat(10 + i)}`).join(','),
    );
    const states = [undefined, createTraceState(), createTraceState('a=1,b=2'), long];
    const spans = states.map((traceState) => {
      const context: SpanContext = { ...LINKED, ...(traceState && { traceState }) };
      return spanLike({
        spanContext: () => context,
        links: [{ context, attributes: { a: 1 } }, { context: LINKED }],
      });
    });
    const found = spansOf(expectAsUpstream(spans));
    expect(found.map(({ traceState }) => traceState)).toEqual([
      '',
      '',
      'a=1,b=2',
      long.serialize(),
    ]);
    expect(found[2]!.links.map((link) => link.traceState)).toEqual(['a=1,b=2', '']);
  });

  it('events, with and without attributes and dropped counts', () => {
    const time: HrTime = [1_700_000_000, 7];
    const events = [
      { time, name: 'bare' },
      { time, name: 'empty', attributes: {} },
      { time, name: 'none', attributes: undefined, droppedAttributesCount: undefined },
      { time, name: 'some', attributes: { a: 1, b: 'ü' }, droppedAttributesCount: 0 },
      { time, name: 'dropped', droppedAttributesCount: 3 },
      { time, name: 'both', attributes: { a: 1 }, droppedAttributesCount: 200 },
      { time, name: '', attributes: { a: [null] } },
      { time, name: 'some', attributes: { b: 'other order', a: 2 } },
    ];
    const many = Array.from({ length: 1000 }, (_, i) => events[i % events.length]!);
    const spans = [events, [], many, events.slice(0, 1)].map((each) => spanLike({ events: each }));
    const found = spansOf(expectAsUpstream(spans));
    expect(found.map((span) => span.events.length)).toEqual([8, 0, 1000, 1]);
    expect(found[0]!.events.map(({ droppedAttributes }) => droppedAttributes)).toEqual([
      ...[0, 0, 0, 0, 3, 200, 0, 0],
    ]);
  });

  it('links, many of them and none', () => {
    const many = Array.from({ length: 500 }, (_, i) => ({
      context: { ...LINKED, spanId: (i + 1).toString(16).padStart(16, '0') },
      ...(i % 2 === 0 && { attributes: { i, text: `link ${i}` } }),
      ...(i % 3 === 0 && { droppedAttributesCount: i }),
    }));
    const found = spansOf(expectAsUpstream([spanLike({ links: many }), spanLike()]));
    expect(found.map(({ links }) => links.length)).toEqual([500, 0]);
    expect(found[0]!.links[3]).toMatchObject({ droppedAttributes: 3, attributes: [] });
  });

  it('dropped counts, of one span only', () => {
    const counts = [0, 1, 127, 128, 2 ** 31 - 1];
    const spans = counts.flatMap((count) => [
      spanLike({
        droppedAttributesCount: count,
        droppedEventsCount: count && count + 0,
        droppedLinksCount: count,
      }),
      spanLike(),
    ]);
    expect(spansOf(expectAsUpstream(spans)).map((span) => span.droppedAttributes)).toEqual(
      counts.flatMap((count) => [count, 0]),
    );
  });
});

describe('resources and scopes', () => {
  it('are what spans are grouped by, in the order they come first', () => {
    const resources = [
      { attributes: { 'service.name': 'a' }, schemaUrl: 'https://example.com/1' },
      { attributes: { 'service.name': 'b', list: ['x', 'y'], n: 1, d: 0.5, t: true } },
      { attributes: {} },
      // Equal to the first, but another one.
      { attributes: { 'service.name': 'a' }, schemaUrl: 'https://example.com/1' },
    ];
    const scopes = [
      { name: 'n', version: '1' },
      { name: 'n', version: '2' },
      { name: 'n' },
      { name: 'n', version: '1', schemaUrl: 'https://example.com/s' },
      { name: 'n', version: '1', attributes: { a: 1 } },
      { name: 'n', version: '1', attributes: { a: 2 }, droppedAttributesCount: 3 },
      { name: '' },
      { name: 'größe', version: '' },
    ];
    const random = randomFrom(5);
    const spans = Array.from({ length: 300 }, (_, i) =>
      spanLike({
        name: `s${i}`,
        resource: resources[random.below(resources.length)]!,
        instrumentationScope: scopes[random.below(scopes.length)]!,
      }),
    );
    const request = expectAsUpstream(spans);
    expect(request).toHaveLength(resources.length);
    for (const resource of request) expect(resource.scopes).toHaveLength(scopes.length);
  });

  it('7: scopes that say the same are one, whichever object says it', () => {
    const spans = Array.from({ length: 6 }, (_, i) =>
      spanLike({
        name: `s${i}`,
        instrumentationScope: { name: 'n', ...(i % 2 === 0 ? {} : { version: '', schemaUrl: '' }) },
      }),
    );
    const [resource] = expectAsUpstream(spans);
    expect(resource!.scopes.map((scope) => scope.spans.map(({ name }) => name))).toEqual([
      ['s0', 's1', 's2', 's3', 's4', 's5'],
    ]);
    expect(upstreamModel(spans)[0]!.scopes).toHaveLength(6);
  });

  it('names that only look alike are kept apart', () => {
    const scopes = [
      { name: 'a', version: 'b' },
      { name: 'a@b' },
      { name: 'a","b' },
      { name: 'a', schemaUrl: 'b' },
      { name: 'A', version: 'b' },
    ];
    const request = expectAsUpstream(
      scopes.map((instrumentationScope) => spanLike({ instrumentationScope })),
    );
    expect(request[0]!.scopes).toHaveLength(scopes.length);
  });

  it('more of them than the table of strings holds', () => {
    const spans = Array.from({ length: 600 }, (_, i) => {
      const attributes = { id: `${i} `.repeat(700), [`key.${i}`]: i };
      return spanLike({
        name: `s${i}`,
        resource: { attributes },
        instrumentationScope: { name: `scope ${i}`, attributes },
      });
    });
    const found = spansOf(modelEverywhere([...spans, ...spans]));
    const expected = spansOf(upstreamModel(spans));
    expect(found).toHaveLength(1200);
    const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
    expectSame([...found].sort(byName), expected.flatMap((span) => [span, span]).sort(byName));
  });

  it('attributes of a resource that settle later are sent once they are there', async () => {
    let settle: (value: string) => void = () => {};
    const late = new Promise<string>((resolve) => {
      settle = resolve;
    });
    const resource = resourceFromAttributes({ early: 1, late });
    const [span] = sdkSpans((provider) => provider.getTracer('t').startSpan('s').end(), {
      resource,
    });
    const read = () =>
      spansOf(expectAsUpstream([span!])).map(({ resource: { attributes } }) => attributes);
    const early: ModelAttributes = [['early', { int: 1n }]];
    expect(read()).toEqual([early]);
    expect(read()).toEqual([early]);
    settle('there');
    await resource.waitForAsyncAttributes?.();
    const both: ModelAttributes = [...early, ['late', { string: 'there' }]];
    expect(read()).toEqual([both]);
    expect(read()).toEqual([both]);
  });
});

/** Ends after it starts: the SDK looks for spans that do not in a way of its own. */
function orderly(plan: SpanPlan): SpanPlan {
  const start = Array.isArray(plan.startTime) ? plan.startTime[0] : Number(plan.startTime) / 1000;
  return { ...plan, endTime: [Math.ceil(start) + 10, 123_456_789] };
}

describe('spans of the OpenTelemetry SDK', () => {
  it('of every shape, at random', () => {
    for (let seed = 1; seed <= 8; seed++) {
      const random = randomFrom(100 + seed);
      const style = randomStyle(random);
      const plans = Array.from({ length: 60 }, () => orderly(randomPlan(random, style)));
      const spans = sdkSpans(
        (provider) => {
          plans.forEach((plan, i) => {
            const options = { schemaUrl: i % 2 === 0 ? 'https://example.com/s' : '' };
            record(provider.getTracer(`t${i % 3}`, ['1', undefined][i % 2], options), plan);
          });
        },
        { resource: resourceFromAttributes({ 'service.name': 'shop', list: ['a', 'b'], n: seed }) },
      );
      expect(spans).toHaveLength(plans.length);
      try {
        expectAsUpstream(spans);
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
  });

  it('of two providers, with parents in each other', () => {
    const run: Parameters<typeof sdkSpans>[0] = (provider) => {
      const tracer = provider.getTracer('t', '1');
      const parent = tracer.startSpan('parent', { kind: 1 }, ROOT_CONTEXT);
      const context = traceApi.setSpan(ROOT_CONTEXT, parent);
      const child = tracer.startSpan(
        'child',
        { links: [{ context: parent.spanContext() }] },
        context,
      );
      child.recordException(new TypeError('größe'));
      child.setStatus({ code: 2, message: 'failed' });
      child.end();
      parent.end();
    };
    const ofA = sdkSpans(run, { resource: resourceFromAttributes({ 'service.name': 'a' }) });
    const ofB = sdkSpans(run, { resource: resourceFromAttributes({ 'service.name': 'b' }) });
    const request = expectAsUpstream([ofA[0]!, ofB[0]!, ofA[1]!, ofB[1]!]);
    expect(request.map(({ scopes }) => scopes.map(({ spans }) => spans.length))).toEqual([
      [2],
      [2],
    ]);
    const [child, parent] = spansOf(request);
    expect(child!.parentSpanId).toBe(parent!.spanId);
    expect(child!.events[0]!.name).toBe('exception');
  });

  it('with more attributes, events and links than their limits', () => {
    const spans = sdkSpans(
      (provider) => {
        const span = provider.getTracer('t').startSpan('s');
        for (let i = 0; i < 10; i++) {
          span.setAttribute(`a${i}`, `value ${i}`);
          span.addEvent(`e${i}`, { a: 1, b: 2 });
          span.addLink({ context: LINKED, attributes: { a: 1, b: 2 } });
        }
        span.end();
      },
      {
        spanLimits: {
          ...{ attributeCountLimit: 4, attributeValueLengthLimit: 3, eventCountLimit: 2 },
          ...{ linkCountLimit: 3, attributePerEventCountLimit: 1, attributePerLinkCountLimit: 1 },
        },
      },
    );
    const [span] = spansOf(expectAsUpstream(spans));
    expect([span!.droppedAttributes, span!.droppedEvents, span!.droppedLinks]).toEqual([6, 8, 7]);
    expect(span!.events[0]!.droppedAttributes).toBe(1);
    expect(span!.links[0]!.droppedAttributes).toBe(1);
    expect(span!.attributes[0]).toEqual(['a0', { string: 'val' }]);
  });
});

describe('spans of our own, from a span processor', () => {
  it('of every shape, at random: the bytes that the pipeline sends', async () => {
    for (let seed = 1; seed <= 6; seed++) {
      const random = randomFrom(200 + seed);
      const style = randomStyle(random);
      const ended: SpanLike[] = [];
      const run = started({
        serviceName: 'shop',
        resource: { list: ['a', 1, null], 'host.name': 'h' },
        compression: 'none',
        spanProcessors: [
          {
            onStart() {},
            onEnd: (span) => void ended.push(span),
            forceFlush: async () => {},
            shutdown: async () => {},
          },
        ],
      });
      const { tracerProvider } = run.telemetry;
      for (let i = 0; i < 50; i++) {
        const options = { schemaUrl: 'https://example.com/s', attributes: { deployed: i % 3 } };
        const tracer = tracerProvider.getTracer(`t${i % 3}`, '1', i % 2 === 0 ? options : {});
        record(tracer, randomPlan(random, style));
      }
      expect(ended).toHaveLength(50);
      const ours = bytesEverywhere(ended);
      await run.arrived();
      expect(run.transport.payloads).toHaveLength(1);
      expect(Buffer.compare(ours, run.transport.payloads[0]!.body)).toBe(0);
    }
  });
});
