/** What a gRPC answer means for a payload (OTLP/gRPC: Response; gRPC: Status codes). */

import { decodeExportResponse, decodeRetryDelay } from '../codec/response.ts';
import { MAX_RETRY_AFTER_MS, outcomeOfResponse, retryAfterMs, shown } from './outcome.ts';
import type { Outcome } from './transport.ts';

/** An answer to one call, as far as it matters. */
export interface GrpcAnswer {
  readonly httpStatus: number;
  /** Content-Type; empty when the server sent none. */
  readonly contentType: string;
  /** Retry-After, which proxies send; empty when there is none. */
  readonly retryAfter: string;
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
const RETRYABLE: ReadonlySet<GrpcCode> = new Set<GrpcCode>([
  'CANCELLED',
  'DEADLINE_EXCEEDED',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNAVAILABLE',
  'DATA_LOSS',
]);

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

/** What an answer means. Without a `grpc-status` the HTTP status decides. */
export function outcomeOfGrpc(
  answer: GrpcAnswer,
  nowUnixMs: number,
  secrets: readonly string[],
): Outcome {
  const { status, httpStatus, contentType } = answer;
  if (status === undefined) {
    const code = BY_HTTP_STATUS[httpStatus] ?? 'UNKNOWN';
    const type = contentType === '' ? 'no content type' : `"${contentType}"`;
    const reason = `HTTP ${httpStatus} with ${type} and no grpc-status: is this an OTLP/gRPC endpoint?`;
    return failed(code, shown(reason, secrets), retryAfterMs(answer.retryAfter, nowUnixMs));
  }
  const code = GRPC_CODES[/^\d+$/.test(status) ? Number(status) : 2] ?? 'UNKNOWN';
  if (code === 'OK') return accepted(answer.body, secrets);
  const { message, details } = answer;
  const reason = shown(`gRPC ${code}${message === '' ? '' : `: ${message}`}`, secrets);
  return failed(code, reason, details && decodeRetryDelay(details));
}

function failed(code: GrpcCode, reason: string, askedMs: number | undefined): Outcome {
  const again = RETRYABLE.has(code) || (code === 'RESOURCE_EXHAUSTED' && askedMs !== undefined);
  if (!again) return { kind: 'rejected', reason };
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
