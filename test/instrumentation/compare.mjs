// Spans as lines of text that say everything about them but what differs from run to run: ids,
// times, ports, stack frames. Two runs gave the same spans when their lines are the same.

const KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'];
const STATUSES = ['unset', 'ok', 'error'];

/** W3C Trace Context level 2: the trace id is random. Ours says so, upstream's SDK does not yet. */
const RANDOM_FLAG = 0x02;

/** OTLP allows any order of attributes and of the spans in a batch. */
const byText = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

const PORT_KEY = /(^|[._])port$/;
const PORT_IN_TEXT = /(127\.0\.0\.1|localhost|\[::1\]|::1):\d{2,5}\b/g;
const FIRST_FRAME = /\n\s+at /;

/**
 * One line per span, attribute, event and link, indented under what they belong to.
 *
 * @param spans as `decodeTraces` gives them
 * @returns {string[]}
 */
export function describeSpans(spans) {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const pathTo = ({ traceId, spanId }) => {
    const names = [];
    for (let span = byId.get(spanId); span !== undefined; span = byId.get(span.parentSpanId)) {
      if (span.traceId !== traceId) return 'a span of another trace';
      names.unshift(span.name);
    }
    return names.length > 0 ? names.join(' > ') : 'a span that did not arrive';
  };

  const childrenOf = (parent) =>
    spans.filter((span) => span.parentSpanId === parent.spanId && span.traceId === parent.traceId);
  const tree = (span) => [
    ...describeSpan(span, pathTo),
    ...sorted(childrenOf(span).map(tree)).flat().map(indent),
  ];

  const isTop = ({ traceId, parentSpanId }) => byId.get(parentSpanId)?.traceId !== traceId;
  const traces = new Map();
  for (const span of spans.filter(isTop)) {
    const lines = tree(span);
    if (span.parentSpanId !== '') lines.push('  parent: a span that did not arrive');
    traces.set(span.traceId, [...(traces.get(span.traceId) ?? []), lines]);
  }
  return sorted([...traces.values()].map((trees) => sorted(trees).flat())).flatMap((lines) => [
    'trace',
    ...lines.map(indent),
  ]);
}

function describeSpan(span, pathTo) {
  const { scope, status } = span;
  const lines = [
    span.name,
    `  kind: ${KINDS[span.kind]}`,
    `  status: ${STATUSES[status.code]}${status.message === '' ? '' : ` ${text(status.message)}`}`,
    `  scope: ${scope.name} ${scope.version}${scope.schemaUrl === '' ? '' : ` ${scope.schemaUrl}`}`,
    `  flags: ${flags(span.flags)}`,
  ];
  if (!isId(span.traceId, 32) || !isId(span.spanId, 16)) lines.push('  ids: invalid');
  if (span.startTimeUnixNano === 0n) lines.push('  start: none');
  if (span.endTimeUnixNano < span.startTimeUnixNano) lines.push('  end: before its start');
  if (span.traceState !== '') lines.push(`  trace state: ${span.traceState}`);
  lines.push(...attributes('scope attribute', scope).map(indent));
  lines.push(...attributes('attribute', span).map(indent));
  // Events are in the order they were added; that order is part of what is compared.
  for (const event of span.events) {
    lines.push(`  event: ${event.name}`, ...attributes('attribute', event).map(indent).map(indent));
  }
  for (const link of span.links) {
    lines.push(`  link: ${pathTo(link)}, flags ${flags(link.flags)} ${link.traceState}`.trimEnd());
    lines.push(...attributes('attribute', link).map(indent).map(indent));
  }
  const dropped = [span.droppedEventsCount, span.droppedLinksCount];
  if (dropped.some((count) => count > 0)) lines.push(`  dropped: ${dropped} events, links`);
  return lines;
}

function attributes(what, { attributes: pairs, droppedAttributesCount }) {
  const lines = pairs.map(({ key, value }) => `${what} ${key}: ${typed(key, value)}`);
  lines.sort(byText);
  if (droppedAttributesCount > 0) lines.push(`${what}s dropped: ${droppedAttributesCount}`);
  return lines;
}

/** `value` is OTLP's AnyValue; `1` and `1.0` are told apart. */
function typed(key, { type, value }) {
  if (type === undefined) return 'empty';
  if (PORT_KEY.test(key)) return `${type} <port>`;
  if (key === 'exception.stacktrace') return `${type} ${stack(value)}`;
  if (type === 'string') return `${type} ${text(value)}`;
  if (type === 'array') return `[${value.map((item) => typed('', item)).join(', ')}]`;
  if (type === 'kvlist')
    return `{${value.map((pair) => `${pair.key}: ${typed(pair.key, pair.value)}`).join(', ')}}`;
  return `${type} ${value}`;
}

const text = (value) => JSON.stringify(value.replace(PORT_IN_TEXT, '$1:<port>'));

/** Frames lie in Node, the library and the SDK; only that there are some is compared. */
function stack(value) {
  const [message, ...frames] = value.split(FIRST_FRAME);
  return `${text(message)}${frames.length > 0 ? ', frames' : ', no frames'}`;
}

function flags(value) {
  const parts = [(value & 1) === 1 ? 'sampled' : 'not sampled'];
  const otherW3c = value & 0xff & ~1 & ~RANDOM_FLAG;
  if (otherW3c !== 0) parts.push(`w3c 0x${otherW3c.toString(16)}`);
  if ((value & 0x100) === 0) parts.push('unknown whether the parent is remote');
  else parts.push((value & 0x200) === 0 ? 'local parent or none' : 'remote parent');
  return parts.join(', ');
}

const isId = (id, digits) => /^[0-9a-f]+$/.test(id) && id.length === digits && !/^0+$/.test(id);

const indent = (line) => `  ${line}`;

/** Siblings have no order in OTLP: that of their text. */
function sorted(blocks) {
  return blocks
    .map((lines) => [lines.join('\n'), lines])
    .sort(([a], [b]) => byText(a, b))
    .map(([, lines]) => lines);
}

/** What differs, line by line with `-` (only in `a`) and `+` (only in `b`); empty when nothing. */
export function difference(a, b) {
  // Longest common subsequence; a scenario has some hundred lines at most.
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i][j] =
        a[i] === b[j] ? lengths[i + 1][j + 1] + 1 : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
    }
  }
  const lines = [];
  let i = 0;
  let j = 0;
  let differs = false;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push(`  ${a[i++]}`);
      j++;
    } else {
      differs = true;
      if (j === b.length || (i < a.length && lengths[i + 1][j] >= lengths[i][j + 1]))
        lines.push(`- ${a[i++]}`);
      else lines.push(`+ ${b[j++]}`);
    }
  }
  return differs ? lines : [];
}
