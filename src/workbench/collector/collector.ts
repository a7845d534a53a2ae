/**
 * A real OTLP receiver, over HTTP and gRPC, for tests, demos and a developer's own machine: it
 * decodes, keeps what arrived within bounds, and can fail on demand. Not a production collector.
 */

import { createHash } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { Server, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { OtlpError } from '../../errors.ts';
import { countRecords, decodeRequest, type Format, Undecodable } from './decode.ts';
import {
  type Exchange,
  type Intake,
  NOTHING,
  NoAnswer,
  type Recorded,
  type Refusal,
  type Verdict,
} from './exchange.ts';
import { createFaultQueue, type Fault } from './fault.ts';
import { createGrpcReceiver } from './grpc-receiver.ts';
import { httpStatusOf } from './grpc-status.ts';
import { createHttpReceiver } from './http-receiver.ts';
import { inflate, resolveEncodings } from './inflate.ts';
import { countDecoded, dataPointsOf, keptOf } from './points.ts';
import { openPort, type Port } from './port.ts';
import type {
  ReceivedDataPoint,
  ReceivedLogRecord,
  ReceivedMetric,
  ReceivedRecords,
  ReceivedRequest,
  ReceivedSignal,
  ReceivedSpan,
} from './received.ts';
import { createStore, MAX_REQUESTS } from './store.ts';

export interface CollectorOptions {
  /** TCP port for OTLP/HTTP; 0 takes any that is free. Default 4318. */
  readonly port?: number;
  /**
   * TCP port for OTLP/gRPC, 4317 as a rule; 0 takes any that is free. Default false: HTTP only, and
   * the gRPC library is not loaded.
   */
  readonly grpcPort?: number | false;
  /** Address to listen on. Default 127.0.0.1: reachable from this machine only. */
  readonly host?: string;
  /**
   * Largest body or gRPC message accepted, in bytes, as sent and once inflated; more is a 413, or
   * RESOURCE_EXHAUSTED. Default 20 MiB.
   */
  readonly maxRequestBytes?: number;
  /**
   * Content codings that are taken besides none, of `gzip`, `zstd`, `zlib`, `deflate`, `snappy`, `lz4`,
   * `x-snappy-framed` and `br`; over gRPC `gzip`, `zstd` and `snappy` of these. Others are answered with
   * a 400, or UNIMPLEMENTED. Default: all but `br`, as the OpenTelemetry Collector has it.
   */
  readonly encodings?: readonly string[];
  /**
   * `false` keeps nothing and decodes nothing but the number of spans (log records, data points):
   * for measuring a sender. Default true.
   */
  readonly store?: boolean;
  /**
   * With `store: false`: whether bodies are inflated and their spans, log records and data points
   * counted. When false, too, only requests and bytes are counted. Default true.
   */
  readonly countSpans?: boolean;
  /** Spans, log records and data points kept at most; the oldest requests go first. Default 100 000. */
  readonly maxSpans?: number;
  /** Inflated request bytes kept at most; decoded spans take several times that. Default 64 MiB. */
  readonly maxBytes?: number;
  /** Keeps every request's inflated body in `requests()`. Default false. */
  readonly keepBodies?: boolean;
  /** Origins whose pages may post (CORS), e.g. `http://localhost:3000`, or `*`. Default none. */
  readonly allowedOrigins?: readonly string[];
  /** Called for every request once it is answered or cut, with what was accepted of it. */
  readonly onRequest?: (request: ReceivedRequest, received: ReceivedRecords) => void;
}

/** Since the start or the last `clear()`. Bytes and records are those of accepted requests. */
export interface CollectorStats {
  /** All requests that reached the server, whatever became of them. */
  readonly requests: number;
  /** Requests answered 2xx or OK, partial successes included. */
  readonly accepted: number;
  readonly spans: number;
  readonly logRecords: number;
  readonly dataPoints: number;
  /** Spans, log records or data points refused by a partial success. */
  readonly rejected: number;
  /** Requests and records the store let go of to stay within its bounds. */
  readonly evicted: { readonly requests: number; readonly records: number };
  /** Body bytes as sent. */
  readonly wireBytes: number;
  /** Body bytes once inflated. */
  readonly rawBytes: number;
  /** Requests by error status: of gRPC the HTTP status that means the same. */
  readonly errors: Readonly<Record<number, number>>;
  /** Requests without an answer: cut, left hanging, or given up by the sender. */
  readonly unanswered: number;
}

/** What to wait for: counts since the start or the last `clear()`, or any condition. */
export type Awaited =
  | {
      readonly spans?: number;
      readonly logRecords?: number;
      readonly dataPoints?: number;
      readonly requests?: number;
    }
  | ((collector: Collector) => boolean);

export interface Collector {
  /** Base URL, e.g. `http://127.0.0.1:4318`: the value for `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly url: string;
  readonly port: number;
  /** `http://127.0.0.1:4317`; undefined without a `grpcPort`. */
  readonly grpcUrl: string | undefined;
  /** Spans in the order they arrived. */
  traces(): ReceivedSpan[];
  /** Log records in the order they arrived. */
  logs(): ReceivedLogRecord[];
  /** Metrics in the order they arrived: one is there again with each request that has it. */
  metrics(): ReceivedMetric[];
  /** Their data points, each with its metric. */
  dataPoints(): ReceivedDataPoint[];
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

/** OTLP's port for gRPC. */
export const DEFAULT_GRPC_PORT = 4317;

const MIB = 1024 * 1024;

/**
 * Starts an OTLP receiver, over HTTP and, with a `grpcPort`, over gRPC. Throws an {@link OtlpError} (`listen_failed`) when it cannot
 * listen there.
 */
export async function startCollector(options: CollectorOptions = {}): Promise<Collector> {
  const {
    port = DEFAULT_PORT,
    grpcPort = false,
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

  const encodings = resolveEncodings(options.encodings);
  const intake: Intake = { maxRequestBytes, encodings, takeFault: faults.take, judge, record };
  const grpc = grpcPort === false ? undefined : await createGrpcReceiver(intake);
  const ports = await openPorts();
  const [httpPort, openGrpcPort] = ports as [Port, Port?];

  async function openPorts(): Promise<Port[]> {
    const opened: Port[] = [];
    const open = async (server: Server, number: number) => {
      server.prependListener('connection', cutAtOnce);
      opened.push(await openPort(server, host, number));
    };
    try {
      await open(createHttpReceiver(intake, allowedOrigins), port);
      if (grpc !== undefined) await open(grpc.server, grpcPort as number);
      return opened;
    } catch (error) {
      grpc?.close();
      for (const one of opened) await one.stop();
      throw error;
    }
  }

  function cutAtOnce(socket: Socket): void {
    const next = faults.peek();
    if (next?.kind !== 'cut' || next.when !== 'connection') return;
    faults.take();
    counts.requests++;
    counts.unanswered++;
    socket.destroy();
    wake();
  }

  async function judge(exchange: Exchange): Promise<Verdict> {
    const { signal, format, contentEncoding, fault, wire } = exchange;
    const refuse = (refusal: Refusal): Verdict => ({ kind: 'refused', ...refusal });
    const tooLarge = () =>
      refuse({ status: 413, message: `the request is larger than ${maxRequestBytes} bytes` });
    if (wire === undefined) return tooLarge();

    if (fault?.delayMs) await wait(fault.delayMs);
    const answer = fault?.kind === 'status' ? statusOf(fault) : { status: 200, message: '' };
    const { status } = answer;
    if (status >= 300) return refuse(answer);
    if (fault?.kind === 'hang') throw new NoAnswer();
    if (fault?.kind === 'cut' && fault.when === 'body') {
      exchange.cut();
      throw new NoAnswer();
    }
    if (fault?.kind === 'reset') {
      exchange.reset(fault.errorCode);
      throw new NoAnswer();
    }

    try {
      const needed = storing || countSpans;
      exchange.raw = needed ? await inflate(wire, contentEncoding, maxRequestBytes) : wire;
      if (exchange.raw === undefined) return tooLarge();
      if (storing) exchange.decoded = decodeRequest(signal!, format!, exchange.raw);
      else if (countSpans) exchange.counted = countUndecoded(signal!, format!, exchange.raw);
    } catch (error) {
      if (error instanceof Undecodable) return refuse({ status: 400, message: error.message });
      throw error;
    }
    if (fault?.kind !== 'partial') return { kind: 'accepted', status };
    const { rejected, message = 'fault: partial success' } = fault;
    exchange.rejected = rejected;
    return { kind: 'accepted', status, rejection: { rejected, message } };
  }

  function countUndecoded(signal: ReceivedSignal, format: Format, raw: Uint8Array): number {
    if (format === 'protobuf') return countRecords(signal, raw);
    return countDecoded(decodeRequest(signal, format, raw));
  }

  async function wait(delayMs: number): Promise<void> {
    try {
      await sleep(delayMs, undefined, { signal: closing.signal });
    } catch {
      throw new NoAnswer();
    }
  }

  function record(exchange: Exchange, { status, grpcStatus, error }: Recorded): void {
    const { fault, wire, raw, decoded, counted, rejected, signal } = exchange;
    const accepted = status >= 200 && status < 300;
    const request: ReceivedRequest = {
      protocol: exchange.protocol,
      path: exchange.path,
      signal,
      receivedAtMs: exchange.receivedAtMs,
      status,
      ...(grpcStatus !== undefined && { grpcStatus }),
      ...(error !== undefined && { error }),
      ...(fault !== undefined && { fault: fault.kind }),
      contentType: exchange.contentType,
      contentEncoding: exchange.contentEncoding,
      userAgent: String(exchange.headers['user-agent'] ?? ''),
      headers: redacted(exchange.headers),
      wireBytes: wire?.length ?? 0,
      rawBytes: raw?.length ?? 0,
      spans: decoded.spans.length + (signal === 'traces' ? counted : 0),
      logRecords: decoded.logRecords.length + (signal === 'logs' ? counted : 0),
      dataPoints: decoded.dataPoints + (signal === 'metrics' ? counted : 0),
      bodySha256: wire && storing ? createHash('sha256').update(wire).digest('hex') : '',
      ...(keepBodies && raw !== undefined && { body: Uint8Array.from(raw) }),
    };
    counts.requests++;
    if (status === 0) counts.unanswered++;
    else if (status >= 400) counts.errors[status] = (counts.errors[status] ?? 0) + 1;
    // As if the server had not been able to take the last ones.
    const kept = accepted ? keptOf(decoded, 0, countDecoded(decoded) - rejected) : NOTHING;
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
    onRequest?.(request, {
      ...{ spans: kept.spans, logRecords: kept.logRecords, metrics: kept.metrics },
    });
    wake();
  }

  function wake(): void {
    for (const check of waiting) check();
  }

  const collector: Collector = {
    url: `http://${httpPort.authority}`,
    port: httpPort.number,
    grpcUrl: openGrpcPort && `http://${openGrpcPort.authority}`,
    traces: store.spans,
    logs: store.logRecords,
    metrics: store.metrics,
    dataPoints: () => store.metrics().flatMap(dataPointsOf),
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
      for (const one of ports) {
        if (next[0]?.kind === 'refuse') await one.stop();
        else if (!closing.signal.aborted) await one.reopen();
      }
    },
    async close() {
      closing.abort();
      for (const one of ports) await one.stop();
      grpc?.close();
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

/** What a fault answers, as HTTP has it, and as gRPC has it where that is said. */
function statusOf(fault: Extract<Fault, { kind: 'status' }>): Refusal {
  const { grpcStatus, status = httpStatusOf(grpcStatus!), retryAfter } = fault;
  const { message = `fault: status ${fault.status ?? grpcStatus}` } = fault;
  return {
    ...{ status, message },
    ...(grpcStatus !== undefined && { grpcStatus }),
    ...(retryAfter !== undefined && { retryAfter }),
  };
}

const CREDENTIAL = /auth|token|key|secret|cookie|credential|passw|signature|session/i;

function redacted(headers: Exchange['headers']): Record<string, string> {
  const shown: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    shown[name] = CREDENTIAL.test(name) ? '[redacted]' : String(value);
  }
  return shown;
}

/** What may be waited for. */
const COUNTED = ['spans', 'logRecords', 'dataPoints', 'requests'] as const;

function reached(what: Exclude<Awaited, (...args: never) => unknown>, stats: CollectorStats) {
  return COUNTED.every((name) => stats[name] >= (what[name] ?? 0));
}

function waited(why: string, what: Awaited, stats: CollectorStats): string {
  const wanted =
    typeof what === 'function'
      ? 'a condition'
      : Object.entries(what)
          .map(([name, count]) => `${count} ${name}`)
          .join(', ');
  const { requests, errors, unanswered } = stats;
  const failed = Object.entries(errors).map(([status, count]) => `${count} × ${status}`);
  if (unanswered > 0) failed.push(`${unanswered} unanswered`);
  const failures = failed.length > 0 ? ` (${failed.join(', ')})` : '';
  // Spans, unless something else is what was waited for.
  const asked = typeof what === 'function' ? {} : what;
  const others = COUNTED.filter((name) => name !== 'requests' && asked[name] !== undefined);
  const names = others.length > 0 ? others : (['spans'] as const);
  const arrived = names.map((name) => `${stats[name]} ${name}`).join(', ');
  return `${why} for ${wanted}: ${arrived} arrived in ${requests} requests${failures}`;
}
