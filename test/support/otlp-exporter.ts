/** The drop-in exporter on a host without time or network, and spans of upstream's SDK for it. */

import { TracerProvider } from '@opentelemetry/sdk-trace';
import type { OTLPExporterConfig } from '../../src/exporters/exporter-options.ts';
import { TraceExporter } from '../../src/exporters/otlp-trace-exporter.ts';
import type { ExporterHealth, ExportResult } from '../../src/exporters/signal-exporter.ts';
import type { SpanLike } from '../../src/exporters/span-like.ts';
import { type ExportFormat, PROTOBUF } from '../../src/request-bodies.ts';
import { type FakeHostOptions, fakeHost } from '../../src/testing/index.ts';
import { engineSources } from './engines.ts';

/** Ended spans as upstream's SDK hands them to exporters; each gets these attributes. */
export function endedSpans(count: number, attributes: Record<string, unknown> = {}): SpanLike[] {
  const ended: SpanLike[] = [];
  const provider = new TracerProvider({
    spanProcessors: [
      {
        onStart() {},
        onEnd: (span) => void ended.push(span),
        forceFlush: async () => {},
        shutdown: async () => {},
      },
    ],
  });
  const tracer = provider.getTracer('test', '1.0');
  for (let i = 0; i < count; i++) {
    tracer.startSpan(`span ${i}`, { attributes: attributes as never, root: true }).end();
  }
  return ended;
}

export function exporting(
  options: OTLPExporterConfig = {},
  hostOptions: FakeHostOptions = {},
  format: ExportFormat = PROTOBUF,
) {
  const host = fakeHost({ ...hostOptions, engines: { ...engineSources, ...hostOptions.engines } });
  const exporter = new TraceExporter(host, format, options);
  const results: ExportResult[] = [];
  return {
    host,
    exporter,
    transport: host.transport,
    /** What callbacks were called with, in order. */
    results,
    /** Exports so many spans. */
    export(spans: readonly SpanLike[] | number): void {
      const all = typeof spans === 'number' ? endedSpans(spans) : spans;
      exporter.export(all, (result) => void results.push(result));
    },
    traces: () => exporter.health().signals.traces,
  };
}

/** Spans that are neither sent nor rejected nor dropped nor queued: always 0. */
export function unaccounted({ signals }: ExporterHealth): number {
  const { recorded, sent, rejected, queued, dropped } = signals.traces;
  const gone = Object.values(dropped).reduce((sum, count) => sum + count, 0);
  return recorded - sent - rejected - queued - gone;
}
