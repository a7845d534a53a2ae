import { start } from 'otlp-wasm';

export function startSubject(endpoint) {
  const telemetry = start({ endpoint }).register();
  return { flush: () => telemetry.flush(), shutdown: () => telemetry.shutdown() };
}
