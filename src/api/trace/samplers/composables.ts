/** The built-in composable samplers (specification, "Built-in ComposableSamplers"). */

import { type Attributes, TraceFlags } from '@opentelemetry/api';
import { OtlpError } from '../../../errors.ts';
import { checkedComposable, checkedRatio } from './checked.ts';
import type { ComposableSampler, SamplingIntent } from './composite.ts';
import { randomnessIn, thresholdIn } from './ot-state.ts';
import type { SpanPredicate } from './predicates.ts';
import { isSampled, SMALLEST_RATIO, thresholdOf } from './threshold.ts';

const DROP: SamplingIntent = { threshold: undefined, adjustedCountReliable: false };
const KEEP_UNCOUNTED: SamplingIntent = { threshold: '0', adjustedCountReliable: false };

function always(intent: SamplingIntent, description: string): ComposableSampler {
  return { getSamplingIntent: () => intent, toString: () => description };
}

/** Samples every span, which therefore counts as one: `th:0`. */
export function composableAlwaysOn(): ComposableSampler {
  return always({ threshold: '0', adjustedCountReliable: true }, 'ComposableAlwaysOn');
}

/** Samples no span. */
export function composableAlwaysOff(): ComposableSampler {
  return always(DROP, 'ComposableAlwaysOff');
}

/**
 * Samples `ratio` of all traces, as `probability()` does.
 *
 * @param ratio from 2^-56 to 1; 0 is `composableAlwaysOff()`
 * @throws OtlpError `invalid_option` when the ratio is not in that range
 */
export function composableProbability(ratio: number): ComposableSampler {
  if (checkedRatio('composableProbability', ratio, SMALLEST_RATIO) === 0) {
    return composableAlwaysOff();
  }
  return always(
    { threshold: thresholdOf(ratio), adjustedCountReliable: true },
    `ComposableProbability{${ratio}}`,
  );
}

/**
 * Follows the parent's decision with the parent's threshold, and asks `root` where there is no
 * parent. A parent that is sampled without a threshold, or with one that its randomness does not
 * reach, gives sampled children that cannot be counted; one that is not sampled gives none.
 *
 * @throws OtlpError `invalid_option` when `root` is no composable sampler
 */
export function composableParentThreshold(root: ComposableSampler): ComposableSampler {
  checkedComposable('composableParentThreshold', 'root', root);
  return {
    getSamplingIntent(span) {
      const { parent } = span;
      if (parent === undefined) return root.getSamplingIntent(span);
      const threshold = thresholdIn(parent.traceState);
      const sampled = (parent.traceFlags & TraceFlags.SAMPLED) !== 0;
      // "TraceState: Probability Sampling", "General requirements": a threshold that contradicts
      // the flag is no threshold.
      if (
        threshold !== undefined &&
        isSampled(parent.traceId, randomnessIn(parent.traceState), threshold) === sampled
      ) {
        return { threshold, adjustedCountReliable: true };
      }
      return sampled ? KEEP_UNCOUNTED : DROP;
    },
    toString: () => `ComposableParentThreshold{root=${root}}`,
  };
}

/** When the predicate holds of a span, the composable sampler is asked. */
export type SamplingRule = readonly [SpanPredicate, ComposableSampler];

/**
 * Asks the sampler of the first rule whose predicate holds. A span that no rule is about is
 * dropped. A predicate that throws does not hold.
 *
 * @throws OtlpError `invalid_option` when a rule is not a predicate and a composable sampler
 */
export function composableRuleBased(rules: readonly SamplingRule[]): ComposableSampler {
  const checked = [...(Array.isArray(rules) ? rules : [])] as SamplingRule[];
  if (!Array.isArray(rules) || !checked.every((rule) => typeof rule?.[0] === 'function')) {
    throw new OtlpError(
      'invalid_option',
      "'rules' of composableRuleBased() is not a list of pairs of a predicate and a composable sampler; give one, such as [[spanNameMatches('GET *'), composableAlwaysOn()]].",
    );
  }
  for (const [, sampler] of checked) checkedComposable('composableRuleBased', 'rules', sampler);
  return {
    getSamplingIntent(span) {
      for (const [predicate, sampler] of checked) {
        let holds = false;
        try {
          holds = predicate(span);
        } catch {}
        if (holds) return sampler.getSamplingIntent(span);
      }
      return DROP;
    },
    toString: () => `ComposableRuleBased{${checked.map(([, sampler]) => sampler).join(', ')}}`,
  };
}

/**
 * Decides as `composable` does, and adds attributes to the spans that are sampled. They win over
 * attributes of the same name that `composable` adds.
 *
 * @throws OtlpError `invalid_option` when `composable` is no composable sampler
 */
export function composableAnnotating(
  composable: ComposableSampler,
  attributes: Attributes,
): ComposableSampler {
  checkedComposable('composableAnnotating', 'composable', composable);
  const own = Object.freeze({ ...attributes });
  return {
    getSamplingIntent(span) {
      const intent = composable.getSamplingIntent(span);
      const { attributes: others } = intent;
      return {
        ...intent,
        attributes: () => (others === undefined ? own : { ...others(), ...own }),
      };
    },
    toString: () => `ComposableAnnotating{${composable}, ${Object.keys(own).join(' ')}}`,
  };
}
