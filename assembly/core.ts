/** What the core binary exports: ring, strings, codec, gzip fast, crc32. Always loaded. */

export { discard, initRing } from './buffer/ring';
export { defineGroup, encodeTraces } from './codec/trace';
export { gzipFast } from './compress/gzip';
export { crc32 } from './hash/crc32';
