import type { MeterProvider } from '@opentelemetry/api';
import type { RuntimeMetricsOptions } from '../../runtime-metrics/options.ts';
import { recordOn } from '../../runtime-metrics/record.ts';
import { runtimeSources } from './runtime-sources.ts';

/**
 * Records what the process and its engine do, by the semantic conventions of OpenTelemetry
 * (`process.*`, `v8js.*`, `nodejs.eventloop.*`). What is read is read when a reader of the provider
 * collects; nothing here keeps the process alive. Of a worker thread, `process.*` are those of the
 * whole process: call it once for them.
 *
 * @param meterProvider default: the registered one, which must be there already.
 * @param options groups to switch off or on.
 * @returns what ends it and releases everything. More calls of it do nothing.
 * @throws OtlpError `invalid_option`
 */
export function recordRuntimeMetrics(
  meterProvider?: MeterProvider,
  options: RuntimeMetricsOptions = {},
): () => void {
  return recordOn(runtimeSources(), meterProvider, options);
}

export { isOtlpError, OtlpError, type OtlpErrorCode } from '../../errors.ts';
export type { RuntimeMetricsOptions } from '../../runtime-metrics/options.ts';
