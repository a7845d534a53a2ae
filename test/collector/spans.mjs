// Spans with everything that OTLP has, and what has to arrive of them, written down beside each other.

import { ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api';

export const SCOPE = { name: 'shop', version: '1.2.3', schemaUrl: 'https://example.com/scope' };

/** More than a batch of 512 has, so that there are several requests. */
export const TRACES = 300;

const EPOCH_S = 1_760_000_000;
const REMOTE = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: TraceFlags.SAMPLED,
  isRemote: true,
};
const STATE = 'vendor=1,other=a:b';

const nano = ([seconds, nanos]) => BigInt(seconds) * 1_000_000_000n + BigInt(nanos);

/** Beside W3C's flags: whether the parent is remote is known, and whether it is. */
const PARENT = { local: 0x100, remote: 0x300 };

const NONE = { droppedAttributesCount: 0 };

/**
 * Records on this tracer. `longChars`: about so many has an attribute of every other span.
 * @returns the spans that have to arrive, in the collector's terms.
 */
export function record(tracer, { longChars = 800 } = {}) {
  return Array.from({ length: TRACES }, (_, i) => {
    const at = (nanos) => [EPOCH_S + i, nanos];
    const attributes = {
      n: i,
      negative: -i - 1,
      large: 2 ** 52 + i,
      ratio: i + 0.25,
      text: `größe ${i} 😀`,
      long: `${i} `.repeat(longChars / `${i} `.length),
      empty: '',
      yes: i % 2 === 0,
      texts: ['a', '', `b${i}`],
      numbers: [1, 2, 3],
      flags: [true, false],
    };
    const parent = i % 3 === 0 ? trace.setSpanContext(ROOT_CONTEXT, REMOTE) : ROOT_CONTEXT;
    const link = { ...REMOTE, spanId: '00f067aa0ba902b7', traceState: stateOf(STATE) };
    const options = { kind: SpanKind.SERVER, attributes, startTime: at(1), root: i % 3 !== 0 };
    const links = [{ context: link, attributes: { why: 'retry', try: i } }];
    const server = tracer.startSpan(`GET /${i}`, { ...options, links }, parent);
    server.addEvent('cache miss', { key: `k${i}`, size: i }, at(2_000_002));
    server.addEvent('bare', at(3_000_003));
    const failed = i % 5 === 0;
    if (failed) server.setStatus({ code: SpanStatusCode.ERROR, message: `nicht da: ${i}` });
    const client = tracer.startSpan(
      'query',
      { kind: SpanKind.CLIENT, startTime: at(4) },
      trace.setSpan(parent, server),
    );
    client.setStatus({ code: SpanStatusCode.OK });
    client.end(at(500_000_005));
    server.end(at(999_999_999));

    const { traceId, spanId, traceFlags } = server.spanContext();
    const remote = i % 3 === 0;
    const common = {
      traceId,
      traceState: '',
      droppedEventsCount: 0,
      droppedLinksCount: 0,
      ...NONE,
    };
    return [
      {
        ...common,
        spanId,
        parentSpanId: remote ? REMOTE.spanId : '',
        flags: traceFlags | (remote ? PARENT.remote : PARENT.local),
        name: `GET /${i}`,
        kind: 2,
        startTimeUnixNano: nano(at(1)),
        endTimeUnixNano: nano(at(999_999_999)),
        attributes,
        events: [
          {
            timeUnixNano: nano(at(2_000_002)),
            name: 'cache miss',
            attributes: { key: `k${i}`, size: i },
            ...NONE,
          },
          { timeUnixNano: nano(at(3_000_003)), name: 'bare', attributes: {}, ...NONE },
        ],
        links: [
          {
            traceId: link.traceId,
            spanId: link.spanId,
            traceState: STATE,
            attributes: { why: 'retry', try: i },
            flags: link.traceFlags | PARENT.remote,
            ...NONE,
          },
        ],
        status: failed ? { code: 2, message: `nicht da: ${i}` } : { code: 0, message: '' },
      },
      {
        ...common,
        spanId: client.spanContext().spanId,
        parentSpanId: spanId,
        flags: traceFlags | PARENT.local,
        name: 'query',
        kind: 3,
        startTimeUnixNano: nano(at(4)),
        endTimeUnixNano: nano(at(500_000_005)),
        attributes: {},
        events: [],
        links: [],
        status: { code: 1, message: '' },
      },
    ];
  }).flat();
}

/** A TraceState that is nothing but its text. */
function stateOf(text) {
  const state = {
    serialize: () => text,
    get: () => undefined,
    set: () => state,
    unset: () => state,
  };
  return state;
}

/** What is wrong with what arrived; empty when nothing. */
export function complaints(arrived, expected, serviceName) {
  const wrong = [];
  const bySpanId = new Map(arrived.map((span) => [span.spanId, span]));
  if (arrived.length !== expected.length) {
    wrong.push(`${arrived.length} spans arrived, ${expected.length} were sent`);
  }
  for (const span of expected) {
    const { resource, scope, ...fields } = bySpanId.get(span.spanId) ?? {};
    const who = `${span.name} ${span.spanId}`;
    if (resource === undefined) {
      wrong.push(`${who}: did not arrive`);
      continue;
    }
    for (const field of new Set([...Object.keys(span), ...Object.keys(fields)])) {
      compare(wrong, `${who}: ${field}`, span[field], fields[field]);
    }
    for (const field of Object.keys(SCOPE)) {
      compare(wrong, `${who}: scope.${field}`, SCOPE[field], scope[field]);
    }
    compare(wrong, `${who}: service.name`, serviceName, resource.attributes['service.name']);
  }
  const shown = wrong.slice(0, 10);
  if (wrong.length > shown.length) shown.push(`… and ${wrong.length - shown.length} more`);
  return shown;
}

function compare(wrong, where, expected, actual) {
  const [sent, came] = [show(expected), show(actual)];
  if (sent !== came) wrong.push(`${where}: sent ${sent}, arrived ${came}`);
}

/** Keys in order: of attributes it has no meaning. */
function show(value) {
  return (
    JSON.stringify(value, (_key, inner) => {
      if (typeof inner === 'bigint') return `${inner}n`;
      if (inner === null || typeof inner !== 'object' || Array.isArray(inner)) return inner;
      return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
    }) ?? 'nothing'
  );
}
