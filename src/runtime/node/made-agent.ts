import { endpointOf } from '../../deliver/endpoint.ts';
import { shown } from '../../deliver/outcome.ts';
import type {
  MakeAgent,
  Outcome,
  Payload,
  Transport,
  TransportOptions,
} from '../../deliver/transport.ts';
import { nodeHttpTransport } from './http-transport.ts';

/**
 * OTLP/HTTP on Node with an agent that may have to be made first, asynchronously, and stays its
 * maker's to destroy. One that cannot be made is tried to be made again with the next attempt.
 */
export function agentTransport(options: TransportOptions): Transport {
  const { agent } = options;
  return typeof agent === 'function'
    ? lateTransport(options, agent as MakeAgent)
    : nodeHttpTransport(options);
}

function lateTransport(options: TransportOptions, make: MakeAgent): Transport {
  let transport: Transport | undefined;
  let closed = false;

  async function send(payload: Payload): Promise<Outcome> {
    if (transport === undefined) {
      try {
        const agent = await make(new URL(options.url).protocol);
        transport ??= nodeHttpTransport({ ...options, agent });
        if (closed) transport.close();
      } catch (error) {
        const { secrets } = endpointOf(options);
        return { kind: 'retryable', reason: shown(`no agent: ${error}`, secrets) };
      }
    }
    return transport.send(payload);
  }

  function close(): void {
    closed = true;
    transport?.close();
  }

  return { send, close };
}
