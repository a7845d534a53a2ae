/** What the collector hands out: OTLP v1.11 as plain objects, under OTLP's JSON names. */

/**
 * An attribute's value. `int64` is a number where that is exact, else a bigint; bytes are a
 * Uint8Array, arrays arrays, key-value lists plain objects, a value that is not set `null`.
 */
export type ReceivedValue =
  | string
  | boolean
  | number
  | bigint
  | Uint8Array
  | null
  | ReceivedValue[]
  | { [key: string]: ReceivedValue };

/** Of a key sent more than once the last value is kept. */
export type ReceivedAttributes = Record<string, ReceivedValue>;

export interface ReceivedScope {
  readonly name: string;
  readonly version: string;
  readonly attributes: ReceivedAttributes;
  readonly droppedAttributesCount: number;
  /** The schema URL of the scope's envelope. */
  readonly schemaUrl: string;
}

export interface ReceivedResource {
  readonly attributes: ReceivedAttributes;
  readonly droppedAttributesCount: number;
  readonly entityRefs: readonly {
    readonly schemaUrl: string;
    readonly type: string;
    readonly idKeys: readonly string[];
    readonly descriptionKeys: readonly string[];
  }[];
  /** The schema URL of the resource's envelope. */
  readonly schemaUrl: string;
}

/** Everything that was sent in one envelope shares one resource object and one scope object. */
export interface ReceivedOrigin {
  readonly resource: ReceivedResource;
  readonly scope: ReceivedScope;
}

export interface ReceivedEvent {
  readonly timeUnixNano: bigint;
  readonly name: string;
  readonly attributes: ReceivedAttributes;
  readonly droppedAttributesCount: number;
}

export interface ReceivedLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceState: string;
  readonly attributes: ReceivedAttributes;
  readonly droppedAttributesCount: number;
  readonly flags: number;
}

export interface ReceivedSpan extends ReceivedOrigin {
  /** 32 lower-case hexadecimal digits. */
  readonly traceId: string;
  /** 16 lower-case hexadecimal digits. */
  readonly spanId: string;
  /** 16 lower-case hexadecimal digits, or empty for a root span. */
  readonly parentSpanId: string;
  readonly traceState: string;
  /** W3C trace flags in bits 0–7; 0x100: whether the parent is remote is known; 0x200: it is. */
  readonly flags: number;
  readonly name: string;
  /** 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number;
  readonly startTimeUnixNano: bigint;
  readonly endTimeUnixNano: bigint;
  readonly attributes: ReceivedAttributes;
  readonly droppedAttributesCount: number;
  readonly events: readonly ReceivedEvent[];
  readonly droppedEventsCount: number;
  readonly links: readonly ReceivedLink[];
  readonly droppedLinksCount: number;
  /** `code`: 0 unset, 1 ok, 2 error. */
  readonly status: { readonly code: number; readonly message: string };
}

export interface ReceivedLogRecord extends ReceivedOrigin {
  readonly timeUnixNano: bigint;
  readonly observedTimeUnixNano: bigint;
  readonly severityNumber: number;
  readonly severityText: string;
  readonly body: ReceivedValue;
  readonly attributes: ReceivedAttributes;
  readonly droppedAttributesCount: number;
  readonly flags: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly eventName: string;
}

/** One of `asDouble` and `asInt` is set. */
export interface ReceivedExemplar {
  readonly timeUnixNano: bigint;
  readonly asDouble?: number;
  readonly asInt?: bigint;
  readonly spanId: string;
  readonly traceId: string;
  readonly filteredAttributes: ReceivedAttributes;
}

interface ReceivedPoint {
  readonly attributes: ReceivedAttributes;
  readonly startTimeUnixNano: bigint;
  readonly timeUnixNano: bigint;
  /** 1: no value was recorded. */
  readonly flags: number;
}

/** Of a gauge or a sum. One of `asDouble` and `asInt` is set. */
export interface ReceivedNumberPoint extends ReceivedPoint {
  readonly asDouble?: number;
  readonly asInt?: bigint;
  readonly exemplars: readonly ReceivedExemplar[];
}

export interface ReceivedHistogramPoint extends ReceivedPoint {
  readonly count: bigint;
  readonly sum?: number;
  readonly min?: number;
  readonly max?: number;
  /** One more than bounds, or none. */
  readonly bucketCounts: readonly bigint[];
  readonly explicitBounds: readonly number[];
  readonly exemplars: readonly ReceivedExemplar[];
}

/** Bucket `offset + i` holds what is above base^(offset + i), up to base^(offset + i + 1). */
export interface ReceivedBuckets {
  readonly offset: number;
  readonly bucketCounts: readonly bigint[];
}

/** The base is 2^(2^-scale). */
export interface ReceivedExponentialHistogramPoint extends ReceivedPoint {
  readonly count: bigint;
  readonly sum?: number;
  readonly min?: number;
  readonly max?: number;
  readonly scale: number;
  readonly zeroCount: bigint;
  readonly zeroThreshold: number;
  readonly positive?: ReceivedBuckets;
  readonly negative?: ReceivedBuckets;
  readonly exemplars: readonly ReceivedExemplar[];
}

export interface ReceivedSummaryPoint extends ReceivedPoint {
  readonly count: bigint;
  readonly sum: number;
  readonly quantileValues: readonly { readonly quantile: number; readonly value: number }[];
}

/** Data points keep OTLP's JSON names; 64-bit integers are bigints, ids hexadecimal. */
export interface ReceivedMetricData<Point> {
  readonly dataPoints: readonly Point[];
}

export interface ReceivedTemporalData<Point> extends ReceivedMetricData<Point> {
  /** 0 unspecified, 1 delta, 2 cumulative. */
  readonly aggregationTemporality: number;
}

export interface ReceivedSum extends ReceivedTemporalData<ReceivedNumberPoint> {
  readonly isMonotonic: boolean;
}

/** Exactly one of the five kinds of data is set. */
export interface ReceivedMetric extends ReceivedOrigin {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly metadata: ReceivedAttributes;
  readonly gauge?: ReceivedMetricData<ReceivedNumberPoint>;
  readonly sum?: ReceivedSum;
  readonly histogram?: ReceivedTemporalData<ReceivedHistogramPoint>;
  readonly exponentialHistogram?: ReceivedTemporalData<ReceivedExponentialHistogramPoint>;
  readonly summary?: ReceivedMetricData<ReceivedSummaryPoint>;
}

/** A data point of any kind, with the metric it is of; what its kind does not have is not set. */
export type ReceivedDataPoint = ReceivedPoint &
  Partial<ReceivedNumberPoint> &
  Partial<ReceivedHistogramPoint> &
  Partial<ReceivedExponentialHistogramPoint> &
  Partial<ReceivedSummaryPoint> & { readonly metric: ReceivedMetric };

/** What came in one request, of one signal; the lists of the others are empty. */
export interface ReceivedRecords {
  readonly spans: readonly ReceivedSpan[];
  readonly logRecords: readonly ReceivedLogRecord[];
  readonly metrics: readonly ReceivedMetric[];
}

export type ReceivedSignal = 'traces' | 'logs' | 'metrics';

/** One request, answered or not. */
export interface ReceivedRequest {
  readonly protocol: 'http' | 'grpc';
  /** Of gRPC: the method, `/opentelemetry.proto.collector.trace.v1.TraceService/Export`. */
  readonly path: string;
  /** Undefined when the path is none of OTLP's. */
  readonly signal: ReceivedSignal | undefined;
  readonly receivedAtMs: number;
  /** The HTTP status answered, of gRPC the one that means the same; 0 when no answer was begun. */
  readonly status: number;
  /** The gRPC status answered, 0 to 16. Undefined for HTTP, and when no answer was begun. */
  readonly grpcStatus?: number;
  /** The message of an error answer. */
  readonly error?: string;
  /** The kind of the fault that was applied. */
  readonly fault?: string;
  readonly contentType: string;
  /** `identity` when the request had no such header, or the message its flag not set. */
  readonly contentEncoding: string;
  readonly userAgent: string;
  /** Lower-case names; of gRPC what the call's metadata has. Values of headers that carry credentials read `[redacted]`. */
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes of the body as sent; of a gRPC message without its prefix of five. */
  readonly wireBytes: number;
  /** Bytes of the body after inflating; 0 when it was not inflated. */
  readonly rawBytes: number;
  /** Spans, log records and data points that were decoded, rejected ones included. */
  readonly spans: number;
  readonly logRecords: number;
  readonly dataPoints: number;
  /** Of the body as sent; lower-case hexadecimal. Empty when the body was not read. */
  readonly bodySha256: string;
  /** The inflated body, when the collector was started with `keepBodies`. */
  readonly body?: Uint8Array;
}
