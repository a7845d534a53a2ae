import type { HostBrotli } from '../../compress.ts';
import { builtin } from './builtin.ts';

export const brotli: HostBrotli = (bytes, quality) => {
  const { brotliCompressSync, constants } = builtin('node:zlib');
  return brotliCompressSync(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: quality,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  });
};
