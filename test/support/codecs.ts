/** `otlp-wasm/codec` on each engine, and spans to give it. */

import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { type ReadableSpan, TracerProvider } from '@opentelemetry/sdk-trace';
import { expect } from 'vitest';
import { type Codec, codecOn } from '../../src/codec.ts';
import type { EngineName, EngineSources } from '../../src/engine/select.ts';
import type { SpanLike } from '../../src/exporters/span-like.ts';
import { decodeRequest } from '../../src/workbench/collector/decode.ts';
import { decoded } from './encode-everywhere.ts';
import { ENGINE_NAMES, engineSources } from './engines.ts';
import { decodeOfficially, type ModelRequest } from './trace-model.ts';

export const refused = (): never => {
  throw new Error('not on this host');
};

/** A host that has one engine. */
export function only(name: EngineName): EngineSources {
  const none = { simd: refused, scalar: refused, portable: refused };
  return { ...none, [name]: engineSources[name] };
}

export interface NamedCodec {
  readonly engine: EngineName;
  readonly codec: Codec;
}

/** A fresh codec for each engine. */
export function codecs(): readonly NamedCodec[] {
  return ENGINE_NAMES.map((engine) => ({ engine, codec: codecOn(only(engine)) }));
}

let shared: readonly NamedCodec[] | undefined;

/** The spans in the same bytes from each engine, by codecs that have seen all spans before them. */
export function bytesEverywhere(spans: readonly SpanLike[]): Uint8Array<ArrayBuffer> {
  shared ??= codecs();
  const [first, ...others] = shared.map(({ codec }) => codec.encodeTraces(spans));
  for (const other of others) expect(Buffer.compare(first!, other)).toBe(0);
  return first!;
}

/** {@link bytesEverywhere}, encoded canonically, as the official decoder reads them. */
export function modelEverywhere(spans: readonly SpanLike[]): ModelRequest {
  return decoded(bytesEverywhere(spans));
}

/** What upstream's serializer makes of the spans, as the official decoder reads it. */
export function upstreamModel(spans: readonly SpanLike[]): ModelRequest {
  const request = ProtobufTraceSerializer.serializeRequest(spans as never)!;
  // The official decoder is older than the flags.
  const flags = decodeRequest('traces', 'protobuf', request).spans.values();
  return decodeOfficially(request).map((resource) => ({
    ...resource,
    scopes: resource.scopes.map((scope) => ({
      ...scope,
      spans: scope.spans.map((span) => {
        const { flags: own, links } = flags.next().value!;
        const withFlags = span.links.map((link, i) => ({ ...link, flags: links[i]!.flags }));
        return { ...span, flags: own, links: withFlags };
      }),
    })),
  }));
}

/** Spans of the OpenTelemetry SDK, as an exporter is given them. */
export function sdkSpans(
  run: (provider: TracerProvider) => void,
  config: ConstructorParameters<typeof TracerProvider>[0] = {},
): ReadableSpan[] {
  const ended: ReadableSpan[] = [];
  const onEnd = (span: ReadableSpan) => void ended.push(span);
  const processor = { onStart() {}, onEnd, forceFlush: async () => {}, shutdown: async () => {} };
  run(new TracerProvider({ ...config, spanProcessors: [processor] }));
  return ended;
}

const RESOURCE = { attributes: { 'service.name': 'shop' } };
const SCOPE = { name: 'scope', version: '1' };

/** A span made by hand. */
export function spanLike(more: Partial<SpanLike> = {}): SpanLike {
  return {
    name: 's',
    kind: 0,
    spanContext: () => ({
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203331',
      traceFlags: 1,
    }),
    startTime: [1_700_000_000, 1],
    endTime: [1_700_000_001, 2],
    status: { code: 0 },
    attributes: {},
    links: [],
    events: [],
    resource: RESOURCE,
    instrumentationScope: SCOPE,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
    ...more,
  };
}
