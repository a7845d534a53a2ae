import { compressOn } from '../../compress.ts';
import { inlinedCodecs } from '../../engine/inlined-codecs.ts';

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
} = compressOn(inlinedCodecs);

export { isOtlpError, OtlpError } from '../../errors.ts';
