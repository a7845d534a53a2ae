/**
 * OTLP protobuf to OTLP/JSON (opentelemetry-proto, "JSON Protobuf Encoding"): bytes in, bytes out,
 * in one pass over the wire and without objects in between.
 *
 *   messages        objects with lowerCamelCase names, fields in the order of the wire
 *   trace, span id  hexadecimal, lower case; other bytes base64
 *   64-bit integer  decimal string; other integers numbers; enums their number
 *   double          number (-0 keeps its sign), or "NaN", "Infinity", "-Infinity"
 *
 * What is not set is left out, as protobuf's own JSON does it: zeros and empty strings of fields
 * without presence, even where the wire has them. Messages and members of a `oneof` that were sent
 * stay, whatever they hold: `"status":{}`, `{"intValue":"0"}`, `"value":{}` for an empty value.
 * Unknown fields, groups and fields of another wire type than theirs are skipped.
 *
 * Encoders write the elements of a repeated field in one run, and other fields once; that is what
 * the pass relies on. Protobuf allows more: runs that are interleaved, singular fields again (the
 * last one wins, messages are merged). Where the wire has such a message the request is begun
 * anew, and each message is brought into order before it is read.
 */

import { OtlpError } from '../errors.ts';
import { concatenated, pushVarint } from './bytes.ts';
import {
  BOOL,
  BOOL_VALUE,
  BYTE_STRING,
  BYTES,
  compile,
  DOUBLE_VALUE,
  FIXED_32,
  FIXED_64,
  FIXED32,
  FIXED64,
  type Field,
  GROUP,
  GROUP_END,
  ID,
  INT_VALUE,
  INT32,
  INT64,
  KEY,
  MESSAGE,
  type Message,
  type Pair,
  SFIXED_64,
  SINT32,
  STRING,
  STRING_VALUE,
  UINT32,
  UINT64,
  VALUE,
  VARINT,
} from './json-layout.ts';
import { hexDigit, JsonOutput, NOTHING, ROOM, viewOf } from './json-output.ts';
import { COMMON, LOGS, METRICS, type Tables, TRACES } from './schema.ts';

/**
 * Messages within messages at most. A hundred maps within each other, the deepest value that is
 * recorded, take three hundred and what is around them.
 */
const MAX_DEPTH = 400;

/** What is written into is kept for the next request up to this size. */
const KEPT_BYTES = 2 * 1024 * 1024;

let writer: JsonWriter | undefined;

/**
 * Makes the function that writes messages called `root` of these tables as JSON: UTF-8, on one
 * line.
 *
 * @returns a function that throws OtlpError `invalid_data` when the bytes are no such message.
 */
export function jsonTranscoder(
  tables: Tables,
  root: string,
): (message: Uint8Array) => Uint8Array<ArrayBuffer> {
  const compiled = compile(tables, root);
  return (message) => {
    writer ??= new JsonWriter();
    return writer.write(compiled, message);
  };
}

type Transcoder = ReturnType<typeof jsonTranscoder>;

// A function for each signal, so that a bundle has the tables of those it sends.

let traces: Transcoder | undefined;
let logs: Transcoder | undefined;
let metrics: Transcoder | undefined;

/**
 * An encoded ExportTraceServiceRequest (or TracesData, which has the same shape) as OTLP/JSON:
 * `{"resourceSpans":[…]}` in UTF-8, on one line. An empty request is `{}`.
 *
 * @throws OtlpError `invalid_data` when the bytes are no such message.
 */
export function tracesToJson(request: Uint8Array): Uint8Array<ArrayBuffer> {
  traces ??= jsonTranscoder({ ...COMMON, ...TRACES }, 'ExportTraceServiceRequest');
  return traces(request);
}

/** As `tracesToJson`, of an ExportLogsServiceRequest: `{"resourceLogs":[…]}`. */
export function logsToJson(request: Uint8Array): Uint8Array<ArrayBuffer> {
  logs ??= jsonTranscoder({ ...COMMON, ...LOGS }, 'ExportLogsServiceRequest');
  return logs(request);
}

/** As `tracesToJson`, of an ExportMetricsServiceRequest: `{"resourceMetrics":[…]}`. */
export function metricsToJson(request: Uint8Array): Uint8Array<ArrayBuffer> {
  metrics ??= jsonTranscoder({ ...COMMON, ...METRICS }, 'ExportMetricsServiceRequest');
  return metrics(request);
}

/** Thrown within when a message is not in the order the pass relies on. */
const OUT_OF_ORDER = Symbol('out of order');

class JsonWriter extends JsonOutput {
  /** What is read: the request, or a message of it that was brought into order. */
  private input: Uint8Array = NOTHING;
  private view = viewOf(NOTHING);
  private at = 0;
  /** Upper half of the last varint or 64-bit integer read; the lower one is returned. */
  private high = 0;

  private depth = 0;
  /** Whether messages are brought into order before they are read. */
  private ordering = false;

  write(root: Message, input: Uint8Array): Uint8Array<ArrayBuffer> {
    const { length } = input;
    this.open(input);
    this.at = this.to = this.depth = 0;
    this.ordering = false;
    this.room(3 * length + 2 * ROOM);
    try {
      try {
        this.message(root, length);
      } catch (error) {
        if (error !== OUT_OF_ORDER) throw error;
        this.ordering = true;
        this.at = this.to = this.depth = 0;
        this.message(root, length);
      }
      return this.out.slice(0, this.to);
    } finally {
      this.open(NOTHING);
      if (this.out.length > KEPT_BYTES) this.writeInto(NOTHING);
    }
  }

  private open(input: Uint8Array): void {
    this.input = input;
    this.view = viewOf(input);
  }

  /** The message from `at` to `end` as an object. Whoever calls has seen to it that there is room. */
  private message(message: Message, end: number): void {
    if (++this.depth > MAX_DEPTH) this.fail(`nests messages deeper than ${MAX_DEPTH} levels`);
    if (this.ordering) this.inOrder(message, end);
    else this.fields(message.fields, end);
    this.depth--;
  }

  private fields(fields: Message['fields'], end: number): void {
    // The bracket that opens it comes last, in place of the first field's comma.
    const first = this.to;
    let seen = 0;
    /** The repeated field whose list is being written. */
    let list: Field | undefined;
    while (this.at < end) {
      const tag = this.tag(end);
      const field = tag < fields.length ? fields[tag] : undefined;
      if (field === undefined) {
        this.skip(tag, end);
        continue;
      }
      this.room(ROOM);
      let mark = this.to;
      if (field === list) {
        if (this.out[mark - 1] !== 0x5b) this.out[this.to++] = 0x2c;
      } else {
        if ((seen & field.bit) !== 0) throw OUT_OF_ORDER;
        seen |= field.bit;
        if (list !== undefined) {
          this.out[this.to++] = 0x5d; // ]
          mark++;
        }
        list = field.repeated ? field : undefined;
        this.to = this.put(field.key, this.to);
      }
      if (field.type === MESSAGE) this.messages(field, tag, end);
      else if ((tag & 7) !== field.wireType) this.packed(field, end);
      else if (this.value(field, end) && !field.present && !field.repeated) this.to = mark;
    }
    this.room(ROOM);
    if (list !== undefined) this.out[this.to++] = 0x5d;
    if (this.to === first) this.to++;
    this.out[first] = 0x7b; // {
    this.out[this.to++] = 0x7d; // }
  }

  /** The message `at` is before, and those that come next in a list, with commas between. */
  private messages(field: Field, tag: number, end: number): void {
    const pair = this.depth + 2 <= MAX_DEPTH ? field.pair : undefined;
    for (;;) {
      if (pair === undefined || !this.pairs(pair, tag, end)) {
        const length = this.length(end);
        this.message(field.message!, this.at + length);
      }
      if (!field.repeated || this.at === end || this.input[this.at] !== tag || tag > 0x7f) return;
      this.at++;
      this.room(ROOM);
      this.out[this.to++] = 0x2c;
    }
  }

  /**
   * A run of KeyValues, which a request mostly consists of, as long as each has a key and a scalar
   * and their text is plain. `at` is behind the tag of the first, which all have. Returns false,
   * and has done nothing, when not even the first is so.
   */
  private pairs(pair: Pair, tag: number, end: number): boolean {
    // The shortest of nine bytes become 41; a double of 17, 65.
    this.room(5 * (end - this.at) + ROOM);
    const { input, view, out, outView } = this;
    let { at, to } = this;
    const open = pair.key.words[0]!;
    const { words, length: stringLength } = pair.string;
    const value0 = words[0]!;
    const value1 = words[1]!;
    const value2 = words[2]!;
    const value3 = words[3]!;
    let some = false;
    for (;;) {
      if (end - at < 8) break;
      let length = input[at]!;
      let next = at + 1;
      if (length > 0x7f) {
        if (input[next]! > 0x7f) break;
        length = (length & 0x7f) | (input[next++]! << 7);
      }
      const pairEnd = next + length;
      if (pairEnd > end || length < 7 || input[next] !== KEY) break;
      const keyLength = input[next + 1]!;
      const keyAt = next + 2;
      next = keyAt + keyLength;
      if (keyLength === 0 || keyLength > 0x7f || pairEnd - next < 4 || input[next] !== VALUE) break;
      length = input[next + 1]!;
      next += 2;
      if (length > 0x7f) {
        if (input[next]! > 0x7f) break;
        length = (length & 0x7f) | (input[next++]! << 7);
      }
      if (length < 2 || next + length !== pairEnd) break;

      let past = some ? to + 9 : to + 8;
      outView.setFloat64(past - 8, open, true);
      if (this.plain(keyAt, keyAt + keyLength, past) !== keyAt + keyLength) break;
      past += keyLength;
      const type = input[next++]!;
      if (type === STRING_VALUE) {
        length = input[next++]!;
        if (length > 0x7f) {
          if (next === pairEnd || input[next]! > 0x7f) break;
          length = (length & 0x7f) | (input[next++]! << 7);
        }
        if (next + length !== pairEnd) break;
        outView.setFloat64(past, value0, true);
        outView.setFloat64(past + 8, value1, true);
        outView.setFloat64(past + 16, value2, true);
        outView.setFloat64(past + 24, value3, true);
        past += stringLength;
        if (this.plain(next, pairEnd, past) !== pairEnd) break;
        past += length;
        outView.setInt32(past, 0x7d7d22, true); // "}}
        past += 3;
      } else if (type === INT_VALUE) {
        // Up to 2^21 here.
        let value = input[next++]!;
        if (value > 0x7f) {
          if (next === pairEnd) break;
          value = (value & 0x7f) | (input[next++]! << 7);
          if (value > 0x3fff) {
            if (next === pairEnd || input[next]! > 0x7f) break;
            value = (value & 0x3fff) | (input[next++]! << 14);
          }
        }
        if (next !== pairEnd) break;
        past = this.digits(value, this.put(pair.int, past));
        outView.setInt32(past, 0x7d7d22, true); // "}}
        past += 3;
      } else if (type === DOUBLE_VALUE) {
        if (next + 8 !== pairEnd) break;
        past = this.decimal(view.getFloat64(next, true), this.put(pair.double, past));
        outView.setInt16(past, 0x7d7d, true); // }}
        past += 2;
      } else if (type === BOOL_VALUE) {
        if (next + 1 !== pairEnd || input[next]! > 1) break;
        past = this.put(input[next] === 1 ? pair.true : pair.false, past);
      } else break;

      if (some) out[to] = 0x2c;
      some = true;
      to = past;
      at = pairEnd;
      if (at === end || input[at] !== tag) {
        this.at = at;
        this.to = to;
        return true;
      }
      at++;
    }
    if (some) {
      // Before the tag of the one that is not so.
      this.at = at - 1;
      this.to = to;
    }
    return some;
  }

  /** Elements of a repeated number in one length-delimited field. */
  private packed(field: Field, end: number): void {
    const length = this.length(end);
    const packedEnd = this.at + length;
    for (let i = 0; this.at < packedEnd; i++) {
      this.room(ROOM);
      if (i > 0) this.out[this.to++] = 0x2c;
      this.value(field, packedEnd);
    }
    // An empty run after elements has written a comma for nothing.
    if (length === 0 && this.out[this.to - 1] === 0x2c) this.to--;
  }

  /** One value, without its key. Returns whether it is the type's zero. */
  private value(field: Field, end: number): boolean {
    switch (field.type) {
      case STRING: {
        const length = this.length(end);
        this.text(length);
        return length === 0;
      }
      case ID: {
        const length = this.length(end);
        this.hex(length);
        return length === 0;
      }
      case BYTE_STRING: {
        const length = this.length(end);
        this.base64(length);
        return length === 0;
      }
      case BOOL: {
        const value = (this.varint(end) | this.high) !== 0;
        this.ascii(value ? 'true' : 'false');
        return !value;
      }
      case INT32:
        return this.signed(this.varint(end) | 0);
      case SINT32: {
        const bits = this.varint(end);
        return this.signed((bits >>> 1) ^ -(bits & 1));
      }
      case UINT32: {
        const value = this.varint(end);
        this.to = this.digits(value, this.to);
        return value === 0;
      }
      case FIXED_32: {
        const value = this.view.getUint32(this.fixed(4, end), true);
        this.to = this.digits(value, this.to);
        return value === 0;
      }
      case INT64:
        return this.long(this.varint(end), this.high | 0);
      case UINT64:
        return this.long(this.varint(end), this.high);
      case FIXED_64: {
        const at = this.fixed(8, end);
        return this.time(this.view.getUint32(at, true), this.view.getUint32(at + 4, true));
      }
      case SFIXED_64: {
        const at = this.fixed(8, end);
        return this.long(this.view.getUint32(at, true), this.view.getInt32(at + 4, true));
      }
      default: {
        const value = this.view.getFloat64(this.fixed(8, end), true);
        this.to = this.decimal(value, this.to);
        return Object.is(value, 0);
      }
    }
  }

  // ---- The wire.

  private tag(end: number): number {
    const byte = this.input[this.at]!;
    if (byte < 0x80 && byte >= 8) {
      this.at++;
      return byte;
    }
    const tag = this.varint(end);
    if (this.high !== 0 || tag < 8) this.fail('has no field of that number');
    return tag;
  }

  private length(end: number): number {
    const length = this.varint(end);
    if (this.high !== 0 || length > end - this.at) {
      this.fail('has a field that is longer than the message it is in');
    }
    return length;
  }

  /** The address of so many bytes, which are then behind. */
  private fixed(bytes: number, end: number): number {
    const { at } = this;
    if (end - at < bytes) this.fail('ends within a number');
    this.at += bytes;
    return at;
  }

  private varint(end: number): number {
    const { input } = this;
    if (this.at >= end) this.fail('ends within a number');
    let byte = input[this.at++]!;
    this.high = 0;
    if (byte < 0x80) return byte;
    let low = byte & 0x7f;
    for (let shift = 7; shift < 70; shift += 7) {
      if (this.at >= end) this.fail('ends within a number');
      byte = input[this.at++]!;
      const bits = byte & 0x7f;
      if (shift < 32) low |= bits << shift;
      if (shift === 28) this.high = bits >>> 4;
      else if (shift > 28) this.high |= bits << (shift - 32);
      if (byte < 0x80) {
        this.high >>>= 0;
        return low >>> 0;
      }
    }
    return this.fail('has a number of more than ten bytes');
  }

  /** Moves over a field, or over a group and all that is in it. */
  private skip(tag: number, end: number): void {
    const groups: number[] = [];
    for (;;) {
      switch (tag & 7) {
        case VARINT:
          this.varint(end);
          break;
        case FIXED64:
          this.fixed(8, end);
          break;
        case BYTES: {
          const length = this.length(end);
          this.at += length;
          break;
        }
        case GROUP:
          groups.push(tag >>> 3);
          break;
        case GROUP_END:
          if (groups.pop() !== tag >>> 3) this.fail('ends a group that it has not begun');
          break;
        case FIXED32:
          this.fixed(4, end);
          break;
        default:
          this.fail(`has a field of wire type ${tag & 7}, which there is not`);
      }
      if (groups.length === 0) return;
      tag = this.tag(end);
    }
  }

  private fail(problem: string): never {
    throw new OtlpError(
      'invalid_data',
      `the OTLP request ${problem}, near byte ${this.at} of ${this.input.length}; give the bytes of an encoded OTLP message.`,
    );
  }

  // ---- Messages that are not in order.

  private inOrder(message: Message, end: number): void {
    const { input, view } = this;
    const ordered = this.ordered(message, end);
    this.open(ordered);
    this.at = 0;
    this.fields(message.fields, ordered.length);
    this.input = input;
    this.view = view;
    this.at = end;
  }

  /**
   * The message from `at` to `end` with the elements of a repeated field together, singular fields
   * once, and nothing that is unknown. Parts of a singular message are merged by standing one
   * after another (protobuf, "Last One Wins").
   */
  private ordered({ fields }: Message, end: number): Uint8Array {
    const { input } = this;
    const places = new Map<number, Place>();
    while (this.at < end) {
      const from = this.at;
      const tag = this.tag(end);
      const field = tag < fields.length ? fields[tag] : undefined;
      if (field === undefined) {
        this.skip(tag, end);
        continue;
      }
      const merges = field.message !== undefined && !field.repeated;
      let part: Uint8Array;
      if (merges) {
        const length = this.length(end);
        part = input.subarray(this.at, this.at + length);
        this.at += length;
      } else {
        this.skip(tag, end);
        part = input.subarray(from, this.at);
      }
      const place = places.get(field.bit);
      if (place?.field === field && (merges || field.repeated)) place.parts.push(part);
      else places.set(field.bit, { field, tag, merges, parts: [part] });
    }
    const bytes: number[] = [];
    const chunks: Uint8Array[] = [];
    for (const { tag, merges, parts } of places.values()) {
      if (merges) {
        bytes.length = 0;
        pushVarint(bytes, tag);
        pushVarint(
          bytes,
          parts.reduce((sum, part) => sum + part.length, 0),
        );
        chunks.push(Uint8Array.from(bytes));
      }
      for (const part of parts) chunks.push(part);
    }
    return concatenated(chunks);
  }

  // ---- JSON.

  /** A string of `length` bytes of UTF-8. */
  private text(length: number): void {
    this.room(length + ROOM);
    const { at, to } = this;
    const end = at + length;
    this.out[to] = 0x22;
    const stop = this.plain(at, end, to + 1);
    this.at = stop;
    this.to = to + 1 + stop - at;
    if (stop < end) this.textWithEscapes(end);
    this.out[this.to++] = 0x22;
  }

  /**
   * Copies from `at` what stands in a JSON string as it is, ASCII without quotes, backslashes and
   * controls. Returns where it stopped: at `end`, or with such a byte among the next four.
   */
  private plain(at: number, end: number, to: number): number {
    const { view, outView } = this;
    if (end - at < 4) {
      const { input, out } = this;
      for (let from = at; from < end; from++) {
        const byte = input[from]!;
        if (byte < 0x20 || byte >= 0x80 || byte === 0x22 || byte === 0x5c) return at;
        out[to++] = byte;
      }
      return end;
    }
    const last = end - 4;
    for (; at < last; at += 4) {
      const four = view.getInt32(at, true);
      if (!arePlain(four)) return at;
      outView.setInt32(to, four, true);
      to += 4;
    }
    // The last four bytes, some of which may have been copied.
    const four = view.getInt32(last, true);
    if (!arePlain(four)) return at;
    outView.setInt32(to + last - at, four, true);
    return end;
  }

  private textWithEscapes(end: number): void {
    // A control character becomes six bytes.
    this.room(6 * (end - this.at) + ROOM);
    const { input, out } = this;
    while (this.at < end) {
      // One that is not plain is near.
      for (const near = this.at + 4; this.at < end; ) {
        const byte = input[this.at]!;
        if (byte >= 0x80) {
          const bytes = utf8Sequence(input, this.at, end);
          if (bytes === 0) this.fail('has a string that is not UTF-8');
          for (let i = 0; i < bytes; i++) out[this.to++] = input[this.at++]!;
          continue;
        }
        if (this.at >= near) break;
        this.at++;
        if (byte === 0x22 || byte === 0x5c) {
          out[this.to++] = 0x5c;
          out[this.to++] = byte;
        } else if (byte >= 0x20) {
          out[this.to++] = byte;
        } else if (byte === 0x0a || byte === 0x0d || byte === 0x09) {
          out[this.to++] = 0x5c;
          out[this.to++] = byte === 0x0a ? 0x6e : byte === 0x0d ? 0x72 : 0x74;
        } else {
          this.ascii('\\u00');
          out[this.to++] = hexDigit(byte >> 4);
          out[this.to++] = hexDigit(byte & 15);
        }
      }
      const stop = this.plain(this.at, end, this.to);
      this.to += stop - this.at;
      this.at = stop;
    }
  }

  private hex(length: number): void {
    this.room(2 * length + ROOM);
    const { input, out, outView, twoHex } = this;
    let { at, to } = this;
    const end = at + length;
    out[to++] = 0x22;
    for (; end - at >= 2; at += 2) {
      outView.setInt32(to, twoHex[input[at]!]! | (twoHex[input[at + 1]!]! << 16), true);
      to += 4;
    }
    if (at < end) {
      outView.setInt16(to, twoHex[input[at]!]!, true);
      to += 2;
    }
    out[to++] = 0x22;
    this.at = end;
    this.to = to;
  }

  private base64(length: number): void {
    this.room(2 * length + ROOM);
    const { input, out } = this;
    const end = this.at + length;
    out[this.to++] = 0x22;
    for (; this.at < end; this.at += 3) {
      const left = end - this.at;
      const bits =
        (input[this.at]! << 16) |
        (left > 1 ? input[this.at + 1]! << 8 : 0) |
        (left > 2 ? input[this.at + 2]! : 0);
      out[this.to++] = BASE64.charCodeAt(bits >> 18);
      out[this.to++] = BASE64.charCodeAt((bits >> 12) & 63);
      out[this.to++] = left > 1 ? BASE64.charCodeAt((bits >> 6) & 63) : 0x3d;
      out[this.to++] = left > 2 ? BASE64.charCodeAt(bits & 63) : 0x3d;
    }
    this.at = end;
    out[this.to++] = 0x22;
  }
}

/** What a message out of order has of one field, or of one `oneof`. */
interface Place {
  readonly field: Field;
  readonly tag: number;
  /** The parts are the bodies of messages; else they are whole fields. */
  readonly merges: boolean;
  readonly parts: Uint8Array[];
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Whether four bytes of text stand in a JSON string as they are. */
function arePlain(four: number): boolean {
  // The uppermost bit of a byte is set by subtraction where the byte was smaller (the next byte
  // may borrow then, but the answer is given), and by non-ASCII from the start.
  const quotes = (four ^ 0x22222222) - 0x01010101;
  const backslashes = (four ^ 0x5c5c5c5c) - 0x01010101;
  return ((four | (four - 0x20202020) | quotes | backslashes) & 0x80808080) === 0;
}

/** Bytes of the well-formed sequence that begins at `at` with a byte from 0x80; 0 when it is none. */
function utf8Sequence(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at]!;
  if (first < 0xc2 || first > 0xf4) return 0;
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (end - at < length) return 0;
  for (let i = 1; i < length; i++) if ((bytes[at + i]! & 0xc0) !== 0x80) return 0;
  const second = bytes[at + 1]!;
  // Overlong forms, surrogates, and what is beyond U+10FFFF.
  if (first === 0xe0 && second < 0xa0) return 0;
  if (first === 0xed && second > 0x9f) return 0;
  if (first === 0xf0 && second < 0x90) return 0;
  if (first === 0xf4 && second > 0x8f) return 0;
  return length;
}
