/**
 * What a series of a metric costs in memory, in a process of its own: ten thousand series are
 * measured and collected a few times, and measured once more, as they are just before a collection;
 * then everything alive is counted, on the JavaScript heap and beside it, the engine's memory
 * included. What was alive before, with another provider that has recorded and collected, is taken off.
 */

import { recordSeries } from '../measurements.ts';
import type { EngineName, Subject } from './engines.ts';
import { load } from './load.ts';
import type { Metering, MeteringOptions, SeriesKind } from './metrics-sdk.ts';

export interface MemoryOrder {
  readonly subject: Subject;
  readonly kind: SeriesKind;
  readonly temporality: MeteringOptions['temporality'];
  readonly series: number;
}

export interface MemoryResult {
  readonly bytesPerSeries: number;
}

const INTERVALS = 3;

const order: MemoryOrder = JSON.parse(process.argv[2]!);
const open = await opener(order);
const other = await measured(open(), 100);
const before = await alive();
const counted = await measured(open(), order.series);
const after = await alive();
const result: MemoryResult = { bytesPerSeries: (after - before) / order.series };
// Both are alive until here.
await Promise.all([other.collect(), counted.collect()]);
process.send?.(result);
process.disconnect();

async function opener({ subject, kind, temporality, series }: MemoryOrder) {
  if (subject === 'opentelemetry-js') {
    const sdk = await load('upstream-metrics', 'memory');
    return () => sdk.openSeries(sdk.open, kind, temporality, series);
  }
  const sdk = await load('ours-metrics', 'memory');
  const openOn = sdk.opener(subject.slice('otlp-wasm/'.length) as EngineName);
  return () => sdk.openSeries(openOn, kind, temporality, series);
}

async function measured(metering: Metering, series: number): Promise<Metering> {
  const instrument =
    order.kind === 'sum'
      ? metering.meter.createCounter('app.requests')
      : metering.meter.createHistogram('app.duration', { unit: 'ms' });
  for (let n = 0; n < INTERVALS; n++) {
    recordSeries(instrument, series);
    await metering.collect();
  }
  recordSeries(instrument, series);
  return metering;
}

/** Bytes that survive collection. */
async function alive(): Promise<number> {
  for (let n = 0; n < 4; n++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    globalThis.gc?.();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
