export type HashName = 'adler32' | 'crc32' | 'crc32c' | 'xxh32' | 'xxh64';

/** Digests with the most significant byte first. */
export function hashWasm(name: HashName): Promise<(bytes: Uint8Array) => Uint8Array>;
export function xxhashWasm(
  name: 'xxh32' | 'xxh64',
): Promise<(bytes: Uint8Array) => number | bigint>;
