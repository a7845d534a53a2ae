import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace as traceApi,
} from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import type { RecordingSpan } from '../../src/api/trace/span.ts';
import { RecordMap, type RecordValue } from '../../src/buffer/record.ts';
import { decodeRequest } from '../../src/workbench/collector/decode.ts';
import { attributeOf, encodedValue, encodeEverywhere } from '../support/encode-everywhere.ts';
import { ORIGIN_MS, type TraceRig, traceRig, traceRigs } from '../support/engines.ts';
import { expectSame } from '../support/expect-same.ts';
import { randomFrom } from '../support/random.ts';
import { expectedValue, randomText, wellFormed } from '../support/span-plan.ts';
import { type ModelValue, spansOf } from '../support/trace-model.ts';
import { readCanonical } from '../support/wire.ts';

const traceState = (text: string) => ({ serialize: () => text }) as never;

const PARENT = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: 1,
};

describe('every field of a request', () => {
  function everything(rig: TraceRig): void {
    const tracer = rig.tracer('shop/cart', '1.2.3', {
      schemaUrl: 'https://opentelemetry.io/schemas/1.30.0',
      attributes: { short: true, list: ['a', 1] },
    });
    const parent = { ...PARENT, isRemote: true, traceState: traceState('congo=t61rcWkgMzE,a=1') };
    const span = tracer.startSpan(
      'GET /cart',
      { kind: SpanKind.CLIENT, startTime: [1_700_000_000, 123_456_789] },
      traceApi.setSpanContext(ROOT_CONTEXT, parent),
    );
    span.setAttribute('http.route', '/cart');
    for (let i = 0; i < 130; i++) span.setAttribute(`key${i}`, i);
    for (let i = 0; i < 3; i++) {
      span.addEvent(`event ${i}`, { n: i, ...(i === 1 && { more: 'x' }) }, [1_700_000_001, i]);
    }
    const link = {
      traceId: '0102030405060708090a0b0c0d0e0f10',
      spanId: 'A1A2A3A4A5A6A7A8',
      traceFlags: 0,
    };
    span.addLink({ context: { ...link, isRemote: true, traceState: traceState('rojo=1') } });
    span.addLink({ context: link, attributes: { why: 'retry' }, droppedAttributesCount: 300 });
    span.addLink({ context: link });
    span.setStatus({ code: SpanStatusCode.ERROR, message: 'no stock' });
    span.end([1_700_000_002, 999_999_999]);
  }

  const { model, request } = encodeEverywhere(everything, {
    resource: {
      attributes: { 'service.name': 'shop', 'host.cpus': 8 },
      schemaUrl: 'https://example.com/resource',
      dropped: 7,
    },
    events: 2,
    links: 2,
  });
  const [span] = spansOf(model);

  it('is there once: resource, scope and their schema URLs', () => {
    expect(model).toMatchObject([
      {
        attributes: [
          ['service.name', { string: 'shop' }],
          ['host.cpus', { int: 8n }],
        ],
        droppedAttributes: 7,
        schemaUrl: 'https://example.com/resource',
        scopes: [
          {
            name: 'shop/cart',
            version: '1.2.3',
            schemaUrl: 'https://opentelemetry.io/schemas/1.30.0',
            attributes: [
              ['short', { bool: true }],
              ['list', { array: [{ string: 'a' }, { int: 1n }] }],
            ],
            droppedAttributes: 0,
          },
        ],
      },
    ]);
    expect(model[0]!.scopes[0]!.spans).toHaveLength(1);
  });

  it('is there: the span itself', () => {
    expect(span).toMatchObject({
      traceId: PARENT.traceId,
      parentSpanId: PARENT.spanId,
      traceState: 'congo=t61rcWkgMzE,a=1',
      name: 'GET /cart',
      kind: 3,
      startTimeUnixNano: 1_700_000_000_123_456_789n,
      endTimeUnixNano: 1_700_000_002_999_999_999n,
      droppedAttributes: 3,
      status: { code: 2, message: 'no stock' },
      flags: 0x301,
    });
    expect(span!.spanId).toMatch(/^(?!0{16})[0-9a-f]{16}$/);
    expect(span!.attributes).toHaveLength(128);
    expect(span!.attributes[0]).toEqual(['http.route', { string: '/cart' }]);
    expect(span!.attributes[127]).toEqual(['key126', { int: 126n }]);
  });

  it('is there: its events', () => {
    expect(span!.droppedEvents).toBe(1);
    expect(span!.events).toEqual([
      {
        timeUnixNano: 1_700_000_001_000_000_000n,
        name: 'event 0',
        attributes: [['n', { int: 0n }]],
        droppedAttributes: 0,
      },
      {
        timeUnixNano: 1_700_000_001_000_000_001n,
        name: 'event 1',
        attributes: [
          ['n', { int: 1n }],
          ['more', { string: 'x' }],
        ],
        droppedAttributes: 0,
      },
    ]);
  });

  it('is there: its links, with the remote bit only where it is known to be set', () => {
    const ids = { traceId: '0102030405060708090a0b0c0d0e0f10', spanId: 'a1a2a3a4a5a6a7a8' };
    expect(span!.droppedLinks).toBe(1);
    expect(span!.links).toEqual([
      { ...ids, traceState: 'rojo=1', attributes: [], droppedAttributes: 0, flags: 0x300 },
      {
        ...ids,
        traceState: '',
        attributes: [['why', { string: 'retry' }]],
        droppedAttributes: 300,
        flags: 0x100,
      },
    ]);
  });

  it('reads the same in the collector', () => {
    const [received] = decodeRequest('traces', 'protobuf', request).spans;
    expect(received).toMatchObject({
      flags: 0x301,
      kind: 3,
      status: { code: 2, message: 'no stock' },
      attributes: { 'http.route': '/cart', key0: 0, key126: 126 },
      links: [{ flags: 0x300 }, { flags: 0x100, droppedAttributesCount: 300 }],
      resource: { attributes: { 'host.cpus': 8 }, droppedAttributesCount: 7 },
      scope: { name: 'shop/cart', attributes: { short: true, list: ['a', 1] } },
    });
  });

  it('is left out where there is nothing to say', () => {
    const { request: bare, spans } = encodeEverywhere(
      (rig) => rig.tracer('t').startSpan('', {}, ROOT_CONTEXT).end(),
      { resource: {} },
    );
    expect(spans[0]).toMatchObject({ name: '', parentSpanId: '', status: { code: 0 } });
    // Both envelopes, the scope 't', the span: ids, kind, two times, flags. Nothing more.
    const span = 18 + 10 + 2 + 9 + 9 + 6;
    expect(bare).toHaveLength(2 + 2 + 5 + 2 + span);
  });
});

describe('span kinds and flags', () => {
  it.each([
    [undefined, 1],
    [SpanKind.INTERNAL, 1],
    [SpanKind.SERVER, 2],
    [SpanKind.CLIENT, 3],
    [SpanKind.PRODUCER, 4],
    [SpanKind.CONSUMER, 5],
  ])('kind %s is %s on the wire', (kind, wire) => {
    const { spans } = encodeEverywhere((rig) => {
      rig
        .tracer('t')
        .startSpan('s', kind === undefined ? {} : { kind })
        .end();
    });
    expect(spans[0]!.kind).toBe(wire);
  });

  it.each([
    ['a root', undefined, 0x103],
    ['a child of a local span', { ...PARENT, isRemote: false }, 0x101],
    ['a child of a remote span', { ...PARENT, isRemote: true }, 0x301],
    ['a child of a span that says nothing', PARENT, 0x101],
    ['further trace flags', { ...PARENT, traceFlags: 0xff, isRemote: true }, 0x3ff],
  ])('%s', (_, parent, flags) => {
    const { spans } = encodeEverywhere((rig) => {
      const context = parent ? traceApi.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT;
      rig.tracer('t').startSpan('s', {}, context).end();
    });
    expect(spans[0]!.flags).toBe(flags);
  });
});

describe('attribute values', () => {
  const NUMBERS = [
    ...[0, 1, -1, 63, 64, 127, 128, 255, 256, 16_383, 16_384, 2_097_151, 2_097_152],
    ...[2 ** 28 - 1, 2 ** 28, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1, 2 ** 32 - 1],
    ...[2 ** 32, 2 ** 32 + 1, -(2 ** 32), 2 ** 35, 2 ** 42, 2 ** 49, 2 ** 52 + 1],
    ...[Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER],
  ];
  it('are int64 where they are safe integers', () => {
    const { spans } = encodeEverywhere((rig) => {
      const span = rig.tracer('t').startSpan('s');
      for (const [i, n] of NUMBERS.entries()) span.setAttribute(`n${i}`, n);
      span.end();
    });
    expect(spans[0]!.attributes.map(([, value]) => value)).toEqual(
      NUMBERS.map((n) => ({ int: BigInt(n) })),
    );
  });

  it.each([
    ...[-0, 0.5, -0.1, 1e21, 2 ** 53, -(2 ** 53), 2 ** 63, -(2 ** 63), 5e-324, 2 ** 31 + 0.5],
    ...[Number.MAX_VALUE, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  ])('are doubles elsewhere: %d', (n) => {
    expect(encodedValue(n)).toEqual({ double: n });
    expect(encodedValue([n])).toEqual({ array: [{ double: n }] });
  });

  it.each([
    [0n, 0n],
    [-1n, -1n],
    [2n ** 53n + 1n, 2n ** 53n + 1n],
    [2n ** 63n - 1n, 2n ** 63n - 1n],
    [-(2n ** 63n), -(2n ** 63n)],
    // As BigInt.asIntN does it: there is no place for the 65th bit.
    [2n ** 63n, -(2n ** 63n)],
    [2n ** 64n + 5n, 5n],
  ])('are int64 where they are bigints: %s', (given, int) => {
    expect(encodedValue(given)).toEqual({ int });
    expect(encodedValue([given])).toEqual({ array: [{ int }] });
  });

  const OTHERS: readonly (readonly [string, unknown, ModelValue])[] = [
    ['true', true, { bool: true }],
    ['false', false, { bool: false }],
    ['an empty string', '', { string: '' }],
    ['null', null, { empty: true }],
    ['no bytes', new Uint8Array(0), { bytes: '' }],
    ['bytes', Uint8Array.from([0, 127, 128, 255]), { bytes: '007f80ff' }],
    ['a Buffer', Buffer.from('0001feff', 'hex'), { bytes: '0001feff' }],
    ['an empty array', [], { array: [] }],
    ['an empty map', {}, { map: [] }],
    [
      'a mixed array',
      ['a', 1, 1.5, true, null, undefined, 3n, Uint8Array.of(9), [], [['x']], { k: 'v' }],
      {
        array: [
          ...[{ string: 'a' }, { int: 1n }, { double: 1.5 }, { bool: true }],
          ...[{ empty: true as const }, { empty: true as const }, { int: 3n }, { bytes: '09' }],
          ...[{ array: [] }, { array: [{ array: [{ string: 'x' }] }] }],
          { map: [['k', { string: 'v' }] as const] },
        ],
      },
    ],
    [
      'a map',
      { s: 'x', n: -1, none: null, gone: undefined, '': 0, inner: { list: [{ deep: true }] } },
      {
        map: [
          ['s', { string: 'x' }],
          ['n', { int: -1n }],
          ['none', { empty: true }],
          ['', { int: 0n }],
          ['inner', { map: [['list', { array: [{ map: [['deep', { bool: true }]] }] }]] }],
        ],
      },
    ],
    ['a date', new Date(Number.NaN), { string: 'Invalid Date' }],
  ];
  it.each(OTHERS)('of every other kind: %s', (_, value, expected) => {
    expect(encodedValue(value)).toEqual(expected);
    expect(encodedValue([value])).toEqual({ array: [expected] });
    expect(encodedValue({ nested: value })).toEqual({ map: [['nested', expected]] });
  });

  it.each([1, 2, 47, 64, 200])('may nest %d levels deep', (levels) => {
    const nested = (level: number): RecordValue => {
      if (level === 0) return 'end';
      const inner = nested(level - 1);
      return level % 3 ? [inner, level] : new RecordMap(['k', 'level'], [inner, level]);
    };
    const expected = (level: number): ModelValue => {
      if (level === 0) return { string: 'end' };
      const inner = expected(level - 1);
      const int = { int: BigInt(level) };
      return level % 3
        ? { array: [inner, int] }
        : {
            map: [
              ['k', inner],
              ['level', int],
            ],
          };
    };
    const [request, ...others] = traceRigs().map((rig) => {
      const span = rig.tracer('t').startSpan('s').setAttribute('v', 1) as RecordingSpan;
      // Past the API, which stops where decoders do.
      span.values[0] = nested(levels);
      span.end();
      return rig.encode();
    });
    for (const other of others) expect(Buffer.compare(other, request!)).toBe(0);
    expectSame(spansOf(readCanonical(request!))[0]!.attributes, [['v', expected(levels)]]);
  });

  it('are the same in resources, scopes, spans, events and links', () => {
    const values = Object.fromEntries(OTHERS.map(([name, value]) => [name, value]));
    const expected = OTHERS.map(([name, , value]) => [name, value]);
    const { model } = encodeEverywhere(
      (rig) => {
        rig
          .tracer('t', '', { attributes: values as never })
          .startSpan('s', { attributes: values as never })
          .addEvent('e', values as never)
          .addLink({ context: PARENT, attributes: values as never })
          .end();
      },
      { resource: { attributes: values } },
    );
    const [resource] = model;
    const [scope] = resource!.scopes;
    const [span] = scope!.spans;
    for (const { attributes } of [resource!, scope!, span!, span!.events[0]!, span!.links[0]!]) {
      expect(attributes).toEqual(expected);
    }
  });
});

describe('text', () => {
  const alphabets = {
    'one byte': 'ab',
    'two bytes': 'äß',
    'three bytes': '漢字',
    'four bytes': '🚀𝒳',
    'a lone high surrogate': '\ud83d',
    'a lone low surrogate': '\ude00',
    'a byte order mark': '\ufeff',
    'ASCII with one other': `${'x'.repeat(20)}é`,
  };
  // Around: copies of 16 bytes, the loop over char codes, one- and two-byte lengths, the longest
  // interned string, the longest gathered one, whole pages.
  const lengths = [
    ...[0, 1, 3, 4, 15, 16, 17, 31, 32, 33, 42, 43, 64, 122, 123, 124, 125, 126, 127],
    ...[128, 129, 130, 255, 256, 257, 1023, 1024, 1025, 5461, 16_383, 16_384, 40_000],
  ];
  it.each(Object.entries(alphabets))('of characters of %s, at every length', (_, alphabet) => {
    const texts = lengths.map((length) =>
      alphabet.repeat(Math.ceil(length / alphabet.length)).slice(0, length),
    );
    const { spans } = encodeEverywhere(
      (rig) => {
        const tracer = rig.tracer('t');
        for (const text of texts) {
          // Twice the same, so that some are interned; keys and names of that text, too.
          for (const twice of [1, 2]) {
            const span = tracer.startSpan(text);
            span.setAttribute(`k${twice}${text.slice(0, 4000)}`, text);
            span.setAttribute('list', [text, text]);
            span.addEvent(text, { [`e${text.slice(0, 300)}`]: text });
            span.setStatus({ code: SpanStatusCode.ERROR, message: text });
            span.addLink({ context: { ...PARENT, traceState: traceState(text) } });
            span.end();
          }
        }
      },
      { ringBytes: 1 << 24, limitBytes: 8 << 20 },
    );
    expect(spans).toHaveLength(2 * texts.length);
    spans.forEach((span, i) => {
      const text = texts[i >> 1]!;
      const string = wellFormed(text);
      expect(span.name).toBe(string);
      expect(span.attributes[0]).toEqual([
        wellFormed(`k${(i & 1) + 1}${text.slice(0, 4000)}`),
        { string },
      ]);
      expect(span.attributes[1]).toEqual(['list', { array: [{ string }, { string }] }]);
      expect(span.events[0]!.name).toBe(string);
      expect(span.events[0]!.attributes).toEqual([
        [wellFormed(`e${text.slice(0, 300)}`), { string }],
      ]);
      expect(span.status.message).toBe(string);
      expect(span.links[0]!.traceState).toBe(string);
    });
  });

  it('of several records is converted in one go, each by itself', () => {
    // A high surrogate that ends one text and a low one that starts the next are no pair.
    const texts = ['plain', 'a\ud83d', '\ude00b', 'größe', '', '漢', '🚀', '\ufffd', 'x'];
    const { spans } = encodeEverywhere((rig) => {
      const tracer = rig.tracer('t');
      for (let i = 0; i < 40; i++) {
        const span = tracer.startSpan('s');
        for (let k = 0; k < 4; k++) {
          span.setAttribute(`k${k}`, `${texts[(i + k) % texts.length]}${i % 3 === 0 ? '' : i}`);
        }
        span.end();
      }
    });
    spans.forEach((span, i) => {
      expect(span.attributes).toEqual(
        [0, 1, 2, 3].map((k) => [
          `k${k}`,
          { string: wellFormed(`${texts[(i + k) % texts.length]}${i % 3 === 0 ? '' : i}`) },
        ]),
      );
    });
  });

  it('at random, gathered in every way', () => {
    const values: string[][] = [];
    const random = randomFrom(20_26);
    for (let i = 0; i < 150; i++) {
      values.push(Array.from({ length: random.below(40) }, () => randomText(random, 1100)));
    }
    const { spans } = encodeEverywhere(
      (rig) => {
        const tracer = rig.tracer('t');
        for (const list of values) {
          const span = tracer.startSpan('s');
          for (const [k, text] of list.entries()) {
            span.setAttribute(`k${k}`, k % 5 === 4 ? [text] : text);
          }
          span.end();
        }
      },
      { ringBytes: 1 << 24, limitBytes: 8 << 20 },
    );
    const limit = Number.POSITIVE_INFINITY;
    spans.forEach((span, i) => {
      expect(span.attributes).toEqual(
        values[i]!.map((text, k) => [`k${k}`, expectedValue(k % 5 === 4 ? [text] : text, limit)]),
      );
    });
  });
});

describe('lengths', () => {
  const rigs = traceRigs({ ringBytes: 1 << 22 });

  /** A request with one span whose one attribute is a text of `units`. */
  function sized(units: number): Uint8Array {
    const [request, ...others] = rigs.map((rig) => {
      rig.tracer('t').startSpan('s').setAttribute('v', 'x'.repeat(units)).end();
      return rig.encode();
    });
    for (const other of others) expect(Buffer.compare(other, request!)).toBe(0);
    return request!;
  }

  /** The encoder reserves room for lengths by what it saw last. */
  const guesses: Record<string, (tracer: Tracer) => void> = {
    'siblings of the same size': () => {},
    'tiny spans before': (tracer) => {
      for (let i = 0; i < 5; i++) tracer.startSpan('').end();
    },
    'a huge span before': (tracer) => {
      tracer.startSpan('s').setAttribute('v', 'y'.repeat(60_000)).end();
    },
  };

  it.each(Object.entries(guesses))('are minimal at every width, %s', (_, before) => {
    // Around the units at which span, scope, resource and value pass 127 and 16383 bytes: read
    // strictly, every length one byte off would show.
    const around = [...Array(90).keys(), ...Array.from(Array(60).keys(), (i) => 16_270 + i)];
    for (const units of around) {
      for (const rig of rigs) {
        before(rig.tracer('t'));
        rig.encode();
      }
      const model = readCanonical(sized(units));
      const text = attributeOf(spansOf(model)[0]!.attributes, 'v');
      expect(text).toEqual({ string: 'x'.repeat(units) });
    }
  });

  it('step by one byte, and by one more where a length prefix grows', () => {
    const lengths = Array.from(Array(200).keys(), (units) => sized(units).length);
    const steps = lengths.slice(1).map((length, i) => length - lengths[i]!);
    expect(Math.min(...steps)).toBe(1);
    // Text, value, pair, span, scope and resource each grow once on the way.
    expect(lengths.at(-1)! - lengths[0]!).toBe(199 + 6);
  });

  it('of events are minimal when siblings differ in size', () => {
    const sizes = [0, 200, 1, 20_000, 100, 127, 128, 16_383, 16_384, 0];
    const { spans } = encodeEverywhere(
      (rig) => {
        const span = rig.tracer('t').startSpan('s');
        for (const units of sizes) {
          span.addEvent('e', { text: 'z'.repeat(units) });
          span.addLink({ context: PARENT, attributes: { text: 'z'.repeat(units) } });
        }
        span.end();
      },
      { ringBytes: 1 << 22 },
    );
    const texts = sizes.map((units) => [['text', { string: 'z'.repeat(units) }]]);
    expect(spans[0]!.events.map((event) => event.attributes)).toEqual(texts);
    expect(spans[0]!.links.map((link) => link.attributes)).toEqual(texts);
  });

  it('of a request with many spans pass every width', () => {
    for (const count of [1, 2, 3, 30, 300, 3000]) {
      const { spans } = encodeEverywhere(
        (rig) => {
          const tracer = rig.tracer('t');
          for (let i = 0; i < count; i++) tracer.startSpan(`s${i}`).setAttribute('i', i).end();
        },
        { ringBytes: 1 << 22 },
      );
      expect(spans).toHaveLength(count);
      expect(spans.at(-1)!.attributes).toEqual([['i', { int: BigInt(count - 1) }]]);
    }
  });
});

describe('groups', () => {
  it('collect the spans of their scope and resource, in the order they came', () => {
    const { model } = encodeEverywhere((rig) => {
      const other = rig.providerOf({ attributes: { 'service.name': 'other' }, schemaUrl: 'u' });
      const tracers = [
        rig.tracer('a'),
        rig.tracer('b', '2'),
        rig.tracer('a', '', { schemaUrl: 'v' }),
        other.getTracer('a'),
        other.getTracer('c'),
      ];
      for (let i = 0; i < 50; i++) tracers[(i * i) % 5]!.startSpan(`s${i}`).end();
      tracers[2]!.startSpan('late').end();
    });
    const squares = (rest: number) =>
      [...Array(50).keys()].filter((i) => (i * i) % 5 === rest).map((i) => `s${i}`);
    expect(
      model.map(({ attributes, scopes, schemaUrl }) => [
        attributeOf(attributes, 'service.name'),
        schemaUrl,
        scopes.map((scope) => [scope.name, scope.schemaUrl, scope.spans.map((span) => span.name)]),
      ]),
    ).toEqual([
      [
        { string: 'shop' },
        '',
        [
          ['a', '', squares(0)],
          ['b', '', squares(1)],
          ['a', 'v', ['late']],
        ],
      ],
      [{ string: 'other' }, 'u', [['c', '', squares(4)]]],
    ]);
  });

  it('are told apart again in every batch', () => {
    for (const rig of traceRigs()) {
      const tracers = [rig.tracer('a'), rig.tracer('b'), rig.tracer('c')];
      for (let batch = 0; batch < 6; batch++) {
        const order = [batch % 3, (batch + 1) % 3].slice(0, 1 + (batch & 1));
        for (const i of order) tracers[i]!.startSpan(`${batch}.${i}`).end();
        const [resource, ...others] = readCanonical(rig.encode());
        expect(others).toEqual([]);
        expect(resource!.scopes.map((scope) => scope.name)).toEqual(order.map((i) => 'abc'[i]));
      }
    }
  });

  it('have no envelope of their own when they are empty', () => {
    const { model, request } = encodeEverywhere(
      (rig) => rig.tracer('t', '', { schemaUrl: 'scope' }).startSpan('s').end(),
      { resource: { schemaUrl: 'resource' } },
    );
    expect(model).toMatchObject([
      { attributes: [], schemaUrl: 'resource', scopes: [{ name: 't', schemaUrl: 'scope' }] },
    ]);
    // The first field of ResourceSpans is already its scopes: there is no Resource.
    expect(request[request[1]! < 128 ? 2 : 3]).toBe(0x12);
  });

  it('may be large: prelude lengths of one, two and three bytes', () => {
    for (const units of [0, 60, 110, 115, 120, 127, 128, 16_300, 16_370, 16_384, 40_000]) {
      const text = 'r'.repeat(units);
      const { model } = encodeEverywhere(
        (rig) => {
          rig.tracer(`n${text}`, text, { schemaUrl: text }).startSpan('s').end();
        },
        { resource: { attributes: { text }, schemaUrl: text }, ringBytes: 1 << 22 },
      );
      expect(model).toMatchObject([
        {
          attributes: [['text', { string: text }]],
          schemaUrl: text,
          scopes: [{ name: `n${text}`, version: text, schemaUrl: text }],
        },
      ]);
    }
  });

  it('that can never fit are refused, and leave the rest alone', () => {
    for (const rig of traceRigs({ ringBytes: 1 << 23 })) {
      rig.tracer('good').startSpan('before').end();
      const huge = rig.tracer('huge', 'v'.repeat(300_000));
      for (let i = 0; i < 3; i++) {
        huge.startSpan('s').end();
        expect(rig.last).toBe('too_large');
      }
      rig.tracer('good').startSpan('after').end();
      expect(rig.last).toBe('written');
      expect(spansOf(readCanonical(rig.encode())).map((span) => span.name)).toEqual([
        'before',
        'after',
      ]);
    }
  });
});

describe('times', () => {
  it.each([
    ['a Date', new Date(1_700_000_000_123), 1_700_000_000_123_000_000n],
    ['seconds and nanoseconds', [1_700_000_000, 1] as [number, number], 1_700_000_000_000_000_001n],
    ['the last nanosecond', [1, 999_999_999] as [number, number], 1_999_999_999n],
    ['nanoseconds to carry', [5, 2_500_000_000] as [number, number], 7_500_000_000n],
    ['negative nanoseconds', [5, -1] as [number, number], 4_999_999_999n],
    ['Unix milliseconds', ORIGIN_MS + 0.25, 1_700_000_000_000_250_000n],
    ['a reading of the monotonic clock', 1500.5, 1_700_000_001_500_500_000n],
    ['the epoch', [0, 0] as [number, number], 0n],
    [
      '2106 and its last second',
      [4_294_967_295, 5] as [number, number],
      4_294_967_295_000_000_005n,
    ],
  ])('%s', (_, time, nanos) => {
    const { spans } = encodeEverywhere((rig) => {
      rig
        .tracer('t')
        .startSpan('s', { startTime: time })
        .addEvent('e', time)
        .addEvent('e', {}, time)
        .end(time);
    });
    const [span] = spans;
    expect(span!.startTimeUnixNano).toBe(nanos);
    expect(span!.endTimeUnixNano).toBe(nanos);
    expect(span!.events.map((event) => event.timeUnixNano)).toEqual([nanos, nanos]);
  });
});

it('says of each engine which it is', () => {
  expect(traceRigs().map((rig) => rig.engine.name)).toEqual(['simd', 'scalar', 'portable']);
  expect(traceRig('portable').engine.kernels).toBeUndefined();
});
