/** `otlp-wasm/runtime-metrics` on hosts that have nothing to read. */

import type { MeterProvider } from '@opentelemetry/api';
import { type RuntimeMetricsOptions, resolveRuntimeMetrics } from './runtime-metrics/options.ts';

let said = false;

/** Says once that this host has none, so that programs for several hosts may call it everywhere. */
export function recordRuntimeMetrics(
  _meterProvider?: MeterProvider,
  options: RuntimeMetricsOptions = {},
): () => void {
  resolveRuntimeMetrics(options);
  if (!said) {
    console.warn(
      'otlp-wasm: no runtime metrics: browsers and workers tell a program nothing about its ' +
        'process; recordRuntimeMetrics() does nothing here.',
    );
  }
  said = true;
  return () => {};
}

export { isOtlpError, OtlpError } from './errors.ts';
