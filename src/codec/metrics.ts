/**
 * Metrics that somebody has collected, as objects, to ExportMetricsServiceRequests: by the kernel
 * that encodes cells, from cells that last as long as the call.
 */

import { type HrTime, ValueType } from '@opentelemetry/api';
import {
  type DataPoint,
  EXPONENTIAL_HISTOGRAM,
  type ExponentialBuckets,
  type ExponentialHistogramValue,
  GAUGE,
  HISTOGRAM,
  type HistogramValue,
  type MetricData,
  type MetricScope,
  type ResourceMetrics,
  SUM,
  SUMMARY,
  type SummaryValue,
} from '../api/metric/data.ts';
import { describe, setAttributes, textOf } from '../api/trace/attributes.ts';
import { idsOf } from '../api/trace/ids.ts';
import type { CellBatch, Cells, StreamShape } from '../buffer/cells.ts';
import { type Attributes, Group } from '../buffer/record.ts';
import { type ShapeTree, unboundedTree } from '../buffer/shape.ts';
import {
  CELL_COUNT,
  CELL_COUNTS,
  CELL_END,
  CELL_MAX,
  CELL_MIN,
  CELL_SCALE,
  CELL_STATE,
  CELL_VALUE,
  CELL_ZEROS,
} from '../engine/generated/layout.ts';

/** What became of the points. */
export interface MetricsEncoded {
  readonly points: number;
  readonly requests: number;
  /** Left out because one alone would exceed the limits, or has no room in memory. */
  readonly tooLarge: number;
  /** Left out because they are none. */
  readonly invalid: number;
  /** What is the matter with the first of those. */
  readonly problem: unknown;
}

type Point = DataPoint<unknown>;
type Emit = (bytes: Uint8Array, points: number) => void;

/** A stream of the metric at hand, and what all of its points have in common. */
interface Stream {
  readonly stream: number;
  readonly boundaries: readonly number[];
  readonly quantiles: number;
  readonly recordSum: boolean;
  readonly zeroThreshold: number;
}

/** A point has no room, though there may be some when what is there is encoded. */
const NO_ROOM = 0;

/** What one call goes through. */
class Collected {
  points = 0;
  requests = 0;
  tooLarge = 0;
  invalid = 0;
  problem: unknown = undefined;
  private readonly cells: Cells;
  private readonly limits: Pick<CellBatch, 'maxBytes' | 'maxPoints'>;
  private readonly emit: Emit;
  private readonly resource: number;
  private readonly groups: number[] = [];
  private scopes: { scope: number; streams: number[] }[] = [];
  /** Those of the metric at hand: one, unless its points differ in what a stream says for all. */
  private streams: Stream[] = [];
  private readonly attributes: Attributes;

  constructor(cells: Cells, resource: number, limits: Collected['limits'], emit: Emit) {
    this.cells = cells;
    this.resource = resource;
    this.limits = limits;
    this.emit = emit;
    this.groups.push(resource);
    tree ??= unboundedTree();
    this.attributes = { shape: tree.first(tree.key('')), count: 0, values: [] };
  }

  scope(group: Group, metrics: readonly MetricData[]): void {
    const scope = this.resource === NO_ROOM ? NO_ROOM : this.cells.group(group);
    this.groups.push(scope);
    for (const metric of metrics) {
      this.streams = [];
      const slots = exemplarsOf(metric);
      for (const point of metric.dataPoints as readonly Point[]) {
        try {
          let done = scope !== NO_ROOM && this.put(scope, metric, slots, point);
          if (!done && scope !== NO_ROOM && this.scopes.length > 0) {
            this.flush();
            done = this.put(scope, metric, slots, point);
          }
          if (!done) this.tooLarge++;
        } catch (error) {
          this.invalid++;
          this.problem ??= error;
        }
      }
    }
  }

  /** Encodes what is there, and frees it. */
  flush(): void {
    const { cells, scopes } = this;
    if (scopes.length === 0) return;
    this.scopes = [];
    this.streams = [];
    const batch = { resource: this.resource, scopes, timeSec: 0, timeNano: 0, ...this.limits };
    try {
      const encoded = cells.encode(batch, this.emit);
      this.points += encoded.points;
      this.requests += encoded.requests;
      this.tooLarge += encoded.tooLarge;
    } finally {
      for (const { streams } of scopes.reverse()) {
        for (const stream of streams.reverse()) cells.freeStream(stream);
      }
    }
  }

  free(): void {
    for (const { streams } of this.scopes) {
      for (const stream of streams) this.cells.freeStream(stream);
    }
    for (const group of this.groups.reverse()) this.cells.freeGroup(group);
  }

  /** False where it has no room. Throws where it is no point. */
  private put(scope: number, metric: MetricData, slots: number, point: Point): boolean {
    const { cells, attributes } = this;
    const stream = this.streamFor(scope, metric, slots, point.value);
    if (stream === NO_ROOM) return false;
    attributes.count = 0;
    setAttributes(attributes, point.attributes);
    const [sec, nano] = timeOf(point.startTime);
    const end = timeOf(point.endTime);
    const cell = cells.series(stream, attributes, sec, nano);
    if (cell === NO_ROOM) return false;
    let placed = false;
    try {
      placed = this.fill(cell, metric, point.value);
      this.exemplars(cell, point);
    } finally {
      if (!placed) cells.remove(cell);
    }
    if (!placed) return false;
    cells.i32[(cell + CELL_END) >> 2] = end[0];
    cells.i32[(cell + CELL_END + 4) >> 2] = end[1];
    cells.i32[(cell + CELL_STATE) >> 2] = 1;
    return true;
  }

  private streamFor(scope: number, metric: MetricData, slots: number, value: unknown): number {
    const { dataPointType: kind } = metric;
    const has = (value ?? {}) as Partial<HistogramValue & ExponentialHistogramValue & SummaryValue>;
    const wanted = {
      boundaries: kind === HISTOGRAM ? has.buckets!.boundaries : [],
      quantiles: kind === SUMMARY ? has.quantiles!.length : 0,
      recordSum: typeof has.sum === 'number',
      zeroThreshold: has.zeroThreshold ?? 0,
    };
    for (const known of this.streams) if (isSame(known, wanted)) return known.stream;
    const { descriptor, aggregationTemporality } = metric;
    const shape: StreamShape = {
      ...wanted,
      name: textOf(descriptor.name),
      description: textOf(descriptor.description ?? ''),
      unit: textOf(descriptor.unit ?? ''),
      kind,
      temporality: aggregationTemporality,
      monotonic: kind === SUM && metric.isMonotonic,
      int: descriptor.valueType === ValueType.INT,
      exemplars: slots,
    };
    const stream = this.cells.stream(shape);
    if (stream === NO_ROOM) return NO_ROOM;
    this.streams.push({ ...wanted, stream });
    const last = this.scopes.at(-1);
    if (last?.scope === scope) last.streams.push(stream);
    else this.scopes.push({ scope, streams: [stream] });
    return stream;
  }

  /** False where there is no room for its buckets. */
  private fill(cell: number, { dataPointType: kind }: MetricData, value: unknown): boolean {
    const { cells } = this;
    if (kind === SUM || kind === GAUGE) {
      cells.f64[(cell + CELL_VALUE) >> 3] = numberOf(value);
      return true;
    }
    if (kind !== HISTOGRAM && kind !== EXPONENTIAL_HISTOGRAM && kind !== SUMMARY) {
      throw new TypeError(`a point of type ${textOf(kind)}, which there is not`);
    }
    const total = value as HistogramValue;
    cells.f64[(cell + CELL_VALUE) >> 3] = numberOf(total.sum ?? 0);
    cells.f64[(cell + CELL_COUNT) >> 3] = countOf(total.count);
    if (kind === SUMMARY) {
      let at = (cell + CELL_COUNTS) >> 3;
      for (const each of (value as SummaryValue).quantiles) {
        cells.f64[at++] = numberOf(each.quantile);
        cells.f64[at++] = numberOf(each.value);
      }
      return true;
    }
    if (typeof total.min === 'number' && typeof total.max === 'number') {
      cells.f64[(cell + CELL_MIN) >> 3] = total.min;
      cells.f64[(cell + CELL_MAX) >> 3] = total.max;
    }
    if (kind === EXPONENTIAL_HISTOGRAM) return this.fillExponential(cell, value);
    const { boundaries, counts } = total.buckets;
    if (counts.length !== boundaries.length + 1 && counts.length !== 0) {
      throw new TypeError(`${boundaries.length} boundaries and ${counts.length} counts`);
    }
    const at = (cell + CELL_COUNTS) >> 3;
    // Without buckets all is in one.
    if (counts.length === 0) cells.f64[at] = total.count;
    else counts.forEach((count, i) => void (cells.f64[at + i] = countOf(count)));
    return true;
  }

  private fillExponential(cell: number, value: unknown): boolean {
    const { cells } = this;
    const { scale, zeroCount, positive, negative } = value as ExponentialHistogramValue;
    cells.i32[(cell + CELL_SCALE) >> 2] = numberOf(scale);
    cells.f64[(cell + CELL_ZEROS) >> 3] = countOf(zeroCount);
    return this.fillBuckets(cell, positive, false) && this.fillBuckets(cell, negative, true);
  }

  private fillBuckets(cell: number, buckets: ExponentialBuckets, negative: boolean): boolean {
    const { offset, bucketCounts } = buckets;
    if (bucketCounts.length === 0) return true;
    const at = this.cells.buckets(cell, negative, numberOf(offset), bucketCounts.length);
    if (at === NO_ROOM) return false;
    const { f64 } = this.cells;
    bucketCounts.forEach((count, i) => void (f64[(at >> 3) + i] = countOf(count)));
    return true;
  }

  private exemplars(cell: number, { exemplars }: Point): void {
    exemplars?.forEach(({ filteredAttributes, time, value, traceId, spanId }, slot) => {
      const [sec, nano] = timeOf(time);
      const ids =
        traceId !== undefined && spanId !== undefined ? idsOf(traceId, spanId) : undefined;
      const { attributes } = this;
      attributes.count = 0;
      setAttributes(attributes, filteredAttributes);
      this.cells.setExemplar(cell, slot, {
        value: numberOf(value),
        sec,
        nano,
        ids,
        filtered: attributes,
      });
    });
  }
}

/** Shapes of the attributes of points and of exemplars. */
let tree: ShapeTree | undefined;

/** As many as any of its points has. */
function exemplarsOf(metric: MetricData): number {
  let most = 0;
  for (const { exemplars } of metric.dataPoints as readonly Point[]) {
    if (exemplars !== undefined && exemplars.length > most) most = exemplars.length;
  }
  return most;
}

function isSame(stream: Stream, wanted: Omit<Stream, 'stream'>): boolean {
  const { boundaries } = wanted;
  return (
    stream.recordSum === wanted.recordSum &&
    stream.quantiles === wanted.quantiles &&
    stream.zeroThreshold === wanted.zeroThreshold &&
    (stream.boundaries === boundaries ||
      (stream.boundaries.length === boundaries.length &&
        stream.boundaries.every((boundary, i) => boundary === boundaries[i])))
  );
}

function timeOf(time: HrTime): HrTime {
  const [sec, nano] = time;
  if (sec >= 0 && nano >= 0) return time;
  throw new TypeError('a time of it is no [seconds, nanoseconds]');
}

function numberOf(value: unknown): number {
  if (typeof value === 'number') return value;
  throw new TypeError(`a value of it is ${textOf(value)}, which is no number`);
}

function countOf(count: unknown): number {
  if (typeof count === 'number' && count >= 0 && count <= Number.MAX_SAFE_INTEGER) return count;
  throw new TypeError(`a count of it is ${textOf(count)}`);
}

function groupOf(scope: MetricScope, parent: Group): Group {
  return new Group(describe(scope.attributes), {
    parent,
    name: textOf(scope.name),
    version: textOf(scope.version ?? ''),
    schemaUrl: textOf(scope.schemaUrl ?? ''),
  });
}

/**
 * Encodes collected metrics as one ExportMetricsServiceRequest, or as several where it would exceed a
 * limit, or where memory has not room for all points at once. Points that differ in what their metric
 * says for all of them (boundaries, whether there is a sum) become metrics of the same name. All that
 * it takes in memory is freed again.
 *
 * @param limits as {@link CellBatch}.
 * @param emit gets each request, which stands in the engine's memory for the time of the call.
 */
export function encodeMetrics(
  cells: Cells,
  { resource, scopeMetrics }: ResourceMetrics,
  limits: Pick<CellBatch, 'maxBytes' | 'maxPoints'>,
  emit: Emit,
): MetricsEncoded {
  const parent = new Group(describe(resource.attributes), {
    schemaUrl: textOf(resource.schemaUrl ?? ''),
  });
  const collected = new Collected(cells, cells.group(parent), limits, emit);
  try {
    for (const { scope, metrics } of scopeMetrics) {
      collected.scope(groupOf(scope, parent), metrics);
    }
    collected.flush();
  } finally {
    collected.free();
  }
  const { points, requests, tooLarge, invalid, problem } = collected;
  return { points, requests, tooLarge, invalid, problem };
}
