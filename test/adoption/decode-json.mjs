// Trace export requests in OTLP/JSON, in the form that `decodeTraces` gives those in protobuf.

/** @param {Uint8Array} body */
export function decodeTracesJson(body) {
  return envelopes(body).flatMap(({ scopeSpans = [] }) =>
    scopeSpans.flatMap(({ scope = {}, spans = [], schemaUrl = '' }) =>
      spans.map((span) => ({
        ...identity(span),
        parentSpanId: span.parentSpanId ?? '',
        name: span.name ?? '',
        kind: span.kind ?? 0,
        startTimeUnixNano: BigInt(span.startTimeUnixNano),
        endTimeUnixNano: BigInt(span.endTimeUnixNano),
        flags: span.flags ?? 0,
        status: { code: span.status?.code ?? 0, message: span.status?.message ?? '' },
        ...attributes(span),
        events: (span.events ?? []).map((event) => ({
          name: event.name ?? '',
          timeUnixNano: BigInt(event.timeUnixNano),
          ...attributes(event),
        })),
        droppedEventsCount: span.droppedEventsCount ?? 0,
        links: (span.links ?? []).map((link) => ({
          ...identity(link),
          flags: link.flags ?? 0,
          ...attributes(link),
        })),
        droppedLinksCount: span.droppedLinksCount ?? 0,
        scope: {
          name: scope.name ?? '',
          version: scope.version ?? '',
          schemaUrl,
          ...attributes(scope),
        },
      })),
    ),
  );
}

/** @param {Uint8Array} body */
export function decodeResourcesJson(body) {
  return envelopes(body).map(({ resource = {}, schemaUrl = '' }) => ({
    schemaUrl,
    ...attributes(resource),
  }));
}

const envelopes = (body) => JSON.parse(new TextDecoder().decode(body)).resourceSpans;

function identity({ traceId, spanId, traceState = '' }) {
  return { traceId, spanId, traceState };
}

function attributes({ attributes = [], droppedAttributesCount = 0 }) {
  return { attributes: attributes.map(pair), droppedAttributesCount };
}

const pair = ({ key, value }) => ({ key, value: anyValue(value) });

function anyValue(value) {
  const [[field, of] = []] = Object.entries(value ?? {});
  const type = field?.replace('Value', '');
  if (type === 'int') return { type, value: BigInt(of) };
  if (type === 'bytes') return { type, value: Buffer.from(of, 'base64').toString('hex') };
  if (type === 'array') return { type, value: (of.values ?? []).map(anyValue) };
  if (type === 'kvlist') return { type, value: (of.values ?? []).map(pair) };
  return { type, value: of };
}
