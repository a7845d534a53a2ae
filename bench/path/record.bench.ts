/**
 * Recording: what a span costs the thread that makes it. `path/record` leaves the span
 * recorded (ours: in the ring; upstream: handed to a processor that does nothing);
 * `path/record+encode` goes on to a protobuf request of 512 spans.
 */

import type { BenchCase, Prepared } from '../harness/case.ts';
import { assertSpans } from '../spans.ts';
import { ENGINES } from '../subjects/engines.ts';
import { load } from '../subjects/load.ts';
import { BATCH } from '../workload.ts';

export const cases: readonly BenchCase[] = [
  { name: 'path/record/10attr', prepare: record },
  { name: 'path/record+encode/10attr', prepare: recordAndEncode },
];

async function record(): Promise<Prepared> {
  const upstream = await load('upstream', 'record');
  const upstream2 = await load('upstream-2', 'record');
  const harness = await load('harness', 'record');
  const own = await Promise.all(
    ENGINES.map(async (engine) => {
      const recorder = (await load('ours', engine)).recorder(engine);
      return { name: `otlp-wasm/${engine}`, ...recorder };
    }),
  );
  return {
    rivals: ['opentelemetry-js'],
    work: { unit: 'ns/op', ops: BATCH },
    subjects: [
      ...own,
      { name: 'opentelemetry-js', ...upstream.recorder() },
      { name: 'opentelemetry-js-2.x', ...upstream2.recorder() },
      { name: 'harness', ...harness.recorder() },
    ],
    check() {
      for (const { serialize, recorded } of [upstream, upstream2]) {
        assertSpans(serialize(recorded(BATCH)), 0, BATCH);
      }
      for (const subject of own) subject.check();
    },
  };
}

async function recordAndEncode(): Promise<Prepared> {
  const upstream = (await load('upstream', 'encode')).encoder();
  const upstream2 = (await load('upstream-2', 'encode')).encoder();
  const own = await Promise.all(
    ENGINES.map(async (engine) => {
      const encoder = (await load('ours', `${engine}-encode`)).encoder(engine);
      return { name: `otlp-wasm/${engine}`, ...encoder };
    }),
  );
  const subjects = [
    ...own,
    { name: 'opentelemetry-js', ...upstream },
    { name: 'opentelemetry-js-2.x', ...upstream2 },
  ];
  return {
    rivals: ['opentelemetry-js'],
    work: { unit: 'ns/op', ops: BATCH },
    subjects,
    check() {
      for (const { run } of subjects) {
        assertSpans(run(), 0, BATCH);
        assertSpans(run(), BATCH, BATCH);
      }
    },
  };
}
