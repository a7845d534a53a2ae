/** Series of metrics over several exports: what they had last, and how they got there. */

import { kindOf, type MetricKind } from '../collector/points.ts';
import type {
  ReceivedAttributes,
  ReceivedDataPoint,
  ReceivedMetric,
  ReceivedValue,
} from '../collector/received.ts';
import { visible } from './text.ts';

/** One attribute set of a metric, with its newest data point. */
export interface Series {
  readonly service: string;
  readonly name: string;
  readonly unit: string;
  readonly kind: MetricKind;
  /** Of a sum: only ever grows. */
  readonly isMonotonic: boolean;
  readonly attributes: ReceivedAttributes;
  readonly point: Omit<ReceivedDataPoint, 'metric'>;
  /** What a cumulative value has grown by since the export before; undefined for others. */
  readonly change: number | undefined;
  /** The course of the last exports: of what grows its growth. Of numbers only. */
  readonly recent: readonly number[];
}

export interface SeriesHistory {
  /** Takes what came in one request and tells what is now known of each of its series. */
  take(metrics: readonly ReceivedMetric[]): Map<string, Series>;
}

interface Past {
  readonly start: bigint;
  readonly value: number;
  readonly recent: readonly number[];
}

/** Exports whose values are remembered. */
const MAX_RECENT = 24;

const CUMULATIVE = 2;

/** @param maxSeries series that are remembered; those that have not come for longest go first. */
export function createSeriesHistory(maxSeries = 2_000): SeriesHistory {
  const known = new Map<string, Past>();

  function follow(key: string, metric: ReceivedMetric, series: Omit<Series, 'change' | 'recent'>) {
    const value = followed(series);
    const past = known.get(key);
    if (value === undefined) return { ...series, change: undefined, recent: [] };
    const start = series.point.startTimeUnixNano;
    const accumulates = isCumulative(metric, series);
    let change: number | undefined;
    if (accumulates && past !== undefined) {
      // After a restart it has grown from nothing.
      change = past.start === start && past.value <= value ? value - past.value : value;
    }
    const next = accumulates ? change : value;
    const before = past?.recent ?? [];
    const recent = next === undefined ? before : [...before, next].slice(-MAX_RECENT);
    known.delete(key);
    known.set(key, { start, value, recent });
    if (known.size > maxSeries) known.delete(known.keys().next().value as string);
    return { ...series, change, recent };
  }

  return {
    take(metrics) {
      const all = new Map<string, Series>();
      for (const metric of metrics) {
        const kind = kindOf(metric);
        if (kind === undefined) continue;
        const { name, unit, resource, scope, sum } = metric;
        const service = textOf(resource.attributes['service.name']) || 'unknown';
        const isMonotonic = sum?.isMonotonic ?? false;
        for (const point of metric[kind]!.dataPoints as readonly Series['point'][]) {
          const { attributes } = point;
          const key = JSON.stringify([service, scope.name, name, kind, sorted(attributes)], plain);
          const series = { service, name, unit, kind, isMonotonic, attributes, point };
          all.set(key, follow(key, metric, series));
        }
      }
      return all;
    },
  };
}

function textOf(value: ReceivedValue | undefined): string {
  return typeof value === 'string' ? visible(value) : '';
}

/** The same set in another order is the same series. */
function sorted(attributes: ReceivedAttributes): unknown {
  return Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));
}

function plain(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value;
}

/** What is followed: the value of a number, the count of others. */
function followed({ point }: Pick<Series, 'point'>): number | undefined {
  const value = point.asInt ?? point.asDouble ?? point.count;
  return value === undefined ? undefined : Number(value);
}

function isCumulative(
  metric: ReceivedMetric,
  { kind, isMonotonic }: Pick<Series, 'kind' | 'isMonotonic'>,
): boolean {
  if (kind === 'gauge') return false;
  if (kind === 'summary') return true;
  const grows = kind !== 'sum' || isMonotonic;
  return grows && metric[kind]!.aggregationTemporality === CUMULATIVE;
}
