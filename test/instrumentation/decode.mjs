// Reads trace export requests with nothing of ours: protobufjs and the messages of OTLP v1.
// Unlike the collector's own reading, integers and doubles are told apart here.

import protobuf from 'protobufjs';

const { root } = protobuf.parse(`
  syntax = "proto3";
  message Request { repeated ResourceSpans resource_spans = 1; }
  message ResourceSpans {
    Resource resource = 1; repeated ScopeSpans scope_spans = 2; string schema_url = 3;
  }
  message Resource { repeated KeyValue attributes = 1; uint32 dropped_attributes_count = 2; }
  message ScopeSpans { Scope scope = 1; repeated Span spans = 2; string schema_url = 3; }
  message Scope {
    string name = 1; string version = 2;
    repeated KeyValue attributes = 3; uint32 dropped_attributes_count = 4;
  }
  message Span {
    bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4;
    string name = 5; int32 kind = 6;
    fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8;
    repeated KeyValue attributes = 9; uint32 dropped_attributes_count = 10;
    repeated Event events = 11; uint32 dropped_events_count = 12;
    repeated Link links = 13; uint32 dropped_links_count = 14;
    Status status = 15; fixed32 flags = 16;
  }
  message Event {
    fixed64 time_unix_nano = 1; string name = 2;
    repeated KeyValue attributes = 3; uint32 dropped_attributes_count = 4;
  }
  message Link {
    bytes trace_id = 1; bytes span_id = 2; string trace_state = 3;
    repeated KeyValue attributes = 4; uint32 dropped_attributes_count = 5; fixed32 flags = 6;
  }
  message Status { string message = 2; int32 code = 3; }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message AnyValue {
    oneof value {
      string string = 1; bool bool = 2; int64 int = 3; double double = 4;
      ArrayValue array = 5; KeyValueList kvlist = 6; bytes bytes = 7;
    }
  }
  message ArrayValue { repeated AnyValue values = 1; }
  message KeyValueList { repeated KeyValue values = 1; }
`);
const Request = root.lookupType('Request');

/** The spans of an ExportTraceServiceRequest, each with its scope; ids in hexadecimal. */
export function decodeTraces(body) {
  const { resourceSpans } = Request.decode(body);
  return resourceSpans.flatMap(({ scopeSpans }) =>
    scopeSpans.flatMap(({ scope, spans, schemaUrl }) =>
      spans.map((span) => ({
        ...identity(span),
        parentSpanId: hex(span.parentSpanId),
        name: span.name,
        kind: span.kind,
        startTimeUnixNano: BigInt(span.startTimeUnixNano.toString()),
        endTimeUnixNano: BigInt(span.endTimeUnixNano.toString()),
        flags: span.flags,
        status: { code: span.status?.code ?? 0, message: span.status?.message ?? '' },
        ...attributes(span),
        events: span.events.map((event) => ({
          name: event.name,
          timeUnixNano: BigInt(event.timeUnixNano.toString()),
          ...attributes(event),
        })),
        droppedEventsCount: span.droppedEventsCount,
        links: span.links.map((link) => ({
          ...identity(link),
          flags: link.flags,
          ...attributes(link),
        })),
        droppedLinksCount: span.droppedLinksCount,
        scope: {
          name: scope?.name ?? '',
          version: scope?.version ?? '',
          schemaUrl,
          ...attributes(scope ?? NO_ATTRIBUTES),
        },
      })),
    ),
  );
}

/** The resources of an ExportTraceServiceRequest, each with its schema URL. */
export function decodeResources(body) {
  const { resourceSpans } = Request.decode(body);
  return resourceSpans.map(({ resource, schemaUrl }) => ({
    schemaUrl,
    ...attributes(resource ?? NO_ATTRIBUTES),
  }));
}

const NO_ATTRIBUTES = { attributes: [], droppedAttributesCount: 0 };

const hex = (bytes) => Buffer.from(bytes).toString('hex');

function identity({ traceId, spanId, traceState }) {
  return { traceId: hex(traceId), spanId: hex(spanId), traceState };
}

function attributes({ attributes, droppedAttributesCount }) {
  return { attributes: attributes.map(pair), droppedAttributesCount };
}

const pair = ({ key, value }) => ({ key, value: anyValue(value) });

function anyValue(message) {
  const type = message?.value;
  if (type === undefined) return { type };
  const value = message[type];
  if (type === 'int') return { type, value: BigInt(value.toString()) };
  if (type === 'bytes') return { type, value: hex(value) };
  if (type === 'array') return { type, value: value.values.map(anyValue) };
  if (type === 'kvlist') return { type, value: value.values.map(pair) };
  return { type, value };
}
