import {
  isSpanContextValid,
  type Sampler,
  SamplingDecision,
  TraceFlags,
  trace as traceApi,
} from '@opentelemetry/api';
import { alwaysOff, alwaysOn } from './always.ts';
import { checkedSampler } from './checked.ts';
import { randomnessIn, thresholdIn, withThreshold } from './ot-state.ts';
import { isSampled } from './threshold.ts';

/** Who decides about a span, by what its parent is. */
export interface ParentBasedOptions {
  /** Spans without a parent. */
  readonly root: Sampler;
  /** The parent is in another process and sampled. Default `alwaysOn()`. */
  readonly remoteParentSampled?: Sampler;
  /** The parent is in another process and not sampled. Default `alwaysOff()`. */
  readonly remoteParentNotSampled?: Sampler;
  /** The parent is in this process and sampled. Default `alwaysOn()`. */
  readonly localParentSampled?: Sampler;
  /** The parent is in this process and not sampled. Default `alwaysOff()`. */
  readonly localParentNotSampled?: Sampler;
}

/**
 * Follows the parent's decision, and asks `root` where there is none (specification,
 * "ParentBased"). The parent's threshold stays in `tracestate` when the span is sampled and the
 * threshold does not contradict that ("TraceState: Probability Sampling", "General requirements").
 *
 * @throws OtlpError `invalid_option` when one of the options is no sampler
 */
export function parentBased(options: ParentBasedOptions): Sampler {
  const of = (name: keyof ParentBasedOptions, whenLeftOut?: Sampler): Sampler =>
    checkedSampler('parentBased', name, options?.[name] ?? whenLeftOut);
  const [on, off] = [alwaysOn(), alwaysOff()];
  const root = of('root');
  const remoteParentSampled = of('remoteParentSampled', on);
  const remoteParentNotSampled = of('remoteParentNotSampled', off);
  const localParentSampled = of('localParentSampled', on);
  const localParentNotSampled = of('localParentNotSampled', off);
  return {
    shouldSample(context, traceId, name, kind, attributes, links) {
      const parent = traceApi.getSpanContext(context);
      if (parent === undefined || !isSpanContextValid(parent)) {
        return root.shouldSample(context, traceId, name, kind, attributes, links);
      }
      const inherited = (parent.traceFlags & TraceFlags.SAMPLED) !== 0;
      let sampler: Sampler;
      if (parent.isRemote) sampler = inherited ? remoteParentSampled : remoteParentNotSampled;
      else sampler = inherited ? localParentSampled : localParentNotSampled;
      const result = sampler.shouldSample(context, traceId, name, kind, attributes, links);
      const { traceState } = parent;
      // A sampler that says what the state is has seen to its threshold.
      if (traceState === undefined || result.traceState !== undefined) return result;
      const threshold = thresholdIn(traceState);
      if (threshold === undefined) return result;
      const holds =
        inherited &&
        result.decision === SamplingDecision.RECORD_AND_SAMPLED &&
        isSampled(traceId, randomnessIn(traceState), threshold);
      return holds ? result : { ...result, traceState: withThreshold(traceState, undefined) };
    },
    toString: () =>
      `ParentBased{root=${root}, remoteParentSampled=${remoteParentSampled}, ` +
      `remoteParentNotSampled=${remoteParentNotSampled}, ` +
      `localParentSampled=${localParentSampled}, ` +
      `localParentNotSampled=${localParentNotSampled}}`,
  };
}
