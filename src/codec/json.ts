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
import { COMMON, parseField, type ScalarType, type Tables, TRACES } from './schema.ts';

/**
 * Messages within messages at most. A hundred maps within each other, the deepest value that is
 * recorded, take three hundred and what is around them.
 */
const MAX_DEPTH = 400;

/** Room kept for what has a known bound: a comma, a key, brackets, a number, an id. */
const ROOM = 128;

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const GROUP = 3;
const GROUP_END = 4;
const FIXED32 = 5;

// Types as numbers: a switch over them is a jump.
const MESSAGE = 0;
const STRING = 1;
const ID = 2;
const BYTE_STRING = 3;
const BOOL = 4;
const INT32 = 5;
const SINT32 = 6;
const UINT32 = 7;
const FIXED_32 = 8;
const INT64 = 9;
const UINT64 = 10;
const FIXED_64 = 11;
const SFIXED_64 = 12;
const DOUBLE = 13;

const SCALARS: Readonly<Record<ScalarType, readonly [type: number, wireType: number]>> = {
  string: [STRING, BYTES],
  id8: [ID, BYTES],
  id16: [ID, BYTES],
  bytes: [BYTE_STRING, BYTES],
  bool: [BOOL, VARINT],
  int32: [INT32, VARINT],
  enum: [INT32, VARINT],
  sint32: [SINT32, VARINT],
  uint32: [UINT32, VARINT],
  fixed32: [FIXED_32, FIXED32],
  int64: [INT64, VARINT],
  uint64: [UINT64, VARINT],
  fixed64: [FIXED_64, FIXED64],
  sfixed64: [SFIXED_64, FIXED64],
  double: [DOUBLE, FIXED64],
};

interface Field {
  readonly type: number;
  /** Set when the type is `MESSAGE`. */
  readonly message: Message | undefined;
  /** `,"name":`, with a `[` behind it when the field is repeated. */
  readonly key: Uint8Array;
  readonly wireType: number;
  readonly repeated: boolean;
  /** Written even when it is zero. */
  readonly present: boolean;
  /** One of the message's, shared by the members of its `oneof`. */
  readonly bit: number;
}

interface Message {
  /** By number. */
  readonly fields: (Field | undefined)[];
}

function compile(tables: Tables, root: string): Message {
  const messages = new Map<string, Message>();
  const encoder = new TextEncoder();
  const messageOf = (name: string): Message => {
    const known = messages.get(name);
    if (known !== undefined) return known;
    const message: Message = { fields: [] };
    messages.set(name, message);
    let bits = 0;
    let oneofBit = 0;
    for (const entry of Object.entries(tables[name]!)) {
      const { number, type, repeated, optional, oneof } = parseField(entry);
      const target = type === 'attributes' ? 'KeyValue' : type;
      const inner = target in tables ? messageOf(target) : undefined;
      const scalar = inner === undefined ? SCALARS[type as ScalarType] : [MESSAGE, BYTES];
      const bit = oneof && oneofBit !== 0 ? oneofBit : 1 << bits++;
      if (oneof) oneofBit = bit;
      message.fields[number] = {
        type: scalar[0]!,
        message: inner,
        key: encoder.encode(`,"${entry[0]}":${repeated ? '[' : ''}`),
        wireType: scalar[1]!,
        repeated,
        present: optional || inner !== undefined,
        bit,
      };
    }
    // A plain array without holes, which numbers are looked up in faster.
    for (let i = 0; i < message.fields.length; i++) message.fields[i] ??= undefined;
    return message;
  };
  return messageOf(root);
}

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
  return (message) => new JsonWriter(message).write(compiled);
}

let traces: ReturnType<typeof jsonTranscoder> | undefined;

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

/** Thrown within when a message is not in the order the pass relies on. */
const OUT_OF_ORDER = Symbol('out of order');

class JsonWriter {
  /** What is read: the request, or a message of it that was brought into order. */
  private input: Uint8Array;
  private view: DataView;
  private at = 0;
  /** Upper half of the last varint or 64-bit integer read; the lower one is returned. */
  private high = 0;
  private out: Uint8Array<ArrayBuffer>;
  private to = 0;
  private depth = 0;
  /** Whether messages are brought into order before they are read. */
  private ordering = false;

  constructor(input: Uint8Array) {
    this.input = input;
    this.view = viewOf(input);
    this.out = new Uint8Array(3 * input.length + 2 * ROOM);
  }

  write(root: Message): Uint8Array<ArrayBuffer> {
    const { length } = this.input;
    try {
      this.message(root, length);
    } catch (error) {
      if (error !== OUT_OF_ORDER) throw error;
      this.ordering = true;
      this.at = this.to = this.depth = 0;
      this.message(root, length);
    }
    return this.out.slice(0, this.to);
  }

  private message(message: Message, end: number): void {
    if (++this.depth > MAX_DEPTH) this.fail(`nests messages deeper than ${MAX_DEPTH} levels`);
    if (this.ordering) this.inOrder(message, end);
    else this.fields(message, end);
    this.depth--;
  }

  /** The message from `at` to `end` as an object. Whoever calls has seen to it that there is room. */
  private fields({ fields }: Message, end: number): void {
    this.out[this.to++] = 0x7b; // {
    const first = this.to;
    let seen = 0;
    /** The repeated field whose list is being written. */
    let list: Field | undefined;
    while (this.at < end) {
      const tag = this.tag(end);
      const wireType = tag & 7;
      const field = tag >>> 3 < fields.length ? fields[tag >>> 3] : undefined;
      if (field === undefined || (wireType !== field.wireType && !isPacked(field, wireType))) {
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
        this.key(field.key, mark === first ? 1 : 0);
      }
      if (wireType !== field.wireType) this.packed(field, end);
      else if (this.value(field, end) && !field.present && !field.repeated) this.to = mark;
    }
    this.room(ROOM);
    if (list !== undefined) this.out[this.to++] = 0x5d;
    this.out[this.to++] = 0x7d; // }
  }

  private key(key: Uint8Array, from: number): void {
    const { out } = this;
    let { to } = this;
    for (let i = from; i < key.length; i++) out[to++] = key[i]!;
    this.to = to;
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
      case MESSAGE: {
        const length = this.length(end);
        this.message(field.message!, this.at + length);
        return false;
      }
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
        this.digits(value);
        return value === 0;
      }
      case FIXED_32: {
        const value = this.view.getUint32(this.fixed(4, end), true);
        this.digits(value);
        return value === 0;
      }
      case INT64:
        return this.long(this.varint(end), this.high | 0);
      case UINT64:
        return this.long(this.varint(end), this.high);
      case FIXED_64:
      case SFIXED_64: {
        const at = this.fixed(8, end);
        const high =
          field.type === FIXED_64
            ? this.view.getUint32(at + 4, true)
            : this.view.getInt32(at + 4, true);
        return this.long(this.view.getUint32(at, true), high);
      }
      default:
        return this.double(this.view.getFloat64(this.fixed(8, end), true));
    }
  }

  // ---- The wire.

  private tag(end: number): number {
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
    this.input = ordered;
    this.view = viewOf(ordered);
    this.at = 0;
    this.fields(message, ordered.length);
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
      const field = fields[tag >>> 3];
      if (field === undefined || ((tag & 7) !== field.wireType && !isPacked(field, tag & 7))) {
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

  /** Sees to it that `bytes` more can be written. */
  private room(bytes: number): void {
    const { out, to } = this;
    if (out.length - to >= bytes) return;
    this.out = new Uint8Array(Math.max(2 * out.length, to + bytes));
    this.out.set(out.subarray(0, to));
  }

  /** A string of `length` bytes of UTF-8. */
  private text(length: number): void {
    this.room(length + ROOM);
    const { input, out } = this;
    const end = this.at + length;
    let { at, to } = this;
    out[to++] = 0x22;
    while (at < end) {
      const byte = input[at]!;
      if (byte < 0x20 || byte >= 0x80 || byte === 0x22 || byte === 0x5c) break;
      out[to++] = byte;
      at++;
    }
    this.at = at;
    this.to = to;
    if (at < end) this.textWithEscapes(end);
    this.out[this.to++] = 0x22;
  }

  private textWithEscapes(end: number): void {
    // A control character becomes six bytes.
    this.room(6 * (end - this.at) + ROOM);
    const { input, out } = this;
    while (this.at < end) {
      const byte = input[this.at]!;
      if (byte >= 0x80) {
        const bytes = utf8Sequence(input, this.at, end);
        if (bytes === 0) this.fail('has a string that is not UTF-8');
        for (let i = 0; i < bytes; i++) out[this.to++] = input[this.at++]!;
        continue;
      }
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
  }

  private hex(length: number): void {
    this.room(2 * length + ROOM);
    const { input, out } = this;
    out[this.to++] = 0x22;
    for (const end = this.at + length; this.at < end; ) {
      const byte = input[this.at++]!;
      out[this.to++] = hexDigit(byte >> 4);
      out[this.to++] = hexDigit(byte & 15);
    }
    out[this.to++] = 0x22;
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

  private signed(value: number): boolean {
    if (value < 0) this.out[this.to++] = 0x2d;
    this.digits(Math.abs(value));
    return value === 0;
  }

  /** A 64-bit integer as a string; negative when `high` is. */
  private long(low: number, high: number): boolean {
    const zero = low === 0 && high === 0;
    this.out[this.to++] = 0x22;
    if (high < 0) {
      this.out[this.to++] = 0x2d;
      low = -low >>> 0;
      high = (~high + (low === 0 ? 1 : 0)) >>> 0;
    }
    if (high < 0x20_0000) {
      this.digits(high * 2 ** 32 + low);
    } else {
      // Too large for a double: divided by hand, sixteen bits at a time.
      let rest = high >>> 16;
      let quotient = Math.floor(rest / 1e9);
      for (const limb of [high & 0xffff, low >>> 16, low & 0xffff]) {
        rest = (rest % 1e9) * 65_536 + limb;
        quotient = quotient * 65_536 + Math.floor(rest / 1e9);
      }
      this.digits(quotient);
      this.nineDigits(rest % 1e9);
    }
    this.out[this.to++] = 0x22;
    return zero;
  }

  /** A whole number from 0 to 2^53. */
  private digits(value: number): void {
    if (value >= 1e9) {
      const upper = Math.floor(value / 1e9);
      this.digits(upper);
      this.nineDigits(value - upper * 1e9);
      return;
    }
    let count = 1;
    for (let bound = 10; value >= bound; bound *= 10) count++;
    this.to += count;
    for (let i = 1; i <= count; i++) {
      const rest = (value / 10) | 0;
      this.out[this.to - i] = 0x30 + value - 10 * rest;
      value = rest;
    }
  }

  private nineDigits(value: number): void {
    this.to += 9;
    for (let i = 1; i <= 9; i++) {
      const rest = (value / 10) | 0;
      this.out[this.to - i] = 0x30 + value - 10 * rest;
      value = rest;
    }
  }

  private double(value: number): boolean {
    if (Object.is(value, -0)) this.ascii('-0');
    else if (Number.isFinite(value)) this.ascii(String(value));
    else this.ascii(`"${value}"`);
    return Object.is(value, 0);
  }

  private ascii(text: string): void {
    for (let i = 0; i < text.length; i++) this.out[this.to++] = text.charCodeAt(i);
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

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** Several elements of a repeated number in one field. */
function isPacked(field: Field, wireType: number): boolean {
  return field.repeated && wireType === BYTES && field.wireType !== BYTES;
}

function hexDigit(value: number): number {
  return value < 10 ? 0x30 + value : 0x57 + value;
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

function pushVarint(bytes: number[], value: number): void {
  for (; value > 0x7f; value = Math.floor(value / 128)) bytes.push((value % 128) | 0x80);
  bytes.push(value);
}

function concatenated(chunks: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
