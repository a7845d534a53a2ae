import type {
  ClientHttp2Stream,
  IncomingHttpHeaders,
  IncomingHttpStatusHeader,
  OutgoingHttpHeaders,
  SecureClientSessionOptions,
} from 'node:http2';
import { endpointOf, type HttpEndpoint, socketPathOf } from '../../deliver/endpoint.ts';
import {
  type GrpcAnswer,
  outcomeOfGrpc,
  RETRYABLE_GRPC_CODES,
} from '../../deliver/grpc-outcome.ts';
import { networkErrorText, shown } from '../../deliver/outcome.ts';
import type {
  Connections,
  Outcome,
  Payload,
  Signal,
  Transport,
  TransportOptions,
} from '../../deliver/transport.ts';
import { builtin } from './builtin.ts';
import { dialTo, LastingError } from './grpc-dial.ts';
import { openSessions, type Session, type Sessions, type Waiting } from './grpc-sessions.ts';

const METHODS: Readonly<Record<Signal, string>> = {
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
  logs: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
  profiles: '/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export',
};

/** Compressed flag and length before every message (gRPC: "Length-Prefixed-Message"). */
const PREFIX_BYTES = 5;

/** A TimeoutValue has at most eight digits. */
const LONGEST_TIMEOUT_MS = 99_999_999;

/**
 * Headers that a call has of its own, or that HTTP/2 forbids (RFC 9113 §8.2.2); configured ones must
 * not contradict them.
 */
const OWN_METADATA = /^(grpc-.*|te|host|keep-alive|proxy-connection|upgrade|http2-settings)$/;

/**
 * OTLP/gRPC over node:http2: unary calls whose message is the payload's body as it is. Connections
 * are shared by all calls in flight. Idle ones do not keep the process alive, calls in flight do (for
 * `timeoutMs` at most). Of `url` the origin counts; `unix:///run/otel.sock` is a Unix socket. Proxies
 * are those of the environment. `agent` are options of TLS: `ca`, `cert`, `key` and others of
 * `tls.connect`.
 */
export function nodeGrpcTransport(options: TransportOptions): Transport {
  const { timeoutMs, maxResponseBytes, askEndpoint } = options;
  const retryable = options.retryable?.grpcCodes ?? RETRYABLE_GRPC_CODES;
  let endpoint: Endpoint | undefined;
  let closed = false;

  async function sendAsked(payload: Payload): Promise<Outcome> {
    const asked = await askEndpoint!(payload.signal);
    return 'kind' in asked ? asked : attempt(payload, asked);
  }

  function attempt(payload: Payload, asked?: HttpEndpoint): Promise<Outcome> {
    return new Promise((resolve) => {
      if (closed) return resolve({ kind: 'retryable', reason: 'the transport is closed' });
      let secrets: readonly string[] = [];
      try {
        endpoint ??= openEndpoint(options);
        secrets = asked?.secrets ?? endpoint.secrets;
      } catch (error) {
        return resolve({ kind: 'rejected', reason: shown(String(error), secrets) });
      }
      const { sessions, headers: fixed } = endpoint;
      const deadlineAt = performance.now() + timeoutMs;
      let lent: Session | undefined;
      let stream: ClientHttp2Stream | undefined;
      let settled = false;

      // all of these may follow each other; the first one counts
      const settle = (outcome: Outcome, answered = false) => {
        if (settled) return;
        settled = true;
        clearTimeout(timer);
        sessions.takeBack(waiting);
        resolve(outcome);
        if (lent !== undefined) sessions.giveBack(lent, answered);
      };
      const waiting: Waiting = {
        failed(error) {
          const reason = shown(networkErrorText(error), secrets);
          settle({ kind: error instanceof LastingError ? 'rejected' : 'retryable', reason });
        },
        start(session) {
          lent = session;
          const metadata = asked === undefined ? fixed : metadataOf(asked);
          try {
            stream = session.http2.request(
              headersOf(metadata, payload, deadlineAt - performance.now()),
            );
          } catch (error) {
            const reason = shown(networkErrorText(error as Error), secrets);
            const gone = session.http2.closed || session.http2.destroyed;
            return settle(
              gone ? { kind: 'retryable', reason, atOnce: true } : { kind: 'rejected', reason },
            );
          }
          exchange(stream, session);
        },
      };
      const timer = setTimeout(() => {
        settle({ kind: 'retryable', reason: `no answer within ${timeoutMs} ms` });
        if (stream === undefined) return;
        stream.close(builtin('node:http2').constants.NGHTTP2_CANCEL);
        if (lent !== undefined) sessions.probe(lent);
      }, timeoutMs).unref();

      const exchange = (call: ClientHttp2Stream, session: Session) => {
        const { NGHTTP2_CANCEL } = builtin('node:http2').constants;
        let headers: AnswerHeaders | undefined;
        let trailers: IncomingHttpHeaders | undefined;
        let failure: Error | undefined;
        const chunks: Uint8Array[] = [];
        let size = 0;
        const answered = () => {
          const answer = answerOf(headers!, trailers, chunks, maxResponseBytes);
          settle(
            answer === 'too large'
              ? tooLarge(maxResponseBytes)
              : outcomeOfGrpc(
                  answer,
                  { encoding: payload.encoding, retryable },
                  Date.now(),
                  secrets,
                ),
            true,
          );
        };
        call.on('response', (incoming) => {
          headers = incoming;
        });
        call.on('trailers', (incoming) => {
          trailers = incoming;
        });
        call.on('data', (chunk: Uint8Array) => {
          chunks.push(chunk);
          size += chunk.length;
          if (size <= maxResponseBytes + PREFIX_BYTES) return;
          settle(tooLarge(maxResponseBytes), true);
          call.close(NGHTTP2_CANCEL);
        });
        call.on('end', () => {
          // a stream that was reset ends, too
          if (headers === undefined || call.rstCode !== 0) return;
          answered();
          // a server that answers before it has read everything may never read the rest
          if (!call.writableFinished) call.close(NGHTTP2_CANCEL);
        });
        call.on('error', (error) => {
          failure = error;
        });
        call.on('close', () => {
          const status = trailers?.['grpc-status'] ?? headers?.['grpc-status'];
          if (status === undefined) settle(outcomeOfBroken(call, session, failure, secrets));
          else answered();
        });
        call.cork();
        call.write(prefixOf(payload));
        call.end(payload.body);
      };

      sessions.take(waiting);
    });
  }

  function connections(): Connections {
    return endpoint?.sessions.connections() ?? { state: 'idle', open: 0, busy: 0 };
  }

  function close(): void {
    closed = true;
    endpoint?.sessions.close();
  }

  return { send: askEndpoint === undefined ? attempt : sendAsked, connections, close };
}

interface Endpoint {
  readonly sessions: Sessions;
  readonly headers: OutgoingHttpHeaders;
  readonly secrets: readonly string[];
}

/** Comes with the first call: node:http2 costs more than everything else at start-up. */
function openEndpoint(options: TransportOptions): Endpoint {
  const endpoint = endpointOf(options);
  const { agent = {}, maxConnections, timeoutMs } = options;
  const tls = agent as SecureClientSessionOptions;
  return {
    sessions: openSessions(dialTo(endpoint.url, tls, timeoutMs), maxConnections, timeoutMs),
    headers: metadataOf(endpoint),
    secrets: endpoint.secrets,
  };
}

/** What every call carries. */
function metadataOf({ url, headers }: HttpEndpoint): OutgoingHttpHeaders {
  const socket = socketPathOf(url) !== undefined;
  const metadata: OutgoingHttpHeaders = {
    ':method': 'POST',
    ':scheme': socket ? 'http' : url.protocol.slice(0, -1),
    ':authority': socket ? 'localhost' : url.host,
    te: 'trailers',
    'content-type': 'application/grpc',
    'grpc-accept-encoding': 'identity,gzip',
  };
  for (const [name, value] of Object.entries(headers)) {
    if (!OWN_METADATA.test(name)) metadata[name] = value;
  }
  return metadata;
}

function headersOf(
  metadata: OutgoingHttpHeaders,
  { signal, encoding }: Payload,
  leftMs: number,
): OutgoingHttpHeaders {
  const timeoutMs = Math.max(1, Math.ceil(leftMs));
  return {
    ...metadata,
    ':path': METHODS[signal],
    'grpc-timeout':
      timeoutMs > LONGEST_TIMEOUT_MS ? `${Math.ceil(timeoutMs / 1000)}S` : `${timeoutMs}m`,
    'grpc-encoding': encoding,
  };
}

function prefixOf({ body, encoding }: Payload): Uint8Array {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix[0] = encoding === 'identity' ? 0 : 1;
  prefix.writeUInt32BE(body.length, 1);
  return prefix;
}

type AnswerHeaders = IncomingHttpHeaders & IncomingHttpStatusHeader;

function answerOf(
  headers: AnswerHeaders,
  trailers: IncomingHttpHeaders | undefined,
  chunks: readonly Uint8Array[],
  maxBytes: number,
): GrpcAnswer | 'too large' {
  const text = (name: string) => {
    const value = trailers?.[name] ?? headers[name];
    return Array.isArray(value) ? value[0] : value;
  };
  const body = messageOf(Buffer.concat(chunks), headers['grpc-encoding'], maxBytes);
  if (body === 'too large') return body;
  const details = text('grpc-status-details-bin');
  return {
    httpStatus: headers[':status'] ?? 0,
    contentType: headers['content-type'] ?? '',
    retryAfter: text('retry-after') ?? '',
    acceptEncoding: text('grpc-accept-encoding') ?? '',
    status: text('grpc-status'),
    message: percentDecoded(text('grpc-message') ?? ''),
    details: details === undefined ? undefined : Buffer.from(details, 'base64'),
    body,
  };
}

/** The one message of a unary answer; undefined when it is none that can be read. */
function messageOf(
  bytes: Buffer,
  encoding: unknown,
  maxBytes: number,
): Uint8Array | 'too large' | undefined {
  if (bytes.length < PREFIX_BYTES || bytes.readUInt32BE(1) !== bytes.length - PREFIX_BYTES) {
    return undefined;
  }
  const message = bytes.subarray(PREFIX_BYTES);
  if (bytes[0] === 0) return message;
  if (bytes[0] !== 1 || encoding !== 'gzip') return undefined;
  try {
    return builtin('node:zlib').gunzipSync(message, { maxOutputLength: maxBytes });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ERR_BUFFER_TOO_LARGE' ? 'too large' : undefined;
  }
}

/** As the specification has it: what is no percent-encoding stands for itself. */
function percentDecoded(text: string): string {
  const bytes = text.replace(/%([\da-f]{2})/gi, (_, hex) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

/** OTLP: such an answer MUST be treated as non-retryable. */
function tooLarge(maxBytes: number): Outcome {
  return { kind: 'rejected', reason: `gRPC: the answer is larger than ${maxBytes} bytes` };
}

/**
 * A call that ended without a status. gRPC makes INTERNAL of most of these, which OTLP does not send
 * again; but nobody has answered, and then it wants the request to be sent again ("the server
 * disconnects without returning a response").
 */
function outcomeOfBroken(
  { id = Number.POSITIVE_INFINITY, rstCode = 0 }: ClientHttp2Stream,
  { http2, proven, lastStreamId }: Session,
  error: Error | undefined,
  secrets: readonly string[],
): Outcome {
  const {
    NGHTTP2_REFUSED_STREAM: refused,
    NGHTTP2_INADEQUATE_SECURITY: insecure,
    NGHTTP2_HTTP_1_1_REQUIRED: older,
  } = builtin('node:http2').constants;
  const unanswered = error ?? new Error(`the stream was closed without an answer (${rstCode})`);
  const reason = shown(networkErrorText(unanswered), secrets);
  if (rstCode === insecure || rstCode === older) return { kind: 'rejected', reason };
  // not processed (RFC 9113 §8.7); or the server had closed the connection while it was idle
  const unheard = rstCode === refused || id > lastStreamId || (http2.destroyed && proven);
  return unheard ? { kind: 'retryable', reason, atOnce: true } : { kind: 'retryable', reason };
}
