import {
  type Context,
  context as contextApi,
  INVALID_SPAN_CONTEXT,
  isSpanContextValid,
  type Sampler,
  type Span,
  type SpanContext,
  type SpanOptions,
  type Tracer,
  trace as traceApi,
} from '@opentelemetry/api';
import type { Group } from '../../buffer/record.ts';
import { isTracingSuppressed } from '../context/suppress-tracing.ts';
import { hexOfWord, type RandomWords, wordOfHex } from './ids.ts';
import {
  FLAG_HAS_IS_REMOTE,
  FLAG_IS_REMOTE,
  FLAG_SAMPLED,
  type Ids,
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
    const shared = this.shared;
    if (isTracingSuppressed(context)) return traceApi.wrapSpanContext(INVALID_SPAN_CONTEXT);
    name = String(name);
    const parent = options?.root ? undefined : traceApi.getSpan(context);
    const ids = newIds(shared.random);
    let flags = FLAG_SAMPLED | FLAG_HAS_IS_REMOTE;
    let parentContext: SpanContext | undefined;
    if (parent instanceof RecordingSpan) {
      ids.trace0 = parent.traceId0;
      ids.trace1 = parent.traceId1;
      ids.trace2 = parent.traceId2;
      ids.trace3 = parent.traceId3;
      ids.parent0 = parent.spanId0;
      ids.parent1 = parent.spanId1;
      flags = (parent.flags & 0xff) | FLAG_HAS_IS_REMOTE;
      if (parent.traceStateObject !== undefined) parentContext = parent.spanContext();
    } else if (parent !== undefined) {
      const remote = parent.spanContext();
      if (isSpanContextValid(remote)) {
        parentContext = remote;
        flags = (remote.traceFlags & 0xff) | FLAG_HAS_IS_REMOTE;
        if (remote.isRemote) flags |= FLAG_IS_REMOTE;
        ids.trace0 = wordOfHex(remote.traceId, 0);
        ids.trace1 = wordOfHex(remote.traceId, 8);
        ids.trace2 = wordOfHex(remote.traceId, 16);
        ids.trace3 = wordOfHex(remote.traceId, 24);
        ids.parent0 = wordOfHex(remote.spanId, 0);
        ids.parent1 = wordOfHex(remote.spanId, 8);
      }
    }
    let traceState = parentContext?.traceState;
    let sampled: ReturnType<Sampler['shouldSample']> | undefined;
    if (shared.sampler !== undefined) {
      const base = options?.root ? traceApi.deleteSpan(context) : context;
      sampled = shared.sampler.shouldSample(
        base,
        traceIdOf(ids),
        name,
        options?.kind ?? 0,
        options?.attributes ?? {},
        options?.links ?? [],
      );
      flags &= ~FLAG_SAMPLED;
      if (sampled.decision === RECORD_AND_SAMPLED) flags |= FLAG_SAMPLED;
      if (sampled.traceState !== undefined) traceState = sampled.traceState;
    }
    const recorded = sampled ? sampled.decision !== NOT_RECORD : (flags & FLAG_SAMPLED) !== 0;
    if (!recorded) {
      const spanContext: SpanContext = {
        traceId: traceIdOf(ids),
        spanId: hexOfWord(ids.span0) + hexOfWord(ids.span1),
        traceFlags: flags & 0xff,
      };
      if (traceState !== undefined) spanContext.traceState = traceState;
      return traceApi.wrapSpanContext(spanContext);
    }
    const { clock, tree } = shared;
    if (options?.startTime === undefined) clock.read(clock.anchor);
    else clock.readInput(options.startTime, clock.anchor);
    const span = new RecordingSpan(shared, this.scope, tree.key(name), {
      name,
      kind: (options?.kind ?? 0) + 1,
      ids,
      flags,
      sec: clock.sec,
      nano: clock.nano,
    });
    if (traceState !== undefined) {
      span.traceStateObject = traceState;
      span.traceState = traceState.serialize();
    }
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
    const options = rest.length > 1 ? (rest[0] as SpanOptions) : undefined;
    const parent = rest.length > 2 ? (rest[1] as Context) : contextApi.active();
    const span = this.startSpan(name, options, parent);
    return contextApi.with(traceApi.setSpan(parent, span), fn, undefined, span) as ReturnType<F>;
  }
}

function newIds(random: RandomWords): Ids {
  const ids: Ids = {
    trace0: random.next(),
    trace1: random.next(),
    trace2: random.next(),
    trace3: random.next(),
    span0: random.next(),
    span1: random.next(),
    parent0: 0,
    parent1: 0,
  };
  // An id of zeros means none (W3C Trace Context); one draw in 2^64 would be.
  if ((ids.span0 | ids.span1) === 0) ids.span1 = 1;
  if ((ids.trace0 | ids.trace1 | ids.trace2 | ids.trace3) === 0) ids.trace3 = 1;
  return ids;
}

function traceIdOf(ids: Ids): string {
  return (
    hexOfWord(ids.trace0) + hexOfWord(ids.trace1) + hexOfWord(ids.trace2) + hexOfWord(ids.trace3)
  );
}
