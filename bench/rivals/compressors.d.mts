/** One gzip member; `level` 0 to 9. */
export function fflateGzip(bytes: Uint8Array, level: number): Uint8Array;
