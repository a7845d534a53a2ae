/**
 * Points of a request as a table that two SDKs can be compared by: one row per scope, metric and
 * attribute set, whatever their order.
 */

import { countsByIndex } from './exponential-oracle.ts';
import type {
  ModelExponentialPoint,
  ModelMetric,
  ModelMetricsRequest,
  ModelPoint,
} from './metric-model.ts';
import type { ModelAttributes, ModelValue } from './trace-model.ts';

/** A value of an attribute, with its kind. */
function valueText(value: ModelValue): string {
  return JSON.stringify(value, (_key, each) => (typeof each === 'bigint' ? `${each}n` : each));
}

/** A set, whatever the order of its keys. */
export function setText(attributes: ModelAttributes): string {
  return attributes
    .map(([key, value]) => `${JSON.stringify(key)}=${valueText(value)}`)
    .sort()
    .join(' ');
}

export interface Row {
  readonly scope: string;
  readonly metric: string;
  readonly set: string;
  readonly startTimeUnixNano: bigint;
  readonly timeUnixNano: bigint;
  /** Everything but times. */
  readonly said: unknown;
}

/** Buckets by index, so that empty ones at the ends make no difference. */
function buckets(point: ModelExponentialPoint, sign: 'positive' | 'negative') {
  const { offset, bucketCounts } = point[sign];
  return [...countsByIndex(offset, bucketCounts)].sort(([a], [b]) => a - b);
}

function said(metric: ModelMetric, point: ModelPoint): unknown {
  const { name: _, points: __, ...described } = metric;
  const { attributes, startTimeUnixNano, timeUnixNano, ...rest } = point;
  if ('scale' in rest) {
    const { scale, positive, negative, ...others } = rest;
    const [above, below] = [
      buckets(point as ModelExponentialPoint, 'positive'),
      buckets(point as ModelExponentialPoint, 'negative'),
    ];
    // A scale says nothing of no buckets.
    const isEmpty = above.length + below.length === 0;
    return {
      ...described,
      ...others,
      scale: isEmpty ? undefined : scale,
      positive: above,
      negative: below,
    };
  }
  if ('value' in rest && rest.value !== undefined && 'double' in rest.value) {
    // Upstream's sums lose the sign of a zero.
    return { ...described, ...rest, value: { double: rest.value.double + 0 } };
  }
  return { ...described, ...rest };
}

export function rowsOf(request: ModelMetricsRequest): Map<string, Row> {
  const rows = new Map<string, Row>();
  for (const { scopes } of request) {
    for (const { name, version, metrics } of scopes) {
      for (const metric of metrics) {
        for (const point of metric.points) {
          const row: Row = {
            scope: `${name}@${version}`,
            metric: metric.name,
            set: setText(point.attributes),
            startTimeUnixNano: point.startTimeUnixNano,
            timeUnixNano: point.timeUnixNano,
            said: said(metric, point),
          };
          const key = `${row.scope} ${row.metric} ${row.set}`;
          if (rows.has(key)) throw new Error(`two points for ${key}`);
          rows.set(key, row);
        }
      }
    }
  }
  return rows;
}
