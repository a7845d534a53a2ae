import {
  type Context,
  context as contextApi,
  type Exception,
  ROOT_CONTEXT,
} from '@opentelemetry/api';
import type { Group } from '../../buffer/record.ts';
import { Key, type Shape, type ShapeTree } from '../../buffer/shape.ts';
import { setAttribute, setAttributes, setGuessed, textOf } from '../trace/attributes.ts';
import type { Clock } from '../trace/clock.ts';
import { exceptionAttributes } from '../trace/exception.ts';
import { FLAG_SAMPLED, type SpanIdentity } from '../trace/identity.ts';
import { readScope } from '../trace/readable.ts';
import { say } from '../trace/say.ts';
import { spanIn } from '../trace/span-in.ts';
import type { Bodies } from './body.ts';
import { type LoggerConfigurator, type LoggerRules, OPEN, rulesFor } from './config.ts';
import { EmittedLog, severityOf } from './emitted.ts';
import type { LogRecordProcessors } from './processors.ts';
import { ProcessedLog } from './readable.ts';
import type { EnabledOptions, Logger, LogRecord } from './types.ts';

/** Where records go. */
export interface LogSink {
  /** The record is used again for the next one: who keeps it copies it. Never throws. */
  emit(log: EmittedLog): void;
  /** Whether it drops what comes, since it was shut down. */
  readonly closed: boolean;
}

/** What all loggers of one telemetry share. */
export interface LogShared {
  readonly clock: Clock;
  readonly logShapes: ShapeTree;
  readonly bodies: Bodies;
  readonly severityKeys: readonly Key[];
  /** In place of the name of records that have none. */
  readonly noEvent: Key;
  readonly sink: LogSink | null;
  readonly processors: LogRecordProcessors | null;
  /** Another object whenever it changes. */
  configuration: { readonly configurator: LoggerConfigurator | undefined };
}

/** Logger of the logs API. */
export class RecordingLogger implements Logger {
  private readonly shared: LogShared;
  private readonly scope: Group;
  /** Whether records belong to the trace of the active context. */
  private readonly traced: boolean;
  /** What predicts the keys of records without a name. Not a key itself: a tree may start anew. */
  private readonly shapeName: string;
  private readonly bodyShape: Shape;
  /** The record used last, for the next one; none while it is under way. */
  private spare: EmittedLog | undefined = undefined;
  private configuration: LogShared['configuration'] | undefined = undefined;
  private rules: LoggerRules = OPEN;

  constructor(shared: LogShared, scope: Group, traced: boolean) {
    this.shared = shared;
    this.scope = scope;
    this.traced = traced;
    this.shapeName = `logger ${scope.name}`;
    const { tree } = shared.bodies;
    // A key for each logger: whether texts are worth interning differs.
    this.bodyShape = tree.first(new Key('')).with(scope.name, 0);
    this.configure();
  }

  emit(record: LogRecord): void {
    if (typeof record !== 'object' || record === null) return;
    const { sink, processors, configuration } = this.shared;
    if (configuration !== this.configuration) this.configure();
    if (processors !== null) this.process(record, processors);
    else if (sink !== null) this.pass(record, sink);
  }

  private pass(record: LogRecord, sink: LogSink): void {
    const log = this.spare ?? this.blank();
    // Whatever is read from now on may itself emit.
    this.spare = undefined;
    if (this.take(log, record) !== undefined) {
      sink.emit(log);
      // It may be large.
      log.body = undefined;
    }
    this.spare = log;
  }

  /** Processors may keep what they get: each record is one of its own. */
  private process(record: LogRecord, processors: LogRecordProcessors): void {
    const { shared } = this;
    const { sink } = shared;
    const log = this.blank();
    const context = this.take(log, record);
    if (context === undefined) return;
    if (sink === null && !processors.enabled(this.asked(context, log))) return;
    const processed = new ProcessedLog(log, shared, context);
    processors.emitted(processed, context);
    processed.seal();
    sink?.emit(log);
  }

  enabled(options?: EnabledOptions): boolean {
    const { sink, processors, configuration } = this.shared;
    if (configuration !== this.configuration) this.configure();
    if (sink?.closed === true || (sink === null && processors === null)) return false;
    if (this.rules.open && sink !== null) return true;
    let context: Context | undefined;
    let severity: unknown;
    let eventName: unknown;
    try {
      ({ context, severityNumber: severity, eventName } = options ?? {});
    } catch {
      // Options that throw when they are read.
    }
    const inside = this.inside(context);
    const severityNumber = severityOf(severity);
    if (!this.passes(severityNumber, spanOrNone(inside))) return false;
    if (sink !== null) return true;
    return processors!.enabled(
      this.asked(inside, { severityNumber, eventName: textOf(eventName ?? '') }),
    );
  }

  private asked(
    context: Context,
    { severityNumber, eventName }: Pick<EmittedLog, 'severityNumber' | 'eventName'>,
  ) {
    return {
      context,
      instrumentationScope: readScope(this.scope),
      ...(severityNumber !== 0 && { severityNumber }),
      ...(eventName !== '' && { eventName }),
    };
  }

  private configure(): void {
    const { configuration } = this.shared;
    this.configuration = configuration;
    this.rules = rulesFor(this.scope, configuration.configurator);
  }

  private blank(): EmittedLog {
    return new EmittedLog(this.scope, this.bodyShape, this.shared.noEvent);
  }

  /** The context a record is emitted in. */
  private inside(given: Context | undefined): Context {
    // Not just undefined: JavaScript gives null, too.
    if (given) return given;
    return this.traced ? contextApi.active() : ROOT_CONTEXT;
  }

  private passes(severity: number, span: SpanIdentity | undefined): boolean {
    const { open, enabled, minimumSeverity, traceBased } = this.rules;
    if (open) return true;
    if (!enabled || (severity !== 0 && severity < minimumSeverity)) return false;
    return !traceBased || span === undefined || (span.flags & FLAG_SAMPLED) !== 0;
  }

  /** Fills in a record, and returns its context; undefined where the logger does not let it pass. */
  private take(log: EmittedLog, record: LogRecord): Context | undefined {
    try {
      return this.fill(log, record);
    } catch {
      // Something throws when it is read: once more, without that.
      return this.fill(log, readableOf(record));
    }
  }

  private fill(log: EmittedLog, record: LogRecord): Context | undefined {
    const { eventName, timestamp, observedTimestamp, severityNumber, severityText } = record;
    const { body, attributes, exception, context: given } = record;
    const { clock, logShapes, severityKeys, noEvent, bodies } = this.shared;
    const context = this.inside(given);
    const span = context === ROOT_CONTEXT ? undefined : spanOrNone(context);
    const severity = severityOf(severityNumber);
    if (!this.rules.open && !this.passes(severity, span)) return undefined;
    log.setSpan(span);
    log.severityNumber = severity;
    log.severityKey = severityKeys[severity]!;
    log.severityText = severityText === undefined ? '' : textOf(severityText ?? '');

    clock.begin();
    log.timeSec = log.observedSec = clock.sec;
    log.timeNano = log.observedNano = clock.nano;
    if (timestamp !== undefined) {
      clock.readInput(timestamp, clock.anchor);
      log.timeSec = clock.sec;
      log.timeNano = clock.nano;
    }
    if (observedTimestamp !== undefined) {
      clock.readInput(observedTimestamp, clock.anchor);
      log.observedSec = clock.sec;
      log.observedNano = clock.nano;
    }

    const name = eventName === undefined ? '' : textOf(eventName ?? '');
    log.eventName = name;
    const key = logShapes.key(name === '' ? this.shapeName : name);
    log.eventKey = name === '' ? noEvent : key;
    log.body = body === undefined ? undefined : bodies.take(body);

    log.shape = key.shape ?? logShapes.first(key);
    log.count = 0;
    log.dropped = 0;
    if (typeof attributes === 'object' && attributes !== null) takeAttributes(log, attributes);
    if (exception !== undefined && exception !== null) takeException(log, exception);
    if (key.shape !== log.shape) key.shape = log.shape;
    if (log.dropped > 0) tellDropped(log);
    return context;
  }
}

/** At most one line per record (specification, "LogRecord Limits"). */
function tellDropped({ dropped, scope }: EmittedLog): void {
  say('warn', `limits dropped ${dropped} attributes of a log record of '${scope.name}'`);
}

/** A context that throws when it is asked has no span. */
function spanOrNone(context: Context): SpanIdentity | undefined {
  try {
    return spanIn(context);
  } catch {
    return undefined;
  }
}

function takeAttributes(log: EmittedLog, attributes: { [name: string]: unknown }): void {
  const { values } = log;
  let { names, plain } = log.shape;
  let count = 0;
  try {
    for (const name in attributes) {
      // Spelled out it costs nothing here: the compiler knows where `name` is from. Altogether a third
      // of what `Object.keys` takes, or `Object.hasOwn`, or this call by another name.
      // biome-ignore lint/suspicious/noPrototypeBuiltins: measured
      if (!Object.prototype.hasOwnProperty.call(attributes, name)) continue;
      const value = attributes[name];
      // As in a span: the key that came next in the last record, a plain value.
      if (
        count < plain &&
        names[count] === name &&
        (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      ) {
        values[count++] = value;
      } else {
        log.count = count;
        if (!setGuessed(log, name, value)) log.dropped++;
        ({ count } = log);
        ({ names, plain } = log.shape);
      }
    }
    log.count = count;
  } catch {
    // Some getter throws: once more, one by one.
    log.count = 0;
    log.dropped = setAttributes(log, attributes);
  }
}

/** Specification, "Emit a LogRecord": what the user has set wins. */
function takeException(log: EmittedLog, exception: unknown): void {
  const isPlain = typeof exception !== 'object' && typeof exception !== 'function';
  const given = exceptionAttributes((isPlain ? textOf(exception) : exception) as Exception);
  for (const name of Object.keys(given)) {
    if (log.shape.indexOf(name, log.count) >= 0) continue;
    if (!setAttribute(log, name, given[name])) log.dropped++;
  }
}

const FIELDS: readonly (keyof LogRecord)[] = [
  'eventName',
  'timestamp',
  'observedTimestamp',
  'severityNumber',
  'severityText',
  'body',
  'attributes',
  'exception',
  'context',
];

/** What of a record can be read. */
function readableOf(record: LogRecord): LogRecord {
  const readable: Record<string, unknown> = {};
  for (const field of FIELDS) {
    try {
      readable[field] = record[field];
    } catch {
      // Left out.
    }
  }
  return readable as LogRecord;
}
