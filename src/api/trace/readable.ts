/**
 * What a span has recorded, in the forms that span processors and exporters of the upstream
 * interface read. Made when asked for: a program without processors never pays for it.
 */

import type {
  Attributes as ApiAttributes,
  AttributeValue,
  HrTime,
  Link,
  SpanContext,
  SpanKind,
  SpanStatus,
} from '@opentelemetry/api';
import {
  type Attributes,
  type EventData,
  type Group,
  type LinkData,
  RecordMap,
  type RecordValue,
} from '../../buffer/record.ts';
import { FLAG_IS_REMOTE } from './identity.ts';
import { hexOfWord } from './ids.ts';

/** An event as it was recorded. */
export interface TimedEvent {
  readonly time: HrTime;
  readonly name: string;
  readonly attributes: ApiAttributes;
  readonly droppedAttributesCount: number;
}

/** A link as it was recorded; more than an API link, never less. */
export interface RecordedLink extends Link {
  readonly droppedAttributesCount: number;
}

/** The instrumentation scope of a tracer. */
export interface InstrumentationScope {
  readonly name: string;
  readonly version?: string;
  readonly schemaUrl?: string;
  readonly attributes?: ApiAttributes;
}

/** The resource, with what upstream's exporters ask of one. */
export interface ReadableResource {
  readonly attributes: ApiAttributes;
  readonly schemaUrl?: string;
  readonly asyncAttributesPending: boolean;
  waitForAsyncAttributes(): Promise<void>;
  getRawAttributes(): [string, AttributeValue | undefined][];
  merge(other: { readonly attributes: ApiAttributes } | null): ReadableResource;
}

/**
 * A span as processors read it (specification, "Readable Span"). Each getter reads the span's
 * state of that moment and gives a fresh object: changing it does not change the span.
 */
export interface ReadableSpan {
  readonly name: string;
  readonly kind: SpanKind;
  spanContext(): SpanContext;
  readonly parentSpanContext?: SpanContext;
  readonly startTime: HrTime;
  /** `[0, 0]` until the span has ended. */
  readonly endTime: HrTime;
  readonly status: SpanStatus;
  readonly attributes: ApiAttributes;
  readonly links: RecordedLink[];
  readonly events: TimedEvent[];
  readonly duration: HrTime;
  readonly ended: boolean;
  readonly resource: ReadableResource;
  readonly instrumentationScope: InstrumentationScope;
  readonly droppedAttributesCount: number;
  readonly droppedEventsCount: number;
  readonly droppedLinksCount: number;
}

export function readAttributes({ shape, count, values }: Attributes): ApiAttributes {
  const attributes: ApiAttributes = {};
  for (let i = 0; i < count; i++) define(attributes, shape.keys[i]!.name, readValue(values[i]!));
  return attributes;
}

/** `__proto__` is a key like any other. */
function define(target: object, name: string, value: unknown): void {
  if (name !== '__proto__') (target as Record<string, unknown>)[name] = value;
  else Object.defineProperty(target, name, { value, enumerable: true });
}

export function readValue(value: RecordValue): AttributeValue {
  return plain(value) as AttributeValue;
}

function plain(value: RecordValue): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) return value.slice();
  if (!(value instanceof RecordMap)) return value.map(plain);
  const map = {};
  for (const [i, key] of value.keys.entries()) define(map, key, plain(value.values[i]!));
  return map;
}

export function readEvents(first: EventData | null): TimedEvent[] {
  const events: TimedEvent[] = [];
  for (let event = first; event !== null; event = event.next) {
    events.push({
      name: event.key.name,
      time: [event.sec, event.nano],
      attributes: event.attributes === null ? {} : readAttributes(event.attributes),
      droppedAttributesCount: event.attributes?.dropped ?? 0,
    });
  }
  return events;
}

export function readLinks(links: readonly LinkData[]): RecordedLink[] {
  return links.map((link) => ({
    context: linkContext(link),
    attributes: readAttributes(link),
    droppedAttributesCount: link.dropped,
  }));
}

function linkContext(link: LinkData): SpanContext {
  const words = Array.from(link.ids, hexOfWord);
  const context: SpanContext = {
    traceId: words.slice(0, 4).join(''),
    spanId: words.slice(4).join(''),
    traceFlags: link.flags & 0xff,
  };
  if ((link.flags & FLAG_IS_REMOTE) !== 0) context.isRemote = true;
  if (link.traceStateObject !== undefined) context.traceState = link.traceStateObject;
  return context;
}

const scopes = new WeakMap<Group, InstrumentationScope>();
/** By attributes: a resource may be described anew. */
const resources = new WeakMap<Attributes, ReadableResource>();

/** The same object for the same group: upstream's exporters group spans by identity. */
export function readScope(group: Group): InstrumentationScope {
  let scope = scopes.get(group);
  if (scope === undefined) {
    const { name, version, schemaUrl } = group;
    scope = {
      name,
      ...(version !== '' && { version }),
      ...(schemaUrl !== '' && { schemaUrl }),
      ...(group.attributes.count > 0 && { attributes: readAttributes(group.attributes) }),
    };
    scopes.set(group, scope);
  }
  return scope;
}

/** The same object for as long as the resource is the same. */
export function readResource(group: Group): ReadableResource {
  let resource = resources.get(group.attributes);
  if (resource === undefined) {
    resource = resourceOf(readAttributes(group.attributes), group.schemaUrl);
    resources.set(group.attributes, resource);
  }
  return resource;
}

function resourceOf(attributes: ApiAttributes, schemaUrl: string): ReadableResource {
  return {
    attributes,
    ...(schemaUrl !== '' && { schemaUrl }),
    asyncAttributesPending: false,
    waitForAsyncAttributes: () => Promise.resolve(),
    getRawAttributes: () => Object.entries(attributes),
    merge: (other) => resourceOf({ ...attributes, ...other?.attributes }, schemaUrl),
  };
}
