/**
 * How many requests to one endpoint may be in flight: a fixed number, or one that is found out.
 */

/**
 * How an attempt ended, as far as the load of the endpoint goes:
 *
 * - `answered`: it took the time that answers take.
 * - `failed`: time-out, HTTP 429/502/503/504, connection error: the endpoint may be overloaded.
 * - `ignored`: says nothing about the load: a stale connection, refused for its content, cut by us.
 */
export type AttemptEnd = 'answered' | 'failed' | 'ignored';

/** How many attempts may be in flight. Knows no clock. */
export interface ConcurrencyLimit {
  /** Attempts that may be in flight now; an integer, at least 1. */
  readonly current: number;
  /** An attempt begins. Returns what `ended` wants back for it. Each needs its `ended`. */
  started(): number;
  /** The attempt for which `started` returned `round` has ended. */
  ended(round: number, latencyMs: number, end: AttemptEnd): void;
}

/** Always `max`, at least 1. */
export function fixedLimit(max: number): ConcurrencyLimit {
  const current = Math.max(1, Math.trunc(max));
  return { current, started: () => 0, ended() {} };
}

export interface AdaptiveLimitOptions {
  /** Default 1. */
  readonly min?: number;
  readonly max: number;
  /** Where it begins. Default 8, or `max` where that is less. */
  readonly initial?: number;
}

export function adaptiveLimit(options: AdaptiveLimitOptions): ConcurrencyLimit {
  return fixedLimit(options.initial ?? options.max);
}
