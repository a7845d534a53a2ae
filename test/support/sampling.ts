/** Spans to ask samplers about. */

import {
  type Attributes,
  type Context,
  ROOT_CONTEXT,
  type Sampler,
  SamplingDecision,
  type SamplingResult,
  type SpanContext,
  SpanKind,
  trace as traceApi,
} from '@opentelemetry/api';
import { parseTraceState } from '../../src/api/propagation/trace-state.ts';
import { randomFrom } from './random.ts';

export const SPAN_ID = 'b7ad6b7169203331';
/** Its randomness is in the middle: sampled at 50 %, not at 49 %. */
export const MIDDLE_TRACE_ID = '0af7651916cd43dd8480000000000000';

export interface Asked {
  readonly context?: Context;
  readonly traceId?: string;
  readonly name?: string;
  readonly kind?: SpanKind;
  readonly attributes?: Attributes;
}

export function ask(sampler: Sampler, asked: Asked = {}): SamplingResult {
  const { context = ROOT_CONTEXT, traceId = MIDDLE_TRACE_ID, name = 'span' } = asked;
  const { kind = SpanKind.INTERNAL, attributes = {} } = asked;
  return sampler.shouldSample(context, traceId, name, kind, attributes, []);
}

export function isKept(sampler: Sampler, asked: Asked = {}): boolean {
  return ask(sampler, asked).decision === SamplingDecision.RECORD_AND_SAMPLED;
}

/** The header of the state that a sampler gives a span. */
export function stateAfter(sampler: Sampler, asked: Asked = {}): string | undefined {
  return ask(sampler, asked).traceState?.serialize();
}

export interface Parent {
  readonly traceId?: string;
  readonly flags?: number;
  readonly remote?: boolean;
  /** A `tracestate` header. */
  readonly state?: string;
}

/** A context with a parent span: remote, sampled, of a random trace id. */
export function childOf(parent: Parent = {}): Context {
  const { traceId = MIDDLE_TRACE_ID, flags = 0x03, remote = true, state } = parent;
  const traceState = state === undefined ? undefined : parseTraceState(state);
  const spanContext: SpanContext = {
    ...{ traceId, spanId: SPAN_ID, traceFlags: flags, isRemote: remote },
    ...(traceState !== undefined && { traceState }),
  };
  return traceApi.setSpanContext(ROOT_CONTEXT, spanContext);
}

/** Trace ids from a seed, the same on every run. */
export function traceIds(count: number, seed = 1): string[] {
  const random = randomFrom(seed);
  const word = () =>
    Math.floor(random.next() * 2 ** 32)
      .toString(16)
      .padStart(8, '0');
  return Array.from({ length: count }, () => word() + word() + word() + word());
}
