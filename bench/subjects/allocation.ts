/**
 * Bytes allocated per recorded span, in a process of its own whose young generation is so
 * large that nothing is collected meanwhile: what the heap grew by is what was allocated.
 */

import { PerformanceObserver } from 'node:perf_hooks';
import { BATCH } from '../workload.ts';
import type { Subject } from './engines.ts';
import { load } from './load.ts';

export interface AllocationOrder {
  readonly subject: Subject;
}

export interface AllocationResult {
  readonly bytesPerSpan: number;
}

const WARM_BATCHES = 160;
const BATCHES = 16;

const order: AllocationOrder = JSON.parse(process.argv[2]);
const { run } = await open(order.subject);
for (let i = 0; i < WARM_BATCHES; i++) run();
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
for (let i = 0; i < BATCHES; i++) run();
const bytes = allocatedBytes() - before;
const end = performance.now();
// Entries arrive asynchronously.
await new Promise((resolve) => setTimeout(resolve, 50));
observer.disconnect();
if (collections.some((at) => at >= start && at <= end)) {
  throw new Error('garbage was collected while allocation was measured');
}

const result: AllocationResult = { bytesPerSpan: bytes / (BATCHES * BATCH) };
process.send?.(result);
process.disconnect();

async function open(subject: Subject): Promise<{ run(): unknown }> {
  if (subject === 'opentelemetry-js') return (await load('upstream', 'allocation')).recorder();
  const engine = subject.slice('otlp-wasm/'.length) as 'simd' | 'scalar' | 'portable';
  return (await load('ours', 'allocation')).recorder(engine);
}

function allocatedBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
