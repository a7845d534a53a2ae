/**
 * OTLP v1.11 as tables: the one place where its field numbers, types and JSON names are written
 * down. The JSON transcoder walks them, the collector has protobufjs make its decoders of them.
 * (That both read one table hides no error in it: tests hold it against the decoder and the JSON
 * serializer of the OpenTelemetry project, which have definitions of their own.)
 *
 * Names are the JSON (lowerCamelCase) names. A field is `<number> <type>` and
 *
 *   []   repeated
 *   ?    has presence: absent is told apart from zero
 *   |    member of the message's one `oneof`
 *
 * Types are protobuf's scalars, the messages of these tables, and
 *
 *   enum        int32
 *   id8, id16   bytes of that length, hexadecimal in JSON
 *   attributes  repeated KeyValue
 *
 * One table per signal, so that a bundle has those it sends.
 */

/** Messages by name, their fields by name. */
export type Tables = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** common/v1, resource/v1 */
export const COMMON = {
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
  Resource: {
    attributes: '1 attributes',
    droppedAttributesCount: '2 uint32',
    entityRefs: '3 EntityRef[]',
  },
} as const satisfies Tables;

/** trace/v1 */
export const TRACES = {
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
  ExportTraceServiceRequest: { resourceSpans: '1 ResourceSpans[]' },
} as const satisfies Tables;

/** logs/v1 */
export const LOGS = {
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
  ExportLogsServiceRequest: { resourceLogs: '1 ResourceLogs[]' },
} as const satisfies Tables;

/** metrics/v1 */
export const METRICS = {
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
  ExportMetricsServiceRequest: { resourceMetrics: '1 ResourceMetrics[]' },
} as const satisfies Tables;

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

/** One field as the notation above has it. */
export interface FieldNotation {
  readonly name: string;
  readonly number: number;
  /** A scalar, a message, or `attributes`. */
  readonly type: string;
  readonly repeated: boolean;
  /** Absent is told apart from zero. */
  readonly optional: boolean;
  readonly oneof: boolean;
}

export function parseField([name, text]: readonly [string, string]): FieldNotation {
  const [, number, type, mark] = /^(\d+) (\w+)(\[\]|\?|\|)?$/.exec(text)!;
  return {
    name,
    number: Number(number),
    type: type!,
    repeated: mark === '[]' || type === 'attributes',
    optional: mark === '?' || mark === '|',
    oneof: mark === '|',
  };
}
