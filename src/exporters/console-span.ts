import {
  attributesOf,
  braced,
  durationOf,
  type JsonAttributes,
  listLines,
  type Origin,
  originLines,
  quoted,
  timeOf,
} from './console-text.ts';

export interface JsonSpan {
  readonly traceId?: string;
  readonly spanId?: string;
  readonly parentSpanId?: string;
  readonly traceState?: string;
  readonly flags?: number;
  readonly name?: string;
  readonly kind?: number;
  readonly startTimeUnixNano?: string;
  readonly endTimeUnixNano?: string;
  readonly attributes?: JsonAttributes;
  readonly droppedAttributesCount?: number;
  readonly events?: readonly {
    readonly timeUnixNano?: string;
    readonly name?: string;
    readonly attributes?: JsonAttributes;
  }[];
  readonly droppedEventsCount?: number;
  readonly links?: readonly {
    readonly traceId?: string;
    readonly spanId?: string;
    readonly attributes?: JsonAttributes;
  }[];
  readonly droppedLinksCount?: number;
  readonly status?: { readonly code?: number; readonly message?: string };
}

const KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'];
const STATUSES = ['unset', 'ok', 'error'];
const HAS_IS_REMOTE = 0x100;
const IS_REMOTE = 0x200;

export function spanEntry(span: JsonSpan, origin: Origin): string {
  const { startTimeUnixNano: start = '0', endTimeUnixNano: end = '0', flags = 0, status } = span;
  const where = (flags & HAS_IS_REMOTE) === 0 ? '' : flags & IS_REMOTE ? ' (remote)' : ' (local)';
  const message = status?.message === undefined ? '' : ` ${quoted(status.message)}`;
  const lines = [
    `span ${quoted(span.name ?? '')}`,
    `  trace id    ${span.traceId ?? ''}`,
    `  span id     ${span.spanId ?? ''}`,
    `  parent id   ${span.parentSpanId === undefined ? 'none' : span.parentSpanId + where}`,
    `  kind        ${KINDS[span.kind ?? 0] ?? span.kind}`,
    `  start       ${timeOf(start)}`,
    `  duration    ${durationOf(BigInt(end) - BigInt(start))}`,
    `  status      ${STATUSES[status?.code ?? 0] ?? status?.code}${message}`,
    ...originLines(origin),
  ];
  if (span.traceState !== undefined) lines.push(`  trace state ${quoted(span.traceState)}`);
  lines.push(
    ...listLines('attributes', attributesOf(span.attributes), span.droppedAttributesCount),
    ...listLines(
      'events',
      (span.events ?? []).map(
        ({ timeUnixNano = '0', name = '', attributes }) =>
          `${timeOf(timeUnixNano)} ${quoted(name)}${braced(attributes)}`,
      ),
      span.droppedEventsCount,
    ),
    ...listLines(
      'links',
      (span.links ?? []).map(
        ({ traceId, spanId, attributes }) => `${traceId} ${spanId}${braced(attributes)}`,
      ),
      span.droppedLinksCount,
    ),
  );
  return lines.join('\n');
}
