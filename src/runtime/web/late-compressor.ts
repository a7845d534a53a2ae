import type { Host } from '../host.ts';

/** See {@link Host.compressor}. */
export const compressor: Host['compressor'] = (parts) =>
  import('./web-compressor.ts').then((late) => late.compressor(parts));
