/** Log records: what one costs the thread that emits it, alone and with its batch of 512 encoded. */

import type { BenchCase, Prepared } from '../harness/case.ts';
import { assertLogs } from '../points.ts';
import { load } from '../subjects/load.ts';
import { BATCH } from '../workload.ts';

export const cases: readonly BenchCase[] = [
  { name: 'path/log/emit-10attr', prepare: emit },
  { name: 'path/log/emit+encode-10attr', prepare: emitAndEncode },
];

const RIVALS = ['opentelemetry-js'];
const WORK = { unit: 'ns/op', ops: BATCH } as const;

async function emit(): Promise<Prepared> {
  const upstream = await load('upstream-logs', 'emit');
  const harness = await load('harness-metrics', 'emit');
  return {
    rivals: RIVALS,
    work: WORK,
    subjects: [
      { name: 'opentelemetry-js', ...upstream.emitter() },
      { name: 'harness', ...harness.emitter() },
    ],
    check() {
      assertLogs(upstream.serialize(upstream.emitted(BATCH)), 0, BATCH);
    },
  };
}

async function emitAndEncode(): Promise<Prepared> {
  const upstream = (await load('upstream-logs', 'encode')).encoder();
  const subjects = [{ name: 'opentelemetry-js', ...upstream }];
  return {
    rivals: RIVALS,
    work: WORK,
    subjects,
    check() {
      for (const { run } of subjects) {
        assertLogs(run(), 0, BATCH);
        assertLogs(run(), BATCH, BATCH);
      }
    },
  };
}
