import type { BrotliOptions } from 'node:zlib';
import type { HostBrotli } from '../../compress.ts';
import { builtin } from './builtin.ts';

export function brotliOptions(bytes: Uint8Array, quality: number): BrotliOptions {
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_SIZE_HINT } = builtin('node:zlib').constants;
  return { params: { [BROTLI_PARAM_QUALITY]: quality, [BROTLI_PARAM_SIZE_HINT]: bytes.length } };
}

export const brotli: HostBrotli = (bytes, quality) =>
  builtin('node:zlib').brotliCompressSync(bytes, brotliOptions(bytes, quality));
