/**
 * One server on loopback for every protocol. It does what its steps say, one step per attempt that
 * reaches it; the last step goes on. Whatever happens to it is an event. Where the next step is about a
 * new connection, what comes by one there is cuts that one first.
 */

import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import http2, { type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import net, { type AddressInfo, type Socket } from 'node:net';
import { framed } from '../../support/grpc-server.ts';

/** Marks requests as those of this test: ports are given anew, and clients elsewhere are stubborn. */
export const KEY = `k-5ecr3t-0f-the-he4der-${randomUUID()}`;

export type Protocol = 'http/protobuf' | 'http/json' | 'grpc';

/** A request that has been read to its end. */
export interface ReceivedRequest {
  readonly headers: Readonly<Record<string, unknown>>;
  readonly contentType: string;
  readonly encoding: string;
  /** As it came; of gRPC the message without its prefix. */
  readonly body: Buffer;
  readonly sha256: string;
  /** Number of the connection it came by, from 0. */
  readonly connection: number;
  /** The server's monotonic clock when the request was complete, milliseconds. */
  readonly at: number;
}

/** What every step gets. */
interface Attempt {
  readonly socket: Socket;
  /** The request, once it has been read to its end. */
  readonly received?: ReceivedRequest;
  /** Says that the client will hear nothing more until it gives up waiting. */
  stalled(): void;
}

export interface HttpAttempt extends Attempt {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

export interface GrpcAttempt extends Attempt {
  readonly stream: ServerHttp2Stream;
  readonly session: ServerHttp2Session;
}

/**
 * When a step acts: as soon as there is a connection (which then is never served), when the head of
 * a request has come, or when the request has been read to its end.
 */
export type ConnectionStep = { readonly at: 'connection'; act(attempt: Attempt): void };
export type HttpStep =
  | ConnectionStep
  | { readonly at: 'head' | 'end'; act(attempt: HttpAttempt): void };
export type GrpcStep =
  | ConnectionStep
  | { readonly at: 'head' | 'end'; act(attempt: GrpcAttempt): void };
export type Step = HttpStep | GrpcStep;

export interface FaultServer {
  /** Base URL. */
  readonly url: string;
  readonly port: number;
  /** Requests that were read to their end, in that order. */
  readonly received: readonly ReceivedRequest[];
  /** Attempts the server saw: connections that a step ended, and heads of requests. */
  readonly attempts: number;
  /** Called at whatever happens. */
  onEvent: (event: string) => void;
  onStalled: () => void;
  /** Waits until so many attempts were seen, or requests read. */
  seen(what: 'attempts' | 'received', count: number): Promise<void>;
  /** Cuts all connections and stops to listen. */
  close(): Promise<void>;
}

/** @param port Where a server has been before; default one that is free. */
export async function serve(
  protocol: Protocol,
  steps: readonly Step[],
  port = 0,
): Promise<FaultServer> {
  const received: ReceivedRequest[] = [];
  const sockets = new Map<Socket, number>();
  const waiting = new Set<() => void>();
  let connections = 0;
  let attempts = 0;
  let taken = 0;

  const next = () => steps[Math.min(taken, steps.length - 1)]!;
  const event = (name: string) => {
    server.onEvent(name);
    for (const wake of waiting) wake();
  };
  const stalled = () => server.onStalled();

  /** Does one step with one request, whatever protocol has brought it. */
  function request(
    stream: IncomingMessage | ServerHttp2Stream,
    headers: Readonly<Record<string, unknown>>,
    socket: Socket,
    act: (step: Step, received?: ReceivedRequest) => void,
  ): void {
    const step = next();
    stream.on('error', () => {});
    const isStranger = headers['x-api-key'] !== KEY;
    if (!isStranger) attempts++;
    if (isStranger || step.at === 'connection') {
      // what the step is about has not begun yet
      socket.destroy();
      return;
    }
    taken++;
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      event('data');
    });
    stream.on('close', () => event('request closed'));
    stream.on('end', () => {
      const whole = Buffer.concat(chunks);
      if (protocol !== 'grpc' && whole.length < Number(headers['content-length'])) return;
      if (protocol === 'grpc' && (whole.length < 5 || whole.length < 5 + whole.readUInt32BE(1))) {
        return;
      }
      const body = protocol === 'grpc' ? whole.subarray(5) : whole;
      const complete: ReceivedRequest = {
        headers,
        contentType: String(headers['content-type']),
        encoding: String(headers['content-encoding'] ?? headers['grpc-encoding'] ?? 'identity'),
        body,
        sha256: createHash('sha256').update(body).digest('hex'),
        connection: sockets.get(socket) ?? -1,
        at: performance.now(),
      };
      received.push(complete);
      event('received');
      if (step.at === 'end') act(step, complete);
      event('acted');
    });
    event('head');
    if (step.at === 'head') act(step);
  }

  const httpServer = http.createServer({ keepAliveTimeout: 0, requestTimeout: 0 });
  httpServer.on('request', (incoming, response) => {
    const { socket } = incoming;
    response.on('error', () => {});
    request(incoming, incoming.headers, socket, (step, whole) =>
      (step.act as (attempt: HttpAttempt) => void)({
        request: incoming,
        response,
        socket,
        stalled,
        ...(whole && { received: whole }),
      }),
    );
  });

  const http2Server = http2.createServer();
  http2Server.on('session', (session) => session.on('error', () => {}));
  http2Server.on('stream', (stream, headers) => {
    const session = stream.session as ServerHttp2Session;
    // the proxy that http2 gives of it lacks what resets a connection
    const socket = socketOf.get(session)!;
    request(stream, headers, socket, (step, whole) =>
      (step.act as (attempt: GrpcAttempt) => void)({
        stream,
        session,
        socket,
        stalled,
        ...(whole && { received: whole }),
      }),
    );
  });
  const socketOf = new WeakMap<ServerHttp2Session, Socket>();

  // ours comes first and decides which connections are served at all
  const listener = net.createServer((socket) => {
    sockets.set(socket, connections++);
    socket.on('error', () => {});
    socket.on('close', () => {
      sockets.delete(socket);
      event('connection closed');
    });
    const step = next();
    if (step.at === 'connection') {
      attempts++;
      taken++;
      socket.resume();
      step.act({ socket, stalled });
    } else if (protocol === 'grpc') {
      http2Server.once('session', (session) => socketOf.set(session, socket));
      http2Server.emit('connection', socket);
    } else {
      httpServer.emit('connection', socket);
    }
    event('connection');
  });
  listener.listen(port, '127.0.0.1');
  await once(listener, 'listening');
  const { port: bound } = listener.address() as AddressInfo;

  const server: FaultServer = {
    url: `http://127.0.0.1:${bound}`,
    port: bound,
    received,
    get attempts() {
      return attempts;
    },
    onEvent: () => {},
    onStalled: () => {},
    async seen(what, count) {
      while ((what === 'attempts' ? attempts : received.length) < count) {
        await new Promise<void>((wake) => {
          const woken = () => {
            waiting.delete(woken);
            wake();
          };
          waiting.add(woken);
        });
      }
    },
    async close() {
      for (const socket of sockets.keys()) socket.destroy();
      if (!listener.listening) return;
      listener.close();
      await once(listener, 'close');
    },
  };
  return server;
}

/** Says yes. */
export const OK: Readonly<Record<Protocol, Step>> = {
  'http/protobuf': {
    at: 'end',
    act: ({ response }: HttpAttempt) =>
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end(),
  },
  'http/json': {
    at: 'end',
    act: ({ response }: HttpAttempt) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}'),
  },
  grpc: {
    at: 'end',
    act({ stream }: GrpcAttempt) {
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc' },
        { waitForTrailers: true },
      );
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(framed(Buffer.alloc(0)));
    },
  },
};
