// Two spans, delivered and accounted for. In one terminal a collector, in another this:
//
//   npx otlp-wasm collector
//   node examples/quickstart.mjs

import { SpanStatusCode, trace } from '@opentelemetry/api';
import { start } from 'otlp-wasm';

const telemetry = start({ serviceName: 'quickstart', flushTimeoutMs: 5000 }).register();

// From here on it is OpenTelemetry's own API, in whatever module.
const tracer = trace.getTracer('quickstart');

tracer.startActiveSpan('order', (order) => {
  order.setAttributes({ 'order.id': 'o-4711', 'order.items': 3 });
  tracer.startActiveSpan('charge card', (charge) => {
    charge.addEvent('card refused', { 'card.attempt': 1 });
    charge.setStatus({ code: SpanStatusCode.ERROR, message: 'insufficient funds' });
    charge.end();
  });
  order.end();
});

const { sent, recorded, lastError } = await telemetry.shutdown();
console.log(`${sent} of ${recorded} spans sent${lastError ? `; ${lastError}` : ''}`);
