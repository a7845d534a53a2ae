import { diag, type TraceState } from '@opentelemetry/api';
import { W3CTraceState } from '../../propagation/trace-state.ts';
import { isRandomness, isThreshold } from './threshold.ts';

/**
 * OpenTelemetry's own entry of `tracestate` (specification, "TraceState Handling"):
 *
 *     ot=rv:6e6d1a75832a2f;th:c;other:x
 *         │                 │   └ sub-keys of other concerns: kept as they are
 *         │                 └ rejection threshold, 1 to 14 digits; written by samplers
 *         └ explicit randomness, 14 digits; never written over
 */
const KEY = 'ot';
const TH = 'th:';
const RV = 'rv:';
const MAX_CHARS = 256;

let warnedOfLength = false;

function subValue(traceState: TraceState | undefined, key: string): string | undefined {
  const ot = traceState?.get(KEY);
  if (ot === undefined) return undefined;
  for (const member of ot.split(';')) {
    if (member.startsWith(key)) return member.slice(key.length);
  }
  return undefined;
}

/** Explicit randomness; undefined when there is none or when it is malformed. */
export function randomnessIn(traceState: TraceState | undefined): string | undefined {
  const value = subValue(traceState, RV);
  return value !== undefined && isRandomness(value) ? value : undefined;
}

/** The threshold; undefined when there is none or when it is malformed. */
export function thresholdIn(traceState: TraceState | undefined): string | undefined {
  const value = subValue(traceState, TH);
  return value !== undefined && isThreshold(value) ? value : undefined;
}

/** A list whose one entry says the threshold. */
export function stateOf(threshold: string): TraceState {
  return new W3CTraceState([`${KEY}=${TH}${threshold}`]);
}

/**
 * The list with this threshold, or with none: itself when nothing changes, else one in which `ot`
 * comes first, or is gone when nothing is left in it.
 */
export function withThreshold(traceState: TraceState, threshold: string | undefined): TraceState {
  const before = traceState.get(KEY);
  if (before === undefined) {
    return threshold === undefined ? traceState : traceState.set(KEY, TH + threshold);
  }
  const members = before.split(';');
  const others = members.filter((member) => !member.startsWith(TH));
  if (threshold !== undefined) {
    const wanted = TH + threshold;
    if (members.length === others.length + 1 && members.includes(wanted)) return traceState;
    const after = [...others, wanted].filter((member) => member !== '').join(';');
    if (after.length <= MAX_CHARS) return traceState.set(KEY, after);
    // The old threshold would be wrong; none is merely unknown.
    if (!warnedOfLength) {
      warnedOfLength = true;
      diag.warn(
        `otlp-wasm: the 'ot' entry of a tracestate has ${before.length} characters; there is no room for a sampling threshold, so sampled spans of such traces cannot be counted.`,
      );
    }
  }
  if (others.length === members.length) return traceState;
  const after = others.join(';');
  return after === '' ? traceState.unset(KEY) : traceState.set(KEY, after);
}
