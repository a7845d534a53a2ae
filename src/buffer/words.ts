/**
 * Values as words: what `assembly/buffer/record.ts` draws, written by typed-array stores. Who has a
 * place for words in linear memory derives from it: the ring, and the cells of metrics.
 */

import {
  VALUE_ARRAY,
  VALUE_BYTES,
  VALUE_DOUBLE,
  VALUE_EMPTY,
  VALUE_FALSE,
  VALUE_INT32,
  VALUE_INT64,
  VALUE_MAP,
  VALUE_STRING,
  VALUE_TRUE,
} from '../engine/generated/layout.ts';
import { RecordMap, type RecordValue } from './record.ts';

/** In place of the next word: what was to be written has no room. */
export const OVERFLOW = -1;
/** Words a writer may put down between two looks at the limit. */
export const SLACK_WORDS = 64;
/** Up to here a loop over char codes beats `encodeInto` and its view. */
const LOOP_UNITS = 32;

export class WordWriter {
  protected words: Int32Array;
  protected bytes: Uint8Array;
  protected readonly encoder = new TextEncoder();
  /** Word index that what is being written must not pass. */
  protected limit = 0;
  protected readonly doubles = new Float64Array(1);
  protected readonly doubleWords = new Int32Array(this.doubles.buffer);

  constructor(buffer: ArrayBuffer) {
    this.words = new Int32Array(buffer);
    this.bytes = new Uint8Array(buffer);
  }

  /** An attribute whose key found no place in the string table. */
  protected inlineKey(w: number, name: string, value: RecordValue): number {
    // The kind goes into the head, which stands before the key: write the value behind the
    // key and then move its head up front.
    const afterKey = this.inline(w + 1, name);
    if (afterKey < 0) return OVERFLOW;
    const saved = this.words[afterKey - 1]!;
    const end = this.value(afterKey - 1, 0, value);
    this.words[w] = this.words[afterKey - 1]!;
    this.words[afterKey - 1] = saved;
    return end;
  }

  /** A value of any kind behind its head word; returns the next word, or OVERFLOW. */
  protected value(w: number, head: number, value: RecordValue): number {
    const words = this.words;
    if (w > this.limit) return OVERFLOW;
    // Not a switch: `typeof` against a literal is two instructions, its value is a call.
    if (typeof value === 'string') {
      words[w] = head | VALUE_STRING;
      return this.inline(w + 1, value);
    }
    if (typeof value === 'number') return this.number(w, head, value);
    if (typeof value === 'boolean') {
      words[w] = head | (value ? VALUE_TRUE : VALUE_FALSE);
      return w + 1;
    }
    if (typeof value !== 'bigint') return this.object(w, head, value);
    const low = BigInt.asIntN(64, value);
    words[w] = head | VALUE_INT64;
    words[w + 1] = Number(BigInt.asIntN(32, low));
    words[w + 2] = Number(low >> 32n);
    return w + 3;
  }

  /** Whole numbers up to 2^53 are int64; all others, -0 too, are doubles. */
  protected number(w: number, head: number, value: number): number {
    const words = this.words;
    if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
      words[w] = head | VALUE_INT32;
      words[w + 1] = value;
      return w + 2;
    }
    if (Number.isSafeInteger(value) && value !== 0) {
      words[w] = head | VALUE_INT64;
      words[w + 1] = value | 0;
      words[w + 2] = Math.floor(value / 4294967296);
      return w + 3;
    }
    this.doubles[0] = value;
    words[w] = head | VALUE_DOUBLE;
    words[w + 1] = this.doubleWords[0]!;
    words[w + 2] = this.doubleWords[1]!;
    return w + 3;
  }

  protected object(w: number, head: number, value: object | null): number {
    const words = this.words;
    if (value === null) {
      words[w] = head | VALUE_EMPTY;
      return w + 1;
    }
    if (value instanceof Uint8Array) {
      const end = w + 2 + ((value.length + 3) >> 2);
      if (end > this.limit) return OVERFLOW;
      words[w] = head | VALUE_BYTES;
      words[w + 1] = value.length;
      this.bytes.set(value, (w + 2) << 2);
      return end;
    }
    if (value instanceof RecordMap) {
      words[w] = head | VALUE_MAP;
      words[w + 1] = value.keys.length;
      w += 2;
      for (let i = 0; i < value.keys.length && w >= 0; i++) {
        w = this.inlineKey(w, value.keys[i]!, value.values[i]!);
      }
      return w;
    }
    const elements = value as readonly RecordValue[];
    words[w] = head | VALUE_ARRAY;
    words[w + 1] = elements.length;
    w += 2;
    for (let i = 0; i < elements.length && w >= 0; i++) w = this.value(w, 0, elements[i]!);
    return w;
  }

  /** Length word and UTF-8 bytes, padded to whole words. */
  protected inline(w: number, text: string): number {
    if (text.length > LOOP_UNITS || w > this.limit) return this.long(w, text);
    const bytes = this.bytes;
    const units = text.length;
    const at = (w + 1) << 2;
    for (let i = 0; i < units; i++) {
      const code = text.charCodeAt(i);
      if (code > 127) return this.long(w, text);
      bytes[at + i] = code;
    }
    this.words[w] = units;
    return w + 1 + ((units + 3) >> 2);
  }

  protected long(w: number, text: string): number {
    if (w > this.limit) return OVERFLOW;
    const at = (w + 1) << 2;
    const { read, written } = this.encoder.encodeInto(
      text,
      this.bytes.subarray(at, this.limit << 2),
    );
    if (read < text.length) return OVERFLOW;
    this.words[w] = written;
    return w + 1 + ((written + 3) >> 2);
  }

  /** Like `inline`, but the length stands in a word of its own. */
  protected tail(w: number, text: string, lengthAt: number): number {
    if (w < 0 || text === '') {
      this.words[lengthAt] = 0;
      return w;
    }
    const saved = this.words[w - 1]!;
    const end = this.inline(w - 1, text);
    this.words[lengthAt] = this.words[w - 1]!;
    if (lengthAt !== w - 1) this.words[w - 1] = saved;
    return end;
  }
}
