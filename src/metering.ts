/**
 * The journey of metrics: what instruments measure is aggregated in cells as it comes; at each
 * interval a collection is encoded from them, and goes the way of every batch from there on.
 *
 *   api (aggregated) → codec → compress → deliver
 *
 * Nothing of it is there before the first meter.
 */

import type { Meter, MeterOptions } from '@opentelemetry/api';
import { temporalityOf } from './api/metric/aggregation.ts';
import {
  type MeterProviderOptions,
  type MetricHealth,
  RecordingMeterProvider,
} from './api/metric/provider.ts';
import type {
  Collector,
  MetricProducer,
  MetricReader,
  RequestsCollected,
} from './api/metric/reader.ts';
import { requestReader } from './api/metric/readers.ts';
import type { Clock } from './api/trace/clock.ts';
import { readResource } from './api/trace/readable.ts';
import { say } from './api/trace/say.ts';
import { Cells } from './buffer/cells.ts';
import type { Attributes, Group } from './buffer/record.ts';
import { encodeMetrics } from './codec/metrics.ts';
import type { Body } from './compress/compress.ts';
import type { Deliver, SignalStats } from './deliver/deliver.ts';
import type { Engine } from './engine/select.ts';
import { type MetricsHealth, signalHealth } from './health/report.ts';
import type { StartOptions } from './options/options.ts';
import type { MetricSettings } from './options/resolve.ts';
import type { PipelineParts } from './pipeline.ts';
import type { PrometheusReader } from './prometheus/reader.ts';
import type { MakeBody } from './request-bodies.ts';
import type { Host } from './runtime/host.ts';

/** Numbers are upstream's `AggregationType`. */
const DEFAULT = { type: 0 } as const;
const EXPONENTIAL = { type: 5 } as const;

/** Before the first meter. */
const NOTHING: MetricHealth = {
  ...{ series: 0, overflowed: 0, invalid: 0, usedBytes: 0, maxBytes: 0 },
  dropped: { engine_loading: 0, no_memory: 0, after_shutdown: 0 },
};

/** What metrics need of a telemetry. */
export interface MetricsParts {
  readonly settings: MetricSettings;
  readonly options: StartOptions;
  /** Whether nothing is exported; other readers still collect. */
  readonly nowhere: boolean;
  /** Whether nothing is measured. */
  readonly disabled: boolean;
  /** Whether they are shown to somebody who waits for them. */
  readonly isConsole: boolean;
  readonly deliver: Deliver;
  readonly clock: Clock;
  /** Shared with the other signals. */
  readonly resource: Group;
  readonly warn: (line: string) => void;
}

export interface Metrics {
  readonly provider: {
    getMeter(name: string, version?: string, options?: MeterOptions): Meter;
    update(options: MeterProviderOptions): void;
  };
  /** Whether there is a meter, or a reader of the user's. */
  readonly used: boolean;
  /** The engine is there: what `makeBody` reads goes to `request`. */
  open(engine: Engine, makeBody: MakeBody, request: PipelineParts['request']): void;
  /** No engine will come. */
  abandon(): void;
  redescribe(attributes: Attributes, schemaUrl: string): void;
  /** Has Prometheus ask for metrics, at the place that the environment names. */
  expose(loading: Promise<PrometheusReader>): void;
  /**
   * Collects; resolves when all of it has reached delivery, `false` where readers failed. At the end of
   * the process only what was measured since the last time: it may ask more than once.
   */
  flushed(timeoutMillis: number, atExit: boolean): Promise<boolean>;
  shutdown(timeoutMillis: number): Promise<boolean>;
  /** For the end of the process: what was measured since the last export reaches delivery. */
  collectNow(): void;
  health(stats: SignalStats): MetricsHealth;
}

/** What waits for the engine. */
interface Opened {
  readonly engine: Engine;
  readonly makeBody: MakeBody;
  readonly request: PipelineParts['request'];
}

export function metricsOn(host: Host, parts: MetricsParts): Metrics {
  const { settings, options, isConsole, deliver, clock, resource, warn } = parts;
  let opened: Opened | undefined;
  let provider: RecordingMeterProvider | undefined;
  /** Of the reader that exports. */
  let collector: Collector | undefined;
  let knowEngine: (on: Opened | undefined) => void = () => {};
  /** Resolves when the engine is there, or to undefined when it will never be. */
  const engineKnown = new Promise<Opened | undefined>((resolve) => {
    knowEngine = resolve;
  });
  let openedCells: Cells | Promise<Cells> | undefined;
  /** Data points encoded, those of them that a compressor has, and those too large for a request. */
  let recorded = 0;
  let compressing = 0;
  let tooLarge = 0;
  const pending = new Set<Promise<void>>();
  /** The cells, and what they were when they had been exported last. */
  let exported: { readonly cells: Cells; readonly state: number } | undefined;
  /** What changed before there was a provider. */
  let changes: MeterProviderOptions = {};

  function send(bytes: Uint8Array, points: number): void {
    const { makeBody, request } = opened!;
    recorded += points;
    const made = makeBody(request.at, bytes.length);
    const push = ({ body, encoding, contentType, rawBytes }: Body) => {
      const records = points;
      deliver.push({ signal: 'metrics', contentType, body, encoding, records, rawBytes });
    };
    if ('body' in made) {
      push(made);
      return;
    }
    compressing += points;
    const waiting = made.then((ready) => {
      compressing -= points;
      pending.delete(waiting);
      push(ready);
    });
    pending.add(waiting);
  }

  function collected({ tooLarge: left, errors }: RequestsCollected): void {
    recorded += left;
    tooLarge += left;
    for (const error of errors) say('error', 'metrics are not complete', error);
  }

  function limits() {
    const { engine, request } = opened!;
    const { at, limitBytes } = request;
    return {
      maxBytes: limitBytes,
      maxPoints: settings.maxExportBatchSize,
      // Where `makeBody` reads it.
      into: new Uint8Array(engine.buffer, at, limitBytes),
    };
  }

  /** Has the metrics of a producer sent as those of our own resource. */
  async function bridge(producer: MetricProducer, timeoutMillis: number): Promise<void> {
    let cancel = () => {};
    const late = new Promise<never>((_, reject) => {
      const expire = () => reject(new Error(`no metrics within ${timeoutMillis} ms`));
      cancel = host.setTimer(expire, timeoutMillis);
    });
    try {
      const asked = producer.collect({ timeoutMillis });
      const { resourceMetrics, errors } = await Promise.race([asked, late]);
      const { scopeMetrics } = resourceMetrics;
      const { into, ...most } = limits();
      const made = { resource: readResource(resource), scopeMetrics };
      const found = encodeMetrics(await openedCells!, made, most, (bytes, points) => {
        into.set(bytes);
        send(bytes, points);
      });
      const { tooLarge: left, problem, requests } = found;
      const wrong = problem === undefined ? errors : [...errors, problem];
      collected({ points: found.points, requests, tooLarge: left, errors: wrong });
    } catch (error) {
      say('error', 'a metric producer failed', error);
    } finally {
      cancel();
    }
  }

  /** The reader that exports over OTLP, or whatever the environment names. */
  function exporting(): MetricReader {
    const isExponential = settings.histogramAggregation === 'base2_exponential_bucket_histogram';
    const reader = requestReader(
      {
        intervalMs: isConsole ? settings.consoleIntervalMs : settings.intervalMs,
        timeoutMs: settings.collectTimeoutMs,
        temporality: temporalityOf(settings.temporality),
        aggregation: (kind) => (isExponential && kind === 'HISTOGRAM' ? EXPONENTIAL : DEFAULT),
      },
      {
        async export(from, timeoutMillis) {
          if ((await engineKnown) === undefined) return;
          collected(await from.collectRequests({ ...limits(), timeoutMillis }, send));
          await Promise.all(settings.producers.map((each) => bridge(each, timeoutMillis)));
          const held = await openedCells!;
          exported = { cells: held, state: stateOf(held) };
          await Promise.all(pending);
        },
        forceFlush: async () => {},
        shutdown: async () => {},
      },
    );
    const given = reader.setMetricProducer.bind(reader);
    reader.setMetricProducer = (from) => {
      collector = from;
      given(from);
    };
    return reader;
  }

  function openCells(on: Opened): Cells | Promise<Cells> {
    return Cells.open(host.metrics, on.engine.name, settings.maxBytes);
  }

  function cells(): Cells | Promise<Cells> {
    if (opened !== undefined) return openCells(opened);
    return engineKnown.then((on) => {
      if (on === undefined) throw new Error('there is no engine');
      return openCells(on);
    });
  }

  function made(): RecordingMeterProvider {
    if (provider !== undefined) return provider;
    const { disabled, nowhere } = parts;
    const { views, viewMatchingMode, exemplarFilter, cardinalityLimit } = settings;
    const readers = disabled ? [] : [...(nowhere ? [] : [exporting()]), ...settings.readers];
    openedCells = cells();
    provider = new RecordingMeterProvider({
      ...{ host, clock, readers, warn, views, viewMatchingMode, exemplarFilter, cardinalityLimit },
      meterConfigurator: options.metrics?.configurator,
      ...changes,
      cells: openedCells,
      resource,
    });
    return provider;
  }

  /** Whether nothing was measured since the last export. */
  function isExported(): boolean {
    return exported !== undefined && stateOf(exported.cells) === exported.state;
  }

  /** Resolves `false` where it fails: what failed has been said. */
  async function done(work: Promise<void> | undefined): Promise<boolean> {
    try {
      await work;
      await Promise.all(pending);
      return true;
    } catch (error) {
      say('error', 'metrics are not exported', error);
      return false;
    }
  }

  function exposed(loading: Promise<PrometheusReader>): MetricReader {
    const serving = loading.then((reader) => reader.listen());
    serving.catch((error: unknown) => warn(`metrics cannot be exposed to Prometheus: ${error}`));
    return {
      // At once, since what is measured before it is loaded counts as well.
      setMetricProducer: (from) => void loading.then((reader) => reader.setMetricProducer(from)),
      forceFlush: async () => {},
      async shutdown() {
        await (await loading).shutdown();
        await (await serving).close();
      },
    };
  }

  const metrics: Metrics = {
    provider: {
      getMeter: (name, version, meterOptions) => made().getMeter(name, version, meterOptions),
      update(given) {
        if (provider === undefined) changes = { ...changes, ...given };
        else provider.update(given);
      },
    },
    get used() {
      return provider !== undefined;
    },
    open(engine, makeBody, request) {
      opened = { engine, makeBody, request };
      knowEngine(opened);
    },
    abandon: () => knowEngine(undefined),
    redescribe: (attributes, schemaUrl) => provider?.redescribe(attributes, schemaUrl),
    expose: (loading) => made().addReader(exposed(loading)),
    flushed: (timeoutMillis, atExit) =>
      done(atExit && isExported() ? undefined : provider?.forceFlush({ timeoutMillis })),
    shutdown: (timeoutMillis) => done(provider?.shutdown({ timeoutMillis })),
    collectNow() {
      if (collector === undefined || opened === undefined || isExported()) return;
      collected(collector.collectRequestsNow(limits(), send));
    },
    health(stats) {
      const dropped = { ring_full: 0, too_large: tooLarge, engine_loading: 0, after_shutdown: 0 };
      const { series, overflowed, invalid, usedBytes, maxBytes, ...measured } =
        provider?.health() ?? { ...NOTHING, maxBytes: settings.maxBytes };
      return {
        ...signalHealth({ recorded, queued: compressing, dropped }, stats),
        series,
        measurements: { overflowed, invalid, dropped: measured.dropped },
        cells: { usedBytes, maxBytes },
      };
    },
  };
  const isAsked = settings.readers.length > 0 || settings.producers.length > 0;
  if (isAsked && !parts.disabled) made();
  return metrics;
}

/** Stands for all that was measured: another number when any of it changes, but for one in 2^32. */
function stateOf({ i32 }: Cells): number {
  let state = 0;
  for (let i = 0; i < i32.length; i++) state = Math.imul(state ^ i32[i]!, 0x9e3779b1) + i;
  return state | 0;
}
