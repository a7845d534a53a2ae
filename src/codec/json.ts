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
import { COMMON, parseField, type ScalarType, type Tables, TRACES } from './schema.ts';

/**
 * Messages within messages at most. A hundred maps within each other, the deepest value that is
 * recorded, take three hundred and what is around them.
 */
const MAX_DEPTH = 400;

/** Room kept for what has a known bound: a comma, a key, brackets, a number, an id. */
const ROOM = 128;

/** What is written into is kept for the next request up to this size. */
const KEPT_BYTES = 2 * 1024 * 1024;

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
  /** Set when it is repeated KeyValue. */
  readonly pair: Pair | undefined;
  /** `,"name":`, with a `[` behind it when the field is repeated. */
  readonly key: Ascii;
  readonly wireType: number;
  readonly repeated: boolean;
  /** Written even when it is zero. */
  readonly present: boolean;
  /** One of the message's, shared by the members of its `oneof`. */
  readonly bit: number;
}

interface Message {
  /** By tag; a repeated number that may be packed is there under both its tags. */
  readonly fields: (Field | undefined)[];
}

/** What stands around the key and the value of a KeyValue whose value is a scalar. */
interface Pair {
  /** `{"key":"` */
  readonly key: Ascii;
  /** `","value":{"stringValue":"`, four words; and so on. */
  readonly string: Ascii;
  readonly true: Ascii;
  readonly false: Ascii;
  readonly int: Ascii;
  readonly double: Ascii;
}

/** Text that is written eight bytes at a time. What comes next overwrites what the last ones had. */
interface Ascii {
  /** Doubles with these bytes. (None is a NaN, whose bytes would not be kept.) */
  readonly words: Float64Array;
  readonly length: number;
}

function ascii(text: string): Ascii {
  const bytes = new DataView(new ArrayBuffer((text.length + 7) & ~7));
  for (let i = 0; i < text.length; i++) bytes.setUint8(i, text.charCodeAt(i));
  const words = new Float64Array(bytes.byteLength >> 3);
  for (let i = 0; i < words.length; i++) words[i] = bytes.getFloat64(8 * i, true);
  return { words, length: text.length };
}

function compile(tables: Tables, root: string): Message {
  const messages = new Map<string, Message>();
  const pair = pairOf();
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
      const field = {
        type: scalar[0]!,
        message: inner,
        pair: repeated && target === 'KeyValue' ? pair : undefined,
        key: ascii(`,"${entry[0]}":${repeated ? '[' : ''}`),
        wireType: scalar[1]!,
        repeated,
        present: optional || inner !== undefined,
        bit,
      };
      message.fields[number * 8 + field.wireType] = field;
      if (repeated && field.wireType !== BYTES) message.fields[number * 8 + BYTES] = field;
    }
    // A plain array without holes, which numbers are looked up in faster.
    for (let i = 0; i < message.fields.length; i++) message.fields[i] ??= undefined;
    return message;
  };
  return messageOf(root);
}

/** Tags in KeyValue and in AnyValue, as `schema.ts` has their fields. */
const KEY = 0x0a;
const VALUE = 0x12;
const STRING_VALUE = 0x0a;
const BOOL_VALUE = 0x10;
const INT_VALUE = 0x18;
const DOUBLE_VALUE = 0x21;

function pairOf(): Pair {
  const before = (value: string) => ascii(`","value":{"${value}`);
  return {
    key: ascii('{"key":"'),
    string: before('stringValue":"'),
    true: before('boolValue":true}}'),
    false: before('boolValue":false}}'),
    int: before('intValue":"'),
    double: before('doubleValue":'),
  };
}

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

const NOTHING = new Uint8Array(0);

class JsonWriter {
  /** What is read: the request, or a message of it that was brought into order. */
  private input: Uint8Array = NOTHING;
  private view = viewOf(NOTHING);
  private at = 0;
  /** Upper half of the last varint or 64-bit integer read; the lower one is returned. */
  private high = 0;
  /** What is written; kept from one request to the next. */
  private out = NOTHING;
  private outView = viewOf(NOTHING);
  private to = 0;
  private depth = 0;
  /** Whether messages are brought into order before they are read. */
  private ordering = false;

  /** `000` to `999`, three characters each. */
  private readonly threeDigits = new Int32Array(1000);
  /** `0` to `999`, and how many characters that is in the uppermost byte. */
  private readonly upToThree = new Int32Array(1000);
  /** `00` to `ff` */
  private readonly twoHex = new Uint16Array(256);

  // The second that the last time was in: times of a request share it.
  private secondLow = 0;
  private secondHigh = 0;
  private secondDigits = 0;
  private readonly second = new Int32Array(3);

  constructor() {
    for (let i = 0; i < 1000; i++) {
      const [hundreds, tens, ones] = [(i / 100) | 0, ((i / 10) | 0) % 10, i % 10];
      const three = (0x30 + hundreds) | ((0x30 + tens) << 8) | ((0x30 + ones) << 16);
      const count = i < 10 ? 1 : i < 100 ? 2 : 3;
      this.threeDigits[i] = three;
      this.upToThree[i] = (three >>> (8 * (3 - count))) | (count << 24);
    }
    for (let i = 0; i < 256; i++) this.twoHex[i] = hexDigit(i >> 4) | (hexDigit(i & 15) << 8);
  }

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

  /** Writes at `to` and returns what is behind. */
  private put({ words, length }: Ascii, to: number): number {
    const { outView } = this;
    for (let i = 0; i < words.length; i++) outView.setFloat64(to + 8 * i, words[i]!, true);
    return to + length;
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

  /** Sees to it that `bytes` more can be written. */
  private room(bytes: number): void {
    const size = this.out.length;
    if (size - this.to < bytes) this.grow(Math.max(2 * size, this.to + bytes));
  }

  private grow(size: number): void {
    const larger = new Uint8Array(size);
    larger.set(this.out.subarray(0, this.to));
    this.writeInto(larger);
  }

  private writeInto(out: Uint8Array<ArrayBuffer>): void {
    this.out = out;
    this.outView = viewOf(out);
  }

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

  private signed(value: number): boolean {
    if (value < 0) this.out[this.to++] = 0x2d;
    this.to = this.digits(Math.abs(value), this.to);
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
      this.to = this.digits(high * 2 ** 32 + low, this.to);
    } else {
      // Too large for a double: divided by hand, sixteen bits at a time.
      let rest = high >>> 16;
      let quotient = Math.floor(rest / 1e9);
      for (const limb of [high & 0xffff, low >>> 16, low & 0xffff]) {
        rest = (rest % 1e9) * 65_536 + limb;
        quotient = quotient * 65_536 + Math.floor(rest / 1e9);
      }
      this.to = this.nineDigits(rest % 1e9, this.digits(quotient, this.to));
    }
    this.out[this.to++] = 0x22;
    return zero;
  }

  /** An unsigned 64-bit integer as a string, which is likely to be a time in nanoseconds. */
  private time(low: number, high: number): boolean {
    const { out, outView, second } = this;
    const from = this.to;
    const since = (high - this.secondHigh) * 2 ** 32 + (low - this.secondLow);
    if (since >= 0 && since < 1e9 && this.secondDigits > 0) {
      out[from] = 0x22;
      outView.setInt32(from + 1, second[0]!, true);
      outView.setInt32(from + 5, second[1]!, true);
      outView.setInt32(from + 9, second[2]!, true);
      const past = this.nineDigits(since, from + 1 + this.secondDigits);
      out[past] = 0x22;
      this.to = past + 1;
      return false;
    }
    const zero = this.long(low, high);
    const digits = this.to - from - 2;
    if (digits > 9) {
      let nanoseconds = 0;
      for (let i = this.to - 10; i < this.to - 1; i++)
        nanoseconds = nanoseconds * 10 + out[i]! - 0x30;
      this.secondLow = (low - nanoseconds) >>> 0;
      this.secondHigh = high - (nanoseconds > low ? 1 : 0);
      this.secondDigits = digits - 9;
      for (let i = 0; i < 3; i++) second[i] = outView.getInt32(from + 1 + 4 * i, true);
    }
    return zero;
  }

  // Numbers are written at `to`; what is behind them is returned.

  /** A whole number from 0 to 2^53. */
  private digits(value: number, to: number): number {
    if (value >= 1e9) {
      const upper = Math.floor(value / 1e9);
      return this.nineDigits(value - upper * 1e9, this.digits(upper, to));
    }
    const { outView, threeDigits, upToThree } = this;
    const ones = value | 0;
    if (ones < 1000) {
      const three = upToThree[ones]!;
      outView.setInt32(to, three, true);
      return to + (three >> 24);
    }
    const thousands = (ones / 1000) | 0;
    const millions = (ones / 1_000_000) | 0;
    const three = upToThree[millions > 0 ? millions : thousands]!;
    outView.setInt32(to, three, true);
    to += three >> 24;
    if (millions > 0) {
      outView.setInt32(to, threeDigits[thousands - 1000 * millions]!, true);
      to += 3;
    }
    outView.setInt32(to, threeDigits[ones - 1000 * thousands]!, true);
    return to + 3;
  }

  private nineDigits(value: number, to: number): number {
    const { outView, threeDigits } = this;
    const ones = value | 0;
    const thousands = (ones / 1000) | 0;
    const millions = (ones / 1_000_000) | 0;
    outView.setInt32(to, threeDigits[millions]!, true);
    outView.setInt32(to + 3, threeDigits[thousands - 1000 * millions]!, true);
    outView.setInt32(to + 6, threeDigits[ones - 1000 * thousands]!, true);
    return to + 9;
  }

  /** A double. */
  private decimal(value: number, to: number): number {
    const size = Math.abs(value);
    if (size < 1e9 && size > 0) {
      // Decimals of up to fifteen digits are doubles of their own: this one is the shortest.
      const millionths = Math.round(size * 1e6);
      if (millionths / 1e6 === size) {
        const whole = Math.floor(size);
        if (value < 0) this.out[to++] = 0x2d;
        to = this.digits(whole, to);
        return whole === size ? to : this.fraction(millionths - whole * 1e6, to);
      }
    }
    this.to = to;
    if (Object.is(value, -0)) this.ascii('-0');
    else if (Number.isFinite(value)) this.ascii(String(value));
    else this.ascii(`"${value}"`);
    return this.to;
  }

  /** A dot and so many millionths, which are not none. */
  private fraction(millionths: number, to: number): number {
    const { out, outView, threeDigits } = this;
    const ones = millionths | 0;
    const thousands = (ones / 1000) | 0;
    out[to] = 0x2e;
    outView.setInt32(to + 1, threeDigits[thousands]!, true);
    outView.setInt32(to + 4, threeDigits[ones - 1000 * thousands]!, true);
    to += 7;
    while (out[to - 1] === 0x30) to--;
    return to;
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

/** Whether four bytes of text stand in a JSON string as they are. */
function arePlain(four: number): boolean {
  // The uppermost bit of a byte is set by subtraction where the byte was smaller (the next byte
  // may borrow then, but the answer is given), and by non-ASCII from the start.
  const quotes = (four ^ 0x22222222) - 0x01010101;
  const backslashes = (four ^ 0x5c5c5c5c) - 0x01010101;
  return ((four | (four - 0x20202020) | quotes | backslashes) & 0x80808080) === 0;
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
