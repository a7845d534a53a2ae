/** How the connections to one gRPC endpoint are made: by TCP, through a Unix socket, or a proxy. */

import type { ClientHttp2Session, SecureClientSessionOptions } from 'node:http2';
import { socketPathOf } from '../../deliver/endpoint.ts';
import { LASTING_ERROR } from '../../deliver/outcome.ts';
import { env as readable } from '../deno/surroundings.ts';
import { builtin } from './builtin.ts';
import { loadProxies } from './proxied.ts';

/** Memory for requests on their way, MiB. Node's default of 10 refuses streams before a queue is full. */
const SESSION_MEMORY_MIB = 256;

/**
 * Finds the way to a connection, and then begins it: in two steps, because nobody would hear of an
 * error that comes before a promise for it goes on.
 */
export type Dial = () => Promise<() => ClientHttp2Session>;

/** What further attempts will not mend. */
export class LastingError extends Error {}

/**
 * @param url Its origin counts; with `unix:` its path.
 * @param tls Options of `tls.connect`.
 * @param timeoutMs How long a proxy may take.
 */
export function dialTo(url: URL, tls: SecureClientSessionOptions, timeoutMs: number): Dial {
  const path = socketPathOf(url);
  const connect = (more: SecureClientSessionOptions) =>
    builtin('node:http2').connect(path === undefined ? url.origin : 'http://localhost', {
      maxSessionMemory: SESSION_MEMORY_MIB,
      settings: { enablePush: false },
      ...tls,
      ...more,
    });
  if (path !== undefined) {
    return async () => () => connect({ createConnection: () => builtin('node:net').connect(path) });
  }
  return async () => {
    const socket = await tunnelTo(url, environment(), timeoutMs);
    if (socket === undefined) return () => connect({});
    return () =>
      connect(url.protocol === 'https:' ? { socket } : { createConnection: () => socket });
  };
}

type Env = Readonly<Record<string, string | undefined>>;

/** On Deno without what may not be read: it would ask whoever sits in front of it. */
const environment = (): Env => ('Deno' in globalThis ? readable : process.env);

/** Through the proxy that variables name for gRPC; undefined when there is none. */
async function tunnelTo(url: URL, env: Env, timeoutMs: number) {
  const proxies = await loadProxies(env);
  if (proxies === undefined) return undefined;
  let proxy: URL | undefined;
  try {
    proxy = proxies.grpcProxyOf(url, env);
  } catch (error) {
    throw new LastingError((error as Error).message);
  }
  if (proxy === undefined) return undefined;
  const target = { host: url.hostname, port: proxies.portOf(url) };
  try {
    return await proxies.connectThrough(proxy, target, timeoutMs);
  } catch (error) {
    const { message, code = '' } = error as NodeJS.ErrnoException;
    throw LASTING_ERROR.test(code) ? new LastingError(message) : error;
  }
}
