import { lateTransport } from '../deliver/late-transport.ts';
import type { Transport, TransportOptions } from '../deliver/transport.ts';

/** The module that has the transport. */
interface Grpc {
  nodeGrpcTransport(options: TransportOptions): Transport;
}

/** OTLP/gRPC, of which nothing is loaded before the first request. */
export function lateGrpc(load: () => Promise<Grpc>): (options: TransportOptions) => Transport {
  return (options) =>
    lateTransport(
      async () => (await load()).nodeGrpcTransport(options),
      (error) => ({ kind: 'rejected', reason: `gRPC cannot be loaded: ${error}` }),
    );
}
