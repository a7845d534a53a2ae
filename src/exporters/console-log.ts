import {
  attributesOf,
  type JsonAttributes,
  type JsonValue,
  listLines,
  type Origin,
  originLines,
  quoted,
  textOf,
  timeOf,
} from './console-text.ts';

export interface JsonLogRecord {
  readonly timeUnixNano?: string;
  readonly observedTimeUnixNano?: string;
  readonly severityNumber?: number;
  readonly severityText?: string;
  readonly body?: JsonValue;
  readonly attributes?: JsonAttributes;
  readonly droppedAttributesCount?: number;
  readonly traceId?: string;
  readonly spanId?: string;
  readonly eventName?: string;
}

export function logEntry(record: JsonLogRecord, origin: Origin): string {
  const { timeUnixNano: time, observedTimeUnixNano: observed = '0' } = record;
  const { severityNumber = 0, severityText, eventName, body, traceId, spanId } = record;
  const named = severityText === undefined ? '' : ` ${quoted(severityText)}`;
  const lines = [
    `log${body === undefined ? '' : ` ${textOf(body)}`}`,
    `  time        ${time === undefined ? 'none' : timeOf(time)}`,
    `  observed    ${timeOf(observed)}`,
    `  severity    ${severityNumber}${named}`,
  ];
  if (eventName !== undefined) lines.push(`  event       ${quoted(eventName)}`);
  if (traceId !== undefined) lines.push(`  trace id    ${traceId}`);
  if (spanId !== undefined) lines.push(`  span id     ${spanId}`);
  lines.push(
    ...originLines(origin),
    ...listLines('attributes', attributesOf(record.attributes), record.droppedAttributesCount),
  );
  return lines.join('\n');
}
