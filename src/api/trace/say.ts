import { diag } from '@opentelemetry/api';

/** Tells `diag`. What its logger throws must not reach who records. */
export function say(level: 'error' | 'warn' | 'debug', line: string, ...more: unknown[]): void {
  try {
    diag[level](`otlp-wasm: ${line}`, ...more);
  } catch {
    // There is nobody left to tell.
  }
}
