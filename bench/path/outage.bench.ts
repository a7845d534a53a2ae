/**
 * The collector is away for a minute (connections are refused) while 10,000 spans a second are
 * recorded, and then comes back. In `…-and-on` recording goes on for half a minute more, as
 * the traffic of a real outage does; without, it ends with the outage. gzip, and the default
 * budget of 64 MiB for requests that wait.
 *
 * Takes minutes and so runs only when it is asked for by name. `OTLP_WASM_BENCH_OUTAGE_S=5`
 * makes the outage so many seconds.
 */

import assert from 'node:assert/strict';
import type { BenchCase, Prepared } from '../harness/case.ts';
import type { Effort } from '../harness/measure.ts';
import type { Subject } from '../subjects/engines.ts';
import { type Collector, startCollector } from './collector.ts';
import { startSteady } from './steady.ts';

const SPANS_PER_SECOND = 10_000;
const SUBJECTS: readonly Subject[] = ['otlp-wasm/simd', 'opentelemetry-js'];

const seconds = Number(process.env['OTLP_WASM_BENCH_OUTAGE_S'] ?? 60);
if (!(seconds >= 1)) throw new Error('OTLP_WASM_BENCH_OUTAGE_S: give a number of seconds from 1');

interface Outage {
  readonly awayMs: number;
  /** How long spans are recorded after it. */
  readonly afterMs: number;
}

const OUTAGES: Readonly<Record<string, Outage>> = {
  [`${seconds}s`]: { awayMs: seconds * 1000, afterMs: 0 },
  [`${seconds}s-and-on`]: { awayMs: seconds * 1000, afterMs: seconds * 500 },
};

export const cases: readonly BenchCase[] = Object.entries(OUTAGES).map(([name, outage]) => ({
  name: `path/outage/${name}`,
  askedBy: 'path/outage',
  prepare: () => prepare(outage),
}));

async function prepare(outage: Outage): Promise<Prepared> {
  const collector = await startCollector('http');
  return {
    rivals: ['opentelemetry-js'],
    subjects: SUBJECTS.map((subject) => ({
      name: subject,
      measure: (effort) => measureOne(collector, subject, outage, effort),
    })),
    // Every round is checked: what arrived is decoded and counted (`startSteady`).
    check() {},
    rounds: 1,
    close: () => collector.stop(),
  };
}

async function measureOne(collector: Collector, subject: Subject, outage: Outage, effort: Effort) {
  const { awayMs, afterMs } = outage;
  const steady = await startSteady(collector, {
    subject,
    spansPerSecond: SPANS_PER_SECOND,
    gzip: true,
    warmupMs: effort.warmupMs * 15,
    runMs: awayMs + afterMs,
  });
  try {
    await collector.setAway(true);
    let backAt = 0;
    const back = new Promise((resolve) => setTimeout(resolve, awayMs)).then(async () => {
      await collector.setAway(false);
      backAt = Date.now();
    });
    const [result] = await Promise.all([steady.run(() => backAt), back]);
    const { recorded, peakRssBytes, peakQueueBytes, arrived } = result;
    assert(recorded >= (SPANS_PER_SECOND * awayMs) / 1000, `${recorded} spans recorded`);
    const caughtUpAt = arrived.lastBeforeAt;
    return {
      'spans arrived': arrived.spans,
      'spans dropped': recorded - arrived.spans,
      ...(caughtUpAt !== undefined && {
        's until caught up': Math.max(0, caughtUpAt - backAt) / 1000,
      }),
      'MiB peak RSS': peakRssBytes / 2 ** 20,
      ...(peakQueueBytes !== undefined && { 'MiB peak queue': peakQueueBytes / 2 ** 20 }),
    };
  } finally {
    steady.stop();
  }
}
