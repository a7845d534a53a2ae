/** Encoded attributes read back: repeated fields of KeyValue (opentelemetry/proto/common/v1). */

import type { Attributes } from '@opentelemetry/api';

const VARINT = 0;
const FIXED64 = 1;
const KEY = 1;
const VALUE = 2;

/** What a KeyValue or an AnyValue holds. */
type Value = string | number | boolean | bigint | undefined | Uint8Array | Value[] | Values;
interface Values {
  [key: string]: Value;
}

class Reader {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly utf8 = new TextDecoder();
  private at = 0;
  /** Number and wire type of the field at hand. */
  private field = 0;
  private wire = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  private varint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.bytes[this.at++]!;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asIntN(64, value);
    }
  }

  /** The end of a field that has a length. */
  private stretch(): number {
    const length = Number(this.varint());
    return this.at + length;
  }

  private next(end: number): boolean {
    if (this.at >= end) return false;
    const tag = Number(this.varint());
    this.field = tag >> 3;
    this.wire = tag & 7;
    return true;
  }

  private text(): string {
    const end = this.stretch();
    const text = this.utf8.decode(this.bytes.subarray(this.at, end));
    this.at = end;
    return text;
  }

  /** All KeyValues up to `end`, whatever the number of their field. */
  keyValues(end: number): Values {
    const values: Values = {};
    while (this.next(end)) {
      const inside = this.stretch();
      let key = '';
      let value: Value;
      while (this.next(inside)) {
        if (this.field === KEY) key = this.text();
        else if (this.field === VALUE) value = this.value(this.stretch());
      }
      // A key of that name would be the prototype otherwise.
      if (key === '__proto__') Object.defineProperty(values, key, { value, enumerable: true });
      else values[key] = value;
    }
    return values;
  }

  private value(end: number): Value {
    let value: Value;
    while (this.next(end)) {
      const { field, wire } = this;
      if (wire === VARINT) {
        const int = this.varint();
        const number = Number(int);
        value = field === 2 ? int !== 0n : Number.isSafeInteger(number) ? number : int;
      } else if (wire === FIXED64) {
        value = this.view.getFloat64(this.at, true);
        this.at += 8;
      } else if (field === 1) {
        value = this.text();
      } else {
        const inside = this.stretch();
        if (field === 6) value = this.keyValues(inside);
        else if (field === 5) value = this.elements(inside);
        else value = this.bytes.slice(this.at, inside);
        this.at = inside;
      }
    }
    return value;
  }

  private elements(end: number): Value[] {
    const elements: Value[] = [];
    while (this.next(end)) elements.push(this.value(this.stretch()));
    return elements;
  }
}

/** Of bytes that an engine wrote. Whole numbers that a double has not are bigints. */
export function readAttributes(bytes: Uint8Array): Attributes {
  return new Reader(bytes).keyValues(bytes.length) as Attributes;
}
