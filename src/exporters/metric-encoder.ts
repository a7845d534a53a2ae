import type { ResourceMetrics } from '../api/metric/data.ts';
import { Cells } from '../buffer/cells.ts';
import type { Encoded } from '../codec/encode.ts';
import { encodeMetrics } from '../codec/metrics.ts';
import type { MetricsExports } from '../engine/generated/contract.ts';
import type { MemoryPlan } from '../engine/plan.ts';
import type { Engine, EngineSources } from '../engine/select.ts';
import type { RequestEncoder } from './signal-exporter.ts';

/** Where a host has the binary `metrics`. */
export type MetricSources = EngineSources<MetricsExports>;

/** How many there are; one, of which nothing will be read, where that cannot be told. */
export function pointsOf({ scopeMetrics }: ResourceMetrics): number {
  let points = 0;
  try {
    for (const { metrics } of scopeMetrics) {
      for (const { dataPoints } of metrics) points += dataPoints.length;
    }
  } catch {
    return 1;
  }
  return points;
}

/** Encodes in a memory of its own, from which requests are brought to where they are compressed. */
export function metricEncoder(
  engine: Engine,
  { request }: MemoryPlan,
  sources: MetricSources,
): RequestEncoder<ResourceMetrics> | Promise<RequestEncoder<ResourceMetrics>> {
  const cells = Cells.open(sources, undefined);
  return 'then' in cells
    ? cells.then((opened) => encoderOn(opened, engine, request))
    : encoderOn(cells, engine, request);
}

function encoderOn(
  cells: Cells,
  engine: Engine,
  { at, limitBytes }: MemoryPlan['request'],
): RequestEncoder<ResourceMetrics> {
  const memory = new Uint8Array(engine.buffer);
  return {
    engine,
    encode(metrics, take, unreadable) {
      const limits = { maxBytes: limitBytes };
      const { tooLarge, invalid, problem } = encodeMetrics(
        cells,
        metrics,
        limits,
        (bytes, points) => {
          memory.set(bytes, at);
          const encoded: Encoded = { at, bytes: bytes.length, records: points, tooLarge: 0 };
          take(encoded);
        },
      );
      for (let i = 0; i < invalid; i++) unreadable(problem);
      return tooLarge;
    },
  };
}
