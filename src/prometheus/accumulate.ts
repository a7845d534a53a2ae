/**
 * Delta sums and histograms made cumulative, for metric producers that have nothing else: Prometheus
 * knows only what was since the beginning (specification, "Sums" and "Histograms"). Each collection
 * brings what happened since the last, so a series is kept from when it is first seen. Exponential
 * histograms stay as they are, and are left out where text is made of them.
 */

import type { Attributes } from '@opentelemetry/api';
import {
  CUMULATIVE,
  type DataPoint,
  DELTA,
  HISTOGRAM,
  type HistogramValue,
  type MetricData,
  type MetricScope,
  type ResourceMetrics,
  type ScopeMetrics,
  SUM,
} from '../api/metric/data.ts';
import { isAfter } from './numbers.ts';
import type { Complain } from './settings.ts';
import { valueText } from './value-text.ts';

/** Series that are kept of one metric: the specification's limit of cardinality. */
const MAX_SERIES = 2000;

type Summable = Extract<MetricData, { dataPointType: typeof SUM | typeof HISTOGRAM }>;

interface Kept {
  readonly scope: MetricScope;
  data: Summable;
  readonly points: Map<string, DataPoint<number> | DataPoint<HistogramValue>>;
}

/** @returns what makes metrics cumulative, given those of one collection after the other. */
export function accumulation(
  complain: Complain,
): (resourceMetrics: ResourceMetrics) => ResourceMetrics {
  const kept = new Map<string, Kept>();

  function keep(scope: MetricScope, data: Summable): void {
    const { name, unit } = data.descriptor;
    const of = [scope.name, scope.version, scope.schemaUrl, keyOf(scope.attributes ?? {})];
    const key = JSON.stringify([...of, name, unit, data.dataPointType]);
    const known = kept.get(key) ?? { scope, data, points: new Map() };
    kept.set(key, known);
    known.data = data;
    for (const point of data.dataPoints) {
      const series = keyOf(point.attributes);
      const before = known.points.get(series);
      if (before === undefined && known.points.size === MAX_SERIES) {
        complain(`series of metric '${name}' are left out: there are more than ${MAX_SERIES}`);
      } else if (before === undefined) known.points.set(series, point);
      // What was told before is not added again.
      else if (isAfter(point.endTime, before.endTime))
        known.points.set(series, added(before, point));
    }
  }

  return ({ resource, scopeMetrics }) => {
    const others: ScopeMetrics[] = scopeMetrics.map(({ scope, metrics }) => ({
      scope,
      metrics: metrics.filter((data) => {
        if (data.aggregationTemporality !== DELTA) return true;
        if (data.dataPointType !== SUM && data.dataPointType !== HISTOGRAM) return true;
        keep(scope, data);
        return false;
      }),
    }));
    const cumulative = Array.from(kept.values(), ({ scope, data, points }): ScopeMetrics => {
      const dataPoints = [...points.values()];
      const all = { ...data, aggregationTemporality: CUMULATIVE, dataPoints } as MetricData;
      return { scope, metrics: [all] };
    });
    return { resource, scopeMetrics: [...others, ...cumulative] };
  };
}

type Point = DataPoint<number> | DataPoint<HistogramValue>;

/** Of two points of one series, one after the other; exemplars are those of the later. */
function added(before: Point, point: Point): Point {
  const { value } = point;
  const { value: sum, startTime } = before;
  if (typeof value === 'number' || typeof sum === 'number') {
    return { ...point, startTime, value: (sum as number) + (value as number) };
  }
  const { boundaries, counts } = value.buckets;
  const isSame =
    boundaries.length === sum.buckets.boundaries.length &&
    boundaries.every((boundary, i) => boundary === sum.buckets.boundaries[i]);
  // With other buckets it begins again.
  if (!isSame) return point;
  const total: HistogramValue = {
    count: sum.count + value.count,
    buckets: { boundaries, counts: counts.map((count, i) => count + sum.buckets.counts[i]!) },
    sum: sum.sum === undefined || value.sum === undefined ? undefined : sum.sum + value.sum,
  };
  return { ...point, startTime, value: total };
}

/** The same for equal attributes, in whatever order. */
function keyOf(attributes: Attributes): string {
  return JSON.stringify(
    Object.keys(attributes)
      .sort()
      .map((key) => [key, typeof attributes[key], valueText(attributes[key])]),
  );
}
