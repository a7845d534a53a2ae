import type { Engine } from '../engine/select.ts';
import type { BodyEncoding as Encoding, Level } from './encoding.ts';

export type { BodyEncoding as Encoding } from './encoding.ts';

/** What bodies are compressed with, by the name of their Content-Encoding. */
export type Compression = Exclude<Encoding, 'identity'> | 'none';

/** How bodies are compressed from now on. */
export interface CompressionPolicy {
  /** Changes when the endpoint refuses it, or when it cannot be had. */
  encoding: Encoding;
  readonly level: Level;
  /** Shorter bodies go as they are. */
  readonly minBytes: number;
  /** Bodies travel by gRPC, where `snappy` is framed. */
  readonly grpc: boolean;
}

/** Whether that takes what is loaded late: the core's kernel makes gzip at level `fast`. */
export function isLate({ encoding, level }: CompressionPolicy): boolean {
  return encoding !== 'identity' && (encoding !== 'gzip' || level !== 'fast');
}

/** One of a host's own compressors. */
export type HostCompress = (bytes: Uint8Array<ArrayBuffer>) => Uint8Array | Promise<Uint8Array>;

/** What makes bodies where gzip by the core is not what is wanted; as `makeCompress` returns it. */
export interface LateCompressor {
  readonly encoding: Encoding;
  make(at: number, bytes: number, contentType: string): Body | Promise<Body>;
}

/** A request's body as it goes on the wire: its own copy, never a view of engine memory. */
export interface Body {
  readonly body: Uint8Array;
  readonly encoding: Encoding;
  readonly contentType: string;
  /** Size before compression, bytes. */
  readonly rawBytes: number;
}

/** Most that `bytes` bytes become as a gzip member, or in DEFLATE's other wrappers: stored blocks. */
export function gzipCapacity(bytes: number): number {
  return bytes + 5 * Math.ceil(bytes / 32768) + 64;
}

/** What bodies of one kind are made with. */
export interface CompressParts {
  readonly engine: Engine;
  /** Is asked for every body. */
  readonly policy: CompressionPolicy;
  readonly host: { readonly gzip: HostCompress };
  /** For an encoding, or a level, that the core has not. */
  readonly late?: LateCompressor | undefined;
  /** Room for the compressed bytes. */
  readonly room: { readonly at: number; readonly capacity: number };
  readonly contentType: string;
}

/**
 * Makes the function that turns encoded bytes in engine memory into a body: gzip by the engine's
 * kernel, by the host where the engine has none; by what was loaded late; or a plain copy. `noted` as
 * in `MakeBody`.
 */
export function makeCompress(
  parts: CompressParts,
): (at: number, bytes: number, noted?: boolean) => Body | Promise<Body> {
  const { engine, policy, late, host, room, contentType } = parts;
  const memory = new Uint8Array(engine.buffer);
  const { kernels } = engine;
  return (at, rawBytes, noted = false) => {
    const { encoding, minBytes } = policy;
    const isPlain = encoding === 'identity' || rawBytes < minBytes;
    if (!isPlain && late?.encoding === encoding) return late.make(at, rawBytes, contentType);
    if (!isPlain && kernels !== undefined) {
      const length = kernels.gzipFast(at, rawBytes, room.at, room.capacity, +noted);
      if (length > 0) {
        const body = memory.slice(room.at, room.at + length);
        return { body, encoding: 'gzip', contentType, rawBytes };
      }
    }
    const body = memory.slice(at, at + rawBytes);
    if (isPlain) return { body, encoding: 'identity', contentType, rawBytes };
    return compressByHost(body, contentType, 'gzip', host.gzip);
  };
}

/** The body that the host makes of `raw`; the bytes as they are where it cannot compress after all. */
export function compressByHost(
  raw: Uint8Array<ArrayBuffer>,
  contentType: string,
  encoding: Encoding,
  compress: HostCompress,
): Body | Promise<Body> {
  const rawBytes = raw.length;
  const plain: Body = { body: raw, encoding: 'identity', contentType, rawBytes };
  const compressed = (body: Uint8Array): Body => ({ body, encoding, contentType, rawBytes });
  try {
    const body = compress(raw);
    return body instanceof Uint8Array ? compressed(body) : body.then(compressed, () => plain);
  } catch {
    return plain;
  }
}
