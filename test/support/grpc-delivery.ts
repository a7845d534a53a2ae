/** gRPC transports in tests, and what they talk to; all of it is closed after each test. */

import { once } from 'node:events';
import type http2 from 'node:http2';
import net, { type AddressInfo, type Socket } from 'node:net';
import { afterEach, expect, vi } from 'vitest';
import { type Clock, createDeliver } from '../../src/deliver/deliver.ts';
import type {
  Encoding,
  Outcome,
  Payload,
  Transport,
  TransportOptions,
} from '../../src/deliver/transport.ts';
import { nodeGrpcTransport } from '../../src/runtime/node/grpc-transport.ts';
import { type Answer, bareGrpcServer } from './grpc-server.ts';

/** Run after the test, last first. */
export const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  for (const cleanUp of cleanups.splice(0).reverse()) await cleanUp();
});

export async function listen(answers: Answer[], options: http2.SecureServerOptions = {}) {
  const server = await bareGrpcServer(answers, options);
  cleanups.push(() => server.close());
  return server;
}

export const defaults = {
  headers: {} as Record<string, string>,
  userAgent: 'OTel-OTLP-Exporter-JavaScript/test',
  timeoutMs: 30_000,
  maxConnections: 4,
  maxResponseBytes: 10_000,
};

export function transportTo(url: string, more: Partial<TransportOptions> = {}): Transport {
  const transport = nodeGrpcTransport({ ...defaults, ...more, url });
  cleanups.push(() => transport.close());
  return transport;
}

export function payload(bytes = 3000, encoding: Encoding = 'gzip'): Payload {
  return {
    signal: 'traces',
    body: Uint8Array.from({ length: bytes }, (_, i) => (i * i) >> 3),
    encoding,
    contentType: 'application/x-protobuf',
    records: 10,
    rawBytes: bytes * 5,
  };
}

const clock: Clock = {
  now: () => performance.now(),
  setTimer(callback, delayMs, keepAlive = false) {
    const timer = setTimeout(callback, delayMs);
    if (!keepAlive) timer.unref();
    return () => clearTimeout(timer);
  },
  soon: (callback) => void setImmediate(callback),
};

/** Delivery over the transport that remembers outcomes and retries with little delay. */
export function deliverTo(url: string, more: Partial<TransportOptions> = {}) {
  const transport = transportTo(url, more);
  const outcomes: Outcome[] = [];
  const remembering: Transport = {
    async send(sent) {
      const outcome = await transport.send(sent);
      outcomes.push(outcome);
      return outcome;
    },
    close: () => transport.close(),
  };
  const deliver = createDeliver({ transport: remembering, clock, random: () => 0.01 });
  return { deliver, outcomes };
}

/** A server of bytes. */
export async function listenRaw(connected: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', () => {});
    connected(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, sockets };
}

export const delivered = { kind: 'delivered' };
export const retryable = (reason = '') => ({
  kind: 'retryable',
  reason: expect.stringContaining(reason),
});
export const rejected = (reason: string) => ({
  kind: 'rejected',
  reason: expect.stringContaining(reason),
});

/** Turns of the event loop, until it is so. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
