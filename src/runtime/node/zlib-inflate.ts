import zlib from 'node:zlib';

/** Rejects what is damaged; with the code `ERR_BUFFER_TOO_LARGE` what would be longer than `maxBytes`. */
export type ZlibInflate = (bytes: Uint8Array, maxBytes: number) => Promise<Uint8Array>;

type Call = (
  bytes: Uint8Array,
  options: { readonly maxOutputLength: number },
  done: (error: Error | null, inflated: Uint8Array) => void,
) => void;

/** From Node.js 22.15 on; in the types of the oldest that is supported it is not. */
const { zstdDecompress } = zlib as unknown as { readonly zstdDecompress?: Call };

function by(call: Call): ZlibInflate {
  return (bytes, maxOutputLength) =>
    new Promise((resolve, reject) => {
      call(bytes, { maxOutputLength }, (error, inflated) => {
        if (error === null) resolve(inflated);
        else reject(error);
      });
    });
}

/** What Node inflates, by Content-Encoding. Off the main thread. */
export const ZLIB_INFLATE: Readonly<
  Record<'gzip' | 'zlib' | 'deflate' | 'br', ZlibInflate> & { zstd?: ZlibInflate }
> = {
  gzip: by(zlib.gunzip),
  zlib: by(zlib.inflate),
  deflate: by(zlib.inflate),
  br: by(zlib.brotliDecompress),
  ...(zstdDecompress !== undefined && { zstd: by(zstdDecompress) }),
};
