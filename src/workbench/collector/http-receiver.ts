import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import {
  type Answer,
  errorAnswer,
  garbageAnswer,
  OVERSIZED_BYTES,
  oversizedAnswer,
  successAnswer,
} from './answer.ts';
import { ENVELOPES, type Format } from './decode.ts';
import { type Exchange, type Intake, NoAnswer, newExchange, type Verdict } from './exchange.ts';
import { cutsUnread } from './fault.ts';
import { encodingComplaint } from './inflate.ts';
import type { ReceivedSignal } from './received.ts';

const SIGNALS = new Map(
  (Object.keys(ENVELOPES) as ReceivedSignal[]).map((signal) => [`/v1/${signal}`, signal]),
);

const FORMATS = new Map<string, Format>([
  ['application/x-protobuf', 'protobuf'],
  ['application/json', 'json'],
]);

/** An HTTP server, not listening yet, that hands what it receives to `intake`. */
export function createHttpReceiver(intake: Intake, allowedOrigins: readonly string[]): Server {
  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { headers, socket } = request;
    const path = request.url!.split('?', 1)[0]!;
    const contentType = (headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();
    const exchange = newExchange({
      ...{ protocol: 'http', path, contentType },
      signal: SIGNALS.get(path),
      format: FORMATS.get(contentType),
      cut: () => socket.destroy(),
      reset: () => socket.resetAndDestroy(),
    });
    exchange.headers = headers;
    exchange.contentEncoding = headers['content-encoding']?.trim().toLowerCase() || 'identity';
    allowOrigin(request, response);
    if (request.method === 'OPTIONS' && headers['access-control-request-method']) {
      response.writeHead(204).end();
      return;
    }
    try {
      const answer = await respond(exchange, request);
      intake.record(exchange, answer);
      send(exchange, response, answer);
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      intake.record(exchange, { status: 0 });
    }
  }

  async function respond(exchange: Exchange, request: IncomingMessage): Promise<Answer> {
    const { path, signal, format, contentType, contentEncoding } = exchange;
    const refuse = (status: number, message: string, headers?: Record<string, string>) =>
      errorAnswer(status, message, format ?? 'json', headers);

    if (signal === undefined) {
      const paths = [...SIGNALS.keys()].join(', ');
      return refuse(404, `no such path: ${path}; OTLP/HTTP is served on ${paths}`);
    }
    if (request.method !== 'POST') {
      return refuse(405, `${request.method} is not allowed: use POST`, { allow: 'POST' });
    }
    const fault = (exchange.fault = intake.takeFault());
    if (cutsUnread(fault)) {
      exchange.cut();
      throw new NoAnswer();
    }
    if (format === undefined) {
      const types = [...FORMATS.keys()].join(' or ');
      return refuse(415, `unsupported Content-Type "${contentType}": use ${types}`);
    }
    const { http } = intake.encodings;
    const complaint = encodingComplaint(contentEncoding, http);
    if (complaint !== undefined) {
      // As the OpenTelemetry Collector has it; by RFC 9110, 15.5.16, it would be a 415.
      return refuse(400, complaint, { 'accept-encoding': [...http, 'identity'].join(', ') });
    }
    exchange.wire = await readBody(request, intake.maxRequestBytes);
    return answerTo(exchange, signal, format, await intake.judge(exchange));
  }

  function allowOrigin(request: IncomingMessage, response: ServerResponse): void {
    const { origin } = request.headers;
    if (origin === undefined) return;
    if (!allowedOrigins.includes('*') && !allowedOrigins.includes(origin)) return;
    response.setHeader('access-control-allow-origin', origin);
    response.setHeader('vary', 'origin');
    response.setHeader('access-control-allow-methods', 'POST');
    const asked = request.headers['access-control-request-headers'];
    if (asked !== undefined) response.setHeader('access-control-allow-headers', asked);
    response.setHeader('access-control-expose-headers', 'retry-after');
    response.setHeader('access-control-max-age', '600');
  }

  return createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    receive(request, response).catch((error) => {
      // A defect of the collector itself: the sender sees a 500 rather than a dead process.
      if (response.headersSent) response.destroy();
      else response.writeHead(500).end(String(error?.message ?? error));
    });
  });
}

function answerTo(
  { fault }: Exchange,
  signal: ReceivedSignal,
  format: Format,
  verdict: Verdict,
): Answer {
  if (verdict.kind === 'refused') {
    const { status, message, retryAfter } = verdict;
    return errorAnswer(status, message, format, retryAfterHeader(retryAfter));
  }
  if (fault?.kind === 'garbage') return garbageAnswer(format, fault.body);
  if (fault?.kind === 'oversized') {
    const { sizeBytes = OVERSIZED_BYTES, contentEncoding } = fault;
    return oversizedAnswer(signal, format, sizeBytes, contentEncoding);
  }
  return { ...successAnswer(signal, format, verdict.rejection), status: verdict.status };
}

function send({ fault, cut }: Exchange, response: ServerResponse, answer: Answer): void {
  const { status, headers, body } = answer;
  if (fault?.kind === 'cut') {
    response.writeHead(status, { ...headers, 'content-length': body.length + 100 });
    // Flushed before the cut, so that the sender sees an answer that stops.
    response.write(new Uint8Array(1), cut);
  } else if (fault?.kind === 'oversized') {
    // Without a Content-Length: the reader has to count.
    response.writeHead(status, headers);
    response.write(body);
    response.end();
  } else {
    response.writeHead(status, { ...headers, 'content-length': body.length });
    response.end(body);
  }
}

/**
 * The whole body, or undefined when it is larger than `maxBytes`; what follows is thrown away so
 * that the sender, busy writing, gets to read the answer.
 */
async function readBody(
  request: IncomingMessage,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) {
    request.resume();
    return undefined;
  }
  return await new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxBytes) chunks.push(chunk);
      else {
        chunks.length = 0;
        resolve(undefined);
      }
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('error', () => reject(new NoAnswer()));
    request.on('close', () => reject(new NoAnswer()));
  });
}

function retryAfterHeader(value: number | Date | string | undefined): Record<string, string> {
  if (value === undefined) return {};
  return { 'retry-after': value instanceof Date ? value.toUTCString() : String(value) };
}
