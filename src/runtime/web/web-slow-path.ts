import type { Remake } from '../../deliver/deliver.ts';
import { MAX_RAW_BYTES, type Means, remade } from '../../slow-path.ts';
import { readAll } from '../read-all.ts';
import { deflated, type WebFormat } from './deflated.ts';

/** Inflated at a time: some hosts do a whole chunk, to 1032 times its size, before they are read. */
const CHUNK_BYTES = 16 * 1024;

/** By Content-Encoding: those that the web platform has. */
const FORMATS: Partial<Record<string, WebFormat>> = {
  gzip: 'gzip',
  deflate: 'deflate',
  zlib: 'deflate',
};

const means: Means = {
  async inflate(body, encoding, rawBytes) {
    const format = FORMATS[encoding];
    if (format !== undefined) return inflated(body as Uint8Array<ArrayBuffer>, format, rawBytes);
    const { INFLATE } = await import('../../compress/inflate/inflaters.ts');
    return INFLATE[encoding as keyof typeof INFLATE](body, MAX_RAW_BYTES);
  },
  compress: {
    gzip: (raw) => deflated(raw, 'gzip'),
    deflate: (raw) => deflated(raw, 'deflate'),
    zlib: (raw) => deflated(raw, 'deflate'),
  },
};

/** The slow path on hosts of the web platform. */
export const remake: Remake = (payload, form) => remade(payload, form, means);

async function inflated(
  body: Uint8Array<ArrayBuffer>,
  format: WebFormat,
  rawBytes: number,
): Promise<Uint8Array> {
  let stream: DecompressionStream;
  try {
    stream = new DecompressionStream(format);
  } catch {
    // No such class, or one whose constructor throws (Next.js' edge runtime).
    const fflate = await import('./fflate-gunzip.ts');
    return format === 'gzip' ? fflate.gunzip(body, MAX_RAW_BYTES) : fflate.unzlib(body, rawBytes);
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
