/**
 * What a request says, whoever decoded it: a plain tree in which every value carries its kind
 * (an int64 1 is not a double 1), map entries keep their order and ids are hexadecimal.
 */

import { createRequire } from 'node:module';

export type ModelValue =
  | { readonly string: string }
  | { readonly bool: boolean }
  | { readonly int: bigint }
  | { readonly double: number }
  | { readonly bytes: string }
  | { readonly array: readonly ModelValue[] }
  | { readonly map: ModelAttributes }
  | { readonly empty: true };

export type ModelAttributes = readonly (readonly [string, ModelValue])[];

export interface ModelEvent {
  readonly timeUnixNano: bigint;
  readonly name: string;
  readonly attributes: ModelAttributes;
  readonly droppedAttributes: number;
}

export interface ModelLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceState: string;
  readonly attributes: ModelAttributes;
  readonly droppedAttributes: number;
  /** Undefined where the decoder does not know the field. */
  readonly flags: number | undefined;
}

export interface ModelSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceState: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: bigint;
  readonly endTimeUnixNano: bigint;
  readonly attributes: ModelAttributes;
  readonly droppedAttributes: number;
  readonly events: readonly ModelEvent[];
  readonly droppedEvents: number;
  readonly links: readonly ModelLink[];
  readonly droppedLinks: number;
  readonly status: { readonly message: string; readonly code: number };
  /** Undefined where the decoder does not know the field. */
  readonly flags: number | undefined;
}

export interface ModelScope {
  readonly name: string;
  readonly version: string;
  readonly attributes: ModelAttributes;
  readonly droppedAttributes: number;
  readonly schemaUrl: string;
}

export interface ModelScopeSpans extends ModelScope {
  readonly spans: readonly ModelSpan[];
}

export interface ModelResource {
  readonly attributes: ModelAttributes;
  readonly droppedAttributes: number;
  readonly schemaUrl: string;
}

export interface ModelResourceSpans extends ModelResource {
  readonly scopes: readonly ModelScopeSpans[];
}

export type ModelRequest = readonly ModelResourceSpans[];

/** A span with where it came from. */
export interface OriginatedSpan extends ModelSpan {
  readonly resource: ModelResource;
  readonly scope: ModelScope;
}

/** The spans of a request in the order of the wire. */
export function spansOf(request: ModelRequest): OriginatedSpan[] {
  return request.flatMap(({ scopes, ...resource }) =>
    scopes.flatMap(({ spans, ...scope }) => spans.map((span) => ({ ...span, resource, scope }))),
  );
}

// ---- The official decoder: protobufjs code that the OpenTelemetry project generated.

const { opentelemetry } = createRequire(import.meta.url)(
  'otlp-decoder/build/src/generated/root.js',
);
const { ExportTraceServiceRequest } = opentelemetry.proto.collector.trace.v1;

// biome-ignore lint/suspicious/noExplicitAny: generated code without useful types
type Message = any;

interface LongBits {
  readonly low: number;
  readonly high: number;
}

export function bits(long: LongBits | null): bigint {
  if (long === null) return 0n;
  return (BigInt(long.high >>> 0) << 32n) | BigInt(long.low >>> 0);
}

export const hex = (bytes: Uint8Array | null) => Buffer.from(bytes ?? []).toString('hex');

export function value(message: Message): ModelValue {
  switch (message?.value) {
    case 'stringValue':
      return { string: message.stringValue };
    case 'boolValue':
      return { bool: message.boolValue };
    case 'intValue':
      return { int: BigInt.asIntN(64, bits(message.intValue)) };
    case 'doubleValue':
      return { double: message.doubleValue };
    case 'bytesValue':
      return { bytes: hex(message.bytesValue) };
    case 'arrayValue':
      return { array: message.arrayValue.values.map(value) };
    case 'kvlistValue':
      return { map: attributes(message.kvlistValue.values) };
    default:
      return { empty: true };
  }
}

export function attributes(pairs: Message[]): ModelAttributes {
  return pairs.map((pair) => [pair.key ?? '', value(pair.value)]);
}

function link(message: Message): ModelLink {
  return {
    traceId: hex(message.traceId),
    spanId: hex(message.spanId),
    traceState: message.traceState ?? '',
    attributes: attributes(message.attributes),
    droppedAttributes: message.droppedAttributesCount ?? 0,
    flags: undefined,
  };
}

function span(message: Message): ModelSpan {
  return {
    traceId: hex(message.traceId),
    spanId: hex(message.spanId),
    traceState: message.traceState ?? '',
    parentSpanId: hex(message.parentSpanId),
    name: message.name ?? '',
    kind: message.kind ?? 0,
    startTimeUnixNano: bits(message.startTimeUnixNano),
    endTimeUnixNano: bits(message.endTimeUnixNano),
    attributes: attributes(message.attributes),
    droppedAttributes: message.droppedAttributesCount ?? 0,
    events: message.events.map((event: Message) => ({
      timeUnixNano: bits(event.timeUnixNano),
      name: event.name ?? '',
      attributes: attributes(event.attributes),
      droppedAttributes: event.droppedAttributesCount ?? 0,
    })),
    droppedEvents: message.droppedEventsCount ?? 0,
    links: message.links.map(link),
    droppedLinks: message.droppedLinksCount ?? 0,
    status: { message: message.status?.message ?? '', code: message.status?.code ?? 0 },
    flags: undefined,
  };
}

/** A request as the official decoder reads it (what was not sent is null there). It knows neither span nor link flags. */
export function decodeOfficially(request: Uint8Array): ModelRequest {
  const { resourceSpans } = ExportTraceServiceRequest.decode(request);
  return resourceSpans.map((resource: Message) => ({
    attributes: attributes(resource.resource?.attributes ?? []),
    droppedAttributes: resource.resource?.droppedAttributesCount ?? 0,
    schemaUrl: resource.schemaUrl ?? '',
    scopes: resource.scopeSpans.map((scope: Message) => ({
      name: scope.scope?.name ?? '',
      version: scope.scope?.version ?? '',
      attributes: attributes(scope.scope?.attributes ?? []),
      droppedAttributes: scope.scope?.droppedAttributesCount ?? 0,
      schemaUrl: scope.schemaUrl ?? '',
      spans: scope.spans.map(span),
    })),
  }));
}

/** The same request without what the official decoder does not know. */
export function withoutFlags(request: ModelRequest): ModelRequest {
  return request.map((resource) => ({
    ...resource,
    scopes: resource.scopes.map((scope) => ({
      ...scope,
      spans: scope.spans.map((each) => ({
        ...each,
        flags: undefined,
        links: each.links.map((l) => ({ ...l, flags: undefined })),
      })),
    })),
  }));
}
