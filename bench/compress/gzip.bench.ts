/**
 * gzip at our three levels. `fast` is the core's own kernel, which is there without the binary
 * `codecs`. The portable engine compresses with the host's zlib and is not measured.
 */

import { gunzipSync, gzipSync } from 'node:zlib';
import type { BenchCase } from '../harness/case.ts';
import { fflateGzip, pakoGzip } from '../rivals/compressors.mjs';
import { load } from '../subjects/load.ts';
import { type CompressorSubject, casesOf, ours } from './rows.ts';

const ENGINES = ['simd', 'scalar'] as const;

const decode = (bytes: Uint8Array) => gunzipSync(bytes);

const zlib = (input: Uint8Array, level: number): CompressorSubject => {
  return { name: `zlib/${level}`, run: () => gzipSync(input, { level }), decode };
};
const fflate = (input: Uint8Array, level: number): CompressorSubject => {
  return { name: `fflate/${level}`, run: () => fflateGzip(input, level), decode };
};
const pako = (input: Uint8Array, level: number): CompressorSubject => {
  return { name: `pako/${level}`, run: () => pakoGzip(input, level), decode };
};

export const cases: readonly BenchCase[] = [
  ...casesOf({
    name: 'gzip-fast',
    rivals: ['zlib/1', 'fflate/1'],
    subjects: async (input) => [
      ...(await Promise.all(
        ENGINES.map(async (engine) => {
          const run = (await load('ours', `${engine}-gzip`)).gzip(engine, input);
          return { name: `otlp-wasm/${engine}`, run, decode };
        }),
      )),
      ...(await ours([], 'gzip', 1, input)),
      zlib(input, 1),
      fflate(input, 1),
    ],
  }),
  ...casesOf({
    name: 'gzip-default',
    rivals: ['zlib/6', 'fflate/6', 'pako/6'],
    subjects: async (input) => [
      ...(await ours(ENGINES, 'gzip', 2, input)),
      zlib(input, 6),
      fflate(input, 6),
      pako(input, 6),
    ],
  }),
  ...casesOf({
    name: 'gzip-best',
    rivals: ['zlib/9'],
    subjects: async (input) => [...(await ours(ENGINES, 'gzip', 3, input)), zlib(input, 9)],
  }),
];
