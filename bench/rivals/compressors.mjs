// Compressors in JavaScript and WebAssembly, from the versions this folder locks. The latter are
// loaded when asked for: some compile at once.

import { createRequire } from 'node:module';
import { gzipSync } from 'fflate';
import { gzip } from 'pako';

export function fflateGzip(bytes, level) {
  return gzipSync(bytes, { level });
}

export function pakoGzip(bytes, level) {
  return gzip(bytes, { level });
}

export async function zstdWasm() {
  const { default: zstd } = await import('@bokuweb/zstd-wasm');
  await zstd.init();
  return { compress: zstd.compress, decompress: zstd.decompress };
}

export async function lz4Wasm() {
  const { default: lz4 } = await import('lz4-wasm-nodejs');
  return { compress: lz4.compress, decompress: lz4.decompress };
}

export async function snappyWasm() {
  // Its module for `import` has no way to be loaded on Node.js.
  const snappy = createRequire(import.meta.url)('snappy-wasm');
  return { compress: snappy.compress_raw, decompress: snappy.decompress_raw };
}
