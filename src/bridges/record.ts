import type { LogRecord } from '../api/log/types.ts';
import { anyValue, thrownOf } from './any-value.ts';
import { contextOf } from './correlation.ts';
import { timestampOf } from './timestamp.ts';

/** Where semantic conventions put the name of an event that comes as a log record's field. */
const EVENT_NAME = 'otel.event.name';

/** A record of a logging library, in parts: what has a place of its own, and the rest. */
export interface Parts {
  readonly body: unknown;
  readonly severityNumber: number | undefined;
  readonly severityText: string | undefined;
  /** The name of the field with the time, what it says, and that of the field with an error. */
  readonly timeKey: string;
  readonly time: unknown;
  readonly errorKey: string;
  readonly error: unknown;
  /** All other fields. Becomes the attributes. */
  readonly fields: Record<string, unknown>;
}

/** What has no place of its own after all, for example a time that is none, stays an attribute. */
export function recordOf(parts: Parts): LogRecord {
  const { body, severityNumber, severityText, timeKey, time, errorKey, error, fields } = parts;
  const record: LogRecord = { attributes: fields };
  if (body !== undefined) record.body = body;
  if (severityNumber !== undefined) record.severityNumber = severityNumber;
  if (severityText !== undefined) record.severityText = severityText;

  const timestamp = timestampOf(time);
  if (timestamp !== undefined) record.timestamp = timestamp;
  else if (time !== undefined) fields[timeKey] = anyValue(time);

  const thrown = thrownOf(error);
  if (thrown !== undefined) {
    record.exception = thrown.exception;
    if (thrown.rest !== undefined) fields[errorKey] = anyValue(thrown.rest);
  } else if (error !== undefined) fields[errorKey] = anyValue(error);

  const eventName = fields[EVENT_NAME];
  if (typeof eventName === 'string') {
    record.eventName = eventName;
    delete fields[EVENT_NAME];
  }
  const context = contextOf(fields);
  if (context !== undefined) record.context = context;
  return record;
}
