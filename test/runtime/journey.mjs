// What every host records. Copied into every fixture's project; runs on the host itself, so it
// imports nothing.

export const SERVICE = 'smoke';
export const SCOPE = { name: 'smoke-scope', version: '1.2.3' };
export const SPAN = { name: 'journey ✓', event: 'halfway', error: 'none of your business' };

/** One of each kind; the long one makes the request worth compressing. */
export const ATTRIBUTES = {
  text: 'smoke',
  unicode: 'Grüße, 世界 🌍',
  integer: 42,
  double: 0.5,
  negative: -7,
  flag: true,
  list: ['a', 'b'],
  long: 'the quick brown fox jumps over the lazy dog; '.repeat(20),
};

/** The options all hosts start with; `endpoint` is the collector's. */
export function optionsFor(endpoint, more = {}) {
  return {
    serviceName: SERVICE,
    resource: { 'deployment.environment.name': 'smoke' },
    endpoint,
    ...more,
  };
}

/** Records the span; it has ended when this returns. */
export function record(telemetry) {
  const tracer = telemetry.tracer(SCOPE.name, SCOPE.version);
  const span = tracer.startSpan(SPAN.name, { kind: 2, attributes: ATTRIBUTES });
  span.addEvent(SPAN.event, { 'event.n': 1 });
  span.setStatus({ code: 2, message: SPAN.error });
  span.end();
}

/** Spans in each other, by the active context alone: `later` starts after an `await`. */
export async function nest(telemetry) {
  const tracer = telemetry.tracer(SCOPE.name, SCOPE.version);
  await tracer.startActiveSpan('outer', async (outer) => {
    tracer.startActiveSpan('inner', (inner) => {
      tracer.startSpan('innermost').end();
      inner.end();
    });
    await new Promise((resolve) => setTimeout(resolve, 1));
    tracer.startSpan('later').end();
    outer.end();
  });
}

/** {@link nest} from `start()` to the flush report. */
export async function nestedJourney(start, options) {
  const telemetry = start(options);
  const before = telemetry.health().context.manager;
  telemetry.register();
  await nest(telemetry);
  const { context } = telemetry.health();
  const report = await telemetry.shutdown();
  return { before, context, report };
}

/** From `start()` to the flush report, for hosts on which it may all happen in one go. */
export async function journey(start, options) {
  const telemetry = start(options);
  record(telemetry);
  const atEnd = telemetry.health().engine;
  const report = await telemetry.shutdown();
  return { atEnd, engine: telemetry.health().engine, report };
}
