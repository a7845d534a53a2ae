import type { Encoding } from '../../compress/compress.ts';
import type { Remake } from '../../deliver/deliver.ts';
import { variablesOf } from '../../options/env.ts';
import type { Host } from '../host.ts';
import { builtin } from './builtin.ts';
import { engines } from './engines.ts';
import { fillRandom } from './random.ts';

/** zstd from Node 22.15 on. */
const native: readonly Encoding[] = 'zstd' in process.versions ? ['br', 'zstd'] : ['br'];

const compressor: Host['compressor'] = (parts) =>
  import('./node-compressor.ts').then((late) => late.compressor(parts));

/** Undefined where the program was bundled without it. */
const remake: Remake = (payload, form) =>
  import('./node-slow-path.ts').then(
    (slow) => slow.remake(payload, form),
    () => undefined,
  );

function warn(line: string): void {
  if (!builtin('node:worker_threads').isMainThread) {
    // A worker thread's own stream goes by way of the main thread, which reads no more of it when it
    // waits for the worker to end.
    try {
      builtin('node:fs').writeSync(2, `${line}\n`);
      return;
    } catch {
      // Full, or closed.
    }
  }
  process.stderr.write(`${line}\n`);
}

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
  native,
  compressor,
  remake,
  engines,
  variables: variablesOf,
  warn,
};
