/**
 * `otlp-wasm/exporters/console`: spans, log records and metrics as text, for people. Not for
 * production: the text is no format that anything reads, may change with any version, and whatever
 * the program records is shown as it is.
 */

import { unbridged } from '../bridges/unbridged.ts';
import type { Outcome, Payload, Transport } from '../deliver/transport.ts';
import { type JsonLogRecord, logEntry } from './console-log.ts';
import { type JsonMetric, metricEntry, pointsIn } from './console-metric.ts';
import { type JsonSpan, spanEntry } from './console-span.ts';
import { type JsonAttributes, type JsonScope, type Origin, textOf } from './console-text.ts';
import { jsonBody } from './json-body.ts';

export type { Outcome, Payload, Transport } from '../deliver/transport.ts';

export interface ConsoleTransportOptions {
  /**
   * Takes the entry of one span, log record or metric: several lines, no newline at the end. Default
   * `console.log`.
   */
  readonly write?: (entry: string) => void;
}

/**
 * A transport that prints an entry per span, per log record and per metric (OpenTelemetry
 * specification, "Span Exporter", "LogRecord Exporter" and "Metrics Exporter - Standard output"), for
 * learning and debugging: `start({ transport: consoleTransport() })`. On every host.
 */
export function consoleTransport(options: ConsoleTransportOptions = {}): Transport {
  const { write = (entry: string) => unbridged(console.log)(entry) } = options;
  let closed = false;

  async function send(payload: Payload): Promise<Outcome> {
    if (closed) return { kind: 'retryable', reason: 'the transport is closed' };
    let entries: readonly Entry[];
    try {
      const request = JSON.parse(new TextDecoder().decode(jsonBody(payload))) as JsonRequest;
      entries = entriesOf(request);
    } catch (error) {
      return { kind: 'rejected', reason: (error as Error).message };
    }
    let left = entries.reduce((sum, { records }) => sum + records, 0);
    let shown = 0;
    try {
      for (const { text, records } of entries) {
        write(text);
        left -= records;
        shown++;
      }
    } catch (error) {
      const message = `console: ${error}`;
      if (shown === 0) return { kind: 'rejected', reason: message };
      return { kind: 'partial', rejected: left, message };
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

/** What is written at once. */
interface Entry {
  readonly text: string;
  readonly records: number;
}

interface JsonOrigin {
  readonly resource?: { readonly attributes?: JsonAttributes };
}

interface JsonInside {
  readonly scope?: JsonScope;
  readonly spans?: readonly JsonSpan[];
  readonly logRecords?: readonly JsonLogRecord[];
  readonly metrics?: readonly JsonMetric[];
}

/** Of one signal. */
interface JsonRequest {
  readonly resourceSpans?: readonly (JsonOrigin & {
    readonly scopeSpans?: readonly JsonInside[];
  })[];
  readonly resourceLogs?: readonly (JsonOrigin & { readonly scopeLogs?: readonly JsonInside[] })[];
  readonly resourceMetrics?: readonly (JsonOrigin & {
    readonly scopeMetrics?: readonly JsonInside[];
  })[];
}

function entriesOf({
  resourceSpans = [],
  resourceLogs = [],
  resourceMetrics = [],
}: JsonRequest): Entry[] {
  return [
    ...resourceSpans.flatMap((one) => entriesIn(one, one.scopeSpans)),
    ...resourceLogs.flatMap((one) => entriesIn(one, one.scopeLogs)),
    ...resourceMetrics.flatMap((one) => entriesIn(one, one.scopeMetrics)),
  ];
}

function entriesIn({ resource }: JsonOrigin, scopes: readonly JsonInside[] = []): Entry[] {
  const name = resource?.attributes?.find(({ key }) => key === 'service.name');
  const service = textOf(name?.value);
  return scopes.flatMap(({ scope = {}, spans = [], logRecords = [], metrics = [] }) => {
    const origin: Origin = { scope, service };
    return [
      ...spans.map((span) => ({ text: spanEntry(span, origin), records: 1 })),
      ...logRecords.map((record) => ({ text: logEntry(record, origin), records: 1 })),
      ...metrics.map((metric) => ({
        text: metricEntry(metric, origin),
        records: pointsIn(metric),
      })),
    ];
  });
}
