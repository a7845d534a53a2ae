/** Decoders of what not every host inflates by itself. Loaded late: a refusal is rare. */

import { inflateLz4 } from './lz4.ts';
import { inflateSnappy, inflateSnappyFramed } from './snappy.ts';
import { inflateZstd } from './zstd.ts';

/**
 * By Content-Encoding. All throw a `TooLong` beyond `maxBytes`, an Error for bytes that are not of
 * that coding.
 */
export const INFLATE = {
  zstd: inflateZstd,
  lz4: inflateLz4,
  snappy: inflateSnappy,
  'x-snappy-framed': inflateSnappyFramed,
} as const;
