import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { Undecodable } from './decode.ts';

type Inflate = (bytes: Uint8Array, options: { maxOutputLength: number }) => Promise<Uint8Array>;

/** From Node.js 22.15 on; in the types of the oldest that is supported it is not. */
const { zstdDecompress } = zlib as unknown as {
  readonly zstdDecompress?: (bytes: Uint8Array, ...rest: unknown[]) => void;
};

const INFLATE: Readonly<Record<string, Inflate>> = {
  gzip: promisify(zlib.gunzip) as Inflate,
  ...(zstdDecompress !== undefined && { zstd: promisify(zstdDecompress) as unknown as Inflate }),
};

/** Content codings that are taken here. */
export const ENCODINGS: readonly string[] = [...Object.keys(INFLATE), 'identity'];

/** Why a content coding is not taken; undefined for those that are. */
export function encodingComplaint(encoding: string): string | undefined {
  if (ENCODINGS.includes(encoding)) return undefined;
  const instead = `use ${ENCODINGS.map((name) => (name === 'identity' ? 'none' : name)).join(' or ')}`;
  if (encoding !== 'zstd') return `unsupported encoding "${encoding}": ${instead}`;
  return `unsupported encoding "zstd": it takes a collector on Node.js 22.15 or later, this is ${process.versions.node}: ${instead}`;
}

/**
 * Undefined when more than `maxBytes` would come of it. Throws {@link Undecodable} for bytes that are
 * not of that coding, which has to be one of {@link ENCODINGS}.
 */
export async function inflate(
  wire: Uint8Array,
  encoding: string,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  const inflateBody = INFLATE[encoding];
  if (inflateBody === undefined) return wire;
  try {
    return await inflateBody(wire, { maxOutputLength: maxBytes });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ERR_BUFFER_TOO_LARGE') return undefined;
    throw new Undecodable(`not ${encoding}: ${message}`);
  }
}
