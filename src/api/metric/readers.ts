import { OtlpError } from '../../errors.ts';
import { say } from '../trace/say.ts';
import type { AggregationOption, InstrumentKind, TemporalitySelector } from './aggregation.ts';
import type { CollectionResult, ResourceMetrics } from './data.ts';
import type {
  CollectOptions,
  Collector,
  ExportResult,
  MetricFilter,
  MetricProducer,
  MetricReader,
  PushMetricExporter,
} from './reader.ts';
import { splitMetrics } from './split.ts';

/** What all readers may be told. */
export interface ReaderOptions {
  /** Temporality of each kind of instruments. Default: what the exporter says, else cumulative. */
  readonly temporality?: TemporalitySelector | undefined;
  /** Aggregation of each kind, where no view says otherwise. Default: what the exporter says. */
  readonly aggregation?: ((kind: InstrumentKind) => AggregationOption) | undefined;
  /** Series of one metric at most, for all kinds or for each. Default the provider's. */
  readonly cardinalityLimit?: number | ((kind: InstrumentKind) => number | undefined) | undefined;
  /** Sources of metrics besides this SDK; their resource is replaced by the provider's. */
  readonly metricProducers?: readonly MetricProducer[] | undefined;
  /** Leaves metrics out, of producers as well. */
  readonly metricFilter?: MetricFilter | undefined;
}

/** A reader that collects when it is told. */
export interface ManualReader extends MetricReader {
  /**
   * Collects what there is, as objects. Rejects with an OtlpError: `invalid_option` before the
   * reader has a provider, `timeout` after its shutdown.
   */
  collect(options?: CollectOptions): Promise<CollectionResult>;
  /** The provider's side of it; undefined before there is one. */
  readonly collector: Collector | undefined;
}

/** What readers have in common: what they want of instruments, and where they collect. */
class Reader {
  collector: Collector | undefined = undefined;
  protected readonly options: ReaderOptions;
  protected isClosed = false;

  constructor(options: ReaderOptions) {
    this.options = options;
  }

  /** @throws OtlpError `invalid_option` where it has a provider already. */
  setMetricProducer(collector: Collector): void {
    if (this.collector !== undefined) {
      throw new OtlpError(
        'invalid_option',
        'a metric reader has a meter provider already; make one for each provider.',
      );
    }
    this.collector = collector;
    this.start(collector);
  }

  protected start(_collector: Collector): void {}

  selectAggregation(kind: InstrumentKind): AggregationOption {
    return this.options.aggregation?.(kind) ?? { type: 0 };
  }

  selectAggregationTemporality(kind: InstrumentKind) {
    return this.options.temporality?.(kind) ?? 1;
  }

  selectCardinalityLimit(kind: InstrumentKind): number | undefined {
    const { cardinalityLimit } = this.options;
    return typeof cardinalityLimit === 'function' ? cardinalityLimit(kind) : cardinalityLimit;
  }

  async collect(options: CollectOptions = {}): Promise<CollectionResult> {
    const { collector } = this;
    if (collector === undefined) {
      throw new OtlpError('invalid_option', 'the metric reader has no meter provider yet.');
    }
    if (this.isClosed) throw new OtlpError('timeout', 'the metric reader is shut down.');
    const asked = { metricFilter: this.options.metricFilter, ...options };
    const [own, ...others] = await Promise.all([collector.collect(asked), ...this.produced(asked)]);
    return {
      resourceMetrics: {
        resource: own.resourceMetrics.resource,
        scopeMetrics: [own, ...others].flatMap((each) => each.resourceMetrics.scopeMetrics),
      },
      errors: [own, ...others].flatMap((each) => each.errors),
    };
  }

  /** What the producers have; one that fails has nothing but an error. */
  produced(asked: CollectOptions): Promise<CollectionResult>[] {
    return (this.options.metricProducers ?? []).map(async (producer) => {
      try {
        return await producer.collect(asked);
      } catch (error) {
        const resourceMetrics = { resource: { attributes: {} }, scopeMetrics: [] };
        return { resourceMetrics, errors: [error] };
      }
    });
  }

  async forceFlush(_options?: { timeoutMillis?: number }): Promise<void> {}

  async shutdown(_options?: { timeoutMillis?: number }): Promise<void> {
    this.isClosed = true;
  }
}

/** Makes a reader that collects when `collect` is called: for pulling exporters, and for tests. */
export function manualReader(options: ReaderOptions = {}): ManualReader {
  return new Reader(options);
}

export interface PeriodicOptions extends ReaderOptions {
  /**
   * Milliseconds from one export to the next. The first comes at a random time within the first
   * interval, so that processes started together do not export together. Default 60000.
   */
  readonly intervalMs?: number | undefined;
  /** Milliseconds that callbacks, and an export, may take. Default 30000, `intervalMs` at most. */
  readonly timeoutMs?: number | undefined;
}

export interface PeriodicReaderOptions extends PeriodicOptions {
  readonly exporter: PushMetricExporter;
  /** Points that one export gets at most. Default all. */
  readonly maxExportBatchSize?: number | undefined;
}

/** Exports what a collector has, however it is collected. */
export interface RequestExporter {
  /** Resolves when all is handed over; rejects where it failed. */
  export(collector: Collector, timeoutMillis: number): Promise<void>;
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
}

const INTERVAL_MS = 60_000;
const TIMEOUT_MS = 30_000;

/** Exports at intervals, never twice at a time. */
class PeriodicReader extends Reader {
  private readonly exporter: RequestExporter;
  private readonly intervalMs: number;
  private readonly timeoutMs: number;
  private cancel: (() => void) | undefined = undefined;
  private nextAt = 0;
  private ongoing: Promise<void> | undefined = undefined;
  private down: Promise<void> | undefined = undefined;

  constructor(options: PeriodicOptions, exporter: (reader: PeriodicReader) => RequestExporter) {
    super(options);
    this.intervalMs = positive(options.intervalMs, 'intervalMs') ?? INTERVAL_MS;
    const timeoutMs = positive(options.timeoutMs, 'timeoutMs') ?? TIMEOUT_MS;
    this.timeoutMs = Math.min(timeoutMs, this.intervalMs);
    this.exporter = exporter(this);
  }

  protected override start({ host }: Collector): void {
    this.nextAt = host.now() + this.intervalMs * (1 - host.random());
    this.plan();
  }

  private plan(): void {
    const { host } = this.collector!;
    const { nextAt } = this;
    this.cancel = host.setTimer(
      () => {
        void this.tick().catch((error: unknown) => failed(error));
        const late = Math.max(0, Math.floor((host.now() - nextAt) / this.intervalMs));
        this.nextAt = nextAt + this.intervalMs * (late + 1);
        this.plan();
      },
      Math.max(0, nextAt - host.now()),
    );
  }

  /** Exports, unless an export is under way. */
  private async tick(): Promise<void> {
    if (this.ongoing !== undefined) return;
    await this.run();
  }

  private run(): Promise<void> {
    const ongoing = this.exporter.export(this.collector!, this.timeoutMs).finally(() => {
      this.ongoing = undefined;
    });
    this.ongoing = ongoing;
    return ongoing;
  }

  override async forceFlush(options?: { timeoutMillis?: number }): Promise<void> {
    if (this.isClosed || this.collector === undefined) return;
    await this.within(this.flushed(), options?.timeoutMillis);
  }

  private async flushed(): Promise<void> {
    // What is under way may have begun before the last measurement.
    while (this.ongoing !== undefined) await this.ongoing.catch(() => undefined);
    let failure: { readonly error: unknown } | undefined;
    try {
      await this.run();
    } catch (error) {
      failure = { error };
    }
    await this.exporter.forceFlush();
    if (failure !== undefined) throw failure.error;
  }

  override shutdown(options?: { timeoutMillis?: number }): Promise<void> {
    this.down ??= this.within(this.ended(), options?.timeoutMillis);
    return this.down;
  }

  private async ended(): Promise<void> {
    this.cancel?.();
    try {
      if (this.collector !== undefined) await this.flushed();
    } finally {
      this.isClosed = true;
      await this.exporter.shutdown();
    }
  }

  /** Rejects when it takes longer; what goes on goes on. */
  within<T>(work: Promise<T>, ms: number | undefined): Promise<T> {
    const host = this.collector?.host;
    if (ms === undefined || host === undefined) return work;
    return new Promise((resolve, reject) => {
      const cancel = host.setTimer(
        () => reject(new OtlpError('timeout', `metrics are not exported within ${ms} ms.`)),
        ms,
      );
      work.then(resolve, reject).finally(cancel);
    });
  }
}

/**
 * Makes a reader that collects at intervals and pushes what there is, as objects, to an exporter
 * (specification, "Periodic exporting MetricReader").
 *
 * @throws OtlpError `invalid_option`
 */
export function periodicReader(options: PeriodicReaderOptions): MetricReader {
  const { exporter } = options;
  const batchSize = positive(options.maxExportBatchSize, 'maxExportBatchSize');
  if (batchSize !== undefined && !Number.isInteger(batchSize)) {
    throw new OtlpError('invalid_option', `maxExportBatchSize is ${batchSize}; use an integer.`);
  }
  const temporality = options.temporality ?? exporter.selectAggregationTemporality?.bind(exporter);
  const aggregation = options.aggregation ?? exporter.selectAggregation?.bind(exporter);
  return new PeriodicReader({ ...options, temporality, aggregation }, (reader) => ({
    async export(_collector, timeoutMillis) {
      const { resourceMetrics, errors } = await reader.collect({ timeoutMillis });
      for (const error of errors) say('error', 'metrics are not complete', error);
      const batches =
        batchSize === undefined ? [resourceMetrics] : splitMetrics(resourceMetrics, batchSize);
      let failure: { readonly error: unknown } | undefined;
      // One after the other: the order stays, and an exporter has one export at a time.
      for (const batch of batches) {
        if (batch.scopeMetrics.length === 0) continue;
        try {
          await reader.within(pushed(exporter, batch), timeoutMillis);
        } catch (error) {
          failure ??= { error };
        }
      }
      if (failure !== undefined) throw failure.error;
    },
    forceFlush: () => exporter.forceFlush(),
    shutdown: () => exporter.shutdown(),
  }));
}

/** Makes a reader that lets an exporter collect at intervals. */
export function requestReader(options: PeriodicOptions, exporter: RequestExporter): MetricReader {
  return new PeriodicReader(options, () => exporter);
}

function pushed(exporter: PushMetricExporter, batch: ResourceMetrics): Promise<void> {
  return new Promise((resolve, reject) => {
    exporter.export(batch, (result: ExportResult) => {
      if (result.code === 0) resolve();
      else reject(result.error ?? new Error('the metric exporter failed'));
    });
  });
}

function failed(error: unknown): void {
  say('error', 'metrics are not exported', error);
}

function positive(value: number | undefined, name: string): number | undefined {
  if (value === undefined || (Number.isFinite(value) && value > 0)) return value;
  throw new OtlpError('invalid_option', `${name} is ${value}; use a positive number.`);
}
