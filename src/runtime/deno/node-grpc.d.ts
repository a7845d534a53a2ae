import type { Transport, TransportOptions } from '../../deliver/transport.ts';

/** Node's transport, a bundle beside Deno's entry: Deno has `node:http2`. */
export function nodeGrpcTransport(options: TransportOptions): Transport;
