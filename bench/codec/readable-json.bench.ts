/**
 * Ended spans of upstream's SDK to a request in OTLP/JSON, as `readable.bench.ts` has it for
 * protobuf; and the half of it that is ours alone, protobuf to JSON.
 */

import type { BenchCase, Prepared } from '../harness/case.ts';
import { assertJsonSpans } from '../spans.ts';
import { load } from '../subjects/load.ts';
import { BATCH } from '../workload.ts';

export const cases: readonly BenchCase[] = [{ name: 'codec/readable-spans-json/512', prepare }];

async function prepare(): Promise<Prepared> {
  const upstream = await load('upstream', 'readable');
  const spans = upstream.recorded(BATCH);
  const upstream2 = await load('upstream-2', 'readable');
  const spans2 = upstream2.recorded(BATCH);
  const codec = await load('readable', 'readable');
  const alone = await load('readable', 'json-alone');
  const request = alone.encode(spans);
  const subjects = [
    { name: 'otlp-wasm/simd', run: () => codec.encodeJson(spans) },
    { name: 'otlp-wasm, from protobuf', run: () => alone.toJson(request) },
    { name: 'opentelemetry-js', run: () => upstream.serializeJson(spans) },
    { name: 'opentelemetry-js-2.x', run: () => upstream2.serializeJson(spans2) },
  ];
  return {
    rivals: ['opentelemetry-js'],
    work: { unit: 'ns/op', ops: BATCH },
    subjects,
    check() {
      for (const { run } of subjects) assertJsonSpans(run(), 0, BATCH);
    },
  };
}
