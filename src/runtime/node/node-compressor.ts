import * as zlib from 'node:zlib';
import type { LateCompressor } from '../../compress/compress.ts';
import { BROTLI_QUALITIES, ZLIB_LEVELS } from '../../compress/encoding.ts';
import { type LateParts, type LateSources, lateCompressor } from '../../compress/policy.ts';
import { brotliOptions } from './brotli.ts';
import { codecsSources } from './codecs.ts';

const ZSTD_LEVELS = { fast: 1, default: 3, best: 9 };

/** What Node's zlib has from 22.15 on. */
const { zstdCompressSync } = zlib as {
  readonly zstdCompressSync?: (bytes: Uint8Array, options: object) => Uint8Array;
};

/** `ZSTD_c_compressionLevel`. */
const ZSTD_LEVEL = 100;

const toZlib: LateSources['host']['zlib'] = (bytes, level) =>
  zlib.deflateSync(bytes, { level: ZLIB_LEVELS[level] });

const sources: LateSources = {
  codecs: codecsSources,
  host: {
    gzip: (bytes, level) => zlib.gzipSync(bytes, { level: ZLIB_LEVELS[level] }),
    zlib: toZlib,
    deflate: toZlib,
    ...(zstdCompressSync !== undefined && {
      zstd: (bytes, level) =>
        zstdCompressSync(bytes, { params: { [ZSTD_LEVEL]: ZSTD_LEVELS[level] } }),
    }),
    // Its best takes a second for a megabyte: off the main thread.
    br: (bytes, level) =>
      new Promise((resolve, reject) => {
        const options = brotliOptions(bytes, BROTLI_QUALITIES[level]);
        zlib.brotliCompress(bytes, options, (error, body) => {
          if (error === null) resolve(body);
          else reject(error);
        });
      }),
  },
};

export const compressor = (parts: LateParts): Promise<LateCompressor> =>
  lateCompressor(parts, sources);
