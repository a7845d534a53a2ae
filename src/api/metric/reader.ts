import type { Attributes } from '@opentelemetry/api';
import type { CellsEncoded } from '../../buffer/cells.ts';
import type { Host } from '../../runtime/host.ts';
import type { AggregationOption, InstrumentKind } from './aggregation.ts';
import type {
  AggregationTemporality,
  CollectionResult,
  MetricData,
  MetricScope,
  ResourceMetrics,
} from './data.ts';

/** What a metric filter says of a metric, or of one of its points. */
export type MetricFilterResult = 'accept' | 'drop' | 'accept_partial';

/** Leaves metrics out of a collection (specification, "MetricFilter"). */
export interface MetricFilter {
  /** `accept_partial`: `testAttributes` is asked for each point. */
  testMetric(
    scope: MetricScope,
    name: string,
    kind: MetricData['dataPointType'],
    unit: string,
  ): MetricFilterResult;
  testAttributes?(
    scope: MetricScope,
    name: string,
    kind: MetricData['dataPointType'],
    unit: string,
    attributes: Attributes,
  ): 'accept' | 'drop';
}

export interface CollectOptions {
  /**
   * Milliseconds that asynchronous callbacks may take; what comes later is discarded. Default:
   * none, they are waited for.
   */
  readonly timeoutMillis?: number | undefined;
  readonly metricFilter?: MetricFilter | undefined;
}

/** A source of metrics: this SDK's, or one that is bridged (specification, "MetricProducer"). */
export interface MetricProducer {
  collect(options?: CollectOptions): Promise<CollectionResult>;
}

/** Bounds on one request. */
export interface RequestLimits {
  /** Bytes at most. */
  readonly maxBytes: number;
  /** Where requests are put together; by default in the memory of the metrics, which then grows. */
  readonly into?: Uint8Array | undefined;
  /** Points at most. Default as many as fit. */
  readonly maxPoints?: number | undefined;
}

/** Gets one encoded ExportMetricsServiceRequest, which is valid during the call. */
export type EmitRequest = (bytes: Uint8Array, points: number) => void;

export interface RequestsCollected extends CellsEncoded {
  readonly errors: readonly unknown[];
}

/** What a reader may ask of its host. */
export type ReaderHost = Pick<Host, 'now' | 'setTimer'> & {
  /** At least 0, less than 1. */
  random(): number;
};

/** What a provider gives each of its readers. */
export interface Collector extends MetricProducer {
  readonly host: ReaderHost;
  /**
   * Collects, and encodes straight from what is aggregated. Collections of one reader follow one
   * another.
   */
  collectRequests(
    options: RequestLimits & CollectOptions,
    emit: EmitRequest,
  ): Promise<RequestsCollected>;
  /** The same at once, for the end of the process: callbacks that answer later are left out. */
  collectRequestsNow(limits: RequestLimits, emit: EmitRequest): RequestsCollected;
}

/**
 * Decides how and when metrics are collected: upstream's `IMetricReader`, so that its readers work
 * here as they are. Only one provider may have a reader.
 */
export interface MetricReader {
  setMetricProducer(collector: Collector): void;
  /** Default aggregation of a kind of instruments. */
  selectAggregation?(kind: InstrumentKind): AggregationOption;
  /** Default cumulative. */
  selectAggregationTemporality?(kind: InstrumentKind): AggregationTemporality;
  /** Series of one metric at most, that of the overflow included. Default the provider's. */
  selectCardinalityLimit?(kind: InstrumentKind): number | undefined;
  forceFlush(options?: { timeoutMillis?: number }): Promise<void>;
  shutdown(options?: { timeoutMillis?: number }): Promise<void>;
}

/** Upstream's `ExportResult`: 0 is success. */
export interface ExportResult {
  readonly code: number;
  readonly error?: Error | undefined;
}

/** Takes collected metrics: upstream's `PushMetricExporter`. */
export interface PushMetricExporter {
  export(metrics: ResourceMetrics, done: (result: ExportResult) => void): void;
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
  selectAggregation?(kind: InstrumentKind): AggregationOption;
  selectAggregationTemporality?(kind: InstrumentKind): AggregationTemporality;
}
