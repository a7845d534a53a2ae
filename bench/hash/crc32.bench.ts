/** CRC-32, which every gzip member ends with, over an OTLP request of 512 spans. */

import assert from 'node:assert/strict';
import * as zlib from 'node:zlib';
import type { BenchCase, Prepared } from '../harness/case.ts';
import { present } from '../harness/case.ts';
import { load } from '../subjects/load.ts';

export const cases: readonly BenchCase[] = [{ name: 'hash/crc32', prepare }];

async function prepare(): Promise<Prepared> {
  const upstream = await load('upstream', 'crc32');
  const input = upstream.serialize(upstream.recorded(512));
  // Node.js 20.15 and 22.2 brought it.
  const { crc32 } = zlib as { crc32?: (bytes: Uint8Array) => number };
  const own = await Promise.all(
    (['simd', 'scalar'] as const).map(async (engine) => {
      const run = (await load('ours', `${engine}-crc32`)).crc32(engine, input);
      return { name: `otlp-wasm/${engine}`, run };
    }),
  );
  const subjects = present([...own, crc32 && { name: 'zlib', run: () => crc32(input) }]);
  return {
    rivals: ['zlib'],
    work: { unit: 'MB/s', bytes: input.length },
    subjects,
    check() {
      // A gzip member ends with the CRC and the size of what went in (RFC 1952, 2.3.1).
      const member = zlib.gzipSync(input);
      const expected = member.readUInt32LE(member.length - 8);
      for (const { name, run } of subjects) assert.equal(run(), expected, name);
    },
  };
}
