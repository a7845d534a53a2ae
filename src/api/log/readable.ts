import {
  type Context,
  type HrTime,
  isSpanContextValid,
  type SpanContext,
  trace as traceApi,
} from '@opentelemetry/api';
import { setAttribute, setAttributes, textOf } from '../trace/attributes.ts';
import {
  type InstrumentationScope,
  type ReadableResource,
  readAttributes,
  readResource,
  readScope,
  readValue,
} from '../trace/readable.ts';
import { say } from '../trace/say.ts';
import { spanOf } from '../trace/span-in.ts';
import { type EmittedLog, severityOf } from './emitted.ts';
import type { LogShared } from './logger.ts';
import type { AnyValue } from './types.ts';

/** A record's attributes, as they are read. */
type LogAttributes = { [key: string]: AnyValue };

/**
 * A log record as processors read it (specification, "ReadableLogRecord"). Each getter gives what the
 * record has at that moment, as a fresh object: changing it does not change the record.
 */
export interface ReadableLogRecord {
  readonly hrTime: HrTime;
  readonly hrTimeObserved: HrTime;
  readonly spanContext?: SpanContext;
  readonly severityText?: string;
  readonly severityNumber?: number;
  readonly body?: AnyValue;
  readonly eventName?: string;
  readonly resource: ReadableResource;
  readonly instrumentationScope: InstrumentationScope;
  readonly attributes: LogAttributes;
  readonly droppedAttributesCount: number;
}

/** The same while `onEmit` runs, in which it can be changed (specification, "ReadWriteLogRecord"). */
export interface ReadWriteLogRecord {
  hrTime: HrTime;
  hrTimeObserved: HrTime;
  spanContext?: SpanContext;
  severityText?: string;
  severityNumber?: number;
  body?: AnyValue;
  eventName?: string;
  readonly resource: ReadableResource;
  readonly instrumentationScope: InstrumentationScope;
  readonly attributes: LogAttributes;
  readonly droppedAttributesCount: number;
  setAttribute(key: string, value?: AnyValue): ReadWriteLogRecord;
  setAttributes(attributes: LogAttributes): ReadWriteLogRecord;
  setBody(body: AnyValue): ReadWriteLogRecord;
  setEventName(eventName: string): ReadWriteLogRecord;
  setSeverityNumber(severityNumber: number): ReadWriteLogRecord;
  setSeverityText(severityText: string): ReadWriteLogRecord;
}

/** What processors get of a record that is on its way to the ring. */
export class ProcessedLog implements ReadWriteLogRecord {
  private readonly log: EmittedLog;
  private readonly shared: LogShared;
  /** Where its span is looked for, until one is set. */
  private readonly context: Context;
  private span: SpanContext | null | undefined = null;
  private sealed = false;

  constructor(log: EmittedLog, shared: LogShared, context: Context) {
    this.log = log;
    this.shared = shared;
    this.context = context;
  }

  /** All processors are through: from now on it can be read only. */
  seal(): void {
    this.sealed = true;
  }

  private change(what: string, change: (log: EmittedLog) => void): this {
    if (this.sealed) say('debug', `${what} of a log record after onEmit does nothing`);
    else change(this.log);
    return this;
  }

  get hrTime(): HrTime {
    return [this.log.timeSec, this.log.timeNano];
  }

  set hrTime(time: HrTime) {
    this.change('hrTime', (log) => {
      const { clock } = this.shared;
      clock.readInput(time, clock.anchor);
      log.timeSec = clock.sec;
      log.timeNano = clock.nano;
    });
  }

  get hrTimeObserved(): HrTime {
    return [this.log.observedSec, this.log.observedNano];
  }

  set hrTimeObserved(time: HrTime) {
    this.change('hrTimeObserved', (log) => {
      const { clock } = this.shared;
      clock.readInput(time, clock.anchor);
      log.observedSec = clock.sec;
      log.observedNano = clock.nano;
    });
  }

  // Optional in upstream's interface, which with `exactOptionalPropertyTypes` is not undefined.

  get spanContext(): SpanContext {
    if (this.span === null) {
      const found = traceApi.getSpanContext(this.context);
      this.span = found !== undefined && isSpanContextValid(found) ? found : undefined;
    }
    return this.span as never;
  }

  set spanContext(context: SpanContext | undefined) {
    this.change('spanContext', (log) => {
      const span = context ? spanOf(context) : undefined;
      log.setSpan(span);
      this.span = span === undefined ? undefined : context;
    });
  }

  get severityText(): string {
    return this.log.severityText === '' ? (undefined as never) : this.log.severityText;
  }

  set severityText(text: string | undefined) {
    this.change('severityText', (log) => {
      log.severityText = textOf(text ?? '');
    });
  }

  get severityNumber(): number {
    return this.log.severityNumber === 0 ? (undefined as never) : this.log.severityNumber;
  }

  set severityNumber(given: number | undefined) {
    this.change('severityNumber', (log) => {
      log.severityNumber = severityOf(given);
      log.severityKey = this.shared.severityKeys[log.severityNumber]!;
    });
  }

  get body(): AnyValue {
    return this.log.body === undefined ? undefined : readValue(this.log.body);
  }

  set body(body: AnyValue) {
    this.change('body', (log) => {
      log.body = this.shared.bodies.take(body);
    });
  }

  get eventName(): string {
    return this.log.eventName === '' ? (undefined as never) : this.log.eventName;
  }

  set eventName(name: string | undefined) {
    this.change('eventName', (log) => {
      log.eventName = textOf(name ?? '');
      log.eventKey = this.shared.logShapes.key(log.eventName);
    });
  }

  get resource(): ReadableResource {
    return readResource(this.log.scope.parent ?? this.log.scope);
  }

  get instrumentationScope(): InstrumentationScope {
    return readScope(this.log.scope);
  }

  get attributes(): LogAttributes {
    return readAttributes(this.log);
  }

  get droppedAttributesCount(): number {
    return this.log.dropped;
  }

  setAttribute(key: string, value?: AnyValue): this {
    return this.change('setAttribute', (log) => {
      if (!setAttribute(log, key, value)) log.dropped++;
    });
  }

  setAttributes(attributes: LogAttributes): this {
    return this.change('setAttributes', (log) => {
      log.dropped += setAttributes(log, attributes);
    });
  }

  setBody(body: AnyValue): this {
    this.body = body;
    return this;
  }

  setEventName(eventName: string): this {
    this.eventName = eventName;
    return this;
  }

  setSeverityNumber(severityNumber: number): this {
    this.severityNumber = severityNumber;
    return this;
  }

  setSeverityText(severityText: string): this {
    this.severityText = severityText;
    return this;
  }
}
