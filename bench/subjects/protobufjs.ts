/**
 * The bar of tuned JavaScript: ended spans as plain objects for the encoder that protobufjs
 * generates ahead of time from OTLP's definitions, which is how upstream exported before its own
 * writer, with nothing on the way that is not needed. (Its plain writer, which is twice as fast on
 * these short strings as the one it picks on Node.)
 */

import generated from 'otlp-decoder/build/src/generated/root.js';
import minimal from 'protobufjs/minimal.js';
import type { SpanLike } from '../../src/exporters/span-like.ts';

type Message = Record<string, unknown>;

// biome-ignore lint/suspicious/noExplicitAny: the package says nothing about this module's shape
const root = generated as any;
const Request: { encode(request: Message, writer: unknown): { finish(): Uint8Array } } =
  root.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;

export function serialize(spans: readonly SpanLike[]): Uint8Array {
  const byResource = new Map<unknown, Map<unknown, SpanLike[]>>();
  for (const span of spans) {
    let byScope = byResource.get(span.resource);
    if (byScope === undefined) byResource.set(span.resource, (byScope = new Map()));
    const same = byScope.get(span.instrumentationScope);
    if (same === undefined) byScope.set(span.instrumentationScope, [span]);
    else same.push(span);
  }
  const resourceSpans = [...byResource.values()].map((byScope) => {
    const scopeSpans = [...byScope.values()].map((same) => {
      const { name, version } = same[0]!.instrumentationScope;
      return { scope: { name, version }, spans: same.map(spanOf) };
    });
    const [first] = byScope.values();
    return { resource: { attributes: attributesOf(first![0]!.resource.attributes) }, scopeSpans };
  });
  return Request.encode({ resourceSpans }, new minimal.Writer()).finish();
}

function spanOf(span: SpanLike): Message {
  const { traceId, spanId, traceFlags } = span.spanContext();
  const parent = span.parentSpanContext;
  return {
    traceId: bytesOf(traceId),
    spanId: bytesOf(spanId),
    parentSpanId: parent === undefined ? undefined : bytesOf(parent.spanId),
    name: span.name,
    kind: span.kind + 1,
    startTimeUnixNano: nanosOf(span.startTime),
    endTimeUnixNano: nanosOf(span.endTime),
    attributes: attributesOf(span.attributes),
    events: span.events.map((event) => ({
      timeUnixNano: nanosOf(event.time),
      name: event.name,
      attributes: attributesOf(event.attributes ?? {}),
    })),
    status: { code: span.status.code, message: span.status.message },
    flags: traceFlags | 0x100,
  };
}

/** As two words, which protobufjs writes without a library for 64-bit integers. */
function nanosOf([sec, nano]: readonly [number, number]): Message {
  const upper = Math.floor(sec / 65536);
  const lower = (sec & 65535) * 1e9 + nano;
  const low = lower + ((upper * 1e9) % 65536) * 65536;
  return {
    low: low | 0,
    high: (Math.floor((upper * 1e9) / 65536) + Math.floor(low / 4294967296)) | 0,
    unsigned: true,
  };
}

function attributesOf(attributes: Readonly<Record<string, unknown>>): Message[] {
  const list: Message[] = [];
  for (const key in attributes) list.push({ key, value: anyValueOf(attributes[key]) });
  return list;
}

function anyValueOf(value: unknown): Message {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value !== 'number') throw new Error('not in this workload');
  return Number.isInteger(value) ? { intValue: value } : { doubleValue: value };
}

function bytesOf(hex: string): Uint8Array {
  const bytes = new Uint8Array(hex.length >> 1);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = (nibble(hex.charCodeAt(2 * i)) << 4) | nibble(hex.charCodeAt(2 * i + 1));
  }
  return bytes;
}

function nibble(code: number): number {
  return (code & 15) + (code >> 6) * 9;
}
