/**
 * Bytes allocated on the JavaScript heap per recorded span, emitted log record or measurement:
 * what the collector must clear. `harness` is the caller's own: literals and strings.
 */

import assert from 'node:assert/strict';
import type { BenchCase, Prepared } from '../harness/case.ts';
import { start } from '../harness/child.ts';
import type { Allocating, AllocationResult } from '../subjects/allocation.ts';
import type { Subject } from '../subjects/engines.ts';

const SUBJECTS: Readonly<Record<Allocating, readonly Subject[]>> = {
  span: ['otlp-wasm/simd', 'otlp-wasm/portable', 'opentelemetry-js'],
  log: ['otlp-wasm/simd', 'otlp-wasm/portable', 'opentelemetry-js', 'harness'],
  counter: ['otlp-wasm/simd', 'opentelemetry-js', 'harness'],
  histogram: ['otlp-wasm/simd', 'opentelemetry-js', 'harness'],
};

export const cases: readonly BenchCase[] = [
  { name: 'path/alloc/10attr', prepare: () => prepare('span') },
  { name: 'path/alloc/log-10attr', prepare: () => prepare('log') },
  { name: 'path/alloc/counter-4attr', prepare: () => prepare('counter') },
  { name: 'path/alloc/histogram-4attr', prepare: () => prepare('histogram') },
];

/** Young generation in MiB: several times what a measurement allocates. */
const YOUNG_MIB = 256;

function prepare(what: Allocating): Prepared {
  return {
    rivals: ['opentelemetry-js'],
    subjects: SUBJECTS[what].map((subject) => ({
      name: subject,
      measure: () => measureOne(subject, what),
    })),
    // That the subjects record the right things is checked by path/record, path/log and path/metric.
    check() {},
  };
}

async function measureOne(subject: Subject, what: Allocating) {
  const child = start<never, AllocationResult>('subjects/allocation', { subject, what }, [
    '--expose-gc',
    `--min-semi-space-size=${YOUNG_MIB}`,
    `--max-semi-space-size=${YOUNG_MIB}`,
  ]);
  try {
    const { bytesPerOp } = await child.next();
    assert(bytesPerOp > 0);
    return { 'bytes allocated/op': bytesPerOp };
  } finally {
    child.stop();
  }
}
