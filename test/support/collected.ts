/** Collected metrics as objects, for what reads them. */

import type { Attributes, HrTime } from '@opentelemetry/api';
import {
  type AggregationTemporality,
  CUMULATIVE,
  type DataPoint,
  EXPONENTIAL_HISTOGRAM,
  type Exemplar,
  type ExponentialHistogramValue,
  GAUGE,
  HISTOGRAM,
  type HistogramValue,
  type MetricData,
  type MetricScope,
  type ResourceMetrics,
  SUM,
  SUMMARY,
  type SummaryValue,
} from '../../src/api/metric/data.ts';

export const START: HrTime = [1_700_000_000, 250_000_000];
export const END: HrTime = [1_700_000_060, 500_000_000];

type Point<Value> = readonly [
  attributes: Attributes,
  value: Value,
  exemplars?: readonly Partial<Exemplar>[],
];

export interface Given {
  readonly unit?: string;
  readonly description?: string;
  readonly temporality?: AggregationTemporality;
  readonly startTime?: HrTime;
}

function described(name: string, { unit = '', description = '', temporality }: Given) {
  return {
    // ValueType.DOUBLE, which is a value of an enumeration and needs the API loaded.
    descriptor: { name, description, unit, valueType: 1 },
    aggregationTemporality: temporality ?? CUMULATIVE,
  } as const;
}

function points<Value>(given: Given, all: readonly Point<Value>[]): readonly DataPoint<Value>[] {
  return all.map(([attributes, value, exemplars = []]) => ({
    startTime: given.startTime ?? START,
    endTime: END,
    attributes,
    value,
    exemplars: exemplars.map((exemplar) => ({
      ...{ filteredAttributes: {}, time: END, value: 1 },
      ...exemplar,
    })),
  }));
}

export function counter(
  name: string,
  all: readonly Point<number>[],
  given: Given = {},
): MetricData {
  const dataPoints = points(given, all);
  return { ...described(name, given), dataPointType: SUM, isMonotonic: true, dataPoints };
}

export function upDownCounter(
  name: string,
  all: readonly Point<number>[],
  given: Given = {},
): MetricData {
  const dataPoints = points(given, all);
  return { ...described(name, given), dataPointType: SUM, isMonotonic: false, dataPoints };
}

export function gauge(name: string, all: readonly Point<number>[], given: Given = {}): MetricData {
  return { ...described(name, given), dataPointType: GAUGE, dataPoints: points(given, all) };
}

export function histogram(
  name: string,
  all: readonly Point<HistogramValue>[],
  given: Given = {},
): MetricData {
  return { ...described(name, given), dataPointType: HISTOGRAM, dataPoints: points(given, all) };
}

export function exponentialHistogram(
  name: string,
  all: readonly Point<ExponentialHistogramValue>[],
  given: Given = {},
): MetricData {
  const dataPoints = points(given, all);
  return { ...described(name, given), dataPointType: EXPONENTIAL_HISTOGRAM, dataPoints };
}

export function summary(
  name: string,
  all: readonly Point<SummaryValue>[],
  given: Given = {},
): MetricData {
  return { ...described(name, given), dataPointType: SUMMARY, dataPoints: points(given, all) };
}

/** Of one scope, by default one without a name. */
export function collected(
  metrics: readonly MetricData[],
  { resource = {}, scope = { name: '' } }: { resource?: Attributes; scope?: MetricScope } = {},
): ResourceMetrics {
  return { resource: { attributes: resource }, scopeMetrics: [{ scope, metrics }] };
}
