import { gzipSync, zlibSync } from 'fflate';
import type { WebFormat } from './deflated.ts';

/** In JavaScript, for hosts that have nothing better; a chunk of its own, rarely loaded. */
export function deflated(bytes: Uint8Array, format: WebFormat, level: 1 | 6 | 9): Uint8Array {
  return format === 'gzip' ? gzipSync(bytes, { level }) : zlibSync(bytes, { level });
}
