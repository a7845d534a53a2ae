import { exporterFromEnv } from '../../exporters/from-env.ts';
import { variablesOf } from '../../options/env.ts';
import { samplerFromEnv } from '../../options/sampler.ts';
import { detectors } from '../detectors.ts';
import type { Host } from '../host.ts';
import { builtin } from './builtin.ts';
import { AsyncLocalStorageContextManager } from './context-manager.ts';
import { engines } from './engines.ts';
import { watchExit } from './exit.ts';
import { nodeHttpTransport } from './http-transport.ts';
import { propagator } from './propagator.ts';
import { fillRandom } from './random.ts';
import { getJson, readText, system } from './surroundings.ts';

function warn(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Node, and Bun, whose Node API is complete enough. */
export const host: Host = {
  name: 'bun' in process.versions ? 'bun' : 'node',
  now: performance.now.bind(performance),
  hrtime: process.hrtime,
  unixNow: Date.now,
  originMs: () => performance.timeOrigin,
  fillRandom,
  setTimer(callback, delayMs, keepAlive = false) {
    const timer = setTimeout(callback, delayMs);
    if (!keepAlive) timer.unref();
    return () => clearTimeout(timer);
  },
  soon: (callback) => void setImmediate(callback).unref(),
  gzip: (bytes) => builtin('node:zlib').gzipSync(bytes, { level: 1 }),
  httpTransport: nodeHttpTransport,
  exporter: (env, warn, otlp) =>
    exporterFromEnv(env, warn, {
      otlp,
      'otlp/stdout': () => import('./file-transport.ts').then((file) => file.stdoutTransport()),
    }),
  contextManager: () => ({
    manager: new AsyncLocalStorageContextManager(),
    kind: 'async-local-storage',
    reason: 'node:async_hooks',
  }),
  engines,
  detectors,
  system,
  readText,
  getJson,
  get env() {
    return process.env;
  },
  propagator,
  variables: variablesOf,
  sampler: samplerFromEnv,
  warn,
  onExit: (hooks) => watchExit(hooks, warn),
};
