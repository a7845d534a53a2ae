import { compressOn } from '../../compress.ts';
import { inlinedCodecs } from '../../engine/inlined-codecs.ts';
import { brotli as hostBrotli } from '../web/brotli.ts';

const functions = compressOn(inlinedCodecs, hostBrotli);

/** See {@link Compress.gzip}. */
export const gzip = functions.gzip;
/** See {@link Compress.zlib}. */
export const zlib = functions.zlib;
/** See {@link Compress.deflateRaw}. */
export const deflateRaw = functions.deflateRaw;
/** See {@link Compress.zstd}. */
export const zstd = functions.zstd;
/** See {@link Compress.lz4}. */
export const lz4 = functions.lz4;
/** See {@link Compress.snappy}. */
export const snappy = functions.snappy;
/** See {@link Compress.snappyFramed}. */
export const snappyFramed = functions.snappyFramed;
/** See {@link Compress.brotli}. */
export const brotli = functions.brotli;
/** See {@link Compress.compress}. */
export const compress = functions.compress;
/** See {@link Compress.worstCase}. */
export const worstCase = functions.worstCase;
/** See {@link Compress.createCompressor}. */
export const createCompressor = functions.createCompressor;
/** See {@link Compress.compressionStream}. */
export const compressionStream = functions.compressionStream;
/** See {@link Compress.ready}. */
export const ready = functions.ready;

export type { Encoding, Level } from '../../compress/encoding.ts';
export type { Compress, CompressFunction, CompressOptions, Compressor } from '../../compress.ts';
export type { Bytes } from '../../engine/input.ts';
export { isOtlpError, OtlpError } from '../../errors.ts';
