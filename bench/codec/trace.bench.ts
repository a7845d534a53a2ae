/**
 * Encoding a batch of 512 ended spans as an ExportTraceServiceRequest. Ours reads the records
 * in its ring, upstream its ReadableSpans; both hold the same spans. Recording them anew
 * before each of our runs is not timed.
 */

import type { BenchCase, Prepared } from '../harness/case.ts';
import { assertSpans } from '../spans.ts';
import { ENGINES } from '../subjects/engines.ts';
import { load } from '../subjects/load.ts';
import { BATCH } from '../workload.ts';

export const cases: readonly BenchCase[] = [{ name: 'codec/trace/512', prepare }];

async function prepare(): Promise<Prepared> {
  const upstream = await load('upstream', 'codec');
  const spans = upstream.recorded(BATCH);
  const upstream2 = await load('upstream-2', 'codec');
  const spans2 = upstream2.recorded(BATCH);
  const own = await Promise.all(
    ENGINES.map(async (engine) => {
      const codec = (await load('ours', `${engine}-codec`)).codec(engine);
      return { name: `otlp-wasm/${engine}`, ...codec };
    }),
  );
  return {
    rivals: ['opentelemetry-js'],
    work: { unit: 'ns/op', ops: BATCH },
    subjects: [
      ...own,
      { name: 'opentelemetry-js', run: () => upstream.serialize(spans) },
      { name: 'opentelemetry-js-2.x', run: () => upstream2.serialize(spans2) },
    ],
    check() {
      assertSpans(upstream.serialize(spans), 0, BATCH);
      assertSpans(upstream2.serialize(spans2), 0, BATCH);
      for (const subject of own) subject.check();
    },
  };
}
