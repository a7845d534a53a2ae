import { exporterFromEnv } from '../../exporters/from-env.ts';
import { samplerFromEnv } from '../../options/sampler.ts';
import { detectors } from '../detectors.ts';
import type { Host } from '../host.ts';
import { lateGrpc } from '../late-grpc.ts';
import { basics } from './basics.ts';
import { AsyncLocalStorageContextManager } from './context-manager.ts';
import { watchExit } from './exit.ts';
import { nodeHttpTransport } from './http-transport.ts';
import { metricsSources } from './metrics.ts';
import { propagator } from './propagator.ts';
import { getJson, readText, system } from './surroundings.ts';
import { tlsFromEnv } from './tls-from-env.ts';

/** Node, and Bun, whose Node API is complete enough. */
export const host: Host = {
  name: 'bun' in process.versions ? 'bun' : 'node',
  ...basics,
  metrics: metricsSources,
  hrtime: process.hrtime,
  unixNow: Date.now,
  originMs: () => performance.timeOrigin,
  httpTransport: nodeHttpTransport,
  agentFromEnv: tlsFromEnv,
  prometheus: () => import('./prometheus.ts').then(({ prometheusReader }) => prometheusReader()),
  grpcTransport: lateGrpc(() => import('./grpc-transport.ts')),
  exporter: (signal, env, warn, wired) =>
    exporterFromEnv(signal, env, warn, {
      ...wired,
      'otlp/stdout': () => import('./file-transport.ts').then((file) => file.stdoutTransport()),
    }),
  contextManager: () => ({
    manager: new AsyncLocalStorageContextManager(),
    kind: 'async-local-storage',
    reason: 'node:async_hooks',
  }),
  detectors,
  system,
  readText,
  getJson,
  get env() {
    return process.env;
  },
  propagator,
  sampler: samplerFromEnv,
  onExit: (hooks) => watchExit(hooks, basics.warn),
};
