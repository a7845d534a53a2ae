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
  engines,
  variables: variablesOf,
  warn: (line: string) => void process.stderr.write(`${line}\n`),
};
