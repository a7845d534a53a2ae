/** One gzip member; `level` 0 to 9. */
export function fflateGzip(bytes: Uint8Array, level: number): Uint8Array;
export function pakoGzip(bytes: Uint8Array, level: number): Uint8Array;

export interface Compressor {
  compress(bytes: Uint8Array, level?: number): Uint8Array;
  decompress(bytes: Uint8Array): Uint8Array;
}

/** zstd itself, compiled: frames with the size of their content and no checksum. */
export function zstdWasm(): Promise<Compressor>;
/** A block without a frame, behind its size. */
export function lz4Wasm(): Promise<Compressor>;
/** The block format. */
export function snappyWasm(): Promise<Compressor>;
