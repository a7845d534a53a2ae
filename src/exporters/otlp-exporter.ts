/** What the entries of the drop-in exporters have besides their classes. */

export type * from '../api/metric/data.ts';
export type { Compression, Encoding } from '../compress/compress.ts';
export type { Level } from '../compress/encoding.ts';
export type { RetryPolicy } from '../deliver/retry.ts';
export { isOtlpError, OtlpError, type OtlpErrorCode } from '../errors.ts';
export type { EndpointHealth } from '../health/report.ts';
export type { CompressionOptions } from '../options/compression.ts';
export type { OTLPExporterConfig } from './exporter-options.ts';
export type { LogLike } from './log-like.ts';
export type { LogExporter } from './otlp-log-exporter.ts';
export {
  AggregationTemporalityPreference,
  CumulativeTemporalitySelector,
  DeltaTemporalitySelector,
  LowMemoryTemporalitySelector,
  type MetricExporter,
  type MetricPreferences,
  type OTLPMetricExporterOptions,
  type SelectedAggregation,
} from './otlp-metric-exporter.ts';
export type { TraceExporter } from './otlp-trace-exporter.ts';
export type {
  ExportedHealth,
  ExporterDropCause,
  ExporterHealth,
  ExportResult,
  SignalExporter,
} from './signal-exporter.ts';
export type * from './span-like.ts';
