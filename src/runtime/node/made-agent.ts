import { endpointOf } from '../../deliver/endpoint.ts';
import { lateTransport } from '../../deliver/late-transport.ts';
import { shown } from '../../deliver/outcome.ts';
import type { MakeAgent, Transport, TransportOptions } from '../../deliver/transport.ts';
import { nodeHttpTransport } from './http-transport.ts';

/**
 * OTLP/HTTP on Node with an agent that may have to be made first, asynchronously, and stays its
 * maker's to destroy. One that cannot be made is tried to be made again with the next attempt.
 */
export function agentTransport(options: TransportOptions): Transport {
  const { agent } = options;
  if (typeof agent !== 'function') return nodeHttpTransport(options);
  const { protocol } = new URL(options.url);
  return lateTransport(
    async () => nodeHttpTransport({ ...options, agent: await (agent as MakeAgent)(protocol) }),
    (error) => {
      const { secrets } = endpointOf(options);
      return { kind: 'retryable', reason: shown(`no agent: ${error}`, secrets) };
    },
  );
}
