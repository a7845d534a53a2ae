export type { IdGenerator } from './api/trace/ids.ts';
export type { SpanProcessor } from './api/trace/processors.ts';
export type { ReadableSpan } from './api/trace/readable.ts';
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
  KeyPatterns,
  PreparedRedaction,
  RedactionPreset,
  RedactionRules,
  StartOptions,
} from './options/options.ts';
export type { Telemetry } from './telemetry.ts';
