import {
  type Context,
  isSpanContextValid,
  type TextMapPropagator,
  type TextMapSetter,
  trace,
} from '@opentelemetry/api';
import { isTracingSuppressed } from '../context/suppress-tracing.ts';
import { compositePropagator } from './composite.ts';

/** What the name of a header can be: a token of RFC 9110. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const SAMPLED = 1;

/**
 * A propagator of somebody else with the manners of ours: it writes nothing where tracing is
 * suppressed; ids that are invalid neither leave nor come in; the only flag it is shown is the
 * sampled one, because the others mean something else in its format; baggage whose key cannot be
 * the name of a header is left out; and what it throws is reported to `diag`.
 */
export function bundledPropagator(propagator: TextMapPropagator): TextMapPropagator {
  const guarded = compositePropagator([propagator]);
  return {
    inject<Carrier>(context: Context, carrier: Carrier, setter: TextMapSetter<Carrier>) {
      if (isTracingSuppressed(context)) return;
      guarded.inject(withPlainSpan(context), carrier, {
        set: (to, name, value) => {
          if (TOKEN.test(name)) setter.set(to, name, value);
        },
      });
    },

    extract(context, carrier, getter) {
      const extracted = guarded.extract(context, carrier, getter);
      const span = trace.getSpan(extracted);
      const before = trace.getSpan(context);
      if (span === undefined || span === before) return extracted;
      const spanContext = span.spanContext();
      if (isSpanContextValid(spanContext)) {
        // Other formats, which it may travel on in, have lower case alone.
        const traceId = spanContext.traceId.toLowerCase();
        const spanId = spanContext.spanId.toLowerCase();
        return trace.setSpanContext(extracted, { ...spanContext, traceId, spanId });
      }
      return before === undefined ? trace.deleteSpan(extracted) : trace.setSpan(extracted, before);
    },

    fields: () => propagator.fields(),
  };
}

function withPlainSpan(context: Context): Context {
  const spanContext = trace.getSpanContext(context);
  if (spanContext === undefined) return context;
  if (!isSpanContextValid(spanContext)) return trace.deleteSpan(context);
  const traceFlags = spanContext.traceFlags & SAMPLED;
  if (traceFlags === spanContext.traceFlags) return context;
  return trace.setSpanContext(context, { ...spanContext, traceFlags });
}
