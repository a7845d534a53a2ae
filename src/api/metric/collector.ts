import type { Attributes as ApiAttributes } from '@opentelemetry/api';
import type { Cells } from '../../buffer/cells.ts';
import type { Group } from '../../buffer/record.ts';
import { readResource } from '../trace/readable.ts';
import {
  AGGREGATION_DEFAULT,
  type AggregationOption,
  CUMULATIVE_TEMPORALITY,
  type InstrumentKind,
  type TemporalitySelector,
} from './aggregation.ts';
import { type AggregationTemporality, type CollectionResult, CUMULATIVE, DELTA } from './data.ts';
import type { MeterReader, MetersShared, RecordingMeter } from './meter.ts';
import type {
  CollectOptions,
  Collector,
  EmitRequest,
  MetricFilter,
  MetricReader,
  ReaderHost,
  RequestLimits,
  RequestsCollected,
} from './reader.ts';
import type { Stream } from './stream.ts';
import type { StreamDefaults } from './view.ts';

/** What collectors need of their provider. */
export interface CollectorParts {
  readonly shared: MetersShared;
  readonly host: ReaderHost;
  readonly meters: () => readonly RecordingMeter[];
  /** The resource, which may change, and its address in the cells. */
  readonly resource: () => Group;
  readonly resourceHandle: () => number;
  /** Resolves when there are cells, or never will be. */
  readonly opened: Promise<unknown>;
  readonly cardinalityLimit: () => number;
}

const EVERYTHING = () => true;
const NOTHING: RequestsCollected = { points: 0, requests: 0, tooLarge: 0, errors: [] };

/** Collects for one reader: calls its callbacks, then reads its streams. */
export class ReaderCollector implements Collector, MeterReader {
  readonly reader: MetricReader;
  readonly host: ReaderHost;
  readonly temporality: TemporalitySelector;
  private readonly parts: CollectorParts;
  /** Collections follow one another. */
  private turn: Promise<unknown> = Promise.resolve();

  constructor(reader: MetricReader, parts: CollectorParts) {
    this.reader = reader;
    this.parts = parts;
    this.host = parts.host;
    this.temporality = (kind) => temporalityFor(reader, kind);
  }

  defaults(kind: InstrumentKind): StreamDefaults {
    const { reader, parts } = this;
    const limit = attempt(() => reader.selectCardinalityLimit?.(kind));
    const isLimit = typeof limit === 'number' && limit > 0 && Number.isInteger(limit);
    return {
      aggregation: aggregationFor(reader, kind),
      cardinalityLimit: isLimit ? limit : parts.cardinalityLimit(),
    };
  }

  async collect(options: CollectOptions = {}): Promise<CollectionResult> {
    return this.inTurn(async () => {
      const errors = await this.observed(options);
      return { resourceMetrics: this.take(options.metricFilter), errors };
    });
  }

  async collectRequests(
    options: RequestLimits & CollectOptions,
    emit: EmitRequest,
  ): Promise<RequestsCollected> {
    return this.inTurn(async () => {
      const errors = await this.observed(options);
      return { ...this.encode(options, emit), errors };
    });
  }

  collectRequestsNow(limits: RequestLimits, emit: EmitRequest): RequestsCollected {
    const errors: unknown[] = [];
    // Those that return promises cannot be waited for.
    for (const meter of this.parts.meters()) this.observe(meter, undefined, errors);
    this.settle();
    return { ...this.encode(limits, emit), errors };
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(() => this.parts.opened).then(work);
    this.turn = result.catch(() => undefined);
    return result;
  }

  private async observed(options: CollectOptions): Promise<unknown[]> {
    const errors: unknown[] = [];
    const { timeoutMillis } = options;
    const waits = this.parts
      .meters()
      .flatMap((meter) => this.observe(meter, timeoutMillis, errors));
    if (waits.length > 0) await Promise.all(waits);
    this.settle();
    return errors;
  }

  private observe(
    meter: RecordingMeter,
    timeoutMillis: number | undefined,
    errors: unknown[],
  ): Promise<void>[] {
    const { shared, host } = this.parts;
    if (shared.cells === undefined) return [];
    return meter.callbacks.observe(this, shared, { host, timeoutMillis, errors });
  }

  private settle(): void {
    for (const meter of this.parts.meters()) {
      for (const stream of meter.streamsFor(this)) stream.settle();
    }
  }

  private take(filter: MetricFilter | undefined): CollectionResult['resourceMetrics'] {
    const { clock } = this.parts.shared;
    clock.begin();
    const { sec, nano } = clock;
    const resource = readResource(this.parts.resource());
    const scopeMetrics: CollectionResult['resourceMetrics']['scopeMetrics'][number][] = [];
    for (const meter of this.parts.meters()) {
      const metrics = this.streamsOf(meter).flatMap((stream) => {
        stream.gather();
        const wanted = wantedOf(filter, meter, stream);
        const metric = stream.take(sec, nano, wanted ?? (() => false));
        stream.collected(sec, nano);
        return metric === undefined ? [] : [metric];
      });
      meter.closeRetired(this);
      if (metrics.length > 0) scopeMetrics.push({ scope: meter.scope, metrics });
    }
    return { resource, scopeMetrics };
  }

  private streamsOf(meter: RecordingMeter): Stream[] {
    return [...meter.streamsFor(this)].filter((stream) => stream.handle !== 0);
  }

  private encode(options: RequestLimits & CollectOptions, emit: EmitRequest): RequestsCollected {
    const { shared, meters, resourceHandle } = this.parts;
    const { cells, clock } = shared;
    if (cells === undefined) return NOTHING;
    clock.begin();
    const { sec, nano } = clock;
    const scopes: { scope: number; streams: number[] }[] = [];
    const written: Stream[] = [];
    const hidden: (() => void)[] = [];
    for (const meter of meters()) {
      const streams = this.streamsOf(meter);
      const wanted = streams.filter((stream) => {
        stream.gather();
        const isWanted = wantedOf(options.metricFilter, meter, stream);
        if (isWanted !== undefined && isWanted !== EVERYTHING) hidden.push(stream.hide(isWanted));
        return isWanted !== undefined;
      });
      written.push(...streams);
      if (wanted.length === 0) continue;
      const scope = scopeHandle(meter, cells);
      scopes.push({ scope, streams: wanted.map((stream) => stream.handle) });
    }
    const result = cells.encode(
      {
        resource: resourceHandle(),
        scopes,
        timeSec: sec,
        timeNano: nano,
        maxBytes: options.maxBytes,
        into: options.into,
        maxPoints: options.maxPoints,
      },
      emit,
    );
    for (const show of hidden) show();
    for (const stream of written) stream.collected(sec, nano);
    for (const meter of meters()) meter.closeRetired(this);
    return { ...result, errors: [] };
  }
}

function scopeHandle(meter: RecordingMeter, cells: Cells): number {
  if (meter.handle === 0) meter.handle = cells.group(meter.group);
  return meter.handle;
}

/** Which points of a stream a filter lets pass; undefined for none. */
function wantedOf(
  filter: MetricFilter | undefined,
  meter: RecordingMeter,
  stream: Stream,
): ((attributes: ApiAttributes) => boolean) | undefined {
  if (filter === undefined) return EVERYTHING;
  const { name, unit } = stream.descriptor;
  const { scope } = meter;
  const result = attempt(() => filter.testMetric(scope, name, stream.kind, unit)) ?? 'accept';
  if (result === 'drop') return undefined;
  if (result !== 'accept_partial') return EVERYTHING;
  return (attributes) =>
    attempt(() => filter.testAttributes?.(scope, name, stream.kind, unit, attributes)) !== 'drop';
}

function aggregationFor(reader: MetricReader, kind: InstrumentKind): AggregationOption {
  const option = attempt(() => reader.selectAggregation?.(kind));
  return option ?? { type: AGGREGATION_DEFAULT };
}

function temporalityFor(reader: MetricReader, kind: InstrumentKind): AggregationTemporality {
  const temporality = attempt(() => reader.selectAggregationTemporality?.(kind));
  if (temporality === DELTA || temporality === CUMULATIVE) return temporality;
  return CUMULATIVE_TEMPORALITY(kind);
}

/** What users' code returns; undefined where it throws. */
function attempt<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch {
    return undefined;
  }
}
