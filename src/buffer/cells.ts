import type { Attributes as PlainAttributes } from '@opentelemetry/api';
import type {
  AggregationTemporality,
  Exemplar,
  ExponentialHistogramValue,
  HistogramValue,
  MetricData,
  SummaryValue,
} from '../api/metric/data.ts';
import type { EngineName, EngineSources } from '../engine/select.ts';
import type { Attributes, Group } from './record.ts';
import { WordWriter } from './words.ts';

/** What the points of a stream have in common: a metric, as one reader has it. */
export interface StreamShape {
  readonly name: string;
  readonly description?: string | undefined;
  readonly unit?: string | undefined;
  /** SUM, GAUGE, HISTOGRAM, EXPONENTIAL_HISTOGRAM or SUMMARY of `api/metric/data.ts`. */
  readonly kind: MetricData['dataPointType'];
  /**
   * DELTA: a series that is written, or {@link Cells.take | taken}, begins anew, and is left out
   * until it is measured again; also of a gauge. By default cumulative.
   */
  readonly temporality?: AggregationTemporality | undefined;
  /** Of a sum. By default it is not. */
  readonly monotonic?: boolean | undefined;
  /** Values of sums, gauges and exemplars are written as integers. By default as doubles. */
  readonly int?: boolean | undefined;
  /** Of a histogram: ascending, each the largest value of its bucket. By default none. */
  readonly boundaries?: readonly number[] | undefined;
  /** Of an exponential histogram: buckets for each sign, at least 2. By default 160. */
  readonly maxSize?: number | undefined;
  /** Of an exponential histogram: -10 to 20, the scale that a series begins with. By default 20. */
  readonly maxScale?: number | undefined;
  /** Whether histograms have a sum: not where values may be negative. By default they do. */
  readonly recordSum?: boolean | undefined;
  /** Whether histograms have their smallest and largest value. By default they do. */
  readonly recordMinMax?: boolean | undefined;
  /**
   * A series is written only when it was measured since it was written last, and keeps its value:
   * asynchronous instruments, whose callback left it out. By default only delta streams do so.
   */
  readonly observed?: boolean | undefined;
  /** Exemplars a series may keep: slots 0 to that. By default none. */
  readonly exemplars?: number | undefined;
  /** They stay when they are written, until others take their place. By default they do not. */
  readonly keepExemplars?: boolean | undefined;
  /** Of an exponential histogram: width of the bucket of zeros, as it is written. By default 0. */
  readonly zeroThreshold?: number | undefined;
}

/** A measurement kept as an example of its series. Ids are words as in `SpanData`. */
export interface ExemplarData {
  readonly value: number;
  readonly sec: number;
  readonly nano: number;
  /** Trace id (4 words) and span id (2 words); undefined where no span was active. */
  readonly ids?: ArrayLike<number> | undefined;
  /** The measurement's attributes that the series does not have. */
  readonly filtered?: Attributes | undefined;
}

/** What one collection is to write. */
export interface CellBatch {
  /** By {@link Cells.group}. */
  readonly resource: number;
  readonly scopes: readonly {
    /** By {@link Cells.group}. */
    readonly scope: number;
    readonly streams: readonly number[];
  }[];
  /** When the points end, and delta series begin anew. */
  readonly timeSec: number;
  readonly timeNano: number;
  /** Bytes of one request at most. By default 4 MiB. */
  readonly maxBytes?: number | undefined;
  /** Points of one request at most. By default as many as fit. */
  readonly maxPoints?: number | undefined;
}

/** What became of the points of a batch. */
export interface CellsEncoded {
  readonly points: number;
  readonly requests: number;
  /** Points left out because one alone would exceed `maxBytes`. */
  readonly tooLarge: number;
}

/**
 * The aggregated state of metrics: streams and their series, in the memory of the binary `metrics`
 * (`assembly/buffer/cell.ts` draws them), from which points are encoded. Addresses of streams, series
 * and groups are numbers that stay the same until they are freed; 0 says that the budget is used up.
 *
 * The hot path of a counter needs no call:
 *
 * ```ts
 * cells.f64[(cell + CELL_VALUE) >> 3] += value; // a gauge: =
 * cells.i32[(cell + CELL_STATE) >> 2] = 1;
 * ```
 *
 * `f64` and `i32` are replaced when memory grows, so they are read from here for each use.
 */
export class Cells extends WordWriter {
  f64!: Float64Array;
  i32!: Int32Array;

  /**
   * @param maxBytes the budget: memory starts with 256 KiB and grows up to that.
   * @param requested forces an engine.
   * @throws OtlpError `engine_unavailable`; the promise rejects with it.
   */
  static open(
    _sources: EngineSources<object>,
    _requested: EngineName | undefined,
    _maxBytes?: number,
  ): Cells | Promise<Cells> {
    return todo();
  }

  get engine(): EngineName {
    return todo();
  }

  /** Bytes that streams, series and groups take, and memory there is for them at most. */
  get usage(): { readonly usedBytes: number; readonly maxBytes: number } {
    return todo();
  }

  /** A resource, or a scope where `group.parent` is there; encoded as it is now. */
  group(_group: Group): number {
    return todo();
  }

  freeGroup(_group: number): void {
    return todo();
  }

  stream(_shape: StreamShape): number {
    return todo();
  }

  /** With all of its series. */
  freeStream(_stream: number): void {
    return todo();
  }

  /**
   * A new series, with nothing measured. Whether there is one with these attributes is the caller's
   * business.
   */
  series(_stream: number, _attributes: Attributes, _startSec: number, _startNano: number): number {
    return todo();
  }

  remove(_cell: number): void {
    return todo();
  }

  /** Not a number: ignored. */
  recordHistogram(_cell: number, _value: number): void {
    return todo();
  }

  /** Not a number, or infinite: ignored. */
  recordExponential(_cell: number, _value: number): void {
    return todo();
  }

  /** Replaces what is in the slot. Left out without memory. */
  setExemplar(_cell: number, _slot: number, _exemplar: ExemplarData): void {
    return todo();
  }

  clearExemplars(_cell: number): void {
    return todo();
  }

  /** What {@link Cells.encode} does to a series that is written, for readers that want objects. */
  take(_cell: number, _sec: number, _nano: number): void {
    return todo();
  }

  attributesOf(_cell: number): PlainAttributes {
    return todo();
  }

  /** Of a sum or a gauge. */
  numberOf(_cell: number): number {
    return todo();
  }

  histogramOf(_cell: number): HistogramValue {
    return todo();
  }

  exponentialOf(_cell: number): ExponentialHistogramValue {
    return todo();
  }

  summaryOf(_cell: number): SummaryValue {
    return todo();
  }

  /** In the order of their slots; undefined where there is none. */
  exemplarsOf(_cell: number): readonly Exemplar[] | undefined {
    return todo();
  }

  /**
   * Encodes every series that has something to say as one ExportMetricsServiceRequest, or as several
   * where it would exceed a limit. Streams, scopes and resources without points are left out.
   *
   * Of a delta stream, and of an `observed` one, a series is written when it was measured since it was
   * last written or taken, of any other one when it ever was. A delta series begins anew at the time
   * of the batch, whether it was written or not; the state word of a series that was not measured
   * counts the collections since it was, downward from 0.
   *
   * @param emit gets each request: bytes in the engine's memory, valid during the call, in which
   *   nothing else is to be done with these cells; and how many points are in it.
   */
  encode(_batch: CellBatch, _emit: (bytes: Uint8Array, points: number) => void): CellsEncoded {
    return todo();
  }
}

function todo(): never {
  throw new Error('not there yet');
}
