import { type Sampler, SamplingDecision, trace as traceApi } from '@opentelemetry/api';
import { checkedNumber } from './checked.ts';
import { withThreshold } from './ot-state.ts';

export interface RateLimitedOptions {
  /**
   * Spans that may be sampled at once after a quiet time; at least 1. Default the spans of one
   * second, at least 1.
   */
  readonly burst?: number;
  /** Monotonic milliseconds from any origin. Default `performance.now()`. */
  readonly now?: () => number;
}

/**
 * Samples at most so many spans a second, on average, whatever the load: a token bucket, full at
 * first, on a monotonic clock. Spans in excess are dropped. Which share of all spans the sampled
 * ones are is not known, so `tracestate` carries no threshold. A child is limited like a root,
 * which tears traces apart: use it as `parentBased({ root: rateLimited(100) })`.
 *
 * @param spansPerSecond 0 or more, fractions included: 0.1 is one span in ten seconds
 * @throws OtlpError `invalid_option` when a number is out of range
 */
export function rateLimited(spansPerSecond: number, options: RateLimitedOptions = {}): Sampler {
  const { burst = Math.max(1, spansPerSecond) } = options;
  checkedNumber('rateLimited', 'spansPerSecond', spansPerSecond, 0);
  checkedNumber('rateLimited', 'burst', burst, 1);
  const take = tokenBucket(spansPerSecond, burst, options.now);
  return {
    shouldSample(context) {
      const decision = take() ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.NOT_RECORD;
      const before = traceApi.getSpanContext(context)?.traceState;
      if (before === undefined) return { decision };
      return { decision, traceState: withThreshold(before, undefined) };
    },
    toString: () => `RateLimitedSampler{${spansPerSecond}}`,
  };
}

/** Says whether there is a token, and takes it. The bucket is full at first. */
export function tokenBucket(
  perSecond: number,
  capacity: number,
  now: () => number = () => performance.now(),
): () => boolean {
  if (perSecond === 0) return () => false;
  let tokens = capacity;
  let filledAt: number | undefined;
  return () => {
    const at = now();
    // A clock that goes back is not monotonic; it must not empty the bucket.
    const passedMs = Math.max(0, at - (filledAt ?? at));
    filledAt = at;
    tokens = Math.min(capacity, tokens + (passedMs * perSecond) / 1000);
    if (tokens < 1) return false;
    tokens--;
    return true;
  };
}
