import {
  type Context,
  context as contextApi,
  diag,
  INVALID_SPAN_CONTEXT,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Sampler,
  type SamplingResult,
  type Span,
  type SpanContext,
  type SpanOptions,
  type Tracer,
  trace as traceApi,
} from '@opentelemetry/api';
import type { Group } from '../../buffer/record.ts';
import { isTracingSuppressed } from '../context/suppress-tracing.ts';
import { textOf } from './attributes.ts';
import { type RandomWords, traceIdHex, wordOfHex } from './ids.ts';
import {
  FLAG_HAS_IS_REMOTE,
  FLAG_IS_REMOTE,
  FLAG_SAMPLED,
  RecordingSpan,
  type TraceShared,
} from './span.ts';

/** What a tracer needs beyond what its spans need. */
export interface TracerShared extends TraceShared {
  readonly random: RandomWords;
  /** Decides what is recorded; undefined: a root always, a child as its parent. */
  readonly sampler: Sampler | undefined;
}

/** `SamplingDecision` of the API; anything else does not record. */
const RECORD = 1;
const RECORD_AND_SAMPLED = 2;

/** Tracer of `@opentelemetry/api`. */
export class RecordingTracer implements Tracer {
  private readonly shared: TracerShared;
  private readonly scope: Group;

  constructor(shared: TracerShared, scope: Group) {
    this.shared = shared;
    this.scope = scope;
  }

  startSpan(name: string, options?: SpanOptions, context: Context = contextApi.active()): Span {
    try {
      return this.start(name, options, context);
    } catch {
      // Something throws when it is read, or is no context: the span does without.
      return this.start(name, undefined, ROOT_CONTEXT);
    }
  }

  private start(name: string, options: SpanOptions | undefined, context: Context): Span {
    const { shared } = this;
    let parent: Span | undefined;
    if (context !== ROOT_CONTEXT) {
      if (isTracingSuppressed(context)) return traceApi.wrapSpanContext(INVALID_SPAN_CONTEXT);
      if (options?.root !== true) parent = traceApi.getSpan(context);
    }
    const span = new RecordingSpan(shared, this.scope, textOf(name));
    shared.random.spanId(span);
    if (parent === undefined) shared.random.traceId(span);
    else if (parent instanceof RecordingSpan) childOfLocal(span, parent);
    else childOf(span, parent.spanContext(), shared.random);

    if (options?.kind !== undefined) span.kind = kindOf(options.kind);
    let recorded = (span.flags & FLAG_SAMPLED) !== 0;
    let sampled: SamplingResult | undefined;
    if (shared.sampler !== undefined) {
      sampled = sample(shared.sampler, span, options, context);
      if (sampled !== undefined) {
        recorded = sampled.decision === RECORD || sampled.decision === RECORD_AND_SAMPLED;
      }
    }
    if (!recorded) return traceApi.wrapSpanContext(span.spanContext());

    const { clock } = shared;
    if (options?.startTime === undefined) clock.read(clock.anchor);
    else clock.readInput(options.startTime, clock.anchor);
    span.startSec = clock.sec;
    span.startNano = clock.nano;
    if (options?.links) span.addLinks(options.links);
    if (options?.attributes) span.setAttributes(options.attributes);
    if (sampled?.attributes) span.setAttributes(sampled.attributes);
    return span;
  }

  startActiveSpan<F extends (span: Span) => unknown>(name: string, fn: F): ReturnType<F>;
  startActiveSpan<F extends (span: Span) => unknown>(
    name: string,
    options: SpanOptions,
    fn: F,
  ): ReturnType<F>;
  startActiveSpan<F extends (span: Span) => unknown>(
    name: string,
    options: SpanOptions,
    context: Context,
    fn: F,
  ): ReturnType<F>;
  startActiveSpan<F extends (span: Span) => unknown>(
    name: string,
    ...rest: [F] | [SpanOptions, F] | [SpanOptions, Context, F]
  ): ReturnType<F> {
    const fn = rest[rest.length - 1] as F;
    if (typeof fn !== 'function') return undefined as ReturnType<F>;
    const options = rest.length > 1 ? (rest[0] as SpanOptions) : undefined;
    const given = rest.length > 2 ? rest[1] : undefined;
    const parent = isContext(given) ? given : contextApi.active();
    const span = this.startSpan(name, options, parent);
    return contextApi.with(
      traceApi.setSpan(parent, span),
      fn as (span: Span) => ReturnType<F>,
      undefined,
      span,
    );
  }
}

function childOfLocal(span: RecordingSpan, parent: RecordingSpan): void {
  span.traceId0 = parent.traceId0;
  span.traceId1 = parent.traceId1;
  span.traceId2 = parent.traceId2;
  span.traceId3 = parent.traceId3;
  span.parentId0 = parent.spanId0;
  span.parentId1 = parent.spanId1;
  span.flags = (parent.flags & 0xff) | FLAG_HAS_IS_REMOTE;
  const traceState = parent.rare?.traceStateObject;
  if (traceState !== undefined) span.setTraceState(traceState);
}

/** A child of a span that is not ours, mostly one in another process. */
function childOf(span: RecordingSpan, parent: SpanContext, random: RandomWords): void {
  if (!isSpanContextValid(parent)) {
    random.traceId(span);
    return;
  }
  const { traceId, spanId } = parent;
  span.traceId0 = wordOfHex(traceId, 0);
  span.traceId1 = wordOfHex(traceId, 8);
  span.traceId2 = wordOfHex(traceId, 16);
  span.traceId3 = wordOfHex(traceId, 24);
  span.parentId0 = wordOfHex(spanId, 0);
  span.parentId1 = wordOfHex(spanId, 8);
  span.flags =
    (parent.traceFlags & 0xff) | FLAG_HAS_IS_REMOTE | (parent.isRemote ? FLAG_IS_REMOTE : 0);
  if (parent.traceState !== undefined) span.setTraceState(parent.traceState);
}

/** SpanKind of OTLP, which is the API's plus one; internal for what is none. */
function kindOf(kind: unknown): number {
  return typeof kind === 'number' && kind >= 0 && kind <= 4 ? Math.floor(kind) + 1 : 1;
}

/**
 * Asks a sampler (specification, "ShouldSample"). Undefined when it fails: the span is then
 * recorded as if there were none.
 */
function sample(
  sampler: Sampler,
  span: RecordingSpan,
  options: SpanOptions | undefined,
  context: Context,
): SamplingResult | undefined {
  try {
    const result = sampler.shouldSample(
      options?.root === true ? traceApi.deleteSpan(context) : context,
      traceIdHex(span),
      span.name,
      span.kind - 1,
      options?.attributes ?? {},
      options?.links ?? [],
    );
    const { decision, traceState } = result;
    if (traceState !== undefined) span.setTraceState(traceState);
    span.flags &= ~FLAG_SAMPLED;
    if (decision === RECORD_AND_SAMPLED) span.flags |= FLAG_SAMPLED;
    return result;
  } catch (error) {
    diag.error('otlp-wasm: the sampler failed', error);
    return undefined;
  }
}

function isContext(value: unknown): value is Context {
  try {
    const { getValue, setValue } = value as Context;
    return typeof getValue === 'function' && typeof setValue === 'function';
  } catch {
    return false;
  }
}
