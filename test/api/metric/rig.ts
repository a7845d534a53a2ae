import type { Attributes, Context } from '@opentelemetry/api';
import type {
  CollectionResult,
  DataPoint,
  MetricData,
  ResourceMetrics,
} from '../../../src/api/metric/data.ts';
import {
  type MeterProviderParts,
  RecordingMeterProvider,
} from '../../../src/api/metric/provider.ts';
import type { MetricReader } from '../../../src/api/metric/reader.ts';
import {
  type ManualReader,
  manualReader,
  type ReaderOptions,
} from '../../../src/api/metric/readers.ts';
import { describe as described } from '../../../src/api/trace/attributes.ts';
import { Clock } from '../../../src/api/trace/clock.ts';
import { Cells } from '../../../src/buffer/cells.ts';
import { metricsSources } from '../../../src/engine/inlined-metrics.ts';
import { type FakeHost, fakeHost } from '../../../src/testing/fake-host.ts';

/** A meter provider on a clock that stands still until told, and what it warns of. */
export interface Rig {
  readonly host: FakeHost;
  readonly provider: RecordingMeterProvider;
  readonly reader: ManualReader;
  readonly warnings: string[];
  /** What the manual reader collects. */
  collect(): Promise<CollectionResult>;
  /** Its metrics, those of all scopes. */
  metrics(): Promise<MetricData[]>;
  /** The points of the metric of that name; none where there is no such metric. */
  points(name: string): Promise<readonly DataPoint<unknown>[]>;
  /** Lets the clock go on, without timers. */
  wait(ms: number): Promise<void>;
}

export interface RigOptions extends Partial<MeterProviderParts> {
  /** Of the manual reader. */
  readonly reader?: ReaderOptions;
  readonly maxBytes?: number;
}

/** Cells of their own, opened at once. */
export function openCells(maxBytes?: number): Cells {
  return Cells.open(metricsSources, undefined, maxBytes) as Cells;
}

export function rig(options: RigOptions = {}): Rig {
  const { reader: readerOptions, readers, maxBytes, ...parts } = options;
  const host = fakeHost();
  const warnings: string[] = [];
  const reader = manualReader(readerOptions);
  const provider = new RecordingMeterProvider({
    cells: parts.cells ?? openCells(maxBytes),
    host,
    clock: new Clock(host.now, host.unixNow, host.originMs()),
    resource: { attributes: described({ 'service.name': 'shop' }), schemaUrl: '' },
    readers: [reader as MetricReader, ...(readers ?? [])],
    warn: (line) => warnings.push(line),
    ...parts,
  });
  const collect = () => reader.collect();
  const metrics = async () => metricsOf((await collect()).resourceMetrics);
  return {
    host,
    provider,
    reader,
    warnings,
    collect,
    metrics,
    points: async (name) => pointsOf(await metrics(), name),
    wait: (ms) => host.advance(ms),
  };
}

export function metricsOf(collected: ResourceMetrics): MetricData[] {
  return collected.scopeMetrics.flatMap((scope) => scope.metrics);
}

export function pointsOf(metrics: readonly MetricData[], name: string): DataPoint<unknown>[] {
  return metrics
    .filter((metric) => metric.descriptor.name === name)
    .flatMap(
      (metric) => metric.dataPoints as readonly DataPoint<unknown>[] as DataPoint<unknown>[],
    );
}

/** Values by attributes, written as `key=value` in alphabetical order. */
export function byAttributes(points: readonly DataPoint<unknown>[]): Record<string, unknown> {
  return Object.fromEntries(points.map(({ attributes, value }) => [textOf(attributes), value]));
}

export function textOf(attributes: Attributes): string {
  return Object.keys(attributes)
    .sort()
    .map((key) => `${key}=${String(attributes[key])}`)
    .join();
}

export type { Context };
