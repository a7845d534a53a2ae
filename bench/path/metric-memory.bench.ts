/** Memory of a metric's series, of which there are ten thousand: `subjects/memory.ts`. */

import assert from 'node:assert/strict';
import type { BenchCase, Prepared } from '../harness/case.ts';
import { start } from '../harness/child.ts';
import type { Subject } from '../subjects/engines.ts';
import type { MemoryOrder, MemoryResult } from '../subjects/memory.ts';

const SUBJECTS: readonly Subject[] = ['otlp-wasm/simd', 'otlp-wasm/portable', 'opentelemetry-js'];

const SERIES = 10_000;

type What = Pick<MemoryOrder, 'kind' | 'temporality'>;

const WHAT: readonly What[] = [
  { kind: 'sum', temporality: 'cumulative' },
  { kind: 'sum', temporality: 'delta' },
  { kind: 'histogram', temporality: 'cumulative' },
  { kind: 'exponential', temporality: 'cumulative' },
];

export const cases: readonly BenchCase[] = WHAT.map((what) => ({
  name: `path/metric/memory/${what.kind}-${what.temporality}`,
  prepare: () => prepare(what),
}));

function prepare(what: What): Prepared {
  return {
    rivals: ['opentelemetry-js'],
    rounds: 3,
    subjects: SUBJECTS.map((subject) => ({
      name: subject,
      measure: () => measureOne({ ...what, subject, series: SERIES }),
    })),
    // That the series are the right ones is checked by path/metric/collect-10000.
    check() {},
  };
}

async function measureOne(order: MemoryOrder) {
  const child = start<never, MemoryResult>('subjects/memory', order, ['--expose-gc']);
  try {
    const { bytesPerSeries } = await child.next();
    assert(bytesPerSeries > 0);
    return { 'bytes/series': bytesPerSeries };
  } finally {
    child.stop();
  }
}
