import {
  type Context,
  createContextKey,
  isSpanContextValid,
  type TextMapGetter,
  type TextMapPropagator,
  trace,
} from '@opentelemetry/api';
import { OtlpError } from '../../errors.ts';
import { isTracingSuppressed } from '../context/suppress-tracing.ts';
import { singleHeader } from './header.ts';

const SINGLE = 'b3';
const TRACE_ID = 'x-b3-traceid';
const SPAN_ID = 'x-b3-spanid';
const SAMPLED = 'x-b3-sampled';
const FLAGS = 'x-b3-flags';

/** Deny, accept, debug. */
type SamplingState = '0' | '1' | 'd';

/** trace-id "-" span-id, then perhaps "-" sampling-state, then perhaps "-" parent-span-id. */
const IDS = /^([0-9a-f]{16}(?:[0-9a-f]{16})?)-([0-9a-f]{16})(?:-([01d]))?(?:-(?:[0-9a-f]{16}))?$/;
const STATE = /^[01d]$/;
const HEX_16 = /^[0-9a-f]{16}$/;
const HEX_16_OR_32 = /^(?:[0-9a-f]{16}){1,2}$/;

let key: symbol | undefined;

/**
 * Holds what headers said and no span context can: debug, and the sampling state that came
 * without ids.
 */
function stateKey(): symbol {
  key ??= createContextKey('otlp-wasm B3 sampling state');
  return key;
}

export interface B3Options {
  /** The encoding that is written; both are read. Default `single`. */
  readonly inject?: 'single' | 'multi';
}

/**
 * Zipkin's B3 headers: `b3`, or `X-B3-TraceId` and its companions (specification, "B3
 * Requirements").
 *
 * Reads `b3` first, and the others where it is missing or invalid. Trace ids of 64 bits are padded
 * with zeros on the left. The debug flag means sampled, and travels on with all that is injected
 * from the context or from contexts made from it. A sampling state without ids gives the context
 * no span, so the local sampler decides; it travels on until there is a span. Headers that are
 * invalid leave the context as it was.
 *
 * Writes nothing where tracing is suppressed, and never `X-B3-ParentSpanId`.
 *
 * @throws OtlpError `invalid_option`
 */
export function b3(options: B3Options = {}): TextMapPropagator {
  const { inject: encoding = 'single' } = options;
  if (encoding !== 'single' && encoding !== 'multi') {
    throw new OtlpError(
      'invalid_option',
      `option 'inject' is '${encoding}'; give 'single' or 'multi', or leave it out for 'single'.`,
    );
  }
  const multi = encoding === 'multi';
  return {
    inject(context, carrier, setter) {
      if (isTracingSuppressed(context)) return;
      const kept = context.getValue(stateKey()) as SamplingState | undefined;
      const spanContext = trace.getSpanContext(context);
      const valid = spanContext !== undefined && isSpanContextValid(spanContext);
      if (!valid && kept === undefined) return;
      const sampled = valid ? (`${spanContext.traceFlags & 1}` as SamplingState) : kept;
      const state = kept === 'd' ? 'd' : sampled!;
      if (!multi) {
        const ids = valid ? `${spanContext.traceId}-${spanContext.spanId}-` : '';
        setter.set(carrier, SINGLE, ids + state);
        return;
      }
      if (valid) {
        setter.set(carrier, TRACE_ID, spanContext.traceId);
        setter.set(carrier, SPAN_ID, spanContext.spanId);
      }
      // Debug implies sampled, which is then not sent besides (B3, "Debug Flag").
      if (state === 'd') setter.set(carrier, FLAGS, '1');
      else setter.set(carrier, SAMPLED, state);
    },

    extract(context, carrier, getter) {
      return fromSingle(context, carrier, getter) ?? fromMulti(context, carrier, getter) ?? context;
    },

    fields() {
      return multi ? [TRACE_ID, SPAN_ID, SAMPLED, FLAGS] : [SINGLE];
    },
  };
}

function fromSingle<Carrier>(
  context: Context,
  carrier: Carrier,
  getter: TextMapGetter<Carrier>,
): Context | undefined {
  const header = singleHeader(carrier, getter, SINGLE)?.toLowerCase();
  if (header === undefined) return undefined;
  if (STATE.test(header)) return withState(context, header as SamplingState);
  const [, traceId, spanId, state] = IDS.exec(header) ?? [];
  if (traceId === undefined || spanId === undefined) return undefined;
  return withIds(context, traceId, spanId, state as SamplingState | undefined);
}

function fromMulti<Carrier>(
  context: Context,
  carrier: Carrier,
  getter: TextMapGetter<Carrier>,
): Context | undefined {
  const read = (name: string) => singleHeader(carrier, getter, name)?.toLowerCase();
  let state: SamplingState | undefined;
  if (read(FLAGS) === '1') state = 'd';
  else {
    const sampled = read(SAMPLED);
    if (sampled === '1' || sampled === 'true') state = '1';
    else if (sampled === '0' || sampled === 'false') state = '0';
    else if (sampled !== undefined) return undefined;
  }
  const traceId = read(TRACE_ID);
  const spanId = read(SPAN_ID);
  if (traceId === undefined && spanId === undefined) {
    return state === undefined ? undefined : withState(context, state);
  }
  if (!HEX_16_OR_32.test(traceId ?? '') || !HEX_16.test(spanId ?? '')) return undefined;
  return withIds(context, traceId!, spanId!, state);
}

/** The context with the caller's span in it; undefined where an id is zero. */
function withIds(
  context: Context,
  traceId: string,
  spanId: string,
  state: SamplingState | undefined,
): Context | undefined {
  const spanContext = {
    traceId: traceId.padStart(32, '0'),
    spanId,
    // No state leaves the decision to the receiver, for which a span context has no word.
    traceFlags: state === '1' || state === 'd' ? 1 : 0,
    isRemote: true,
  };
  if (!isSpanContextValid(spanContext)) return undefined;
  const debug = state === 'd' ? context.setValue(stateKey(), 'd') : context.deleteValue(stateKey());
  return trace.setSpanContext(debug, spanContext);
}

function withState(context: Context, state: SamplingState): Context {
  return context.setValue(stateKey(), state);
}
