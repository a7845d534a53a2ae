import type { EnabledOptions, LogRecord } from '../api/log/types.ts';
import { VERSION } from '../version.ts';

/**
 * What bridges need of a logger and a provider of the OpenTelemetry logs API: any implementation will
 * do, whichever version of `@opentelemetry/api-logs` its types come from.
 */
export interface BridgedLogger {
  emit(record: LogRecord): void;
  enabled?(options?: EnabledOptions): boolean;
}

export interface BridgedLoggerProvider {
  getLogger(name: string, version?: string): BridgedLogger;
}

/** A provider, whose logger is then named after the bridge, or a logger of one's own. */
export type BridgeTarget = BridgedLogger | BridgedLoggerProvider;

/** @param bridge its entry in this package: the name of the instrumentation scope. */
export function loggerOf(target: BridgeTarget, bridge: string): BridgedLogger {
  return 'getLogger' in target ? target.getLogger(`otlp-wasm/bridges/${bridge}`, VERSION) : target;
}

/** Whether the logger wants records of this severity: those it does not are not put together. */
export function wants(logger: BridgedLogger, severityNumber: number | undefined): boolean {
  return (
    logger.enabled === undefined ||
    logger.enabled(severityNumber === undefined ? {} : { severityNumber })
  );
}
