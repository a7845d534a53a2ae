/**
 * zstd at our three levels, with the checksum that our frames have and the rivals' do not. The
 * rival is zstd itself in WebAssembly; Node.js has a native one from 22.15 on.
 */

import * as zlib from 'node:zlib';
import { type BenchCase, present } from '../harness/case.ts';
import { type Compressor, zstdWasm } from '../rivals/compressors.mjs';
import { ENGINES } from '../subjects/engines.ts';
import type { LevelNumber } from '../subjects/entries.ts';
import { type CompressorSubject, casesOf, ours } from './rows.ts';

interface NativeZstd {
  readonly zstdCompressSync?: (
    bytes: Uint8Array,
    options: { params: Record<number, number> },
  ) => Uint8Array;
  readonly zstdDecompressSync?: (bytes: Uint8Array) => Uint8Array;
}

/** ZSTD_c_compressionLevel of zstd's own header, and of `zlib.constants` where it is there. */
const LEVEL_PARAMETER = 100;

function native(input: Uint8Array, level: number): CompressorSubject | undefined {
  const { zstdCompressSync: compress, zstdDecompressSync: decode } = zlib as NativeZstd;
  if (compress === undefined || decode === undefined) return undefined;
  const run = () => compress(input, { params: { [LEVEL_PARAMETER]: level } });
  return { name: `zlib/zstd-${level}`, run, decode };
}

let loaded: Promise<Compressor> | undefined;

function casesAt(name: string, level: LevelNumber, theirs: number): readonly BenchCase[] {
  return casesOf({
    name,
    rivals: [`zstd-wasm/${theirs}`, `zlib/zstd-${theirs}`],
    async subjects(input) {
      loaded ??= zstdWasm();
      const { compress, decompress } = await loaded;
      const own = await ours(ENGINES, 'zstd', level, input);
      return present([
        // Read by zstd itself, which looks at the checksum.
        ...own.map((subject) => ({ ...subject, decode: decompress })),
        {
          name: `zstd-wasm/${theirs}`,
          run: () => compress(input, theirs),
          decode: decompress,
        },
        native(input, theirs),
      ]);
    },
  });
}

export const cases: readonly BenchCase[] = [
  ...casesAt('zstd-fast', 1, 1),
  ...casesAt('zstd-default', 2, 3),
  ...casesAt('zstd-best', 3, 9),
];
