/**
 * gzip at our level `fast` over OTLP requests of 64, 512 and 4096 spans, which are upstream's
 * bytes. Our run is the kernel over the engine's memory, where an encoded request already is,
 * and the copy out of it that the pipeline makes; zlib and fflate return a buffer of theirs.
 * The portable engine compresses with the host's zlib and has no kernel to measure.
 */

import assert from 'node:assert/strict';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { BenchCase, Prepared } from '../harness/case.ts';
import { fflateGzip } from '../rivals/compressors.mjs';
import { load } from '../subjects/load.ts';

export const cases: readonly BenchCase[] = [64, 512, 4096].map((spans) => ({
  name: `compress/gzip-fast/traces-${spans}`,
  prepare: () => prepare(spans),
}));

async function prepare(spans: number): Promise<Prepared> {
  const upstream = await load('upstream', 'gzip');
  const input = upstream.serialize(upstream.recorded(spans));
  const own = await Promise.all(
    (['simd', 'scalar'] as const).map(async (engine) => {
      const run = (await load('ours', `${engine}-gzip`)).gzip(engine, input);
      return { name: `otlp-wasm/${engine}`, run };
    }),
  );
  const subjects = [
    ...own,
    { name: 'zlib/1', run: () => gzipSync(input, { level: 1 }) },
    { name: 'zlib/6', run: () => gzipSync(input, { level: 6 }) },
    { name: 'fflate/1', run: () => fflateGzip(input, 1) },
  ];
  return {
    rivals: ['zlib/1'],
    work: { unit: 'MB/s', bytes: input.length },
    subjects: subjects.map((subject) => ({
      ...subject,
      ratio: input.length / subject.run().length,
    })),
    check() {
      for (const { name, run } of subjects) {
        assert(gunzipSync(run()).equals(input), `${name} does not inflate to what went in`);
      }
    },
  };
}
