import type { Group, LogData, RecordValue } from '../../buffer/record.ts';
import { Key, type Shape } from '../../buffer/shape.ts';
import type { SpanIdentity } from '../trace/identity.ts';

/** Of SeverityNumber. */
const SEVERITIES = 25;

/** Of the flags of a span, those that a log record has. */
const W3C_FLAGS = 0xff;

/** A severity of OTLP; 0, unspecified, for what is none. */
export function severityOf(given: unknown): number {
  return typeof given === 'number' && given > 0 && given < SEVERITIES ? given | 0 : 0;
}

/** One per severity: the text that goes with a number is mostly the same. */
export function severityKeys(): readonly Key[] {
  return Array.from({ length: SEVERITIES }, () => new Key(''));
}

/** Ids and flags of a span. */
type SpanWords = Pick<
  SpanIdentity,
  'traceId0' | 'traceId1' | 'traceId2' | 'traceId3' | 'spanId0' | 'spanId1' | 'flags'
>;

/** A log record as it goes to the ring. */
export class EmittedLog implements LogData {
  readonly scope: Group;
  readonly bodyShape: Shape;
  timeSec = 0;
  timeNano = 0;
  observedSec = 0;
  observedNano = 0;
  severityNumber = 0;
  severityText = '';
  severityKey: Key;
  eventName = '';
  eventKey: Key;
  body: RecordValue | undefined = undefined;
  traceId0 = 0;
  traceId1 = 0;
  traceId2 = 0;
  traceId3 = 0;
  spanId0 = 0;
  spanId1 = 0;
  flags = 0;
  dropped = 0;
  shape: Shape;
  count = 0;
  values: RecordValue[] = [];

  /** @param key of records without a name. */
  constructor(scope: Group, bodyShape: Shape, key: Key) {
    this.scope = scope;
    this.bodyShape = bodyShape;
    this.severityKey = key;
    this.eventKey = key;
    this.shape = bodyShape;
  }

  /** The span it belongs to. */
  setSpan(span: SpanWords | undefined): void {
    if (span === undefined) {
      this.traceId0 = this.traceId1 = this.traceId2 = this.traceId3 = 0;
      this.spanId0 = this.spanId1 = 0;
      this.flags = 0;
      return;
    }
    this.traceId0 = span.traceId0;
    this.traceId1 = span.traceId1;
    this.traceId2 = span.traceId2;
    this.traceId3 = span.traceId3;
    this.spanId0 = span.spanId0;
    this.spanId1 = span.spanId1;
    this.flags = span.flags & W3C_FLAGS;
  }
}
