import { createRequire } from 'node:module';
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import { type ReadableSpan, TracerProvider } from '@opentelemetry/sdk-trace';
import { describe, expect, it } from 'vitest';
import { jsonTranscoder, tracesToJson } from '../../src/codec/json.ts';
import { COMMON, LOGS, METRICS } from '../../src/codec/schema.ts';
import { isOtlpError } from '../../src/errors.ts';
import { encodeTracesJson } from '../../src/runtime/node/codec.ts';
import { startCollector } from '../../src/workbench/collector/collector.ts';
import { decodeRequest } from '../../src/workbench/collector/decode.ts';
import { traceRig } from '../support/engines.ts';
import { expectSame } from '../support/expect-same.ts';
import { readJson } from '../support/json-model.ts';
import { randomFrom, type SeededRandom } from '../support/random.ts';
import { randomPlan, randomStyle, record } from '../support/span-plan.ts';
import { decodeOfficially, withoutFlags } from '../support/trace-model.ts';
import { readCanonical } from '../support/wire.ts';

const official = createRequire(import.meta.url)('otlp-decoder/build/src/generated/root.js')
  .opentelemetry.proto.collector;

const toText = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8');
const textOf = (request: Uint8Array) => toText(tracesToJson(request));

/** Protobuf by hand: fields in any order, of any wire type. */
type Part = Uint8Array | readonly number[];
const wire = (...parts: readonly Part[]) =>
  Buffer.concat(parts.map((part) => Uint8Array.from(part)));

function varint(value: bigint | number): number[] {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return [...bytes, Number(rest)];
}
const tag = (number: number, wireType: number) => varint(number * 8 + wireType);
const number = (field: number, value: bigint | number) => wire(tag(field, 0), varint(value));
const bytes = (field: number, ...parts: readonly Part[]) => {
  const body = wire(...parts);
  return wire(tag(field, 2), varint(body.length), body);
};
const text = (field: number, value: string) => bytes(field, Buffer.from(value));
const fixed64 = (field: number, value: bigint) => {
  const body = Buffer.alloc(8);
  body.writeBigUInt64LE(BigInt.asUintN(64, value));
  return wire(tag(field, 1), body);
};
const fixed32 = (field: number, value: number) => {
  const body = Buffer.alloc(4);
  body.writeUInt32LE(value);
  return wire(tag(field, 5), body);
};
const double = (field: number, value: number) => {
  const body = Buffer.alloc(8);
  body.writeDoubleLE(value);
  return wire(tag(field, 1), body);
};
/** A request of one span with these fields, and what becomes of the span. */
const requestOf = (...fields: readonly Part[]) => bytes(1, bytes(2, bytes(2, ...fields)));
const spanOf = (...fields: readonly Part[]) =>
  JSON.parse(textOf(requestOf(...fields))).resourceSpans[0].scopeSpans[0].spans[0];
/** What becomes of an AnyValue with these fields. */
const anyValue = (...fields: readonly Part[]) =>
  spanOf(bytes(9, bytes(2, ...fields))).attributes[0].value;

function failure(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(isOtlpError(error) && error.code).toBe('invalid_data');
    return (error as Error).message;
  }
  throw new Error('nothing was thrown');
}

/** Requests of random spans. */
function randomRequests(seed: number, spans: number): Uint8Array[] {
  const random = randomFrom(seed);
  const rig = traceRig('simd', { seed, ringBytes: 1 << 22 });
  const tracers = [rig.tracer('a', '1.0'), rig.tracer('ü "quoted"\n'), rig.tracer('c')];
  const style = randomStyle(random);
  const requests: Uint8Array[] = [];
  for (let i = 0; i < spans; i++) {
    record(tracers[random.below(3)]!, randomPlan(random, style));
    if (random.next() < 0.05) requests.push(...rig.drain());
  }
  return [...requests, ...rig.drain()].filter((request) => request.length > 0);
}

describe('a trace as OTLP/JSON', () => {
  it('has the names and forms of the specification', () => {
    const request = official.trace.v1.ExportTraceServiceRequest.encode({
      resourceSpans: [
        {
          resource: { attributes: [{ key: 'service.name', value: { stringValue: 'till' } }] },
          schemaUrl: 'https://opentelemetry.io/schemas/1.30.0',
          scopeSpans: [
            {
              scope: {
                name: 'till.checkout',
                version: '2.1.0',
                attributes: [{ key: 'scope.attribute', value: { boolValue: true } }],
              },
              spans: [
                {
                  traceId: Buffer.from('5B8EFFF798038103D269B633813FC60C', 'hex'),
                  spanId: Buffer.from('EEE19B7EC3C1B174', 'hex'),
                  parentSpanId: Buffer.from('EEE19B7EC3C1B173', 'hex'),
                  traceState: 'vendor=1',
                  name: 'pay',
                  kind: 2,
                  startTimeUnixNano: { low: 4114279168, high: 359656442, unsigned: true },
                  endTimeUnixNano: { low: 519311873, high: 359656443, unsigned: true },
                  attributes: [{ key: 'amount', value: { intValue: 4200 } }],
                  droppedAttributesCount: 1,
                  events: [{ timeUnixNano: 7, name: 'declined', droppedAttributesCount: 2 }],
                  droppedEventsCount: 3,
                  links: [
                    {
                      traceId: Buffer.from('00112233445566778899aabbccddeeff', 'hex'),
                      spanId: Buffer.from('0123456789abcdef', 'hex'),
                      attributes: [{ key: 'why', value: { doubleValue: 0.5 } }],
                    },
                  ],
                  droppedLinksCount: 4,
                  status: { code: 2, message: 'no money' },
                },
              ],
            },
          ],
        },
      ],
    }).finish();
    expect(JSON.parse(textOf(request))).toEqual({
      resourceSpans: [
        {
          resource: { attributes: [{ key: 'service.name', value: { stringValue: 'till' } }] },
          scopeSpans: [
            {
              scope: {
                name: 'till.checkout',
                version: '2.1.0',
                attributes: [{ key: 'scope.attribute', value: { boolValue: true } }],
              },
              spans: [
                {
                  traceId: '5b8efff798038103d269b633813fc60c',
                  spanId: 'eee19b7ec3c1b174',
                  traceState: 'vendor=1',
                  parentSpanId: 'eee19b7ec3c1b173',
                  name: 'pay',
                  kind: 2,
                  startTimeUnixNano: '1544712660300000000',
                  endTimeUnixNano: '1544712661000000001',
                  attributes: [{ key: 'amount', value: { intValue: '4200' } }],
                  droppedAttributesCount: 1,
                  events: [{ timeUnixNano: '7', name: 'declined', droppedAttributesCount: 2 }],
                  droppedEventsCount: 3,
                  links: [
                    {
                      traceId: '00112233445566778899aabbccddeeff',
                      spanId: '0123456789abcdef',
                      attributes: [{ key: 'why', value: { doubleValue: 0.5 } }],
                    },
                  ],
                  droppedLinksCount: 4,
                  status: { code: 2, message: 'no money' },
                },
              ],
            },
          ],
          schemaUrl: 'https://opentelemetry.io/schemas/1.30.0',
        },
      ],
    });
  });

  it('is one line, and nothing for nothing', () => {
    expect(textOf(new Uint8Array())).toBe('{}');
    expect(textOf(requestOf(text(5, 'two\nlines')))).toBe(
      '{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"two\\nlines"}]}]}]}',
    );
  });

  it.each<readonly [string, Uint8Array, unknown]>([
    [
      'a string',
      text(1, 'a "b" \\ / \u0000\u001f\u007f\r\n\t ü 漢 🚀 \u2028'),
      {
        stringValue: 'a "b" \\ / \u0000\u001f\u007f\r\n\t ü 漢 🚀 \u2028',
      },
    ],
    ['an empty string', text(1, ''), { stringValue: '' }],
    ['true', number(2, 1), { boolValue: true }],
    ['false', number(2, 0), { boolValue: false }],
    ['0', number(3, 0), { intValue: '0' }],
    ['-1', number(3, -1), { intValue: '-1' }],
    ['9', number(3, 9), { intValue: '9' }],
    ['10', number(3, 10), { intValue: '10' }],
    ['999999999', number(3, 999_999_999), { intValue: '999999999' }],
    ['1000000000', number(3, 1_000_000_000), { intValue: '1000000000' }],
    ['2^53 - 1', number(3, 2n ** 53n - 1n), { intValue: '9007199254740991' }],
    ['2^53', number(3, 2n ** 53n), { intValue: '9007199254740992' }],
    ['-(2^53) - 1', number(3, -(2n ** 53n) - 1n), { intValue: '-9007199254740993' }],
    ['-(2^32)', number(3, -(2n ** 32n)), { intValue: '-4294967296' }],
    ['2^63 - 1', number(3, 2n ** 63n - 1n), { intValue: '9223372036854775807' }],
    ['-(2^63)', number(3, -(2n ** 63n)), { intValue: '-9223372036854775808' }],
    ['0.0', double(4, 0), { doubleValue: 0 }],
    ['-0.0', double(4, -0), { doubleValue: -0 }],
    ['1e300', double(4, 1e300), { doubleValue: 1e300 }],
    ['5e-324', double(4, 5e-324), { doubleValue: 5e-324 }],
    ['NaN', double(4, Number.NaN), { doubleValue: 'NaN' }],
    ['Infinity', double(4, Number.POSITIVE_INFINITY), { doubleValue: 'Infinity' }],
    ['-Infinity', double(4, Number.NEGATIVE_INFINITY), { doubleValue: '-Infinity' }],
    ['no elements', bytes(5), { arrayValue: {} }],
    [
      'elements',
      bytes(5, bytes(1, number(3, 1)), bytes(1)),
      {
        arrayValue: { values: [{ intValue: '1' }, {}] },
      },
    ],
    [
      'a map',
      bytes(6, bytes(1, text(1, 'k'), bytes(2, number(2, 0)))),
      {
        kvlistValue: { values: [{ key: 'k', value: { boolValue: false } }] },
      },
    ],
    ['no bytes', bytes(7), { bytesValue: '' }],
    ['a byte', bytes(7, [0]), { bytesValue: 'AA==' }],
    ['two bytes', bytes(7, [255, 254]), { bytesValue: '//4=' }],
    ['three bytes', bytes(7, [1, 2, 3]), { bytesValue: 'AQID' }],
    ['four bytes', bytes(7, [250, 239, 190, 173]), { bytesValue: '+u++rQ==' }],
    ['nothing', wire(), {}],
  ])('writes %s', (_, encoded, expected) => {
    // `toEqual` would let -0 pass for 0; so would JSON.stringify.
    expectSame(anyValue(encoded), expected);
  });

  it('leaves out what is zero, unless its being there means something', () => {
    expect(
      spanOf(
        ...[bytes(1), bytes(2), text(3, ''), text(5, ''), number(6, 0), fixed64(7, 0n)],
        ...[number(10, 0), bytes(15), fixed32(16, 0)],
      ),
    ).toEqual({ status: {} });
    // Also as the first, in the middle, and after a list.
    expect(
      spanOf(text(3, ''), text(5, 's'), number(6, 0), bytes(11, text(2, 'e')), number(12, 0)),
    ).toEqual({ name: 's', events: [{ name: 'e' }] });
  });

  it('skips fields and groups that it does not know, and fields of another wire type', () => {
    const unknown = [
      ...[number(99, 2n ** 64n - 1n), fixed64(100, 1n), bytes(2 ** 29 - 1, [0xff]), fixed32(98, 1)],
      wire(tag(97, 3), number(1, 1), tag(5, 3), tag(5, 4), bytes(5, [1]), tag(97, 4)),
      ...[number(5, 1), bytes(7, [1]), fixed64(16, 1n)],
    ];
    expect(spanOf(...unknown, text(5, 's'), ...unknown)).toEqual({ name: 's' });
    // Between the elements of a list.
    expect(spanOf(bytes(11, text(2, 'a')), ...unknown, bytes(11, text(2, 'b')))).toEqual({
      events: [{ name: 'a' }, { name: 'b' }],
    });
  });

  it('grows as it needs to', () => {
    const long = '\u0001'.repeat(100_000);
    expect(spanOf(text(5, long))).toEqual({ name: long });
    expect(spanOf(bytes(9, bytes(2, bytes(5, ...Array(5000).fill(bytes(1))))))).toEqual({
      attributes: [{ value: { arrayValue: { values: Array(5000).fill({}) } } }],
    });
  });
});

/** A request with these attributes, and what becomes of them. */
const attributed = (pairs: readonly Part[]) =>
  requestOf(Buffer.concat(pairs.map((each) => bytes(9, each))));
const attributesOf = (...pairs: readonly Part[]) =>
  JSON.parse(textOf(attributed(pairs))).resourceSpans[0].scopeSpans[0].spans[0].attributes;
const pair = (key: string, ...value: readonly Part[]) => wire(text(1, key), bytes(2, ...value));

describe('key-value pairs, text and numbers', () => {
  const LENGTHS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 30, 31, 32, 33, 63, 64, 65];
  /** Where lengths take another byte. */
  const LIMITS = [119, 120, 121, 122, 123, 124, 125, 126, 127, 128, 129, 130, 16_383, 16_384];
  const letters = (length: number) =>
    Array.from({ length }, (_, i) => String.fromCharCode(97 + (i % 26))).join('');

  it('has keys and strings of any length, byte for byte', () => {
    const fields = (key: string, stringValue: string) => pair(key, text(1, stringValue));
    const expected = (...attributes: readonly unknown[]) =>
      `{"resourceSpans":[{"scopeSpans":[{"spans":[${JSON.stringify({ attributes })}]}]}]}`;
    const of = (key: string, stringValue: string) => ({ key, value: { stringValue } });
    for (const length of [...LENGTHS, ...LIMITS]) {
      const long = letters(length);
      expect(textOf(attributed([fields(long, 'v'), fields('k', long), fields(long, '')]))).toBe(
        expected(of(long, 'v'), of('k', long), of(long, '')),
      );
      expect(spanOf(text(5, long), text(3, long))).toEqual({ name: long, traceState: long });
    }
    // The value's message is longer by two bytes than the string, the pair by three than both.
    for (let key = 100; key <= 128; key++) {
      const [a, b] = [letters(key), letters(8)];
      expect(textOf(attributed([fields(a, b)]))).toBe(expected(of(a, b)));
    }
  });

  it.each([
    ...[...'"\\/\u007f'],
    ...Array.from({ length: 32 }, (_, code) => String.fromCharCode(code)),
    ...['\u0080', 'ü', '\u07ff', '\u0800', '漢', '\uffff', '🚀', '\u{10ffff}'],
  ])('has %j wherever it stands', (special) => {
    for (let length = 0; length < 13; length++) {
      for (let at = 0; at <= length; at++) {
        const value = letters(at) + special + letters(length - at);
        for (const each of [value, value + special]) {
          const plain = { key: 'p', value: { stringValue: 'q' } };
          const pairs = [plain, { key: each, value: { stringValue: each } }, plain];
          expect(
            attributesOf(...pairs.map(({ key, value }) => pair(key, text(1, value.stringValue)))),
          ).toEqual(pairs);
          expect(spanOf(text(5, each)).name).toBe(each);
        }
      }
    }
  });

  it('has integers of any size', () => {
    const sizes = [0n, 7n, 14n, 21n, 28n, 31n, 32n, 35n, 42n, 53n, 62n].map((bits) => 2n ** bits);
    for (let digits = 1; digits < 19; digits++) sizes.push(10n ** BigInt(digits));
    const random = randomFrom(3);
    for (let i = 0; i < 500; i++) {
      sizes.push(BigInt(Math.floor(random.next() * 2 ** (1 + random.below(53)))));
    }
    const values = sizes.flatMap((size) => [size - 1n, size, size + 1n]);
    values.push(2n ** 63n - 1n);
    for (const value of [...values, ...values.map((each) => -each), -(2n ** 63n)]) {
      const written = [pair('k', number(3, value)), pair('l', number(2, 1))];
      expect(attributesOf(...written)).toEqual([
        { key: 'k', value: { intValue: String(value) } },
        { key: 'l', value: { boolValue: true } },
      ]);
    }
    for (const value of sizes.filter((size) => size < 2n ** 32n).map(Number)) {
      expect(spanOf(number(10, value), fixed32(16, value))).toEqual(
        value === 0 ? {} : { droppedAttributesCount: value, flags: value },
      );
    }
  });

  it('has doubles as JavaScript writes them', () => {
    const random = randomFrom(4);
    const values = [
      ...[0.1, 0.5, 0.25, 1, 10, 999, 1000, 123_456.375, 0.1 + 0.2, 1 / 3, 4.35, 1.005],
      ...[1e-5, 1e-6, 1.5e-6, 9.99e-7, 1e-7, 5e-324, 2.2250738585072014e-308, 0.000_001_000_000_1],
      ...[999_999_999, 999_999_999.999_999, 999_999_999.999_999_9, 1e9, 1e9 + 0.5, 1e15 / 7],
      ...[2 ** 31, 2 ** 32, 2 ** 53, 1e15, 1e20, 1e21, 1.7976931348623157e308, 0.999_999_9],
    ];
    for (let i = 0; i < 3000; i++) {
      const scale = 10 ** random.below(9);
      values.push(random.next() * scale, Math.round(random.next() * 1e9) / scale);
      values.push(Number(`${random.below(1e9)}.${random.below(1e6)}`));
    }
    const neighbours = (value: number) => {
      const view = new DataView(new ArrayBuffer(8));
      view.setFloat64(0, value);
      const bits = view.getBigUint64(0);
      return [bits - 1n, bits, bits + 1n].map((each) => {
        view.setBigUint64(0, each);
        return view.getFloat64(0);
      });
    };
    const all = values.flatMap(neighbours).filter((value) => Number.isFinite(value));
    const both = [...all, ...all.map((value) => -value)];
    const json = textOf(attributed(both.map((value) => pair('k', double(4, value)))));
    const written = [...json.matchAll(/"doubleValue":([^}]*)\}/g)].map((match) => match[1]);
    expect(written).toEqual(both.map((value) => (Object.is(value, -0) ? '-0' : String(value))));
  });

  it('has times of the same second and of others, in any order', () => {
    const seconds = [1n, 2n, 999n, 1_700_000_000n, 1_700_000_001n, 9_223_372_036n, 18_446_744_073n];
    const times = [0n, 9n, 999_999_999n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n, 2n ** 64n - 1n];
    for (const second of seconds) {
      for (const nanos of [-1n, 0n, 1n, 42n, 999_999_999n]) {
        const time = second * 1_000_000_000n + nanos;
        if (time < 2n ** 64n) times.push(time);
      }
    }
    const expected = (time: bigint) => (time === 0n ? {} : { timeUnixNano: String(time) });
    for (const first of times) {
      const order = times.flatMap((time) => [first, time]);
      const { events } = spanOf(...order.map((time) => bytes(11, fixed64(1, time))));
      expect(events).toEqual(order.map(expected));
    }
  });

  const odd = [
    ['no key', bytes(2, text(1, 'v')), { value: { stringValue: 'v' } }],
    ['an empty key', pair('', text(1, 'v')), { value: { stringValue: 'v' } }],
    ['no value', text(1, 'k'), { key: 'k' }],
    ['an empty value', pair('k'), { key: 'k', value: {} }],
    ['nothing', wire(), {}],
    [
      'the value first',
      wire(bytes(2, number(3, 1)), text(1, 'k')),
      { value: { intValue: '1' }, key: 'k' },
    ],
    [
      'a field more',
      wire(pair('k', text(1, 'v')), number(3, 7)),
      { key: 'k', value: { stringValue: 'v' }, keyStrindex: 7 },
    ],
    [
      'an unknown field',
      wire(pair('k', text(1, 'v')), number(9, 7)),
      { key: 'k', value: { stringValue: 'v' } },
    ],
    [
      'an unknown field before',
      wire(number(9, 7), pair('k', text(1, 'v'))),
      { key: 'k', value: { stringValue: 'v' } },
    ],
    [
      'an unknown field in the value',
      pair('k', text(1, 'v'), number(9, 7)),
      { key: 'k', value: { stringValue: 'v' } },
    ],
    [
      'two values',
      wire(pair('k', text(1, 'v')), bytes(2, number(2, 1))),
      { key: 'k', value: { boolValue: true } },
    ],
    [
      'two keys',
      wire(text(1, 'no'), pair('k', text(1, 'v'))),
      { key: 'k', value: { stringValue: 'v' } },
    ],
    [
      'a true of more than a bit',
      pair('k', [0x10, 0x02]),
      { key: 'k', value: { boolValue: true } },
    ],
    ['a false of two bytes', pair('k', [0x10, 0x80, 0]), { key: 'k', value: { boolValue: false } }],
    [
      'an integer longer than it must be',
      pair('k', [0x18, 0x81, 0x80, 0]),
      { key: 'k', value: { intValue: '1' } },
    ],
    [
      'a key length longer than it must be',
      wire([0x0a, 0x81, 0, 0x6b], bytes(2, number(3, 1))),
      { key: 'k', value: { intValue: '1' } },
    ],
    [
      'a value length longer than it must be',
      wire(text(1, 'k'), [0x12, 0x82, 0, 0x18, 1]),
      { key: 'k', value: { intValue: '1' } },
    ],
    [
      'such a string length',
      pair('k', [0x0a, 0x81, 0, 0x76]),
      { key: 'k', value: { stringValue: 'v' } },
    ],
    [
      'such a string length of three bytes',
      pair('k', [0x0a, 0x81, 0x80, 0, 0x76]),
      { key: 'k', value: { stringValue: 'v' } },
    ],
    [
      'a list',
      pair('k', bytes(5, bytes(1, text(1, 'v')))),
      { key: 'k', value: { arrayValue: { values: [{ stringValue: 'v' }] } } },
    ],
    ['a value of another wire type', pair('k', [0x15, 1, 2, 3, 4]), { key: 'k', value: {} }],
  ] as const satisfies readonly (readonly [string, Uint8Array, unknown])[];

  it.each(odd)('has a pair with %s, among others', (_, encoded, expected) => {
    const plain = { key: 'p', value: { intValue: '7' } };
    const other = pair('p', number(3, 7));
    expect(attributesOf(encoded)).toEqual([expected]);
    expect(attributesOf(other, other, encoded, encoded, other)).toEqual([
      plain,
      plain,
      expected,
      expected,
      plain,
    ]);
    // The length of the pair itself in two bytes, as one byte would do.
    const padded = wire([0x4a], [encoded.length | 0x80, 0], encoded);
    expect(spanOf(bytes(9, other), padded, bytes(9, other)).attributes).toEqual([
      plain,
      expected,
      plain,
    ]);
  });

  it('rejects a pair whose parts do not end together', () => {
    for (const [encoded, expected] of [
      [wire(text(1, 'k'), [0x12, 9, 0x0a, 1, 65, 0, 0, 0]), /longer than the message/],
      [pair('k', [0x0a, 9, 65, 66]), /longer than the message/],
      [pair('k', [0x21, 1, 2, 3, 4]), /ends within a number/],
      [pair('k', [0x18, 0x80]), /ends within a number/],
      [pair('k', [0x18, 0x80, 0x80]), /ends within a number/],
      [pair('k', [0x10, 0x80]), /ends within a number/],
      [wire([0x0a, 100, 65, 65, 65, 65, 65, 65]), /longer than the message/],
      [pair('k', [0x0a, 1, 0x80]), /not UTF-8/],
    ] as const) {
      const plain = pair('p', number(3, 7));
      expect(failure(() => attributesOf(plain, encoded, plain))).toMatch(expected);
      expect(attributesOf(plain)).toEqual([{ key: 'p', value: { intValue: '7' } }]);
    }
  });

  it('nests pairs as deep as any other value', () => {
    const verdict = (levels: number, key: string) => {
      let value: Uint8Array = number(3, 1);
      for (let i = 0; i < levels; i++) value = bytes(6, bytes(1, pair(key, value)));
      try {
        return textOf(requestOf(bytes(9, pair('k', value)))).length > 0;
      } catch {
        return false;
      }
    };
    const verdicts = Array.from({ length: 12 }, (_, i) => verdict(125 + i, 'plain'));
    expect(new Set(verdicts).size).toBe(2);
    expect(verdicts).toEqual(Array.from({ length: 12 }, (_, i) => verdict(125 + i, 'ü')));
  });

  it('returns bytes that later requests leave alone, whatever their size', () => {
    const many = (count: number) => attributed(Array(count).fill(pair('k', number(2, 0))));
    const attribute = '{"key":"k","value":{"boolValue":false}}';
    const expected = (count: number) =>
      `{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[${Array(count).fill(attribute).join()}]}]}]}]}`;
    const counts = [1, 100_000, 2, 20_000, 3];
    const written = counts.map((count) => tracesToJson(many(count)));
    counts.forEach((count, at) => {
      expect(toText(written[at]!) === expected(count), `${count} attributes`).toBe(true);
      expect(written[at]!.buffer.byteLength).toBe(written[at]!.length);
    });
  });

  it('has what protobufjs decodes, for attributes at random', () => {
    const { ExportTraceServiceRequest } = official.trace.v1;
    let compared = 0;
    for (let seed = 1; seed <= 400; seed++) {
      const random = randomFrom(seed * 7919);
      const request = requestOf(
        ...Array.from({ length: 1 + random.below(12) }, () => randomAttribute(random, 9, 2)),
      );
      const decoded = ExportTraceServiceRequest.toObject(
        ExportTraceServiceRequest.decode(request),
        {
          ...{ longs: String, bytes: String, json: true },
        },
      );
      const { attributes } = decoded.resourceSpans[0].scopeSpans[0].spans[0];
      const ours = JSON.parse(textOf(request)).resourceSpans[0].scopeSpans[0].spans[0];
      expect(ours.attributes).toEqual(withoutEmpty(attributes));
      compared += attributes.length;
    }
    expect(compared).toBeGreaterThan(1500);
  });
});

/** A KeyValue as encoders write it, or as they only may. */
function randomAttribute(random: SeededRandom, field: number, depth: number): Uint8Array {
  const pick = <T>(of: readonly T[]): T => of[random.below(of.length)]!;
  const alphabet = [
    ...'abcdefghijklmnopqrstuvwxyz._',
    ...(random.below(3) ? '' : '"\\\n\u0001ü漢🚀'),
  ];
  const string = () =>
    Array.from({ length: pick([0, 1, 4, 9, 24, 130]) }, () => pick(alphabet)).join('');
  const value = (levels: number): Uint8Array => {
    switch (random.below(levels > 0 ? 8 : 6)) {
      case 0:
        return number(2, random.below(2));
      case 1:
        return number(3, BigInt.asIntN(1 + random.below(64), BigInt(random.below(2 ** 31)) ** 2n));
      case 2:
        return double(4, pick([random.next(), random.below(1e6) / 1000, -0.5, Number.NaN, 1e300]));
      case 3:
        return bytes(
          7,
          Array.from({ length: random.below(9) }, () => random.below(256)),
        );
      case 6:
        return bytes(
          5,
          ...Array.from({ length: 1 + random.below(4) }, () => bytes(1, value(levels - 1))),
        );
      case 7:
        return bytes(
          6,
          ...Array.from({ length: 1 + random.below(4) }, () =>
            randomAttribute(random, 1, levels - 1),
          ),
        );
      default:
        return text(1, string());
    }
  };
  const parts = [text(1, string()), bytes(2, value(depth))];
  if (random.below(8) === 0) parts.reverse();
  if (random.below(8) === 0) parts.splice(random.below(3), 0, number(99, random.below(300)));
  const body = wire(...parts);
  if (random.below(8) > 0) return bytes(field, body);
  return wire(tag(field, 2), [(body.length & 127) | 128, (body.length >> 7) | 128, 0], body);
}

/** Without empty keys, which are not written. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([key, member]) => key !== 'key' || member !== '');
  return Object.fromEntries(entries.map(([key, member]) => [key, withoutEmpty(member)]));
}

describe('messages in an order that only protobuf allows', () => {
  it('gathers lists', () => {
    expect(
      spanOf(
        ...[bytes(11, text(2, 'a')), text(5, 's'), bytes(13, text(3, 'x'))],
        ...[bytes(11, text(2, 'b')), bytes(13, text(3, 'y')), bytes(11, text(2, 'c'))],
      ),
    ).toEqual({
      name: 's',
      events: [{ name: 'a' }, { name: 'b' }, { name: 'c' }],
      links: [{ traceState: 'x' }, { traceState: 'y' }],
    });
  });

  it('takes the last of several values', () => {
    expect(spanOf(text(5, 'first'), number(6, 3), text(5, 'last'), number(6, 0))).toEqual({
      name: 'last',
    });
    expect(anyValue(text(1, 'first'), number(3, 5))).toEqual({ intValue: '5' });
    expect(anyValue(number(3, 5), text(1, ''), number(3, 6), number(2, 0))).toEqual({
      boolValue: false,
    });
  });

  it('merges messages, as long as they are the same member of a oneof', () => {
    expect(
      spanOf(bytes(15, text(2, 'm'), number(3, 1)), text(5, 's'), bytes(15, number(3, 2))),
    ).toEqual({ name: 's', status: { message: 'm', code: 2 } });
    const list = (value: number) => bytes(5, bytes(1, number(3, value)));
    expect(anyValue(list(1), list(2))).toEqual({
      arrayValue: { values: [{ intValue: '1' }, { intValue: '2' }] },
    });
    expect(anyValue(list(1), text(1, 'between'), list(2))).toEqual({
      arrayValue: { values: [{ intValue: '2' }] },
    });
  });

  it('reads a request the same, however its fields are shuffled', () => {
    for (let seed = 1; seed <= 6; seed++) {
      const random = randomFrom(seed);
      for (const request of randomRequests(seed, 20)) {
        expectSame(
          readJson(tracesToJson(shuffled(request, 'Request', random))),
          readCanonical(request),
        );
      }
    }
  });

  it('does so in a time that does not double with every level', () => {
    let nested: Uint8Array = wire();
    // Out of order at each of sixty levels: the key, the value, the key again.
    for (let i = 0; i < 60; i++) {
      nested = bytes(6, bytes(1, text(1, 'no'), bytes(2, nested), text(1, 'k')));
    }
    expect(JSON.stringify(spanOf(bytes(9, bytes(2, nested)))).match(/"key":"k"/g)).toHaveLength(60);
  });
});

/** Which fields of a message hold messages. */
const INNER: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  Request: { 1: 'ResourceSpans' },
  ResourceSpans: { 1: 'Attributed1', 2: 'ScopeSpans' },
  ScopeSpans: { 1: 'Attributed3', 2: 'Span' },
  Span: { 9: 'KeyValue', 11: 'Attributed3', 13: 'Attributed4' },
  Attributed1: { 1: 'KeyValue' },
  Attributed3: { 3: 'KeyValue' },
  Attributed4: { 4: 'KeyValue' },
  KeyValue: { 2: 'AnyValue' },
  AnyValue: { 5: 'ArrayValue', 6: 'Attributed1' },
  ArrayValue: { 1: 'AnyValue' },
};

/** The same message with its fields in another order; elements of one field keep theirs. */
function shuffled(message: Uint8Array, name: string, random: SeededRandom): Uint8Array {
  const fields: { number: number; bytes: Uint8Array }[] = [];
  for (let at = 0; at < message.length; ) {
    const from = at;
    const read = () => {
      let value = 0;
      let scale = 1;
      for (;;) {
        const byte = message[at++]!;
        value += (byte & 127) * scale;
        scale *= 128;
        if (byte < 128) return value;
      }
    };
    const key = read();
    const field = Math.floor(key / 8);
    const wireType = key % 8;
    const length = wireType === 2 ? read() : wireType === 1 ? 8 : 4;
    const body = at;
    if (wireType === 0) read();
    else at += length;
    const inner = INNER[name]?.[field];
    fields.push({
      number: field,
      bytes:
        inner === undefined
          ? message.subarray(from, at)
          : bytes(field, shuffled(message.subarray(body, at), inner, random)),
    });
  }
  const runs = new Map<number, Uint8Array[]>();
  for (const field of fields) {
    runs.set(field.number, [...(runs.get(field.number) ?? []), field.bytes]);
  }
  const order: Uint8Array[] = [];
  const open = [...runs.values()];
  while (open.length > 0) {
    const run = open[random.below(open.length)]!;
    order.push(run.shift()!);
    if (run.length === 0) open.splice(open.indexOf(run), 1);
  }
  return wire(...order);
}

describe('against other readers', () => {
  it('says what the protobuf says, by three readers, for spans at random', () => {
    let requests = 0;
    for (let seed = 1; seed <= 12; seed++) {
      for (const request of randomRequests(seed, 60)) {
        const json = tracesToJson(request);
        const model = readJson(json);
        expectSame(model, readCanonical(request));
        expectSame(withoutFlags(model), decodeOfficially(request));
        expectSame(
          decodeRequest('traces', 'json', json).spans,
          decodeRequest('traces', 'protobuf', request).spans,
        );
        requests++;
      }
    }
    expect(requests).toBeGreaterThan(20);
  });

  it('is what a collector takes for the protobuf', async () => {
    const collector = await startCollector({ port: 0 });
    try {
      for (const request of randomRequests(77, 80)) {
        for (const [type, body] of [
          ['application/json', tracesToJson(request)],
          ['application/x-protobuf', request],
        ] as const) {
          const headers = { 'content-type': type };
          const url = `${collector.url}/v1/traces`;
          const answer = await fetch(url, { method: 'POST', headers, body: body as BodyInit });
          expect(answer.status).toBe(200);
          await answer.arrayBuffer();
        }
        const spans = collector.traces();
        const half = spans.length / 2;
        expectSame(spans.slice(0, half), spans.slice(half));
        expect(half).toBeGreaterThan(0);
        collector.clear();
      }
    } finally {
      await collector.close();
    }
  });

  /*
   * The SDK's serializer writes what is zero (droppedAttributesCount, empty lists, status code)
   * and integers as JSON numbers in intValue. The SDK has no random flag.
   */
  it('is what the JSON serializer of the OpenTelemetry SDK writes, but for its zeros', () => {
    const ended: ReadableSpan[] = [];
    const attributes = { 'service.name': 'shop', n: 1.5 };
    const provider = new TracerProvider({
      resource: { attributes } as never,
      spanProcessors: [
        {
          onStart() {},
          onEnd: (span) => void ended.push(span),
          forceFlush: async () => {},
          shutdown: async () => {},
        },
      ],
    });
    const rig = traceRig('simd', { resource: { attributes } });
    for (const tracer of [provider.getTracer('t', '1'), rig.tracer('t', '1')]) {
      for (let i = 0; i < 3; i++) {
        const context = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 };
        const span = tracer.startSpan(`span ${i}`, {
          kind: i,
          startTime: [1_700_000_000, 123_456_789],
          attributes: { s: 'ü "q"', i: 2 ** 40 + i, d: 0.1, b: false, list: ['a', 'b'], n: [1, 2] },
          links: [{ context: { ...context, isRemote: true }, attributes: { l: -1 } }],
        });
        span.addEvent('e', { a: 1 }, [1_700_000_001, 0]);
        span.addEvent('bare', [1_700_000_001, 1]);
        if (i > 0) span.setStatus({ code: i, message: 'm' });
        span.end([1_700_000_002, i]);
      }
    }
    const theirs = JSON.parse(toText(JsonTraceSerializer.serializeRequest(ended)!));
    const ours = JSON.parse(textOf(rig.encode()));
    const ids = { traceId: 'random', spanId: 'random' };
    const comparable = (request: typeof ours) =>
      request.resourceSpans.flatMap((resource: typeof ours) =>
        resource.scopeSpans.flatMap((scope: typeof ours) =>
          scope.spans.map((span: typeof ours) =>
            withoutZeros({
              ...span,
              ...ids,
              flags: span.flags & ~2,
              resource: resource.resource,
              scope: scope.scope,
            }),
          ),
        ),
      );
    expect(ours.resourceSpans[0].scopeSpans[0].spans).toHaveLength(3);
    expect(comparable(ours)).toEqual(comparable(theirs));

    // The very spans that the SDK has recorded: ids, times and flags, too.
    expect(withoutZeros(JSON.parse(toText(encodeTracesJson(ended))))).toEqual(withoutZeros(theirs));
  });
});

/** Without defaults; intValue as the string that it is in protobuf's JSON. */
function withoutZeros(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutZeros);
  if (typeof value !== 'object' || value === null) return value;
  const kept: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) {
    if (key === 'intValue') kept[key] = String(member);
    else if (key.endsWith('Value') || key === 'value') kept[key] = withoutZeros(member);
    else if (member === 0 || member === '' || member === undefined) continue;
    else if (Array.isArray(member) && member.length === 0) continue;
    else if (key === 'status' && Object.keys(withoutZeros(member) as object).length === 0) continue;
    else kept[key] = withoutZeros(member);
  }
  return kept;
}

describe('other signals', () => {
  it('go through tables of their own, packed numbers included', () => {
    const metrics = jsonTranscoder({ ...COMMON, ...METRICS }, 'ExportMetricsServiceRequest');
    const packed = (field: number, ...parts: readonly Part[]) => bytes(field, ...parts);
    const eight = (...values: number[]) => values.map((value) => double(1, value).subarray(1));
    const histogram = bytes(
      9,
      bytes(
        1,
        ...[fixed64(2, 0n), fixed64(3, 2n ** 64n - 1n), fixed64(4, 3n), double(5, 0)],
        // Packed, in two runs and one alone.
        ...[packed(6, fixed64(1, 1n).subarray(1), fixed64(1, 0n).subarray(1)), packed(6)],
        ...[fixed64(6, 2n), packed(7, ...eight(0.5, 1, Number.POSITIVE_INFINITY))],
        ...[number(10, 1), double(11, -0)],
      ),
      number(2, 2),
    );
    const exponential = bytes(
      10,
      bytes(
        1,
        ...[number(6, 5), fixed64(7, 0n), bytes(8, number(1, 2), packed(2, varint(300), [0, 7]))],
        ...[bytes(9, packed(2)), bytes(11, fixed64(6, -5n), bytes(4, Array(8).fill(171)))],
      ),
    );
    const gauge = bytes(5, bytes(1, fixed64(6, -(2n ** 63n))), bytes(1, double(4, Number.NaN)));
    const named = (name: string, data: Uint8Array) => bytes(2, text(1, name), data);
    const request = bytes(
      1,
      bytes(2, named('h', histogram), named('e', exponential), named('g', gauge)),
    );
    const { resourceMetrics } = JSON.parse(toText(metrics(request)));
    expect(resourceMetrics[0].scopeMetrics[0].metrics).toEqual([
      {
        name: 'h',
        histogram: {
          dataPoints: [
            {
              timeUnixNano: '18446744073709551615',
              count: '3',
              sum: 0,
              bucketCounts: ['1', '0', '2'],
              explicitBounds: [0.5, 1, 'Infinity'],
              flags: 1,
              min: -0,
            },
          ],
          aggregationTemporality: 2,
        },
      },
      {
        name: 'e',
        exponentialHistogram: {
          dataPoints: [
            {
              scale: -3,
              positive: { offset: 1, bucketCounts: ['300', '0', '7'] },
              negative: { bucketCounts: [] },
              exemplars: [{ asInt: '-5', spanId: 'abababababababab' }],
            },
          ],
        },
      },
      {
        name: 'g',
        gauge: { dataPoints: [{ asInt: '-9223372036854775808' }, { asDouble: 'NaN' }] },
      },
    ]);
    expectSame(
      decodeRequest('metrics', 'json', metrics(request)).metrics,
      decodeRequest('metrics', 'protobuf', request).metrics,
    );

    const logs = jsonTranscoder({ ...COMMON, ...LOGS }, 'ExportLogsServiceRequest');
    const line = bytes(
      2,
      ...[fixed64(1, 1n), number(2, 9), text(3, 'INFO'), bytes(5, text(1, 'hello'))],
      ...[fixed32(8, 0xffff_ffff), bytes(9, Array(16).fill(1)), bytes(10, Array(8).fill(2))],
      ...[fixed64(11, 2n), text(12, 'greeted')],
    );
    expect(JSON.parse(toText(logs(bytes(1, bytes(2, line)))))).toEqual({
      resourceLogs: [
        {
          scopeLogs: [
            {
              logRecords: [
                {
                  timeUnixNano: '1',
                  severityNumber: 9,
                  severityText: 'INFO',
                  body: { stringValue: 'hello' },
                  flags: 4294967295,
                  traceId: '01'.repeat(16),
                  spanId: '02'.repeat(8),
                  observedTimeUnixNano: '2',
                  eventName: 'greeted',
                },
              ],
            },
          ],
        },
      ],
    });
  });
});

describe('bytes that are no OTLP', () => {
  it.each<readonly [string, Uint8Array, RegExp]>([
    ['a field longer than its message', requestOf([0x2a, 5, 65]), /longer than the message/],
    ['a length of 64 bits', wire([0x0a], varint(2n ** 63n)), /longer than the message/],
    ['a varint that goes on', wire([0x0a], Array(10).fill(0xff), [1]), /more than ten bytes/],
    ['a varint that ends', wire([0x0a, 0x80]), /ends within a number/],
    ['a number that ends', requestOf([0x39, 1, 2, 3]), /ends within a number/],
    ['field number 0', wire([0x02, 0]), /no field of that number/],
    ['a field number of 33 bits', wire(varint(2n ** 33n + 8n), [0]), /no field of that number/],
    ['a group that ends twice', wire(tag(9, 4)), /ends a group/],
    ['a group that another one ends', wire(tag(9, 3), tag(8, 4)), /ends a group/],
    ['a group that does not end', wire(tag(9, 3), number(1, 1)), /ends within a number/],
    ['wire type 6', wire(tag(9, 6)), /wire type 6/],
    ['wire type 7', wire(tag(9, 7)), /wire type 7/],
    ['half a character', requestOf(bytes(5, [0xc3])), /not UTF-8/],
    ['a lone continuation byte', requestOf(bytes(5, [65, 0x80])), /not UTF-8/],
    ['an overlong form', requestOf(bytes(5, [0xe0, 0x80, 0x80])), /not UTF-8/],
    ['half of a surrogate pair', requestOf(bytes(5, [0xed, 0xa0, 0x80])), /not UTF-8/],
    ['what is beyond Unicode', requestOf(bytes(5, [0xf4, 0x90, 0x80, 0x80])), /not UTF-8/],
    ['text', Buffer.from('{"resourceSpans":[]}'), /near byte \d+ of 20/],
  ])('%s', (_, request, expected) => {
    expect(failure(() => tracesToJson(request))).toMatch(expected);
  });

  it('values nested deeper than any that can be recorded', () => {
    const nested = (levels: number) => {
      let value: Uint8Array = number(3, 1);
      for (let i = 0; i < levels; i++) value = bytes(5, bytes(1, value));
      return requestOf(bytes(9, bytes(2, value)));
    };
    expect(textOf(nested(190))).toContain('intValue');
    expect(failure(() => tracesToJson(nested(200)))).toMatch(/deeper than 400 levels/);
    expect(failure(() => tracesToJson(nested(10_000)))).toMatch(/deeper than 400 levels/);
  });

  it('agrees with TextDecoder on what is UTF-8', () => {
    const random = randomFrom(5);
    const fatal = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    const leads = [
      0x41, 0x7f, 0x80, 0xbf, 0xc1, 0xc2, 0xdf, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff,
    ];
    let accepted = 0;
    for (let i = 0; i < 20_000; i++) {
      const some = Array.from({ length: 1 + random.below(4) }, (_, j) =>
        j === 0 ? leads[random.below(leads.length)]! : 0x70 + random.below(0x50),
      );
      let decoded: string | undefined;
      try {
        decoded = fatal.decode(Uint8Array.from(some));
        accepted++;
      } catch {}
      const request = requestOf(bytes(5, some));
      if (decoded === undefined) failure(() => tracesToJson(request));
      else expect(spanOf(bytes(5, some))).toEqual({ name: decoded });
    }
    expect(accepted).toBeGreaterThan(1000);
  });

  it('are rejected or read, wherever they are cut and whatever lies behind them', () => {
    const random = randomFrom(9);
    let cuts = 0;
    let read = 0;
    for (const request of randomRequests(9, 12)) {
      const step = Math.max(1, Math.floor(request.length / 400));
      for (let length = 0; length < request.length; length += step) {
        const cut = request.slice(0, length);
        // The rest of the request lies behind: nothing of it may be read.
        const inPlace = request.subarray(0, length);
        const [alone, before] = [cut, inPlace].map((each) => {
          try {
            return textOf(each);
          } catch (error) {
            expect(isOtlpError(error)).toBe(true);
            return (error as Error).message;
          }
        });
        expect(before).toBe(alone);
        cuts++;
      }
    }
    for (let i = 0; i < 4000; i++) {
      const [request] = i % 40 === 0 ? randomRequests(i + 1, 2) : [shortRequest(random)];
      const damaged = Uint8Array.from(request!);
      for (let j = 1 + random.below(4); j > 0; j--) {
        damaged[random.below(damaged.length)] = random.below(256);
      }
      try {
        JSON.parse(textOf(damaged));
        read++;
      } catch (error) {
        expect(isOtlpError(error), String(error)).toBe(true);
      }
    }
    expect(cuts).toBeGreaterThan(300);
    expect(read).toBeGreaterThan(50);
  });

  it('of any kind are rejected or read', () => {
    const random = randomFrom(10);
    for (let i = 0; i < 3000; i++) {
      const garbage = Uint8Array.from({ length: random.below(60) }, () => random.below(256));
      try {
        JSON.parse(textOf(garbage));
      } catch (error) {
        expect(isOtlpError(error), String(error)).toBe(true);
      }
    }
  });
});

function shortRequest(random: SeededRandom): Uint8Array {
  const value = bytes(5, bytes(1, text(1, 'äb')), bytes(1, number(3, -5)), bytes(1, double(4, 1)));
  return requestOf(
    bytes(1, Array(16).fill(random.below(256))),
    ...[text(5, 'name'), fixed64(7, 123n), bytes(9, text(1, 'key'), bytes(2, value))],
    ...[bytes(11, text(2, 'event')), bytes(15, number(3, 2))],
  );
}
