/** What a gRPC answer means for a payload (OTLP/gRPC: Response; gRPC: Status codes). */

import { decodeExportResponse, decodeRetryDelay } from '../codec/response.ts';
import { MAX_RETRY_AFTER_MS, outcomeOfResponse, retryAfterMs, shown } from './outcome.ts';
import type { Encoding, Outcome, Remedy } from './transport.ts';

/** What the outcome of a call depends on beside its answer. */
export interface GrpcCall {
  /** The encoding the message was sent in. */
  readonly encoding: Encoding;
  /** Names of the codes that are worth another attempt. */
  readonly retryable: readonly string[];
}

/** An answer to one call, as far as it matters. */
export interface GrpcAnswer {
  readonly httpStatus: number;
  /** Content-Type; empty when the server sent none. */
  readonly contentType: string;
  /** Retry-After, which proxies send; empty when there is none. */
  readonly retryAfter: string;
  /** `grpc-accept-encoding`: what the server can inflate; empty when it does not say. */
  readonly acceptEncoding: string;
  /** `grpc-status` as it came; undefined when there is none. */
  readonly status: string | undefined;
  /** `grpc-message`, decoded. */
  readonly message: string;
  /** `grpc-status-details-bin`, decoded: a google.rpc.Status. */
  readonly details: Uint8Array | undefined;
  /** The message without its prefix, inflated; `undefined` when it could not be read. */
  readonly body: Uint8Array | undefined;
}

/** Names of the status codes, by number. */
export const GRPC_CODES = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const;

type GrpcCode = (typeof GRPC_CODES)[number];

/** OTLP/gRPC, "Failures". RESOURCE_EXHAUSTED is one of them only with a RetryInfo. */
export const RETRYABLE_GRPC_CODES: readonly GrpcCode[] = [
  'CANCELLED',
  'DEADLINE_EXCEEDED',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNAVAILABLE',
  'DATA_LOSS',
];

/** Answers of proxies, which know no gRPC (gRPC: "HTTP to gRPC Status Code Mapping"). */
const BY_HTTP_STATUS: Readonly<Record<number, GrpcCode>> = {
  400: 'INTERNAL',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'UNIMPLEMENTED',
  429: 'UNAVAILABLE',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'UNAVAILABLE',
};

/**
 * How servers say that a message is too large for them. No code is reserved for it: most of gRPC's
 * libraries use RESOURCE_EXHAUSTED, which also says that the server is short of memory; Rust's use
 * OUT_OF_RANGE, which is worth another attempt otherwise. Go, Node, C++: "received message larger than
 * max"; Java, .NET: "message exceeds (the) maximum"; Rust: "message length too large". Servers with a
 * limit of their own speak of requests.
 */
const TOO_LARGE =
  /\b(message|request)\b.*\b(larger than|exceeds (the )?maximum|too large)\b|decompressing: size limit/i;

/**
 * UNIMPLEMENTED is a server's answer to an encoding it does not know (gRPC: Compression), and to a
 * service or method. Go: "Decompressor is not installed"; Node: "unsupported encoding"; Java: "Can't
 * find decompressor"; Rust: "compressed with … isn't supported"; .NET: "Unsupported grpc-encoding".
 */
const ABOUT_ENCODING = /compress|encoding/i;
const ABOUT_METHOD = /\b(service|method)\b/i;

/** What an answer means. Without a `grpc-status` the HTTP status decides. */
export function outcomeOfGrpc(
  answer: GrpcAnswer,
  call: GrpcCall,
  nowUnixMs: number,
  secrets: readonly string[],
): Outcome {
  const { status, httpStatus, contentType } = answer;
  if (status === undefined) {
    const type = contentType === '' ? 'no content type' : `"${contentType}"`;
    const text = `HTTP ${httpStatus} with ${type} and no grpc-status: is this an OTLP/gRPC endpoint?`;
    const reason = shown(text, secrets);
    // a proxy's limit
    if (httpStatus === 413) return { kind: 'rejected', reason, remedy: 'split' };
    const code = BY_HTTP_STATUS[httpStatus] ?? 'UNKNOWN';
    return failed(code, reason, call, retryAfterMs(answer.retryAfter, nowUnixMs));
  }
  const code = GRPC_CODES[/^\d+$/.test(status) ? Number(status) : 2] ?? 'UNKNOWN';
  if (code === 'OK') return accepted(answer.body, secrets);
  const { message, details } = answer;
  const reason = shown(`gRPC ${code}${message === '' ? '' : `: ${message}`}`, secrets);
  const askedMs = details && decodeRetryDelay(details);
  const remedy = askedMs === undefined ? remedyOf(code, answer, call) : undefined;
  if (remedy !== undefined) return { kind: 'rejected', reason, remedy };
  return failed(code, reason, call, askedMs);
}

/** What may help where the same bytes would be refused again. */
function remedyOf(
  code: GrpcCode,
  { message, acceptEncoding }: GrpcAnswer,
  { encoding }: GrpcCall,
): Remedy | undefined {
  if (code === 'RESOURCE_EXHAUSTED' || code === 'OUT_OF_RANGE') {
    return TOO_LARGE.test(message) ? 'split' : undefined;
  }
  if (code !== 'UNIMPLEMENTED' || encoding === 'identity' || ABOUT_METHOD.test(message)) {
    return undefined;
  }
  const accepted = acceptEncoding.split(',').map((name) => name.trim().toLowerCase());
  const lacking = acceptEncoding !== '' && !accepted.includes(encoding);
  return lacking || ABOUT_ENCODING.test(message) ? 'recode' : undefined;
}

function failed(
  code: GrpcCode,
  reason: string,
  { retryable }: GrpcCall,
  askedMs: number | undefined,
): Outcome {
  const throttled = code === 'RESOURCE_EXHAUSTED' && askedMs !== undefined;
  if (!throttled && !retryable.includes(code)) return { kind: 'rejected', reason };
  return askedMs === undefined
    ? { kind: 'retryable', reason }
    : { kind: 'retryable', reason, delayMs: Math.min(askedMs, MAX_RETRY_AFTER_MS) };
}

/** A message that cannot be read changes nothing: the server said that it has the request. */
function accepted(body: Uint8Array | undefined, secrets: readonly string[]): Outcome {
  const answer = body && decodeExportResponse(body, 'application/x-protobuf');
  if (answer === undefined) {
    const warning = 'gRPC OK with a message that is no OTLP answer: is this an OTLP endpoint?';
    return { kind: 'delivered', warning };
  }
  return outcomeOfResponse(answer, secrets);
}
