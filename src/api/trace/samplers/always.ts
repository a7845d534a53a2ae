import { type Sampler, SamplingDecision } from '@opentelemetry/api';
import { checkedSampler } from './checked.ts';

/**
 * Decides the same about every span, and says so as `always`: our tracer then need not ask.
 * Leaves `tracestate` alone: the decision may be one that `parentBased()` only repeats, and then
 * the parent's threshold stays true.
 */
function always(decision: SamplingDecision, description: string): Sampler {
  const result = Object.freeze({ decision });
  return Object.freeze({
    always: decision,
    shouldSample: () => result,
    toString: () => description,
  });
}

/** Records and samples every span (specification, "AlwaysOn"). */
export function alwaysOn(): Sampler {
  return always(SamplingDecision.RECORD_AND_SAMPLED, 'AlwaysOnSampler');
}

/** Drops every span (specification, "AlwaysOff"). */
export function alwaysOff(): Sampler {
  return always(SamplingDecision.NOT_RECORD, 'AlwaysOffSampler');
}

/**
 * Records what `root` would drop, without sampling it: span processors see every span, exporters
 * those that `root` sampled (specification, "AlwaysRecord").
 *
 * @throws OtlpError `invalid_option` when `root` is no sampler
 */
export function alwaysRecord(root: Sampler): Sampler {
  checkedSampler('alwaysRecord', 'root', root);
  return {
    shouldSample(...args) {
      const result = root.shouldSample(...args);
      return result.decision === SamplingDecision.NOT_RECORD
        ? { ...result, decision: SamplingDecision.RECORD }
        : result;
    },
    toString: () => `AlwaysRecordSampler{${root}}`,
  };
}
