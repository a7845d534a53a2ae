import { inlinedEngines } from '../../engine/inlined.ts';
import type { Host } from '../host.ts';
import { webHost } from '../web/host.ts';

interface Deno {
  readonly env: { get(name: string): string | undefined };
}

/** Reads one variable; without the permission there is none. */
function variable(name: string): string | undefined {
  try {
    return (globalThis as unknown as { Deno: Deno }).Deno.env.get(name);
  } catch {
    return undefined;
  }
}

/** Deno: web globals, and the environment where `--allow-env` grants it. */
export const host: Host = webHost({
  name: 'deno',
  engines: inlinedEngines,
  env: new Proxy({}, { get: (_, name) => (typeof name === 'string' ? variable(name) : undefined) }),
});
