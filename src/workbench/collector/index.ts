/** `otlp-wasm/collector`: an OTLP receiver, over HTTP and gRPC, to embed in tests, demos and scripts (Node). */

export { isOtlpError, OtlpError, type OtlpErrorCode } from '../../errors.ts';
export {
  type Awaited,
  type Collector,
  type CollectorOptions,
  type CollectorStats,
  startCollector,
} from './collector.ts';
export type { Fault, FaultKind } from './fault.ts';
export type {
  ReceivedAttributes,
  ReceivedEvent,
  ReceivedLink,
  ReceivedLogRecord,
  ReceivedMetric,
  ReceivedMetricData,
  ReceivedOrigin,
  ReceivedRequest,
  ReceivedResource,
  ReceivedScope,
  ReceivedSignal,
  ReceivedSpan,
  ReceivedValue,
} from './received.ts';
