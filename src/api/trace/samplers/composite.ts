import {
  type Attributes,
  type Context,
  isSpanContextValid,
  type Link,
  type Sampler,
  SamplingDecision,
  type SamplingResult,
  type SpanContext,
  type SpanKind,
  type TraceState,
  trace as traceApi,
} from '@opentelemetry/api';
import { W3CTraceState } from '../../propagation/trace-state.ts';
import { checkedComposable } from './checked.ts';
import { randomnessIn, thresholdIn, withThreshold } from './ot-state.ts';
import { presumedRandomness } from './probability.ts';
import { isSampled, isThreshold } from './threshold.ts';

/** What there is to know about a span that may be started. Not to be changed. */
export interface SpanToSample {
  /** The whole context, with the parent span in it. */
  readonly context: Context;
  /** The parent's; undefined for a root. */
  readonly parent: SpanContext | undefined;
  readonly name: string;
  readonly kind: SpanKind;
  /** Attributes that are there at the start. */
  readonly attributes: Attributes;
  readonly links: readonly Link[];
}

/** What a composable sampler would like (specification, "GetSamplingIntent"). */
export interface SamplingIntent {
  /**
   * Which part of all spans to reject, as `th` of `tracestate` says it: 1 to 14 lower-case hex
   * digits, the first ones of a 56-bit number. `'0'` rejects none; undefined rejects all.
   */
  readonly threshold: string | undefined;
  /** Whether spans may be counted by that threshold. If not, it is not written. */
  readonly adjustedCountReliable: boolean;
  /** Attributes for the span; asked only when it is sampled. */
  readonly attributes?: (() => Attributes) | undefined;
  /**
   * Other vendors' entries of `tracestate`, from the parent's. Changes to the entry `ot` are
   * undone: it belongs to the composite sampler.
   */
  readonly traceState?:
    | ((parent: TraceState | undefined, decision: SamplingDecision) => TraceState | undefined)
    | undefined;
}

/** A part of a composite sampler: it says what it would like, and decides nothing. */
export interface ComposableSampler {
  getSamplingIntent(span: SpanToSample): SamplingIntent;
  /** Name and configuration. */
  toString(): string;
}

/**
 * A sampler made of composable ones (specification, "CompositeSampler"): asks `composable` for a
 * threshold, samples the span when its randomness reaches it, and writes the threshold to
 * `tracestate`, or takes it out when the span is dropped or cannot be counted.
 *
 * @throws OtlpError `invalid_option` when `composable` is no composable sampler
 */
export function composite(composable: ComposableSampler): Sampler {
  checkedComposable('composite', 'composable', composable);
  const notice = presumedRandomness();

  /** Whether the span is sampled. */
  function decide(
    { threshold, adjustedCountReliable }: SamplingIntent,
    traceId: string,
    parent: SpanContext | undefined,
  ): boolean {
    if (typeof threshold !== 'string' || !isThreshold(threshold)) return false;
    if (!adjustedCountReliable) return isSampled(traceId, freshRandomness(), threshold);
    const randomness = randomnessIn(parent?.traceState);
    if (threshold !== '0' && threshold !== thresholdIn(parent?.traceState)) {
      notice(parent, randomness);
    }
    return isSampled(traceId, randomness, threshold);
  }

  return {
    shouldSample(context, traceId, name, kind, attributes, links): SamplingResult {
      const found = traceApi.getSpanContext(context);
      const parent = found !== undefined && isSpanContextValid(found) ? found : undefined;
      const span: SpanToSample = { context, parent, name, kind, attributes, links };
      const intent = composable.getSamplingIntent(span);
      // A root's context may bring a state of its own, with explicit randomness.
      const sampled = decide(intent, traceId, found);
      const decision = sampled ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.NOT_RECORD;
      const before = found?.traceState;
      const provided =
        intent.traceState === undefined ? before : intent.traceState(before, decision);
      const threshold = sampled && intent.adjustedCountReliable ? intent.threshold : undefined;
      const traceState = settled(before, provided, threshold);
      const added = sampled ? intent.attributes?.() : undefined;
      return {
        decision,
        ...(added !== undefined && { attributes: added }),
        ...(traceState !== undefined && { traceState }),
      };
    },
    toString: () => `CompositeSampler{${composable}}`,
  };
}

/** What was provided, with the entry `ot` as it was before but for the threshold. */
function settled(
  before: TraceState | undefined,
  provided: TraceState | undefined,
  threshold: string | undefined,
): TraceState | undefined {
  let state = provided;
  const ot = before?.get('ot');
  if (provided !== before && provided?.get('ot') !== ot) {
    state =
      ot === undefined ? provided?.unset('ot') : (provided ?? new W3CTraceState()).set('ot', ot);
  }
  if (state !== undefined) return withThreshold(state, threshold);
  if (threshold !== undefined) return withThreshold(new W3CTraceState(), threshold);
  // Emptied: an empty list clears the parent's, no list would keep it.
  return before === undefined ? undefined : new W3CTraceState();
}

/** 56 random bits of its own, where the trace's must not be used. */
function freshRandomness(): string {
  const half = () =>
    Math.floor(Math.random() * 2 ** 28)
      .toString(16)
      .padStart(7, '0');
  return half() + half();
}
