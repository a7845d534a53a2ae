import { LEVEL_BEST, LEVEL_DEFAULT, LEVEL_FAST } from '../engine/generated/layout.ts';

/**
 * How the bytes of a body are coded, by the names of Content-Encoding that an OpenTelemetry
 * Collector knows; `deflate-raw` as the web's CompressionStream has it.
 */
export type Encoding =
  /** RFC 1952. */
  | 'gzip'
  /** DEFLATE in a zlib wrapper (RFC 9110, 8.4.1.2): the same as `zlib`. */
  | 'deflate'
  /** RFC 1950. */
  | 'zlib'
  /** RFC 1951, nothing around it. */
  | 'deflate-raw'
  /** RFC 8878. */
  | 'zstd'
  /** LZ4 frame format. */
  | 'lz4'
  /** Snappy block format: has to know the whole length first, so it cannot be a stream. */
  | 'snappy'
  /** Snappy framing format. */
  | 'x-snappy-framed'
  /** RFC 7932, by the host. */
  | 'br'
  /** The bytes as they are. */
  | 'identity';

/** What a body may be in. */
export type BodyEncoding = Exclude<Encoding, 'deflate-raw'>;

/** How much is done for a smaller result. */
export type Level = 'fast' | 'default' | 'best';

/** Of brotli, which is left to hosts. */
export const BROTLI_QUALITIES: Readonly<Record<Level, number>> = { fast: 1, default: 5, best: 11 };

/** As kernels are told. */
export const LEVELS: Readonly<Record<Level, number>> = {
  fast: LEVEL_FAST,
  default: LEVEL_DEFAULT,
  best: LEVEL_BEST,
};

/** zlib's, and those of whoever counts like it. */
export const ZLIB_LEVELS = { fast: 1, default: 6, best: 9 } as const;
