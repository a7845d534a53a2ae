import {
  type Attributes,
  type Context,
  context as contextApi,
  INVALID_SPAN_CONTEXT,
  ROOT_CONTEXT,
  type Sampler,
  type SamplingDecision,
  type SamplingResult,
  type Span,
  type SpanOptions,
  type Tracer,
  trace as traceApi,
} from '@opentelemetry/api';
import type { Group } from '../../buffer/record.ts';
import { ActiveSpanContext } from '../context/active-span.ts';
import { isTracingSuppressed } from '../context/suppress-tracing.ts';
import { textOf } from './attributes.ts';
import {
  FLAG_HAS_IS_REMOTE,
  FLAG_IS_REMOTE,
  FLAG_PARENT_SAMPLED,
  FLAG_RANDOM,
  FLAG_SAMPLED,
  FLAG_SELF_REMOTE,
  type SpanIdentity,
} from './identity.ts';
import { type IdSource, traceIdHex } from './ids.ts';
import { NonRecordingSpan } from './non-recording.ts';
import { say } from './say.ts';
import { RecordingSpan, type TraceShared } from './span.ts';
import { spanIn } from './span-in.ts';

/** A sampler; one that always decides the same may say so, and is then not asked. */
export interface TraceSampler extends Sampler {
  readonly always?: SamplingDecision;
}

/** What a tracer needs beyond what its spans need. */
export interface TracerShared extends TraceShared {
  readonly ids: IdSource;
  /** Decides what is recorded; undefined: a root always, a child as its parent. */
  readonly sampler: TraceSampler | undefined;
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
    const { ids, sampler, processors } = shared;
    let parent: SpanIdentity | undefined;
    if (context !== ROOT_CONTEXT) {
      if (isTracingSuppressed(context)) return traceApi.wrapSpanContext(INVALID_SPAN_CONTEXT);
      if (options?.root !== true) parent = spanIn(context);
    }
    if (sampler !== undefined) {
      const drawn = identify(new NonRecordingSpan(), parent, ids);
      const decided = decide(sampler, drawn, { name, options, context });
      if (!decided.recorded) return drawn;
      const span = this.record(name, options);
      span.take(drawn);
      return this.complete(span, parent, { options, context, given: decided.attributes });
    }
    if (parent !== undefined && (parent.flags & FLAG_SAMPLED) === 0) {
      return identify(new NonRecordingSpan(), parent, ids);
    }
    const span = identify(this.record(name, options), parent, ids);
    // Most spans are done here; what only some have is apart.
    if (parent === undefined && options === undefined && processors === null) return span;
    return this.complete(span, parent, { options, context, given: undefined });
  }

  /** A span that records and has its time. */
  private record(name: string, options: SpanOptions | undefined): RecordingSpan {
    const { clock } = this.shared;
    // Also for a start that is given: the end may be read from the clock.
    clock.begin();
    if (options?.startTime !== undefined) clock.readInput(options.startTime, clock.anchor);
    const span = new RecordingSpan(this.shared, this.scope, textOf(name));
    span.startSec = clock.sec;
    span.startNano = clock.nano;
    return span;
  }

  /** Gives a span what it has of its parent, its options and its sampler. */
  private complete(
    span: RecordingSpan,
    parent: SpanIdentity | undefined,
    start: { options: SpanOptions | undefined; context: Context; given: Attributes | undefined },
  ): RecordingSpan {
    const { options, context, given } = start;
    const { processors } = this.shared;
    if (parent !== undefined) {
      span.parentId0 = parent.spanId0;
      span.parentId1 = parent.spanId1;
    }
    if (span.traceState !== undefined) span.setTraceState(span.traceState, parent?.traceState);
    if (options) {
      if (options.kind !== undefined) span.otlpKind = kindOf(options.kind);
      if (options.links) span.addLinks(options.links);
      if (options.attributes) span.setAttributes(options.attributes);
    }
    if (given !== undefined) span.setAttributes(given);
    if (processors !== null) processors.started(span, parentContext(options, context));
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
    second: F | SpanOptions,
    third?: F | Context,
    fourth?: F,
  ): ReturnType<F> {
    // The callback comes last, of two to four arguments.
    const fn = fourth ?? third ?? second;
    if (typeof fn !== 'function') return undefined as ReturnType<F>;
    const options = fn === second ? undefined : (second as SpanOptions);
    const parent = fn === fourth && isContext(third) ? third : contextApi.active();
    const span = this.startSpan(name, options, parent);
    const context = new ActiveSpanContext(parent, span);
    return contextApi.with(context, fn as (span: Span) => ReturnType<F>, undefined, span);
  }
}

/** What samplers and processors see: for a root, no span. */
function parentContext(options: SpanOptions | undefined, context: Context): Context {
  return options?.root === true ? traceApi.deleteSpan(context) : context;
}

/** Gives a new span its ids, and what it has of its parent. */
function identify<S extends SpanIdentity>(
  span: S,
  parent: SpanIdentity | undefined,
  ids: IdSource,
): S {
  ids.spanId(span);
  if (parent === undefined) {
    ids.traceId(span);
    span.flags = FLAG_SAMPLED | FLAG_HAS_IS_REMOTE | (ids.isRandom ? FLAG_RANDOM : 0);
    return span;
  }
  span.traceId0 = parent.traceId0;
  span.traceId1 = parent.traceId1;
  span.traceId2 = parent.traceId2;
  span.traceId3 = parent.traceId3;
  const { flags } = parent;
  span.flags =
    (flags & 0xff) |
    FLAG_HAS_IS_REMOTE |
    ((flags & FLAG_SAMPLED) === 0 ? 0 : FLAG_PARENT_SAMPLED) |
    ((flags & FLAG_SELF_REMOTE) === 0 ? 0 : FLAG_IS_REMOTE);
  if (parent.traceState !== undefined) span.traceState = parent.traceState;
  return span;
}

/** SpanKind of OTLP, which is the API's plus one; internal for what is none. */
function kindOf(kind: unknown): number {
  return typeof kind === 'number' && kind >= 0 && kind <= 4 ? Math.floor(kind) + 1 : 1;
}

/** What a sampler makes of a span that is about to start. */
interface Decided {
  readonly recorded: boolean;
  readonly attributes: Attributes | undefined;
}

/**
 * Asks a sampler (specification, "ShouldSample"). When it fails, the span is recorded as if
 * there were none.
 */
function decide(
  sampler: TraceSampler,
  identity: NonRecordingSpan,
  asked: { name: string; options: SpanOptions | undefined; context: Context },
): Decided {
  const { options, context } = asked;
  let result: Partial<SamplingResult>;
  try {
    result =
      sampler.always === undefined
        ? sampler.shouldSample(
            parentContext(options, context),
            traceIdHex(identity),
            textOf(asked.name),
            kindOf(options?.kind) - 1,
            options?.attributes ?? {},
            options?.links ?? [],
          )
        : { decision: sampler.always };
    const { decision, traceState, attributes } = result;
    if (traceState !== undefined) identity.traceState = traceState;
    identity.flags &= ~FLAG_SAMPLED;
    if (decision === RECORD_AND_SAMPLED) identity.flags |= FLAG_SAMPLED;
    const recorded = decision === RECORD || decision === RECORD_AND_SAMPLED;
    return { recorded, attributes };
  } catch (error) {
    say('error', 'the sampler failed', error);
    const recorded = (identity.flags & FLAG_SAMPLED) !== 0;
    return { recorded, attributes: undefined };
  }
}

function isContext(value: unknown): value is Context {
  if (value === undefined || value === null) return false;
  try {
    const { getValue, setValue } = value as Context;
    return typeof getValue === 'function' && typeof setValue === 'function';
  } catch {
    return false;
  }
}
