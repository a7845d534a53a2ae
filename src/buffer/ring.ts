import type { Engine } from '../engine/select.ts';
import {
  CONTROL_COUNT,
  CONTROL_EPOCH,
  CONTROL_HEAD,
  CONTROL_TAIL,
  OVERSHOOT_BYTES,
  RECORD_PAD,
  RING_BASE,
  SPAN_ATTRIBUTES,
  SPAN_BITS,
  SPAN_DROPPED_ATTRIBUTES,
  SPAN_DROPPED_EVENTS,
  SPAN_DROPPED_LINKS,
  SPAN_END,
  SPAN_EVENTS,
  SPAN_HEADER_BYTES,
  SPAN_KIND_SHIFT,
  SPAN_LINKS,
  SPAN_MESSAGE_BYTES,
  SPAN_NAME,
  SPAN_PARENT_ID,
  SPAN_SCOPE,
  SPAN_SIZE,
  SPAN_SPAN_ID,
  SPAN_START,
  SPAN_STATE_BYTES,
  SPAN_STATUS_SHIFT,
  SPAN_TRACE_ID,
  VALUE_ARRAY,
  VALUE_BYTES,
  VALUE_DOUBLE,
  VALUE_EMPTY,
  VALUE_FALSE,
  VALUE_INT32,
  VALUE_INT64,
  VALUE_KIND_BITS,
  VALUE_MAP,
  VALUE_STRING,
  VALUE_STRING_REF,
  VALUE_TRUE,
} from '../engine/generated/layout.ts';
import { type Group, RecordMap, type RecordValue, type SpanData } from './record.ts';
import type { Key } from './shape.ts';
import { StringTable } from './strings.ts';

/** What became of a record. */
export type Written =
  | 'written'
  /** The ring, or the table that its scope needs a place in, is full: drain and try again. */
  | 'full'
  /** Larger than the share of the ring one record may take. */
  | 'too_large';

/** One record may take this share of the ring. */
const RECORD_SHARE = 16;
/** Words a writer may put down between two looks at the limit. */
const SLACK_WORDS = 64;
/** Up to here a loop over char codes beats `encodeInto` and its view. */
const LOOP_UNITS = 32;
const OVERFLOW = -1;
const MAX_CREDIT = 48;
const MAX_REST = 65536;

/**
 * The writing side of the ring (`assembly/buffer/ring.ts`) and of its records
 * (`assembly/buffer/record.ts` draws them): ended spans become words by typed-array stores,
 * without a call into the engine. Positions and counts live in linear memory.
 */
export class Ring {
  readonly strings: StringTable;
  readonly ringBytes: number;
  /** Bytes one record may take at most. */
  readonly recordBytes: number;
  private readonly engine: Engine;
  private readonly words: Int32Array;
  private readonly bytes: Uint8Array;
  private readonly doubles = new Float64Array(1);
  private readonly doubleWords = new Int32Array(this.doubles.buffer);
  private readonly encoder = new TextEncoder();
  /** Where the head was when the string table last swapped its halves. */
  private swapHead = 0;
  /** Word index that the record being written must not pass. */
  private limit = 0;

  /** @param ringBytes a power of two; the engine's memory must reach beyond it. */
  constructor(engine: Engine, ringBytes: number) {
    this.engine = engine;
    this.ringBytes = ringBytes;
    this.recordBytes = ringBytes / RECORD_SHARE;
    this.words = new Int32Array(engine.buffer);
    this.bytes = new Uint8Array(engine.buffer);
    this.strings = new StringTable(engine.buffer);
    engine.core.initRing(ringBytes);
  }

  /** Records waiting in the ring. */
  get count(): number {
    return this.words[CONTROL_COUNT >> 2]!;
  }

  /** Bytes in use. */
  get used(): number {
    return (this.words[CONTROL_HEAD >> 2]! - this.words[CONTROL_TAIL >> 2]!) | 0;
  }

  /** Writes the record of an ended span; nothing of it is visible unless all of it is. */
  write(span: SpanData): Written {
    if (this.strings.full) this.swap();
    const start = this.claim();
    if (start < 0) return 'full';
    const { scope } = span;
    if (scope.epoch !== this.strings.epoch) {
      const problem = this.define(scope, start);
      if (problem !== undefined) return problem;
    }
    const end = this.span(span, scope, start);
    if (end < 0) return 'too_large';
    const words = this.words;
    words[(start + (SPAN_SIZE >> 2)) | 0] = (end - start) << 2;
    words[CONTROL_HEAD >> 2] = words[CONTROL_HEAD >> 2]! + ((end - start) << 2);
    words[CONTROL_COUNT >> 2]!++;
    return 'written';
  }

  /** Finds room for the largest record, in one piece; returns its word index, or -1. */
  private claim(): number {
    const words = this.words;
    const need = this.recordBytes;
    let head = words[CONTROL_HEAD >> 2]!;
    const free = this.ringBytes - ((head - words[CONTROL_TAIL >> 2]!) | 0);
    let place = head & (this.ringBytes - 1);
    if (place + need > this.ringBytes) {
      const pad = this.ringBytes - place;
      if (free < pad + need) return -1;
      words[(RING_BASE + place) >> 2] = RECORD_PAD | pad;
      head = (head + pad) | 0;
      words[CONTROL_HEAD >> 2] = head;
      place = 0;
    } else if (free < need) {
      return -1;
    }
    this.limit = ((RING_BASE + place + need) >> 2) - SLACK_WORDS;
    return (RING_BASE + place) >> 2;
  }

  /** Swaps the string table's halves when no record points into the other one any more. */
  private swap(): void {
    const words = this.words;
    if (((words[CONTROL_TAIL >> 2]! - this.swapHead) | 0) < 0) return;
    this.swapHead = words[CONTROL_HEAD >> 2]!;
    this.strings.swap();
    words[CONTROL_EPOCH >> 2] = this.strings.epoch;
  }

  /** Has the engine encode a scope and its resource into the string table. */
  private define(group: Group, at: number): Written | undefined {
    const { parent } = group;
    if (parent !== undefined && parent.epoch !== this.strings.epoch) {
      const problem = this.define(parent, at);
      if (problem !== undefined) return problem;
    }
    const words = this.words;
    let w = this.text(at, group.schemaUrl);
    if (w < 0) return 'too_large';
    words[w++] = group.attributes.shape.size;
    words[w++] = group.dropped;
    if (parent !== undefined) {
      w = this.text(w, group.name);
      if (w >= 0) w = this.text(w, group.version);
      if (w < 0) return 'too_large';
    }
    w = this.attributes(w, group.attributes.shape.keys, group.attributes.values);
    if (w < 0) return 'too_large';
    // Interning its keys may have moved the room, so it is asked for last.
    const { at: target, bytes } = this.strings.room;
    const limit = bytes - OVERSHOOT_BYTES;
    const size = this.engine.core.defineGroup(at << 2, target, limit, parent?.ref ?? 0);
    if (size < 0) {
      this.strings.full = true;
      return 'full';
    }
    this.strings.keep(size);
    group.ref = target;
    group.epoch = this.strings.epoch;
    return undefined;
  }

  private span(span: SpanData, scope: Group, start: number): number {
    const words = this.words;
    const { events, links, traceState, statusMessage } = span;
    const keys = span.shape.keys;
    words[start + (SPAN_SCOPE >> 2)] = scope.ref;
    words[start + (SPAN_BITS >> 2)] =
      span.flags | (span.kind << SPAN_KIND_SHIFT) | (span.status << SPAN_STATUS_SHIFT);
    words[start + (SPAN_TRACE_ID >> 2)] = span.traceId0;
    words[start + (SPAN_TRACE_ID >> 2) + 1] = span.traceId1;
    words[start + (SPAN_TRACE_ID >> 2) + 2] = span.traceId2;
    words[start + (SPAN_TRACE_ID >> 2) + 3] = span.traceId3;
    words[start + (SPAN_SPAN_ID >> 2)] = span.spanId0;
    words[start + (SPAN_SPAN_ID >> 2) + 1] = span.spanId1;
    words[start + (SPAN_PARENT_ID >> 2)] = span.parentId0;
    words[start + (SPAN_PARENT_ID >> 2) + 1] = span.parentId1;
    words[start + (SPAN_START >> 2)] = span.startSec;
    words[start + (SPAN_START >> 2) + 1] = span.startNano;
    words[start + (SPAN_END >> 2)] = span.endSec;
    words[start + (SPAN_END >> 2) + 1] = span.endNano;
    words[start + (SPAN_ATTRIBUTES >> 2)] = keys.length;
    words[start + (SPAN_EVENTS >> 2)] = events === null ? 0 : events.length;
    words[start + (SPAN_LINKS >> 2)] = links === null ? 0 : links.length;
    words[start + (SPAN_DROPPED_ATTRIBUTES >> 2)] = span.droppedAttributes;
    words[start + (SPAN_DROPPED_EVENTS >> 2)] = span.droppedEvents;
    words[start + (SPAN_DROPPED_LINKS >> 2)] = span.droppedLinks;
    words[start + (SPAN_STATE_BYTES >> 2)] = 0;
    words[start + (SPAN_MESSAGE_BYTES >> 2)] = 0;

    let w = start + (SPAN_HEADER_BYTES >> 2);
    if (traceState !== '') w = this.tail(w, traceState, start + (SPAN_STATE_BYTES >> 2));
    w = this.name(w, span.nameKey, span.name, start + (SPAN_NAME >> 2));
    if (w >= 0) w = this.attributes(w, keys, span.values);
    if (events !== null) {
      for (let i = 0; i < events.length && w >= 0; i++) {
        const event = events[i]!;
        const at = w;
        if (at > this.limit) return OVERFLOW;
        words[at] = event.sec;
        words[at + 1] = event.nano;
        words[at + 3] = event.shape.size;
        words[at + 4] = event.dropped;
        w = this.name(at + 5, event.shape.tree.key(event.name), event.name, at + 2);
        if (w >= 0 && event.shape.size > 0) {
          w = this.attributes(w, event.shape.keys, event.values);
        }
      }
    }
    if (links !== null) {
      for (let i = 0; i < links.length && w >= 0; i++) {
        const link = links[i]!;
        words.set(link.ids, w);
        words[w + 6] = link.flags;
        words[w + 7] = link.shape.size;
        words[w + 8] = link.dropped;
        words[w + 9] = 0;
        w = this.tail(w + 10, link.traceState, w + 9);
        if (w >= 0) w = this.attributes(w, link.shape.keys, link.values);
      }
    }
    if (statusMessage !== '' && w >= 0) {
      w = this.tail(w, statusMessage, start + (SPAN_MESSAGE_BYTES >> 2));
    }
    return w;
  }

  /** A span's or an event's name: interned when it repeats, else inline. */
  private name(w: number, key: Key, name: string, refAt: number): number {
    const words = this.words;
    const ref = this.find(key, name);
    words[refAt] = ref;
    return ref !== 0 ? w : this.text(w, name);
  }

  private attributes(w: number, keys: readonly Key[], values: readonly RecordValue[]): number {
    const words = this.words;
    const { epoch } = this.strings;
    for (let i = 0; i < keys.length; i++) {
      if (w < 0 || w > this.limit) return OVERFLOW;
      const key = keys[i]!;
      const value = values[i]!;
      if (key.epoch !== epoch && !this.internKey(key)) {
        w = this.inlineKey(w, key.name, value);
        continue;
      }
      const head = key.ref << VALUE_KIND_BITS;
      if (typeof value === 'string') {
        const ref = this.find(key, value);
        if (ref !== 0) {
          words[w] = head | VALUE_STRING_REF;
          words[w + 1] = ref;
          w += 2;
        } else {
          words[w] = head | VALUE_STRING;
          w = this.text(w + 1, value);
        }
      } else if (typeof value === 'number' && (value | 0) === value && value !== 0) {
        words[w] = head | VALUE_INT32;
        words[w + 1] = value;
        w += 2;
      } else {
        w = this.value(w, head, value);
      }
    }
    return w > this.limit ? OVERFLOW : w;
  }

  private internKey(key: Key): boolean {
    const ref = this.strings.intern(key.name);
    if (ref === 0) return false;
    key.ref = ref;
    key.epoch = this.strings.epoch;
    return true;
  }

  /** An attribute whose key found no place in the string table. */
  private inlineKey(w: number, name: string, value: RecordValue): number {
    // The kind goes into the head, which stands before the key: write the value behind the
    // key and then move its head up front.
    const afterKey = this.text(w + 1, name);
    if (afterKey < 0) return OVERFLOW;
    const saved = this.words[afterKey - 1]!;
    const end = this.value(afterKey - 1, 0, value);
    this.words[w] = this.words[afterKey - 1]!;
    this.words[afterKey - 1] = saved;
    return end;
  }

  /** A value of any kind behind its head word; returns the next word, or OVERFLOW. */
  private value(w: number, head: number, value: RecordValue): number {
    const words = this.words;
    if (w > this.limit) return OVERFLOW;
    switch (typeof value) {
      case 'string':
        words[w] = head | VALUE_STRING;
        return this.text(w + 1, value);
      case 'boolean':
        words[w] = head | (value ? VALUE_TRUE : VALUE_FALSE);
        return w + 1;
      case 'bigint': {
        const low = BigInt.asIntN(64, value);
        words[w] = head | VALUE_INT64;
        words[w + 1] = Number(BigInt.asIntN(32, low));
        words[w + 2] = Number(low >> 32n);
        return w + 3;
      }
      case 'number':
        return this.number(w, head, value);
      default:
        return this.object(w, head, value);
    }
  }

  /** Whole numbers up to 2^53 are int64; all others, -0 too, are doubles. */
  private number(w: number, head: number, value: number): number {
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

  private object(w: number, head: number, value: object | null): number {
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

  /**
   * The address of `text` if it is interned or worth it, else 0. Interning pays where values
   * repeat, so each key has credit: a hit earns, a miss costs; a key without credit has its
   * values written inline and is tried again later, after twice as many each time.
   */
  private find(key: Key, text: string): number {
    if (key.rest > 0) {
      key.rest--;
      return 0;
    }
    const { strings } = this;
    const { epoch } = strings;
    if (key.lastValue === text && key.lastEpoch === epoch) return key.lastRef;
    let ref = strings.find(text);
    if (ref !== 0) {
      if (key.credit < MAX_CREDIT) key.credit += 2;
      else key.restLength = 512;
    } else {
      if (--key.credit <= 0) {
        key.credit = 16;
        key.rest = key.restLength;
        if (key.restLength < MAX_REST) key.restLength *= 2;
        return 0;
      }
      ref = strings.add(text);
      if (ref === 0) return 0;
    }
    key.lastValue = text;
    key.lastRef = ref;
    key.lastEpoch = epoch;
    return ref;
  }

  /** Length word and UTF-8 bytes, padded to whole words. */
  private text(w: number, text: string): number {
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

  private long(w: number, text: string): number {
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

  /** Like `#text`, but the length stands in a word of its own. */
  private tail(w: number, text: string, lengthAt: number): number {
    const saved = this.words[w - 1]!;
    const end = this.text(w - 1, text);
    this.words[lengthAt] = this.words[w - 1]!;
    if (lengthAt !== w - 1) this.words[w - 1] = saved;
    return end;
  }
}
