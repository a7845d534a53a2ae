/**
 * `otlp-wasm/metrics`: readers, and what views and readers are told (docs/metrics.md), for
 * `start({ metrics })`.
 */

export {
  AGGREGATION_DEFAULT,
  AGGREGATION_DROP,
  AGGREGATION_EXPLICIT_BUCKET_HISTOGRAM,
  AGGREGATION_EXPONENTIAL_HISTOGRAM,
  AGGREGATION_LAST_VALUE,
  AGGREGATION_SUM,
  type AggregationOption,
  CUMULATIVE_TEMPORALITY,
  DELTA_TEMPORALITY,
  type InstrumentKind,
  LOW_MEMORY_TEMPORALITY,
  type TemporalitySelector,
} from './api/metric/aggregation.ts';
export type * from './api/metric/data.ts';
export { CUMULATIVE, DELTA } from './api/metric/data.ts';
export {
  alignedHistogramBucketReservoir,
  type ExemplarReservoir,
  type ReservoirFactory,
  simpleFixedSizeReservoir,
} from './api/metric/exemplar.ts';
export type {
  CollectOptions,
  Collector,
  MetricFilter,
  MetricProducer,
  MetricReader,
  PushMetricExporter,
} from './api/metric/reader.ts';
export {
  type ManualReader,
  manualReader,
  type PeriodicReaderOptions,
  periodicReader,
  type ReaderOptions,
} from './api/metric/readers.ts';
export type { AttributesProcessor, ViewMatchingMode, ViewOptions } from './api/metric/view.ts';
