// JavaScript compressors, from the versions this folder locks.

import { gzipSync } from 'fflate';

export function fflateGzip(bytes, level) {
  return gzipSync(bytes, { level });
}
