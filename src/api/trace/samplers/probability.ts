import {
  diag,
  isSpanContextValid,
  type Sampler,
  SamplingDecision,
  type SpanContext,
  trace as traceApi,
} from '@opentelemetry/api';
import { checkedRatio } from './checked.ts';
import { randomnessIn, stateOf, thresholdIn, withThreshold } from './ot-state.ts';
import { isSampled, SMALLEST_RATIO, thresholdOf } from './threshold.ts';

/** W3C Trace Context Level 2, "Random Trace ID Flag". */
const FLAG_RANDOM = 0x02;

/**
 * Samples `ratio` of all traces (specification, "ProbabilitySampler"): a trace is sampled when its
 * randomness, the last 56 bits of the trace id or `rv` of `tracestate`, reaches the threshold
 * `(1 - ratio) * 2^56`. What one ratio samples every higher one samples too, in every service.
 * Sampled spans carry the threshold, rounded to four significant hex digits, as `ot=th:…` in
 * `tracestate`, by which they can be counted. Ignores the parent's decision; `parentBased()`
 * follows it.
 *
 * @param ratio from 2^-56 to 1; 0 drops everything
 * @throws OtlpError `invalid_option` when the ratio is not in that range
 */
export function probability(ratio: number): Sampler {
  checkedRatio('probability', ratio, SMALLEST_RATIO);
  return consistent(ratio, `ProbabilitySampler{${ratio}}`, presumedRandomness());
}

/**
 * `probability()` under the name it had before (specification, "TraceIdRatioBased", deprecated
 * there). Its algorithm was never specified; here it is the one of `probability()`, so that its
 * spans carry a threshold, too. The difference: it warns when it decides about a span that has a
 * parent, since other SDKs' samplers of this name may decide otherwise.
 *
 * @param ratio from 0 to 1; below 2^-56 it counts as 2^-56
 * @throws OtlpError `invalid_option` when the ratio is not in that range
 */
export function traceIdRatioBased(ratio: number): Sampler {
  checkedRatio('traceIdRatioBased', ratio, 0);
  let warned = false;
  return consistent(ratio, `TraceIdRatioBased{${ratio}}`, (parent, randomness) => {
    if (warned || parent === undefined || !isSpanContextValid(parent)) return;
    warned = true;
    const whose =
      (randomness ?? thresholdIn(parent.traceState))
        ? ' and a parent uses a probability sampler'
        : '';
    diag.warn(
      `otlp-wasm: the TraceIdRatioBased sampler decides about spans that have a parent${whose}; ` +
        'samplers of that name need not agree. Use probability(), or wrap it in parentBased().',
    );
  });
}

/** `consistent` without a warning, for ratios that somebody else set. */
export function quietProbability(ratio: number): Sampler {
  return consistent(ratio, `ProbabilitySampler{${ratio}}`, () => {});
}

/**
 * Warns, once, when a decision rests on a trace id that nobody says is random (specification,
 * "Compatibility warnings for ProbabilitySampler").
 */
export function presumedRandomness(): (
  parent: SpanContext | undefined,
  randomness: string | undefined,
) => void {
  let warned = false;
  return (parent, randomness) => {
    if (warned || randomness !== undefined || parent?.isRemote !== true) return;
    if ((parent.traceFlags & FLAG_RANDOM) !== 0) return;
    warned = true;
    diag.warn(
      'otlp-wasm: the probability sampler presumes that trace ids are random, but a caller does not ' +
        "set the 'random' trace flag that would confirm it. Upgrade callers to W3C Trace Context Level 2.",
    );
  };
}

function consistent(
  ratio: number,
  description: string,
  notice: (parent: SpanContext | undefined, randomness: string | undefined) => void,
): Sampler {
  const threshold = ratio === 0 ? undefined : thresholdOf(Math.max(ratio, SMALLEST_RATIO));
  const dropped = Object.freeze({ decision: SamplingDecision.NOT_RECORD });
  const sampled = Object.freeze({
    decision: SamplingDecision.RECORD_AND_SAMPLED,
    ...(threshold !== undefined && { traceState: stateOf(threshold) }),
  });
  return {
    shouldSample(context, traceId) {
      const parent = traceApi.getSpanContext(context);
      const before = parent?.traceState;
      const randomness = randomnessIn(before);
      if (parent !== undefined) notice(parent, randomness);
      const kept = threshold !== undefined && isSampled(traceId, randomness, threshold);
      if (before === undefined) return kept ? sampled : dropped;
      return {
        decision: kept ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.NOT_RECORD,
        traceState: withThreshold(before, kept ? threshold : undefined),
      };
    },
    toString: () => description,
  };
}
