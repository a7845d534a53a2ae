import type { ExportFormat } from '../request-bodies.ts';
import type { ExporterHost } from './exporter-host.ts';
import type { OTLPExporterConfig } from './exporter-options.ts';
import { spanEncoder } from './record-encoder.ts';
import { type ExportedSignal, RING_BYTES, SignalExporter } from './signal-exporter.ts';
import type { SpanLike } from './span-like.ts';

const TRACES: ExportedSignal<readonly SpanLike[], 'traces'> = {
  name: 'traces',
  ringBytes: RING_BYTES,
  count: (spans) => spans.length,
  encoder: (engine, plan) => spanEncoder(engine, plan),
};

/**
 * Give it to a `BatchSpanProcessor` or a `SimpleSpanProcessor`, or to `NodeSDK` as `traceExporter`.
 */
export class TraceExporter extends SignalExporter<readonly SpanLike[], 'traces'> {
  constructor(host: ExporterHost, format: ExportFormat, options: OTLPExporterConfig) {
    super(TRACES, host, format, options);
  }
}
