import type { Remake } from '../../deliver/deliver.ts';
import { readAll } from '../read-all.ts';
import { setTimer } from './timer.ts';

/** Undefined where the program was bundled without it. */
const remake: Remake = (payload, remedy) =>
  import('./web-slow-path.ts').then(
    (slow) => slow.remake(payload, remedy),
    () => undefined,
  );

/** What every entry of a host of the web platform needs of it. */
export const basics = {
  now: () => performance.now(),
  fillRandom: (words: Uint32Array<ArrayBuffer>) => void crypto.getRandomValues(words),
  setTimer,
  soon: (callback: () => void) => void setTimeout(callback, 0),
  gzip,
  remake,
  env: {},
  warn: (line: string) => console.warn(line),
};

function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
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
