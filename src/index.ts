export type { LoggerConfig, LoggerConfigurator } from './api/log/config.ts';
export type { LogEnabledOptions, LogRecordProcessor } from './api/log/processors.ts';
export type { ReadableLogRecord, ReadWriteLogRecord } from './api/log/readable.ts';
export {
  type AnyValue,
  type EnabledOptions,
  type Logger,
  type LoggerOptions,
  type LoggerProvider,
  type LogRecord,
  SeverityNumber,
} from './api/log/types.ts';
export type { ExemplarFilter } from './api/metric/exemplar.ts';
export type {
  MeterConfig,
  MeterConfigurator,
  MeterProviderOptions,
} from './api/metric/provider.ts';
export type { MetricProducer, MetricReader } from './api/metric/reader.ts';
export type { ViewMatchingMode, ViewOptions } from './api/metric/view.ts';
export type { IdGenerator } from './api/trace/ids.ts';
export type { SpanProcessor } from './api/trace/processors.ts';
export type { ReadableSpan } from './api/trace/readable.ts';
export type { Compression, Encoding } from './compress/compress.ts';
export type { Level } from './compress/encoding.ts';
export type { DropPolicy } from './deliver/queue.ts';
export type { RetryPolicy } from './deliver/retry.ts';
export type { Connections, RecordedSignal, RetryableAnswers, Signal } from './deliver/transport.ts';
export type { EngineName } from './engine/select.ts';
export { isOtlpError, OtlpError, type OtlpErrorCode } from './errors.ts';
export type {
  EndpointHealth,
  FlushReport,
  Health,
  MetricsHealth,
  RecordDropCause,
  SignalHealth,
  TraceHealth,
} from './health/report.ts';
export type {
  ApiKeyAuth,
  AuthOptions,
  BearerAuth,
  BearerFileAuth,
  Secret,
} from './options/auth.ts';
export type { CompressionOptions } from './options/compression.ts';
export type {
  KeyPatterns,
  PreparedRedaction,
  Protocol,
  RedactionPreset,
  RedactionRules,
  StartOptions,
  TemporalityPreference,
} from './options/options.ts';
export type { Telemetry } from './telemetry.ts';
