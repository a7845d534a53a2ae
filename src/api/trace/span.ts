import type {
  Attributes as ApiAttributes,
  AttributeValue,
  Exception,
  HrTime,
  Link,
  Span,
  SpanContext,
  SpanKind,
  SpanStatus,
  TimeInput,
  TraceState,
} from '@opentelemetry/api';
import type {
  EventAttributes,
  EventData,
  Group,
  LinkData,
  RareSpanData,
  RecordValue,
  SpanData,
} from '../../buffer/record.ts';
import type { Key, Shape, ShapeTree } from '../../buffer/shape.ts';
import { setAttributes, setGuessed, textOf } from './attributes.ts';
import type { Anchor, Clock } from './clock.ts';
import { exceptionAttributes } from './exception.ts';
import {
  FLAG_HAS_IS_REMOTE,
  FLAG_IS_REMOTE,
  FLAG_PARENT_SAMPLED,
  FLAG_SAMPLED,
  SpanIdentity,
} from './identity.ts';
import { hexOfWord, idsOf, traceIdHex } from './ids.ts';
import type { SpanProcessors } from './processors.ts';
import {
  type InstrumentationScope,
  type ReadableResource,
  type ReadableSpan,
  type RecordedLink,
  readAttributes,
  readEvents,
  readLinks,
  readResource,
  readScope,
  type TimedEvent,
} from './readable.ts';
import { say } from './say.ts';

/** Bounds on what one span holds (specification, "Span Limits"). */
export interface SpanLimits {
  readonly events: number;
  readonly links: number;
}

/** What all spans of one telemetry share. */
export interface TraceShared {
  readonly clock: Clock;
  /** Attribute keys, with their bounds, of spans, their events and their links. */
  readonly spanShapes: ShapeTree;
  readonly eventShapes: ShapeTree;
  readonly linkShapes: ShapeTree;
  readonly limits: SpanLimits;
  /** Null with none: most programs have none, and a span then looks at this once. */
  readonly processors: SpanProcessors | null;
  /** Where ended spans go. Its `end` never throws. */
  readonly sink: { end(span: SpanData): void };
  /** Calls on spans that had ended, which do nothing. */
  readonly late: { calls: number };
}

const STATUS_OK = 1;
const STATUS_ERROR = 2;

/** A span that records: what `startSpan` returns when the sampler says so. */
export class RecordingSpan extends SpanIdentity implements Span, SpanData, ReadableSpan {
  readonly shared: TraceShared;
  readonly scope: Group;
  readonly nameKey: Key;
  readonly anchor: Anchor;
  name: string;
  otlpKind = 1;
  statusCode = 0;
  ended = false;
  parentId0 = 0;
  parentId1 = 0;
  startSec = 0;
  startNano = 0;
  endSec = 0;
  endNano = 0;
  shape: Shape;
  count = 0;
  values: RecordValue[];
  eventCount = 0;
  firstEvent: EventData | null = null;
  private lastEvent: EventData | null = null;
  rare: RareSpanData | null = null;

  constructor(shared: TraceShared, scope: Group, name: string) {
    super();
    const nameKey = shared.spanShapes.key(name);
    this.shared = shared;
    this.scope = scope;
    this.nameKey = nameKey;
    this.anchor = shared.clock.anchor;
    this.name = name;
    const shape = nameKey.shape ?? shared.spanShapes.first(nameKey);
    this.shape = shape;
    this.values = roomFor(shape.size, null);
  }

  setAttribute(name: string, value: AttributeValue): this {
    if (this.ended) return this.tooLate('setAttribute');
    const { shape, count } = this;
    // The common case: the key that came next in the last span, a plain value.
    if (count < shape.plain && shape.names[count] === name) {
      // Spelled out: `typeof` against a literal is two instructions, its value is a call.
      if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
        this.values[count] = value;
        this.count = count + 1;
        return this;
      }
    }
    return this.setOther(name, value);
  }

  /** Apart, so that the common case is small enough to be inlined where it is called. */
  private setOther(name: string, value: unknown): this {
    if (!setGuessed(this, name, value)) this.rareData().droppedAttributes++;
    return this;
  }

  setAttributes(attributes: ApiAttributes): this {
    if (this.ended) return this.tooLate('setAttributes');
    if (typeof attributes !== 'object') return this;
    try {
      for (const name in attributes) {
        // As for a log record (log/logger.ts): spelled out, a third of what `Object.keys` takes.
        // biome-ignore lint/suspicious/noPrototypeBuiltins: measured
        if (!Object.prototype.hasOwnProperty.call(attributes, name)) continue;
        this.setAttribute(name, attributes[name] as AttributeValue);
      }
    } catch {
      // Some getter throws: once more, one by one.
      this.rareData().droppedAttributes += setAttributes(this, attributes);
    }
    return this;
  }

  addEvent(name: string, attributesOrTime?: ApiAttributes | TimeInput, time?: TimeInput): this {
    if (this.ended) return this.tooLate('addEvent');
    const { clock, limits, eventShapes } = this.shared;
    if (this.eventCount >= limits.events) {
      this.rareData().droppedEvents++;
      return this;
    }
    let attributes: object | undefined;
    if (isTime(attributesOrTime)) time = attributesOrTime;
    else attributes = attributesOrTime as object | undefined;
    if (time === undefined) clock.read(this.anchor);
    else clock.readInput(time, this.anchor);
    // Spans of a name tend to have the same events.
    let key = this.nameKey.event;
    if (key === undefined || key.name !== name) {
      key = eventShapes.key(textOf(name));
      this.nameKey.event = key;
    }
    const event: EventData = {
      key,
      sec: clock.sec,
      nano: clock.nano,
      attributes: attributes ? eventAttributes(attributes, key, eventShapes) : null,
      next: null,
    };
    if (this.lastEvent === null) this.firstEvent = event;
    else this.lastEvent.next = event;
    this.lastEvent = event;
    this.eventCount++;
    return this;
  }

  addLink(link: Link): this {
    if (this.ended) return this.tooLate('addLink');
    let data: LinkData | undefined;
    try {
      data = linkData(link, this.shared.linkShapes);
    } catch {
      // No link, but something that throws when it is read.
    }
    if (data === undefined) return this;
    const rare = this.rareData();
    if (rare.links.length < this.shared.limits.links) rare.links.push(data);
    else rare.droppedLinks++;
    return this;
  }

  addLinks(links: Link[]): this {
    if (this.ended) return this.tooLate('addLinks');
    try {
      for (const link of links) this.addLink(link);
    } catch {
      // No list.
    }
    return this;
  }

  /** Specification "Set Status": Ok is final, Unset never overrides, a message needs Error. */
  setStatus(status: SpanStatus): this {
    if (this.ended) return this.tooLate('setStatus');
    if (this.statusCode === STATUS_OK) return this;
    let code: unknown;
    let message: unknown;
    try {
      ({ code, message } = status);
    } catch {
      return this;
    }
    if (code !== STATUS_OK && code !== STATUS_ERROR) return this;
    this.statusCode = code;
    const text = code === STATUS_ERROR && typeof message === 'string' ? message : '';
    if (text !== '' || this.rare !== null) this.rareData().statusMessage = text;
    return this;
  }

  updateName(name: string): this {
    if (this.ended) return this.tooLate('updateName');
    this.name = textOf(name);
    return this;
  }

  isRecording(): boolean {
    return !this.ended;
  }

  /** Semantic conventions, "Exceptions on spans"; the stack trace goes on with the causes'. */
  recordException(exception: Exception, time?: TimeInput): void {
    if (this.ended) this.tooLate('recordException');
    else this.addEvent('exception', exceptionAttributes(exception), time);
  }

  end(time?: TimeInput): void {
    if (this.ended) return void this.tooLate('end');
    const { clock, processors } = this.shared;
    if (processors?.isEnding(this)) return;
    if (time === undefined) clock.read(this.anchor);
    else clock.readInput(time, this.anchor);
    const { sec, nano } = clock;
    // A span never ends before it began, whatever time was given.
    const early = sec < this.startSec || (sec === this.startSec && nano < this.startNano);
    this.endSec = early ? this.startSec : sec;
    this.endNano = early ? this.startNano : nano;
    if (processors !== null) processors.ending(this);
    this.ended = true;
    // A field that hooks and processors are known to write to.
    if (typeof this.name !== 'string') this.name = textOf(this.name);
    if (this.nameKey.shape !== this.shape) this.nameKey.shape = this.shape;
    if (this.rare !== null) this.tellDropped(this.rare);
    // Without the flag it was recorded for this process alone (specification, "Sampling").
    if ((this.flags & FLAG_SAMPLED) !== 0) this.shared.sink.end(this);
    if (processors !== null) processors.ended(this);
  }

  /** The state of the trace (W3C tracestate) that this span hands on, and its parent's. */
  setTraceState(traceState: TraceState, parents: TraceState | undefined): void {
    this.traceState = traceState;
    const rare = this.rareData();
    rare.traceState = this.traceStateText();
    rare.parentTraceState = parents;
  }

  /** A call after the end: ignored, counted, and said to who listens to `diag`. */
  private tooLate(method: string): this {
    this.shared.late.calls++;
    const { traceId, spanId } = this.spanContext();
    say('debug', `${method} on span ${traceId}-${spanId} after its end does nothing`);
    return this;
  }

  /** At most one line per span (specification, "Span Limits"). */
  private tellDropped({ droppedAttributes, droppedEvents, droppedLinks }: RareSpanData): void {
    if (droppedAttributes + droppedEvents + droppedLinks === 0) return;
    say(
      'warn',
      `limits dropped ${droppedAttributes} attributes, ${droppedEvents} events and ` +
        `${droppedLinks} links of span ${traceIdHex(this)}-${this.spanContext().spanId}`,
    );
  }

  private rareData(): RareSpanData {
    this.rare ??= {
      statusMessage: '',
      traceState: '',
      parentTraceState: undefined,
      links: [],
      droppedAttributes: 0,
      droppedEvents: 0,
      droppedLinks: 0,
    };
    return this.rare;
  }

  // What processors and exporters of the upstream interface read; nothing here is on the path.

  get kind(): SpanKind {
    return this.otlpKind - 1;
  }

  get parentSpanContext(): SpanContext {
    // Optional in upstream's interface, which with `exactOptionalPropertyTypes` is not undefined.
    if ((this.parentId0 | this.parentId1) === 0) return undefined as never;
    const traceState = this.rare?.parentTraceState;
    return {
      traceId: traceIdHex(this),
      spanId: hexOfWord(this.parentId0) + hexOfWord(this.parentId1),
      traceFlags:
        (this.flags & 0xfe) | ((this.flags & FLAG_PARENT_SAMPLED) === 0 ? 0 : FLAG_SAMPLED),
      ...((this.flags & FLAG_IS_REMOTE) !== 0 && { isRemote: true }),
      ...(traceState !== undefined && { traceState }),
    };
  }

  get startTime(): HrTime {
    return [this.startSec, this.startNano];
  }

  get endTime(): HrTime {
    return [this.endSec, this.endNano];
  }

  get duration(): HrTime {
    if ((this.endSec | this.endNano) === 0) return [0, 0];
    const nano = this.endNano - this.startNano;
    const borrow = nano < 0 ? 1 : 0;
    return [this.endSec - this.startSec - borrow, nano + borrow * 1e9];
  }

  get status(): SpanStatus {
    const message = this.rare?.statusMessage;
    return message ? { code: this.statusCode, message } : { code: this.statusCode };
  }

  get attributes(): ApiAttributes {
    return readAttributes(this);
  }

  get events(): TimedEvent[] {
    return readEvents(this.firstEvent);
  }

  get links(): RecordedLink[] {
    return this.rare === null ? [] : readLinks(this.rare.links);
  }

  get resource(): ReadableResource {
    return readResource(this.scope.parent ?? this.scope);
  }

  get instrumentationScope(): InstrumentationScope {
    return readScope(this.scope);
  }

  get droppedAttributesCount(): number {
    return this.rare?.droppedAttributes ?? 0;
  }

  get droppedEventsCount(): number {
    return this.rare?.droppedEvents ?? 0;
  }

  get droppedLinksCount(): number {
    return this.rare?.droppedLinks ?? 0;
  }
}

function eventAttributes(given: object, key: Key, shapes: ShapeTree): EventAttributes {
  const attributes: EventAttributes = {
    shape: key.shape ?? shapes.first(key),
    count: 0,
    values: [null, null, null, null],
    dropped: 0,
  };
  attributes.dropped = setAttributes(attributes, given);
  key.shape = attributes.shape;
  return attributes;
}

/**
 * An array with room for as many values; `count`, not `length`, says how many there are. Its first
 * element is no constant to the compiler: arrays of constants share their elements and copy them
 * at the first store.
 */
function roomFor(count: number, none: RecordValue): RecordValue[] {
  if (count <= 4) return [none, null, null, null];
  if (count <= 10) return [none, null, null, null, null, null, null, null, null, null];
  return [none, null, null, null, null, null, null, null, null, null, null, null, null, null];
}

function isTime(value: unknown): value is TimeInput {
  if (typeof value !== 'object') return typeof value === 'number';
  try {
    return value instanceof Date || Array.isArray(value);
  } catch {
    return false;
  }
}

/** May throw, as anything that reads what a user gave. */
function linkData(link: Link, linkShapes: ShapeTree): LinkData | undefined {
  if (!link?.context) return undefined;
  const { traceId, spanId, traceFlags, traceState, isRemote } = link.context;
  const data: LinkData = {
    shape: linkShapes.first(linkShapes.key('')),
    count: 0,
    values: [],
    ids: idsOf(traceId, spanId),
    flags: (traceFlags & 0xff) | FLAG_HAS_IS_REMOTE | (isRemote ? FLAG_IS_REMOTE : 0),
    traceState: traceState === undefined ? '' : textOf(traceState.serialize()),
    traceStateObject: traceState,
    dropped: Math.max(0, Math.trunc(Number(link.droppedAttributesCount ?? 0))) | 0,
  };
  data.dropped += setAttributes(data, link.attributes);
  return data;
}
