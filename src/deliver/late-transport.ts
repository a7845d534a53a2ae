import type { Outcome, Payload, Transport } from './transport.ts';

/**
 * A transport that comes with the first payload.
 *
 * @param load is called again with a later payload when it has failed.
 * @param failed how the attempt ends then.
 */
export function lateTransport(
  load: () => Promise<Transport>,
  failed: (error: unknown) => Outcome,
): Transport {
  let loading: Promise<Transport> | undefined;
  let transport: Transport | undefined;
  let closed = false;

  async function loaded(): Promise<Transport> {
    loading ??= load();
    try {
      transport = await loading;
    } catch (error) {
      loading = undefined;
      throw error;
    }
    if (closed) transport.close();
    return transport;
  }

  async function send(payload: Payload): Promise<Outcome> {
    let ready: Transport;
    try {
      ready = transport ?? (await loaded());
    } catch (error) {
      return failed(error);
    }
    return closed ? { kind: 'retryable', reason: 'the transport is closed' } : ready.send(payload);
  }

  function close(): void {
    closed = true;
    transport?.close();
  }

  return { send, connections: () => transport?.connections?.(), close };
}
