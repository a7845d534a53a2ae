/**
 * A real OTLP/HTTP receiver for tests, demos and a developer's own machine: it decodes, keeps
 * what arrived within bounds, and can fail on demand. Not a production collector.
 */

import { createHash } from 'node:crypto';
import { once, setMaxListeners } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { OtlpError } from '../../errors.ts';
import {
  type Answer,
  errorAnswer,
  garbageAnswer,
  OVERSIZED_BYTES,
  oversizedAnswer,
  successAnswer,
} from './answer.ts';
import { countRecords, type Decoded, decodeRequest, type Format, Undecodable } from './decode.ts';
import { createFaultQueue, type Fault } from './fault.ts';
import type {
  ReceivedLogRecord,
  ReceivedMetric,
  ReceivedRequest,
  ReceivedSignal,
  ReceivedSpan,
} from './received.ts';
import { createStore, MAX_REQUESTS } from './store.ts';

export interface CollectorOptions {
  /** TCP port; 0 takes any that is free. Default 4318. */
  readonly port?: number;
  /** Address to listen on. Default 127.0.0.1: reachable from this machine only. */
  readonly host?: string;
  /** Largest body accepted, in bytes, as sent and once inflated; more is a 413. Default 20 MiB. */
  readonly maxRequestBytes?: number;
  /**
   * `false` keeps nothing and decodes nothing but the number of spans (log records, metrics):
   * for measuring a sender. Default true.
   */
  readonly store?: boolean;
  /**
   * With `store: false`: whether bodies are inflated and their spans counted. When false, too,
   * only requests and bytes are counted. Default true.
   */
  readonly countSpans?: boolean;
  /** Spans (log records, metrics) kept at most; the oldest requests go first. Default 100 000. */
  readonly maxSpans?: number;
  /** Inflated request bytes kept at most; decoded spans take several times that. Default 64 MiB. */
  readonly maxBytes?: number;
  /** Keeps every request's inflated body in `requests()`. Default false. */
  readonly keepBodies?: boolean;
  /** Origins whose pages may post (CORS), e.g. `http://localhost:3000`, or `*`. Default none. */
  readonly allowedOrigins?: readonly string[];
  /** Called for every request once it is answered or cut. */
  readonly onRequest?: (request: ReceivedRequest, spans: readonly ReceivedSpan[]) => void;
}

/** Since the start or the last `clear()`. Bytes and records are those of accepted requests. */
export interface CollectorStats {
  /** All requests that reached the server, whatever became of them. */
  readonly requests: number;
  /** Requests answered 2xx, partial successes included. */
  readonly accepted: number;
  readonly spans: number;
  readonly logRecords: number;
  readonly dataPoints: number;
  /** Spans, log records or metrics refused by a partial success. */
  readonly rejected: number;
  /** Requests and records the store let go of to stay within its bounds. */
  readonly evicted: { readonly requests: number; readonly records: number };
  /** Body bytes as sent. */
  readonly wireBytes: number;
  /** Body bytes once inflated. */
  readonly rawBytes: number;
  /** Requests by error status. */
  readonly errors: Readonly<Record<number, number>>;
  /** Requests without an answer: cut, left hanging, or given up by the sender. */
  readonly unanswered: number;
}

/** What to wait for: counts since the start or the last `clear()`, or any condition. */
export type Awaited =
  | { readonly spans?: number; readonly logRecords?: number; readonly requests?: number }
  | ((collector: Collector) => boolean);

export interface Collector {
  /** Base URL, e.g. `http://127.0.0.1:4318`: the value for `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly url: string;
  readonly port: number;
  /** Spans in the order they arrived. */
  traces(): ReceivedSpan[];
  logs(): ReceivedLogRecord[];
  metrics(): ReceivedMetric[];
  requests(): ReceivedRequest[];
  stats(): CollectorStats;
  /**
   * Resolves as soon as what is waited for has arrived. Rejects with an {@link OtlpError}
   * (`timeout`) after `timeoutMs` (default 10 000), or when the collector is closed.
   */
  waitFor(what: Awaited, options?: { readonly timeoutMs?: number }): Promise<void>;
  /** Forgets everything received and counted. Faults stay. */
  clear(): void;
  /**
   * Makes the next requests fail: one fault, or several one after the other; `null` ends them.
   * Replaces earlier faults. Resolves when in effect (a port may have to be opened or closed).
   * Throws an {@link OtlpError} (`invalid_option`) for a fault that makes no sense.
   */
  fault(fault: Fault | readonly Fault[] | null): Promise<void>;
  /** Stops listening and cuts all connections. */
  close(): Promise<void>;
}

export const DEFAULT_PORT = 4318;

const SIGNALS: Readonly<Record<string, ReceivedSignal>> = {
  '/v1/traces': 'traces',
  '/v1/logs': 'logs',
  '/v1/metrics': 'metrics',
};

const FORMATS: Readonly<Record<string, Format>> = {
  'application/x-protobuf': 'protobuf',
  'application/json': 'json',
};

const MIB = 1024 * 1024;

const inflateGzip = promisify(gunzip);

const NOTHING: Decoded = { spans: [], logRecords: [], metrics: [], dataPoints: 0 };

/** What is known of a request while it is on its way through. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  readonly signal: ReceivedSignal | undefined;
  readonly contentType: string;
  readonly contentEncoding: string;
  readonly receivedAtMs: number;
  fault: Fault | undefined;
  wire: Uint8Array | undefined;
  raw: Uint8Array | undefined;
  decoded: Decoded;
  /** Records counted without decoding. */
  counted: number;
  /** Records refused by a partial success. */
  rejected: number;
}

/** The sender went away or is to go without an answer on purpose. */
class NoAnswer extends Error {}

/**
 * Starts an OTLP/HTTP receiver. Throws an {@link OtlpError} (`listen_failed`) when it cannot
 * listen there.
 */
export async function startCollector(options: CollectorOptions = {}): Promise<Collector> {
  const {
    port = DEFAULT_PORT,
    host = '127.0.0.1',
    maxRequestBytes = 20 * MIB,
    store: storing = true,
    countSpans = true,
    maxSpans = 100_000,
    maxBytes = 64 * MIB,
    keepBodies = false,
    allowedOrigins = [],
    onRequest,
  } = options;

  const store = createStore({ maxSpans, maxBytes, maxRequests: MAX_REQUESTS });
  const faults = createFaultQueue();
  const closing = new AbortController();
  // One for every request that waits on purpose; Node warns from the eleventh on.
  setMaxListeners(0, closing.signal);
  let counts = noCounts();
  const waiting = new Set<() => void>();

  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    receive(request, response).catch((error) => {
      // A defect of the collector itself: the sender sees a 500 rather than a dead process.
      if (response.headersSent) response.destroy();
      else response.writeHead(500).end(String(error?.message ?? error));
    });
  });
  server.on('connection', (socket: Socket) => {
    const next = faults.peek();
    if (next?.kind !== 'cut' || next.when !== 'connection') return;
    faults.take();
    counts.requests++;
    counts.unanswered++;
    socket.destroy();
    wake();
  });
  await listen(port);
  const address = server.address() as AddressInfo;

  async function listen(onPort: number): Promise<void> {
    server.listen({ port: onPort, host });
    try {
      await once(server, 'listening');
    } catch (cause) {
      throw listenFailure(cause as NodeJS.ErrnoException, host, onPort);
    }
  }

  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { headers } = request;
    const path = request.url!.split('?', 1)[0]!;
    const exchange: Exchange = {
      request,
      response,
      path,
      signal: Object.hasOwn(SIGNALS, path) ? SIGNALS[path] : undefined,
      contentType: (headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase(),
      contentEncoding: headers['content-encoding']?.trim().toLowerCase() || 'identity',
      receivedAtMs: Date.now(),
      fault: undefined,
      wire: undefined,
      raw: undefined,
      decoded: NOTHING,
      counted: 0,
      rejected: 0,
    };
    allowOrigin(exchange);
    if (request.method === 'OPTIONS' && headers['access-control-request-method']) {
      response.writeHead(204).end();
      return;
    }
    try {
      const answer = await respond(exchange);
      record(exchange, answer.status, answer.error);
      await send(exchange, answer);
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      record(exchange, 0, undefined);
    }
  }

  /** Decides what to answer, and takes in what was sent. */
  async function respond(exchange: Exchange): Promise<Answer> {
    const { request, path, signal, contentType, contentEncoding } = exchange;
    const format = FORMATS[contentType];
    const refuse = (status: number, message: string, headers?: Record<string, string>) =>
      errorAnswer(status, message, format ?? 'json', headers);

    if (signal === undefined) {
      const paths = Object.keys(SIGNALS).join(', ');
      return refuse(404, `no such path: ${path}; OTLP/HTTP is served on ${paths}`);
    }
    if (request.method !== 'POST') {
      return refuse(405, `${request.method} is not allowed: use POST`, { allow: 'POST' });
    }
    const fault = (exchange.fault = faults.take());
    if (fault?.kind === 'cut' && (fault.when === 'connection' || fault.when === 'headers')) {
      request.socket.destroy();
      throw new NoAnswer();
    }
    if (format === undefined) {
      const types = Object.keys(FORMATS).join(' or ');
      return refuse(415, `unsupported Content-Type "${contentType}": use ${types}`);
    }
    if (contentEncoding !== 'identity' && contentEncoding !== 'gzip') {
      return refuse(415, `unsupported Content-Encoding "${contentEncoding}": use gzip or none`, {
        'accept-encoding': 'gzip, identity',
      });
    }
    const tooLarge = () => refuse(413, `the request is larger than ${maxRequestBytes} bytes`);
    exchange.wire = await readBody(request, maxRequestBytes);
    if (exchange.wire === undefined) return tooLarge();

    if (fault?.delayMs) await wait(fault.delayMs);
    if (fault?.kind === 'status' && fault.status >= 300) {
      const { status, retryAfter, message = `fault: status ${status}` } = fault;
      return refuse(status, message, retryAfterHeader(retryAfter));
    }
    if (fault?.kind === 'hang') throw new NoAnswer();
    if (fault?.kind === 'cut' && fault.when === 'body') {
      request.socket.destroy();
      throw new NoAnswer();
    }

    try {
      exchange.raw = await inflate(exchange.wire, contentEncoding, storing || countSpans);
      if (exchange.raw === undefined) return tooLarge();
      if (storing) exchange.decoded = decodeRequest(signal, format, exchange.raw);
      else if (countSpans) exchange.counted = countUndecoded(signal, format, exchange.raw);
    } catch (error) {
      if (error instanceof Undecodable) return refuse(400, error.message);
      throw error;
    }
    if (fault?.kind === 'partial') {
      const { rejected, message = 'fault: partial success' } = fault;
      exchange.rejected = rejected;
      return successAnswer(signal, format, { rejected, message });
    }
    if (fault?.kind === 'garbage') return garbageAnswer(format, fault.body);
    if (fault?.kind === 'oversized') {
      const { sizeBytes = OVERSIZED_BYTES, contentEncoding } = fault;
      return oversizedAnswer(signal, format, sizeBytes, contentEncoding);
    }
    const success = successAnswer(signal, format);
    return fault?.kind === 'status' ? { ...success, status: fault.status } : success;
  }

  /** Undefined when the inflated body would be larger than allowed. */
  async function inflate(
    wire: Uint8Array,
    contentEncoding: string,
    needed: boolean,
  ): Promise<Uint8Array | undefined> {
    if (!needed || contentEncoding === 'identity') return wire;
    try {
      return await inflateGzip(wire, { maxOutputLength: maxRequestBytes });
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException;
      if (code === 'ERR_BUFFER_TOO_LARGE') return undefined;
      throw new Undecodable(`not gzip: ${message}`);
    }
  }

  function countUndecoded(signal: ReceivedSignal, format: Format, raw: Uint8Array): number {
    if (format === 'protobuf') return countRecords(raw);
    const { spans, logRecords, metrics } = decodeRequest(signal, format, raw);
    return spans.length + logRecords.length + metrics.length;
  }

  async function wait(delayMs: number): Promise<void> {
    try {
      await sleep(delayMs, undefined, { signal: closing.signal });
    } catch {
      throw new NoAnswer();
    }
  }

  async function send({ fault, request, response }: Exchange, answer: Answer): Promise<void> {
    const { status, headers, body } = answer;
    if (fault?.kind === 'cut') {
      response.writeHead(status, { ...headers, 'content-length': body.length + 100 });
      // Flushed before the cut, so that the sender sees an answer that stops.
      response.write(new Uint8Array(1), () => request.socket.destroy());
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

  /** Counts and stores a request once its answer is known; before the sender can see it. */
  function record(exchange: Exchange, status: number, error: string | undefined): void {
    const { fault, wire, raw, decoded, counted, rejected, signal } = exchange;
    const accepted = status >= 200 && status < 300;
    const request: ReceivedRequest = {
      path: exchange.path,
      signal,
      receivedAtMs: exchange.receivedAtMs,
      status,
      ...(error !== undefined && { error }),
      ...(fault !== undefined && { fault: fault.kind }),
      contentType: exchange.contentType,
      contentEncoding: exchange.contentEncoding,
      userAgent: exchange.request.headers['user-agent'] ?? '',
      headers: redacted(exchange.request.headers),
      wireBytes: wire?.length ?? 0,
      rawBytes: raw?.length ?? 0,
      spans: decoded.spans.length + (signal === 'traces' ? counted : 0),
      logRecords: decoded.logRecords.length + (signal === 'logs' ? counted : 0),
      dataPoints: decoded.dataPoints,
      bodySha256: wire && storing ? createHash('sha256').update(wire).digest('hex') : '',
      ...(keepBodies && raw !== undefined && { body: Uint8Array.from(raw) }),
    };
    counts.requests++;
    if (status === 0) counts.unanswered++;
    else if (status >= 400) counts.errors[status] = (counts.errors[status] ?? 0) + 1;
    const kept = accepted ? without(decoded, rejected) : NOTHING;
    if (accepted) {
      counts.accepted++;
      counts.spans += request.spans - (signal === 'traces' ? rejected : 0);
      counts.logRecords += request.logRecords - (signal === 'logs' ? rejected : 0);
      counts.dataPoints += request.dataPoints - (signal === 'metrics' ? rejected : 0);
      counts.rejected += rejected;
      counts.wireBytes += request.wireBytes;
      counts.rawBytes += request.rawBytes;
    }
    if (storing) store.add(request, kept);
    onRequest?.(request, kept.spans);
    wake();
  }

  function wake(): void {
    for (const check of waiting) check();
  }

  function allowOrigin({ request, response }: Exchange): void {
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

  async function stopListening(): Promise<void> {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }

  const collector: Collector = {
    url: `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`,
    port: address.port,
    traces: store.spans,
    logs: store.logRecords,
    metrics: store.metrics,
    requests: store.requests,
    stats: () => ({ ...counts, errors: { ...counts.errors }, evicted: store.evicted() }),
    waitFor(what, { timeoutMs = 10_000 } = {}) {
      const arrived =
        typeof what === 'function' ? what : (c: Collector) => reached(what, c.stats());
      return new Promise((resolve, reject) => {
        const settle = (finish: () => void) => {
          waiting.delete(check);
          closing.signal.removeEventListener('abort', closed);
          clearTimeout(timer);
          finish();
        };
        const check = () => {
          try {
            if (arrived(collector)) settle(resolve);
          } catch (error) {
            settle(() => reject(error));
          }
        };
        const giveUp = (why: string) =>
          settle(() => reject(new OtlpError('timeout', waited(why, what, collector.stats()))));
        const closed = () => giveUp('the collector was closed');
        const timer = setTimeout(() => giveUp(`waited ${timeoutMs} ms`), timeoutMs);
        waiting.add(check);
        closing.signal.addEventListener('abort', closed);
        if (closing.signal.aborted) closed();
        else check();
      });
    },
    clear() {
      store.clear();
      counts = noCounts();
    },
    async fault(fault) {
      const next = fault === null ? [] : Array.isArray(fault) ? fault : [fault as Fault];
      faults.replace(next);
      if (next[0]?.kind === 'refuse') await stopListening();
      else if (!server.listening && !closing.signal.aborted) await listen(address.port);
    },
    async close() {
      closing.abort();
      await stopListening();
    },
  };
  return collector;
}

function noCounts() {
  return {
    requests: 0,
    accepted: 0,
    spans: 0,
    logRecords: 0,
    dataPoints: 0,
    rejected: 0,
    wireBytes: 0,
    rawBytes: 0,
    errors: {} as Record<number, number>,
    unanswered: 0,
  };
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

/** Without the last `count` records, as if the server had not been able to take them. */
function without(decoded: Decoded, count: number): Decoded {
  if (count === 0) return decoded;
  const { spans, logRecords, metrics } = decoded;
  return {
    spans: spans.slice(0, -count),
    logRecords: logRecords.slice(0, -count),
    metrics: metrics.slice(0, -count),
    dataPoints: decoded.dataPoints,
  };
}

function retryAfterHeader(value: number | Date | string | undefined): Record<string, string> {
  if (value === undefined) return {};
  return { 'retry-after': value instanceof Date ? value.toUTCString() : String(value) };
}

const CREDENTIAL = /auth|token|key|secret|cookie|credential|passw|signature|session/i;

function redacted(headers: IncomingMessage['headers']): Record<string, string> {
  const shown: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    shown[name] = CREDENTIAL.test(name) ? '[redacted]' : String(value);
  }
  return shown;
}

function reached(what: Exclude<Awaited, (...args: never) => unknown>, stats: CollectorStats) {
  const { spans = 0, logRecords = 0, requests = 0 } = what;
  return stats.spans >= spans && stats.logRecords >= logRecords && stats.requests >= requests;
}

function waited(why: string, what: Awaited, stats: CollectorStats): string {
  const wanted =
    typeof what === 'function'
      ? 'a condition'
      : Object.entries(what)
          .map(([name, count]) => `${count} ${name}`)
          .join(', ');
  const { requests, spans, errors, unanswered } = stats;
  const failed = Object.entries(errors).map(([status, count]) => `${count} × ${status}`);
  if (unanswered > 0) failed.push(`${unanswered} unanswered`);
  const failures = failed.length > 0 ? ` (${failed.join(', ')})` : '';
  return `${why} for ${wanted}: ${spans} spans arrived in ${requests} requests${failures}`;
}

function listenFailure(cause: NodeJS.ErrnoException, host: string, port: number): OtlpError {
  const where = `${host}:${port}`;
  const messages: Record<string, string> = {
    EADDRINUSE: `port ${port} on ${host} is in use, perhaps by another collector: stop it, or choose another port (0 takes any that is free)`,
    EACCES: `not allowed to listen on ${where}: choose a port from 1024 up`,
    EADDRNOTAVAIL: `${host} is no address of this machine: use 127.0.0.1 for this machine only, 0.0.0.0 for all its addresses`,
    ENOTFOUND: `${host} is not a known host name: use 127.0.0.1 for this machine only`,
  };
  const message = messages[cause.code ?? ''] ?? `cannot listen on ${where}: ${cause.message}`;
  return new OtlpError('listen_failed', message, { cause });
}
