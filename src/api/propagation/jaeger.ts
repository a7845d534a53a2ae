import type { TextMapPropagator } from '@opentelemetry/api';
import { JaegerPropagator } from '@opentelemetry/propagator-jaeger';
import { bundledPropagator } from './bundled.ts';

/**
 * Jaeger's `uber-trace-id`, and baggage in a header `uberctx-<key>` per entry
 * (`@opentelemetry/propagator-jaeger`). Deprecated by the specification; for talking to what
 * still speaks it.
 */
export function jaeger(): TextMapPropagator {
  return bundledPropagator(new JaegerPropagator());
}
