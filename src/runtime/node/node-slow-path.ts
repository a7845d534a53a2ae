import * as zlib from 'node:zlib';
import type { Remake } from '../../deliver/deliver.ts';
import { MAX_RAW_BYTES, type Means, remade } from '../../slow-path.ts';

/** What Node's zlib has from 22.15 on. */
interface Zstd {
  readonly zstdCompress?: (bytes: Uint8Array, done: Done) => void;
  readonly zstdDecompress?: (bytes: Uint8Array, bounds: Bounds, done: Done) => void;
}

type Done = (error: Error | null, bytes: Uint8Array) => void;
type Bounds = { readonly maxOutputLength: number };

const BOUNDS: Bounds = { maxOutputLength: MAX_RAW_BYTES };

const means: Means = {
  inflate: (body, encoding) =>
    answered((done) => {
      if (encoding === 'gzip') zlib.gunzip(body, BOUNDS, done);
      else available((zlib as Zstd).zstdDecompress)(body, BOUNDS, done);
    }),
  compress: (raw, encoding) =>
    answered((done) => {
      if (encoding === 'gzip') zlib.gzip(raw, { level: 1 }, done);
      else available((zlib as Zstd).zstdCompress)(raw, done);
    }),
};

/** The slow path on Node, off the main thread. */
export const remake: Remake = (payload, remedy) => remade(payload, remedy, means);

function answered(run: (done: Done) => void): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    run((error, bytes) => (error === null ? resolve(bytes) : reject(error)));
  });
}

function available<F>(call: F | undefined): F {
  if (call === undefined) throw new Error('this Node has no zstd');
  return call;
}
