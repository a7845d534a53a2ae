import { jaeger } from '../../api/propagation/jaeger.ts';
import { otTrace } from '../../api/propagation/ot-trace.ts';
import { xray } from '../../api/propagation/xray.ts';
import { inlinedEngines } from '../../engine/inlined.ts';
import { exporterFromEnv } from '../../exporters/from-env.ts';
import { resolvePropagator } from '../../options/propagators.ts';
import { samplerFromEnv } from '../../options/sampler.ts';
import type { Host } from '../host.ts';
import { webHost } from '../web/host.ts';
import { denoContext } from './context.ts';
import { watchUnload } from './exit.ts';

interface Deno {
  readonly env: { get(name: string): string | undefined };
  readonly permissions: {
    querySync(asked: { name: 'env'; variable: string }): { readonly state: string };
  };
}

/** Reads one variable where that is allowed; else there is none, and nobody is prompted for it. */
function variable(name: string): string | undefined {
  const { env, permissions } = (globalThis as unknown as { Deno: Deno }).Deno;
  const { state } = permissions.querySync({ name: 'env', variable: name });
  return state === 'granted' ? env.get(name) : undefined;
}

const env: Host['env'] = new Proxy(
  {},
  { get: (_, name) => (typeof name === 'string' ? variable(name) : undefined) },
);

/** Deno: web globals, and the environment where `--allow-env` grants it. */
export const host: Host = {
  ...webHost({
    name: 'deno',
    engines: inlinedEngines,
    env,
    contextManager: denoContext,
    onExit: watchUnload,
  }),
  // It costs Deno's entry little; there is no synchronous import by which to leave it out.
  propagator: (env, warn) =>
    resolvePropagator(env, warn, (name) => ({ jaeger, xray, ottrace: otTrace })[name]()),
  sampler: samplerFromEnv,
  exporter: (env, warn, otlp) =>
    exporterFromEnv(env, warn, {
      otlp,
      'otlp/stdout': () => import('./stdout-transport.ts').then((to) => to.stdoutTransport()),
    }),
};
