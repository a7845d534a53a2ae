/** Snappy's block format, which is what a Collector calls `snappy` over HTTP. */

import type { BenchCase } from '../harness/case.ts';
import { snappyWasm } from '../rivals/compressors.mjs';
import { ENGINES } from '../subjects/engines.ts';
import { casesOf, ours } from './rows.ts';

export const cases: readonly BenchCase[] = casesOf({
  name: 'snappy',
  rivals: ['snappy-wasm'],
  async subjects(input) {
    const { compress, decompress } = await snappyWasm();
    return [
      ...(await ours(ENGINES, 'snappy', 2, input)),
      { name: 'snappy-wasm', run: () => compress(input), decode: decompress },
    ];
  },
});
