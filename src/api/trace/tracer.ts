import {
  type Context,
  context as contextApi,
  INVALID_SPAN_CONTEXT,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Sampler,
  type Span,
  type SpanContext,
  type SpanOptions,
  type Tracer,
  trace as traceApi,
} from '@opentelemetry/api';
import type { Group } from '../../buffer/record.ts';
import { isTracingSuppressed } from '../context/suppress-tracing.ts';
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

/** `SamplingDecision` of the API: NOT_RECORD, RECORD, RECORD_AND_SAMPLED. */
const NOT_RECORD = 0;
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
    const { shared } = this;
    let parent: Span | undefined;
    if (context !== ROOT_CONTEXT) {
      if (isTracingSuppressed(context)) return traceApi.wrapSpanContext(INVALID_SPAN_CONTEXT);
      if (options?.root !== true) parent = traceApi.getSpan(context);
    }
    const span = new RecordingSpan(shared, this.scope, String(name));
    shared.random.spanId(span);
    if (parent === undefined) shared.random.traceId(span);
    else if (parent instanceof RecordingSpan) childOfLocal(span, parent);
    else childOf(span, parent.spanContext(), shared.random);

    if (options?.kind !== undefined) span.kind = options.kind + 1;
    const recorded =
      shared.sampler === undefined
        ? (span.flags & FLAG_SAMPLED) !== 0
        : sample(shared.sampler, span, options, context);
    if (!recorded) return traceApi.wrapSpanContext(span.spanContext());

    const { clock } = shared;
    if (options?.startTime === undefined) clock.read(clock.anchor);
    else clock.readInput(options.startTime, clock.anchor);
    span.startSec = clock.sec;
    span.startNano = clock.nano;
    if (options?.links) span.addLinks(options.links);
    if (options?.attributes) span.setAttributes(options.attributes);
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
    const options = rest.length > 1 ? (rest[0] as SpanOptions) : undefined;
    const parent = rest.length > 2 ? (rest[1] as Context) : contextApi.active();
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

/** Asks a sampler (specification, "ShouldSample"); returns whether the span records. */
function sample(
  sampler: Sampler,
  span: RecordingSpan,
  options: SpanOptions | undefined,
  context: Context,
): boolean {
  const { decision, attributes, traceState } = sampler.shouldSample(
    options?.root ? traceApi.deleteSpan(context) : context,
    traceIdHex(span),
    span.name,
    options?.kind ?? 0,
    options?.attributes ?? {},
    options?.links ?? [],
  );
  span.flags &= ~FLAG_SAMPLED;
  if (decision === RECORD_AND_SAMPLED) span.flags |= FLAG_SAMPLED;
  if (traceState !== undefined) span.setTraceState(traceState);
  if (attributes) span.setAttributes(attributes);
  return decision !== NOT_RECORD;
}
