/** A whole telemetry on a host without time or network. */

import type { SignalHealth } from '../../src/health/report.ts';
import type { StartOptions } from '../../src/options/options.ts';
import { type FakeHostOptions, fakeHost, startOn } from '../../src/testing/index.ts';
import { engineSources } from './engines.ts';

export function started(options: StartOptions = {}, hostOptions: FakeHostOptions = {}) {
  const host = fakeHost({
    ...hostOptions,
    // Compiled once for all tests of a file.
    engines: { ...engineSources, ...hostOptions.engines },
  });
  const telemetry = startOn(host, options);
  const { transport } = host;
  return {
    host,
    telemetry,
    transport,
    tracer: telemetry.tracer('test'),
    traces: () => telemetry.health().signals.traces,
    /** Spans that arrived, once all that were recorded have. */
    async arrived() {
      const report = telemetry.flush();
      await host.settle();
      await report;
      return transport.traces();
    },
  };
}

export type Started = ReturnType<typeof started>;

/** Spans that are neither sent nor rejected nor dropped nor queued: always 0. */
export function unaccounted(traces: SignalHealth): number {
  const dropped = Object.values(traces.dropped).reduce((sum, count) => sum + count, 0);
  return traces.recorded - traces.sent - traces.rejected - traces.queued - dropped;
}

/** Resolves with what `promise` came to while `host` was told to go on. */
export async function settledBy<T>(
  promise: Promise<T>,
  goOn: () => Promise<void>,
): Promise<{ done: boolean; value?: T }> {
  let outcome: { done: boolean; value?: T } = { done: false };
  void promise.then((value) => {
    outcome = { done: true, value };
  });
  await goOn();
  return outcome;
}
