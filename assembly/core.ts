/** The core binary's exports: ring, strings, codec, gzip fast, crc32. Always loaded. */

export { crc32 } from './hash/crc32';
