import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import type { Remake } from '../../deliver/deliver.ts';
import { MAX_RAW_BYTES, type Means, type Recompress, remade } from '../../slow-path.ts';

type Call = (bytes: Uint8Array, options: object) => Promise<Uint8Array>;
type Done = (error: Error | null, bytes: Uint8Array) => void;
type ZlibCall = (bytes: Uint8Array, options: object, done: Done) => void;

/** What Node's zlib has from 22.15 on. */
const { zstdCompress, zstdDecompress } = zlib as {
  readonly zstdCompress?: ZlibCall;
  readonly zstdDecompress?: ZlibCall;
};

const unzlib: Call = promisify(zlib.inflate);

const INFLATE: Partial<Record<string, Call>> = {
  gzip: promisify(zlib.gunzip),
  zlib: unzlib,
  deflate: unzlib,
  br: promisify(zlib.brotliDecompress),
  ...(zstdDecompress !== undefined && { zstd: promisify(zstdDecompress) }),
};

/** As fast as they can. */
const by =
  (call: Call, options: object): Recompress =>
  (raw) =>
    call(raw, options);

const toZlib = by(promisify(zlib.deflate), { level: 1 });
const { BROTLI_PARAM_QUALITY } = zlib.constants;

const means: Means = {
  async inflate(body, encoding) {
    const inflate = INFLATE[encoding];
    if (inflate !== undefined) return inflate(body, { maxOutputLength: MAX_RAW_BYTES });
    const { INFLATE: others } = await import('../../compress/inflate/inflaters.ts');
    return others[encoding as keyof typeof others](body, MAX_RAW_BYTES);
  },
  compress: {
    gzip: by(promisify(zlib.gzip), { level: 1 }),
    zlib: toZlib,
    deflate: toZlib,
    br: by(promisify(zlib.brotliCompress), { params: { [BROTLI_PARAM_QUALITY]: 1 } }),
    ...(zstdCompress !== undefined && { zstd: by(promisify(zstdCompress), {}) }),
  },
};

/** The slow path on Node, off the main thread but for what Node cannot inflate. */
export const remake: Remake = (payload, form) => remade(payload, form, means);
