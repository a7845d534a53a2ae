import {
  CONTROL_EPOCH,
  GROUP_PARENT,
  LOG_ATTRIBUTES,
  LOG_BITS,
  LOG_BODY,
  LOG_DROPPED_ATTRIBUTES,
  LOG_EVENT_NAME,
  LOG_HEADER_BYTES,
  LOG_OBSERVED,
  LOG_RING,
  LOG_SEVERITY_SHIFT,
  LOG_SEVERITY_TEXT,
  LOG_SPAN_ID,
  LOG_TEXT,
  LOG_TIME,
  LOG_TRACE_ID,
  OVERSHOOT_BYTES,
  RECORD_PAD,
  RECORD_SCOPE,
  RECORD_SIZE,
  RING_BASE,
  RING_COUNT,
  RING_HEAD,
  RING_TAIL,
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
  SPAN_RING,
  SPAN_SPAN_ID,
  SPAN_START,
  SPAN_STATE_BYTES,
  SPAN_STATUS_SHIFT,
  SPAN_TEXT,
  SPAN_TRACE_ID,
  STRINGS_HALF_BYTES,
  VALUE_DOUBLE,
  VALUE_FALSE,
  VALUE_INT32,
  VALUE_KIND_BITS,
  VALUE_STRING_REF,
  VALUE_TEXT,
  VALUE_TRUE,
} from '../engine/generated/layout.ts';
import type { Engine } from '../engine/select.ts';
import type { Attributes, EventData, Group, LogData, RareSpanData, SpanData } from './record.ts';
import type { Key, Shape } from './shape.ts';
import { StringTable } from './strings.ts';
import { OVERFLOW, SLACK_WORDS, WordWriter } from './words.ts';

/** What became of a record. */
export type Written =
  | 'written'
  /** The ring, or the table that its scope needs a place in, is full: drain and try again. */
  | 'full'
  /** Larger than the share of the ring one record may take. */
  | 'too_large';

export interface RingPlace {
  /** Address of the ring in the engine's memory. */
  readonly at?: number;
  /** A ring of the same engine, whose string table it shares. */
  readonly beside?: Ring;
  /** Whether it is that of log records. Default: the one beside another is. */
  readonly logs?: boolean;
}

/** One record may take this share of a ring that others wait in. */
const RECORD_SHARE = 16;
/** Records whose texts are gathered before they are converted in one go. */
const GATHER_RECORDS = 32;
/** Texts gathered at most, and their UTF-16 units. */
const GATHER_TEXTS = 512;
const GATHER_UNITS = 12288;
/** Longer strings are converted on their own. */
const MAX_TEXT_UNITS = 1024;
/** Room kept behind a record for the text block: three bytes a unit at worst. */
const TEXT_ROOM_BYTES = (GATHER_UNITS + MAX_TEXT_UNITS) * 3 + 64;
const MAX_CREDIT = 48;
const MAX_REST = 65536;

/**
 * The writing side of the ring (`assembly/buffer/ring.ts`) and of its records
 * (`assembly/buffer/record.ts` draws them): ended spans become words by typed-array stores,
 * without a call into the engine. Positions and counts live in linear memory.
 */
export class Ring extends WordWriter {
  readonly strings: StringTable;
  /** Those that share it. */
  private readonly rings: Ring[];
  readonly ringBytes: number;
  /** Bytes one record may take at most. */
  readonly recordBytes: number;
  private readonly engine: Engine;
  /** What the engine calls it: the address of its control words. */
  readonly control: number;
  /** Word indexes of the head, the tail and the count among those. */
  private readonly head: number;
  private readonly tailAt: number;
  private readonly counted: number;
  /** Which word of a record has the address of its text block. */
  private readonly textWord: number;
  /** Where the head was when the string table last swapped its halves. */
  private swapHead = 0;
  /** Whether the ring may still hold records from before that, which point into the other half. */
  private holdsOlder = false;
  /** Word index of the ring's begin. */
  private readonly base: number;
  /** Word indexes: the first record not committed yet, and where the next one goes. */
  private first: number;
  private next: number;
  /** Records written and not committed yet. */
  uncommitted = 0;
  /** Up to this word index a record may begin without another look at the room there is. */
  private roomy = 0;
  /** The texts gathered for the uncommitted records, one after the other. */
  private text = '';
  /** Where each text's length word is, and its first unit in `text`. */
  private readonly marks = new Int32Array(2 * GATHER_TEXTS);
  private markCount = 0;
  /** Zero while a group is defined: its strings are read before a text block exists. */
  private maxTextUnits = MAX_TEXT_UNITS;
  /** The body of a log record goes as an attribute does. */
  private body: Attributes | undefined;

  /**
   * @param ringBytes a power of two; the engine's memory must reach beyond it.
   * @param recordBytes the largest record, at most half of the ring.
   */
  constructor(
    engine: Engine,
    ringBytes: number,
    recordBytes = ringBytes / RECORD_SHARE,
    { at = RING_BASE, beside, logs = beside !== undefined }: RingPlace = {},
  ) {
    super(engine.buffer);
    this.base = at >> 2;
    this.first = this.base;
    this.next = this.base;
    this.engine = engine;
    this.ringBytes = ringBytes;
    this.recordBytes = recordBytes;
    this.control = logs ? LOG_RING : SPAN_RING;
    this.head = (this.control + RING_HEAD) >> 2;
    this.tailAt = (this.control + RING_TAIL) >> 2;
    this.counted = (this.control + RING_COUNT) >> 2;
    this.textWord = (logs ? LOG_TEXT : SPAN_TEXT) >> 2;
    this.strings = beside?.strings ?? new StringTable(engine.buffer);
    this.rings = beside?.rings ?? [];
    this.rings.push(this);
    engine.core.initRing(this.control, at, ringBytes);
  }

  /** Records waiting in the ring. */
  get count(): number {
    return this.words[this.counted]! + this.uncommitted;
  }

  /** Bytes in use. */
  get used(): number {
    const committed = this.words[this.head]! - this.words[this.tailAt]!;
    return (committed | 0) + ((this.next - this.first) << 2);
  }

  /**
   * Writes the record of an ended span; nothing of it is visible unless all of it is. It can
   * be drained once it is committed.
   */
  write(span: SpanData): Written {
    const problem = this.prepare(span.scope);
    if (problem !== undefined) return problem;
    const { text, markCount, next } = this;
    return this.keep(this.span(span, span.scope, next), text, markCount);
  }

  /** The same for a log record. */
  writeLog(log: LogData): Written {
    const problem = this.prepare(log.scope);
    if (problem !== undefined) return problem;
    const { text, markCount, next } = this;
    return this.keep(this.log(log, next), text, markCount);
  }

  /** Finds a place for a record of `scope`, at `next`. */
  private prepare(scope: Group): Written | undefined {
    if (this.strings.full) this.swap();
    if (!this.claim()) return 'full';
    return scope.epoch === this.strings.epoch ? undefined : this.define(scope, this.next);
  }

  /** Keeps the record that was written at `next` up to `end`, or takes back what it has gathered. */
  private keep(end: number, text: string, markCount: number): Written {
    if (end < 0) {
      this.text = text;
      this.markCount = markCount;
      return 'too_large';
    }
    this.words[(this.next + (RECORD_SIZE >> 2)) | 0] = (end - this.next) << 2;
    this.next = end;
    if (
      ++this.uncommitted === GATHER_RECORDS ||
      this.markCount >= GATHER_TEXTS ||
      this.text.length >= GATHER_UNITS
    ) {
      this.commit();
    }
    return 'written';
  }

  /** Makes every record written so far visible to whoever drains the ring. */
  commit(): void {
    const { words, first, text, textWord, uncommitted } = this;
    if (uncommitted === 0) return;
    let end = this.next;
    if (text !== '') {
      const at = (end + 1) << 2;
      const room = this.bytes.subarray(at, at + text.length * 3);
      let { written } = this.encoder.encodeInto(text, room);
      // As many bytes as units: all ASCII, and every text is where it was expected.
      if (written !== text.length) written = this.convertEach(at);
      for (let r = first; r < end; r += words[r]! >> 2) words[r + textWord] = at;
      const size = 4 + ((written + 3) & ~3);
      words[end] = RECORD_PAD | size;
      end += size >> 2;
      this.text = '';
      this.markCount = 0;
    }
    words[this.head] = words[this.head]! + ((end - first) << 2);
    words[this.counted] = words[this.counted]! + uncommitted;
    this.uncommitted = 0;
    this.first = end;
    this.next = end;
  }

  /** Some text is not ASCII: converts one by one and corrects lengths and offsets. */
  private convertEach(at: number): number {
    const { words, bytes, text, marks, markCount } = this;
    let offset = 0;
    for (let i = 0; i < markCount; i++) {
      const word = marks[2 * i]!;
      const start = marks[2 * i + 1]!;
      const end = i + 1 < markCount ? marks[2 * i + 3]! : text.length;
      const room = bytes.subarray(at + offset, at + offset + (end - start) * 3);
      const { written } = this.encoder.encodeInto(text.slice(start, end), room);
      words[word] = written;
      words[word + 1] = offset;
      offset += written;
    }
    return offset;
  }

  /**
   * An empty ring starts over at its beginning: batch after batch then goes through the same
   * memory, which stays in the processor's cache (measured: a fifth of the time to record).
   */
  private rewind(): void {
    const { words } = this;
    // Between tail and head there may be the texts of the last records still.
    if (words[this.counted] !== 0) return;
    const head = words[this.head]!;
    const past = head & (this.ringBytes - 1);
    if (past === 0) return;
    words[this.head] = head + this.ringBytes - past;
    words[this.tailAt] = head + this.ringBytes - past;
    this.first = this.base;
    this.next = this.base;
    this.roomy = 0;
    this.holdsOlder = false;
  }

  /** Finds room for the largest record and the texts behind it, in one piece. */
  private claim(): boolean {
    if (this.uncommitted === 0) this.rewind();
    if (this.next > this.roomy && !this.findRoom()) return false;
    this.limit = this.next + (this.recordBytes >> 2) - SLACK_WORDS;
    return true;
  }

  /** Looks how much room there is; draining can only make it more. */
  private findRoom(): boolean {
    const { words } = this;
    const need = this.recordBytes + TEXT_ROOM_BYTES;
    const place = (this.next - this.base) << 2;
    if (place + need <= this.ringBytes) {
      if (this.ringBytes - this.used < need) return false;
    } else {
      this.commit();
      this.lookBack();
      const from = (this.next - this.base) << 2;
      const pad = this.ringBytes - from;
      if (this.ringBytes - this.used < pad + need) return false;
      // The text block may have ended exactly at the end of the ring.
      if (pad > 0) {
        words[this.next] = RECORD_PAD | pad;
        words[this.head] = words[this.head]! + pad;
      }
      this.first = this.base;
      this.next = this.base;
    }
    const from = (this.next - this.base) << 2;
    const free = Math.min(this.ringBytes - from, this.ringBytes - this.used);
    this.roomy = this.next + ((free - need) >> 2);
    return true;
  }

  /**
   * Finds out whether the records from before the last swap are drained. Positions are compared
   * modulo 2^32, so this is asked on every lap, not only when the table is full again.
   */
  private lookBack(): void {
    if (((this.words[this.tailAt]! - this.swapHead) | 0) >= 0) this.holdsOlder = false;
  }

  /** Swaps the string table's halves when no record points into the other one any more. */
  private swap(): void {
    const { rings, strings } = this;
    for (const ring of rings) {
      ring.commit();
      ring.lookBack();
    }
    if (rings.some((ring) => ring.holdsOlder)) return;
    for (const ring of rings) {
      ring.holdsOlder = true;
      ring.swapHead = ring.words[ring.head]!;
    }
    strings.swap();
    this.words[CONTROL_EPOCH >> 2] = strings.epoch;
  }

  /**
   * Gives a resource other contents, for the records that wait here too: it is defined anew, and
   * every scope of it in either half of the table is made to point there. `full`: there is no
   * place for it now, `too_large`: nor will there be; either way all is as it was.
   */
  redescribe(resource: Group, attributes: Attributes, schemaUrl: string): Written {
    const before = { ...resource };
    resource.attributes = attributes;
    resource.schemaUrl = schemaUrl;
    if (this.strings.full) this.swap();
    const problem = this.claim() ? this.define(resource, this.next) : 'full';
    if (problem !== undefined) {
      Object.assign(resource, before);
      return problem;
    }
    for (const { parent, ref } of this.strings.placedScopes) {
      if (parent === resource) this.words[(ref + GROUP_PARENT) >> 2] = resource.ref;
    }
    return 'written';
  }

  /** Has the engine encode a scope and its resource into the string table. */
  private define(group: Group, at: number): Written | undefined {
    const { parent } = group;
    if (parent !== undefined && parent.epoch !== this.strings.epoch) {
      const problem = this.define(parent, at);
      if (problem !== undefined) return problem;
    }
    const words = this.words;
    let w = this.inline(at, group.schemaUrl);
    if (w < 0) return 'too_large';
    words[w++] = group.attributes.count;
    words[w++] = group.dropped;
    if (parent !== undefined) {
      w = this.inline(w, group.name);
      if (w >= 0) w = this.inline(w, group.version);
      if (w < 0) return 'too_large';
    }
    this.maxTextUnits = 0;
    w = this.attributes(w, group.attributes);
    this.maxTextUnits = MAX_TEXT_UNITS;
    if (w < 0) return 'too_large';
    // Interning its keys may have moved the room, so it is asked for last.
    const { at: target, bytes } = this.strings.room;
    const limit = bytes - OVERSHOOT_BYTES;
    const size = this.engine.core.defineGroup(at << 2, target, limit, parent?.ref ?? 0);
    if (size < 0) {
      // Larger than half a half: refused, since waiting for a fresh one might not help.
      if (bytes >= STRINGS_HALF_BYTES / 2) return 'too_large';
      this.strings.full = true;
      return 'full';
    }
    this.strings.keep(size);
    group.ref = target;
    group.epoch = this.strings.epoch;
    if (parent !== undefined) this.strings.scopes.push({ parent, ref: target });
    return undefined;
  }

  private span(span: SpanData, scope: Group, start: number): number {
    const { words } = this;
    const { firstEvent, rare } = span;
    words[start + (RECORD_SCOPE >> 2)] = scope.ref;
    words[start + (SPAN_BITS >> 2)] =
      span.flags | (span.otlpKind << SPAN_KIND_SHIFT) | (span.statusCode << SPAN_STATUS_SHIFT);
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
    words[start + (SPAN_ATTRIBUTES >> 2)] = span.count;
    words[start + (SPAN_EVENTS >> 2)] = span.eventCount;
    words[start + (SPAN_LINKS >> 2)] = 0;
    words[start + (SPAN_DROPPED_ATTRIBUTES >> 2)] = 0;
    words[start + (SPAN_DROPPED_EVENTS >> 2)] = 0;
    words[start + (SPAN_DROPPED_LINKS >> 2)] = 0;
    words[start + (SPAN_STATE_BYTES >> 2)] = 0;
    words[start + (SPAN_MESSAGE_BYTES >> 2)] = 0;

    let w = start + (SPAN_HEADER_BYTES >> 2);
    if (rare !== null) {
      w = this.rareHead(rare, w, start);
      if (w < 0) return OVERFLOW;
    }
    w = this.name(w, span.nameKey, span.name, start + (SPAN_NAME >> 2));
    if (span.count > 0 && w >= 0) w = this.attributes(w, span);
    if (firstEvent !== null && w >= 0) w = this.events(w, firstEvent);
    if (rare !== null && w >= 0) w = this.rareTail(rare, w, start);
    return w;
  }

  private log(log: LogData, start: number): number {
    const { words } = this;
    words[start + (RECORD_SCOPE >> 2)] = log.scope.ref;
    words[start + (LOG_BITS >> 2)] = log.flags | (log.severityNumber << LOG_SEVERITY_SHIFT);
    words[start + (LOG_TRACE_ID >> 2)] = log.traceId0;
    words[start + (LOG_TRACE_ID >> 2) + 1] = log.traceId1;
    words[start + (LOG_TRACE_ID >> 2) + 2] = log.traceId2;
    words[start + (LOG_TRACE_ID >> 2) + 3] = log.traceId3;
    words[start + (LOG_SPAN_ID >> 2)] = log.spanId0;
    words[start + (LOG_SPAN_ID >> 2) + 1] = log.spanId1;
    words[start + (LOG_TIME >> 2)] = log.timeSec;
    words[start + (LOG_TIME >> 2) + 1] = log.timeNano;
    words[start + (LOG_OBSERVED >> 2)] = log.observedSec;
    words[start + (LOG_OBSERVED >> 2) + 1] = log.observedNano;
    words[start + (LOG_ATTRIBUTES >> 2)] = log.count;
    words[start + (LOG_DROPPED_ATTRIBUTES >> 2)] = log.dropped;
    const { severityKey, eventKey, body } = log;
    let w = start + (LOG_HEADER_BYTES >> 2);
    w = this.name(w, severityKey, log.severityText, start + (LOG_SEVERITY_TEXT >> 2));
    if (w >= 0) w = this.name(w, eventKey, log.eventName, start + (LOG_EVENT_NAME >> 2));
    words[start + (LOG_BODY >> 2)] = body === undefined ? 0 : 1;
    if (body !== undefined && w >= 0) {
      this.body ??= { shape: log.bodyShape, count: 1, values: [] };
      this.body.shape = log.bodyShape;
      this.body.values[0] = body;
      w = this.attributes(w, this.body);
    }
    return log.count > 0 && w >= 0 ? this.attributes(w, log) : w;
  }

  private rareHead(rare: RareSpanData, w: number, start: number): number {
    const { words } = this;
    words[start + (SPAN_LINKS >> 2)] = rare.links.length;
    words[start + (SPAN_DROPPED_ATTRIBUTES >> 2)] = rare.droppedAttributes;
    words[start + (SPAN_DROPPED_EVENTS >> 2)] = rare.droppedEvents;
    words[start + (SPAN_DROPPED_LINKS >> 2)] = rare.droppedLinks;
    return this.tail(w, rare.traceState, start + (SPAN_STATE_BYTES >> 2));
  }

  private rareTail(rare: RareSpanData, w: number, start: number): number {
    const { words } = this;
    for (const link of rare.links) {
      if (w > this.limit) return OVERFLOW;
      words.set(link.ids, w);
      words[w + 6] = link.flags;
      words[w + 7] = link.count;
      words[w + 8] = link.dropped;
      w = this.tail(w + 10, link.traceState, w + 9);
      if (w >= 0) w = this.attributes(w, link);
      if (w < 0) return OVERFLOW;
    }
    return this.tail(w, rare.statusMessage, start + (SPAN_MESSAGE_BYTES >> 2));
  }

  private events(w: number, first: EventData): number {
    const { words } = this;
    for (let event: EventData | null = first; event !== null; event = event.next) {
      if (w > this.limit) return OVERFLOW;
      const at = w;
      words[at] = event.sec;
      words[at + 1] = event.nano;
      const { key, attributes } = event;
      words[at + 3] = attributes === null ? 0 : attributes.count;
      words[at + 4] = attributes === null ? 0 : attributes.dropped;
      w = this.name(at + 5, key, key.name, at + 2);
      if (attributes !== null && w >= 0) w = this.attributes(w, attributes);
      if (w < 0) return OVERFLOW;
    }
    return w;
  }

  /** A span's or an event's name: interned when it repeats, else inline. */
  private name(w: number, key: Key, name: string, refAt: number): number {
    const words = this.words;
    let ref = 0;
    if (key.rest > 0) key.rest--;
    else if (key.lastEpoch === this.strings.epoch && key.lastValue === name) ref = key.lastRef;
    else ref = this.find(key, name);
    words[refAt] = ref;
    return ref !== 0 ? w : this.inline(w, name);
  }

  private attributes(w: number, attributes: Attributes): number {
    const { words, limit, marks, maxTextUnits, doubles, doubleWords } = this;
    const { shape, count, values } = attributes;
    const { epoch } = this.strings;
    if (shape.epoch !== epoch) this.internKeys(shape);
    const { keys, heads } = shape;
    // Texts are gathered in locals: one store to the ring's own when all attributes are through.
    let { text, markCount } = this;
    for (let i = 0; i < count; i++) {
      if (w < 0 || w > limit) return OVERFLOW;
      const head = heads[i]!;
      const value = values[i]!;
      if (typeof value === 'string' && head !== 0) {
        const key = keys[i]!;
        // As in `name`: the two answers that need no call, written out where they are hot.
        let ref = 0;
        if (key.rest > 0) key.rest--;
        else if (key.lastEpoch === epoch && key.lastValue === value) ref = key.lastRef;
        else ref = this.find(key, value);
        const units = value.length;
        if (ref !== 0) {
          words[w] = head | VALUE_STRING_REF;
          words[w + 1] = ref;
          w += 2;
        } else if (
          units > 0 &&
          units <= maxTextUnits &&
          markCount < GATHER_TEXTS &&
          text.length <= GATHER_UNITS
        ) {
          words[w] = head | VALUE_TEXT;
          words[w + 1] = units;
          words[w + 2] = text.length;
          marks[2 * markCount] = w + 1;
          marks[2 * markCount + 1] = text.length;
          markCount++;
          text += value;
          w += 3;
        } else {
          w = this.value(w, head, value);
        }
      } else if (typeof value === 'number' && head !== 0) {
        // As `number` has it, but for what has no 32 bits and no fraction either.
        if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
          words[w] = head | VALUE_INT32;
          words[w + 1] = value;
          w += 2;
        } else if (!Number.isInteger(value)) {
          doubles[0] = value;
          words[w] = head | VALUE_DOUBLE;
          words[w + 1] = doubleWords[0]!;
          words[w + 2] = doubleWords[1]!;
          w += 3;
        } else {
          w = this.number(w, head, value);
        }
      } else if (typeof value === 'boolean' && head !== 0) {
        words[w++] = head | (value ? VALUE_TRUE : VALUE_FALSE);
      } else if (head !== 0) {
        w = this.value(w, head, value);
      } else {
        w = this.inlineKey(w, keys[i]!.name, value);
      }
    }
    this.text = text;
    this.markCount = markCount;
    return w > limit ? OVERFLOW : w;
  }

  /** Interns the keys of a shape; one that finds no place gets head 0 and is written inline. */
  private internKeys(shape: Shape): void {
    const { strings } = this;
    shape.heads = shape.keys.map(({ name }) => strings.intern(name) << VALUE_KIND_BITS);
    // Tried again in the next epoch only: records with inline keys are right, just larger.
    shape.epoch = strings.epoch;
  }

  /**
   * The address of `text` if it is interned or worth it, else 0. Interning pays where values
   * repeat, so each key has credit: a hit earns, a miss costs; a key without credit has its
   * values written inline and is tried again later, after twice as many each time.
   */
  private find(key: Key, text: string): number {
    const { strings } = this;
    const { epoch } = strings;
    let ref = strings.refs.get(text) ?? 0;
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
}
