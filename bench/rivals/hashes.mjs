// Hashes in WebAssembly, from the versions this folder locks. Each is called as its authors say
// it is fastest: an instance made once, and no hexadecimal text where a number can be had.

import { createAdler32, createCRC32, createXXHash32, createXXHash64 } from 'hash-wasm';
import xxhash from 'xxhash-wasm';

const CREATE = {
  adler32: createAdler32,
  crc32: createCRC32,
  crc32c: () => createCRC32(0x82f63b78),
  xxh32: createXXHash32,
  xxh64: createXXHash64,
};

export async function hashWasm(name) {
  const hasher = await CREATE[name]();
  return (bytes) => hasher.init().update(bytes).digest('binary');
}

export async function xxhashWasm(name) {
  const { h32Raw, h64Raw } = await xxhash();
  return name === 'xxh32' ? (bytes) => h32Raw(bytes) : (bytes) => h64Raw(bytes);
}
