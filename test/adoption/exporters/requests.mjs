// Trace export requests, in protobuf or JSON, as lines of text that say everything about their
// spans, ids and times included. OTLP lets a field that is zero or empty be left out.

import { decodeResources, decodeTraces } from '../../instrumentation/decode.mjs';

const FORMATS = {
  proto: { spans: decodeTraces, resources: decodeResources },
  http: { spans: spansOfJson, resources: resourcesOfJson },
  grpc: { spans: decodeTraces, resources: decodeResources },
};

/**
 * @param {'proto' | 'http' | 'grpc'} protocol
 * @param {Buffer[]} bodies
 * @returns {string[]} resources, then spans by their ids; the same for one request as for many
 */
export function linesOf(protocol, bodies) {
  const { spans, resources } = FORMATS[protocol];
  const text = (message) => JSON.stringify(message, exact, 1);
  const bySpan = bodies
    .flatMap(spans)
    .map((span) => [span.traceId + span.spanId, text(span)])
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return [...new Set(bodies.flatMap(resources).map(text)), ...bySpan.map(([, span]) => span)]
    .join('\n')
    .split('\n');
}

/** JSON has no such numbers; strings that read the same are marked by their quotes. */
function exact(_key, value) {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0)))
    return `number ${Object.is(value, -0) ? '-0' : value}`;
  return value;
}

function spansOfJson(body) {
  const { resourceSpans } = JSON.parse(body);
  return resourceSpans.flatMap(({ scopeSpans }) =>
    scopeSpans.flatMap(({ scope, spans, schemaUrl }) =>
      spans.map((span) => ({ ...canonical(span), scope: canonical({ ...scope, schemaUrl }) })),
    ),
  );
}

function resourcesOfJson(body) {
  const { resourceSpans } = JSON.parse(body);
  return resourceSpans.map(({ resource, schemaUrl }) => canonical({ ...resource, schemaUrl }));
}

/** Without what may be left out, in one order of keys. */
function canonical(message) {
  if (Array.isArray(message)) return message.map(canonical);
  if (typeof message !== 'object' || message === null) return message;
  const entries = Object.entries(message)
    .map(([key, value]) => [key, key === 'value' ? anyValue(value) : canonical(value)])
    .filter(([key, value]) => key === 'value' || !isDefault(value));
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Of an AnyValue's fields the one that is there says something even when it is empty. */
function anyValue(value) {
  const [[kind, of] = []] = Object.entries(value ?? {});
  if (kind === undefined) return {};
  // Both ways to write 64 bits are allowed.
  if (kind === 'intValue') return { intValue: String(of) };
  if (kind === 'arrayValue') return { arrayValue: (of.values ?? []).map(anyValue) };
  if (kind === 'kvlistValue') return { kvlistValue: canonical(of.values ?? []) };
  return { [kind]: of };
}

const isDefault = (value) =>
  value === undefined ||
  value === null ||
  value === 0 ||
  value === '' ||
  (typeof value === 'object' && Object.keys(value).length === 0);
