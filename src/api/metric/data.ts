/**
 * Collected metrics, as readers, exporters and producers see them: the shapes of upstream's
 * `@opentelemetry/sdk-metrics`, so that exporters written for it take them, and exemplars and
 * summaries besides (OTLP metrics.proto).
 */

import type { Attributes, HrTime, MetricOptions, ValueType } from '@opentelemetry/api';
import {
  KIND_EXPONENTIAL,
  KIND_GAUGE,
  KIND_HISTOGRAM,
  KIND_SUM,
  KIND_SUMMARY,
} from '../../engine/generated/layout.ts';

/** Numbers are upstream's `AggregationTemporality`. */
export const DELTA = 0;
export const CUMULATIVE = 1;
export type AggregationTemporality = typeof DELTA | typeof CUMULATIVE;

/** Numbers are upstream's `DataPointType`; it has no summaries. */
export const HISTOGRAM = KIND_HISTOGRAM;
export const EXPONENTIAL_HISTOGRAM = KIND_EXPONENTIAL;
export const GAUGE = KIND_GAUGE;
export const SUM = KIND_SUM;
export const SUMMARY = KIND_SUMMARY;

/** A measurement that stands for others of its point (specification, "Exemplar"). */
export interface Exemplar {
  /** Those of the measurement that the point does not have. */
  readonly filteredAttributes: Attributes;
  readonly time: HrTime;
  readonly value: number;
  /** Of the span that was active; undefined where there was none. */
  readonly traceId?: string | undefined;
  readonly spanId?: string | undefined;
}

export interface DataPoint<Value> {
  readonly startTime: HrTime;
  readonly endTime: HrTime;
  readonly attributes: Attributes;
  readonly value: Value;
  readonly exemplars?: readonly Exemplar[];
}

export interface HistogramValue {
  readonly buckets: { readonly boundaries: readonly number[]; readonly counts: readonly number[] };
  /** Undefined where negative values may have been recorded. */
  readonly sum?: number | undefined;
  readonly count: number;
  readonly min?: number | undefined;
  readonly max?: number | undefined;
}

export interface ExponentialBuckets {
  /** Index of the first bucket. */
  readonly offset: number;
  readonly bucketCounts: readonly number[];
}

export interface ExponentialHistogramValue {
  readonly count: number;
  readonly sum?: number | undefined;
  readonly scale: number;
  readonly zeroCount: number;
  readonly zeroThreshold?: number;
  readonly positive: ExponentialBuckets;
  readonly negative: ExponentialBuckets;
  readonly min?: number | undefined;
  readonly max?: number | undefined;
}

export interface SummaryValue {
  readonly count: number;
  readonly sum: number;
  readonly quantiles: readonly { readonly quantile: number; readonly value: number }[];
}

export interface MetricDescriptor {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly valueType: ValueType;
  readonly advice?: MetricOptions['advice'];
}

interface Described {
  readonly descriptor: MetricDescriptor;
  readonly aggregationTemporality: AggregationTemporality;
}

export type MetricData =
  | (Described & {
      readonly dataPointType: typeof SUM;
      readonly isMonotonic: boolean;
      readonly dataPoints: readonly DataPoint<number>[];
    })
  | (Described & {
      readonly dataPointType: typeof GAUGE;
      readonly dataPoints: readonly DataPoint<number>[];
    })
  | (Described & {
      readonly dataPointType: typeof HISTOGRAM;
      readonly dataPoints: readonly DataPoint<HistogramValue>[];
    })
  | (Described & {
      readonly dataPointType: typeof EXPONENTIAL_HISTOGRAM;
      readonly dataPoints: readonly DataPoint<ExponentialHistogramValue>[];
    })
  | (Described & {
      readonly dataPointType: typeof SUMMARY;
      readonly dataPoints: readonly DataPoint<SummaryValue>[];
    });

/** The instrumentation scope of metrics. */
export interface MetricScope {
  readonly name: string;
  readonly version?: string | undefined;
  readonly schemaUrl?: string | undefined;
  readonly attributes?: Attributes | undefined;
}

export interface ScopeMetrics {
  readonly scope: MetricScope;
  readonly metrics: readonly MetricData[];
}

export interface ResourceMetrics {
  readonly resource: { readonly attributes: Attributes; readonly schemaUrl?: string | undefined };
  readonly scopeMetrics: readonly ScopeMetrics[];
}

/** What one collection found. */
export interface CollectionResult {
  readonly resourceMetrics: ResourceMetrics;
  /** What callbacks and producers threw, or that they took too long. */
  readonly errors: readonly unknown[];
}
