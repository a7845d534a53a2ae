import type { MetricData, MetricScope, ResourceMetrics } from './data.ts';

/**
 * Divides metrics into batches of so many points, all but the last one full, in the order they
 * have; points of one metric may end up in several (specification, `maxExportBatchSize`).
 */
export function splitMetrics(metrics: ResourceMetrics, maxPoints: number): ResourceMetrics[] {
  const { resource } = metrics;
  const batches: ResourceMetrics[] = [];
  let scopes: { scope: MetricScope; metrics: MetricData[] }[] = [];
  let left = maxPoints;
  for (const { scope, metrics: of } of metrics.scopeMetrics) {
    let current: { scope: MetricScope; metrics: MetricData[] } | undefined;
    for (const metric of of) {
      const { dataPoints } = metric;
      for (let at = 0; at < dataPoints.length; ) {
        const points = dataPoints.slice(at, at + left);
        at += points.length;
        left -= points.length;
        if (current === undefined) {
          current = { scope, metrics: [] };
          scopes.push(current);
        }
        current.metrics.push({ ...metric, dataPoints: points } as MetricData);
        if (left > 0) continue;
        batches.push({ resource, scopeMetrics: scopes });
        scopes = [];
        current = undefined;
        left = maxPoints;
      }
    }
  }
  if (scopes.length > 0) batches.push({ resource, scopeMetrics: scopes });
  return batches;
}
