/**
 * How late the event loop's turns come while 50,000 spans a second are recorded and delivered.
 * `harness` is the same workload without telemetry: what remains of the figures above its own is
 * caused by telemetry. Upstream cannot carry that many; what it does not deliver is in the figures,
 * too.
 */

import assert from 'node:assert/strict';
import type { BenchCase, Prepared } from '../harness/case.ts';
import type { Effort } from '../harness/measure.ts';
import type { Subject } from '../subjects/engines.ts';
import { type Collector, startCollector } from './collector.ts';
import { startSteady } from './steady.ts';

const SPANS_PER_SECOND = 50_000;
const SUBJECTS: readonly Subject[] = ['otlp-wasm/simd', 'opentelemetry-js', 'harness'];

export const cases: readonly BenchCase[] = [{ name: 'path/event-loop/http+gzip/50k', prepare }];

async function prepare(): Promise<Prepared> {
  const collector = await startCollector('http');
  return {
    rivals: ['opentelemetry-js'],
    subjects: SUBJECTS.map((subject) => ({
      name: subject,
      measure: (effort) => measureOne(collector, subject, effort),
    })),
    // Every round is checked: what arrived is decoded and counted (`startSteady`).
    check() {},
    close: () => collector.stop(),
  };
}

async function measureOne(collector: Collector, subject: Subject, effort: Effort) {
  const order = {
    subject,
    spansPerSecond: SPANS_PER_SECOND,
    gzip: true,
    warmupMs: effort.warmupMs * 15,
    runMs: effort.roundMs * 333,
  };
  const steady = await startSteady(collector, order);
  try {
    const { recorded, recordingMs, delayMs, arrived } = await steady.run();
    const late = {
      'ms event-loop delay p50': delayMs.p50,
      'ms event-loop delay p99': delayMs.p99,
      'ms event-loop delay max': delayMs.max,
    };
    if (subject === 'harness') return late;
    assert(arrived.spans > 0, `${subject}: nothing arrived`);
    return {
      ...late,
      'spans/s': (arrived.spans * 1000) / recordingMs,
      'spans dropped': recorded - arrived.spans,
    };
  } finally {
    steady.stop();
  }
}
