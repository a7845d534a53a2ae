/**
 * What the encoder's notes are worth to gzip: the same kernel told and not told where the ids of our
 * own requests of 64, 512 and 4096 spans stand, with the copy out of the engine's memory.
 */

import assert from 'node:assert/strict';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { BenchCase, Prepared } from '../harness/case.ts';
import { load } from '../subjects/load.ts';

export const cases: readonly BenchCase[] = [64, 512, 4096].map((spans) => ({
  name: `compress/gzip-noted/traces-${spans}`,
  prepare: () => prepare(spans),
}));

async function prepare(spans: number): Promise<Prepared> {
  const requests = await Promise.all(
    (['simd', 'scalar'] as const).map(async (engine) => {
      const { gzipOfRequest } = await load('ours', `${engine}-noted`);
      return { engine, ...gzipOfRequest(engine, spans) };
    }),
  );
  const subjects = requests.flatMap(({ engine, request, noted, plain }) => [
    { name: `otlp-wasm/${engine}`, request, run: noted },
    { name: `otlp-wasm/${engine}, nothing noted`, request, run: plain },
  ]);
  const { request } = requests[0]!;
  subjects.push({ name: 'zlib/1', request, run: () => gzipSync(request, { level: 1 }) });
  return {
    rivals: ['otlp-wasm/simd, nothing noted', 'zlib/1'],
    work: { unit: 'MB/s', bytes: request.length },
    subjects: subjects.map(({ name, run }) => ({
      name,
      run,
      ratio: request.length / run().length,
    })),
    check() {
      for (const { name, request, run } of subjects) {
        assert(gunzipSync(run()).equals(request), `${name} does not inflate to what went in`);
      }
    },
  };
}
