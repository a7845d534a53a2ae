/** An SDK's metrics, whosever it is, as subjects. */

import type { Counter, Meter } from '@opentelemetry/api';
import {
  addBuilt,
  addFresh,
  expectedDurations,
  expectedSeries,
  expectedSums,
  MEASUREMENTS,
  recordFresh,
  recordSeries,
} from '../measurements.ts';
import { assertPoints } from '../points.ts';
import type { MeteringOptions } from '../rivals/upstream.mjs';

export type { MeteringOptions };

/** A meter of the SDK, and what it comes to. */
export interface Metering {
  readonly meter: Meter;
  /** Collects, and encodes all of it as one ExportMetricsServiceRequest. */
  collect(): Uint8Array | Promise<Uint8Array>;
}

/** Records {@link MEASUREMENTS} a run. */
export interface MeasuringSubject {
  run(): void;
  check(): Promise<void>;
}

export type SeriesKind = 'sum' | 'histogram' | 'exponential';

/** Collects and encodes a metric of many series, all measured since the last time. */
export interface CollectingSubject {
  readonly async: true;
  before(): void;
  run(): Promise<Uint8Array>;
  check(): Promise<void>;
}

const HUNDRED_SETS: Omit<MeteringOptions, 'histogram'> = {
  temporality: 'cumulative',
  cardinalityLimit: 2000,
};

type Open = (options: MeteringOptions) => Metering;

/** `counter.add(1, { four attributes })`; with `built` strings, one of them is new in each call. */
export function counting(open: Open, built = false): MeasuringSubject {
  const { meter, collect } = open({ ...HUNDRED_SETS, histogram: 'explicit' });
  const counter = meter.createCounter('http.server.requests', { unit: '{request}' });
  // Two places in the program, so that each is compiled for what it meets.
  const add = built
    ? (first: number) => addBuilt(counter, first, MEASUREMENTS)
    : (first: number) => addFresh(counter, first, MEASUREMENTS);
  let first = 0;
  return {
    run() {
      add(first);
      first += MEASUREMENTS;
    },
    async check() {
      this.run();
      assertPoints(await collect(), expectedSums(first, built), false);
    },
  };
}

/** `histogram.record(…, { four attributes })`. */
export function recording(open: Open, histogram: MeteringOptions['histogram']): MeasuringSubject {
  const { meter, collect } = open({ ...HUNDRED_SETS, histogram });
  const duration = meter.createHistogram('http.server.request.duration', { unit: 'ms' });
  let first = 0;
  return {
    run() {
      recordFresh(duration, first, MEASUREMENTS);
      first += MEASUREMENTS;
    },
    async check() {
      this.run();
      assertPoints(await collect(), expectedDurations(first), true);
    },
  };
}

/** Records once into each of `count` series before each collection. */
export function collecting(
  open: Open,
  kind: SeriesKind,
  temporality: MeteringOptions['temporality'],
  count: number,
): CollectingSubject {
  const { meter, collect } = openSeries(open, kind, temporality, count);
  const instrument = instrumentOf(meter, kind);
  let times = 0;
  return {
    async: true,
    before() {
      recordSeries(instrument, count);
      times = temporality === 'delta' ? 1 : times + 1;
    },
    async run() {
      return await collect();
    },
    async check() {
      const of = kind === 'sum' ? kind : 'histogram';
      for (let n = 0; n < 3; n++) {
        this.before();
        assertPoints(await this.run(), expectedSeries(of, count, times), kind !== 'sum');
      }
    },
  };
}

export function openSeries(
  open: Open,
  kind: SeriesKind,
  temporality: MeteringOptions['temporality'],
  count: number,
): Metering {
  return open({
    temporality,
    histogram: kind === 'exponential' ? 'exponential' : 'explicit',
    // One series of the limit is that of what overflows.
    cardinalityLimit: 2 * count,
  });
}

export function instrumentOf(meter: Meter, kind: SeriesKind) {
  return kind === 'sum'
    ? meter.createCounter('app.requests')
    : meter.createHistogram('app.duration', { unit: 'ms' });
}

/** A loop of `counter.add` on attributes that do not change, for SDKs without bound instruments. */
export function adding(open: Open, count: number): { run(): void } {
  const { meter } = open({ ...HUNDRED_SETS, histogram: 'explicit' });
  const counter: Counter = meter.createCounter('app.requests');
  const attributes = { 'http.route': '/orders/:id', 'server.address': 'orders.svc' };
  return {
    run() {
      for (let n = 0; n < count; n++) counter.add(1, attributes);
    },
  };
}
