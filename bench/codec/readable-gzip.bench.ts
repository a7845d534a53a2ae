/**
 * Ended spans of upstream's SDK to the compressed body of a request: what an exporter does for
 * every batch. Upstream's compresses with zlib at its default level, 6.
 */

import { gunzipSync, gzipSync } from 'node:zlib';
import type { BenchCase, Prepared } from '../harness/case.ts';
import { assertSpans } from '../spans.ts';
import { load } from '../subjects/load.ts';
import { BATCH } from '../workload.ts';

export const cases: readonly BenchCase[] = [{ name: 'codec/readable-spans-gzip/512', prepare }];

async function prepare(): Promise<Prepared> {
  const upstream = await load('upstream', 'readable');
  const spans = upstream.recorded(BATCH);
  const { bodyOf } = (await load('readable', 'gzip')).exporting();
  const subjects = [
    { name: 'otlp-wasm/simd', run: () => bodyOf(spans) },
    { name: 'opentelemetry-js', run: () => gzipSync(upstream.serialize(spans)) },
    {
      name: 'opentelemetry-js, zlib/1',
      run: () => gzipSync(upstream.serialize(spans), { level: 1 }),
    },
  ];
  const { length } = upstream.serialize(spans);
  return {
    rivals: ['opentelemetry-js'],
    work: { unit: 'ns/op', ops: BATCH },
    subjects: subjects.map((subject) => ({ ...subject, ratio: length / subject.run().length })),
    check() {
      for (const { run } of subjects) assertSpans(gunzipSync(run()), 0, BATCH);
    },
  };
}
