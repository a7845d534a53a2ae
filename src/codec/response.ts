/**
 * What an OTLP server answers: ExportTraceServiceResponse on success, google.rpc.Status on
 * failure, as protobuf or JSON. Read by hand because the path needs two fields of each.
 *
 *   ExportXServiceResponse { partial_success = 1 }        X: Trace, Logs, Metrics, Profiles
 *   ExportXPartialSuccess  { rejected_x = 1 (int64), error_message = 2 (string) }
 *   google.rpc.Status      { code = 1 (int32), message = 2 (string), details = 3 }
 *
 * The last two have one shape on the wire, so one reader serves both. Unknown fields are
 * skipped; anything that is not a message yields `undefined`, never an exception.
 */

export interface ExportResponse {
  /** Records the server did not accept. */
  readonly rejected: number;
  /** The server's explanation or warning; empty when it has none. */
  readonly message: string;
}

/** Longest message read, in bytes: it ends in a log line, not in a report. */
const MAX_MESSAGE_BYTES = 4096;

const ALL_ACCEPTED: ExportResponse = { rejected: 0, message: '' };

/**
 * Decodes the body of a successful answer. An empty body accepts everything, in either format.
 * `undefined`: the body is not an ExportXServiceResponse of that content type.
 */
export function decodeExportResponse(
  body: Uint8Array,
  contentType: string,
): ExportResponse | undefined {
  if (body.length === 0) return ALL_ACCEPTED;
  if (isProtobuf(contentType)) return readResponse(body);
  if (!isJson(contentType)) return undefined;
  const answer = parseObject(body);
  const partial = answer?.['partialSuccess'] ?? {};
  if (answer === undefined || typeof partial !== 'object') return undefined;
  let rejected = 0;
  let message = '';
  // rejectedSpans, rejectedLogRecords, rejectedDataPoints, rejectedProfiles; int64 may be a string
  for (const [key, value] of Object.entries(partial)) {
    if (key.startsWith('rejected')) rejected = Number(value) || 0;
    else if (key === 'errorMessage' && typeof value === 'string') message = value;
  }
  return { rejected: Math.max(rejected, 0), message: message.slice(0, MAX_MESSAGE_BYTES) };
}

/** Decodes `message` of the google.rpc.Status in a failed answer; `undefined` when it is none. */
export function decodeStatusMessage(body: Uint8Array, contentType: string): string | undefined {
  if (isProtobuf(contentType)) return readNumberAndText(body)?.message;
  if (!isJson(contentType)) return undefined;
  const message = parseObject(body)?.['message'];
  return typeof message === 'string' ? message.slice(0, MAX_MESSAGE_BYTES) : undefined;
}

/**
 * The wait that the RetryInfo in a google.rpc.Status asks for, milliseconds; `undefined` when there
 * is none to be read.
 *
 *   google.rpc.Status { details = 3 (repeated google.protobuf.Any) }
 *   Any               { type_url = 1 (string), value = 2 (bytes) }
 *   RetryInfo         { retry_delay = 1 (Duration) }
 *   Duration          { seconds = 1 (int64), nanos = 2 (int32) }
 */
export function decodeRetryDelay(status: Uint8Array): number | undefined {
  let delayMs: number | undefined;
  const whole = eachField(status, (tag, detail) => {
    if (tag !== DETAILS) return;
    let type = '';
    let value: Uint8Array | undefined;
    eachField(detail, (inner, bytes) => {
      if (inner === TYPE_URL) type = new TextDecoder().decode(bytes);
      else if (inner === TEXT) value = bytes;
    });
    if (!type.endsWith('/google.rpc.RetryInfo')) return;
    // an empty message may be left out
    value ??= new Uint8Array();
    let asked = 0;
    const readable = eachField(value, (inner, duration) => {
      if (inner !== RETRY_DELAY) return;
      eachField(duration, (part, _, number) => {
        // a negative one has the top bit set, and means nothing here
        if (number >= 2 ** 63) return;
        if (part === NUMBER) asked += number * 1000;
        else if (part === NANOS) asked += number / 1e6;
      });
    });
    if (readable) delayMs = asked;
  });
  return whole ? delayMs : undefined;
}

/** Calls with every field's tag, content and number. Returns whether all of it could be read. */
function eachField(
  bytes: Uint8Array,
  visit: (tag: number, content: Uint8Array, number: number) => void,
): boolean {
  const cursor = cursorOf(bytes);
  let field: number;
  while ((field = nextField(cursor)) > 0) {
    visit(field, bytes.subarray(cursor.from, cursor.at), cursor.value);
  }
  return field === END;
}

function isProtobuf(contentType: string): boolean {
  return /^application\/(x-protobuf|protobuf)\s*(;|$)/i.test(contentType);
}

function isJson(contentType: string): boolean {
  return /^application\/([\w.-]+\+)?json\s*(;|$)/i.test(contentType);
}

function parseObject(body: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function readResponse(body: Uint8Array): ExportResponse | undefined {
  let answer: ExportResponse | undefined = ALL_ACCEPTED;
  const whole = eachField(body, (field, partial) => {
    if (field === PARTIAL_SUCCESS && answer !== undefined) answer = readNumberAndText(partial);
  });
  return whole ? answer : undefined;
}

function readNumberAndText(bytes: Uint8Array): ExportResponse | undefined {
  let rejected = 0;
  let message = '';
  const whole = eachField(bytes, (field, text, number) => {
    // int64: what has the top bit set is negative, and means nothing here
    if (field === NUMBER) rejected = number < 2 ** 63 ? number : 0;
    else if (field === TEXT)
      message = new TextDecoder().decode(text.subarray(0, MAX_MESSAGE_BYTES));
  });
  return whole ? { rejected, message } : undefined;
}

/** One field at a time: `value` of a varint, `from`..`at` of a length-delimited field. */
interface Cursor {
  readonly bytes: Uint8Array;
  at: number;
  readonly end: number;
  value: number;
  from: number;
}

// tags: field number * 8 + wire type
export function cursorOf(bytes: Uint8Array): Cursor {
  return { bytes, at: 0, end: bytes.length, value: 0, from: 0 };
}

const NUMBER = (1 << 3) | 0;
const PARTIAL_SUCCESS = (1 << 3) | 2;
const TEXT = (2 << 3) | 2;
const TYPE_URL = PARTIAL_SUCCESS;
const RETRY_DELAY = PARTIAL_SUCCESS;
const NANOS = (2 << 3) | 0;
const DETAILS = (3 << 3) | 2;
export const END = 0;
const MALFORMED = -1;

/** Moves over the next field. Returns its tag, END, or MALFORMED. */
export function nextField(cursor: Cursor): number {
  // fields inside a group (an obsolete wire format) are not ours: only its end is reported
  for (let groups = 0; cursor.at < cursor.end || groups > 0; ) {
    const tag = readVarint(cursor);
    // field numbers have 29 bits and start at 1
    if (tag < 8 || tag >= 2 ** 32) return MALFORMED;
    const wireType = tag % 8;
    let length = 0;
    if (wireType === 0) cursor.value = length = readVarint(cursor);
    else if (wireType === 1) length = 8;
    else if (wireType === 2) length = readVarint(cursor);
    else if (wireType === 3) groups++;
    else if (wireType === 4) length = --groups;
    else if (wireType === 5) length = 4;
    else return MALFORMED;
    if (length < 0) return MALFORMED;
    cursor.from = cursor.at;
    if (wireType === 1 || wireType === 2 || wireType === 5) cursor.at += length;
    if (cursor.at > cursor.end) return MALFORMED;
    if (groups === 0) return tag;
  }
  return END;
}

/** Returns the varint as a double (exact to 2^53), or MALFORMED. */
function readVarint(cursor: Cursor): number {
  let value = 0;
  let scale = 1;
  const last = Math.min(cursor.end, cursor.at + 10);
  while (cursor.at < last) {
    const byte = cursor.bytes[cursor.at++];
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
    scale *= 128;
  }
  return MALFORMED;
}
