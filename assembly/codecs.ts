/** What the binary `codecs` exports: the compressors besides the core's own. Loaded when asked for. */

export { crc32 } from './hash/crc32';
