import {
  type Attributes,
  type Context,
  type HrTime,
  ROOT_CONTEXT,
  trace as traceApi,
} from '@opentelemetry/api';
import { ActiveSpanContext } from '../context/active-span.ts';
import { currentContext } from '../context/current.ts';
import { FLAG_SAMPLED, SpanIdentity } from '../trace/identity.ts';
import type { Aggregation } from './aggregation.ts';
import { EXPONENTIAL_HISTOGRAM, type Exemplar, HISTOGRAM } from './data.ts';

/**
 * Which measurements may become exemplars (specification, "ExemplarFilter"): all, none, or those
 * that are made while a sampled span is active (default).
 */
export type ExemplarFilter = 'always_on' | 'always_off' | 'trace_based';

export const FILTER_OFF = 0;
export const FILTER_TRACE = 1;
export const FILTER_ON = 2;

export function filterNumber(filter: ExemplarFilter | undefined): number {
  if (filter === 'always_off') return FILTER_OFF;
  return filter === 'always_on' ? FILTER_ON : FILTER_TRACE;
}

/** Whether the active span of a context is sampled; what is no context has none. */
export function isSampled(context: Context): boolean {
  if (context === ROOT_CONTEXT) return false;
  try {
    const span = context instanceof ActiveSpanContext ? context.span : traceApi.getSpan(context);
    if (span instanceof SpanIdentity) return (span.flags & FLAG_SAMPLED) !== 0;
    return span !== undefined && (span.spanContext().traceFlags & FLAG_SAMPLED) !== 0;
  } catch {
    return false;
  }
}

/** The context of a measurement. */
export function contextOf(given: Context | undefined): Context {
  try {
    return given ?? currentContext();
  } catch {
    // A context manager of somebody else.
    return ROOT_CONTEXT;
  }
}

/**
 * Keeps measurements of one series as examples: upstream's `ExemplarReservoir`. What it throws is
 * reported by `diag` and stops nobody.
 */
export interface ExemplarReservoir {
  /** All attributes of the measurement are there, also those that the series does not have. */
  offer(value: number, timestamp: HrTime, attributes: Attributes, context: Context): void;
  /** What it kept since it was last asked; 32 at most are exported. */
  collect(pointAttributes: Attributes): readonly ReservoirExemplar[];
}

/** An exemplar as reservoirs give it: upstream's calls its time `timestamp`. */
export type ReservoirExemplar =
  | Exemplar
  | (Omit<Exemplar, 'time'> & { readonly timestamp: HrTime });

/** A reservoir that is built in: its exemplars live beside their series. */
export interface BuiltInReservoir {
  readonly size: number;
  /** One place for each bucket; otherwise all places are for any measurement. */
  readonly boundaries?: readonly number[] | undefined;
}

/** Makes the reservoir of a series. */
export type ReservoirFactory = (aggregation: Aggregation) => ExemplarReservoir | BuiltInReservoir;

/** Each measurement has the same chance to be among `size` (`SimpleFixedSizeExemplarReservoir`). */
export function simpleFixedSizeReservoir(size = 1): ReservoirFactory {
  return () => ({ size });
}

/**
 * At most one measurement of each bucket, each of them with the same chance
 * (`AlignedHistogramBucketExemplarReservoir`). Default boundaries: those of the histogram.
 */
export function alignedHistogramBucketReservoir(boundaries?: readonly number[]): ReservoirFactory {
  return (aggregation) => {
    const aligned = boundaries ?? (aggregation.kind === HISTOGRAM ? aggregation.boundaries : []);
    return { size: aligned.length + 1, boundaries: aligned };
  };
}

const EXPONENTIAL_SIZE = 20;

/** Specification, "Exemplar defaults". */
export const DEFAULT_RESERVOIR: ReservoirFactory = (aggregation) => {
  if (aggregation.kind === HISTOGRAM && aggregation.boundaries.length > 0) {
    return { size: aggregation.boundaries.length + 1, boundaries: aggregation.boundaries };
  }
  if (aggregation.kind === EXPONENTIAL_HISTOGRAM) {
    return { size: Math.min(EXPONENTIAL_SIZE, aggregation.maxSize) };
  }
  return { size: 1 };
};

/** Exemplars that a reservoir of somebody else may give. */
export const MAX_CUSTOM_EXEMPLARS = 32;

/** No i32 has more. */
const MOST = 0x7fffffff;

/** Decides which measurements the built-in reservoirs of one stream keep, and in which place. */
export class Places {
  private readonly size: number;
  private readonly boundaries: readonly number[] | undefined;
  private readonly random: () => number;
  /**
   * By series, and of each bucket: measurements seen since the last collection; and, where there is
   * but one place, which of them is the next to be kept.
   */
  private readonly seen = new Map<number, Int32Array>();
  /** Of the series asked for last: mostly it is that of many measurements. */
  private lastCell = 0;
  private last: Int32Array = new Int32Array(0);

  constructor(reservoir: BuiltInReservoir, random: () => number) {
    this.size = reservoir.size;
    this.boundaries = reservoir.boundaries;
    this.random = random;
  }

  /** Where a measurement goes, or -1. */
  placeOf(cell: number, value: number): number {
    const seen = cell === this.lastCell ? this.last : this.seenOf(cell);
    const { boundaries, size } = this;
    if (boundaries === undefined && size !== 1) {
      const before = seen[0]!++;
      if (before < size) return before;
      const place = Math.floor(this.random() * (before + 1));
      return place < size ? place : -1;
    }
    const place = boundaries === undefined ? 0 : bucketOf(boundaries, value);
    const count = ++seen[2 * place]!;
    if (count < seen[2 * place + 1]!) return -1;
    // Each later one, the k-th, is kept with a chance of 1 in k: that none is before the k-th has one
    // of count / k, so that a single draw says which is next.
    seen[2 * place + 1] = Math.min(Math.floor(count / (1 - this.random())) + 1, MOST);
    return place;
  }

  private seenOf(cell: number): Int32Array {
    let seen = this.seen.get(cell);
    if (seen === undefined) {
      seen = new Int32Array(this.boundaries === undefined ? 2 : 2 * this.size);
      this.seen.set(cell, seen);
    }
    this.lastCell = cell;
    this.last = seen;
    return seen;
  }

  /** A collection is over: all begin anew. */
  begin(): void {
    for (const seen of this.seen.values()) seen.fill(0);
  }

  forget(cell: number): void {
    this.seen.delete(cell);
    this.lastCell = 0;
  }
}

/** Which bucket a value falls in; boundaries are upper inclusive. */
function bucketOf(boundaries: readonly number[], value: number): number {
  let low = 0;
  let high = boundaries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (boundaries[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
