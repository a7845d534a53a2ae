import type { Engine } from '../engine/select.ts';

/** What bodies are compressed with. */
export type Compression = 'gzip' | 'zstd' | 'none';

/** One of a host's own compressors. */
export type HostCompress = (bytes: Uint8Array<ArrayBuffer>) => Uint8Array | Promise<Uint8Array>;

/** What a host can do for what an engine has no kernels for. */
export interface HostCompressors {
  readonly gzip: HostCompress;
  readonly zstd?: HostCompress;
}

/** How bodies are compressed from now on. */
export interface CompressionPolicy {
  compression: Compression;
}

/** A request's body as it goes on the wire: its own copy, never a view of engine memory. */
export interface Body {
  readonly body: Uint8Array;
  readonly encoding: 'identity' | 'gzip' | 'zstd';
  readonly contentType: string;
  /** Size before compression, bytes. */
  readonly rawBytes: number;
}

/** Smaller bodies do not get smaller (measured: OTLP payloads up to about 450 bytes). */
const MIN_BYTES = 512;

/** Bytes to keep ready for the gzip member of `bytes` bytes: stored blocks at worst. */
export function gzipCapacity(bytes: number): number {
  return bytes + 5 * Math.ceil(bytes / 32768) + 64;
}

/** What bodies of one kind are made with. */
export interface CompressParts {
  readonly engine: Engine;
  /** Is asked for every body. */
  readonly policy: CompressionPolicy;
  readonly host: HostCompressors;
  /** Room for the compressed bytes. */
  readonly room: { readonly at: number; readonly capacity: number };
  readonly contentType: string;
}

/**
 * Makes the function that turns encoded bytes in engine memory into a body: gzip by the
 * engine's kernel, by the host where the engine has none, or a plain copy.
 */
export function makeCompress(
  parts: CompressParts,
): (at: number, bytes: number) => Body | Promise<Body> {
  const { engine, policy, host, room, contentType } = parts;
  const memory = new Uint8Array(engine.buffer);
  const { kernels } = engine;
  return (at, rawBytes) => {
    const { compression } = policy;
    if (compression === 'none' || rawBytes < MIN_BYTES) {
      const body = memory.slice(at, at + rawBytes);
      return { body, encoding: 'identity', contentType, rawBytes };
    }
    if (kernels !== undefined && compression === 'gzip') {
      const length = kernels.gzipFast(at, rawBytes, room.at, room.capacity);
      if (length > 0) {
        const body = memory.slice(room.at, room.at + length);
        return { body, encoding: 'gzip', contentType, rawBytes };
      }
    }
    return compressByHost(memory.slice(at, at + rawBytes), contentType, host, compression);
  };
}

/** The body that the host makes of `raw`; the bytes as they are where it cannot compress after all. */
export function compressByHost(
  raw: Uint8Array<ArrayBuffer>,
  contentType: string,
  host: HostCompressors,
  encoding: 'gzip' | 'zstd',
): Body | Promise<Body> {
  const rawBytes = raw.length;
  const plain: Body = { body: raw, encoding: 'identity', contentType, rawBytes };
  const compressed = (body: Uint8Array): Body => ({ body, encoding, contentType, rawBytes });
  try {
    const body = host[encoding]!(raw);
    return body instanceof Uint8Array ? compressed(body) : body.then(compressed, () => plain);
  } catch {
    return plain;
  }
}
