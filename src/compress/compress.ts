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
}

/** Smaller bodies do not get smaller (measured: OTLP payloads up to about 450 bytes). */
const MIN_BYTES = 512;

/** Bytes to keep ready for the gzip member of `bytes` bytes: stored blocks at worst. */
export function gzipCapacity(bytes: number): number {
  return bytes + 5 * Math.ceil(bytes / 32768) + 64;
}

/**
 * Makes the function that turns encoded bytes in engine memory into a body: gzip by the
 * engine's kernel, by the host where the engine has none, or a plain copy.
 *
 * @param at address of room for the compressed bytes.
 * @param capacity size of that room.
 */
export function makeCompress(
  engine: Engine,
  policy: CompressionPolicy,
  host: HostCompressors,
  room: { at: number; capacity: number },
): (at: number, bytes: number) => Body | Promise<Body> {
  const memory = new Uint8Array(engine.buffer);
  const { kernels } = engine;
  return (at, bytes) => {
    const { compression } = policy;
    if (compression === 'none' || bytes < MIN_BYTES) {
      return { body: memory.slice(at, at + bytes), encoding: 'identity' };
    }
    if (kernels !== undefined && compression === 'gzip') {
      const length = kernels.gzipFast(at, bytes, room.at, room.capacity);
      if (length > 0) return { body: memory.slice(room.at, room.at + length), encoding: 'gzip' };
    }
    return compressByHost(memory.slice(at, at + bytes), host, compression);
  };
}

/** The body that the host makes of `raw`; the bytes as they are where it cannot compress after all. */
export function compressByHost(
  raw: Uint8Array<ArrayBuffer>,
  host: HostCompressors,
  encoding: 'gzip' | 'zstd',
): Body | Promise<Body> {
  const plain: Body = { body: raw, encoding: 'identity' };
  try {
    const body = host[encoding]!(raw);
    if (body instanceof Uint8Array) return { body, encoding };
    return body.then(
      (compressed): Body => ({ body: compressed, encoding }),
      () => plain,
    );
  } catch {
    return plain;
  }
}
