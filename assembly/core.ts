/** What the core binary exports: rings, strings, codec, gzip fast, crc32. Always loaded. */

export { discard, initRing } from './buffer/ring';
export { encodeBatch } from './codec/batch';
export { defineGroup } from './codec/group';
export { gzipFast } from './compress/gzip';
export { crc32 } from './hash/crc32';
