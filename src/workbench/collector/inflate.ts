import { TooLong } from '../../compress/inflate/damaged.ts';
import { INFLATE as OTHERS } from '../../compress/inflate/inflaters.ts';
import { OtlpError } from '../../errors.ts';
import { ZLIB_INFLATE } from '../../runtime/node/zlib-inflate.ts';
import { Undecodable } from './decode.ts';

/** Throws a {@link TooLong}, or zlib's word for it, beyond `maxBytes`. */
type Inflate = (bytes: Uint8Array, maxBytes: number) => Uint8Array | Promise<Uint8Array>;

const INFLATE: Readonly<Record<string, Inflate>> = {
  gzip: ZLIB_INFLATE.gzip,
  zstd: ZLIB_INFLATE.zstd ?? OTHERS.zstd,
  zlib: ZLIB_INFLATE.zlib,
  deflate: ZLIB_INFLATE.deflate,
  snappy: OTHERS.snappy,
  lz4: OTHERS.lz4,
  'x-snappy-framed': OTHERS['x-snappy-framed'],
  br: ZLIB_INFLATE.br,
};

/** Content codings that are taken, most common first; `identity` always is. */
export interface Encodings {
  readonly http: readonly string[];
  readonly grpc: readonly string[];
}

/** What the OpenTelemetry Collector takes (confighttp, configgrpc); gRPC can have no others. */
const HTTP = Object.keys(INFLATE).filter((name) => name !== 'br');
const GRPC = ['gzip', 'zstd', 'snappy'];

/** @throws OtlpError `invalid_option` */
export function resolveEncodings(given: readonly string[] | undefined): Encodings {
  if (given === undefined) return { http: HTTP, grpc: GRPC };
  for (const name of given) {
    if (Object.hasOwn(INFLATE, name)) continue;
    const known = Object.keys(INFLATE).join(', ');
    throw new OtlpError('invalid_option', `encodings has '${name}', which is none of ${known}.`);
  }
  return { http: [...given], grpc: GRPC.filter((name) => given.includes(name)) };
}

/** Why a content coding is not taken; undefined for those that are. */
export function encodingComplaint(encoding: string, taken: readonly string[]): string | undefined {
  if (encoding === 'identity' || taken.includes(encoding)) return undefined;
  return `unsupported encoding "${encoding}": use ${[...taken, 'none'].join(' or ')}`;
}

/**
 * Undefined when more than `maxBytes` would come of it. Throws {@link Undecodable} for bytes that are
 * not of that coding.
 */
export async function inflate(
  wire: Uint8Array,
  encoding: string,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  const inflateBody = INFLATE[encoding];
  if (inflateBody === undefined) return wire;
  try {
    return await inflateBody(wire, maxBytes);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (cause instanceof TooLong || code === 'ERR_BUFFER_TOO_LARGE') return undefined;
    const text = message.startsWith(`not ${encoding}`) ? message : `not ${encoding}: ${message}`;
    throw new Undecodable(text);
  }
}
