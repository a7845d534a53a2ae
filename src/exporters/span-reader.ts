/**
 * Spans that another SDK has recorded, as the ring takes them. One record is filled anew for each
 * span: nothing of a span is kept, and a plain one allocates nothing but its events.
 */

import type { TraceState } from '@opentelemetry/api';
import { describe, setAttributes, textOf } from '../api/trace/attributes.ts';
import { FLAG_HAS_IS_REMOTE, FLAG_IS_REMOTE } from '../api/trace/identity.ts';
import { idsOf, wordOfDigits } from '../api/trace/ids.ts';
import {
  type EventAttributes,
  type EventData,
  Group,
  type LinkData,
  type RareSpanData,
  type RecordValue,
  type SpanData,
} from '../buffer/record.ts';
import type { Ring, Written } from '../buffer/ring.ts';
import { type Key, type Shape, unboundedTree } from '../buffer/shape.ts';
import type { GroupReader } from './group-reader.ts';
import {
  checkTime,
  countOf,
  fillFrom,
  hasMembers,
  isPolluted,
  READ_AHEAD,
  type RecordReader,
} from './read-record.ts';
import type { EventLike, LinkLike, SpanLike } from './span-like.ts';

/** Hexadecimal digits of a span: trace id, span id, its parent's span id. */
const SPAN_DIGITS = 64;
const NO_SPAN_ID = '0'.repeat(16);
const NO_IDS = '0'.repeat(SPAN_DIGITS);
/** SpanKind CONSUMER and StatusCode ERROR, the last ones there are. */
const LAST_KIND = 4;
const LAST_STATUS = 2;

/** The record that is filled. */
class ReadSpan implements SpanData {
  scope: Group;
  nameKey: Key;
  name = '';
  otlpKind = 0;
  flags = 0;
  statusCode = 0;
  traceId0 = 0;
  traceId1 = 0;
  traceId2 = 0;
  traceId3 = 0;
  spanId0 = 0;
  spanId1 = 0;
  parentId0 = 0;
  parentId1 = 0;
  startSec = 0;
  startNano = 0;
  endSec = 0;
  endNano = 0;
  shape: Shape;
  count = 0;
  values: RecordValue[] = [];
  eventCount = 0;
  firstEvent: EventData | null = null;
  rare: RareSpanData | null = null;

  constructor(scope: Group, nameKey: Key, shape: Shape) {
    this.scope = scope;
    this.nameKey = nameKey;
    this.shape = shape;
  }
}

export class SpanReader implements RecordReader<SpanLike> {
  // The SDK has bounded what it recorded; we would only cut it twice.
  private readonly spanShapes = unboundedTree();
  private readonly eventShapes = unboundedTree();
  private readonly linkShapes = unboundedTree();
  private readonly encoder = new TextEncoder();
  /** The ids of the spans that are read next, in hexadecimal. */
  private readonly digits = new Uint8Array(READ_AHEAD * SPAN_DIGITS);
  private readonly digitWords = new Int32Array(this.digits.buffer);
  /** Whether somebody has given all objects a member that shows in `for … in`. */
  private polluted = false;
  private readonly span: ReadSpan;
  private readonly ring: Ring;
  private readonly groups: GroupReader;

  /** @param ring that records go to. */
  constructor(ring: Ring, groups: GroupReader) {
    this.ring = ring;
    this.groups = groups;
    const nameKey = this.spanShapes.key('');
    const nowhere = new Group(describe(undefined));
    this.span = new ReadSpan(nowhere, nameKey, this.spanShapes.first(nameKey));
  }

  /**
   * To be called before spans `from` to `from + READ_AHEAD - 1` are read: their ids are converted in
   * one go, which takes half the time of asking for digit after digit (measured).
   */
  prepare(spans: readonly SpanLike[], from: number): void {
    this.polluted = isPolluted();
    const end = Math.min(from + READ_AHEAD, spans.length);
    let digits = '';
    for (let at = from; at < end; at++) digits += digitsOf(spans, at);
    const { written } = this.encoder.encodeInto(digits, this.digits);
    if (written !== digits.length) this.convertEach(digits);
  }

  /** Some id is not even ASCII: those of its span are none. */
  private convertEach(digits: string): void {
    for (let at = 0; at < digits.length; at += SPAN_DIGITS) {
      const room = this.digits.subarray(at, at + SPAN_DIGITS);
      const { read, written } = this.encoder.encodeInto(digits.slice(at, at + SPAN_DIGITS), room);
      if (read !== written || read !== SPAN_DIGITS) this.encoder.encodeInto(NO_IDS, room);
    }
  }

  /** To be called after a batch: nothing of its spans is kept. */
  release(): void {
    const { span } = this;
    span.values = [];
    span.firstEvent = null;
    span.rare = null;
    this.groups.release();
  }

  read(from: SpanLike, place: number): void {
    const to = this.span;
    to.scope = this.groups.scopeOf(from.resource, from.instrumentationScope);
    to.rare = null;
    this.readContexts(from, to, place);
    const { startTime, endTime, status, kind } = from;
    checkTime(startTime);
    checkTime(endTime);
    to.otlpKind = isOneOf(kind, LAST_KIND) ? kind + 1 : 0;
    to.startSec = startTime[0];
    to.startNano = startTime[1];
    to.endSec = endTime[0];
    to.endNano = endTime[1];
    to.statusCode = isOneOf(status.code, LAST_STATUS) ? status.code : 0;
    if (status.message) rareOf(to).statusMessage = textOf(status.message);

    const name = textOf(from.name);
    const nameKey = this.spanShapes.key(name);
    to.name = name;
    to.nameKey = nameKey;
    to.shape = nameKey.shape ?? this.spanShapes.first(nameKey);
    to.count = 0;
    const dropped = fillFrom(to, from.attributes, this.polluted);
    nameKey.shape = to.shape;

    const { events, links } = from;
    const droppedAttributes = dropped + countOf(from.droppedAttributesCount);
    const droppedEvents = countOf(from.droppedEventsCount);
    const droppedLinks = countOf(from.droppedLinksCount);
    this.readEvents(events, to);
    if (links.length > 0) rareOf(to).links = links.map((link) => this.link(link));
    if (droppedAttributes > 0) rareOf(to).droppedAttributes = droppedAttributes;
    if (droppedEvents > 0) rareOf(to).droppedEvents = droppedEvents;
    if (droppedLinks > 0) rareOf(to).droppedLinks = droppedLinks;
  }

  write(): Written {
    return this.ring.write(this.span);
  }

  private readContexts(from: SpanLike, to: ReadSpan, place: number): void {
    const { traceId, spanId, traceFlags, traceState } = from.spanContext();
    if (typeof traceId !== 'string' || typeof spanId !== 'string') {
      throw new TypeError('its spanContext() has no ids');
    }
    const remote = from.parentSpanContext?.isRemote === true ? FLAG_IS_REMOTE : 0;
    to.flags = (traceFlags & 0xff) | FLAG_HAS_IS_REMOTE | remote;
    const { digitWords } = this;
    const at = place * (SPAN_DIGITS >> 2);
    to.traceId0 = wordOfDigits(digitWords[at]!, digitWords[at + 1]!);
    to.traceId1 = wordOfDigits(digitWords[at + 2]!, digitWords[at + 3]!);
    to.traceId2 = wordOfDigits(digitWords[at + 4]!, digitWords[at + 5]!);
    to.traceId3 = wordOfDigits(digitWords[at + 6]!, digitWords[at + 7]!);
    to.spanId0 = wordOfDigits(digitWords[at + 8]!, digitWords[at + 9]!);
    to.spanId1 = wordOfDigits(digitWords[at + 10]!, digitWords[at + 11]!);
    to.parentId0 = wordOfDigits(digitWords[at + 12]!, digitWords[at + 13]!);
    to.parentId1 = wordOfDigits(digitWords[at + 14]!, digitWords[at + 15]!);
    if (traceState !== undefined) {
      const text = stateText(traceState);
      if (text !== '') rareOf(to).traceState = text;
    }
  }

  private readEvents(events: readonly EventLike[], to: ReadSpan): void {
    to.eventCount = events.length;
    let next: EventData | null = null;
    for (let i = events.length - 1; i >= 0; i--) next = this.event(events[i]!, to.nameKey, next);
    to.firstEvent = next;
  }

  private event(event: EventLike, nameKey: Key, next: EventData | null): EventData {
    const { eventShapes } = this;
    const { time, attributes: given } = event;
    const dropped = countOf(event.droppedAttributesCount);
    checkTime(time);
    // Spans of a name tend to have the same events.
    const { name } = event;
    let key = nameKey.event;
    if (key === undefined || key.name !== name) {
      key = eventShapes.key(textOf(name));
      nameKey.event = key;
    }
    let attributes: EventAttributes | null = null;
    if (dropped > 0 || hasMembers(given)) {
      const shape = key.shape ?? eventShapes.first(key);
      attributes = { shape, count: 0, values: [], dropped };
      attributes.dropped += fillFrom(attributes, given, this.polluted);
      key.shape = attributes.shape;
    }
    return { key, sec: time[0], nano: time[1], attributes, next };
  }

  private link(link: LinkLike): LinkData {
    const { linkShapes } = this;
    const { traceId, spanId, traceFlags, traceState, isRemote } = link.context;
    const data: LinkData = {
      shape: linkShapes.first(linkShapes.key('')),
      count: 0,
      values: [],
      ids: idsOf(traceId, spanId),
      flags: (traceFlags & 0xff) | FLAG_HAS_IS_REMOTE | (isRemote === true ? FLAG_IS_REMOTE : 0),
      traceState: traceState === undefined ? '' : stateText(traceState),
      traceStateObject: traceState,
      dropped: countOf(link.droppedAttributesCount),
    };
    data.dropped += setAttributes(data, link.attributes);
    return data;
  }
}

/** Ids that are none are zeros. */
function digitsOf(spans: readonly SpanLike[], at: number): string {
  try {
    const span = spans[at]!;
    const { traceId, spanId } = span.spanContext();
    const parentId = span.parentSpanContext?.spanId;
    if (!isText(traceId, 32) || !isText(spanId, 16)) return NO_IDS;
    return traceId + spanId + (isText(parentId, 16) ? parentId : NO_SPAN_ID);
  } catch {
    // `read` will meet the same.
    return NO_IDS;
  }
}

function isText(value: unknown, length: number): value is string {
  return typeof value === 'string' && value.length === length;
}

function isOneOf(value: unknown, last: number): value is number {
  return typeof value === 'number' && value >= 0 && value <= last && Number.isInteger(value);
}

function rareOf(span: ReadSpan): RareSpanData {
  span.rare ??= {
    statusMessage: '',
    traceState: '',
    links: [],
    droppedAttributes: 0,
    droppedEvents: 0,
    droppedLinks: 0,
  };
  return span.rare;
}

function stateText(state: TraceState): string {
  return textOf(state.serialize());
}
