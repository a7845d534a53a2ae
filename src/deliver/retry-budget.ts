/** How many retries may fail: a share of first attempts, and a few in any case. */
export interface RetryBudgetOptions {
  /** Failed retries per first attempt. Default 0.2. */
  readonly ratio: number;
  /** Failed retries per second in any case, more than 0. Default 1. */
  readonly perSecond: number;
  /** Retries that may go at once after a quiet time, before one is answered; at least 1. Default 10. */
  readonly burst: number;
}

export const DEFAULT_RETRY_BUDGET: RetryBudgetOptions = { ratio: 0.2, perSecond: 1, burst: 10 };

export interface RetryBudget {
  /** So many payloads were attempted for the first time. */
  deposit(payloads: number): void;
  /** Takes what one retry costs; `false`, and nothing is taken, where that is not there. */
  take(nowMs: number): boolean;
  /**
   * The retry that took its token was answered: it is given back. Retries that succeed are no
   * stampede, and whatever a short refusal left waiting goes as fast as it is taken.
   */
  refund(): void;
  /** When `take` will succeed: `nowMs`, or later; earlier than it says after a `deposit`. */
  availableAt(nowMs: number): number;
}

/**
 * A token bucket, full at first. It is kept as one moment: `fullAt`, when it will be full if nothing
 * happens. A token is worth `intervalMs` of waiting, so
 *
 *   tokens(now) = burst − (fullAt − now) / intervalMs, at most burst: the past means full.
 *
 * Nothing is added up as time passes, so nothing drifts; and `take` and `availableAt` compare the
 * same two numbers, so that a timer set for the one never finds the other short by a rounding.
 */
export function retryBudget(options: Partial<RetryBudgetOptions>, nowMs: number): RetryBudget {
  const { ratio, perSecond, burst } = { ...DEFAULT_RETRY_BUDGET, ...options };
  const intervalMs = 1000 / perSecond;
  const depositMs = ratio * intervalMs;
  const emptyMs = Math.max(1, burst) * intervalMs;
  let fullAt = nowMs;

  function availableAt(now: number): number {
    // never emptier than empty, should the clock have gone back
    if (fullAt > now + emptyMs) fullAt = now + emptyMs;
    return Math.max(now, fullAt - emptyMs + intervalMs);
  }

  return {
    deposit(payloads) {
      fullAt -= payloads * depositMs;
    },
    take(now) {
      if (!(availableAt(now) <= now)) return false;
      fullAt = Math.max(now, fullAt) + intervalMs;
      return true;
    },
    refund() {
      fullAt -= intervalMs;
    },
    availableAt,
  };
}
