import * as zlib from 'node:zlib';
import { BROTLI_QUALITIES, ZLIB_LEVELS } from '../../compress/encoding.ts';
import type { Remake } from '../../deliver/deliver.ts';
import { MAX_RAW_BYTES, type Means, type Recompress, remade } from '../../slow-path.ts';
import { brotliOptions } from './brotli.ts';
import { ZLIB_INFLATE } from './zlib-inflate.ts';

type Done = (error: Error | null, bytes: Uint8Array) => void;
type Call = (bytes: Uint8Array, options: object, done: Done) => void;

/** What Node's zlib has from 22.15 on. */
const { zstdCompress } = zlib as { readonly zstdCompress?: Call };

const means: Means = {
  async inflate(body, encoding) {
    const byZlib = ZLIB_INFLATE[encoding as keyof typeof ZLIB_INFLATE];
    if (byZlib !== undefined) return byZlib(body, MAX_RAW_BYTES);
    const { INFLATE } = await import('../../compress/inflate/inflaters.ts');
    return INFLATE[encoding as keyof typeof INFLATE](body, MAX_RAW_BYTES);
  },
  // As fast as they can.
  compress: {
    gzip: (raw) => answered(zlib.gzip, raw, { level: ZLIB_LEVELS.fast }),
    zlib: toZlib,
    deflate: toZlib,
    br: (raw) => answered(zlib.brotliCompress, raw, brotliOptions(raw, BROTLI_QUALITIES.fast)),
    ...(zstdCompress !== undefined && { zstd: (raw) => answered(zstdCompress, raw, {}) }),
  },
};

/** The slow path on Node, off the main thread but for what Node cannot inflate. */
export const remake: Remake = (payload, form) => remade(payload, form, means);

function toZlib(raw: Parameters<Recompress>[0]): Promise<Uint8Array> {
  return answered(zlib.deflate, raw, { level: ZLIB_LEVELS.fast });
}

function answered(call: Call, bytes: Uint8Array, options: object): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    call(bytes, options, (error, made) => (error === null ? resolve(made) : reject(error)));
  });
}
