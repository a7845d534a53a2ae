import { readAll } from '../read-all.ts';

/** gzip by the host where it has it, in JavaScript where it has not. */
export function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  let stream: CompressionStream;
  try {
    stream = new CompressionStream('gzip');
  } catch {
    // No such class, or one whose constructor throws (Next.js' edge runtime).
    return import('./fflate.ts').then((fflate) => fflate.gzip(bytes));
  }
  const writer = stream.writable.getWriter();
  void writer.write(bytes);
  void writer.close();
  return readAll(stream.readable) as Promise<Uint8Array>;
}
