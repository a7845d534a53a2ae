/**
 * `otlp-wasm/exporters/console`: spans as text, for people. Not for production: the text is no
 * format that anything reads, may change with any version, and whatever the program records is
 * shown as it is.
 */

import { unbridged } from '../bridges/unbridged.ts';
import type { Outcome, Payload, Transport } from '../deliver/transport.ts';
import { jsonBody } from './json-body.ts';

export type { Outcome, Payload, Transport } from '../deliver/transport.ts';

export interface ConsoleTransportOptions {
  /** Takes the entry of one span: several lines, no newline at the end. Default `console.log`. */
  readonly write?: (entry: string) => void;
}

/**
 * A transport that prints an entry per span (OpenTelemetry specification, "Span Exporter - Standard
 * output"), for learning and debugging: `start({ transport: consoleTransport() })`. On every host.
 */
export function consoleTransport(options: ConsoleTransportOptions = {}): Transport {
  const { write = (entry: string) => unbridged(console.log)(entry) } = options;
  let closed = false;

  async function send(payload: Payload): Promise<Outcome> {
    if (closed) return { kind: 'retryable', reason: 'the transport is closed' };
    let entries: string[];
    try {
      const request = JSON.parse(new TextDecoder().decode(jsonBody(payload))) as JsonRequest;
      entries = entriesOf(request);
    } catch (error) {
      return { kind: 'rejected', reason: (error as Error).message };
    }
    let shown = 0;
    try {
      for (const entry of entries) {
        write(entry);
        shown++;
      }
    } catch (error) {
      const message = `console: ${error}`;
      if (shown === 0) return { kind: 'rejected', reason: message };
      return { kind: 'partial', rejected: entries.length - shown, message };
    }
    return { kind: 'delivered' };
  }

  return {
    name: 'console',
    compression: 'none',
    send,
    close() {
      closed = true;
    },
  };
}

// OTLP/JSON as `codec/json.ts` writes it: what is zero is left out.

interface JsonValue {
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly intValue?: string;
  readonly doubleValue?: number | string;
  readonly arrayValue?: { readonly values?: readonly JsonValue[] };
  readonly kvlistValue?: { readonly values?: JsonAttributes };
  readonly bytesValue?: string;
}

type JsonAttributes = readonly { readonly key?: string; readonly value?: JsonValue }[];

interface JsonSpan {
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

interface JsonScope {
  readonly name?: string;
  readonly version?: string;
}

interface JsonRequest {
  readonly resourceSpans?: readonly {
    readonly resource?: { readonly attributes?: JsonAttributes };
    readonly scopeSpans?: readonly {
      readonly scope?: JsonScope;
      readonly spans?: readonly JsonSpan[];
    }[];
  }[];
}

function entriesOf({ resourceSpans = [] }: JsonRequest): string[] {
  const entries: string[] = [];
  for (const { resource, scopeSpans = [] } of resourceSpans) {
    const name = resource?.attributes?.find(({ key }) => key === 'service.name');
    const service = textOf(name?.value);
    for (const { scope = {}, spans = [] } of scopeSpans) {
      for (const span of spans) entries.push(entryOf(span, scope, service));
    }
  }
  return entries;
}

const KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'];
const STATUSES = ['unset', 'ok', 'error'];
const HAS_IS_REMOTE = 0x100;
const IS_REMOTE = 0x200;

function entryOf(span: JsonSpan, scope: JsonScope, service: string): string {
  const { startTimeUnixNano: start = '0', endTimeUnixNano: end = '0', flags = 0, status } = span;
  const where = (flags & HAS_IS_REMOTE) === 0 ? '' : flags & IS_REMOTE ? ' (remote)' : ' (local)';
  const message = status?.message === undefined ? '' : ` ${quoted(status.message)}`;
  const version = scope.version === undefined ? '' : ` ${quoted(scope.version)}`;
  const lines = [
    `span ${quoted(span.name ?? '')}`,
    `  trace id    ${span.traceId ?? ''}`,
    `  span id     ${span.spanId ?? ''}`,
    `  parent id   ${span.parentSpanId === undefined ? 'none' : span.parentSpanId + where}`,
    `  kind        ${KINDS[span.kind ?? 0] ?? span.kind}`,
    `  start       ${timeOf(start)}`,
    `  duration    ${durationOf(BigInt(end) - BigInt(start))}`,
    `  status      ${STATUSES[status?.code ?? 0] ?? status?.code}${message}`,
    `  service     ${service}`,
    `  scope       ${quoted(scope.name ?? '')}${version}`,
  ];
  if (span.traceState !== undefined) lines.push(`  trace state ${quoted(span.traceState)}`);
  const list = (title: string, entries: readonly string[], dropped = 0) => {
    if (entries.length === 0 && dropped === 0) return;
    lines.push(`  ${title}`, ...entries.map((entry) => `    ${entry}`));
    if (dropped > 0) lines.push(`    (${dropped} more dropped)`);
  };
  list('attributes', attributesOf(span.attributes), span.droppedAttributesCount);
  list(
    'events',
    (span.events ?? []).map(
      ({ timeUnixNano = '0', name = '', attributes }) =>
        `${timeOf(timeUnixNano)} ${quoted(name)}${braced(attributes)}`,
    ),
    span.droppedEventsCount,
  );
  list(
    'links',
    (span.links ?? []).map(
      ({ traceId, spanId, attributes }) => `${traceId} ${spanId}${braced(attributes)}`,
    ),
    span.droppedLinksCount,
  );
  return lines.join('\n');
}

function attributesOf(attributes: JsonAttributes = []): string[] {
  return attributes.map(({ key = '', value }) => `${keyOf(key)}: ${textOf(value)}`);
}

function braced(attributes: JsonAttributes = []): string {
  return attributes.length === 0 ? '' : ` { ${attributesOf(attributes).join(', ')} }`;
}

function textOf(value: JsonValue | undefined): string {
  if (value?.stringValue !== undefined) return quoted(value.stringValue);
  if (value?.arrayValue !== undefined) {
    return `[${(value.arrayValue.values ?? []).map(textOf).join(', ')}]`;
  }
  if (value?.kvlistValue !== undefined) {
    const members = attributesOf(value.kvlistValue.values);
    return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`;
  }
  if (value?.bytesValue !== undefined) return `base64(${value.bytesValue})`;
  const { intValue, doubleValue, boolValue } = value ?? {};
  if (Object.is(doubleValue, -0)) return '-0';
  return String(intValue ?? doubleValue ?? boolValue ?? null);
}

/** Names that are what names usually are stay bare. */
function keyOf(key: string): string {
  return /^[\w.-]+$/.test(key) ? key : quoted(key);
}

/** In quotes, with escapes for all that a terminal might obey or not show. */
function quoted(text: string): string {
  return JSON.stringify(text).replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}

/** RFC 3339 with nanoseconds. */
function timeOf(unixNano: string): string {
  const nanos = BigInt(unixNano);
  const seconds = new Date(Number(nanos / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
  return `${seconds}.${String(nanos % 1_000_000_000n).padStart(9, '0')}Z`;
}

function durationOf(nanos: bigint): string {
  const sign = nanos < 0n ? '-' : '';
  const size = nanos < 0n ? -nanos : nanos;
  const rest = String(size % 1_000_000n)
    .padStart(6, '0')
    .replace(/0+$/, '');
  return `${sign}${size / 1_000_000n}${rest === '' ? '' : `.${rest}`} ms`;
}
