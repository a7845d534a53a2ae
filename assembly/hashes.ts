/** What the binary `hashes` exports. Loaded when asked for. */

export { crc32 } from './hash/crc32';
