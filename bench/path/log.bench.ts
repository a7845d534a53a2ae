/** Log records: what one costs the thread that emits it, alone and with its batch of 512 encoded. */

import type { BenchCase, Prepared } from '../harness/case.ts';
import { assertLogs } from '../points.ts';
import { ENGINES } from '../subjects/engines.ts';
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
  const own = await Promise.all(
    ENGINES.map(async (engine) => {
      const emitter = (await load('ours-logs', `${engine}-emit`)).emitter(engine);
      return { name: `otlp-wasm/${engine}`, ...emitter };
    }),
  );
  return {
    rivals: RIVALS,
    work: WORK,
    subjects: [
      ...own,
      { name: 'opentelemetry-js', ...upstream.emitter() },
      { name: 'harness', ...harness.emitter() },
    ],
    check() {
      assertLogs(upstream.serialize(upstream.emitted(BATCH)), 0, BATCH);
      for (const subject of own) subject.check();
    },
  };
}

async function emitAndEncode(): Promise<Prepared> {
  const upstream = (await load('upstream-logs', 'encode')).encoder();
  const own = await Promise.all(
    ENGINES.map(async (engine) => {
      const encoder = (await load('ours-logs', `${engine}-encode`)).encoder(engine);
      return { name: `otlp-wasm/${engine}`, ...encoder };
    }),
  );
  const subjects = [...own, { name: 'opentelemetry-js', ...upstream }];
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
