import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { tracesToJson } from '../../src/codec/json.ts';
import {
  countJsonRecords,
  countRecords,
  splitJsonRequest,
  splitRequest,
} from '../../src/codec/split.ts';
import { toJson } from '../../src/exporters/json-format.ts';
import { decodeRequest, ENVELOPES } from '../../src/workbench/collector/decode.ts';
import type { ReceivedSignal } from '../../src/workbench/collector/received.ts';
import { wireOf } from '../../src/workbench/collector/schema.ts';
import { traceRig } from '../support/engines.ts';
import { expectSame } from '../support/expect-same.ts';
import { randomFrom, type SeededRandom } from '../support/random.ts';
import { randomPlan, randomStyle, record } from '../support/span-plan.ts';
import { decodeOfficially, spansOf } from '../support/trace-model.ts';

const SIGNALS: readonly ReceivedSignal[] = ['traces', 'logs', 'metrics'];

const collector = createRequire(import.meta.url)('otlp-decoder/build/src/generated/root.js')
  .opentelemetry.proto.collector;
const OFFICIAL = {
  traces: collector.trace.v1.ExportTraceServiceRequest,
  logs: collector.logs.v1.ExportLogsServiceRequest,
  metrics: collector.metrics.v1.ExportMetricsServiceRequest,
};

type Json = Record<string, unknown>;

const DATA = ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary'] as const;

/**
 * Every record of a request, with all that its resource, its scope and its metric have besides. Of
 * metrics these are the data points.
 */
function flat(signal: ReceivedSignal, request: Json): Json[] {
  const { resources, scopes, records } = ENVELOPES[signal];
  const list = (from: Json, name: string) => (from[name] ?? []) as Json[];
  return list(request, resources).flatMap((resource) =>
    list(resource, scopes).flatMap((scope) =>
      list(scope, records).flatMap((inside) => {
        const around = {
          resource: { ...resource, [scopes]: undefined },
          scope: { ...scope, [records]: undefined },
        };
        if (signal !== 'metrics') return [{ ...around, inside }];
        const kind = DATA.find((one) => inside[one])!;
        const data = inside[kind] as Json;
        const metric = { ...inside, [kind]: { ...data, dataPoints: undefined } };
        return list(data, 'dataPoints').map((point) => ({ ...around, metric, inside: point }));
      }),
    ),
  );
}

/** How many metrics a request has that have no data points. */
const emptyMetrics = (request: Uint8Array) =>
  decodeRequest('metrics', 'protobuf', request).metrics.filter(
    (metric) => DATA.find((kind) => metric[kind]?.dataPoints.length) === undefined,
  ).length;

const decoded = (signal: ReceivedSignal, bytes: Uint8Array): Json[] =>
  flat(
    signal,
    OFFICIAL[signal].toObject(OFFICIAL[signal].decode(bytes), { longs: String, bytes: String }),
  );
const parsed = (signal: ReceivedSignal, bytes: Uint8Array): Json[] =>
  flat(signal, JSON.parse(Buffer.from(bytes).toString('utf8')));

const attributes = (random: SeededRandom) =>
  Array.from({ length: random.below(3) }, (_, i) => ({
    key: `key.${i}`,
    value:
      random.next() < 0.5 ? { stringValue: 'ü"\\[{'.repeat(random.below(40)) } : { intValue: i },
  }));

function randomRecord(signal: ReceivedSignal, random: SeededRandom, number: number): Json {
  if (signal === 'traces') {
    return {
      traceId: Buffer.alloc(16, number + 1),
      spanId: Buffer.alloc(8, number + 1),
      name: `span ${number}`,
      startTimeUnixNano: 2 ** 40 + number,
      attributes: attributes(random),
    };
  }
  if (signal === 'logs') {
    return { timeUnixNano: number, body: { stringValue: `line ${number}` }, severityNumber: 9 };
  }
  const kind = DATA[random.below(DATA.length)]!;
  const dataPoints = Array.from({ length: random.below(6) }, (_, i) => ({
    timeUnixNano: 1000 * number + i,
    attributes: attributes(random),
    ...(kind === 'gauge' && { asDouble: random.next() }),
    ...(kind === 'sum' && { asInt: i - 2 }),
    ...(kind === 'histogram' && { bucketCounts: [i, 0, 7], explicitBounds: [0.5, 1], sum: 0 }),
    ...(kind === 'exponentialHistogram' && {
      ...{ scale: -i, zeroCount: i, positive: { offset: -3, bucketCounts: [1, 300, 0] } },
      exemplars: [{ asInt: -i, spanId: Buffer.alloc(8, i) }],
    }),
    ...(kind === 'summary' && { quantileValues: [{ quantile: 0.5, value: i }] }),
  }));
  const temporality = { aggregationTemporality: 1 + random.below(2) };
  return {
    ...{ name: `metric.${number}`, description: 'described "]}', unit: 'By' },
    ...(random.next() < 0.3 && { metadata: attributes(random) }),
    [kind]: {
      dataPoints,
      ...(kind !== 'gauge' && kind !== 'summary' && temporality),
      ...(kind === 'sum' && { isMonotonic: true }),
    },
  };
}

/** Resources and scopes may be empty. */
function randomRequest(signal: ReceivedSignal, random: SeededRandom): Uint8Array {
  const { request, resources, scopes, records } = ENVELOPES[signal];
  let number = 0;
  const some = <T>(limit: number, make: (i: number) => T) =>
    Array.from({ length: random.below(limit) }, (_, i) => make(i));
  const message = {
    [resources]: some(5, (r) => ({
      ...(random.next() < 0.8 && {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: `service ${r}` } }] },
      }),
      ...(random.next() < 0.5 && { schemaUrl: `https://example.com/${r}` }),
      [scopes]: some(4, (s) => ({
        ...(random.next() < 0.8 && { scope: { name: `scope ${s}`, version: '1.0.0' } }),
        ...(random.next() < 0.5 && { schemaUrl: `https://example.com/${r}/${s}` }),
        [records]: some(12, () => randomRecord(signal, random, number++)),
      })),
    })),
  };
  const type = wireOf(request);
  return type.encode(type.fromObject(message)).finish();
}

/** All requests of one record that halving ends at, in order. */
function toSingles(
  signal: ReceivedSignal,
  request: Uint8Array,
  split: typeof splitRequest,
): Uint8Array[] {
  const halves = split(signal, request);
  return halves === undefined
    ? [request]
    : halves.flatMap((half) => toSingles(signal, half, split));
}

// ---- Protobuf by hand.

type Part = Uint8Array | readonly number[];
const wire = (...parts: readonly Part[]) =>
  Buffer.concat(parts.map((part) => Uint8Array.from(part)));
function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128);
  return [...bytes, value];
}
const bytes = (field: number, ...parts: readonly Part[]) => {
  const body = wire(...parts);
  return wire(varint(field * 8 + 2), varint(body.length), body);
};
const text = (field: number, value: string) => bytes(field, Buffer.from(value));
const number = (field: number, value: number) => wire(varint(field * 8), varint(value));
const fixed32 = (field: number) => wire(varint(field * 8 + 5), [1, 2, 3, 4]);
const fixed64 = (field: number) => wire(varint(field * 8 + 1), [1, 2, 3, 4, 5, 6, 7, 8]);
const group = (field: number, ...parts: readonly Part[]) =>
  wire(varint(field * 8 + 3), ...parts, varint(field * 8 + 4));

/** A message as its fields: bytes for both halves, or messages that are divided. */
type Fields = readonly (Uint8Array | { readonly field: number; readonly inside: Fields })[];

/** Records inside. What is divided and has nothing inside is a record. */
const weight = (fields: Fields): number =>
  fields.reduce((sum, part) => sum + ('inside' in part ? Math.max(1, weight(part.inside)) : 0), 0);

/** The message with its records `from` up to `to`, each looked at by itself. */
function keep(fields: Fields, from: number, to: number, state = { at: 0 }): Uint8Array {
  return wire(
    ...fields.map((part) => {
      if (!('inside' in part)) return part;
      const first = state.at;
      const isRecord = part.inside.length === 0;
      const body = isRecord
        ? Buffer.from(`record ${state.at++}`)
        : keep(part.inside, from, to, state);
      return first < to && state.at > from ? bytes(part.field, body) : [];
    }),
  );
}

function shuffled<T>(items: readonly T[], random: SeededRandom): T[] {
  const left = [...items];
  return items.map(() => left.splice(random.below(left.length), 1)[0]!);
}

const UNKNOWN: readonly Uint8Array[] = [
  number(9, 300),
  text(2047, 'unknown'),
  fixed32(77),
  fixed64(1000),
  group(5, number(1, 1), group(6, text(2, 'inner')), bytes(1, bytes(2, bytes(2)))),
  number(1, 7),
];

/** By level: the fields that are divided, and others that a message has there. */
const LEVELS = [
  { divided: [1], others: [] },
  { divided: [2], others: [text(1, 'own'), text(3, 'https://example.com')] },
  { divided: [2], others: [text(1, 'own'), text(3, 'https://example.com')] },
  { divided: [5, 7, 9, 10, 11], others: [text(1, 'name'), text(3, 'unit'), text(12, 'metadata')] },
  { divided: [1], others: [number(2, 2), number(3, 1)] },
] as const;

function randomFields(random: SeededRandom, levels: number, level = 0): Fields {
  const unknown = UNKNOWN.filter(() => random.next() < 0.2);
  const { divided, others } = LEVELS[level]!;
  const isLast = level === levels - 1;
  const children = Array.from({ length: 1 + random.below(isLast ? 6 : 3) }, () => ({
    field: divided[random.below(divided.length)]!,
    inside: isLast ? [] : randomFields(random, levels, level + 1),
  }));
  return shuffled([...others, ...unknown, ...children], random);
}

describe.each(SIGNALS)('a request of %s', (signal) => {
  it('becomes two with half of the records each, in order, with the resources and scopes they had', () => {
    const random = randomFrom(7);
    let divided = 0;
    for (let i = 0; i < 150; i++) {
      const request = randomRequest(signal, random);
      const records = decoded(signal, request);
      expect(countRecords(signal, request)).toBe(records.length);
      const halves = splitRequest(signal, request);
      if (records.length < 2) {
        expect(halves).toBeUndefined();
        continue;
      }
      divided++;
      const [first, second] = halves!;
      const half = records.length >> 1;
      expectSame(decoded(signal, first), records.slice(0, half));
      expectSame(decoded(signal, second), records.slice(half));
      expect(first.length).toBeLessThanOrEqual(request.length);
      expect(second.length).toBeLessThanOrEqual(request.length);
      if (signal === 'metrics') {
        expect(emptyMetrics(first) + emptyMetrics(second)).toBe(emptyMetrics(request));
      }
    }
    expect(divided).toBeGreaterThan(75);
  });

  it('becomes requests of one record, divided again and again', () => {
    const random = randomFrom(8);
    for (let i = 0; i < 30; i++) {
      const request = randomRequest(signal, random);
      const records = decoded(signal, request);
      const singles = toSingles(signal, request, splitRequest).map((single) =>
        decoded(signal, single),
      );
      for (const single of singles) expect(single.length).toBe(Math.min(1, records.length));
      expectSame(singles.flat(), records);
    }
  });

  it('in JSON is divided where it is in protobuf', () => {
    const random = randomFrom(9);
    for (let i = 0; i < 100; i++) {
      const request = randomRequest(signal, random);
      const json = toJson(signal, request);
      expect(countJsonRecords(signal, json)).toBe(countRecords(signal, request));
      const halves = splitRequest(signal, request)?.map((half) =>
        Buffer.from(toJson(signal, half)),
      );
      const jsonHalves = splitJsonRequest(signal, json)?.map((half) => Buffer.from(half));
      expectSame(jsonHalves?.map(String), halves?.map(String));
    }
  });

  it('in JSON becomes requests of one record, however it is spaced', () => {
    const random = randomFrom(10);
    for (let i = 0; i < 30; i++) {
      const json = toJson(signal, randomRequest(signal, random));
      const records = parsed(signal, json);
      const spaced = ` ${JSON.stringify(JSON.parse(Buffer.from(json).toString('utf8')), null, '\t\r\n ')}\n`;
      const singles = toSingles(signal, Buffer.from(spaced), splitJsonRequest).map((single) =>
        parsed(signal, single),
      );
      for (const single of singles) expect(single.length).toBe(Math.min(1, records.length));
      expectSame(singles.flat(), records);
    }
  });
});

describe('a request that was recorded', () => {
  const random = randomFrom(11);
  const rig = traceRig('simd', { seed: 11, ringBytes: 1 << 22 });
  const tracers = [rig.tracer('a', '1.0'), rig.tracer('ü "quoted"\n'), rig.tracer('c')];
  const style = randomStyle(random);
  for (let i = 0; i < 300; i++) record(tracers[random.below(3)]!, randomPlan(random, style));
  const request = rig.encode();
  const spans = spansOf(decodeOfficially(request));

  it('has the same spans when it has been divided', () => {
    expect(spans.length).toBeGreaterThan(200);
    expect(countRecords('traces', request)).toBe(spans.length);
    const [first, second] = splitRequest('traces', request)!;
    expectSame(
      [first, second].flatMap((half) => spansOf(decodeOfficially(half))),
      spans,
    );
    expect(spansOf(decodeOfficially(first))).toHaveLength(spans.length >> 1);
  });

  it('has the same spans when it has been divided down to one span', () => {
    const singles = toSingles('traces', request, splitRequest);
    expect(singles).toHaveLength(spans.length);
    expectSame(
      singles.flatMap((single) => spansOf(decodeOfficially(single))),
      spans,
    );
  });

  it('says the same in JSON', () => {
    const singles = toSingles('traces', tracesToJson(request), splitJsonRequest);
    expect(singles).toHaveLength(spans.length);
    expectSame(
      singles.map((single) => Buffer.from(single).toString('utf8')),
      toSingles('traces', request, splitRequest).map((single) =>
        Buffer.from(tracesToJson(single)).toString('utf8'),
      ),
    );
  });
});

describe('the halves of a request in protobuf', () => {
  it.each([
    ['traces', 3],
    ['metrics', 5],
  ] as const)(
    'have unknown fields and fields in any order as they were, byte for byte (%s)',
    (signal, levels) => {
      const random = randomFrom(12);
      for (let i = 0; i < 300; i++) {
        const fields = randomFields(random, levels);
        const records = weight(fields);
        const request = keep(fields, 0, records);
        expect(countRecords(signal, request)).toBe(records);
        const halves = splitRequest(signal, request);
        if (records < 2) expect(halves).toBeUndefined();
        else {
          const half = records >> 1;
          expect(Buffer.compare(halves![0], keep(fields, 0, half))).toBe(0);
          expect(Buffer.compare(halves![1], keep(fields, half, records))).toBe(0);
        }
      }
    },
  );

  it('have bytes of their own', () => {
    const request = bytes(1, bytes(2, bytes(2), bytes(2)));
    const own = Uint8Array.from(request);
    const halves = splitRequest('traces', own)!;
    for (const half of halves) expect(half.buffer).not.toBe(own.buffer);
    expect(halves[0].buffer).not.toBe(halves[1].buffer);
    own.fill(0);
    for (const half of halves) expect([...half]).toEqual([...bytes(1, bytes(2, bytes(2)))]);
  });

  it('keep a resource sent in two parts, and one around all scopes, in both', () => {
    const part = (name: string) => bytes(1, bytes(1, text(1, name), bytes(2, text(1, 'v'))));
    const scope = (name: string) => bytes(2, bytes(2, text(5, name)));
    const request = bytes(1, part('a'), scope('one'), part('b'), scope('two'), text(3, 'url'));
    const [first, second] = splitRequest('traces', request)!;
    expect([...first]).toEqual([...bytes(1, part('a'), scope('one'), part('b'), text(3, 'url'))]);
    expect([...second]).toEqual([...bytes(1, part('a'), part('b'), scope('two'), text(3, 'url'))]);
  });

  it('are found where lengths and tags take more bytes than they need', () => {
    const long = (field: number, body: Uint8Array) =>
      wire([field * 8 + 2 + 128, 128, 0], [body.length + 128, 128, 128, 0], body);
    const request = long(1, long(2, wire(long(2, text(5, 'a')), long(2, text(5, 'b')))));
    const halves = splitRequest('traces', request)!;
    expect(halves.map((half) => decoded('traces', half).map(({ inside }) => inside))).toEqual([
      [expect.objectContaining({ name: 'a' })],
      [expect.objectContaining({ name: 'b' })],
    ]);
  });

  it('put empty scopes and resources where their place is', () => {
    const span = (name: string) => bytes(2, text(5, name));
    const empty = bytes(2, text(3, 'empty'));
    const lone = bytes(1, text(3, 'lone'));
    const request = wire(
      lone,
      bytes(1, empty, bytes(2, span('a')), empty, bytes(2, span('b'), span('c'), span('d')), empty),
      lone,
    );
    const [first, second] = splitRequest('traces', request)!;
    expect([...first]).toEqual([
      ...wire(lone, bytes(1, empty, bytes(2, span('a')), empty, bytes(2, span('b')))),
    ]);
    expect([...second]).toEqual([...wire(bytes(1, bytes(2, span('c'), span('d')), empty), lone)]);
  });

  it('have the metric, too, when its data points are divided', () => {
    const point = (n: number) => bytes(1, bytes(7, text(1, `point ${n}`)));
    const around = [text(1, 'm'), text(2, 'about it'), bytes(12, text(1, 'key'))] as const;
    const sum = (...points: readonly Part[]) =>
      bytes(2, ...around, bytes(7, ...points, number(2, 2), number(3, 1)));
    const other = bytes(2, text(1, 'other'), bytes(5, point(9)));
    const empty = bytes(2, text(1, 'empty'), bytes(5));
    const request = bytes(
      1,
      bytes(2, empty, sum(point(1), point(2), point(3), point(4), point(5)), empty, other),
    );
    expect(countRecords('metrics', request)).toBe(6);
    const [first, second] = splitRequest('metrics', request)!;
    expect([...first]).toEqual([...bytes(1, bytes(2, empty, sum(point(1), point(2), point(3))))]);
    expect([...second]).toEqual([...bytes(1, bytes(2, sum(point(4), point(5)), empty, other))]);
    // A request of one metric is divided down to single points.
    const one = bytes(1, bytes(2, sum(point(1), point(2), point(3))));
    expect(toSingles('metrics', one, splitRequest).map((single) => [...single])).toEqual(
      [1, 2, 3].map((n) => [...bytes(1, bytes(2, sum(point(n))))]),
    );
  });

  it('can be had of messages with very many fields', () => {
    const between = wire(bytes(2, bytes(2)), number(9, 1));
    const request = bytes(1, Buffer.concat(Array.from({ length: 200_000 }, () => between)));
    const [first, second] = splitRequest('traces', request)!;
    expect(countRecords('traces', first)).toBe(100_000);
    expect(countRecords('traces', second)).toBe(100_000);
    expect(first).toHaveLength(second.length);
  });
});

describe('what cannot be divided', () => {
  const two = bytes(
    1,
    bytes(1, bytes(1, text(1, 'r'))),
    bytes(2, bytes(2, text(5, 'a')), bytes(2, text(5, 'b'))),
  );

  it('is a request of one record, or of none', () => {
    expect(splitRequest('traces', new Uint8Array())).toBeUndefined();
    expect(splitRequest('traces', bytes(1, bytes(2, bytes(2))))).toBeUndefined();
    expect(countRecords('traces', new Uint8Array())).toBe(0);
    expect(splitJsonRequest('traces', Buffer.from('{}'))).toBeUndefined();
    expect(
      splitJsonRequest(
        'traces',
        Buffer.from('{"resourceSpans":[{"scopeSpans":[{"spans":[{}]}]}]}'),
      ),
    ).toBeUndefined();
  });

  it('is a request of profiles, whose dictionary all records refer to', () => {
    expect(splitRequest('traces', wire(two, bytes(2, text(1, 'dictionary'))))).toBeUndefined();
    expect(countRecords('traces', wire(bytes(2), two))).toBeUndefined();
    const profiles = { resourceProfiles: [{ scopeProfiles: [{ profiles: [{}, {}] }] }] };
    expect(splitJsonRequest('traces', Buffer.from(JSON.stringify(profiles)))).toBeUndefined();
  });

  it('is a request cut off anywhere but between resources', () => {
    const request = wire(two, two, two);
    for (let end = 0; end < request.length; end++) {
      const whole = end % two.length === 0;
      const cutOff = request.subarray(0, end);
      expect(countRecords('traces', cutOff), `${end} bytes`).toBe(
        whole ? (2 * end) / two.length : undefined,
      );
      expect(splitRequest('traces', cutOff) === undefined, `${end} bytes`).toBe(
        !whole || end === 0,
      );
    }
  });

  it('is a request whose inner messages run over', () => {
    const scope = wire(bytes(2, text(5, 'a')), bytes(2, text(5, 'b')));
    const over = (body: Uint8Array) => wire([(2 << 3) | 2], varint(body.length + 1), body);
    expect(splitRequest('traces', bytes(1, bytes(2, scope)))).toBeDefined();
    expect(splitRequest('traces', bytes(1, over(scope)))).toBeUndefined();
    expect(splitRequest('traces', bytes(1, bytes(2, scope, over(text(5, 'c')))))).toBeUndefined();
    expect(splitRequest('traces', bytes(1, bytes(2, scope), [(9 << 3) | 3]))).toBeUndefined();
    expect(splitRequest('traces', bytes(1, bytes(2, scope), [(9 << 3) | 4]))).toBeUndefined();
    expect(splitRequest('traces', bytes(1, bytes(2, scope), [(9 << 3) | 6]))).toBeUndefined();
  });

  it('is JSON cut off anywhere, or with anything behind it', () => {
    const json = Buffer.from(tracesToJson(wire(two, two)));
    expect(splitJsonRequest('traces', json)).toBeDefined();
    for (let end = 0; end < json.length; end++) {
      expect(countJsonRecords('traces', json.subarray(0, end)), `${end} bytes`).toBeUndefined();
      expect(splitJsonRequest('traces', json.subarray(0, end)), `${end} bytes`).toBeUndefined();
    }
    expect(splitJsonRequest('traces', Buffer.concat([json, Buffer.from(',')]))).toBeUndefined();
  });

  it.each([
    '',
    ' ',
    'null',
    '[]',
    '"resourceSpans"',
    '{"resourceSpans":null}',
    '{"resourceSpans":{}}',
    '{"resourceSpans":[null,1,"a"]}',
    '{"resourceSpans":[{"scopeSpans":[{"spans":[{},{}]}]}}',
    '{"resourceSpans":[{"scopeSpans":[{"spans":[{},{}}]}]}',
    '{"resourceSpans":[{"scopeSpans":[{"spans":[{},]}]}]}',
    '{"resourceSpans":[{"scopeSpans":[{"spans":[{} {}]}]}]}',
    '{"resourceSpans":[{"scopeSpans":[{"spans" [{},{}]}]}]}',
    '{"resourceSpans":[{"scopeSpans":[{"spans":[{},{}]}]}],}',
    '{resourceSpans:[{"scopeSpans":[{"spans":[{},{}]}]}]}',
    '{"attributes":{"resourceSpans":[{"scopeSpans":[{"spans":[{},{}]}]}]}}',
    '{"resourceSpans":[{"spans":[{},{}]}]}',
  ])('is %j', (json) => {
    expect(splitJsonRequest('traces', Buffer.from(json))).toBeUndefined();
  });

  it('leads to halves that add up or to none, whatever bytes are damaged', () => {
    const random = randomFrom(13);
    const requests = SIGNALS.map((signal) => randomRequest(signal, random));
    const jsons = SIGNALS.map((signal, i) => toJson(signal, requests[i]!));
    let divided = 0;
    for (const [count, split, intact] of [
      [countRecords, splitRequest, requests],
      [countJsonRecords, splitJsonRequest, jsons],
    ] as const) {
      for (let i = 0; i < 3000; i++) {
        const signal = SIGNALS[i % SIGNALS.length]!;
        const request = Uint8Array.from(intact[i % intact.length]!);
        for (let n = 1 + random.below(3); n > 0 && request.length > 0; n--) {
          request[random.below(request.length)] = random.below(256);
        }
        const halves = split(signal, request);
        const records = count(signal, request) ?? 0;
        expect(halves !== undefined).toBe(records >= 2);
        if (halves === undefined) continue;
        divided++;
        expect(count(signal, halves[0])).toBe(records >> 1);
        expect(count(signal, halves[1])).toBe(records - (records >> 1));
      }
    }
    expect(divided).toBeGreaterThan(500);
  });
});

it('a request of another signal than it is said to be is counted as what it looks like', () => {
  const metrics = bytes(1, bytes(2, bytes(2, text(1, 'm'), bytes(5, bytes(1), bytes(1)))));
  expect(countRecords('metrics', metrics)).toBe(2);
  expect(countRecords('traces', metrics)).toBe(1);
  const json = toJson('metrics', metrics);
  expect(countJsonRecords('metrics', json)).toBe(2);
  expect(countJsonRecords('logs', json)).toBe(0);
});

describe('the halves of a request in JSON', () => {
  const request = (...spans: readonly string[]) =>
    `{"resourceSpans":[{"scopeSpans":[{"spans":[${spans.join(',')}],"schemaUrl":"u"}],"x":-0}]}`;

  it('have numbers and strings as they were spelled', () => {
    const spans = [
      '{"v":-0,"w":1e400}',
      '{"v":18446744073709551615,"v":"18446744073709551615"}',
      '{"v":1.0,"w":1E+2, "x" : [ 0.1000 , "]" ]}',
      '{"v":"\\u00fc\\"}{\\\\","w":"ü\\ud800"}',
    ];
    const halves = splitJsonRequest('traces', Buffer.from(request(...spans)))!;
    expect(halves.map((half) => Buffer.from(half).toString('utf8'))).toEqual([
      request(spans[0]!, spans[1]!),
      request(spans[2]!, spans[3]!),
    ]);
  });

  it('have members that are not divided, wherever these stand', () => {
    const json = `{"a":[1],"resourceLogs":[{"b":{"c":"]"},"scopeLogs":[],"d":2},{"scopeLogs":[{"logRecords":[1]}]},
      {"e":3,"scopeLogs":[{"f":4,"logRecords":[2,3],"g":5},{"h":6}],"i":7}],"j":null}`;
    const [first, second] = splitJsonRequest('logs', Buffer.from(json))!.map((half) =>
      JSON.parse(Buffer.from(half).toString('utf8')),
    );
    expect(first).toEqual({
      a: [1],
      resourceLogs: [{ b: { c: ']' }, scopeLogs: [], d: 2 }, { scopeLogs: [{ logRecords: [1] }] }],
      j: null,
    });
    expect(second).toEqual({
      a: [1],
      resourceLogs: [{ e: 3, scopeLogs: [{ f: 4, logRecords: [2, 3], g: 5 }, { h: 6 }], i: 7 }],
      j: null,
    });
  });

  it('have the metric, too, when its data points are divided, however it is spelled', () => {
    const metrics = (...all: readonly string[]) =>
      `{ "resourceMetrics" : [ {"scopeMetrics":[{"metrics":[${all.join(' , ')}]}]} ] }`;
    const sum = (points: string) =>
      `{"unit":"\\u0042y", "sum" : { "isMonotonic":true,"dataPoints":[${points}],"aggregationTemporality":2 } ,"name":"m"}`;
    const gauge = '{"name":"g","gauge":{"dataPoints":[{"asDouble":"NaN"}]},"summary":null}';
    const empty = '{"name":"e","histogram":{}}';
    const json = metrics(empty, sum('{"asInt":1}, {"asInt":"2"} ,{"asInt":-0}'), empty, gauge);
    const halves = splitJsonRequest('metrics', Buffer.from(json))!;
    expect(halves.map((half) => Buffer.from(half).toString('utf8'))).toEqual([
      metrics(empty, sum('{"asInt":1}, {"asInt":"2"}')),
      metrics(sum('{"asInt":-0}'), empty, gauge),
    ]);
    const one = metrics('{"gauge":{"dataPoints":[{},{}]},"sum":{"dataPoints":[{},{}]}}');
    expect(splitJsonRequest('metrics', Buffer.from(one))).toBeUndefined();
  });

  it('have bytes of their own', () => {
    const own = new TextEncoder().encode(request('{}', '{}'));
    const halves = splitJsonRequest('traces', own)!;
    for (const half of halves) expect(half.buffer).not.toBe(own.buffer);
    expect(halves[0].buffer).not.toBe(halves[1].buffer);
  });
});
