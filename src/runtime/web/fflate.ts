import { gzipSync } from 'fflate';

/** gzip in JavaScript, for hosts that have nothing better; a chunk of its own, rarely loaded. */
export function gzip(bytes: Uint8Array): Uint8Array {
  return gzipSync(bytes, { level: 1 });
}
