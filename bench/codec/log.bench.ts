/**
 * Encoding a batch of 512 log records as an ExportLogsServiceRequest. Ours reads the records in its
 * ring, upstream its ReadableLogRecords; both hold the same records. Emitting them anew before each
 * of our runs is not timed.
 */

import type { BenchCase, Prepared } from '../harness/case.ts';
import { assertLogs } from '../points.ts';
import { ENGINES } from '../subjects/engines.ts';
import { load } from '../subjects/load.ts';
import { BATCH } from '../workload.ts';

export const cases: readonly BenchCase[] = [{ name: 'codec/log/512', prepare }];

async function prepare(): Promise<Prepared> {
  const upstream = await load('upstream-logs', 'codec');
  const records = upstream.emitted(BATCH);
  const own = await Promise.all(
    ENGINES.map(async (engine) => {
      const codec = (await load('ours-logs', `${engine}-codec`)).codec(engine);
      return { name: `otlp-wasm/${engine}`, ...codec };
    }),
  );
  return {
    rivals: ['opentelemetry-js'],
    work: { unit: 'ns/op', ops: BATCH },
    subjects: [...own, { name: 'opentelemetry-js', run: () => upstream.serialize(records) }],
    check() {
      assertLogs(upstream.serialize(records), 0, BATCH);
      for (const subject of own) subject.check();
    },
  };
}
