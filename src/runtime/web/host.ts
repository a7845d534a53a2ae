import type { EngineSources } from '../../engine/select.ts';
import { fetchTransport } from '../fetch-transport.ts';
import type { Host } from '../host.ts';
import { readAll } from '../read-all.ts';
import { setTimer } from './timer.ts';

/** What tells one host of the web platform from another. */
export interface WebHostParts {
  readonly name: string;
  readonly engines: EngineSources;
  readonly env?: Host['env'];
  readonly detectors?: Host['detectors'];
  readonly contextManager: Host['contextManager'];
  readonly httpTransport?: Host['httpTransport'];
  readonly onExit?: Host['onExit'];
}

/** A host made of web globals alone: fetch, timers, Web Crypto, CompressionStream. */
export function webHost(parts: WebHostParts): Host {
  return {
    now: () => performance.now(),
    unixNow: () => Date.now(),
    originMs: () => performance.timeOrigin,
    fillRandom: (words) => void crypto.getRandomValues(words),
    setTimer,
    soon: (callback) => void setTimeout(callback, 0),
    gzip,
    httpTransport: fetchTransport,
    detectors: [],
    env: {},
    warn: (line) => console.warn(line),
    onExit: () => () => {},
    ...parts,
  };
}

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
