/** Option `compression`, which `start()` and the drop-in exporters have alike. */

import type { Compression, CompressionPolicy, Encoding } from '../compress/compress.ts';
import type { Level } from '../compress/encoding.ts';
import { anyOf, refused } from './checks.ts';
import { type Numbers, oneOf } from './delivery.ts';
import type { Variables } from './env.ts';

/** How bodies are compressed. */
export interface CompressionOptions {
  /** The name in Content-Encoding. Default as where this object is left out. */
  readonly encoding?: Compression;
  /**
   * `fast`: the least CPU time. `default`: smaller, for two to four times that. `best`: smallest, for
   * about ten times. `lz4` and `snappy` have one level. Default `fast`.
   */
  readonly level?: Level;
  /** Bodies of fewer bytes go as they are: they hardly get smaller. Default 450. */
  readonly minBytes?: number;
}

/** What gRPC has a name for, what HTTP has besides, and what takes a host that has it. */
const ENCODINGS = 'gzip zstd snappy none deflate zlib lz4 x-snappy-framed br'.split(
  ' ',
) as readonly Compression[];
const OVER_GRPC = 4;

const MAX_BYTES = 64 * 1024 * 1024;

/** What the encodings that can be had depend on. */
export interface CompressionContext {
  readonly grpc: boolean;
  /** Of the host. */
  readonly native: readonly Encoding[] | undefined;
  /** Where nothing is said. */
  readonly fallback: 'gzip' | 'none';
}

/** @throws OtlpError `invalid_option` */
export function resolveCompression(
  given: Compression | CompressionOptions | undefined,
  number: Numbers,
  variables: Variables | undefined,
  { grpc, native, fallback }: CompressionContext,
): CompressionPolicy {
  // An array, or null, is the name of nothing.
  const isName = typeof given !== 'object' || given === null || Array.isArray(given);
  const options = isName ? ({ encoding: given } as CompressionOptions) : given;
  const { encoding: asked, level } = options;
  const count = native?.includes('br') ? ENCODINGS.length : ENCODINGS.length - 1;
  const known = ENCODINGS.slice(0, grpc ? OVER_GRPC : count);
  if (asked !== undefined && !known.includes(asked)) {
    const seen = grpc ? ' over gRPC' : asked === 'br' ? ', which this host has not' : '';
    throw refused('compression', asked, anyOf(known.map((text) => `'${text}'`)), seen);
  }
  const encoding = asked ?? variables?.compression(fallback, known) ?? fallback;
  return {
    encoding: encoding === 'none' ? 'identity' : encoding,
    level: oneOf('compression.level', level, ['fast', 'default', 'best']) ?? 'fast',
    minBytes: number('compression.minBytes', options.minBytes, [450, 0, MAX_BYTES]),
    grpc,
  };
}
