/**
 * A request that is too large, as two with half of the records each: spans, log records, or data
 * points. Requests of the three signals have one shape, which metrics go on with (opentelemetry-proto,
 * collector and signal messages):
 *
 *   ExportXServiceRequest { resource_x = 1 * }
 *   ResourceX             { resource = 1, scope_x = 2 *, schema_url = 3 }
 *   ScopeX                { scope = 1, spans, log_records or metrics = 2 *, schema_url = 3 }
 *   Metric                { name = 1, …, one of gauge = 5, sum = 7, histogram = 9,
 *                           exponential_histogram = 10, summary = 11; metadata = 12 }
 *   Gauge, Sum, …         { data_points = 1 *, aggregation_temporality = 2, … }
 *
 * The cut lies within one ResourceX, one ScopeX and one Metric at most. Those are in both halves,
 * with all they have besides what is divided, unknown fields included; everything else is in the half
 * it lies in. Bytes are copied as they stand, in their order: what a record has inside is not looked
 * at, so nothing of it can change.
 *
 *   request   [ R1 ][ R2: resource [ S1 ][ S2: scope r r r | r r r, url ][ S3 ] url ][ R3 ]
 *   first     [ R1 ][ R2: resource [ S1 ][ S2: scope r r r,  url ] url ]
 *   second          [ R2: resource [ S2: scope r r r, url ][ S3 ] url ][ R3 ]
 */

import type { RecordedSignal } from '../deliver/transport.ts';
import { concatenated, pushVarint } from './bytes.ts';
import { cursorOf, END, nextField } from './response.ts';

type Halves = readonly [Uint8Array, Uint8Array];

/** Tags of the length-delimited fields of these numbers. */
const tags = (...numbers: readonly number[]) => numbers.map((number) => (number << 3) | 2);

/** What is divided at each level, from the request down; at the last one it is records. */
type Path = readonly (readonly number[])[];

function pathOf(signal: RecordedSignal): Path {
  const toScopes = [tags(1), tags(2), tags(2)];
  return signal === 'metrics' ? [...toScopes, tags(5, 7, 9, 10, 11), tags(1)] : toScopes;
}

/** A request of profiles has its dictionary there, to which all records refer. */
const DICTIONARY = (2 << 3) | 2;

/** Records in a request in protobuf; `undefined` when it is none of that signal. */
export function countRecords(signal: RecordedSignal, raw: Uint8Array): number | undefined {
  return recordsIn(raw, pathOf(signal), 0);
}

/**
 * Divides a request in protobuf into one of its first half of the records, rounded down, and one of
 * the rest. Neither is longer than the request, nor a view of it. `undefined` when it has fewer than
 * two records, or is no request of that signal.
 */
export function splitRequest(signal: RecordedSignal, raw: Uint8Array): Halves | undefined {
  const path = pathOf(signal);
  const records = recordsIn(raw, path, 0);
  if (records === undefined || records < 2) return undefined;
  const [first, second] = cut({ path, left: records >> 1 }, raw, 0);
  return [concatenated(first), concatenated(second)];
}

function recordsIn(bytes: Uint8Array, path: Path, level: number): number | undefined {
  const cursor = cursorOf(bytes);
  let records = 0;
  let tag: number;
  while ((tag = nextField(cursor)) > 0) {
    if (!path[level]!.includes(tag)) {
      if (level === 0 && tag === DICTIONARY) return undefined;
      continue;
    }
    const isRecord = level === path.length - 1;
    const inside = isRecord
      ? 1
      : recordsIn(bytes.subarray(cursor.from, cursor.at), path, level + 1);
    if (inside === undefined) return undefined;
    records += inside;
  }
  return tag === END ? records : undefined;
}

/** A cut on its way through a request that has been counted. */
interface Cut {
  readonly path: Path;
  /** Records that are still to be left of it. */
  left: number;
}

/** A message with more records than are left. */
function cut(state: Cut, bytes: Uint8Array, level: number): readonly [Uint8Array[], Uint8Array[]] {
  const { path } = state;
  const before: Uint8Array[] = [];
  const after: Uint8Array[] = [];
  const cursor = cursorOf(bytes);
  for (let start = 0, tag: number; (tag = nextField(cursor)) > 0; start = cursor.at) {
    const field = bytes.subarray(start, cursor.at);
    if (!path[level]!.includes(tag)) {
      append(before, field);
      append(after, field);
      continue;
    }
    const message = bytes.subarray(cursor.from, cursor.at);
    const records = level === path.length - 1 ? 1 : recordsIn(message, path, level + 1)!;
    if (state.left === 0) {
      append(after, field);
    } else if (records <= state.left) {
      append(before, field);
      state.left -= records;
    } else {
      const [head, tail] = cut(state, message, level + 1);
      appendMessage(before, tag, head);
      appendMessage(after, tag, tail);
    }
  }
  return [before, after];
}

/** Views of one request become one where they touch, so that there are few however many fields. */
function append(chunks: Uint8Array[], chunk: Uint8Array): void {
  const last = chunks.at(-1);
  if (last?.buffer === chunk.buffer && last.byteOffset + last.length === chunk.byteOffset) {
    const length = last.length + chunk.length;
    chunks[chunks.length - 1] = new Uint8Array(last.buffer, last.byteOffset, length);
  } else {
    chunks.push(chunk);
  }
}

function appendAll(chunks: Uint8Array[], more: readonly Uint8Array[]): void {
  for (const chunk of more) append(chunks, chunk);
}

function appendMessage(chunks: Uint8Array[], tag: number, parts: readonly Uint8Array[]): void {
  const size = parts.reduce((sum, { length }) => sum + length, 0);
  const prefix = [tag];
  pushVarint(prefix, size);
  chunks.push(Uint8Array.from(prefix));
  appendAll(chunks, parts);
}

// What is divided in OTLP/JSON, by level: members whose values are arrays …
const MEMBERS: Readonly<Record<RecordedSignal, readonly (readonly string[])[]>> = {
  traces: [['resourceSpans'], ['scopeSpans'], ['spans']],
  logs: [['resourceLogs'], ['scopeLogs'], ['logRecords']],
  metrics: [
    ['resourceMetrics'],
    ['scopeMetrics'],
    ['metrics'],
    ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary'],
    ['dataPoints'],
  ],
};
/** … but here, where one of them is an object. */
const DATA = 3;

/** Records in a request in OTLP/JSON; `undefined` when it is none. */
export function countJsonRecords(signal: RecordedSignal, body: Uint8Array): number | undefined {
  const text: Text = { bytes: body, members: MEMBERS[signal], at: 0 };
  skipSpace(text);
  const records = jsonRecordsIn(text, 0);
  skipSpace(text);
  return text.at === body.length ? records : undefined;
}

/**
 * Divides a request in OTLP/JSON as `splitRequest` does one in protobuf. The text is cut, not parsed
 * and written anew: so are kept, too, what JSON.parse would change (-0, 1e400, integers beyond 2^53
 * that were sent as numbers) and how numbers and strings were spelled. What lies within records is
 * not checked.
 */
export function splitJsonRequest(signal: RecordedSignal, body: Uint8Array): Halves | undefined {
  const records = countJsonRecords(signal, body);
  if (records === undefined || records < 2) return undefined;
  const text: Text = { bytes: body, members: MEMBERS[signal], at: 0 };
  const [first, second] = cutJson(text, 0, records >> 1);
  return [concatenated(first), concatenated(second)];
}

/** JSON in UTF-8, read up to `at`. */
interface Text {
  readonly bytes: Uint8Array;
  /** What is divided, by level. */
  readonly members: readonly (readonly string[])[];
  at: number;
}

function jsonRecordsIn(text: Text, level: number): number | undefined {
  let records = 0;
  const whole = eachElement(text, level, () => {
    const inside = jsonRecordsOf(text, level);
    records += inside ?? 0;
    return inside !== undefined;
  });
  return whole ? records : undefined;
}

/** Moves over one element of what is divided at a level. */
function jsonRecordsOf(text: Text, level: number): number | undefined {
  if (level < text.members.length - 1) return jsonRecordsIn(text, level + 1);
  return skipValue(text) ? 1 : undefined;
}

/** As `cut`, moving over the object. */
function cutJson(text: Text, level: number, left: number): readonly [Uint8Array[], Uint8Array[]] {
  const { bytes } = text;
  const before: Uint8Array[] = [];
  const after: Uint8Array[] = [];
  /** What has been divided, or copied to both halves, ends here. */
  let done = text.at;
  let isFirstAfter = true;
  const copy = (to: number): void => {
    append(before, bytes.subarray(done, to));
    append(after, bytes.subarray(done, to));
  };
  skipSpace(text);
  eachElement(text, level, (index) => {
    const start = text.at;
    if (index === 0) {
      copy(start);
      isFirstAfter = true;
    }
    const records = jsonRecordsOf(text, level)!;
    const end = text.at;
    const element = bytes.subarray(start, end);
    // A comma, where there is an element before this one.
    const comma = bytes.subarray(index === 0 ? start : done, start);
    if (left === 0) {
      if (!isFirstAfter) append(after, comma);
      append(after, element);
      isFirstAfter = false;
    } else {
      append(before, comma);
      if (records <= left) {
        append(before, element);
        left -= records;
      } else {
        text.at = start;
        const [head, tail] = cutJson(text, level + 1, left);
        appendAll(before, head);
        appendAll(after, tail);
        isFirstAfter = false;
        left = 0;
      }
    }
    done = end;
    return true;
  });
  copy(text.at);
  return [before, after];
}

/**
 * Moves over the value at hand, and has `element` move over each element of what is divided in it at
 * this level. Returns whether it could be read.
 */
function eachElement(text: Text, level: number, element: (index: number) => boolean): boolean {
  const { bytes, members } = text;
  if (bytes[text.at] !== OPEN_BRACE) return skipValue(text);
  let objects = 0;
  return eachItem(text, CLOSE_BRACE, () => {
    const from = text.at;
    if (!skipString(text)) return false;
    const name = new TextDecoder().decode(bytes.subarray(from + 1, text.at - 1));
    skipSpace(text);
    if (bytes[text.at++] !== COLON) return false;
    skipSpace(text);
    const isDivided = members[level]!.includes(name);
    if (isDivided && level === DATA && bytes[text.at] === OPEN_BRACE) {
      // A second one, which a oneof cannot have, would be left without a value in one of the halves.
      return objects++ === 0 && element(0);
    }
    return isDivided && level !== DATA && bytes[text.at] === OPEN_BRACKET
      ? eachItem(text, CLOSE_BRACKET, element)
      : skipValue(text);
  });
}

/** Moves over an object or an array, which `close` ends; `item` moves over one item of it. */
function eachItem(text: Text, close: number, item: (index: number) => boolean): boolean {
  const { bytes } = text;
  text.at++;
  skipSpace(text);
  if (bytes[text.at] === close) {
    text.at++;
    return true;
  }
  for (let index = 0; item(index); index++) {
    skipSpace(text);
    const next = bytes[text.at++];
    if (next === close) return true;
    if (next !== COMMA) return false;
    skipSpace(text);
  }
  return false;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** Moves over a value of any kind, whose brackets must close as often as they open. */
function skipValue(text: Text): boolean {
  const { bytes } = text;
  const from = text.at;
  let depth = 0;
  do {
    const byte = bytes[text.at];
    if (byte === QUOTE) {
      if (!skipString(text)) return false;
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      depth++;
      text.at++;
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      depth--;
      text.at++;
    } else if (depth > 0 && text.at < bytes.length) {
      text.at++;
    } else {
      // A number or a word.
      while (isWord(bytes[text.at])) text.at++;
      return depth === 0 && text.at > from;
    }
  } while (depth > 0);
  return depth === 0;
}

function skipString(text: Text): boolean {
  const { bytes } = text;
  if (bytes[text.at] !== QUOTE) return false;
  for (let at = text.at + 1; at < bytes.length; at++) {
    if (bytes[at] === BACKSLASH) at++;
    else if (bytes[at] === QUOTE) {
      text.at = at + 1;
      return true;
    }
  }
  return false;
}

function skipSpace(text: Text): void {
  for (;;) {
    const byte = text.bytes[text.at];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return;
    text.at++;
  }
}

/** Letters, digits, and what else numbers are made of. */
function isWord(byte = 0): boolean {
  const letter = byte | 0x20;
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    (letter >= 0x61 && letter <= 0x7a) ||
    byte === 0x2b ||
    byte === 0x2d ||
    byte === 0x2e
  );
}
