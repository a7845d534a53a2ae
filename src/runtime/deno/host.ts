import { jaeger } from '../../api/propagation/jaeger.ts';
import { otTrace } from '../../api/propagation/ot-trace.ts';
import { xray } from '../../api/propagation/xray.ts';
import { inlinedEngines } from '../../engine/inlined.ts';
import { metricsSources } from '../../engine/inlined-metrics.ts';
import { exporterFromEnv } from '../../exporters/from-env.ts';
import { variablesOf } from '../../options/env.ts';
import { resolvePropagator } from '../../options/propagators.ts';
import { samplerFromEnv } from '../../options/sampler.ts';
import { detectors } from '../detectors.ts';
import type { Host } from '../host.ts';
import { lateGrpc } from '../late-grpc.ts';
import { webHost } from '../web/host.ts';
import { compressor } from '../web/late-compressor.ts';
import { denoContext } from './context.ts';
import { watchUnload } from './exit.ts';
import { env, getJson, readText, system } from './surroundings.ts';

/** Deno: web globals; environment, files and facts of the system where they are granted. */
export const host: Host = {
  ...webHost({
    name: 'deno',
    engines: inlinedEngines,
    metrics: metricsSources,
    compressor,
    env,
    detectors,
    contextManager: denoContext,
    onExit: watchUnload,
  }),
  // It costs Deno's entry little; there is no synchronous import by which to leave it out.
  propagator: (env, warn) =>
    resolvePropagator(env, warn, (name) => ({ jaeger, xray, ottrace: otTrace })[name]()),
  variables: variablesOf,
  sampler: samplerFromEnv,
  grpcTransport: lateGrpc(() => import('./node-grpc.js')),
  system,
  readText,
  getJson,
  exporter: (signal, env, warn, wired) =>
    exporterFromEnv(signal, env, warn, {
      ...wired,
      'otlp/stdout': () => import('./stdout-transport.ts').then((to) => to.stdoutTransport()),
    }),
};
