/**
 * How many requests to one endpoint may be in flight, where that is found out.
 *
 * A server that works on c requests at once gains nothing from more than c; the rest waits in its
 * queue (Little's law: in flight = throughput × latency), and more than that queue holds is refused.
 * c is not known and changes, but two things can be seen from here: answers that take longer, and
 * failures. The adaptive limit probes as TCP does (additive increase, multiplicative decrease, which
 * shares a server evenly among its clients), and reads latency as Vegas and Netflix's
 * concurrency-limits do: against what it was without a queue.
 *
 *   answered, limit in use      limit += 1 / max(limit, 16)
 *   too many failures           limit × 0.5
 *   slow: mean > 2 × baseline   limit × 0.85 × baseline / mean, at least × 0.4
 *
 * - **In use.** A limit that is not reached says nothing; only answers that came while at least three
 *   quarters of it were in flight raise it.
 * - **Increase.** 1 per `limit` answers is 1 per round trip. Below 16 it is slower than that, since
 *   means need some answers, and a small server would be overrun before it is noticed.
 * - **Too many failures.** Networks lose a few requests whatever the load is. Plain AIMD would be held
 *   near √(1.5 / share lost), 5 at 5 %; so the moving share of failures has to exceed 15 %. From none
 *   that takes 6 in a row.
 * - **Once per round trip.** What was in flight at a decrease was sent before it and cannot tell
 *   whether it was enough. Each attempt carries the number of decreases so far, its round; what
 *   belongs to an earlier round is ignored, so 32 requests that fail together count once.
 * - **Slow.** Single answers vary by far more than a factor of two, so means are compared, over
 *   windows of at least 32 answers and one round trip; sooner, from 8 answers on, where two standard
 *   errors do not explain it. baseline / mean is the share of what is in flight that the server works
 *   on rather than queues (Little's law again): that much is kept and 15 % less, so that the queue
 *   is empty for a moment, and the baseline is seen afresh.
 * - **Baseline.** The mean without a queue. A window that is faster by more than two standard errors
 *   moves it halfway down. One that cannot be told apart moves it by a tenth, either way, so that it
 *   is a mean and not a lucky minimum. A slower one leaves it alone (a queue is not to be
 *   learned) unless the limit was not in use, or a decrease has just been of no use: latency that
 *   does not follow the limit is not our queue but a server that has become slower, and a tenth of
 *   the difference is learned each time.
 *
 * What it cannot do: a client that comes to a queue which others keep full takes that for the
 * baseline. Where many such share a server, failures are what limits them.
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

export interface AdaptiveLimitOptions {
  /** Default 1. */
  readonly min?: number;
  readonly max: number;
  /**
   * Where it begins. Default 4: the first answers make the baseline, and should find no queue of our
   * own making.
   */
  readonly initial?: number;
}

/** Share of the limit that counts as using it. */
const IN_USE = 0.75;
const INCREASE_OVER = 16;

const FAILURES_TOLERATED = 0.15;
/** Weight of one attempt in the share of failures. */
const FAILURE_GAIN = 1 / 32;
const FAILURE_FACTOR = 0.5;

const SLOW = 2;
const SLOW_FACTOR = 0.85;
const SLOW_FACTOR_MIN = 0.4;

/** Answers. */
const WINDOW = 32;
const WINDOW_MIN = 8;
/** Standard errors that chance may explain. */
const CHANCE = 2;
const FASTER_GAIN = 0.5;
const ALIKE_GAIN = 0.1;

/** Between `min` and `max`: see the head of this file. */
export function adaptiveLimit(options: AdaptiveLimitOptions): ConcurrencyLimit {
  const max = Math.max(1, Math.trunc(options.max));
  const min = Math.min(max, Math.max(1, Math.trunc(options.min ?? 1)));
  /** With its fraction. */
  let limit = Math.min(max, Math.max(min, options.initial ?? 4));
  let inFlight = 0;
  /** Decreases so far. */
  let round = 0;
  /** Of the attempts of this round, those long ago weighing less. */
  let failedShare = 0;
  /** 0: not known yet. */
  let baselineMs = 0;
  /** A decrease was of use if the next mean is below. 0: the last window brought none. */
  let hopedMs = 0;

  /** The window: answers, their latencies' sum and sum of squares. */
  let answers = 0;
  let sum = 0;
  let squares = 0;
  let answersInUse = 0;

  function ended(began: number, latencyMs: number, end: AttemptEnd): void {
    const inUse = inFlight >= IN_USE * Math.trunc(limit);
    inFlight--;
    if (end === 'ignored' || began !== round) return;
    if (end === 'failed') {
      failedShare += (1 - failedShare) * FAILURE_GAIN;
      if (failedShare > FAILURES_TOLERATED) decrease(FAILURE_FACTOR);
      return;
    }
    failedShare -= failedShare * FAILURE_GAIN;
    if (inUse) limit = Math.min(max, limit + 1 / Math.max(limit, INCREASE_OVER));
    // a clock that is coarse or was set tells nothing
    if (!(latencyMs > 0 && latencyMs < Number.POSITIVE_INFINITY)) return;
    answers++;
    sum += latencyMs;
    squares += latencyMs * latencyMs;
    if (inUse) answersInUse++;
    if (answers >= WINDOW_MIN) judge();
  }

  function judge(): void {
    const meanMs = sum / answers;
    const chanceMs = CHANCE * Math.sqrt(Math.max(0, squares / answers - meanMs * meanMs) / answers);
    const inUse = answersInUse * 2 > answers;
    const slow = inUse && baselineMs > 0 && meanMs - chanceMs > SLOW * baselineMs;
    if (!slow && (answers < WINDOW || answers < limit)) return;
    learn(meanMs, chanceMs, inUse);
    clearWindow();
    if (!slow) return;
    const before = limit;
    decrease(Math.max(SLOW_FACTOR_MIN, (SLOW_FACTOR * baselineMs) / meanMs));
    // halfway between no change and the same change as the limit's
    hopedMs = (meanMs * (1 + limit / before)) / 2;
  }

  function learn(meanMs: number, chanceMs: number, inUse: boolean): void {
    const differenceMs = meanMs - baselineMs;
    const useless = hopedMs > 0 && meanMs > hopedMs;
    if (baselineMs === 0) baselineMs = meanMs;
    else if (differenceMs < -chanceMs) baselineMs += FASTER_GAIN * differenceMs;
    else if (differenceMs < chanceMs || !inUse || useless) baselineMs += ALIKE_GAIN * differenceMs;
    hopedMs = 0;
  }

  function decrease(factor: number): void {
    limit = Math.max(min, limit * factor);
    round++;
    failedShare = 0;
    hopedMs = 0;
    clearWindow();
  }

  function clearWindow(): void {
    answers = 0;
    sum = 0;
    squares = 0;
    answersInUse = 0;
  }

  return {
    get current() {
      return Math.trunc(limit);
    },
    started() {
      inFlight++;
      return round;
    },
    ended,
  };
}
