// Records and delivers spans that a service has sent before, in a process that does nothing
// else: its CPU time is that of the telemetry. Started by services.mjs.

import { setImmediate as nextTurn } from 'node:timers/promises';
import { ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { start } from 'otlp-wasm';

/** Spans between two turns of the event loop. */
const SPANS_PER_TURN = 64;
/** Recorded at least before the warm figure is taken, and for it. */
const WARMING_SPANS = 30_000;
const WARM_SPANS = 10_000;

process.once('message', async ({ spans, sink, engine }) => {
  const started = process.cpuUsage();
  const telemetry = start({
    serviceName: 'replay',
    tracesEndpoint: sink,
    ...(engine !== undefined && { engine }),
  });
  await record(spans, telemetry);
  await telemetry.flush();
  const cold = process.cpuUsage(started);
  const passes = (count) => Math.ceil(count / spans.length);
  for (let i = 0; i < passes(WARMING_SPANS); i++) await record(spans, telemetry);
  await telemetry.flush();
  const warmed = process.cpuUsage();
  for (let i = 0; i < passes(WARM_SPANS); i++) await record(spans, telemetry);
  const { sent, recorded } = await telemetry.shutdown();
  const warm = process.cpuUsage(warmed);
  if (sent !== recorded) throw new Error(`${sent} of ${recorded} spans were replayed`);
  process.send({ cold, warm, warmPasses: passes(WARM_SPANS) }, () => process.disconnect());
});

async function record(spans, telemetry) {
  for (let i = 0; i < spans.length; ) {
    for (const end = Math.min(i + SPANS_PER_TURN, spans.length); i < end; ) {
      // The spans of a trace follow each other; all but the first are children of the first.
      const { traceId } = spans[i];
      const root = begin(telemetry, spans[i], ROOT_CONTEXT);
      const context = trace.setSpan(ROOT_CONTEXT, root);
      for (i++; i < spans.length && spans[i].traceId === traceId; i++) {
        begin(telemetry, spans[i], context).end();
      }
      root.end();
    }
    await nextTurn();
  }
}

function begin(telemetry, { scope, name, kind, attributes, events, status }, context) {
  const tracer = telemetry.tracer(scope.name, scope.version);
  const span = tracer.startSpan(name, { kind: kind - 1, attributes }, context);
  for (const event of events) span.addEvent(event.name, event.attributes);
  if (status.code !== 0) span.setStatus(status);
  return span;
}
