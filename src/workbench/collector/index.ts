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
  ReceivedBuckets,
  ReceivedDataPoint,
  ReceivedEvent,
  ReceivedExemplar,
  ReceivedExponentialHistogramPoint,
  ReceivedHistogramPoint,
  ReceivedLink,
  ReceivedLogRecord,
  ReceivedMetric,
  ReceivedMetricData,
  ReceivedNumberPoint,
  ReceivedOrigin,
  ReceivedRecords,
  ReceivedRequest,
  ReceivedResource,
  ReceivedScope,
  ReceivedSignal,
  ReceivedSpan,
  ReceivedSum,
  ReceivedSummaryPoint,
  ReceivedTemporalData,
  ReceivedValue,
} from './received.ts';
