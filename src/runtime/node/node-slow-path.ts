import * as zlib from 'node:zlib';
import type { Remake } from '../../deliver/deliver.ts';
import { MAX_RAW_BYTES, type Means, type Recompress, remade } from '../../slow-path.ts';

type Done = (error: Error | null, bytes: Uint8Array) => void;
type Call = (bytes: Uint8Array, options: object, done: Done) => void;

/** What Node's zlib has from 22.15 on. */
interface Zstd {
  readonly zstdCompress?: Call;
  readonly zstdDecompress?: Call;
}

const INFLATE: Partial<Record<string, Call>> = {
  gzip: zlib.gunzip,
  zlib: zlib.inflate,
  deflate: zlib.inflate,
  br: zlib.brotliDecompress,
  zstd: (zlib as Zstd).zstdDecompress,
};

const { zstdCompress } = zlib as Zstd;

const means: Means = {
  async inflate(body, encoding) {
    const call = INFLATE[encoding];
    if (call !== undefined) return answered(call, body, { maxOutputLength: MAX_RAW_BYTES });
    const { INFLATE: others } = await import('../../compress/inflate/inflaters.ts');
    return others[encoding as keyof typeof others](body, MAX_RAW_BYTES);
  },
  // As fast as they can.
  compress: {
    gzip: (raw) => answered(zlib.gzip, raw, { level: 1 }),
    zlib: toZlib,
    deflate: toZlib,
    br: (raw) =>
      answered(zlib.brotliCompress, raw, {
        params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 1 },
      }),
    ...(zstdCompress !== undefined && { zstd: (raw) => answered(zstdCompress, raw, {}) }),
  },
};

/** The slow path on Node, off the main thread but for what Node cannot inflate. */
export const remake: Remake = (payload, form) => remade(payload, form, means);

function toZlib(raw: Parameters<Recompress>[0]): Promise<Uint8Array> {
  return answered(zlib.deflate, raw, { level: 1 });
}

function answered(call: Call, bytes: Uint8Array, options: object): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    call(bytes, options, (error, made) => (error === null ? resolve(made) : reject(error)));
  });
}
