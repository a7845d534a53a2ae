// What the telemetry of the services did, and what it cost them.

import { startCollector } from 'otlp-wasm/collector';
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatRatio,
  renderTable,
} from '../../dist/draw.js';
import { serviceOf, tracesOf } from './check.mjs';
import { replay } from './services.mjs';

/** Adds to each service what its telemetry took. */
export async function addTelemetryCosts(services, spans, engine) {
  const sink = await startCollector({ port: 0, store: false, countSpans: false });
  for (const service of services) {
    const own = spans.filter((span) => serviceOf(span) === service.name);
    service.telemetry = { coldMicros: 0, warmMicros: 0 };
    if (own.length === 0) continue;
    // Those of one trace one after the other.
    const ordered = [...tracesOf(own).values()].flat();
    const target = { sink: `${sink.url}/v1/traces`, engine };
    service.telemetry = await replay(ordered.map(replayable), target);
  }
  await sink.close();
}

/** What of a span is recorded once more, and nothing that is shared by many. */
function replayable({ traceId, name, kind, scope, attributes, events, status }) {
  return {
    traceId,
    name,
    kind,
    scope: { name: scope.name, version: scope.version },
    attributes,
    events: events.map((event) => ({ name: event.name, attributes: event.attributes })),
    status,
  };
}

/** Counts, bytes and CPU time of each service and of all, and how they were measured. */
export function costTable(services, spans, { color, paint }) {
  const rows = services.map(({ name, health, cpuMicros, telemetry }) => {
    const { recorded, sent, dropped, rejected, bytesRaw, bytesCompressed } = health.signals.traces;
    return {
      name,
      recorded,
      sent,
      dropped: Object.values(dropped).reduce((sum, count) => sum + count, 0),
      rejected,
      received: spans.filter((span) => serviceOf(span) === name).length,
      bytesRaw,
      bytesCompressed,
      cpuMicros,
      ...telemetry,
    };
  });
  const total = { name: 'total' };
  for (const row of rows) {
    for (const [key, value] of Object.entries(row)) {
      if (key !== 'name') total[key] = (total[key] ?? 0) + value;
    }
  }
  const count = (key) => (row) => formatCount(row[key]);
  const micros = (key) => (row) => formatDuration(row[key] * 1000);
  const columns = {
    service: (row) => row.name,
    recorded: count('recorded'),
    sent: count('sent'),
    dropped: count('dropped'),
    ...(total.rejected > 0 && { rejected: count('rejected') }),
    received: count('received'),
    raw: (row) => formatBytes(row.bytesRaw),
    compressed: (row) => formatBytes(row.bytesCompressed),
    ratio: (row) => formatRatio(row.bytesRaw, row.bytesCompressed),
    CPU: micros('cpuMicros'),
    telemetry: micros('coldMicros'),
    warm: micros('warmMicros'),
  };
  const cells = [...rows, total].map((row) => Object.values(columns).map((cell) => cell(row)));
  const engines = services.map(({ name, health: { engine } }) => ({
    name,
    text: `${engine.name} (${engine.reason})`,
  }));
  const sameEngine = engines.every(({ text }) => text === engines[0].text);
  const perSpan = (sum) => formatDuration((sum * 1000) / Math.max(1, total.recorded));
  const notes = [
    'CPU        user and system time of the service, from its first request to its last delivery.',
    'telemetry  CPU time of a new process that does nothing but record, encode, compress and',
    `           deliver the same spans once more, its start included: ${perSpan(total.coldMicros)} per span.`,
    `warm       the same by a process that has been at it for a while: ${perSpan(total.warmMicros)} per span. What`,
    '           instrumentation packages and context propagation take is in CPU only.',
  ];
  return [
    renderTable(Object.keys(columns), cells, { color }),
    '',
    sameEngine
      ? `engine     ${engines[0].text}`
      : engines.map(({ name, text }) => `engine of ${name}  ${text}`).join('\n'),
    ...notes.map((note) => paint('dim', note)),
  ].join('\n');
}
