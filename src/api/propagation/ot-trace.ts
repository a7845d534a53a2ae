import type { TextMapPropagator } from '@opentelemetry/api';
import { OTTracePropagator } from '@opentelemetry/propagator-ot-trace';
import { bundledPropagator } from './bundled.ts';

/**
 * The `ot-tracer-*` headers of OpenTracing's basic tracers, and baggage in a header
 * `ot-baggage-<key>` per entry (`@opentelemetry/propagator-ot-trace`). It carries the lower half of
 * the trace id. Deprecated by the specification; for talking to what still speaks it.
 */
export function otTrace(): TextMapPropagator {
  return bundledPropagator(new OTTracePropagator());
}
