/** How the connections to one gRPC endpoint are made: by TCP, through a Unix socket, or a proxy. */

import type { ClientHttp2Session, SecureClientSessionOptions } from 'node:http2';
import { builtin } from './builtin.ts';

/** Memory for requests on their way, MiB. Node's default of 10 refuses streams before a queue is full. */
const SESSION_MEMORY_MIB = 256;

/** Makes a connection, which has yet to come about. */
export type Dial = () => Promise<ClientHttp2Session>;

/** What further attempts will not mend. */
export class LastingError extends Error {}

/**
 * @param url Its origin counts.
 * @param tls Options of `tls.connect`.
 */
export function dialTo(url: URL, tls: SecureClientSessionOptions): Dial {
  const options = {
    maxSessionMemory: SESSION_MEMORY_MIB,
    settings: { enablePush: false },
    ...tls,
  };
  return async () => builtin('node:http2').connect(url.origin, options);
}
