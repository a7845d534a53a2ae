import type { TraceState } from '@opentelemetry/api';
import type { Key, Shape } from './shape.ts';

/** A value as the ring takes it: what `snapshot` (api) makes of what a user gives. */
export type RecordValue =
  | string
  | number
  | boolean
  | bigint
  | null
  | Uint8Array
  | readonly RecordValue[]
  | RecordMap;

/** A nested map. Not a plain object, so that the writer need not guess. */
export class RecordMap {
  readonly keys: readonly string[];
  readonly values: readonly RecordValue[];

  constructor(keys: readonly string[], values: readonly RecordValue[]) {
    this.keys = keys;
    this.values = values;
  }
}

/** Attributes: `values[i]` belongs to `shape.keys[i]`, for the first `count` of them. */
export interface Attributes {
  shape: Shape;
  count: number;
  values: RecordValue[];
}

export interface EventAttributes extends Attributes {
  dropped: number;
}

export interface EventData {
  /** Has the name. */
  readonly key: Key;
  readonly sec: number;
  readonly nano: number;
  /** Apart: most events have none, and then take half as much. */
  readonly attributes: EventAttributes | null;
  /** The event after this one: a chain takes less than an array. */
  next: EventData | null;
}

export interface LinkData extends Attributes {
  /** Trace id (4 words) and span id (2 words), as in SpanData. */
  ids: Int32Array;
  flags: number;
  traceState: string;
  /** What `traceState` was written from; not the ring's business, but a reader's of the span. */
  readonly traceStateObject: TraceState | undefined;
  dropped: number;
}

/** A resource or an instrumentation scope, which many records share. */
export class Group {
  readonly parent: Group | undefined;
  /** This and `attributes` change when a resource is described anew (`Ring.redescribe`). */
  schemaUrl: string;
  /** Name and version; of a scope only. */
  readonly name: string;
  readonly version: string;
  attributes: Attributes;
  readonly dropped: number;
  /** Address in the string table, valid in `epoch`. */
  ref = 0;
  epoch = -1;

  constructor(
    attributes: Attributes,
    options: {
      parent?: Group;
      schemaUrl?: string | undefined;
      name?: string;
      version?: string | undefined;
      dropped?: number;
    } = {},
  ) {
    this.attributes = attributes;
    this.parent = options.parent;
    this.schemaUrl = options.schemaUrl ?? '';
    this.name = options.name ?? '';
    this.version = options.version ?? '';
    this.dropped = options.dropped ?? 0;
  }
}

/**
 * An ended span as the ring takes it. Ids are 32-bit words whose little-endian bytes are the
 * id's bytes. Times are whole seconds and nanoseconds since the Unix epoch.
 */
export interface SpanData extends Attributes {
  readonly scope: Group;
  readonly nameKey: Key;
  name: string;
  /** SpanKind of OTLP. */
  otlpKind: number;
  /** OTLP SpanFlags: W3C trace flags, 0x100 has-is-remote, 0x200 is-remote. */
  flags: number;
  statusCode: number;
  traceId0: number;
  traceId1: number;
  traceId2: number;
  traceId3: number;
  spanId0: number;
  spanId1: number;
  parentId0: number;
  parentId1: number;
  startSec: number;
  startNano: number;
  endSec: number;
  endNano: number;
  eventCount: number;
  firstEvent: EventData | null;
  /** What most spans have not. */
  rare: RareSpanData | null;
}

/** Kept apart, so that the common span is small. */
export interface RareSpanData {
  statusMessage: string;
  traceState: string;
  /** Not the ring's business, but a reader's of the span. */
  parentTraceState?: TraceState | undefined;
  links: LinkData[];
  droppedAttributes: number;
  droppedEvents: number;
  droppedLinks: number;
}

/**
 * A log record as the ring takes it: whoever emits it may use the object again as soon as it is
 * written. Ids and times as in SpanData; an id of zeros is none.
 */
export interface LogData extends Attributes {
  readonly scope: Group;
  /** When it happened; both 0 where that is not known. */
  timeSec: number;
  timeNano: number;
  observedSec: number;
  observedNano: number;
  /** SeverityNumber, 0: unspecified. */
  severityNumber: number;
  severityText: string;
  /** What is known of severity texts, so that they are written once. */
  severityKey: Key;
  eventName: string;
  /** Of that event name. */
  eventKey: Key;
  /** Undefined: it has none. `null` is an empty value. */
  body: RecordValue | undefined;
  /** A shape whose first key stands for the bodies of one logger: whether they repeat. */
  bodyShape: Shape;
  traceId0: number;
  traceId1: number;
  traceId2: number;
  traceId3: number;
  spanId0: number;
  spanId1: number;
  /** OTLP LogRecordFlags: W3C trace flags. */
  flags: number;
  /** Attributes over the limit. */
  dropped: number;
}
