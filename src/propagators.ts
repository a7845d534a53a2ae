/** `otlp-wasm/propagators`: how context travels, for `start({ propagator })` and by hand. */

import type { TextMapPropagator } from '@opentelemetry/api';
import { BaggagePropagator } from './api/propagation/baggage.ts';
import { TraceContextPropagator } from './api/propagation/trace-context.ts';

export { type B3Options, b3 } from './api/propagation/b3.ts';
export { compositePropagator as composite } from './api/propagation/composite.ts';
export {
  contextFromEnvironment,
  type Environment,
  environmentGetter,
  environmentSetter,
  environmentWithContext,
} from './api/propagation/environment.ts';
export { jaeger } from './api/propagation/jaeger.ts';
export { otTrace } from './api/propagation/ot-trace.ts';
export { xray } from './api/propagation/xray.ts';

/** The `traceparent` and `tracestate` headers: W3C Trace Context, Level 2. */
export function w3cTraceContext(): TextMapPropagator {
  return new TraceContextPropagator();
}

/** The `baggage` header: W3C Baggage. */
export function w3cBaggage(): TextMapPropagator {
  return new BaggagePropagator();
}
