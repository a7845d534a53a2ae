/**
 * The other end of `path/deliver`: an HTTP server in a process of its own that keeps request
 * bodies, answers 200 at once or after a while, and counts what it got only when asked, so
 * that its work does not compete with what is measured. Talks to its parent over the channel
 * of `fork`; ends with it.
 */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import protobuf from 'protobufjs/minimal.js';

/** `take` asks for what has arrived since it was last asked for. */
export type ServerRequest = { readonly delayMs: number } | { readonly take: true };

/** What has arrived. */
export interface Arrived {
  readonly requests: number;
  /** Body bytes as they came over the wire. */
  readonly bytes: number;
  readonly spans: number;
  /** Distinct span ids: fewer than `spans` where something was sent twice. */
  readonly distinct: number;
}

export type ServerMessage = { readonly port: number } | { readonly arrived: Arrived };

let delayMs = 0;
let bodies: { readonly body: Buffer; readonly gzip: boolean }[] = [];

const server = createServer((request, response) => {
  const gzip = request.headers['content-encoding'] === 'gzip';
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    bodies.push({ body: Buffer.concat(chunks), gzip });
    const answer = () => {
      // An empty message is the full success (OTLP specification, Full Success).
      response.writeHead(200, { 'content-type': 'application/x-protobuf', 'content-length': 0 });
      response.end();
    };
    if (delayMs > 0) setTimeout(answer, delayMs);
    else answer();
  });
});

server.listen(0, '127.0.0.1', () => send({ port: (server.address() as AddressInfo).port }));
process.on('message', (message: ServerRequest) => {
  if ('delayMs' in message) delayMs = message.delayMs;
  else send({ arrived: take() });
});
process.on('disconnect', () => process.exit());

function send(message: ServerMessage): void {
  process.send?.(message);
}

function take(): Arrived {
  const ids = new Set<string>();
  let spans = 0;
  let bytes = 0;
  for (const { body, gzip } of bodies) {
    bytes += body.length;
    for (const id of spanIds(gzip ? gunzipSync(body) : body)) {
      spans++;
      ids.add(id);
    }
  }
  const requests = bodies.length;
  bodies = [];
  return { requests, bytes, spans, distinct: ids.size };
}

/** Span ids of an ExportTraceServiceRequest: resource_spans 1, scope_spans 2, spans 2, span_id 2. */
function* spanIds(request: Uint8Array): Generator<string> {
  for (const resourceSpans of messages(request, 1)) {
    for (const scopeSpans of messages(resourceSpans, 2)) {
      for (const span of messages(scopeSpans, 2)) {
        for (const id of messages(span, 2)) yield Buffer.from(id).toString('latin1');
      }
    }
  }
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
