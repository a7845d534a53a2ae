/**
 * The other end of what is delivered: an OTLP server (HTTP or gRPC) in a process of its own that
 * keeps request bodies, answers at once or after a while, and counts what it got only when
 * asked, so that its work does not compete with what is measured. It can go away and come back on
 * its port. Talks to its parent over the channel of `fork`; ends with it.
 */

import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import type { Server, Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import protobuf from 'protobufjs/minimal.js';

export type Protocol = 'http' | 'grpc';

export interface ServerOrder {
  readonly protocol: Protocol;
}

export type ServerRequest =
  | { readonly delayMs: number }
  /** Refuses connections and cuts those there are, or accepts them again; answered with `away`. */
  | { readonly away: boolean }
  /** Asks for what has arrived since it was last asked for. `before`: milliseconds since the epoch. */
  | { readonly take: true; readonly before?: number };

/** What has arrived. */
export interface Arrived {
  readonly requests: number;
  /** Body bytes as they came over the wire. */
  readonly bytes: number;
  readonly spans: number;
  /** Distinct span ids: fewer than `spans` where something was sent twice. */
  readonly distinct: number;
  /** When the last span that had started before `before` came, milliseconds since the epoch. */
  readonly lastBeforeAt: number | undefined;
}

export type ServerMessage =
  | { readonly port: number }
  | { readonly away: boolean }
  | { readonly arrived: Arrived };

interface Body {
  readonly body: Buffer;
  readonly gzip: boolean;
  readonly at: number;
}

/** Below the ports that systems give to clients: the port stays free while the server is away. */
const PORTS = { from: 20_000, to: 30_000 };

/** A gRPC message of no bytes, the full success: not compressed, length 0. */
const EMPTY_MESSAGE = Buffer.alloc(5);

const { protocol }: ServerOrder = JSON.parse(process.argv[2]!);
let delayMs = 0;
let bodies: Body[] = [];

const server = protocol === 'grpc' ? grpcServer() : httpServer();
const sockets = new Set<Socket>();
server.on('connection', (socket) => {
  sockets.add(socket);
  socket.on('close', () => sockets.delete(socket));
});
const port = await listenSomewhere();
send({ port });
process.on('message', (message: ServerRequest) => {
  if ('delayMs' in message) delayMs = message.delayMs;
  else if ('away' in message) void setAway(message.away).then(send);
  else send({ arrived: take(message.before) });
});
process.on('disconnect', () => process.exit());

function httpServer(): Server {
  return createHttpServer((request, response) => {
    const gzip = request.headers['content-encoding'] === 'gzip';
    receive(request, gzip, () => {
      // An empty message is the full success (OTLP specification, Full Success).
      response.writeHead(200, { 'content-type': 'application/x-protobuf', 'content-length': 0 });
      response.end();
    });
  });
}

/** Unary calls of whatever method; the least that a gRPC client takes for an answer. */
function grpcServer(): Server {
  const http2 = createHttp2Server();
  http2.on('stream', (stream: ServerHttp2Stream, headers) => {
    stream.on('error', () => {});
    receive(stream, headers['grpc-encoding'] === 'gzip', () => {
      if (stream.destroyed) return;
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc' },
        { waitForTrailers: true },
      );
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(EMPTY_MESSAGE);
    });
  });
  return http2;
}

function receive(request: Readable, gzip: boolean, answer: () => void): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    bodies.push({ body: Buffer.concat(chunks), gzip, at: Date.now() });
    if (delayMs > 0) setTimeout(answer, delayMs);
    else answer();
  });
}

async function listenSomewhere(): Promise<number> {
  for (;;) {
    const candidate = PORTS.from + Math.floor(Math.random() * (PORTS.to - PORTS.from));
    try {
      await listen(candidate);
      return candidate;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
}

function listen(on: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(on, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function setAway(away: boolean): Promise<ServerMessage> {
  if (away) {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  } else {
    await listen(port);
  }
  return { away };
}

function send(message: ServerMessage): void {
  process.send?.(message);
}

function take(before = 0): Arrived {
  const ids = new Set<string>();
  let spans = 0;
  let bytes = 0;
  let lastBeforeAt: number | undefined;
  for (const body of bodies) {
    bytes += body.body.length;
    for (const { id, startedAt } of spansOf(requestOf(body))) {
      spans++;
      ids.add(id);
      if (startedAt < before) lastBeforeAt = Math.max(lastBeforeAt ?? 0, body.at);
    }
  }
  const requests = bodies.length;
  bodies = [];
  return { requests, bytes, spans, distinct: ids.size, lastBeforeAt };
}

/** The encoded request inside a body. */
function requestOf({ body, gzip }: Body): Uint8Array {
  if (protocol === 'http') return gzip ? gunzipSync(body) : body;
  // Length-Prefixed-Message: compressed flag, length, message; one of them in a unary call.
  const message = body.subarray(5);
  if (body.length < 5 || body.readUInt32BE(1) !== message.length) {
    throw new Error(`a gRPC message of ${body.length} bytes has another length in its prefix`);
  }
  if (body[0] === 1 && !gzip) throw new Error('a compressed message without grpc-encoding');
  return body[0] === 1 ? gunzipSync(message) : message;
}

interface Span {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
}

/** Spans of an ExportTraceServiceRequest: resource_spans 1, scope_spans 2, spans 2. */
function* spansOf(request: Uint8Array): Generator<Span> {
  for (const resourceSpans of messages(request, 1)) {
    for (const scopeSpans of messages(resourceSpans, 2)) {
      for (const span of messages(scopeSpans, 2)) yield spanOf(span);
    }
  }
}

/** span_id 2, start_time_unix_nano 7 (fixed64). */
function spanOf(span: Uint8Array): Span {
  const reader = protobuf.Reader.create(span);
  let id = '';
  let startedAt = 0;
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === ((2 << 3) | 2)) {
      id = Buffer.from(reader.bytes()).toString('latin1');
    } else if (tag === ((7 << 3) | 1)) {
      const low = reader.fixed32();
      startedAt = (reader.fixed32() * 2 ** 32 + low) / 1e6;
    } else {
      reader.skipType(tag & 7);
    }
  }
  return { id, startedAt };
}

/** The length-delimited fields numbered `field` of a message. */
function* messages(message: Uint8Array, field: number): Generator<Uint8Array> {
  const reader = protobuf.Reader.create(message);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === ((field << 3) | 2)) yield reader.bytes();
    else reader.skipType(tag & 7);
  }
}
