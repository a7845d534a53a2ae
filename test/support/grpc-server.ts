/** Servers of OTLP/gRPC on loopback, of two makes: bare HTTP/2, which can also answer wrongly, and grpc-js. */

import { once } from 'node:events';
import http2, { type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import * as grpc from '@grpc/grpc-js';

export interface ReceivedCall {
  readonly headers: IncomingHttpHeaders;
  /** The message with its prefix. */
  readonly bytes: Buffer;
  /** Number of the connection it came by, from 0. */
  readonly connection: number;
}

/** Answers one call, which has been read unless `early`. */
export type Answer = (stream: ServerHttp2Stream, call: ReceivedCall) => void;

export interface BareServer {
  readonly url: string;
  readonly received: readonly ReceivedCall[];
  /** Connections that calls came by so far. */
  readonly connections: () => number;
  /** Waits for so many calls. */
  requested(count: number): Promise<void>;
  close(): Promise<void>;
}

/** A server that is nothing but its answers, one per call; the last one goes on. */
export async function bareGrpcServer(
  answers: readonly Answer[],
  options: http2.SecureServerOptions & { secure?: boolean } = {},
): Promise<BareServer> {
  const { secure = false, ...settings } = options;
  const received: ReceivedCall[] = [];
  const sockets = new Set<Socket>();
  const waiting: (() => void)[] = [];
  const sessions: http2.ServerHttp2Session[] = [];
  const server = secure ? http2.createSecureServer(settings) : http2.createServer(settings);
  server.on(secure ? 'secureConnection' : 'connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('session', (session) => {
    sessions.push(session);
    session.on('error', () => {});
  });
  server.on('stream', (stream, headers) => {
    const chunks: Buffer[] = [];
    const connection = sessions.indexOf(stream.session as http2.ServerHttp2Session);
    stream.on('error', () => {});
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      if (stream.destroyed || stream.rstCode !== 0) return;
      const call = { headers, bytes: Buffer.concat(chunks), connection };
      const answer = answers[Math.min(received.length, answers.length - 1)];
      received.push(call);
      answer?.(stream, call);
      for (const wake of waiting.splice(0)) wake();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `${secure ? 'https' : 'http'}://127.0.0.1:${port}`,
    received,
    connections: () => new Set(received.map(({ connection }) => connection)).size,
    async requested(count) {
      while (received.length < count) await new Promise<void>((wake) => waiting.push(wake));
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      if (!server.listening) return;
      server.close();
      await once(server, 'close');
    },
  };
}

/** A message with its prefix. */
export function framed(message: Uint8Array, compressed = false): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = compressed ? 1 : 0;
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** Headers, a message, trailers. */
export function answered(
  trailers: Record<string, string>,
  body: Uint8Array = framed(Buffer.alloc(0)),
  headers: Record<string, string> = {},
): Answer {
  return (stream) => {
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc', ...headers },
      { waitForTrailers: true },
    );
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    stream.end(body);
  };
}

/** Nothing but headers. */
export function trailersOnly(headers: Record<string, string | number>): Answer {
  return (stream) =>
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc', ...headers },
      { endStream: true },
    );
}

const field = (tag: number, content: Uint8Array) =>
  Buffer.concat([Buffer.from([tag, content.length]), content]);

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let left = value;
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push((left % 128) | 128);
  return Buffer.from([...bytes, left]);
}

/** google.rpc.Status with a RetryInfo, as `grpc-status-details-bin` has it. */
export function retryInfo(seconds: number, nanos = 0, type = 'google.rpc.RetryInfo'): string {
  const duration = Buffer.concat([
    ...(seconds > 0 ? [Buffer.from([0x08]), varint(seconds)] : []),
    ...(nanos > 0 ? [Buffer.from([0x10]), varint(nanos)] : []),
  ]);
  const any = Buffer.concat([
    field(0x0a, Buffer.from(`type.googleapis.com/${type}`)),
    field(0x12, field(0x0a, duration)),
  ]);
  const status = Buffer.concat([
    Buffer.from([0x08, 8]),
    field(0x12, Buffer.from('slow')),
    field(0x1a, any),
  ]);
  return status.toString('base64').replace(/=+$/, '');
}

export type JsCall = grpc.ServerUnaryCall<Buffer, Buffer>;
export type JsReply = Parameters<grpc.handleUnaryCall<Buffer, Buffer>>[1];

/** OTLP's trace service by grpc-js, which frames, inflates and limits by itself. */
export async function grpcJsServer(
  handle: (call: JsCall, reply: JsReply) => void,
  options: grpc.ServerOptions & { readonly address?: string } = {},
  credentials = grpc.ServerCredentials.createInsecure(),
) {
  const { address: given = '127.0.0.1:0', ...limits } = options;
  const server = new grpc.Server(limits);
  const same = (bytes: Buffer) => bytes;
  server.addService(
    {
      export: {
        path: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
        requestStream: false,
        responseStream: false,
        requestSerialize: same,
        requestDeserialize: same,
        responseSerialize: same,
        responseDeserialize: same,
      },
    },
    { export: handle },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(given, credentials, (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const address = `127.0.0.1:${port}`;
  return { address, url: `http://${address}`, close: () => server.forceShutdown() };
}
