/**
 * Request bodies, protobuf or JSON, into the plain objects of `received.ts`. Both formats go
 * through one walk over the schema; only how a scalar is written differs between them.
 */

import protobuf from 'protobufjs/light.js';
import type { ScalarType } from '../../codec/schema.ts';
import { countPoints } from './points.ts';
import type {
  ReceivedAttributes,
  ReceivedLogRecord,
  ReceivedMetric,
  ReceivedOrigin,
  ReceivedSignal,
  ReceivedSpan,
  ReceivedValue,
} from './received.ts';
import { type Field, fieldsOf, type MessageName, wireOf } from './schema.ts';

export type Format = 'protobuf' | 'json';

/** The body is not what its Content-Type says. The message says where and what was seen. */
export class Undecodable extends Error {}

/** A request's records, in the order they were sent. */
export interface Decoded {
  readonly spans: ReceivedSpan[];
  readonly logRecords: ReceivedLogRecord[];
  readonly metrics: ReceivedMetric[];
  readonly dataPoints: number;
}

/** The names of the three levels of a request, and of its answer. */
interface Envelope {
  /** The path of the gRPC method. */
  readonly grpc: string;
  readonly request: MessageName;
  readonly resources: string;
  readonly scopes: string;
  readonly records: string;
  readonly response: MessageName;
  /** The counter in the answer's partial success. */
  readonly rejected: string;
}

export const ENVELOPES: Readonly<Record<ReceivedSignal, Envelope>> = {
  traces: {
    grpc: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
    request: 'ExportTraceServiceRequest',
    resources: 'resourceSpans',
    scopes: 'scopeSpans',
    records: 'spans',
    response: 'ExportTraceServiceResponse',
    rejected: 'rejectedSpans',
  },
  logs: {
    grpc: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
    request: 'ExportLogsServiceRequest',
    resources: 'resourceLogs',
    scopes: 'scopeLogs',
    records: 'logRecords',
    response: 'ExportLogsServiceResponse',
    rejected: 'rejectedLogRecords',
  },
  metrics: {
    grpc: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
    request: 'ExportMetricsServiceRequest',
    resources: 'resourceMetrics',
    scopes: 'scopeMetrics',
    records: 'metrics',
    response: 'ExportMetricsServiceResponse',
    rejected: 'rejectedDataPoints',
  },
};

/** Throws {@link Undecodable}. An empty protobuf body is an empty request. */
export function decodeRequest(signal: ReceivedSignal, format: Format, body: Uint8Array): Decoded {
  const names = ENVELOPES[signal];
  const request =
    format === 'json'
      ? readMessage(names.request, parseJson(body), { scalar: jsonScalar, at: [] })
      : readMessage(names.request, parseWire(names.request, body), { scalar: wireScalar, at: [] });

  const records: object[] = [];
  for (const envelope of plainList(request[names.resources])) {
    const resource = { ...(envelope['resource'] as object), schemaUrl: envelope['schemaUrl'] };
    for (const inner of plainList(envelope[names.scopes])) {
      const scope = { ...(inner['scope'] as object), schemaUrl: inner['schemaUrl'] };
      const origin = { resource, scope } as ReceivedOrigin;
      for (const record of plainList(inner[names.records]))
        records.push(Object.assign(record, origin));
    }
  }
  const none = { spans: [], logRecords: [], metrics: [], dataPoints: 0 };
  if (signal === 'traces') return { ...none, spans: records as ReceivedSpan[] };
  if (signal === 'logs') return { ...none, logRecords: records as ReceivedLogRecord[] };
  const metrics = records as ReceivedMetric[];
  return { ...none, metrics, dataPoints: countPoints(metrics) };
}

function plainList(value: unknown): readonly Plain[] {
  return value as Plain[];
}

/**
 * How many records a protobuf request has, without decoding them: one skip per record. Of metrics
 * these are the data points. Throws {@link Undecodable} when the envelopes are torn.
 */
export function countRecords(signal: ReceivedSignal, body: Uint8Array): number {
  const path = signal === 'metrics' ? [...RECORD_PATH, ...POINT_PATH] : RECORD_PATH;
  try {
    return countAtDepth(protobuf.Reader.create(body), body.length, path);
  } catch (cause) {
    throw new Undecodable(`not protobuf: ${(cause as Error).message}`);
  }
}

type Path = readonly (readonly number[])[];

/** Field numbers on the way to a record, the same for every signal: envelopes, scopes, records … */
const RECORD_PATH: Path = [[1], [2], [2]];
/** … and from a metric: data of its kind, data points. */
const POINT_PATH: Path = [[5, 7, 9, 10, 11], [1]];

function countAtDepth(reader: protobuf.Reader, end: number, path: Path): number {
  const [numbers, ...below] = path;
  let count = 0;
  while (reader.pos < end) {
    const tag = reader.uint32();
    if ((tag & 7) !== 2 || !numbers!.includes(tag >>> 3)) reader.skipType(tag & 7);
    else if (below.length === 0) {
      reader.skip(reader.uint32());
      count++;
    } else {
      const length = reader.uint32();
      if (reader.pos + length > end) throw new Error('a message is longer than its envelope');
      count += countAtDepth(reader, reader.pos + length, below);
    }
  }
  if (reader.pos !== end) throw new Error('a field is longer than its message');
  return count;
}

// ---- The walk, common to both formats.

type Plain = Record<string, unknown>;

interface Walk {
  readonly scalar: (type: ScalarType, value: unknown) => unknown;
  /** Where the walk is, for messages. */
  readonly at: (string | number)[];
}

/** Levels of fields and list items: an attribute of a hundred maps within each other has 410. */
const MAX_DEPTH = 500;
/** Messages within each other, by default 100 in protobufjs; a map takes three. */
const MAX_MESSAGES = 400;

const NO_FIELDS: Plain = Object.freeze({});

function readMessage(message: MessageName, source: unknown, walk: Walk): Plain {
  const values = objectOf(source ?? NO_FIELDS, walk);
  const plain: Plain = {};
  for (const field of fieldsOf(message)) {
    const { name } = field;
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value !== undefined && value !== null) {
      walk.at.push(name);
      plain[name] = readField(field, value, walk);
      walk.at.pop();
    } else if (!field.optional) {
      plain[name] = absent(field, walk);
    }
  }
  return plain;
}

function readField(field: Field, value: unknown, walk: Walk): unknown {
  if (field.attributes) return readAttributes(value, walk);
  if (!field.repeated) return readValue(field, value, walk);
  return listOf(value, walk).map((item, i) => {
    walk.at.push(i);
    const read = readValue(field, item, walk);
    walk.at.pop();
    return read;
  });
}

/** What a field that was not sent reads as. */
function absent(field: Field, walk: Walk): unknown {
  if (field.attributes) return {};
  if (field.repeated) return [];
  if (field.message === 'AnyValue') return null;
  if (field.message !== undefined) return readMessage(field.message, undefined, walk);
  return ZERO[field.scalar!];
}

function readValue({ message, scalar }: Field, value: unknown, walk: Walk): unknown {
  if (message === 'AnyValue') return readAnyValue(value, walk);
  if (message !== undefined) return readMessage(message, value, walk);
  try {
    return walk.scalar(scalar!, value);
  } catch (error) {
    if (error instanceof Expected) fail(walk, error.message, value);
    throw error;
  }
}

/** By far the most frequent messages are read by hand: values, and (below) the pairs they are in. */
function readAnyValue(source: unknown, walk: Walk): ReceivedValue {
  if (source === undefined || source === null) return null;
  const values = objectOf(source, walk);
  for (const kind of Object.keys(values)) {
    const field = fieldsOf('AnyValue').find(({ name }) => name === kind);
    const value = values[kind];
    if (field === undefined || value === undefined || value === null) continue;
    walk.at.push(kind);
    const read = readValue(field, value, walk);
    walk.at.pop();
    if (kind === 'intValue') return exactInteger(read as bigint);
    if (kind === 'arrayValue' || kind === 'kvlistValue') {
      return (read as { values: ReceivedValue }).values;
    }
    // An index into a table that only profiles have.
    if (kind !== 'stringValueStrindex') return read as ReceivedValue;
  }
  return null;
}

function exactInteger(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function readAttributes(source: unknown, walk: Walk): ReceivedAttributes {
  const attributes: ReceivedAttributes = {};
  const [keyField] = fieldsOf('KeyValue');
  listOf(source, walk).forEach((item, i) => {
    walk.at.push(i);
    const pair = objectOf(item ?? NO_FIELDS, walk);
    walk.at.push('key');
    const key = readValue(keyField!, pair['key'] ?? '', walk) as string;
    walk.at[walk.at.length - 1] = 'value';
    const value = readAnyValue(pair['value'], walk);
    walk.at.pop();
    walk.at.pop();
    if (key === '__proto__') {
      // An assignment would change the object's prototype instead.
      const own = { value, enumerable: true, configurable: true, writable: true };
      Object.defineProperty(attributes, key, own);
    } else {
      attributes[key] = value;
    }
  });
  return attributes;
}

function objectOf(value: unknown, walk: Walk): Plain {
  if (typeof value !== 'object' || Array.isArray(value)) fail(walk, 'an object', value);
  if (walk.at.length > MAX_DEPTH) throw new Undecodable('values are nested too deeply');
  return value as Plain;
}

function listOf(value: unknown, walk: Walk): readonly unknown[] {
  if (!Array.isArray(value)) fail(walk, 'a list', value);
  return value as unknown[];
}

/** What a scalar must be; where it stands is added by the walk. */
class Expected extends Error {}

function fail(walk: Walk, expected: string, value: unknown): never {
  const path = walk.at
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`))
    .join('');
  throw new Undecodable(
    `${path.slice(1) || 'the request'}: expected ${expected}, got ${show(value)}`,
  );
}

function show(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

const ZERO: Readonly<Record<ScalarType, unknown>> = {
  string: '',
  bool: false,
  get bytes() {
    return new Uint8Array(0);
  },
  double: 0,
  int32: 0,
  sint32: 0,
  uint32: 0,
  fixed32: 0,
  enum: 0,
  int64: 0n,
  uint64: 0n,
  fixed64: 0n,
  sfixed64: 0n,
  id8: '',
  id16: '',
};

const ID_BYTES: Partial<Record<ScalarType, number>> = { id8: 8, id16: 16 };

// ---- Protobuf.

function parseWire(message: MessageName, body: Uint8Array): unknown {
  const reader = protobuf.Reader.create(body);
  reader.discardUnknown = true;
  const { recursionLimit } = protobuf.Reader;
  try {
    // For this call only: others may use the same library.
    protobuf.Reader.recursionLimit = MAX_MESSAGES;
    return wireOf(message).decode(reader);
  } catch (cause) {
    throw new Undecodable(`not protobuf: ${(cause as Error).message}`);
  } finally {
    protobuf.Reader.recursionLimit = recursionLimit;
  }
}

function wireScalar(type: ScalarType, value: unknown): unknown {
  switch (type) {
    case 'int64':
    case 'sfixed64':
      return BigInt.asIntN(64, bitsOf(value as Long));
    case 'uint64':
    case 'fixed64':
      return BigInt.asUintN(64, bitsOf(value as Long));
    case 'bytes':
      return Uint8Array.from(value as Uint8Array);
    case 'id8':
    case 'id16': {
      const { buffer, byteOffset, length } = value as Uint8Array;
      if (length !== 0 && length !== ID_BYTES[type]) throw new Expected(`${ID_BYTES[type]} bytes`);
      return Buffer.from(buffer, byteOffset, length).toString('hex');
    }
    default:
      return value;
  }
}

/** A 64-bit integer as protobufjs gives it. */
interface Long {
  readonly low: number;
  readonly high: number;
}

function bitsOf({ low, high }: Long): bigint {
  return (BigInt(high) << 32n) | BigInt(low >>> 0);
}

// ---- JSON (OTLP's mapping: ids hexadecimal, enums integers, 64-bit integers strings or numbers).

function parseJson(body: Uint8Array): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw new Undecodable('not JSON: the body is not valid UTF-8');
  }
  try {
    return JSON.parse(quoteLongIntegers(text));
  } catch (cause) {
    throw new Undecodable(`not JSON: ${(cause as Error).message}`);
  }
}

/**
 * Puts integers of 16 and more digits into quotes, so that 64-bit integers sent as numbers are
 * read exactly: `JSON.parse` would round them. Every number may be a string in protobuf's JSON.
 */
function quoteLongIntegers(text: string): string {
  if (!/\d{16}/.test(text)) return text;
  const stop = /"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
  let quoted = '';
  let copied = 0;
  for (let match = stop.exec(text); match !== null; match = stop.exec(text)) {
    if (match[0] === '"') {
      stop.lastIndex = endOfString(text, stop.lastIndex);
    } else if (/^-?\d{16,}$/.test(match[0])) {
      quoted += `${text.slice(copied, match.index)}"${match[0]}"`;
      copied = stop.lastIndex;
    }
  }
  return quoted + text.slice(copied);
}

/** The index after the closing quote of a JSON string whose content starts at `from`. */
function endOfString(text: string, from: number): number {
  for (let quote = text.indexOf('"', from); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let escapes = 0;
    while (text[quote - 1 - escapes] === '\\' && quote - 1 - escapes >= from) escapes++;
    if (escapes % 2 === 0) return quote + 1;
  }
  return text.length;
}

const INTEGERS: Partial<Record<ScalarType, readonly [bigint, bigint]>> = {
  enum: [-(2n ** 31n), 2n ** 31n - 1n],
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  sint32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  fixed32: [0n, 2n ** 32n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  sfixed64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
  fixed64: [0n, 2n ** 64n - 1n],
};

const DOUBLE_NAMES: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
};

function jsonScalar(type: ScalarType, value: unknown): unknown {
  const range = INTEGERS[type];
  if (range !== undefined) {
    const integer = jsonInteger(type, value);
    if (integer < range[0] || integer > range[1]) throw new Expected(`a value of type ${type}`);
    return type.endsWith('64') ? integer : Number(integer);
  }
  switch (type) {
    case 'string':
      if (typeof value === 'string') return value;
      throw new Expected('a string');
    case 'bool':
      if (typeof value === 'boolean') return value;
      throw new Expected('true or false');
    case 'double':
      return jsonDouble(value);
    case 'bytes':
      if (typeof value === 'string' && /^[A-Za-z0-9+/_-]*={0,2}$/.test(value)) {
        return new Uint8Array(Buffer.from(value, 'base64'));
      }
      throw new Expected('base64');
    default:
      return jsonId(ID_BYTES[type]!, value);
  }
}

function jsonInteger(type: ScalarType, value: unknown): bigint {
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value);
  if (typeof value === 'string' && /^-?\d{1,20}$/.test(value)) return BigInt(value);
  throw new Expected(
    type === 'enum' ? 'an integer (names of enum values are not OTLP)' : `${type}`,
  );
}

function jsonDouble(value: unknown): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'string') {
    if (Object.hasOwn(DOUBLE_NAMES, value)) return DOUBLE_NAMES[value]!;
    if (/^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(value)) return Number(value);
  }
  throw new Expected('a number, "NaN", "Infinity" or "-Infinity"');
}

function jsonId(bytes: number, value: unknown): string {
  if (value === '') return '';
  if (typeof value === 'string' && value.length === 2 * bytes && /^[0-9a-fA-F]+$/.test(value)) {
    return value.toLowerCase();
  }
  throw new Expected(`${2 * bytes} hexadecimal digits`);
}
