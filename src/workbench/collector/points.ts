import type { Decoded } from './decode.ts';
import type { ReceivedDataPoint, ReceivedMetric } from './received.ts';

/** The kinds of data a metric may have, by the names of their fields. */
export const METRIC_KINDS = [
  'gauge',
  'sum',
  'histogram',
  'exponentialHistogram',
  'summary',
] as const;

export type MetricKind = (typeof METRIC_KINDS)[number];

/** Undefined for a metric without data. */
export function kindOf(metric: ReceivedMetric): MetricKind | undefined {
  return METRIC_KINDS.find((kind) => metric[kind] !== undefined);
}

export function dataPointsOf(metric: ReceivedMetric): ReceivedDataPoint[] {
  const kind = kindOf(metric);
  return kind === undefined
    ? []
    : metric[kind]!.dataPoints.map((point) => ({ ...point, metric }) as ReceivedDataPoint);
}

export function countPoints(metrics: readonly ReceivedMetric[]): number {
  return metrics.reduce((sum, metric) => {
    const kind = kindOf(metric);
    return sum + (kind === undefined ? 0 : metric[kind]!.dataPoints.length);
  }, 0);
}

/** Records of a request: spans, log records, data points. */
export function countDecoded({ spans, logRecords, dataPoints }: Decoded): number {
  return spans.length + logRecords.length + dataPoints;
}

/** What is left when only the records `from` up to `to` are kept, a metric being its data points. */
export function keptOf(decoded: Decoded, from: number, to: number): Decoded {
  if (from <= 0 && to >= countDecoded(decoded)) return decoded;
  const { spans, logRecords } = decoded;
  const end = Math.max(from, to);
  let at = 0;
  const metrics = decoded.metrics.flatMap((metric): ReceivedMetric[] => {
    const kind = kindOf(metric);
    if (kind === undefined) return [metric];
    const data = metric[kind]!;
    const first = at;
    at += data.dataPoints.length;
    const dataPoints = (data.dataPoints as readonly unknown[]).slice(
      Math.max(0, from - first),
      Math.max(0, end - first),
    );
    if (dataPoints.length === data.dataPoints.length) return [metric];
    return dataPoints.length === 0 ? [] : [{ ...metric, [kind]: { ...data, dataPoints } }];
  });
  return {
    spans: spans.slice(from, end),
    logRecords: logRecords.slice(from, end),
    metrics,
    dataPoints: countPoints(metrics),
  };
}
