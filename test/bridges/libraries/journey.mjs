// From a logger through start() to the embedded collector, and what arrived there.

import { start } from 'otlp-wasm';
import { startCollector } from 'otlp-wasm/collector';

/**
 * Starts a telemetry that exports to a collector, both gone after the test.
 *
 * @param t the context of a test
 * @returns `{ telemetry, provider, collector, arrived }`; `arrived()` resolves with all log records
 *   that were recorded before the call, as `described` shows them
 */
export async function journey(t, options = {}) {
  const collector = await startCollector({ port: 0 });
  const telemetry = start({
    serviceName: 'bridged',
    endpoint: collector.url,
    flushOnExit: false,
    ...options,
  }).register();
  t.after(async () => {
    await telemetry.shutdown();
    await collector.close();
  });
  return {
    telemetry,
    provider: telemetry.loggerProvider,
    collector,
    arrived: async () => {
      await telemetry.flush();
      return collector.logs().map(described);
    },
  };
}

/** What a record says, without what says nothing. Times of the last hour are `now`. */
export function described(record) {
  const { severityNumber, severityText, body, attributes, traceId, spanId, eventName } = record;
  const { 'exception.stacktrace': stack, ...others } = attributes;
  const shown = {
    scope: record.scope.name,
    time: timeOf(record.timeUnixNano),
    severity: `${severityNumber} ${severityText}`.trim(),
    body,
    attributes: others,
  };
  if (stack !== undefined) others['exception.stacktrace'] = firstLine(stack);
  if (eventName !== '') shown.eventName = eventName;
  if (traceId !== '') shown.trace = `${traceId} ${spanId} ${record.flags & 0xff}`;
  return shown;
}

const firstLine = (text) => text.split('\n', 1)[0];

function timeOf(unixNano) {
  const ms = Number(unixNano / 1_000_000n);
  return Math.abs(Date.now() - ms) < 3_600_000 ? 'now' : new Date(ms).toISOString();
}

/** What `described` shows of a span's context. */
export const traceOf = (span) => {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `${traceId} ${spanId} ${traceFlags & 0xff}`;
};
