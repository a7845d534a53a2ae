import { DEFAULT_RETRY_BUDGET } from './retry-budget.ts';

/** When a payload is sent again (OTLP: exponential back-off with jitter, Retry-After honoured). */
export interface RetryPolicy {
  /** Upper bound of the first wait, milliseconds. Default 1000. */
  readonly initialMs: number;
  /** Growth of that bound per failure. Default 2. */
  readonly multiplier: number;
  /** Upper bound of any wait the server did not ask for, milliseconds. Default 10 000. */
  readonly maxMs: number;
  /**
   * A payload this old, counted from `push`, is given up when an attempt fails. Default 300 000
   * (5 minutes). One that fails earlier always gets another attempt, even if its back-off ends
   * later, so an outage of exactly this length loses nothing. A Retry-After that ends later than
   * this age ends it at once.
   */
  readonly maxAgeMs: number;
  /**
   * While other requests succeed, retries that fail again are in this proportion to first attempts
   * at most; others wait: a collector that is partly sick is not stampeded. Default 0.2.
   */
  readonly budgetRatio: number;
  /** Such retries per second in any case. Default 1. */
  readonly budgetPerSecond: number;
}

export const DEFAULT_RETRY: RetryPolicy = {
  initialMs: 1000,
  multiplier: 2,
  maxMs: 10_000,
  maxAgeMs: 300_000,
  budgetRatio: DEFAULT_RETRY_BUDGET.ratio,
  budgetPerSecond: DEFAULT_RETRY_BUDGET.perSecond,
};

/**
 * Milliseconds to wait after the `failures`-th failure in a row (1, 2, …): full jitter, that is
 * uniform between nothing and the exponential bound, which spreads a fleet of clients best. The
 * server's own delay comes first and the jitter on top of it: never earlier than it said, and
 * not all clients at that very moment. `random` is in [0, 1).
 */
export function backoffMs(
  policy: RetryPolicy,
  failures: number,
  serverDelayMs: number,
  random: number,
): number {
  const bound = Math.min(policy.maxMs, policy.initialMs * policy.multiplier ** (failures - 1));
  return serverDelayMs + random * bound;
}
