// Whether everything arrived: each request's trace, each span of it, each parent.

/** Spans that one request makes in each service, by the status it was answered with. */
const SPANS = {
  // The server's, load product, render, and the clients' of node:http and of fetch; two servers'
  // with SELECT and compute price.
  200: { gateway: 5, inventory: 4 },
  // Nothing to render.
  503: { gateway: 4, inventory: 4 },
};

const SERVER = 2;

/**
 * What is wrong with the spans received, as sentences; none when all is well.
 *
 * @param answers status and trace of each request.
 * @param services what each service says of its own telemetry.
 */
export function problemsOf(answers, services, spans) {
  const problems = [];
  const traces = tracesOf(spans);
  for (const { status, traceId } of answers) {
    if (SPANS[status] === undefined) {
      problems.push(`a request was answered ${status}`);
      continue;
    }
    const problem = problemOf(traces.get(traceId) ?? [], SPANS[status]);
    if (problem !== undefined) problems.push(`trace ${traceId}: ${problem}`);
  }
  if (traces.size !== answers.length) {
    problems.push(`${traces.size} traces were received for ${answers.length} requests`);
  }
  for (const { name, report, health } of services) {
    const { complete } = report;
    // The report counts metrics as well, which the instrumentation of HTTP has.
    const { recorded, sent } = health.signals.traces;
    const expected = answers.reduce((sum, { status }) => sum + (SPANS[status]?.[name] ?? 0), 0);
    const received = spans.filter((span) => serviceOf(span) === name).length;
    if (new Set([expected, recorded, sent, received]).size > 1 || !complete) {
      problems.push(
        `${name}: ${expected} spans expected, ${recorded} recorded, ${sent} sent, ${received} received`,
      );
    }
  }
  return problems;
}

function problemOf(spans, expected) {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  if (byId.size < spans.length) return 'a span was received twice';
  for (const [name, count] of Object.entries(expected)) {
    const found = spans.filter((span) => serviceOf(span) === name).length;
    if (found !== count) return `${found} of ${count} spans of ${name} were received`;
  }
  const roots = spans.filter((span) => span.parentSpanId === '');
  if (roots.length !== 1) return `${roots.length} roots`;
  const lost = spans.find(({ parentSpanId: id }) => id !== '' && !byId.has(id));
  if (lost !== undefined) return `the parent of "${lost.name}" was not received`;
  // What the inventory's servers were asked for was asked by a client of the gateway.
  for (const span of spans) {
    if (span.kind !== SERVER || serviceOf(span) !== 'inventory') continue;
    if (serviceOf(byId.get(span.parentSpanId)) !== 'gateway') return `"${span.name}" has no caller`;
  }
  return undefined;
}

/** The spans by trace, in the order they arrived. */
export function tracesOf(spans) {
  const traces = new Map();
  for (const span of spans) {
    const trace = traces.get(span.traceId);
    if (trace === undefined) traces.set(span.traceId, [span]);
    else trace.push(span);
  }
  return traces;
}

export function serviceOf(span) {
  return span.resource.attributes['service.name'];
}
