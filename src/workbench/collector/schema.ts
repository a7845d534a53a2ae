/**
 * OTLP v1.11 as a table: what the collector can read, independent of the encoder it receives from.
 * Names are the JSON (lowerCamelCase) names; protobufjs makes the wire decoders from it.
 *
 * A field is `<number> <type>` and
 *
 *   []   repeated
 *   ?    has presence: absent is told apart from zero
 *   |    member of the message's one `oneof`
 *
 * Types are protobuf's scalars, the messages of this table, and
 *
 *   enum        int32
 *   id8, id16   bytes of that length, hexadecimal in JSON and in what the collector returns
 *   attributes  repeated KeyValue, a plain object in what the collector returns
 */

import protobuf from 'protobufjs/light.js';

const OTLP = {
  // common/v1
  AnyValue: {
    stringValue: '1 string|',
    boolValue: '2 bool|',
    intValue: '3 int64|',
    doubleValue: '4 double|',
    arrayValue: '5 ArrayValue|',
    kvlistValue: '6 KeyValueList|',
    bytesValue: '7 bytes|',
    stringValueStrindex: '8 int32|',
  },
  ArrayValue: { values: '1 AnyValue[]' },
  KeyValueList: { values: '1 attributes' },
  KeyValue: { key: '1 string', value: '2 AnyValue?', keyStrindex: '3 int32' },
  InstrumentationScope: {
    name: '1 string',
    version: '2 string',
    attributes: '3 attributes',
    droppedAttributesCount: '4 uint32',
  },
  EntityRef: {
    schemaUrl: '1 string',
    type: '2 string',
    idKeys: '3 string[]',
    descriptionKeys: '4 string[]',
  },

  // resource/v1
  Resource: {
    attributes: '1 attributes',
    droppedAttributesCount: '2 uint32',
    entityRefs: '3 EntityRef[]',
  },

  // trace/v1
  ResourceSpans: { resource: '1 Resource', scopeSpans: '2 ScopeSpans[]', schemaUrl: '3 string' },
  ScopeSpans: { scope: '1 InstrumentationScope', spans: '2 Span[]', schemaUrl: '3 string' },
  Span: {
    traceId: '1 id16',
    spanId: '2 id8',
    traceState: '3 string',
    parentSpanId: '4 id8',
    name: '5 string',
    kind: '6 enum',
    startTimeUnixNano: '7 fixed64',
    endTimeUnixNano: '8 fixed64',
    attributes: '9 attributes',
    droppedAttributesCount: '10 uint32',
    events: '11 SpanEvent[]',
    droppedEventsCount: '12 uint32',
    links: '13 SpanLink[]',
    droppedLinksCount: '14 uint32',
    status: '15 SpanStatus',
    flags: '16 fixed32',
  },
  SpanEvent: {
    timeUnixNano: '1 fixed64',
    name: '2 string',
    attributes: '3 attributes',
    droppedAttributesCount: '4 uint32',
  },
  SpanLink: {
    traceId: '1 id16',
    spanId: '2 id8',
    traceState: '3 string',
    attributes: '4 attributes',
    droppedAttributesCount: '5 uint32',
    flags: '6 fixed32',
  },
  SpanStatus: { message: '2 string', code: '3 enum' },

  // logs/v1
  ResourceLogs: { resource: '1 Resource', scopeLogs: '2 ScopeLogs[]', schemaUrl: '3 string' },
  ScopeLogs: {
    scope: '1 InstrumentationScope',
    logRecords: '2 LogRecord[]',
    schemaUrl: '3 string',
  },
  LogRecord: {
    timeUnixNano: '1 fixed64',
    severityNumber: '2 enum',
    severityText: '3 string',
    body: '5 AnyValue',
    attributes: '6 attributes',
    droppedAttributesCount: '7 uint32',
    flags: '8 fixed32',
    traceId: '9 id16',
    spanId: '10 id8',
    observedTimeUnixNano: '11 fixed64',
    eventName: '12 string',
  },

  // metrics/v1
  ResourceMetrics: {
    resource: '1 Resource',
    scopeMetrics: '2 ScopeMetrics[]',
    schemaUrl: '3 string',
  },
  ScopeMetrics: { scope: '1 InstrumentationScope', metrics: '2 Metric[]', schemaUrl: '3 string' },
  Metric: {
    name: '1 string',
    description: '2 string',
    unit: '3 string',
    gauge: '5 Gauge|',
    sum: '7 Sum|',
    histogram: '9 Histogram|',
    exponentialHistogram: '10 ExponentialHistogram|',
    summary: '11 Summary|',
    metadata: '12 attributes',
  },
  Gauge: { dataPoints: '1 NumberDataPoint[]' },
  Sum: {
    dataPoints: '1 NumberDataPoint[]',
    aggregationTemporality: '2 enum',
    isMonotonic: '3 bool',
  },
  Histogram: { dataPoints: '1 HistogramDataPoint[]', aggregationTemporality: '2 enum' },
  ExponentialHistogram: {
    dataPoints: '1 ExponentialHistogramDataPoint[]',
    aggregationTemporality: '2 enum',
  },
  Summary: { dataPoints: '1 SummaryDataPoint[]' },
  NumberDataPoint: {
    startTimeUnixNano: '2 fixed64',
    timeUnixNano: '3 fixed64',
    asDouble: '4 double|',
    asInt: '6 sfixed64|',
    exemplars: '5 Exemplar[]',
    attributes: '7 attributes',
    flags: '8 uint32',
  },
  HistogramDataPoint: {
    startTimeUnixNano: '2 fixed64',
    timeUnixNano: '3 fixed64',
    count: '4 fixed64',
    sum: '5 double?',
    bucketCounts: '6 fixed64[]',
    explicitBounds: '7 double[]',
    exemplars: '8 Exemplar[]',
    attributes: '9 attributes',
    flags: '10 uint32',
    min: '11 double?',
    max: '12 double?',
  },
  ExponentialHistogramDataPoint: {
    attributes: '1 attributes',
    startTimeUnixNano: '2 fixed64',
    timeUnixNano: '3 fixed64',
    count: '4 fixed64',
    sum: '5 double?',
    scale: '6 sint32',
    zeroCount: '7 fixed64',
    positive: '8 Buckets?',
    negative: '9 Buckets?',
    flags: '10 uint32',
    exemplars: '11 Exemplar[]',
    min: '12 double?',
    max: '13 double?',
    zeroThreshold: '14 double',
  },
  Buckets: { offset: '1 sint32', bucketCounts: '2 uint64[]' },
  SummaryDataPoint: {
    startTimeUnixNano: '2 fixed64',
    timeUnixNano: '3 fixed64',
    count: '4 fixed64',
    sum: '5 double',
    quantileValues: '6 ValueAtQuantile[]',
    attributes: '7 attributes',
    flags: '8 uint32',
  },
  ValueAtQuantile: { quantile: '1 double', value: '2 double' },
  Exemplar: {
    timeUnixNano: '2 fixed64',
    asDouble: '3 double|',
    asInt: '6 sfixed64|',
    spanId: '4 id8',
    traceId: '5 id16',
    filteredAttributes: '7 attributes',
  },

  // collector/{trace,logs,metrics}/v1
  ExportTraceServiceRequest: { resourceSpans: '1 ResourceSpans[]' },
  ExportLogsServiceRequest: { resourceLogs: '1 ResourceLogs[]' },
  ExportMetricsServiceRequest: { resourceMetrics: '1 ResourceMetrics[]' },
  ExportTraceServiceResponse: { partialSuccess: '1 ExportTracePartialSuccess?' },
  ExportTracePartialSuccess: { rejectedSpans: '1 int64', errorMessage: '2 string' },
  ExportLogsServiceResponse: { partialSuccess: '1 ExportLogsPartialSuccess?' },
  ExportLogsPartialSuccess: { rejectedLogRecords: '1 int64', errorMessage: '2 string' },
  ExportMetricsServiceResponse: { partialSuccess: '1 ExportMetricsPartialSuccess?' },
  ExportMetricsPartialSuccess: { rejectedDataPoints: '1 int64', errorMessage: '2 string' },

  // google.rpc
  Status: { code: '1 int32', message: '2 string' },
} as const satisfies Record<string, Record<string, string>>;

export type MessageName = keyof typeof OTLP;

export type ScalarType =
  | 'string'
  | 'bool'
  | 'bytes'
  | 'double'
  | 'int32'
  | 'sint32'
  | 'uint32'
  | 'fixed32'
  | 'int64'
  | 'uint64'
  | 'fixed64'
  | 'sfixed64'
  | 'enum'
  | 'id8'
  | 'id16';

export interface Field {
  readonly name: string;
  readonly number: number;
  /** Set for messages, otherwise `scalar` or `attributes` is. */
  readonly message: MessageName | undefined;
  readonly scalar: ScalarType | undefined;
  readonly attributes: boolean;
  readonly repeated: boolean;
  /** Left out when it was not sent; other fields get their zero. */
  readonly optional: boolean;
  readonly oneof: boolean;
}

function parseField([name, text]: [string, string]): Field {
  const [, number, type, mark] = /^(\d+) (\w+)(\[\]|\?|\|)?$/.exec(text)!;
  const attributes = type === 'attributes';
  const message = type! in OTLP ? (type as MessageName) : undefined;
  return {
    name,
    number: Number(number),
    message,
    scalar: attributes || message ? undefined : (type as ScalarType),
    attributes,
    repeated: mark === '[]' || attributes,
    optional: mark === '?' || mark === '|',
    oneof: mark === '|',
  };
}

interface Schema {
  readonly fields: Readonly<Record<MessageName, readonly Field[]>>;
  readonly root: protobuf.Root;
}

let schema: Schema | undefined;

function build(): Schema {
  const fields = {} as Record<MessageName, readonly Field[]>;
  const nested: Record<string, protobuf.IType> = {};
  for (const message of Object.keys(OTLP) as MessageName[]) {
    fields[message] = Object.entries(OTLP[message]).map(parseField);
    const type = { fields: {}, oneofs: {} } as Required<Pick<protobuf.IType, 'fields' | 'oneofs'>>;
    for (const field of fields[message]) {
      type.fields[field.name] = {
        id: field.number,
        type: wireType(field),
        ...(field.repeated && { rule: 'repeated' }),
        ...(field.optional && !field.oneof && { options: { proto3_optional: true } }),
      };
      if (field.optional) {
        const oneof = field.oneof ? '_oneof' : `_${field.name}`;
        (type.oneofs[oneof] ??= { oneof: [] }).oneof.push(field.name);
      }
    }
    nested[message] = type;
  }
  return { fields, root: protobuf.Root.fromJSON({ nested }) };
}

function wireType(field: Field): string {
  if (field.attributes) return 'KeyValue';
  if (field.message) return field.message;
  if (field.scalar === 'enum') return 'int32';
  if (field.scalar === 'id8' || field.scalar === 'id16') return 'bytes';
  return field.scalar!;
}

/** Built at first use: nothing happens at import. */
function otlp(): Schema {
  return (schema ??= build());
}

export function fieldsOf(message: MessageName): readonly Field[] {
  return otlp().fields[message];
}

/** The wire decoder and encoder of a message. Decoding rejects invalid UTF-8 (proto3). */
export function wireOf(message: MessageName): protobuf.Type {
  return otlp().root.lookupType(message);
}
