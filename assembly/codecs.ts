/** What the binary `codecs` exports: the compressors besides the core's own. Loaded when asked for. */

export {
  deflate,
  deflateBlocks,
  gzip,
  gzipEnd,
  gzipStart,
  zlib,
  zlibEnd,
  zlibStart,
} from './compress/levels';
export { zstd, zstdBlocks, zstdStart } from './compress/zstd';
export { adler32 } from './hash/adler32';
export { crc32 } from './hash/crc32';
export { lz4, lz4Blocks, lz4Start } from './compress/lz4';
export { snappy, snappyChunks, snappyFramed, snappyStart } from './compress/snappy';
