import type { Attributes as PlainAttributes } from '@opentelemetry/api';
import {
  type AggregationTemporality,
  DELTA,
  EXPONENTIAL_HISTOGRAM,
  type Exemplar,
  type ExponentialBuckets,
  type ExponentialHistogramValue,
  HISTOGRAM,
  type HistogramValue,
  type MetricData,
  type SummaryValue,
} from '../api/metric/data.ts';
import { hexOfWord } from '../api/trace/ids.ts';
import { type Binary, selectBinary } from '../engine/binary.ts';
import type { MetricsExports } from '../engine/generated/contract.ts';
import {
  BATCH_CELL,
  BATCH_MOST,
  BATCH_NEXT,
  BATCH_POINTS,
  BATCH_RESOURCE,
  BATCH_SCOPE,
  BATCH_SCOPES,
  BATCH_STREAMS,
  BATCH_TIME,
  BATCH_TOO_LARGE,
  BUCKETS_ADDRESS,
  BUCKETS_LENGTH,
  BUCKETS_OFFSET,
  CELL_ATTRIBUTES_BYTES,
  CELL_COUNT,
  CELL_COUNTS,
  CELL_EXEMPLARS,
  CELL_MAX,
  CELL_MIN,
  CELL_NEGATIVE,
  CELL_NEXT,
  CELL_POSITIVE,
  CELL_SCALE,
  CELL_START,
  CELL_STATE,
  CELL_STREAM,
  CELL_VALUE,
  CELL_ZEROS,
  EXEMPLAR_ATTRIBUTES,
  EXEMPLAR_ATTRIBUTES_BYTES,
  EXEMPLAR_BYTES,
  EXEMPLAR_SPAN_ID,
  EXEMPLAR_STATE,
  EXEMPLAR_TIME,
  EXEMPLAR_TRACE_ID,
  EXEMPLAR_VALUE,
  GROUP_HEADER_BYTES,
  GROUP_POSTLUDE,
  GROUP_PRELUDE,
  GROW,
  HEAP_BASE,
  HEAP_LIMIT,
  HEAP_ROOM_END,
  HEAP_TOP,
  HEAP_USED,
  OVERSHOOT_BYTES,
  STATUS_NO_ROOM,
  STREAM_CELL_BYTES,
  STREAM_DELTA,
  STREAM_EXEMPLARS,
  STREAM_FIRST,
  STREAM_FLAGS,
  STREAM_HEADER_BYTES,
  STREAM_INT,
  STREAM_KEEPS_EXEMPLARS,
  STREAM_MIN_MAX,
  STREAM_MONOTONIC,
  STREAM_OBSERVED,
  STREAM_SIZE,
  STREAM_SUM,
  STREAM_ZERO,
} from '../engine/generated/layout.ts';
import { type EngineName, type EngineSources, PAGE_BYTES, pagesOf } from '../engine/select.ts';
import { readAttributes } from './key-values.ts';
import type { Attributes, Group } from './record.ts';
import { OVERFLOW, SLACK_WORDS, WordWriter } from './words.ts';

const FIRST_BYTES = 4 * PAGE_BYTES;
const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;
const DEFAULT_REQUEST_BYTES = 4 * 1024 * 1024;
/** Most that is kept free for requests, and the share of a small budget. */
const RESERVE_BYTES = DEFAULT_REQUEST_BYTES + PAGE_BYTES;
const RESERVE_SHARE = 4;
/** What a request may have besides what its streams and series take in memory. */
const ENVELOPE_BYTES = PAGE_BYTES;
/** Two thirds of that are for a histogram's boundaries, which each point repeats. */
const REQUEST_TIMES_HEAP = 3;
/** A request that is put together elsewhere has pieces of that size, unless a point is larger. */
const PIECE_BYTES = 256 * 1024;
/** Memory grows by this share of it. */
const GROWTH_SHARE = 4;
const DEFAULT_MAX_SIZE = 160;
const DEFAULT_MAX_SCALE = 20;

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
  /** Of a summary: how many of its quantiles each point has. By default none. */
  readonly quantiles?: number | undefined;
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
  /** Bytes of one request at most. By default 4 MiB, or as many as `into` has. */
  readonly maxBytes?: number | undefined;
  /**
   * Where requests are put together: then the engine's memory need hold only a piece of one at a
   * time. By default they are made there as a whole.
   */
  readonly into?: Uint8Array | undefined;
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
 * and groups are numbers that stay the same until they are freed; 0 says that the budget is used up,
 * and nothing is to be recorded there.
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
  f64: Float64Array;
  i32: Int32Array;
  private binary: Binary<MetricsExports>;
  private exports: MetricsExports;
  private maxBytes: number;
  /** The room has a batch in it. */
  private encoding = false;
  /** What points may take at most: the longest words, exemplars and buckets of any series. */
  private longest = 0;
  private mostExemplars = 0;
  private mostBuckets = 0;

  private constructor(binary: Binary<MetricsExports>, maxBytes: number) {
    super(binary.buffer);
    this.binary = binary;
    this.exports = binary.exports;
    this.maxBytes = maxBytes;
    this.i32 = this.words;
    this.f64 = new Float64Array(binary.buffer);
    this.i32[HEAP_ROOM_END >> 2] = binary.buffer.byteLength - OVERSHOOT_BYTES;
    this.i32[HEAP_LIMIT >> 2] = heapLimit(maxBytes);
    this.exports.initCells();
  }

  /**
   * @param requested forces an engine.
   * @param maxBytes the budget, 256 KiB at least: memory starts with that and grows up to it. A
   *   quarter of it, 4 MiB at most, is kept for requests.
   * @throws OtlpError `engine_unavailable`; the promise rejects with it.
   */
  static open(
    sources: EngineSources<MetricsExports>,
    requested: EngineName | undefined,
    maxBytes = DEFAULT_MAX_BYTES,
  ): Cells | Promise<Cells> {
    const budget = pagesOf(Math.max(FIRST_BYTES, maxBytes)) * PAGE_BYTES;
    const binary = selectBinary(sources, FIRST_BYTES, budget, requested);
    if (!('then' in binary)) return new Cells(binary, budget);
    return (binary as Promise<Binary<MetricsExports>>).then((loaded) => new Cells(loaded, budget));
  }

  get engine(): EngineName {
    return this.binary.engine;
  }

  /** Bytes that streams, series and groups take, and memory there is for them at most. */
  get usage(): { readonly usedBytes: number; readonly maxBytes: number } {
    return { usedBytes: this.i32[HEAP_USED >> 2]!, maxBytes: heapLimit(this.maxBytes) - HEAP_BASE };
  }

  /** A resource, or a scope where `group.parent` is there; encoded as it is now. */
  group(group: Group): number {
    const { parent, attributes } = group;
    return this.made(
      (at) => {
        let w = this.inline(at, group.schemaUrl);
        if (w < 0) return OVERFLOW;
        this.words[w++] = attributes.count;
        this.words[w++] = group.dropped;
        if (parent !== undefined) {
          w = this.inline(w, group.name);
          if (w >= 0) w = this.inline(w, group.version);
        }
        return w < 0 ? OVERFLOW : this.attributes(w, attributes);
      },
      (words, image) => this.exports.addGroup(words, image, parent === undefined ? 0 : 1),
    );
  }

  freeGroup(group: number): void {
    if (group === 0) return;
    const { i32 } = this;
    const bytes = i32[(group + GROUP_PRELUDE) >> 2]! + i32[(group + GROUP_POSTLUDE) >> 2]!;
    this.exports.free(group, (GROUP_HEADER_BYTES + bytes + 3) & ~3);
  }

  stream(shape: StreamShape): number {
    const { kind } = shape;
    const boundaries = kind === HISTOGRAM ? (shape.boundaries ?? []) : [];
    const flags =
      (shape.monotonic ? STREAM_MONOTONIC : 0) |
      (shape.int ? STREAM_INT : 0) |
      (shape.temporality === DELTA ? STREAM_DELTA : 0) |
      (shape.recordSum === false ? 0 : STREAM_SUM) |
      (shape.recordMinMax === false ? 0 : STREAM_MIN_MAX) |
      (shape.observed ? STREAM_OBSERVED : 0) |
      (shape.keepExemplars ? STREAM_KEEPS_EXEMPLARS : 0);
    let size = shape.quantiles ?? 0;
    if (kind === HISTOGRAM) size = boundaries.length;
    else if (kind === EXPONENTIAL_HISTOGRAM) size = Math.max(2, shape.maxSize ?? DEFAULT_MAX_SIZE);
    this.mostBuckets = Math.max(this.mostBuckets, size);
    this.mostExemplars = Math.max(this.mostExemplars, shape.exemplars ?? 0);
    return this.made(
      (at) => {
        const { words, limit, f64 } = this;
        const texts = at + 8 + 2 * boundaries.length;
        if (texts > limit) return OVERFLOW;
        words[at] = kind;
        words[at + 1] = flags;
        words[at + 2] = size;
        words[at + 3] = shape.maxScale ?? DEFAULT_MAX_SCALE;
        words[at + 4] = shape.exemplars ?? 0;
        words[at + 5] = 0;
        f64[(at >> 1) + 3] = shape.zeroThreshold ?? 0;
        f64.set(boundaries, (at >> 1) + 4);
        let w = this.inline(texts, shape.name);
        if (w >= 0) w = this.inline(w, shape.description ?? '');
        return w < 0 ? OVERFLOW : this.inline(w, shape.unit ?? '');
      },
      (words, image) => this.exports.addStream(words, image),
    );
  }

  /** With all of its series. */
  freeStream(stream: number): void {
    if (stream !== 0) this.exports.removeStream(stream);
  }

  /**
   * A new series, with nothing measured. Whether there is one with these attributes is the caller's
   * business.
   */
  series(stream: number, attributes: Attributes, startSec: number, startNano: number): number {
    if (stream === 0) return 0;
    const cell = this.made(
      (at) => this.attributes(at, attributes),
      (words, image) => this.exports.addSeries(stream, words, attributes.count, image),
    );
    if (cell === 0) return 0;
    this.i32[(cell + CELL_START) >> 2] = startSec;
    this.i32[(cell + CELL_START + 4) >> 2] = startNano;
    return cell;
  }

  remove(cell: number): void {
    if (cell !== 0) this.exports.removeSeries(cell);
  }

  /** Not a number: ignored. */
  recordHistogram(cell: number, value: number): void {
    this.exports.recordHistogram(cell, value);
  }

  /** Not a number, or infinite: ignored. */
  recordExponential(cell: number, value: number): void {
    while (this.exports.recordExponential(cell, value) !== 0) {
      if (this.grow()) continue;
      // There is no more memory: it makes do with what there is.
      this.exports.recordExponential(cell, value);
      return;
    }
  }

  /** Replaces what is in the slot. Left out without memory. */
  setExemplar(cell: number, slot: number, exemplar: ExemplarData): void {
    const stream = this.i32[(cell + CELL_STREAM) >> 2]!;
    if (slot >= this.i32[(stream + STREAM_EXEMPLARS) >> 2]!) return;
    let first = this.exports.exemplarsOf(cell);
    if (first === GROW && this.grow()) first = this.exports.exemplarsOf(cell);
    if (first <= 0) return;
    const at = first + slot * EXEMPLAR_BYTES;
    const { ids, filtered } = exemplar;
    if (filtered === undefined || filtered.count === 0) {
      this.exports.setExemplarAttributes(at, 0, 0, 0);
    } else {
      const set = this.made(
        (w) => this.attributes(w, filtered),
        (words, image) => this.exports.setExemplarAttributes(at, words, filtered.count, image),
      );
      if (set === 0) return;
    }
    const { i32 } = this;
    this.f64[(at + EXEMPLAR_VALUE) >> 3] = exemplar.value;
    i32[(at + EXEMPLAR_TIME) >> 2] = exemplar.sec;
    i32[(at + EXEMPLAR_TIME + 4) >> 2] = exemplar.nano;
    for (let i = 0; ids !== undefined && i < 6; i++) {
      i32[((at + (i < 4 ? EXEMPLAR_TRACE_ID : EXEMPLAR_SPAN_ID - 16)) >> 2) + i] = ids[i]!;
    }
    i32[(at + EXEMPLAR_STATE) >> 2] = ids === undefined ? 1 : 2;
  }

  clearExemplars(cell: number): void {
    this.exports.clearExemplars(cell);
  }

  /** What {@link Cells.encode} does to a series that is written, for readers that want objects. */
  take(cell: number, sec: number, nano: number): void {
    const { i32 } = this;
    // The room begins there.
    const time = i32[HEAP_TOP >> 2]!;
    i32[time >> 2] = sec;
    i32[(time >> 2) + 1] = nano;
    this.exports.take(cell, time);
  }

  /**
   * Gives a series of an exponential histogram `length` empty buckets of one sign, from `offset` on.
   *
   * @returns the address of the first one's count in `f64`, or 0.
   */
  buckets(cell: number, negative: boolean, offset: number, length: number): number {
    for (;;) {
      const at = this.exports.setBuckets(cell, negative ? 1 : 0, offset, length);
      if (at >= 0) return at;
      if (!this.grow()) return 0;
    }
  }

  attributesOf(cell: number): PlainAttributes {
    const at = cell + this.i32[(this.streamOf(cell) + STREAM_CELL_BYTES) >> 2]!;
    const bytes = this.i32[(cell + CELL_ATTRIBUTES_BYTES) >> 2]!;
    return readAttributes(this.bytes.subarray(at, at + bytes));
  }

  /** Of a sum or a gauge. */
  numberOf(cell: number): number {
    return this.f64[(cell + CELL_VALUE) >> 3]!;
  }

  histogramOf(cell: number): HistogramValue {
    const stream = this.streamOf(cell);
    const size = this.i32[(stream + STREAM_SIZE) >> 2]!;
    return {
      buckets: {
        boundaries: this.numbers(stream + STREAM_HEADER_BYTES, size),
        counts: this.numbers(cell + CELL_COUNTS, size + 1),
      },
      ...this.totals(cell),
    };
  }

  exponentialOf(cell: number): ExponentialHistogramValue {
    return {
      ...this.totals(cell),
      scale: this.i32[(cell + CELL_SCALE) >> 2]!,
      zeroCount: this.f64[(cell + CELL_ZEROS) >> 3]!,
      zeroThreshold: this.f64[(this.streamOf(cell) + STREAM_ZERO) >> 3]!,
      positive: this.bucketsAt(cell + CELL_POSITIVE),
      negative: this.bucketsAt(cell + CELL_NEGATIVE),
    };
  }

  summaryOf(cell: number): SummaryValue {
    const size = this.i32[(this.streamOf(cell) + STREAM_SIZE) >> 2]!;
    const pairs = this.numbers(cell + CELL_COUNTS, 2 * size);
    return {
      count: this.f64[(cell + CELL_COUNT) >> 3]!,
      sum: this.numberOf(cell),
      quantiles: Array.from({ length: size }, (_, i) => ({
        quantile: pairs[2 * i]!,
        value: pairs[2 * i + 1]!,
      })),
    };
  }

  /** In the order of their slots; undefined where there is none. */
  exemplarsOf(cell: number): readonly Exemplar[] | undefined {
    const first = this.i32[(cell + CELL_EXEMPLARS) >> 2]!;
    if (first === 0) return undefined;
    const exemplars: Exemplar[] = [];
    const slots = this.i32[(this.streamOf(cell) + STREAM_EXEMPLARS) >> 2]!;
    for (let slot = 0; slot < slots; slot++) {
      const at = first + slot * EXEMPLAR_BYTES;
      if (this.i32[(at + EXEMPLAR_STATE) >> 2] !== 0) exemplars.push(this.exemplarAt(at));
    }
    return exemplars.length > 0 ? exemplars : undefined;
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
  encode(batch: CellBatch, emit: (bytes: Uint8Array, points: number) => void): CellsEncoded {
    const at = this.i32[HEAP_TOP >> 2]!;
    const { into } = batch;
    const most = into?.length ?? DEFAULT_REQUEST_BYTES;
    const maxBytes = Math.min(batch.maxBytes ?? most, into === undefined ? MOST : most);
    const whole = (at - HEAP_BASE) * REQUEST_TIMES_HEAP + ENVELOPE_BYTES;
    const likely = into === undefined ? whole : Math.min(whole, this.pieceBytes());
    const streams = batch.scopes.reduce((sum, scope) => sum + 2 + scope.streams.length, 0);
    const wanted = at + BATCH_SCOPES + 4 * streams + Math.min(likely, maxBytes + OVERSHOOT_BYTES);
    while (wanted > this.i32[HEAP_ROOM_END >> 2]! && this.grow()) {
      // A share of the budget is kept for what has no room otherwise.
    }
    const out = this.writeBatch(at, batch);
    const { i32, bytes } = this;
    const limit = i32[HEAP_LIMIT >> 2]!;
    const room = Math.min(maxBytes, i32[HEAP_ROOM_END >> 2]! - out);
    let points = 0;
    let requests = 0;
    let written = 0;
    // Pieces one behind the other are one message: repeated fields go on.
    let held = 0;
    let heldPoints = 0;
    const send = () => {
      if (held > 0) emit(into!.subarray(0, held), heldPoints);
      requests += held > 0 ? 1 : 0;
      held = 0;
      heldPoints = 0;
    };
    // What is measured meanwhile may take blocks that were freed, but not those in the room.
    this.encoding = true;
    i32[HEAP_LIMIT >> 2] = at;
    try {
      for (;;) {
        written = this.exports.encodeCells(at, out, room);
        if (written <= 0) break;
        const more = i32[(at + BATCH_POINTS) >> 2]!;
        points += more;
        if (into === undefined) {
          requests++;
          emit(bytes.subarray(out, out + written), more);
          continue;
        }
        if (held + written > maxBytes || heldPoints + more > (batch.maxPoints ?? MOST)) send();
        into.set(bytes.subarray(out, out + written), held);
        held += written;
        heldPoints += more;
      }
      send();
    } finally {
      this.encoding = false;
      i32[HEAP_LIMIT >> 2] = limit;
    }
    const tooLarge =
      written === STATUS_NO_ROOM ? this.measured(batch) : i32[(at + BATCH_TOO_LARGE) >> 2]!;
    return { points, requests, tooLarge };
  }

  /** Returns the address behind it. */
  private writeBatch(at: number, batch: CellBatch): number {
    const { i32 } = this;
    const from = at >> 2;
    i32[from + (BATCH_TIME >> 2)] = batch.timeSec;
    i32[from + (BATCH_TIME >> 2) + 1] = batch.timeNano;
    i32[from + (BATCH_RESOURCE >> 2)] = batch.resource;
    i32[from + (BATCH_MOST >> 2)] = Math.min(batch.maxPoints ?? MOST, MOST);
    i32[from + (BATCH_NEXT >> 2)] = at + BATCH_SCOPES;
    for (const word of [BATCH_SCOPE, BATCH_STREAMS, BATCH_CELL, BATCH_POINTS, BATCH_TOO_LARGE]) {
      i32[from + (word >> 2)] = 0;
    }
    let w = from + (BATCH_SCOPES >> 2);
    for (const { scope, streams } of batch.scopes) {
      if (scope === 0) continue;
      const count = w + 1;
      i32[w] = scope;
      w += 2;
      for (const stream of streams) if (stream !== 0) i32[w++] = stream;
      i32[count] = w - count - 1;
    }
    i32[w++] = 0;
    return ((w << 2) + 15) & ~15;
  }

  /** Series that would have been written. */
  private measured(batch: CellBatch): number {
    const { i32 } = this;
    let count = 0;
    for (const stream of batch.scopes.flatMap((scope) => scope.streams)) {
      if (stream === 0) continue;
      let cell = i32[(stream + STREAM_FIRST) >> 2]!;
      for (; cell !== 0; cell = i32[(cell + CELL_NEXT) >> 2]!) {
        if (i32[(cell + CELL_STATE) >> 2]! > 0) count++;
      }
    }
    return count;
  }

  private streamOf(cell: number): number {
    return this.i32[(cell + CELL_STREAM) >> 2]!;
  }

  private numbers(at: number, count: number): number[] {
    return Array.from(this.f64.subarray(at >> 3, (at >> 3) + count));
  }

  private totals(cell: number): Pick<HistogramValue, 'count' | 'sum' | 'min' | 'max'> {
    const { f64 } = this;
    const flags = this.i32[(this.streamOf(cell) + STREAM_FLAGS) >> 2]!;
    const count = f64[(cell + CELL_COUNT) >> 3]!;
    const min = f64[(cell + CELL_MIN) >> 3]!;
    const max = f64[(cell + CELL_MAX) >> 3]!;
    const extremes = (flags & STREAM_MIN_MAX) !== 0 && min <= max;
    return {
      count,
      sum: (flags & STREAM_SUM) !== 0 ? f64[(cell + CELL_VALUE) >> 3]! : undefined,
      min: extremes ? min : undefined,
      max: extremes ? max : undefined,
    };
  }

  private bucketsAt(buckets: number): ExponentialBuckets {
    const { i32 } = this;
    const length = i32[(buckets + BUCKETS_LENGTH) >> 2]!;
    return {
      offset: length === 0 ? 0 : i32[(buckets + BUCKETS_OFFSET) >> 2]!,
      bucketCounts: this.numbers(i32[(buckets + BUCKETS_ADDRESS) >> 2]!, length),
    };
  }

  private exemplarAt(at: number): Exemplar {
    const { i32 } = this;
    const attributes = i32[(at + EXEMPLAR_ATTRIBUTES) >> 2]!;
    const bytes = attributes === 0 ? 0 : i32[(at + EXEMPLAR_ATTRIBUTES_BYTES) >> 2]!;
    const withIds = i32[(at + EXEMPLAR_STATE) >> 2] === 2;
    const hex = (first: number, words: number) =>
      withIds
        ? Array.from(i32.subarray(first >> 2, (first >> 2) + words), hexOfWord).join('')
        : undefined;
    return {
      filteredAttributes: readAttributes(this.bytes.subarray(attributes, attributes + bytes)),
      time: [i32[(at + EXEMPLAR_TIME) >> 2]! >>> 0, i32[(at + EXEMPLAR_TIME + 4) >> 2]!],
      value: this.f64[(at + EXEMPLAR_VALUE) >> 3]!,
      traceId: hex(at + EXEMPLAR_TRACE_ID, 4),
      spanId: hex(at + EXEMPLAR_SPAN_ID, 2),
    };
  }

  /** Keys and values, both inline: what is made of them outlives any table of strings. */
  private attributes(w: number, { shape, count, values }: Attributes): number {
    for (let i = 0; i < count && w >= 0; i++) {
      w = w > this.limit ? OVERFLOW : this.inlineKey(w, shape.keys[i]!.name, values[i]!);
    }
    return w;
  }

  /**
   * Has words written into the room, and a block made of them, with more memory where that has no
   * place; 0 where there is none.
   */
  private made(
    write: (w: number) => number,
    make: (words: number, image: number) => number,
  ): number {
    if (this.encoding) return 0;
    for (;;) {
      const at = this.i32[HEAP_TOP >> 2]!;
      this.limit = (this.i32[HEAP_ROOM_END >> 2]! >> 2) - SLACK_WORDS;
      const w = at >> 2 > this.limit ? OVERFLOW : write(at >> 2);
      this.longest = Math.max(this.longest, (w << 2) - at);
      const block = w < 0 ? GROW : make(at, ((w << 2) + 15) & ~15);
      if (block !== GROW) return block;
      if (!this.grow()) return 0;
    }
  }

  /**
   * Room for a piece of a request with a point as large as any there may be: its attributes and its
   * boundaries are words of this length at most, and so are those of each exemplar.
   */
  private pieceBytes(): number {
    const { longest, mostExemplars, mostBuckets } = this;
    const point = 4 * longest + 20 * mostBuckets + mostExemplars * (EXEMPLAR_BYTES + 2 * longest);
    return Math.max(PIECE_BYTES, point + ENVELOPE_BYTES);
  }

  /** Makes memory grow, as far as the budget and the host have it; false where that is not at all. */
  private grow(): boolean {
    const { byteLength } = this.binary.buffer;
    try {
      if (byteLength >= this.maxBytes) throw new RangeError('the budget is used up');
      const more = Math.max(FIRST_BYTES, Math.ceil(byteLength / GROWTH_SHARE));
      this.binary = this.binary.grown(Math.min(byteLength + more, this.maxBytes));
    } catch {
      // The heap need not ask again.
      this.maxBytes = byteLength;
      const limit = Math.max(this.i32[HEAP_TOP >> 2]!, heapLimit(byteLength));
      this.i32[HEAP_LIMIT >> 2] = Math.min(this.i32[HEAP_LIMIT >> 2]!, limit);
      return false;
    }
    const { buffer, exports } = this.binary;
    this.exports = exports;
    this.words = new Int32Array(buffer);
    this.bytes = new Uint8Array(buffer);
    this.i32 = this.words;
    this.f64 = new Float64Array(buffer);
    this.i32[HEAP_ROOM_END >> 2] = buffer.byteLength - OVERSHOOT_BYTES;
    return true;
  }
}

/** No i32 has more. */
const MOST = 0x7fffffff;

/** How far the heap may reach in a memory that large. */
function heapLimit(memoryBytes: number): number {
  return memoryBytes - Math.min(memoryBytes / RESERVE_SHARE, RESERVE_BYTES);
}
