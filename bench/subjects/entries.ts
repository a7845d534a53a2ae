/** `otlp-wasm/compress` and `otlp-wasm/hash` as they are for who uses them alone. */

import { gzip, lz4, snappy, zstd } from '../../src/runtime/node/compress.ts';
import { adler32, crc32, crc32c, xxh32, xxh64 } from '../../src/runtime/node/hash.ts';
import type { HashName } from '../rivals/hashes.mjs';

const FORMATS = { gzip, lz4, snappy, zstd };
const HASHES = { adler32, crc32, crc32c, xxh32, xxh64 };

export type EntryFormat = keyof typeof FORMATS;

const LEVELS = { 1: 'fast', 2: 'default', 3: 'best' } as const;

export type LevelNumber = keyof typeof LEVELS;

export function compress(
  format: EntryFormat,
  level: LevelNumber,
  input: Uint8Array,
): () => Uint8Array {
  const options = { level: LEVELS[level] };
  const compressed = FORMATS[format];
  return () => compressed(input, options);
}

export function hash(name: HashName, input: Uint8Array): () => number | bigint {
  const hashed = HASHES[name];
  return () => hashed(input);
}
