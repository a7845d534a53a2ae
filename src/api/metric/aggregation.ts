import {
  type AggregationTemporality,
  CUMULATIVE,
  DELTA,
  EXPONENTIAL_HISTOGRAM,
  GAUGE,
  HISTOGRAM,
  SUM,
} from './data.ts';

/** Kinds of instruments, as upstream's `InstrumentType` spells them. */
export type InstrumentKind =
  | 'COUNTER'
  | 'GAUGE'
  | 'HISTOGRAM'
  | 'UP_DOWN_COUNTER'
  | 'OBSERVABLE_COUNTER'
  | 'OBSERVABLE_GAUGE'
  | 'OBSERVABLE_UP_DOWN_COUNTER';

/** Numbers are upstream's `AggregationType`. */
export const AGGREGATION_DEFAULT = 0;
export const AGGREGATION_DROP = 1;
export const AGGREGATION_SUM = 2;
export const AGGREGATION_LAST_VALUE = 3;
export const AGGREGATION_EXPLICIT_BUCKET_HISTOGRAM = 4;
export const AGGREGATION_EXPONENTIAL_HISTOGRAM = 5;

/** How measurements become points: upstream's `AggregationOption`, and `maxScale` besides. */
export type AggregationOption =
  | { readonly type: 0 | 1 | 2 | 3 }
  | {
      readonly type: 4;
      readonly options?:
        | {
            /** Largest values of the buckets but the last. Default: those of the specification. */
            readonly boundaries?: readonly number[] | undefined;
            /** Default true. */
            readonly recordMinMax?: boolean | undefined;
          }
        | undefined;
    }
  | {
      readonly type: 5;
      readonly options?:
        | {
            /** Buckets for each sign, at least 2. Default 160. */
            readonly maxSize?: number | undefined;
            /** The finest scale, -10 to 20. Default 20. */
            readonly maxScale?: number | undefined;
            /** Default true. */
            readonly recordMinMax?: boolean | undefined;
          }
        | undefined;
    };

/** An aggregation with everything that was left out. */
export type Aggregation =
  | { readonly kind: typeof SUM | typeof GAUGE }
  | {
      readonly kind: typeof HISTOGRAM;
      readonly boundaries: readonly number[];
      readonly recordMinMax: boolean;
    }
  | {
      readonly kind: typeof EXPONENTIAL_HISTOGRAM;
      readonly maxSize: number;
      readonly maxScale: number;
      readonly recordMinMax: boolean;
    };

/** Specification, "Explicit Bucket Histogram Aggregation". */
export const DEFAULT_BOUNDARIES: readonly number[] = [
  0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000,
];

const DEFAULT_MAX_SIZE = 160;
const MAX_SCALE = 20;
const MIN_SCALE = -10;

export function isAsync(kind: InstrumentKind): boolean {
  return kind.startsWith('OBSERVABLE_');
}

/** Counters only ever grow, and so do sums of what histograms record. */
export function isMonotonic(kind: InstrumentKind): boolean {
  return kind === 'COUNTER' || kind === 'OBSERVABLE_COUNTER' || kind === 'HISTOGRAM';
}

/** Whether there may be negative values, so that the sum of a histogram would say nothing. */
export function mayBeNegative(kind: InstrumentKind): boolean {
  return !isMonotonic(kind);
}

/**
 * What an option comes to for an instrument: `drop` for none; undefined for one that the instrument
 * cannot have (specification, "Measurement processing"). `advised` are the boundaries that the
 * instrument asks for.
 */
export function resolveAggregation(
  option: AggregationOption,
  kind: InstrumentKind,
  advised: readonly number[] | undefined,
): Aggregation | 'drop' | undefined {
  switch (option.type) {
    case AGGREGATION_DROP:
      return 'drop';
    case AGGREGATION_SUM:
      return { kind: SUM };
    case AGGREGATION_LAST_VALUE:
      return { kind: GAUGE };
    case AGGREGATION_EXPLICIT_BUCKET_HISTOGRAM: {
      if (isAsync(kind)) return undefined;
      const boundaries = boundariesOf(option.options?.boundaries ?? DEFAULT_BOUNDARIES);
      if (boundaries === undefined) return undefined;
      return { kind: HISTOGRAM, boundaries, recordMinMax: option.options?.recordMinMax ?? true };
    }
    case AGGREGATION_EXPONENTIAL_HISTOGRAM: {
      if (isAsync(kind)) return undefined;
      const { maxSize = DEFAULT_MAX_SIZE, maxScale = MAX_SCALE } = option.options ?? {};
      if (!Number.isFinite(maxSize) || !Number.isFinite(maxScale)) return undefined;
      return {
        kind: EXPONENTIAL_HISTOGRAM,
        maxSize: Math.max(2, Math.trunc(maxSize)),
        maxScale: Math.min(MAX_SCALE, Math.max(MIN_SCALE, Math.trunc(maxScale))),
        recordMinMax: option.options?.recordMinMax ?? true,
      };
    }
    case AGGREGATION_DEFAULT:
      break;
    default:
      return undefined;
  }
  if (kind === 'GAUGE' || kind === 'OBSERVABLE_GAUGE') return { kind: GAUGE };
  if (kind !== 'HISTOGRAM') return { kind: SUM };
  return { kind: HISTOGRAM, boundaries: advised ?? DEFAULT_BOUNDARIES, recordMinMax: true };
}

/**
 * Boundaries in ascending order, each once, without infinities (whose buckets could hold nothing);
 * undefined where one is not a number.
 */
export function boundariesOf(given: unknown): readonly number[] | undefined {
  if (!Array.isArray(given)) return undefined;
  if (!given.every((each) => typeof each === 'number' && !Number.isNaN(each))) return undefined;
  const sorted = [...new Set<number>(given)].sort((a, b) => a - b);
  return sorted.filter((each) => Number.isFinite(each));
}

export type TemporalitySelector = (kind: InstrumentKind) => AggregationTemporality;

/** Everything since it began. */
export const CUMULATIVE_TEMPORALITY: TemporalitySelector = () => CUMULATIVE;

/** What was since the last collection; up-down counters, whose value is what they are for, not. */
export const DELTA_TEMPORALITY: TemporalitySelector = (kind) =>
  kind === 'UP_DOWN_COUNTER' || kind === 'OBSERVABLE_UP_DOWN_COUNTER' ? CUMULATIVE : DELTA;

/** For each kind that which needs no state beyond an interval. */
export const LOW_MEMORY_TEMPORALITY: TemporalitySelector = (kind) =>
  kind === 'COUNTER' || kind === 'HISTOGRAM' ? DELTA : CUMULATIVE;

/** A temporality by the name that configuration has for it. */
export function temporalityOf(
  preference: 'cumulative' | 'delta' | 'lowmemory',
): TemporalitySelector {
  if (preference === 'delta') return DELTA_TEMPORALITY;
  return preference === 'lowmemory' ? LOW_MEMORY_TEMPORALITY : CUMULATIVE_TEMPORALITY;
}
