/**
 * A strict reader of ExportTraceServiceRequest. It accepts one encoding of a request only, the
 * canonical one, and throws at anything else:
 *
 *   - varints of minimal length, lengths that end exactly where their content does;
 *   - fields in ascending order, singular ones once;
 *   - no scalar that is its default, except members of AnyValue's oneof and times;
 *   - no empty envelope: Resource, InstrumentationScope, Status, ScopeSpans, ResourceSpans;
 *   - ids of 16 and 8 bytes, valid UTF-8, no key twice in one set of attributes.
 */

import type {
  ModelAttributes,
  ModelEvent,
  ModelLink,
  ModelRequest,
  ModelResourceSpans,
  ModelScopeSpans,
  ModelSpan,
  ModelValue,
} from './trace-model.ts';

const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** One message: a stretch of bytes read field by field. */
class Message {
  private readonly view: DataView;
  private at: number;
  private readonly end: number;
  private readonly name: string;
  private lastField = 0;
  wire = 0;

  constructor(view: DataView, at: number, end: number, name: string) {
    this.view = view;
    this.at = at;
    this.end = end;
    this.name = name;
  }

  fail(problem: string): never {
    throw new Error(`${this.name} at byte ${this.at}: ${problem}`);
  }

  get empty(): boolean {
    return this.at === this.end;
  }

  private varint(): bigint {
    let value = 0n;
    for (let i = 0; i < 10; i++) {
      if (this.at >= this.end) this.fail('a varint runs over the end');
      const byte = this.view.getUint8(this.at++);
      value |= BigInt(byte & 127) << BigInt(7 * i);
      if (byte < 128) {
        if (byte === 0 && i > 0) this.fail('a varint longer than it needs to be');
        if (value >= 1n << 64n) this.fail('a varint of more than 64 bits');
        return value;
      }
    }
    return this.fail('a varint of more than ten bytes');
  }

  /** A varint that is a number: a tag, a length, a count. */
  private size(): number {
    // By far most are one byte.
    const byte = this.at < this.end ? this.view.getUint8(this.at) : 255;
    if (byte > 127) return Number(this.varint());
    this.at++;
    return byte;
  }

  /** The number of the next field, or 0 at the end. */
  next(repeated: readonly number[]): number {
    if (this.at === this.end) return 0;
    const tag = this.size();
    const field = tag >>> 3;
    this.wire = tag & 7;
    if (field < this.lastField) this.fail(`field ${field} after field ${this.lastField}`);
    if (field === this.lastField && !repeated.includes(field)) this.fail(`field ${field} twice`);
    this.lastField = field;
    return field;
  }

  private expect(wire: number): void {
    if (this.wire !== wire) {
      this.fail(`field ${this.lastField} has wire type ${this.wire}, not ${wire}`);
    }
  }

  private stretch(): number {
    this.expect(LENGTH);
    const length = this.size();
    if (this.at + length > this.end) this.fail(`${length} bytes do not fit into their message`);
    this.at += length;
    return length;
  }

  message(name: string): Message {
    const length = this.stretch();
    return new Message(this.view, this.at - length, this.at, `${this.name} › ${name}`);
  }

  /** Not a copy. */
  bytes(): Buffer {
    const length = this.stretch();
    const at = this.view.byteOffset + this.at - length;
    return Buffer.from(this.view.buffer as ArrayBuffer, at, length);
  }

  /** A string that would not be there if it were empty. */
  text(): string {
    const text = this.textOrEmpty();
    if (text === '') this.fail(`field ${this.lastField} is an empty string`);
    return text;
  }

  textOrEmpty(): string {
    const bytes = this.bytes();
    // Strict where it matters: ASCII cannot be wrong.
    return bytes.every((byte) => byte < 128) ? bytes.toString('latin1') : utf8.decode(bytes);
  }

  id(length: number): string {
    const bytes = this.bytes();
    if (bytes.length !== length) this.fail(`an id of ${bytes.length} bytes`);
    return bytes.toString('hex');
  }

  /** An integer that would not be there if it were zero. */
  count(): number {
    this.expect(VARINT);
    const count = this.size();
    if (count === 0) this.fail(`field ${this.lastField} is zero`);
    if (count >= 2 ** 32) this.fail(`field ${this.lastField} is ${count}: not a uint32`);
    return count;
  }

  int(): bigint {
    this.expect(VARINT);
    return this.varint();
  }

  fixed64(): bigint {
    this.expect(FIXED64);
    this.at += 8;
    if (this.at > this.end) this.fail('a fixed64 runs over the end');
    return this.view.getBigUint64(this.at - 8, true);
  }

  double(): number {
    this.fixed64();
    return this.view.getFloat64(this.at - 8, true);
  }

  flags(): number {
    this.expect(FIXED32);
    this.at += 4;
    if (this.at > this.end) this.fail('a fixed32 runs over the end');
    const flags = this.view.getUint32(this.at - 4, true);
    if (flags === 0) this.fail('flags are zero');
    return flags;
  }

  unknown(): never {
    return this.fail(`field ${this.lastField} is not one of this message`);
  }

  /** The elements of a list: field 1, repeated, and nothing else. */
  *elements(name: string): Generator<Message> {
    for (let field = this.next([1]); field !== 0; field = this.next([1])) {
      if (field !== 1) this.unknown();
      yield this.message(name);
    }
  }

  /** Throws when nothing at all is inside. */
  filled(): this {
    if (this.empty) this.fail('an empty envelope');
    return this;
  }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function readValue(m: Message): ModelValue {
  let value: ModelValue = { empty: true };
  let fields = 0;
  for (let field = m.next([]); field !== 0; field = m.next([])) {
    if (++fields > 1) m.fail('two values in one');
    switch (field) {
      case 1:
        value = { string: m.textOrEmpty() };
        break;
      case 2: {
        const bit = m.int();
        if (bit > 1n) m.fail(`a bool of ${bit}`);
        value = { bool: bit === 1n };
        break;
      }
      case 3:
        value = { int: BigInt.asIntN(64, m.int()) };
        break;
      case 4:
        value = { double: m.double() };
        break;
      case 5: {
        const array: ModelValue[] = [];
        const list = m.message('ArrayValue');
        for (const element of list.elements('AnyValue')) array.push(readValue(element));
        value = { array };
        break;
      }
      case 6: {
        const map: (readonly [string, ModelValue])[] = [];
        const list = m.message('KeyValueList');
        for (const element of list.elements('KeyValue')) map.push(readPair(element));
        value = { map: unique(map, list) };
        break;
      }
      case 7:
        value = { bytes: m.bytes().toString('hex') };
        break;
      default:
        m.unknown();
    }
  }
  return value;
}

function readPair(m: Message): readonly [string, ModelValue] {
  let key = '';
  let value: ModelValue | undefined;
  for (let field = m.next([]); field !== 0; field = m.next([])) {
    if (field === 1) key = m.text();
    else if (field === 2) value = readValue(m.message('AnyValue'));
    else m.unknown();
  }
  if (value === undefined) m.fail('a KeyValue without a value');
  return [key, value];
}

function unique(attributes: ModelAttributes, m: Message): ModelAttributes {
  if (new Set(attributes.map(([key]) => key)).size !== attributes.length) m.fail('a key twice');
  return attributes;
}

function readEvent(m: Message): ModelEvent {
  const attributes: (readonly [string, ModelValue])[] = [];
  const event = { timeUnixNano: 0n, name: '', attributes, droppedAttributes: 0 };
  for (let field = m.next([3]); field !== 0; field = m.next([3])) {
    if (field === 1) event.timeUnixNano = m.fixed64();
    else if (field === 2) event.name = m.text();
    else if (field === 3) attributes.push(readPair(m.message('KeyValue')));
    else if (field === 4) event.droppedAttributes = m.count();
    else m.unknown();
  }
  unique(attributes, m);
  return event;
}

function readLink(m: Message): ModelLink {
  const attributes: (readonly [string, ModelValue])[] = [];
  const link: Writable<ModelLink> = {
    traceId: '',
    spanId: '',
    traceState: '',
    attributes,
    droppedAttributes: 0,
    flags: 0,
  };
  for (let field = m.next([4]); field !== 0; field = m.next([4])) {
    if (field === 1) link.traceId = m.id(16);
    else if (field === 2) link.spanId = m.id(8);
    else if (field === 3) link.traceState = m.text();
    else if (field === 4) attributes.push(readPair(m.message('KeyValue')));
    else if (field === 5) link.droppedAttributes = m.count();
    else if (field === 6) link.flags = m.flags();
    else m.unknown();
  }
  unique(attributes, m);
  return link;
}

function readStatus(m: Message): ModelSpan['status'] {
  const status = { message: '', code: 0 };
  for (let field = m.next([]); field !== 0; field = m.next([])) {
    if (field === 2) status.message = m.text();
    else if (field === 3) status.code = m.count();
    else m.unknown();
  }
  return status;
}

function readSpan(m: Message): ModelSpan {
  const attributes: (readonly [string, ModelValue])[] = [];
  const events: ModelEvent[] = [];
  const links: ModelLink[] = [];
  const span: Writable<ModelSpan> = {
    traceId: '',
    spanId: '',
    traceState: '',
    parentSpanId: '',
    name: '',
    kind: 0,
    startTimeUnixNano: 0n,
    endTimeUnixNano: 0n,
    attributes,
    droppedAttributes: 0,
    events,
    droppedEvents: 0,
    links,
    droppedLinks: 0,
    status: { message: '', code: 0 },
    flags: 0,
  };
  const repeated = [9, 11, 13];
  for (let field = m.next(repeated); field !== 0; field = m.next(repeated)) {
    if (field === 1) span.traceId = m.id(16);
    else if (field === 2) span.spanId = m.id(8);
    else if (field === 3) span.traceState = m.text();
    else if (field === 4) span.parentSpanId = m.id(8);
    else if (field === 5) span.name = m.text();
    else if (field === 6) span.kind = m.count();
    else if (field === 7) span.startTimeUnixNano = m.fixed64();
    else if (field === 8) span.endTimeUnixNano = m.fixed64();
    else if (field === 9) attributes.push(readPair(m.message('KeyValue')));
    else if (field === 10) span.droppedAttributes = m.count();
    else if (field === 11) events.push(readEvent(m.message('Event')));
    else if (field === 12) span.droppedEvents = m.count();
    else if (field === 13) links.push(readLink(m.message('Link')));
    else if (field === 14) span.droppedLinks = m.count();
    else if (field === 15) span.status = readStatus(m.message('Status').filled());
    else if (field === 16) span.flags = m.flags();
    else m.unknown();
  }
  unique(attributes, m);
  if (span.traceId === '' || span.spanId === '') m.fail('a span without its ids');
  return span;
}

function readScopeSpans(m: Message): ModelScopeSpans {
  const attributes: (readonly [string, ModelValue])[] = [];
  const spans: ModelSpan[] = [];
  const scope = { name: '', version: '', attributes, droppedAttributes: 0, schemaUrl: '', spans };
  for (let field = m.next([2]); field !== 0; field = m.next([2])) {
    if (field === 1) {
      const inner = m.message('InstrumentationScope').filled();
      for (let f = inner.next([3]); f !== 0; f = inner.next([3])) {
        if (f === 1) scope.name = inner.text();
        else if (f === 2) scope.version = inner.text();
        else if (f === 3) attributes.push(readPair(inner.message('KeyValue')));
        else if (f === 4) scope.droppedAttributes = inner.count();
        else inner.unknown();
      }
    } else if (field === 2) spans.push(readSpan(m.message('Span')));
    else if (field === 3) scope.schemaUrl = m.text();
    else m.unknown();
  }
  unique(attributes, m);
  if (spans.length === 0) m.fail('a scope without spans');
  return scope;
}

function readResourceSpans(m: Message): ModelResourceSpans {
  const attributes: (readonly [string, ModelValue])[] = [];
  const scopes: ModelScopeSpans[] = [];
  const resource = { attributes, droppedAttributes: 0, schemaUrl: '', scopes };
  for (let field = m.next([2]); field !== 0; field = m.next([2])) {
    if (field === 1) {
      const inner = m.message('Resource').filled();
      for (let f = inner.next([1]); f !== 0; f = inner.next([1])) {
        if (f === 1) attributes.push(readPair(inner.message('KeyValue')));
        else if (f === 2) resource.droppedAttributes = inner.count();
        else inner.unknown();
      }
    } else if (field === 2) scopes.push(readScopeSpans(m.message('ScopeSpans')));
    else if (field === 3) resource.schemaUrl = m.text();
    else m.unknown();
  }
  unique(attributes, m);
  if (scopes.length === 0) m.fail('a resource without scopes');
  return resource;
}

/** Reads a request; throws when it is not encoded canonically. */
export function readCanonical(request: Uint8Array): ModelRequest {
  const view = new DataView(request.buffer, request.byteOffset, request.byteLength);
  const m = new Message(view, 0, request.length, 'request');
  const resources: ModelResourceSpans[] = [];
  for (const element of m.elements('ResourceSpans')) resources.push(readResourceSpans(element));
  return resources;
}
