import {
  decodeExportResponse,
  decodeStatusMessage,
  type ExportResponse,
} from '../codec/response.ts';
import type { Outcome, Payload, Remedy } from './transport.ts';

/** An HTTP answer to one request, as far as it matters. */
export interface HttpAnswer {
  readonly status: number;
  /** Content-Type; empty when the server sent none. */
  readonly contentType: string;
  /** Retry-After; empty when the server sent none. */
  readonly retryAfter: string;
  /** The decompressed body; `undefined` when it could not be read to its end. */
  readonly body: Uint8Array | undefined;
  /** When it came, milliseconds since 1970. */
  readonly unixMs: number;
}

/** HTTP statuses that are worth another attempt (OTLP/HTTP: Retryable Response Codes). */
export const RETRYABLE_STATUSES: readonly number[] = [429, 502, 503, 504];

/** Longest wait a server may ask for that is believed: one hour, milliseconds. */
export const MAX_RETRY_AFTER_MS = 3_600_000;
const MAX_REASON_CHARS = 300;

/**
 * Codes of errors without an answer that another attempt cannot mend: the request is malformed,
 * or the peer does not speak HTTP/1 (a gRPC port). All other network errors are retryable.
 */
export const LASTING_ERROR = /^(ERR_INVALID_|ERR_HTTP_|ERR_UNESCAPED_|HPE_(?!INVALID_EOF_STATE))/;

/**
 * What an answer means for the payload (OTLP/HTTP: Response). The status decides as soon as it
 * has arrived: an accepted request whose answer breaks off or is garbage is delivered with a
 * warning, because sending it again would duplicate what the server said it has.
 *
 * @param retryable Statuses, of those that refuse, that are worth another attempt.
 */
export function outcomeOf(
  answer: HttpAnswer,
  payload: Pick<Payload, 'encoding'>,
  secrets: readonly string[],
  retryable = RETRYABLE_STATUSES,
): Outcome {
  const { status, retryAfter, unixMs } = answer;
  if (status >= 200 && status < 300) return accepted(answer, secrets);
  const message = messageOf(answer);
  const reason = shown(`HTTP ${status}${message === '' ? '' : `: ${message}`}`, secrets);
  if (status < 400 || !retryable.includes(status)) {
    const meant = UNSUPPORTED.test(message) ? 415 : status;
    const remedy = remedyFor(meant, payload, message);
    return { kind: 'rejected', reason, status: meant, ...(remedy && { remedy }) };
  }
  const delayMs = retryAfterMs(retryAfter, unixMs);
  return delayMs === undefined
    ? { kind: 'retryable', reason }
    : { kind: 'retryable', reason, delayMs };
}

/**
 * How servers written in Go, the OpenTelemetry Collector among them, say with a 400 what others say
 * with a 413: the text of net/http's MaxBytesError. It is also said of bodies once inflated, but of
 * snappy's in other words.
 */
const TOO_LARGE = /\brequest body too large\b|\bexceeds max request body size\b/i;

/** What the Collector says, with a 400, where others have the 415 that is meant for it. */
const UNSUPPORTED = /^unsupported content-encoding/i;

/** A server that does not know an encoding says so with 415, or takes the body for broken (400). */
function remedyFor(
  status: number,
  { encoding }: Pick<Payload, 'encoding'>,
  message: string,
): Remedy | undefined {
  if (status === 413 || (status === 400 && TOO_LARGE.test(message))) return 'split';
  const misread = (status === 415 || status === 400) && encoding !== 'identity';
  return misread ? 'recode' : undefined;
}

function accepted({ body, contentType, status }: HttpAnswer, secrets: readonly string[]): Outcome {
  if (body?.length === 0) return { kind: 'delivered' };
  const answer = body && decodeExportResponse(body, contentType);
  if (answer === undefined) {
    const problem =
      body === undefined
        ? 'with an answer that broke off'
        : `with ${contentType === '' ? 'no content type' : `"${contentType}"`} and a body that is no OTLP answer`;
    return {
      kind: 'delivered',
      warning: shown(`HTTP ${status} ${problem}: is this an OTLP endpoint?`, secrets),
    };
  }
  return outcomeOfResponse(answer, secrets);
}

/** What a server says of a request it has accepted (OTLP: Partial Success). */
export function outcomeOfResponse(answer: ExportResponse, secrets: readonly string[]): Outcome {
  const message = shown(answer.message, secrets);
  if (answer.rejected > 0) return { kind: 'partial', rejected: answer.rejected, message };
  return message === '' ? { kind: 'delivered' } : { kind: 'delivered', warning: message };
}

/** The answer outgrew `maxResponseBytes` (OTLP: MUST be treated as non-retryable). */
export function oversized(status: number, maxResponseBytes: number): Outcome {
  const reason = `HTTP ${status}: the answer is larger than ${maxResponseBytes} bytes`;
  return { kind: 'rejected', reason, status };
}

/** Why a request failed: google.rpc.Status as the specification has it, or the plain text proxies send. */
function messageOf({ body, contentType }: HttpAnswer): string {
  if (body === undefined || body.length === 0) return '';
  if (/^text\/plain\b/i.test(contentType)) {
    return new TextDecoder().decode(body.subarray(0, 4 * MAX_REASON_CHARS));
  }
  return decodeStatusMessage(body, contentType) ?? '';
}

/**
 * Retry-After as milliseconds from now: whole seconds or an HTTP-date (RFC 9110 §10.2.3, the two
 * obsolete date forms included). A moment in the past is 0; nonsense is `undefined`.
 */
export function retryAfterMs(value: string, nowUnixMs: number): number | undefined {
  const text = value.trim();
  let delayMs = Number.NaN;
  if (/^\d+$/.test(text)) delayMs = Number(text) * 1000;
  // asctime dates name no zone; all HTTP-dates are GMT
  else if (/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text)) {
    delayMs = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`) - nowUnixMs;
  }
  return Number.isNaN(delayMs) ? undefined : Math.min(Math.max(delayMs, 0), MAX_RETRY_AFTER_MS);
}

/** What a network error says of itself. */
export function networkErrorText(
  error: Error & { readonly code?: string | undefined; readonly errors?: readonly Error[] },
): string {
  const { code = '' } = error;
  // a host with several addresses fails with an error for each and no message of its own
  const message = error.message || (error.errors?.[0]?.message ?? '');
  return message.includes(code) ? message : `${code} ${message}`;
}

/**
 * Makes foreign text fit for a log line: configured secrets replaced, control and direction
 * characters removed, bounded in length.
 */
export function shown(text: string, secrets: readonly string[]): string {
  const line = withoutSecrets(text, secrets)
    .replace(/[\p{C}\p{Z}]+/gu, ' ')
    .trim();
  return line.length > MAX_REASON_CHARS ? `${line.slice(0, MAX_REASON_CHARS - 1)}…` : line;
}

/** More of a text is not looked at. */
const MAX_TEXT_CHARS = 1024;

/**
 * How much of a secret's beginning tells something: servers quote tokens in part, and answers are
 * cut. Fewer characters would garble words that are none.
 */
function tellingChars({ length }: string): number {
  return Math.min(length, 16, Math.max(8, length / 2));
}

/** The text without secrets and their beginnings; at every place the longest of them. */
function withoutSecrets(text: string, secrets: readonly string[]): string {
  const end = Math.min(text.length, MAX_TEXT_CHARS);
  if (secrets.length === 0) return text.slice(0, end);
  let line = '';
  for (let at = 0; at < end; ) {
    let length = 0;
    for (const secret of secrets) {
      let n = 0;
      while (n < secret.length && secret[n] === text[at + n]) n++;
      if (n > length && n >= tellingChars(secret)) length = n;
    }
    line += length > 0 ? '***' : text[at];
    at += length || 1;
  }
  return line;
}
