/**
 * Ended spans of upstream's SDK to a request: what an exporter does for every batch. All subjects
 * get the same ReadableSpans.
 */

import type { SpanLike } from '../../src/exporters/span-like.ts';
import type { BenchCase, Prepared } from '../harness/case.ts';
import { assertSpans } from '../spans.ts';
import { load } from '../subjects/load.ts';
import { BATCH } from '../workload.ts';

export const cases: readonly BenchCase[] = [{ name: 'codec/readable-spans/512', prepare }];

async function prepare(): Promise<Prepared> {
  const upstream = await load('upstream', 'readable');
  const spans = upstream.recorded(BATCH);
  const upstream2 = await load('upstream-2', 'readable');
  const spans2 = upstream2.recorded(BATCH);
  const codec = await load('readable', 'readable');
  const protobufjs = await load('protobufjs', 'readable');
  const subjects = [
    { name: 'otlp-wasm/simd', run: () => codec.encode(spans) },
    { name: 'protobufjs, static', run: () => protobufjs.serialize(spans as SpanLike[]) },
    { name: 'opentelemetry-js', run: () => upstream.serialize(spans) },
    { name: 'opentelemetry-js-2.x', run: () => upstream2.serialize(spans2) },
  ];
  return {
    rivals: ['opentelemetry-js', 'protobufjs, static'],
    work: { unit: 'ns/op', ops: BATCH },
    subjects,
    check() {
      for (const { run } of subjects) assertSpans(run(), 0, BATCH);
    },
  };
}
