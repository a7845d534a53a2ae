/** LZ4: our frame with its checksum against a bare block of lz4-wasm, which makes no frames. */

import type { BenchCase } from '../harness/case.ts';
import { lz4Wasm } from '../rivals/compressors.mjs';
import { ENGINES } from '../subjects/engines.ts';
import { casesOf, ours } from './rows.ts';

export const cases: readonly BenchCase[] = casesOf({
  name: 'lz4',
  rivals: ['lz4-wasm'],
  async subjects(input) {
    const { compress, decompress } = await lz4Wasm();
    return [
      ...(await ours(ENGINES, 'lz4', 2, input)),
      { name: 'lz4-wasm', run: () => compress(input), decode: decompress },
    ];
  },
});
