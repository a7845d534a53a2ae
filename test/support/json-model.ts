/**
 * A strict reader of OTLP/JSON traces, with names and types of its own: throws at a name it does
 * not know, at a value of another JSON type than OTLP says, and at a default that was written.
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

type Json = Record<string, unknown>;

/** Takes the fields of one object one by one; what is left over at the end is unknown. */
class Fields {
  private readonly left: Map<string, unknown>;
  private readonly what: string;

  constructor(value: unknown, what: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new Error(`${what} is not an object`);
    }
    this.left = new Map(Object.entries(value as Json));
    this.what = what;
  }

  private take<T>(name: string, zero: T, is: (value: unknown) => boolean): T {
    if (!this.left.has(name)) return zero;
    const value = this.left.get(name);
    this.left.delete(name);
    if (!is(value) || value === zero) {
      throw new Error(`${this.what}.${name} is ${JSON.stringify(value)?.slice(0, 80)}`);
    }
    return value as T;
  }

  text(name: string): string {
    return this.take(name, '', (value) => typeof value === 'string');
  }

  number(name: string): number {
    return this.take(name, 0, (value) => Number.isInteger(value));
  }

  long(name: string): bigint {
    return BigInt(this.take(name, '0', (value) => /^(-?[1-9]\d*|0)$/.test(value as string)));
  }

  id(name: string, bytes: number): string {
    const digits = new RegExp(`^[0-9a-f]{${2 * bytes}}$`);
    return this.take(name, '', (value) => digits.test(value as string));
  }

  list<T>(name: string, read: (value: unknown) => T): T[] {
    const values = this.take<unknown[]>(name, [], Array.isArray);
    return values.map(read);
  }

  inner(name: string): Fields | undefined {
    if (!this.left.has(name)) return undefined;
    const inner = new Fields(this.left.get(name), `${this.what}.${name}`);
    this.left.delete(name);
    return inner;
  }

  /** The names that are left, which whoever asks must take. */
  names(): string[] {
    return [...this.left.keys()];
  }

  raw(name: string): unknown {
    const value = this.left.get(name);
    this.left.delete(name);
    return value;
  }

  end(): void {
    if (this.left.size > 0) throw new Error(`${this.what} has ${this.names().join(', ')}`);
  }
}

const WORDS: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
};

function value(json: unknown): ModelValue {
  const fields = new Fields(json, 'value');
  const [kind, ...others] = fields.names();
  if (kind === undefined) return { empty: true };
  if (others.length > 0) throw new Error('a value of two kinds');
  const raw = fields.raw(kind);
  const wrong = () => new Error(`${kind} is ${JSON.stringify(raw)?.slice(0, 80)}`);
  switch (kind) {
    case 'stringValue':
      if (typeof raw !== 'string') throw wrong();
      return { string: raw };
    case 'boolValue':
      if (typeof raw !== 'boolean') throw wrong();
      return { bool: raw };
    case 'intValue':
      if (typeof raw !== 'string' || !/^(-?[1-9]\d*|0)$/.test(raw)) throw wrong();
      return { int: BigInt(raw) };
    case 'doubleValue':
      if (typeof raw === 'string' && raw in WORDS) return { double: WORDS[raw]! };
      if (typeof raw !== 'number') throw wrong();
      return { double: raw };
    case 'bytesValue': {
      const bytes = Buffer.from(raw as string, 'base64');
      if (bytes.toString('base64') !== raw) throw wrong();
      return { bytes: bytes.toString('hex') };
    }
    case 'arrayValue':
    case 'kvlistValue': {
      const inner = new Fields(raw, kind);
      const result =
        kind === 'arrayValue'
          ? { array: inner.list('values', value) }
          : { map: attributes(inner, 'values') };
      inner.end();
      return result;
    }
    default:
      throw new Error(`a value of kind ${kind}`);
  }
}

function attributes(fields: Fields, name = 'attributes'): ModelAttributes {
  return fields.list(name, (json) => {
    const pair = new Fields(json, 'attribute');
    const key = pair.text('key');
    const read = pair.names().includes('value')
      ? value(pair.raw('value'))
      : { empty: true as const };
    pair.end();
    return [key, read];
  });
}

function event(json: unknown): ModelEvent {
  const fields = new Fields(json, 'event');
  const model = {
    timeUnixNano: fields.long('timeUnixNano'),
    name: fields.text('name'),
    attributes: attributes(fields),
    droppedAttributes: fields.number('droppedAttributesCount'),
  };
  fields.end();
  return model;
}

function link(json: unknown): ModelLink {
  const fields = new Fields(json, 'link');
  const model = {
    traceId: fields.id('traceId', 16),
    spanId: fields.id('spanId', 8),
    traceState: fields.text('traceState'),
    attributes: attributes(fields),
    droppedAttributes: fields.number('droppedAttributesCount'),
    flags: fields.number('flags'),
  };
  fields.end();
  return model;
}

function span(json: unknown): ModelSpan {
  const fields = new Fields(json, 'span');
  const status = fields.inner('status');
  const model = {
    traceId: fields.id('traceId', 16),
    spanId: fields.id('spanId', 8),
    traceState: fields.text('traceState'),
    parentSpanId: fields.id('parentSpanId', 8),
    name: fields.text('name'),
    kind: fields.number('kind'),
    startTimeUnixNano: fields.long('startTimeUnixNano'),
    endTimeUnixNano: fields.long('endTimeUnixNano'),
    attributes: attributes(fields),
    droppedAttributes: fields.number('droppedAttributesCount'),
    events: fields.list('events', event),
    droppedEvents: fields.number('droppedEventsCount'),
    links: fields.list('links', link),
    droppedLinks: fields.number('droppedLinksCount'),
    status: { message: status?.text('message') ?? '', code: status?.number('code') ?? 0 },
    flags: fields.number('flags'),
  };
  status?.end();
  fields.end();
  return model;
}

function scope(json: unknown): ModelScopeSpans {
  const fields = new Fields(json, 'scopeSpans');
  const own = fields.inner('scope');
  const model = {
    name: own?.text('name') ?? '',
    version: own?.text('version') ?? '',
    attributes: own === undefined ? [] : attributes(own),
    droppedAttributes: own?.number('droppedAttributesCount') ?? 0,
    schemaUrl: fields.text('schemaUrl'),
    spans: fields.list('spans', span),
  };
  own?.end();
  fields.end();
  return model;
}

function resource(json: unknown): ModelResourceSpans {
  const fields = new Fields(json, 'resourceSpans');
  const own = fields.inner('resource');
  const model = {
    attributes: own === undefined ? [] : attributes(own),
    droppedAttributes: own?.number('droppedAttributesCount') ?? 0,
    schemaUrl: fields.text('schemaUrl'),
    scopes: fields.list('scopeSpans', scope),
  };
  own?.end();
  fields.end();
  return model;
}

/** Reads a request; throws when it is not the JSON that we mean to write. */
export function readJson(request: Uint8Array): ModelRequest {
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(request);
  const fields = new Fields(JSON.parse(text), 'request');
  const model = fields.list('resourceSpans', resource);
  fields.end();
  return model;
}
