/**
 * Attributes: from words (buffer/record.ts) to `KeyValue` and `AnyValue`
 * (opentelemetry/proto/common/v1/common.proto).
 *
 * Sizes are known before anything is written: interned strings carry theirs, inline ones
 * their length, numbers are measured. So nothing is written twice and nothing is moved.
 * Nested values, which are rare, are measured by a walk of their words first.
 *
 * A writing function returns where the next byte goes, or 0 when the room ran out; a reading
 * position travels beside it in `cursor`, since a function returns one value.
 */

import {
  VALUE_ARRAY,
  VALUE_BYTES,
  VALUE_DOUBLE,
  VALUE_EMPTY,
  VALUE_INT32,
  VALUE_INT64,
  VALUE_KIND_BITS,
  VALUE_MAP,
  VALUE_STRING,
  VALUE_STRING_REF,
  VALUE_TEXT,
  VALUE_TRUE,
} from '../buffer/record';
import { copy16 } from '../lanes/index';
import { store16, store64 } from '../lanes/unaligned';
import { varint64Size, varintSize, writeVarint, writeVarint64 } from './varint';

const STRING_VALUE: i32 = 0x0a;
const BOOL_VALUE: i32 = 0x10;
const INT_VALUE: i32 = 0x18;
const DOUBLE_VALUE: i32 = 0x21;
const ARRAY_VALUE: i32 = 0x2a;
const KVLIST_VALUE: i32 = 0x32;
const BYTES_VALUE: i32 = 0x3a;
/** `KeyValue.key` and the elements of ArrayValue and KeyValueList are all field 1. */
const FIELD_1: i32 = 0x0a;
const KEY_VALUE_VALUE: i32 = 0x12;

/** Address of the next word to read, after a call of this file. */
let cursor: i32 = 0;

/** Where the TEXT values of the record at hand lie. */
let textBlock: i32 = 0;

// @ts-ignore: decorator
@inline
export function setTextBlock(address: i32): void {
  textBlock = address;
}

// @ts-ignore: decorator
@inline
export function cursorAfter(): i32 {
  return cursor;
}

/** `n` rounded up to whole words. */
// @ts-ignore: decorator
@inline
export function padded(n: i32): i32 {
  return (n + 3) & ~3;
}

/** Copies `n` bytes, 16 at a time: may write up to 15 bytes past the end. */
// @ts-ignore: decorator
@inline
export function copyBytes(dst: i32, src: i32, n: i32): void {
  // bounds: callers leave OVERSHOOT_BYTES behind the limit; sources lie in the middle of
  // memory (string table, ring), with more than 16 readable bytes behind them.
  copy16(dst, src);
  if (n > 16) copyTail(dst, src, n);
}

function copyTail(dst: i32, src: i32, n: i32): void {
  if (n > 256) {
    memory.copy(dst, src, n);
    return;
  }
  for (let i = 16; i < n; i += 16) copy16(dst + i, src + i);
}

/** A length-delimited field with the bytes at `src`; returns where the next byte goes. */
export function writeBytes(p: i32, tag: i32, src: i32, n: i32): i32 {
  store<u8>(p, tag);
  p = writeVarint(p + 1, n);
  copyBytes(p, src, n);
  return p + n;
}

/** Size of the AnyValue whose words start at `r`; leaves `cursor` behind them. */
function valueSize(kind: i32, r: i32): i32 {
  if (kind == VALUE_STRING || kind == VALUE_BYTES) {
    const n = load<i32>(r);
    cursor = r + 4 + padded(n);
    return 1 + varintSize(n) + n;
  }
  if (kind == VALUE_STRING_REF) {
    cursor = r + 4;
    return load<i32>(load<i32>(r));
  }
  if (kind == VALUE_TEXT) {
    const n = load<i32>(r);
    cursor = r + 8;
    return 1 + varintSize(n) + n;
  }
  if (kind == VALUE_INT32) {
    cursor = r + 4;
    const value = load<i32>(r);
    return value < 0 ? 11 : 1 + varintSize(value);
  }
  if (kind == VALUE_DOUBLE) {
    cursor = r + 8;
    return 9;
  }
  if (kind == VALUE_INT64) {
    cursor = r + 8;
    return 1 + varint64Size(load<u64>(r, 0, 4));
  }
  if (kind >= VALUE_ARRAY) {
    const body = nestedSize(kind, r);
    return 1 + varintSize(body) + body;
  }
  cursor = r;
  return kind == VALUE_EMPTY ? 0 : 2;
}

/** Size of the body of an ArrayValue or KeyValueList; leaves `cursor` behind its words. */
function nestedSize(kind: i32, r: i32): i32 {
  let size = 0;
  cursor = r + 4;
  for (let count = load<i32>(r); count > 0; --count) {
    const element =
      kind == VALUE_MAP
        ? keyValueSize(cursor)
        : valueSize(load<i32>(cursor), cursor + 4);
    size += 1 + varintSize(element) + element;
  }
  return size;
}

/** Size of the KeyValue whose words start at `r`; leaves `cursor` behind them. */
function keyValueSize(r: i32): i32 {
  const head = load<u32>(r);
  const key = <i32>(head >> VALUE_KIND_BITS);
  let size: i32;
  r += 4;
  if (key != 0) {
    size = load<i32>(key);
  } else {
    const n = load<i32>(r);
    // An empty key, which a nested map may have, is left out as any default is.
    size = n == 0 ? 0 : 1 + varintSize(n) + n;
    r += 4 + padded(n);
  }
  const value = valueSize(head & ((1 << VALUE_KIND_BITS) - 1), r);
  return size + 1 + varintSize(value) + value;
}

/** Writes the AnyValue whose words start at `r`; leaves `cursor` behind them. */
function writeValue(p: i32, kind: i32, r: i32): i32 {
  // bounds: writeAttributes and writeAnyValue have checked the room for the whole value, nested ones included.
  if (kind == VALUE_STRING_REF) {
    const ref = load<i32>(r);
    const n = load<i32>(ref);
    cursor = r + 4;
    copyBytes(p, ref + 4, n);
    return p + n;
  }
  if (kind == VALUE_TEXT) {
    cursor = r + 8;
    return writeBytes(p, STRING_VALUE, textBlock + load<i32>(r + 4), load<i32>(r));
  }
  if (kind == VALUE_STRING || kind == VALUE_BYTES) {
    const n = load<i32>(r);
    cursor = r + 4 + padded(n);
    return writeBytes(p, kind == VALUE_STRING ? STRING_VALUE : BYTES_VALUE, r + 4, n);
  }
  if (kind == VALUE_INT32) {
    const value = load<i32>(r);
    cursor = r + 4;
    store<u8>(p, INT_VALUE);
    return value < 0 ? writeVarint64(p + 1, <i64>value) : writeVarint(p + 1, value);
  }
  if (kind == VALUE_DOUBLE) {
    cursor = r + 8;
    store<u8>(p, DOUBLE_VALUE);
    store64(p + 1, load<u64>(r, 0, 4));
    return p + 9;
  }
  if (kind == VALUE_INT64) {
    cursor = r + 8;
    store<u8>(p, INT_VALUE);
    return writeVarint64(p + 1, load<u64>(r, 0, 4));
  }
  if (kind >= VALUE_ARRAY) return writeNested(p, kind, r);
  cursor = r;
  if (kind == VALUE_EMPTY) return p;
  store<u8>(p, BOOL_VALUE);
  store<u8>(p + 1, kind == VALUE_TRUE ? 1 : 0);
  return p + 2;
}

/**
 * Writes a field whose message is the AnyValue of that kind at `r`. Returns where the next byte goes, or
 * 0 when `limit` would be passed; leaves `cursor` behind the value's words.
 */
export function writeAnyValue(p: i32, limit: i32, tag: i32, kind: i32, r: i32): i32 {
  const n = valueSize(kind, r);
  if (n > limit - p - 16) return 0;
  store<u8>(p, tag);
  return writeValue(writeVarint(p + 1, n), kind, r);
}

function writeNested(p: i32, kind: i32, r: i32): i32 {
  store<u8>(p, kind == VALUE_MAP ? KVLIST_VALUE : ARRAY_VALUE);
  p = writeVarint(p + 1, nestedSize(kind, r));
  let at = r + 4;
  for (let count = load<i32>(r); count > 0; --count) {
    store<u8>(p, FIELD_1);
    if (kind == VALUE_MAP) {
      p = writeKeyValue(writeVarint(p + 1, keyValueSize(at)), at);
    } else {
      const element = load<i32>(at);
      p = writeValue(writeVarint(p + 1, valueSize(element, at + 4)), element, at + 4);
    }
    at = cursor;
  }
  cursor = at;
  return p;
}

/** Writes the body of the KeyValue whose words start at `r`; leaves `cursor` behind them. */
function writeKeyValue(p: i32, r: i32): i32 {
  const head = load<u32>(r);
  const key = <i32>(head >> VALUE_KIND_BITS);
  const kind = <i32>(head & ((1 << VALUE_KIND_BITS) - 1));
  r += 4;
  if (key != 0) {
    const n = load<i32>(key);
    copyBytes(p, key + 4, n);
    p += n;
  } else {
    const n = load<i32>(r);
    if (n > 0) p = writeBytes(p, FIELD_1, r + 4, n);
    r += 4 + padded(n);
  }
  store<u8>(p, KEY_VALUE_VALUE);
  return writeValue(writeVarint(p + 1, valueSize(kind, r)), kind, r);
}

/**
 * Writes `count` attributes, whose words start at `r`, as repeated KeyValue fields with the
 * given tag byte. Returns where the next byte goes, or 0 when `limit` would be passed;
 * leaves `cursor` behind the last attribute.
 *
 * The loop knows the common shape by heart: an interned key, a plain value, less than 128
 * bytes together, so that every length is one byte and goes out with its tag in one store.
 * Everything else takes the general way.
 */
export function writeAttributes(p: i32, limit: i32, tag: i32, count: i32, r: i32): i32 {
  for (; count > 0; --count) {
    const head = load<u32>(r);
    const key = <i32>(head >> VALUE_KIND_BITS);
    const kind = <i32>(head & ((1 << VALUE_KIND_BITS) - 1));
    // bounds: a short attribute takes less than 2 + 128 bytes; copies overshoot by less than
    // OVERSHOOT_BYTES, which every output buffer has behind its limit.
    if (key != 0 && kind <= VALUE_TEXT && kind != VALUE_EMPTY && limit - p > 160) {
      const keyBytes = load<i32>(key);
      const word = load<i32>(r + 4);
      let n = 2;
      if (kind == VALUE_STRING_REF) n = load<i32>(word);
      else if (kind == VALUE_TEXT) n = word + 2;
      else if (kind == VALUE_INT32) n = word < 0 ? 11 : 1 + varintSize(word);
      else if (kind == VALUE_DOUBLE) n = 9;
      else if (kind == VALUE_INT64) n = 1 + varint64Size(load<u64>(r + 4, 0, 4));
      const size = keyBytes + 2 + n;
      // Unsigned, since a text may be of any length.
      if (<u32>n < 126 && size < 128) {
        store16(p, tag | (size << 8));
        copyBytes(p + 2, key + 4, keyBytes);
        p += keyBytes + 2;
        store16(p, KEY_VALUE_VALUE | (n << 8));
        p += 2;
        if (kind == VALUE_STRING_REF) {
          copyBytes(p, word + 4, n);
          r += 8;
        } else if (kind == VALUE_TEXT) {
          store16(p, STRING_VALUE | (word << 8));
          copyBytes(p + 2, textBlock + load<i32>(r + 8), word);
          r += 12;
        } else if (kind == VALUE_INT32) {
          store<u8>(p, INT_VALUE);
          if (word < 0) writeVarint64(p + 1, <i64>word);
          else writeVarint(p + 1, word);
          r += 8;
        } else if (kind == VALUE_DOUBLE) {
          store<u8>(p, DOUBLE_VALUE);
          store64(p + 1, load<u64>(r + 4, 0, 4));
          r += 12;
        } else if (kind == VALUE_INT64) {
          store<u8>(p, INT_VALUE);
          writeVarint64(p + 1, load<u64>(r + 4, 0, 4));
          r += 12;
        } else {
          store16(p, BOOL_VALUE | (kind == VALUE_TRUE ? 256 : 0));
          r += 4;
        }
        p += n;
        continue;
      }
    }
    const size = keyValueSize(r);
    // bounds: `size` plus tag and length prefix fits before `limit`.
    if (size > limit - p - 8) return 0;
    store<u8>(p, tag);
    p = writeKeyValue(writeVarint(p + 1, size), r);
    r = cursor;
  }
  cursor = r;
  return p;
}
