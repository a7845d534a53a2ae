/** Requests of every signal as OTLP/JSON: against upstream's serializers, and every field of the tables. */

import protobuf from 'protobufjs/light.js';
import { describe, expect, it } from 'vitest';
import {
  COMMON,
  LOGS,
  METRICS,
  parseField,
  type ScalarType,
  type Tables,
  TRACES,
} from '../../src/codec/schema.ts';
import { toJson } from '../../src/exporters/json-format.ts';
import { decodeRequest, ENVELOPES } from '../../src/workbench/collector/decode.ts';
import { expectSame } from '../support/expect-same.ts';
import { CORPUS_SIGNALS, otlpCorpus, otlpCorpusJson } from '../support/otlp-corpora.ts';
import { randomFrom, type SeededRandom } from '../support/random.ts';

const parsed = (bytes: Uint8Array) => JSON.parse(Buffer.from(bytes).toString('utf8'));

/** Of these upstream writes JSON numbers. */
const LONGS = new Set(['intValue', 'asInt', 'count', 'zeroCount', 'bucketCounts']);

/** Without what is zero, which upstream writes, and with 64-bit integers as strings everywhere. */
function comparable(value: unknown, name = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => comparable(item, name));
  if (LONGS.has(name)) return String(value);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value)
    .map(([key, member]) => [key, comparable(member, key)] as const)
    .filter(([key, member]) => key.endsWith('Value') || !isZero(member));
  return Object.fromEntries(kept);
}

function isZero(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  if (typeof value === 'object') return value === null || Object.keys(value).length === 0;
  return value === 0 || value === '' || value === '0' || value === false || value === undefined;
}

describe.each(CORPUS_SIGNALS)('a request of %s that programs export', (signal) => {
  const request = otlpCorpus(signal, 300);
  const json = toJson(signal, request);

  it('is what the JSON serializer of the OpenTelemetry SDK writes, but for its zeros', () => {
    const ours = comparable(parsed(json));
    expectSame(ours, comparable(parsed(otlpCorpusJson(signal, 300))));
    expect(JSON.stringify(ours).length).toBeGreaterThan(50_000);
  });

  it('reads as the protobuf does', () => {
    expectSame(decodeRequest(signal, 'json', json), decodeRequest(signal, 'protobuf', request));
  });

  it('is {} when it is empty', () => {
    expect(Buffer.from(toJson(signal, new Uint8Array())).toString()).toBe('{}');
  });
});

// ---- Every field, at random.

const SIGNAL_TABLES: Readonly<Record<(typeof CORPUS_SIGNALS)[number], Tables>> = {
  traces: { ...COMMON, ...TRACES },
  logs: { ...COMMON, ...LOGS },
  metrics: { ...COMMON, ...METRICS },
};

/**
 * protobufjs's messages of these tables, which write what is zero as well. Repeated numbers are packed
 * or not.
 */
function messagesOf(tables: Tables, packed: boolean): protobuf.Root {
  const nested: Record<string, protobuf.IType> = {};
  for (const [message, members] of Object.entries(tables)) {
    const fields: Record<string, protobuf.IField> = {};
    const oneofs: Record<string, protobuf.IOneOf> = {};
    for (const entry of Object.entries(members)) {
      const { number, type, repeated } = parseField(entry);
      fields[entry[0]] = {
        id: number,
        type: WIRE_TYPES[type] ?? type,
        ...(repeated && { rule: 'repeated' }),
        options: repeated ? { packed } : { proto3_optional: true },
      };
      if (!repeated) oneofs[`_${entry[0]}`] = { oneof: [entry[0]] };
    }
    nested[message] = { fields, oneofs };
  }
  return protobuf.Root.fromJSON({ nested });
}

const WIRE_TYPES: Readonly<Record<string, string>> = {
  attributes: 'KeyValue',
  enum: 'int32',
  id8: 'bytes',
  id16: 'bytes',
};

const DOUBLES = [
  ...[0, -0, 1, -1, 0.1, -2.5, 1e-7, 123456.789, 1e21, 5e-324, Number.MAX_VALUE],
  ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
];
const INT32 = [0, 1, -1, 7, -300, 2 ** 31 - 1, -(2 ** 31)];
const UINT32 = [0, 1, 255, 300, 2 ** 32 - 1];
const STRINGS = ['', 'a', 'key', 'ü "q" \\ \n\u0001', '漢字🚀', 'x'.repeat(200)];
const SIGNED = [0n, 1n, -1n, 300n, -(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n + 1n];
const UNSIGNED = [0n, 1n, 1_790_000_000_123_456_789n, 2n ** 64n - 1n, 2n ** 53n + 1n];

const pick = <T>(values: readonly T[], random: SeededRandom): T =>
  values[random.below(values.length)]!;

/** As protobufjs has it. */
function long(value: bigint) {
  const bits = BigInt.asUintN(64, value);
  return { low: Number(bits & 0xffff_ffffn) | 0, high: Number(bits >> 32n) | 0, unsigned: true };
}

function scalar(type: ScalarType, random: SeededRandom): unknown {
  switch (type) {
    case 'string':
      return pick(STRINGS, random);
    case 'bool':
      return random.next() < 0.5;
    case 'bytes':
      return Buffer.from(pick(STRINGS, random));
    case 'double':
      return pick(DOUBLES, random);
    case 'int32':
    case 'sint32':
    case 'enum':
      return pick(INT32, random);
    case 'uint32':
    case 'fixed32':
      return pick(UINT32, random);
    case 'int64':
    case 'sfixed64':
      return long(pick(SIGNED, random));
    case 'uint64':
    case 'fixed64':
      return long(pick(UNSIGNED, random));
    default:
      return Buffer.alloc(random.next() < 0.2 ? 0 : type === 'id8' ? 8 : 16, random.below(256));
  }
}

/** Fields are there or not; of a oneof one at most. `met` gathers what was there. */
function randomMessage(
  tables: Tables,
  name: string,
  random: SeededRandom,
  met: Set<string>,
  depth = 0,
): Record<string, unknown> {
  const message: Record<string, unknown> = {};
  let member = false;
  for (const entry of shuffled(Object.entries(tables[name]!), random)) {
    const { type, repeated, oneof } = parseField(entry);
    if ((oneof && member) || random.next() < (oneof ? 0.5 : 0.25)) continue;
    const target = type === 'attributes' ? 'KeyValue' : type;
    if (target in tables && depth > 9) continue;
    member ||= oneof;
    met.add(`${name}.${entry[0]}`);
    const value = () =>
      target in tables
        ? randomMessage(tables, target, random, met, depth + 1)
        : scalar(type as ScalarType, random);
    message[entry[0]] = repeated ? Array.from({ length: random.below(4) }, value) : value();
  }
  return message;
}

function shuffled<T>(items: readonly T[], random: SeededRandom): T[] {
  const left = [...items];
  return items.map(() => left.splice(random.below(left.length), 1)[0]!);
}

describe.each(CORPUS_SIGNALS)('every field of a request of %s', (signal) => {
  const tables = SIGNAL_TABLES[signal];
  const root = ENVELOPES[signal].request;

  it.each([true, false])('says in JSON what it says in protobuf (packed: %s)', (packed) => {
    const type = messagesOf(tables, packed).lookupType(root);
    const random = randomFrom(packed ? 21 : 22);
    const met = new Set<string>();
    let records = 0;
    for (let i = 0; i < 150; i++) {
      const request = type.encode(randomMessage(tables, root, random, met)).finish();
      const decoded = decodeRequest(signal, 'protobuf', request);
      expectSame(decodeRequest(signal, 'json', toJson(signal, request)), decoded);
      records += decoded.spans.length + decoded.logRecords.length + decoded.metrics.length;
    }
    expect(records).toBeGreaterThan(50);
    const all = Object.entries(tables).flatMap(([name, fields]) =>
      Object.keys(fields).map((field) => `${name}.${field}`),
    );
    expect([...met].sort()).toEqual(all.sort());
  });

  it('is the same JSON whether numbers are packed or not', () => {
    const random = randomFrom(23);
    for (let i = 0; i < 40; i++) {
      const message = randomMessage(tables, root, random, new Set());
      const [one, other] = [true, false].map((packed) =>
        toJson(signal, messagesOf(tables, packed).lookupType(root).encode(message).finish()),
      );
      expect(Buffer.from(one!).toString()).toBe(Buffer.from(other!).toString());
    }
  });
});

describe('the forms of the specification', () => {
  const encode = (signal: 'logs' | 'metrics', records: readonly object[]) => {
    const { request, resources, scopes, records: name } = ENVELOPES[signal];
    const type = messagesOf(SIGNAL_TABLES[signal], true).lookupType(request);
    const bytes = type.encode({ [resources]: [{ [scopes]: [{ [name]: records }] }] }).finish();
    return parsed(toJson(signal, bytes))[resources][0][scopes][0][name];
  };

  it('ids of log records and exemplars are hexadecimal, bodies of any kind of value', () => {
    const traceId = Buffer.from('5B8EFFF798038103D269B633813FC60C', 'hex');
    const spanId = Buffer.from('EEE19B7EC3C1B174', 'hex');
    const bodies = [
      { stringValue: 'hello' },
      { bytesValue: Buffer.from([1, 2, 3]) },
      { arrayValue: { values: [{ intValue: long(-5n) }, {}, { doubleValue: Number.NaN }] } },
      { kvlistValue: { values: [{ key: 'k', value: { boolValue: false } }] } },
      {},
    ];
    expect(
      encode(
        'logs',
        bodies.map((body) => ({ body, traceId, spanId })),
      ),
    ).toEqual(
      [
        { stringValue: 'hello' },
        { bytesValue: 'AQID' },
        { arrayValue: { values: [{ intValue: '-5' }, {}, { doubleValue: 'NaN' }] } },
        { kvlistValue: { values: [{ key: 'k', value: { boolValue: false } }] } },
        {},
      ].map((body) => ({
        body,
        traceId: '5b8efff798038103d269b633813fc60c',
        spanId: 'eee19b7ec3c1b174',
      })),
    );
    const gauge = {
      dataPoints: [{ asDouble: 0, exemplars: [{ asInt: long(-1n), spanId, traceId }] }],
    };
    expect(encode('metrics', [{ gauge }])).toEqual([
      {
        gauge: {
          dataPoints: [
            {
              asDouble: 0,
              exemplars: [
                {
                  asInt: '-1',
                  spanId: 'eee19b7ec3c1b174',
                  traceId: '5b8efff798038103d269b633813fc60c',
                },
              ],
            },
          ],
        },
      },
    ]);
  });

  it('zeros of what has presence stay, others go', () => {
    const points = [
      { sum: 0, min: -0, max: 0, count: long(0n), bucketCounts: [long(0n), long(2n ** 64n - 1n)] },
      { explicitBounds: [0, -0, Number.NEGATIVE_INFINITY, 0.1], flags: 0 },
    ];
    const exponential = [{ scale: 0, positive: { offset: 0, bucketCounts: [] }, zeroThreshold: 0 }];
    const summary = [{ sum: 0, quantileValues: [{ quantile: 0, value: 0 }, { quantile: 1 }] }];
    expect(
      encode('metrics', [
        { name: 'h', histogram: { dataPoints: points, aggregationTemporality: 0 } },
        { name: 'e', exponentialHistogram: { dataPoints: exponential } },
        { name: 's', summary: { dataPoints: summary } },
        { name: 'c', sum: { isMonotonic: false, dataPoints: [{ asInt: long(0n) }, {}] } },
        { name: '', gauge: {} },
      ]),
    ).toEqual([
      {
        name: 'h',
        histogram: {
          dataPoints: [
            { sum: 0, min: -0, max: 0, bucketCounts: ['0', '18446744073709551615'] },
            { explicitBounds: [0, -0, '-Infinity', 0.1] },
          ],
        },
      },
      { name: 'e', exponentialHistogram: { dataPoints: [{ positive: {} }] } },
      { name: 's', summary: { dataPoints: [{ quantileValues: [{}, { quantile: 1 }] }] } },
      { name: 'c', sum: { dataPoints: [{ asInt: '0' }, {}] } },
      { gauge: {} },
    ]);
  });
});
