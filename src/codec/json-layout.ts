/**
 * The tables of `schema.ts` as the JSON transcoder walks them: fields by their tags, and what is
 * written for them without looking at the wire as bytes.
 */

import { parseField, type ScalarType, type Tables } from './schema.ts';

export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
export const GROUP = 3;
export const GROUP_END = 4;
export const FIXED32 = 5;

// Types as numbers: a switch over them is a jump.
export const MESSAGE = 0;
export const STRING = 1;
export const ID = 2;
export const BYTE_STRING = 3;
export const BOOL = 4;
export const INT32 = 5;
export const SINT32 = 6;
export const UINT32 = 7;
export const FIXED_32 = 8;
export const INT64 = 9;
export const UINT64 = 10;
export const FIXED_64 = 11;
export const SFIXED_64 = 12;
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

export interface Field {
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

export interface Message {
  /** By tag; a repeated number that may be packed is there under both its tags. */
  readonly fields: (Field | undefined)[];
}

/** What stands around the key and the value of a KeyValue whose value is a scalar. */
export interface Pair {
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
export interface Ascii {
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

/** The message `root` of these tables, and all that it can have inside. */
export function compile(tables: Tables, root: string): Message {
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
export const KEY = 0x0a;
export const VALUE = 0x12;
export const STRING_VALUE = 0x0a;
export const BOOL_VALUE = 0x10;
export const INT_VALUE = 0x18;
export const DOUBLE_VALUE = 0x21;

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
