import { readAll } from '../read-all.ts';

/** DEFLATE in the wrappers that the web platform has in both directions; `deflate` is zlib's. */
export type WebFormat = 'gzip' | 'deflate';

/**
 * By the host where it has it, which knows one level; in JavaScript where it has not.
 *
 * @param level of zlib's, 1 to 9.
 */
export function deflated(
  bytes: Uint8Array<ArrayBuffer>,
  format: WebFormat,
  level: 1 | 6 | 9 = 1,
): Promise<Uint8Array> {
  let stream: CompressionStream;
  try {
    stream = new CompressionStream(format);
  } catch {
    // No such class, or one whose constructor throws (Next.js' edge runtime).
    return import('./fflate.ts').then((fflate) => fflate.deflated(bytes, format, level));
  }
  const writer = stream.writable.getWriter();
  void writer.write(bytes);
  void writer.close();
  return readAll(stream.readable) as Promise<Uint8Array>;
}
