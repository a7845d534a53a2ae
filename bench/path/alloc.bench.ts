/** Bytes allocated on the JavaScript heap per recorded span: what the collector must clear. */

import assert from 'node:assert/strict';
import type { BenchCase, Prepared } from '../harness/case.ts';
import { start } from '../harness/child.ts';
import type { AllocationResult } from '../subjects/allocation.ts';
import type { Subject } from '../subjects/engines.ts';

const SUBJECTS: readonly Subject[] = ['otlp-wasm/simd', 'otlp-wasm/portable', 'opentelemetry-js'];

export const cases: readonly BenchCase[] = [{ name: 'path/alloc/10attr', prepare }];

/** Young generation in MiB: several times what a measurement allocates. */
const YOUNG_MIB = 256;

function prepare(): Prepared {
  return {
    rivals: ['opentelemetry-js'],
    subjects: SUBJECTS.map((subject) => ({ name: subject, measure: () => measureOne(subject) })),
    // That the subjects record the right spans is checked by path/record.
    check() {},
  };
}

async function measureOne(subject: Subject) {
  const child = start<never, AllocationResult>('subjects/allocation', { subject }, [
    '--expose-gc',
    `--min-semi-space-size=${YOUNG_MIB}`,
    `--max-semi-space-size=${YOUNG_MIB}`,
  ]);
  try {
    const { bytesPerSpan } = await child.next();
    assert(bytesPerSpan > 0);
    return { 'bytes allocated/op': bytesPerSpan };
  } finally {
    child.stop();
  }
}
