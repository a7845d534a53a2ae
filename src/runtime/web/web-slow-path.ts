import type { Remake } from '../../deliver/deliver.ts';
import { MAX_RAW_BYTES, type Means, remade } from '../../slow-path.ts';
import { readAll } from '../read-all.ts';
import { gzip } from './gzip.ts';

/** Inflated at a time: some hosts do a whole chunk, to 1032 times its size, before they are read. */
const CHUNK_BYTES = 16 * 1024;

const means: Means = {
  inflate: async (body, encoding) => {
    onlyGzip(encoding);
    return gunzip(body as Uint8Array<ArrayBuffer>);
  },
  compress: async (raw, encoding) => {
    onlyGzip(encoding);
    return gzip(raw as Uint8Array<ArrayBuffer>);
  },
};

/** The slow path on hosts of the web platform. */
export const remake: Remake = (payload, remedy) => remade(payload, remedy, means);

function onlyGzip(encoding: string): void {
  if (encoding !== 'gzip') throw new Error(`this host has no ${encoding}`);
}

async function gunzip(body: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  let stream: DecompressionStream;
  try {
    stream = new DecompressionStream('gzip');
  } catch {
    // No such class, or one whose constructor throws (Next.js' edge runtime).
    return import('./fflate-gunzip.ts').then((fflate) => fflate.gunzip(body, MAX_RAW_BYTES));
  }
  // What goes wrong in writing is what reading says.
  void feed(stream, body).catch(() => {});
  const raw = await readAll(stream.readable, MAX_RAW_BYTES);
  if (raw === undefined) throw new Error(`inflates to more than ${MAX_RAW_BYTES} bytes`);
  return raw;
}

async function feed(
  { writable }: DecompressionStream,
  body: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const writer = writable.getWriter();
  for (let at = 0; at < body.length; at += CHUNK_BYTES) {
    await writer.write(body.subarray(at, at + CHUNK_BYTES));
  }
  await writer.close();
}
