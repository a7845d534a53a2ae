/**
 * Bytes allocated per recorded span, log record or measurement, in a process of its own whose
 * young generation is so large that nothing is collected meanwhile: what the heap grew by is
 * what was allocated.
 */

import { PerformanceObserver } from 'node:perf_hooks';
import { MEASUREMENTS } from '../measurements.ts';
import { BATCH } from '../workload.ts';
import type { EngineName, Subject } from './engines.ts';
import { load } from './load.ts';

/** What is recorded. */
export type Allocating = 'span' | 'log' | 'counter' | 'histogram';

export interface AllocationOrder {
  readonly subject: Subject;
  readonly what: Allocating;
}

export interface AllocationResult {
  readonly bytesPerOp: number;
}

/** Records, or measurements, until all is compiled; and those that are counted. */
const WARM_OPS = 160 * BATCH;
const OPS = 16 * BATCH;

const order: AllocationOrder = JSON.parse(process.argv[2]);
const { run, ops } = await open(order);
const runs = Math.ceil(OPS / ops);
for (let i = 0; i < Math.max(20, WARM_OPS / ops); i++) run();
await new Promise((resolve) => setTimeout(resolve, 50));
globalThis.gc?.({ type: 'minor' });
for (let i = 0; i < 2; i++) run();

const collections: number[] = [];
const observer = new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) collections.push(entry.startTime);
});
observer.observe({ entryTypes: ['gc'] });
const start = performance.now();
const before = allocatedBytes();
for (let i = 0; i < runs; i++) run();
const bytes = allocatedBytes() - before;
const end = performance.now();
// Entries arrive asynchronously.
await new Promise((resolve) => setTimeout(resolve, 50));
observer.disconnect();
if (collections.some((at) => at >= start && at <= end)) {
  throw new Error('garbage was collected while allocation was measured');
}

const result: AllocationResult = { bytesPerOp: bytes / (runs * ops) };
process.send?.(result);
process.disconnect();

async function open({ subject, what }: AllocationOrder): Promise<Recording> {
  const ops = what === 'span' || what === 'log' ? BATCH : MEASUREMENTS;
  return { ...(await openSubject(subject, what)), ops };
}

interface Recording {
  run(): unknown;
  readonly ops: number;
}

async function openSubject(subject: Subject, what: Allocating): Promise<{ run(): unknown }> {
  const upstream = subject === 'opentelemetry-js';
  const engine = subject.slice('otlp-wasm/'.length) as EngineName;
  switch (what) {
    case 'span':
      if (upstream) return (await load('upstream', 'allocation')).recorder();
      return (await load('ours', 'allocation')).recorder(engine);
    case 'log':
      if (subject === 'harness') return (await load('harness-metrics', 'allocation')).emitter();
      if (upstream) return (await load('upstream-logs', 'allocation')).emitter();
      return (await load('ours-logs', 'allocation')).emitter(engine);
    case 'counter': {
      if (subject === 'harness') return (await load('harness-metrics', 'allocation')).counting();
      if (upstream) {
        const { counting, open } = await load('upstream-metrics', 'allocation');
        return counting(open);
      }
      const { counting, opener } = await load('ours-metrics', 'allocation');
      return counting(opener(engine));
    }
    case 'histogram': {
      if (subject === 'harness') return (await load('harness-metrics', 'allocation')).recording();
      if (upstream) {
        const { recording, open } = await load('upstream-metrics', 'allocation');
        return recording(open, 'explicit');
      }
      const { recording, opener } = await load('ours-metrics', 'allocation');
      return recording(opener(engine), 'explicit');
    }
  }
}

function allocatedBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
