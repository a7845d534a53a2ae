/** Checks that an encoded request says what the workload recorded, by an official decoder. */

import assert from 'node:assert/strict';
import generated from 'otlp-decoder/build/src/generated/root.js';
import { type ExpectedSpan, expectedSpan } from './workload.ts';

// The decoder's generated types say optional and nullable everywhere; this is what is read.
interface Decoded {
  resourceSpans: {
    scopeSpans: { spans: DecodedSpan[] }[];
  }[];
}

interface DecodedSpan {
  traceId: Uint8Array;
  spanId: Uint8Array;
  name: string;
  startTimeUnixNano: unknown;
  endTimeUnixNano: unknown;
  attributes: { key: string; value: Record<string, unknown> }[];
  events: { name: string }[];
}

// biome-ignore lint/suspicious/noExplicitAny: the package says nothing about this module's shape
const root = generated as any;
const Request: { decode(bytes: Uint8Array): Decoded } =
  root.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;

export function decodeSpans(bytes: Uint8Array): DecodedSpan[] {
  return spansOf(Request.decode(bytes));
}

function spansOf({ resourceSpans }: Decoded): DecodedSpan[] {
  return resourceSpans.flatMap((resource) => resource.scopeSpans.flatMap((scope) => scope.spans));
}

/** Throws unless `bytes` hold exactly the spans numbered `first` to `first + count - 1`, in order. */
export function assertSpans(bytes: Uint8Array, first: number, count: number): void {
  assertDecoded(decodeSpans(bytes), first, count);
}

/** The same for a request in OTLP/JSON. */
export function assertJsonSpans(bytes: Uint8Array, first: number, count: number): void {
  const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  // Its protobuf form: ids are bytes. Other members keep their names and forms.
  const request: Decoded = JSON.parse(text, (key, value) =>
    key === 'traceId' || key === 'spanId' ? Buffer.from(value, 'hex') : value,
  );
  assertDecoded(spansOf(request), first, count);
}

function assertDecoded(spans: readonly DecodedSpan[], first: number, count: number): void {
  assert.equal(spans.length, count, `${count} spans recorded, ${spans.length} encoded`);
  const ids = new Set<string>();
  spans.forEach((span, at) => {
    assert.equal(span.traceId.length, 16);
    assert.equal(span.spanId.length, 8);
    ids.add(Buffer.from(span.spanId).toString('hex'));
    assert(BigInt(String(span.startTimeUnixNano)) > 0n);
    assert(BigInt(String(span.endTimeUnixNano)) >= BigInt(String(span.startTimeUnixNano)));
    assert.deepEqual(plain(span), expectedSpan(first + at));
  });
  assert.equal(ids.size, count, 'span ids repeat');
}

function plain(span: DecodedSpan): ExpectedSpan {
  const attributes: Record<string, string | number | boolean> = {};
  for (const { key, value } of span.attributes) {
    if (typeof value['stringValue'] === 'string') attributes[key] = value['stringValue'];
    else if (typeof value['boolValue'] === 'boolean') attributes[key] = value['boolValue'];
    else if (typeof value['doubleValue'] === 'number') attributes[key] = value['doubleValue'];
    else attributes[key] = Number(value['intValue']);
  }
  return { name: span.name, attributes, events: span.events.map((event) => event.name) };
}
