/**
 * Measurements: what one costs the thread that makes it, with attributes in a fresh object literal
 * over a hundred sets (`measurements.ts`), and through bound instruments.
 */

import type { BenchCase, Prepared } from '../harness/case.ts';
import { MEASUREMENTS } from '../measurements.ts';
import { load } from '../subjects/load.ts';

export const cases: readonly BenchCase[] = [
  { name: 'path/metric/counter-4attr-100sets', prepare: () => counter(false) },
  { name: 'path/metric/counter-4attr-built-strings', prepare: () => counter(true) },
  { name: 'path/metric/histogram-explicit', prepare: () => histogram('explicit') },
  { name: 'path/metric/histogram-exponential', prepare: () => histogram('exponential') },
];

const RIVALS = ['opentelemetry-js'];
const WORK = { unit: 'ns/op', ops: MEASUREMENTS } as const;

async function counter(built: boolean): Promise<Prepared> {
  const upstream = await load('upstream-metrics', `counter-${built}`);
  const harness = await load('harness-metrics', `counter-${built}`);
  const rival = upstream.counting(upstream.open, built);
  return {
    rivals: RIVALS,
    work: WORK,
    subjects: [
      { name: 'opentelemetry-js', ...rival },
      { name: 'harness', ...harness.counting(built) },
    ],
    async check() {
      await rival.check();
    },
  };
}

async function histogram(kind: 'explicit' | 'exponential'): Promise<Prepared> {
  const upstream = await load('upstream-metrics', kind);
  const harness = await load('harness-metrics', kind);
  const rival = upstream.recording(upstream.open, kind);
  return {
    rivals: RIVALS,
    work: WORK,
    subjects: [
      { name: 'opentelemetry-js', ...rival },
      { name: 'harness', ...harness.recording() },
    ],
    async check() {
      await rival.check();
    },
  };
}
