import type { Payload, Remedy } from '../../deliver/transport.ts';
import { variablesOf } from '../../options/env.ts';
import { builtin } from './builtin.ts';
import { engines } from './engines.ts';
import { fillRandom } from './random.ts';

/** What every entry of Node needs of it. */
export const basics = {
  now: performance.now.bind(performance),
  fillRandom,
  setTimer(callback: () => void, delayMs: number, keepAlive = false): () => void {
    const timer = setTimeout(callback, delayMs);
    if (!keepAlive) timer.unref();
    return () => clearTimeout(timer);
  },
  soon: (callback: () => void) => void setImmediate(callback).unref(),
  gzip: (bytes: Uint8Array) => builtin('node:zlib').gzipSync(bytes, { level: 1 }),
  ...('zstd' in process.versions && { zstd }),
  remake: (payload: Payload, remedy: Remedy) =>
    import('./node-slow-path.ts').then(
      (slow) => slow.remake(payload, remedy),
      // the program was bundled without it
      () => undefined,
    ),
  engines,
  variables: variablesOf,
  warn: (line: string) => void process.stderr.write(`${line}\n`),
};

/** What Node's zlib has from 22.15 on. */
interface Zstd {
  zstdCompressSync(bytes: Uint8Array, options: object): Uint8Array;
}

/** `ZSTD_c_compressionLevel`. */
const LEVEL = 100;

function zstd(bytes: Uint8Array): Uint8Array {
  const { zstdCompressSync } = builtin('node:zlib') as unknown as Zstd;
  return zstdCompressSync(bytes, { params: { [LEVEL]: 1 } });
}
