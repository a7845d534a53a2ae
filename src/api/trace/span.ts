import type {
  Attributes as ApiAttributes,
  AttributeValue,
  Exception,
  Link,
  Span,
  SpanContext,
  SpanStatus,
  TimeInput,
  TraceState,
} from '@opentelemetry/api';
import type { EventData, Group, LinkData, RecordValue, SpanData } from '../../buffer/record.ts';
import type { Key, Shape, ShapeTree } from '../../buffer/shape.ts';
import { type Bounds, setAttribute, setAttributes } from './attributes.ts';
import type { Anchor, Clock } from './clock.ts';
import { hexOfWord, wordOfHex } from './ids.ts';

/** Bounds on what one span holds (specification, "Span Limits"). */
export interface SpanLimits {
  readonly attributes: Bounds;
  readonly eventAttributes: Bounds;
  readonly linkAttributes: Bounds;
  readonly events: number;
  readonly links: number;
}

/** What all spans of one telemetry share. */
export interface TraceShared {
  readonly clock: Clock;
  readonly tree: ShapeTree;
  readonly limits: SpanLimits;
  /** Where ended spans go. Its `end` never throws. */
  readonly sink: { end(span: SpanData): void };
}

export const FLAG_SAMPLED = 0x01;
export const FLAG_HAS_IS_REMOTE = 0x100;
export const FLAG_IS_REMOTE = 0x200;
const STATUS_ERROR = 2;

/** A span that records: what `startSpan` returns when the sampler says so. */
export class RecordingSpan implements Span, SpanData {
  readonly shared: TraceShared;
  readonly scope: Group;
  readonly nameKey: Key;
  readonly anchor: Anchor;
  name: string;
  kind: number;
  flags: number;
  traceId0: number;
  traceId1: number;
  traceId2: number;
  traceId3: number;
  spanId0: number;
  spanId1: number;
  parentId0 = 0;
  parentId1 = 0;
  startSec: number;
  startNano: number;
  endSec = 0;
  endNano = 0;
  shape: Shape;
  values: RecordValue[] = [];
  ended = false;
  status = 0;
  statusMessage = '';
  traceState = '';
  droppedAttributes = 0;
  droppedEvents = 0;
  droppedLinks = 0;
  events: EventData[] | null = null;
  links: LinkData[] | null = null;
  traceStateObject: TraceState | undefined = undefined;
  private context: SpanContext | undefined = undefined;

  constructor(
    shared: TraceShared,
    scope: Group,
    nameKey: Key,
    start: { name: string; kind: number; ids: Ids; flags: number; sec: number; nano: number },
  ) {
    const { ids } = start;
    this.shared = shared;
    this.scope = scope;
    this.nameKey = nameKey;
    this.anchor = shared.clock.anchor;
    this.name = start.name;
    this.kind = start.kind;
    this.flags = start.flags;
    this.traceId0 = ids.trace0;
    this.traceId1 = ids.trace1;
    this.traceId2 = ids.trace2;
    this.traceId3 = ids.trace3;
    this.spanId0 = ids.span0;
    this.spanId1 = ids.span1;
    this.parentId0 = ids.parent0;
    this.parentId1 = ids.parent1;
    this.startSec = start.sec;
    this.startNano = start.nano;
    this.shape = shared.tree.root;
  }

  spanContext(): SpanContext {
    let context = this.context;
    if (context === undefined) {
      context = {
        traceId:
          hexOfWord(this.traceId0) +
          hexOfWord(this.traceId1) +
          hexOfWord(this.traceId2) +
          hexOfWord(this.traceId3),
        spanId: hexOfWord(this.spanId0) + hexOfWord(this.spanId1),
        traceFlags: this.flags & 0xff,
      };
      if (this.traceStateObject !== undefined) context.traceState = this.traceStateObject;
      this.context = context;
    }
    return context;
  }

  setAttribute(name: string, value: AttributeValue): this {
    if (this.ended) return this;
    const { shape } = this;
    // The common case, without a call: the key that followed last time, a plain value.
    if (shape.nextName === name && this.shared.limits.attributes.valueLength === Infinity) {
      const type = typeof value;
      if (
        (type === 'string' || type === 'number' || type === 'boolean') &&
        shape.size < this.shared.limits.attributes.count
      ) {
        this.values[shape.size] = value as RecordValue;
        this.shape = shape.next as Shape;
        return this;
      }
    }
    if (!setAttribute(this, name, value, this.shared.limits.attributes)) this.droppedAttributes++;
    return this;
  }

  setAttributes(attributes: ApiAttributes): this {
    if (this.ended || !attributes) return this;
    for (const name of Object.keys(attributes)) {
      this.setAttribute(name, attributes[name] as AttributeValue);
    }
    return this;
  }

  addEvent(
    name: string,
    attributesOrTime?: ApiAttributes | TimeInput,
    time?: TimeInput,
  ): this {
    if (this.ended) return this;
    const { clock, limits, tree } = this.shared;
    const events = (this.events ??= []);
    if (events.length >= limits.events) {
      this.droppedEvents++;
      return this;
    }
    let attributes: object | undefined;
    if (isTime(attributesOrTime)) time = attributesOrTime;
    else attributes = attributesOrTime as object | undefined;
    clock.readInput(time, this.anchor);
    const event: EventData = {
      shape: tree.root,
      values: [],
      name: String(name),
      sec: clock.sec,
      nano: clock.nano,
      dropped: 0,
    };
    if (attributes) event.dropped = setAttributes(event, attributes, limits.eventAttributes);
    events.push(event);
    return this;
  }

  addLink(link: Link): this {
    if (this.ended || !link?.context) return this;
    const { limits, tree } = this.shared;
    const links = (this.links ??= []);
    if (links.length >= limits.links) {
      this.droppedLinks++;
      return this;
    }
    const { traceId, spanId, traceFlags, traceState, isRemote } = link.context;
    const data: LinkData = {
      shape: tree.root,
      values: [],
      ids: idsOf(traceId, spanId),
      flags: ((traceFlags ?? 0) & 0xff) | FLAG_HAS_IS_REMOTE | (isRemote ? FLAG_IS_REMOTE : 0),
      traceState: traceState?.serialize() ?? '',
      dropped: link.droppedAttributesCount ?? 0,
    };
    if (link.attributes) {
      data.dropped += setAttributes(data, link.attributes, limits.linkAttributes);
    }
    links.push(data);
    return this;
  }

  addLinks(links: Link[]): this {
    for (const link of links) this.addLink(link);
    return this;
  }

  /** Specification "Set Status": Ok is final, Unset never overrides, a message needs Error. */
  setStatus(status: SpanStatus): this {
    if (this.ended || this.status === 1 || !status?.code) return this;
    this.status = status.code;
    this.statusMessage =
      status.code === STATUS_ERROR && typeof status.message === 'string' ? status.message : '';
    return this;
  }

  updateName(name: string): this {
    if (!this.ended) this.name = String(name);
    return this;
  }

  isRecording(): boolean {
    return !this.ended;
  }

  /** Semantic conventions, "Exceptions on spans". */
  recordException(exception: Exception, time?: TimeInput): void {
    if (this.ended) return;
    const attributes: ApiAttributes = {};
    if (typeof exception === 'string') {
      attributes['exception.message'] = exception;
    } else if (exception) {
      if (exception.code) attributes['exception.type'] = String(exception.code);
      else if (exception.name) attributes['exception.type'] = exception.name;
      if (exception.message) attributes['exception.message'] = exception.message;
      if (exception.stack) attributes['exception.stacktrace'] = exception.stack;
    }
    this.addEvent('exception', attributes, time);
  }

  end(time?: TimeInput): void {
    if (this.ended) return;
    this.ended = true;
    const { clock } = this.shared;
    if (time === undefined) clock.read(this.anchor);
    else clock.readInput(time, this.anchor);
    const { sec, nano } = clock;
    // A span never ends before it began, whatever time was given.
    const early = sec < this.startSec || (sec === this.startSec && nano < this.startNano);
    this.endSec = early ? this.startSec : sec;
    this.endNano = early ? this.startNano : nano;
    this.shared.sink.end(this);
  }
}

/** Ids of a span about to start, as words. */
export interface Ids {
  trace0: number;
  trace1: number;
  trace2: number;
  trace3: number;
  span0: number;
  span1: number;
  parent0: number;
  parent1: number;
}

function isTime(value: unknown): value is TimeInput {
  return typeof value === 'number' || value instanceof Date || Array.isArray(value);
}

const HEX_IDS = /^[0-9a-f]{32} [0-9a-f]{16}$/i;

/** Trace and span id as six words; zero where they are not ids. */
function idsOf(traceId: string, spanId: string): Int32Array {
  const ids = new Int32Array(6);
  if (!HEX_IDS.test(`${traceId} ${spanId}`)) return ids;
  for (let i = 0; i < 4; i++) ids[i] = wordOfHex(traceId, i * 8);
  for (let i = 0; i < 2; i++) ids[4 + i] = wordOfHex(spanId, i * 8);
  return ids;
}
