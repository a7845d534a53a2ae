import { compressOn } from '../../compress.ts';
import { brotli as hostBrotli } from '../web/brotli.ts';
import { codecsSources } from './codecs.ts';

// Documented where declarations come from: ../node/compress.ts.
export const {
  gzip,
  zlib,
  deflateRaw,
  zstd,
  lz4,
  snappy,
  snappyFramed,
  brotli,
  compress,
  worstCase,
  createCompressor,
  compressionStream,
  ready,
} = compressOn(codecsSources, hostBrotli);

export { isOtlpError, OtlpError } from '../../errors.ts';
