import {
  type Context,
  isSpanContextValid,
  type SpanContext,
  type TextMapGetter,
  type TextMapPropagator,
  type TextMapSetter,
  trace,
} from '@opentelemetry/api';
import { isTracingSuppressed } from '../context/suppress-tracing.ts';
import { listHeader, singleHeader } from './header.ts';
import { parseTraceState } from './trace-state.ts';

const TRACEPARENT = 'traceparent';
const TRACESTATE = 'tracestate';

/** Sampled and random-trace-id: the flags Level 2 knows; all others must be sent as zero. */
const KNOWN_FLAGS = 0x03;

/**
 * version "-" trace-id "-" parent-id "-" flags, offsets 0, 3, 36, 53; 55 characters. A higher
 * version may go on after another dash, but not past a comma: that is where a host joined two
 * headers, and of two none is to be believed.
 */
const PREFIX =
  /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-[^,]*)?$/;
const LENGTH = 55;

/** The `traceparent` and `tracestate` headers: W3C Trace Context, Level 2. */
export class TraceContextPropagator implements TextMapPropagator {
  /** Writes the context's span; nothing where tracing is suppressed or the ids are invalid. */
  inject<Carrier>(context: Context, carrier: Carrier, setter: TextMapSetter<Carrier>): void {
    const spanContext = trace.getSpanContext(context);
    if (spanContext === undefined || isTracingSuppressed(context)) return;
    if (!isSpanContextValid(spanContext)) return;
    const { traceId, spanId, traceFlags, traceState } = spanContext;
    setter.set(carrier, TRACEPARENT, `00-${traceId}-${spanId}-0${traceFlags & KNOWN_FLAGS}`);
    const list = traceState?.serialize();
    if (list) setter.set(carrier, TRACESTATE, list);
  }

  /** The context with the caller's span in it; unchanged where `traceparent` is invalid. */
  extract<Carrier>(context: Context, carrier: Carrier, getter: TextMapGetter<Carrier>): Context {
    const header = singleHeader(carrier, getter, TRACEPARENT);
    if (header === undefined || !PREFIX.test(header)) return context;
    if (header.length !== LENGTH && header.startsWith('00')) return context;
    const spanContext: SpanContext = {
      traceId: header.slice(3, 35),
      spanId: header.slice(36, 52),
      traceFlags: Number.parseInt(header.slice(53, LENGTH), 16) & KNOWN_FLAGS,
      isRemote: true,
    };
    const list = listHeader(carrier, getter, TRACESTATE);
    const traceState = list ? parseTraceState(list) : undefined;
    if (traceState !== undefined) spanContext.traceState = traceState;
    return trace.setSpanContext(context, spanContext);
  }

  fields(): string[] {
    return [TRACEPARENT, TRACESTATE];
  }
}
