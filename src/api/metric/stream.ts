import {
  type Attributes as ApiAttributes,
  type Context,
  ROOT_CONTEXT,
  ValueType,
} from '@opentelemetry/api';
import type { Cells } from '../../buffer/cells.ts';
import type { Attributes } from '../../buffer/record.ts';
import type { ShapeTree } from '../../buffer/shape.ts';
import { CELL_START, CELL_STATE, CELL_VALUE } from '../../engine/generated/layout.ts';
import type { Clock } from '../trace/clock.ts';
import { wordOfHex } from '../trace/ids.ts';
import { readAttributes } from '../trace/readable.ts';
import { say } from '../trace/say.ts';
import { spanIn } from '../trace/span-in.ts';
import { type InstrumentKind, isAsync, isMonotonic, mayBeNegative } from './aggregation.ts';
import { AttributeSets, type KeyFilter, UNKNOWN } from './attribute-sets.ts';
import {
  type AggregationTemporality,
  CUMULATIVE,
  type DataPoint,
  DELTA,
  EXPONENTIAL_HISTOGRAM,
  type ExponentialHistogramValue,
  GAUGE,
  HISTOGRAM,
  type HistogramValue,
  type MetricData,
  type MetricDescriptor,
  SUM,
} from './data.ts';
import {
  DEFAULT_RESERVOIR,
  type ExemplarReservoir,
  MAX_CUSTOM_EXEMPLARS,
  Places,
} from './exemplar.ts';
import type { StreamConfig } from './view.ts';

export const OVERFLOW_KEY = 'otel.metric.overflow';

/** Delta series that were not measured for so many collections make room. */
const IDLE_COLLECTIONS = 5;

/** Measurements that did not become what they were meant to be, since start. */
export interface MetricCounts {
  /** Added to the overflow series: of a metric with too many series, or without memory for one. */
  overflowed: number;
  /** Neither a number nor allowed for the instrument: not recorded. */
  invalid: number;
  /** Not recorded, by cause. */
  readonly dropped: { engine_loading: number; no_memory: number; after_shutdown: number };
}

/** What the streams of a provider share. */
export interface StreamsShared {
  readonly clock: Clock;
  readonly tree: ShapeTree;
  readonly counts: MetricCounts;
  /** At least 0, less than 1. */
  random(): number;
}

/** Attribute sets, and the streams whose series they tell apart. */
export class SetTable {
  readonly sets: AttributeSets;
  /** By set: streams that have a series of it. */
  private holders = new Uint8Array(32);
  private readonly streams: Stream[] = [];

  constructor(tree: ShapeTree, filter: KeyFilter | undefined) {
    this.sets = new AttributeSets(tree, filter, 0);
  }

  join(stream: Stream): void {
    this.streams.push(stream);
    this.sets.capacity = Math.max(this.sets.capacity, stream.limit - 1);
  }

  leave(stream: Stream): void {
    this.streams.splice(this.streams.indexOf(stream), 1);
  }

  /** The number of a set, which may be new; UNKNOWN where no stream has room for it. */
  admit(kept: Attributes): number {
    const { sets } = this;
    const known = sets.lookup(kept);
    if (known !== UNKNOWN) return known;
    if (sets.size >= sets.capacity) for (const stream of this.streams) stream.makeRoom();
    return sets.add(kept);
  }

  hold(set: number): void {
    if (set >= this.holders.length) {
      const larger = new Uint8Array(Math.max(set + 1, this.holders.length * 2));
      larger.set(this.holders);
      this.holders = larger;
    }
    this.holders[set]!++;
  }

  release(set: number): void {
    this.holders[set]!--;
    this.settle(set);
  }

  /** Forgets a set that no stream has a series of. */
  settle(set: number): void {
    if (set !== UNKNOWN && (this.holders[set] ?? 0) === 0) this.sets.remove(set);
  }
}

/** A measurement that becomes an exemplar. */
export interface Sampled {
  readonly place: number;
  readonly context: Context;
  all(): Attributes;
  filtered(): Attributes | undefined;
}

/** A metric as one reader has it: where its series are, and what is known of them. */
export class Stream {
  // What every measurement touches stands first.
  readonly sets: AttributeSets;
  /** The series of each set; 0 where there is none. */
  cellOf = new Int32Array(32);
  /** SUM, GAUGE, HISTOGRAM or EXPONENTIAL_HISTOGRAM. */
  readonly kind: MetricData['dataPointType'];
  cells!: Cells;
  readonly table: SetTable;
  readonly shared: StreamsShared;
  readonly config: StreamConfig;
  readonly temporality: AggregationTemporality;
  readonly limit: number;
  readonly isAsync: boolean;
  readonly isMonotonic: boolean;
  readonly type: InstrumentKind;
  descriptor: MetricDescriptor;
  /** Address in the cells; 0 while there are none, or no memory for it. */
  handle = 0;
  /** No instrument has it any more: it is collected once more, and then gone. */
  isRetired = false;
  /** Series, that of the overflow not among them. */
  count = 0;
  /** The overflow's, from the beginning. */
  private overflow = 0;
  /** Whether it has a start time of its own. */
  private overflowed = false;
  /** When the last collection was; before it, when the instrument was made. */
  private sinceSec: number;
  private sinceNano: number;
  /** Whether room was made since then. */
  private swept = false;
  /** Series that somebody is bound to, which stay. */
  private pinned: Set<number> | undefined = undefined;
  private readonly exemplars: number;
  private readonly places: Places | undefined;
  private readonly reservoirs: Map<number, ExemplarReservoir> | undefined;
  /** Of sums that are observed and reported as differences: the totals of this collection … */
  private readonly totals: Map<number, number> | undefined;
  /** … and those that were last reported. */
  private readonly reported = new Map<number, number>();
  private readonly mayBeNegative: boolean;

  constructor(
    table: SetTable,
    config: StreamConfig,
    instrument: MetricDescriptor & { readonly type: InstrumentKind },
    options: { readonly shared: StreamsShared; readonly temporality: AggregationTemporality },
  ) {
    const { type, unit, valueType, advice } = instrument;
    const { shared } = options;
    this.sets = table.sets;
    this.table = table;
    this.kind = config.aggregation.kind;
    this.config = config;
    this.temporality = options.temporality;
    this.shared = shared;
    this.limit = config.cardinalityLimit;
    this.type = type;
    this.isAsync = isAsync(type);
    this.isMonotonic = isMonotonic(type);
    const { name, description } = config;
    this.descriptor = { name, description, unit, valueType, advice: advice ?? {} };
    this.mayBeNegative = mayBeNegative(type);
    shared.clock.begin();
    this.sinceSec = shared.clock.sec;
    this.sinceNano = shared.clock.nano;
    const factory = config.reservoir ?? DEFAULT_RESERVOIR;
    const reservoir = attempt(() => factory(config.aggregation));
    if (reservoir !== undefined && 'offer' in reservoir) {
      this.exemplars = MAX_CUSTOM_EXEMPLARS;
      this.reservoirs = new Map();
    } else if (reservoir !== undefined) {
      this.exemplars = reservoir.size;
      this.places = new Places(reservoir, shared.random);
    } else this.exemplars = 0;
    if (this.isAsync && this.kind === SUM && this.temporality === DELTA) this.totals = new Map();
    table.join(this);
  }

  /** There are cells now. */
  open(cells: Cells): void {
    const { descriptor, config, kind } = this;
    const { aggregation } = config;
    const { name, description, unit, valueType } = descriptor;
    this.cells = cells;
    this.handle = cells.stream({
      name,
      description,
      unit,
      kind,
      temporality: this.temporality,
      monotonic: this.isMonotonic,
      int: valueType === ValueType.INT,
      boundaries: 'boundaries' in aggregation ? aggregation.boundaries : undefined,
      maxSize: 'maxSize' in aggregation ? aggregation.maxSize : undefined,
      maxScale: 'maxScale' in aggregation ? aggregation.maxScale : undefined,
      recordMinMax: 'recordMinMax' in aggregation ? aggregation.recordMinMax : undefined,
      recordSum: !this.mayBeNegative,
      observed: this.isAsync,
      exemplars: this.exemplars,
    });
    if (this.handle === 0) return;
    const overflow = this.sets.read({ [OVERFLOW_KEY]: true });
    this.overflow = cells.series(this.handle, overflow, this.sinceSec, this.sinceNano);
  }

  /** Takes another description; in requests only while there is no series yet. */
  redescribe(description: string): void {
    this.descriptor = { ...this.descriptor, description };
    if (this.handle === 0 || this.count > 0) return;
    const { i32 } = this.cells;
    if (this.overflow !== 0 && i32[(this.overflow + CELL_STATE) >> 2] === 1) return;
    this.cells.freeStream(this.handle);
    this.open(this.cells);
  }

  /**
   * The series of a set, which may be new: made of what the filter kept of the attributes. That of
   * the overflow where there is no room for one more; 0 where not even that is there.
   */
  seriesOf(set: number, kept: Attributes): number {
    const known = set < 0 ? 0 : (this.cellOf[set] ?? 0);
    if (known !== 0) return known;
    if (this.handle === 0) {
      this.shared.counts.dropped.no_memory++;
      return 0;
    }
    if (set >= 0 && this.hasRoom()) {
      const { clock } = this.shared;
      let sec = this.sinceSec;
      let nano = this.sinceNano;
      if (this.temporality === CUMULATIVE && !this.isAsync) {
        clock.begin();
        sec = clock.sec;
        nano = clock.nano;
      }
      const cell = this.cells.series(this.handle, kept, sec, nano);
      if (cell !== 0) {
        this.put(set, cell);
        return cell;
      }
    }
    return this.overflowSeries();
  }

  private put(set: number, cell: number): void {
    if (set >= this.cellOf.length) {
      const larger = new Int32Array(Math.max(set + 1, this.cellOf.length * 2));
      larger.set(this.cellOf);
      this.cellOf = larger;
    }
    this.cellOf[set] = cell;
    this.count++;
    this.table.hold(set);
  }

  private overflowSeries(): number {
    const { overflow, shared } = this;
    const { counts, clock } = shared;
    if (overflow === 0) {
      counts.dropped.no_memory++;
      return 0;
    }
    counts.overflowed++;
    if (!this.overflowed) {
      this.overflowed = true;
      if (this.temporality === CUMULATIVE && !this.isAsync) {
        clock.begin();
        const start = (overflow + CELL_START) >> 2;
        this.cells.i32[start] = clock.sec;
        this.cells.i32[start + 1] = clock.nano;
      }
    }
    return overflow;
  }

  isOverflow(cell: number): boolean {
    return cell === this.overflow;
  }

  private hasRoom(): boolean {
    if (this.count < this.limit - 1) return true;
    this.makeRoom();
    return this.count < this.limit - 1;
  }

  /** Removes the series that the next collection would leave out, once an interval. */
  makeRoom(): void {
    if (this.swept || (this.temporality === CUMULATIVE && !this.isAsync)) return;
    this.swept = true;
    this.removeIdle(0);
  }

  /** Removes series that were not measured for so many collections. */
  private removeIdle(collections: number): void {
    const { cellOf, cells, pinned } = this;
    for (let set = 0; set < cellOf.length; set++) {
      const cell = cellOf[set]!;
      if (cell === 0 || cells.i32[(cell + CELL_STATE) >> 2]! > -collections) continue;
      if (pinned?.has(set)) continue;
      cellOf[set] = 0;
      this.count--;
      this.places?.forget(cell);
      this.reservoirs?.delete(cell);
      this.totals?.delete(cell);
      this.reported.delete(cell);
      cells.remove(cell);
      this.table.release(set);
    }
  }

  /** Whoever asks is bound to the series, which stays where it is. */
  pin(set: number): void {
    if (set < 0 || (this.cellOf[set] ?? 0) === 0) return;
    this.pinned ??= new Set();
    this.pinned.add(set);
  }

  /** Adds a measurement to a series. */
  record(cell: number, value: number): void {
    const { cells, kind } = this;
    if (kind === SUM || kind === GAUGE) {
      const at = (cell + CELL_VALUE) >> 3;
      if (kind === SUM) cells.f64[at]! += value;
      else cells.f64[at] = value;
      cells.i32[(cell + CELL_STATE) >> 2] = 1;
    } else if (kind === HISTOGRAM) cells.recordHistogram(cell, value);
    else cells.recordExponential(cell, value);
  }

  /**
   * Takes what a callback observed. `adds`: to what was observed in this collection before, since
   * several sets of attributes have become one.
   */
  observe(cell: number, value: number, adds: boolean): void {
    const { cells, totals } = this;
    const at = (cell + CELL_VALUE) >> 3;
    const state = (cell + CELL_STATE) >> 2;
    const isFirst = cells.i32[state] !== 1;
    cells.i32[state] = 1;
    const sum = adds && this.kind === SUM && !isFirst;
    if (totals !== undefined) totals.set(cell, sum ? totals.get(cell)! + value : value);
    else cells.f64[at] = sum ? cells.f64[at]! + value : value;
  }

  /** All callbacks have observed: totals become differences (of a counter that began anew: all). */
  settle(): void {
    const { totals, reported, cells } = this;
    if (totals === undefined) return;
    for (const [cell, total] of totals) {
      const before = reported.get(cell) ?? 0;
      const isReset = this.isMonotonic && total < before;
      cells.f64[(cell + CELL_VALUE) >> 3] = isReset ? total : total - before;
      reported.set(cell, total);
    }
    totals.clear();
  }

  /**
   * The place that a measurement gets in the series' reservoir, or -1. Reservoirs of others, which
   * decide for themselves, have one for any.
   */
  placeOf(cell: number, value: number): number {
    if (this.reservoirs !== undefined) return 0;
    return this.places === undefined ? -1 : this.places.placeOf(cell, value);
  }

  /** Gives a measurement its place. `filtered`: what the series does not have of its attributes. */
  sample(cell: number, value: number, measured: Sampled): void {
    const { clock } = this.shared;
    if (this.reservoirs !== undefined) {
      clock.begin();
      const time: [number, number] = [clock.sec, clock.nano];
      const reservoir = this.reservoirOf(cell);
      const attributes = readAttributes(measured.all());
      attempt(() => reservoir?.offer(value, time, attributes, measured.context));
      return;
    }
    clock.begin();
    const span = measured.context === ROOT_CONTEXT ? undefined : spanIn(measured.context);
    const ids =
      span === undefined
        ? undefined
        : [span.traceId0, span.traceId1, span.traceId2, span.traceId3, span.spanId0, span.spanId1];
    const { sec, nano } = clock;
    this.cells.setExemplar(cell, measured.place, {
      value,
      sec,
      nano,
      ids,
      filtered: measured.filtered(),
    });
  }

  private reservoirOf(cell: number): ExemplarReservoir | undefined {
    const { reservoirs, config } = this;
    let reservoir = reservoirs!.get(cell);
    if (reservoir === undefined) {
      const made = attempt(() => config.reservoir!(config.aggregation));
      if (made === undefined || !('offer' in made)) return undefined;
      reservoir = made;
      reservoirs!.set(cell, reservoir);
    }
    return reservoir;
  }

  /** Takes what reservoirs of others have kept, before points are read. */
  gather(): void {
    if (this.reservoirs === undefined) return;
    for (const [cell, reservoir] of this.reservoirs) {
      const kept = attempt(() => reservoir.collect(this.cells.attributesOf(cell))) ?? [];
      kept.slice(0, MAX_CUSTOM_EXEMPLARS).forEach((exemplar, place) => {
        const { value, traceId, spanId, filteredAttributes } = exemplar;
        const [sec, nano] = 'time' in exemplar ? exemplar.time : exemplar.timestamp;
        const filtered = this.sets.read(filteredAttributes);
        const ids = idsOf(traceId, spanId);
        this.cells.setExemplar(cell, place, { value, sec, nano, ids, filtered });
      });
    }
  }

  /**
   * Lets the next request leave out the series that are not wanted. Returns what brings those back
   * that are to be in later ones.
   */
  hide(isWanted: (attributes: ApiAttributes) => boolean): () => void {
    const { cells, cellOf, overflow } = this;
    const hidden: number[] = [];
    for (const cell of [...cellOf, overflow]) {
      const state = (cell + CELL_STATE) >> 2;
      if (cell === 0 || cells.i32[state] !== 1 || isWanted(cells.attributesOf(cell))) continue;
      cells.i32[state] = 0;
      hidden.push(state);
    }
    const comesBack = this.temporality === CUMULATIVE && !this.isAsync;
    return () => {
      if (comesBack) for (const state of hidden) cells.i32[state] = 1;
    };
  }

  /** Its points as objects, of those series that `isWanted`; all of them begin a new interval. */
  take(
    sec: number,
    nano: number,
    isWanted: (attributes: ApiAttributes) => boolean,
  ): MetricData | undefined {
    const points: DataPoint<unknown>[] = [];
    const { cellOf, overflow } = this;
    for (let set = 0; set < cellOf.length; set++) {
      if (cellOf[set] !== 0) this.takeOne(cellOf[set]!, { sec, nano, isWanted, points });
    }
    if (overflow !== 0) this.takeOne(overflow, { sec, nano, isWanted, points });
    if (points.length === 0) return undefined;
    const { kind, descriptor, temporality, isMonotonic } = this;
    return {
      descriptor,
      aggregationTemporality: temporality,
      dataPointType: kind,
      dataPoints: points,
      ...(kind === SUM && { isMonotonic }),
    } as MetricData;
  }

  private takeOne(
    cell: number,
    to: {
      sec: number;
      nano: number;
      isWanted: (attributes: ApiAttributes) => boolean;
      points: DataPoint<unknown>[];
    },
  ): void {
    const { cells } = this;
    const { sec, nano } = to;
    if (cells.i32[(cell + CELL_STATE) >> 2] === 1) {
      const attributes = cells.attributesOf(cell);
      if (to.isWanted(attributes)) {
        const start = (cell + CELL_START) >> 2;
        const exemplars = cells.exemplarsOf(cell);
        to.points.push({
          attributes,
          startTime: [cells.i32[start]! >>> 0, cells.i32[start + 1]!],
          endTime: [sec, nano],
          value: this.valueOf(cell),
          ...(exemplars !== undefined && exemplars.length > 0 && { exemplars }),
        });
      }
    }
    cells.take(cell, sec, nano);
  }

  private valueOf(cell: number): number | HistogramValue | ExponentialHistogramValue {
    const { cells, kind } = this;
    if (kind === HISTOGRAM) return cells.histogramOf(cell);
    if (kind === EXPONENTIAL_HISTOGRAM) return cells.exponentialOf(cell);
    return cells.numberOf(cell);
  }

  /** A collection took place, at this time. */
  collected(sec: number, nano: number): void {
    this.sinceSec = sec;
    this.sinceNano = nano;
    this.swept = false;
    this.places?.begin();
    if (this.handle === 0) return;
    if (this.temporality === DELTA && !this.isAsync) this.removeIdle(IDLE_COLLECTIONS);
  }

  /** Gives its memory back. */
  close(): void {
    this.table.leave(this);
    if (this.handle === 0) return;
    for (let set = 0; set < this.cellOf.length; set++) {
      if (this.cellOf[set] !== 0) this.table.release(set);
    }
    this.cells.freeStream(this.handle);
    this.handle = 0;
    this.overflow = 0;
    this.count = 0;
    this.cellOf = new Int32Array(32);
  }
}

const TRACE_ID = /^[0-9a-f]{32}$/i;
const SPAN_ID = /^[0-9a-f]{16}$/i;

function idsOf(traceId: string | undefined, spanId: string | undefined): number[] | undefined {
  if (traceId === undefined || spanId === undefined) return undefined;
  if (!TRACE_ID.test(traceId) || !SPAN_ID.test(spanId)) return undefined;
  return [0, 8, 16, 24]
    .map((at) => wordOfHex(traceId, at))
    .concat([0, 8].map((at) => wordOfHex(spanId, at)));
}

/** What users' code returns; undefined where it throws, of which `diag` hears. */
function attempt<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    say('error', 'an exemplar reservoir failed', error);
    return undefined;
  }
}
