import { createRequire } from 'node:module';
import * as portable from '../../engine/generated/core-portable.js';
import { inlinedEngines } from '../../engine/inlined.ts';
import type { Host } from '../host.ts';
import { AsyncLocalStorageContextManager } from './context-manager.ts';
import { watchExit } from './exit.ts';
import { nodeHttpTransport } from './http-transport.ts';
import { processResource } from './resource.ts';

function warn(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Node, and Bun, whose Node API is complete enough. */
export const host: Host = {
  name: 'bun' in process.versions ? 'bun' : 'node',
  // Bound, not wrapped: every span reads the clock at least twice.
  now: performance.now.bind(performance),
  unixNow: Date.now,
  originMs: () => performance.timeOrigin,
  fillRandom: (words) => void crypto.getRandomValues(words),
  setTimer(callback, delayMs, keepAlive = false) {
    const timer = setTimeout(callback, delayMs);
    if (!keepAlive) timer.unref();
    return () => clearTimeout(timer);
  },
  soon: (callback) => void setImmediate(callback).unref(),
  gzip: (bytes) => zlib().gzipSync(bytes, { level: 1 }),
  httpTransport: nodeHttpTransport,
  contextManager: () => new AsyncLocalStorageContextManager(),
  engines: { ...inlinedEngines, portable: () => portable },
  resource: processResource,
  get env() {
    return process.env;
  },
  warn,
  onExit: (hooks) => watchExit(hooks, warn),
};

/** Loaded when an engine without gzip needs it. */
function zlib(): typeof import('node:zlib') {
  const name = 'node:zlib';
  return process.getBuiltinModule?.(name) ?? createRequire(import.meta.url)(name);
}
