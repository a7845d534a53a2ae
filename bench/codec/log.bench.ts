/**
 * Encoding a batch of 512 log records as an ExportLogsServiceRequest. Ours reads the records in its
 * ring, upstream its ReadableLogRecords; both hold the same records. Emitting them anew before each
 * of our runs is not timed.
 */

import type { BenchCase, Prepared } from '../harness/case.ts';
import { assertLogs } from '../points.ts';
import { load } from '../subjects/load.ts';
import { BATCH } from '../workload.ts';

export const cases: readonly BenchCase[] = [{ name: 'codec/log/512', prepare }];

async function prepare(): Promise<Prepared> {
  const upstream = await load('upstream-logs', 'codec');
  const records = upstream.emitted(BATCH);
  return {
    rivals: ['opentelemetry-js'],
    work: { unit: 'ns/op', ops: BATCH },
    subjects: [{ name: 'opentelemetry-js', run: () => upstream.serialize(records) }],
    check() {
      assertLogs(upstream.serialize(records), 0, BATCH);
    },
  };
}
