import { type Context, diag, type TextMapPropagator } from '@opentelemetry/api';

/**
 * One propagator of several. All inject; in extraction each goes on from the context the one
 * before it made, so of two that read the same thing the later one wins. One that throws is
 * reported to `diag` and does not stop the others.
 */
export function compositePropagator(propagators: readonly TextMapPropagator[]): TextMapPropagator {
  return {
    inject(context, carrier, setter) {
      for (const propagator of propagators) {
        try {
          propagator.inject(context, carrier, setter);
        } catch (error) {
          report('inject into', propagator, error);
        }
      }
    },

    extract(context: Context, carrier, getter) {
      for (const propagator of propagators) {
        try {
          context = propagator.extract(context, carrier, getter);
        } catch (error) {
          report('extract from', propagator, error);
        }
      }
      return context;
    },

    fields() {
      return [...new Set(propagators.flatMap((propagator) => propagator.fields()))];
    },
  };
}

function report(what: string, propagator: TextMapPropagator, error: unknown): void {
  const name = propagator.constructor?.name || 'a propagator';
  const reason = error instanceof Error ? error.message : String(error);
  diag.warn(`otlp-wasm: ${name} could not ${what} a carrier: ${reason}`);
}
