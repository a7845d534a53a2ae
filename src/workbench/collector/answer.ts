import { gzipSync } from 'node:zlib';
import { ENVELOPES, type Format } from './decode.ts';
import type { ReceivedSignal } from './received.ts';
import { type MessageName, wireOf } from './schema.ts';

/** An HTTP answer before it is sent. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** The message of an error. */
  readonly error?: string;
}

const CONTENT_TYPE: Readonly<Record<Format, string>> = {
  protobuf: 'application/x-protobuf',
  json: 'application/json',
};

/** A protobuf message in the format of the request it answers. */
function encode(message: MessageName, format: Format, value: Record<string, unknown>): Uint8Array {
  if (format === 'json') return Buffer.from(JSON.stringify(value));
  return wireOf(message).encode(value).finish();
}

/** An error with its google.rpc.Status (OTLP/HTTP: Failures). */
export function errorAnswer(
  status: number,
  message: string,
  format: Format,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return {
    status,
    headers: { 'content-type': CONTENT_TYPE[format], ...headers },
    body: encode('Status', format, { message }),
    error: message,
  };
}

/**
 * The google.rpc.Status of `grpc-status-details-bin`, with a RetryInfo; undefined when a sender is not
 * told when to come back. Of a text, only one that is a number of seconds can be told.
 */
export function retryDetails(
  code: number,
  message: string,
  retryAfter: number | Date | string | undefined,
): Uint8Array | undefined {
  if (retryAfter === undefined || retryAfter === '') return undefined;
  const delayMs =
    retryAfter instanceof Date
      ? Math.max(0, retryAfter.getTime() - Date.now())
      : Number(retryAfter) * 1000;
  if (!Number.isFinite(delayMs)) return undefined;
  const seconds = Math.floor(delayMs / 1000);
  const retryDelay = { seconds, nanos: Math.round((delayMs - seconds * 1000) * 1e6) };
  const value = wireOf('RetryInfo').encode({ retryDelay }).finish();
  const details = [{ typeUrl: 'type.googleapis.com/google.rpc.RetryInfo', value }];
  return wireOf('Status').encode({ code, message, details }).finish();
}

/** What was refused of a request that was accepted. */
export interface Rejection {
  readonly rejected: number;
  readonly message: string;
}

/** Full success leaves the partial success out. */
export function successAnswer(
  signal: ReceivedSignal,
  format: Format,
  rejection?: Rejection,
): Answer {
  const { response, rejected } = ENVELOPES[signal];
  const partialSuccess = rejection && {
    // In OTLP's JSON a 64-bit integer is a string; protobufjs takes the number.
    [rejected]: format === 'json' ? String(rejection.rejected) : rejection.rejected,
    errorMessage: rejection.message,
  };
  return {
    status: 200,
    headers: { 'content-type': CONTENT_TYPE[format] },
    body: encode(response, format, partialSuccess ? { partialSuccess } : {}),
  };
}

/** Neither protobuf (a field of wire type 7) nor JSON. */
export const GARBAGE = '\x0f\xff\xff\xff<html>garbage</html>';

export function garbageAnswer(format: Format, body: string | Uint8Array = GARBAGE): Answer {
  return {
    status: 200,
    headers: { 'content-type': CONTENT_TYPE[format] },
    body: typeof body === 'string' ? Buffer.from(body, 'latin1') : body,
  };
}

export const OVERSIZED_BYTES = 5 * 1024 * 1024;

/** A valid success with a warning of `sizeBytes`. */
export function oversizedAnswer(
  signal: ReceivedSignal,
  format: Format,
  sizeBytes: number,
  contentEncoding: 'gzip' | undefined,
): Answer {
  const answer = successAnswer(signal, format, { rejected: 0, message: 'x'.repeat(sizeBytes) });
  if (contentEncoding === undefined) return answer;
  return {
    ...answer,
    headers: { ...answer.headers, 'content-encoding': contentEncoding },
    body: gzipSync(answer.body),
  };
}
