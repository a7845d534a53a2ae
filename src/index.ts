export type { IdGenerator } from './api/trace/ids.ts';
export type { SpanProcessor } from './api/trace/processors.ts';
export type { ReadableSpan } from './api/trace/readable.ts';
export type { Compression, Encoding } from './compress/compress.ts';
export type { Level } from './compress/encoding.ts';
export type { DropPolicy } from './deliver/queue.ts';
export type { RetryPolicy } from './deliver/retry.ts';
export type { Connections, RetryableAnswers, Signal } from './deliver/transport.ts';
export type { EngineName } from './engine/select.ts';
export { isOtlpError, OtlpError, type OtlpErrorCode } from './errors.ts';
export type {
  EndpointHealth,
  FlushReport,
  Health,
  SignalHealth,
  TraceDropCause,
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
} from './options/options.ts';
export type { Telemetry } from './telemetry.ts';
