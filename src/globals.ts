/** The OpenTelemetry globals, where instrumentation finds a telemetry. */

import * as api from '@opentelemetry/api';
import type { LoggerProvider } from './api/log/types.ts';
import { BaggagePropagator } from './api/propagation/baggage.ts';
import { compositePropagator } from './api/propagation/composite.ts';
import { TraceContextPropagator } from './api/propagation/trace-context.ts';
import type { ContextHealth } from './health/report.ts';
import type { Host, HostContext } from './runtime/host.ts';

const FOREIGN_CONTEXT: ContextHealth = {
  manager: 'foreign',
  reason: 'another context manager was registered before; it stays',
};

/** What is registered. A signal of which nothing is exported leaves its global to others. */
export interface Registered {
  readonly tracerProvider: api.TracerProvider;
  readonly meterProvider: api.MeterProvider | undefined;
  readonly loggerProvider: LoggerProvider | undefined;
  readonly propagator: api.TextMapPropagator | undefined;
}

/** Where `@opentelemetry/api-logs` has its global, and what it wants there. */
const API_LOGS = Symbol.for('io.opentelemetry.js.api.logs');
const API_LOGS_VERSION = 1;

type LogsGlobal = { [API_LOGS]?: (version: number) => LoggerProvider | undefined };

/** The logs API of `@opentelemetry/api` 1.10 and later. */
interface LogsApi {
  setGlobalLoggerProvider(provider: LoggerProvider): boolean;
  disable(): void;
}

/**
 * Logs have two globals: that of `@opentelemetry/api` from 1.10 on, and that of
 * `@opentelemetry/api-logs`, which instrumentation written before asks.
 *
 * @returns what gives them back; undefined when one is taken.
 */
function registerLogs(provider: LoggerProvider): (() => void) | undefined {
  const globals = globalThis as LogsGlobal;
  const logsApi = (api as { logs?: LogsApi }).logs;
  if (globals[API_LOGS] !== undefined) return undefined;
  if (logsApi?.setGlobalLoggerProvider(provider) === false) return undefined;
  globals[API_LOGS] = (version) => (version === API_LOGS_VERSION ? provider : undefined);
  return () => {
    logsApi?.disable();
    delete globals[API_LOGS];
  };
}

/** Registers what is not taken; a warning says what is. */
export function registerGlobals(
  host: Host,
  registered: Registered,
  warn: (line: string) => void,
): { readonly context: HostContext | ContextHealth; release(): void } {
  const { tracerProvider, meterProvider, loggerProvider } = registered;
  const taken: string[] = [];
  const owned: (() => void)[] = [];
  const take = (name: string, done: boolean, release: () => void) => {
    if (done) owned.push(release);
    else taken.push(name);
  };
  const isTracing = api.trace.setGlobalTracerProvider(tracerProvider);
  take('tracer provider', isTracing, () => api.trace.disable());
  if (meterProvider !== undefined) {
    const isMetering = api.metrics.setGlobalMeterProvider(meterProvider);
    take('meter provider', isMetering, () => api.metrics.disable());
  }
  if (loggerProvider !== undefined) {
    const releaseLogs = registerLogs(loggerProvider);
    take('logger provider', releaseLogs !== undefined, () => releaseLogs?.());
  }
  const propagator =
    registered.propagator ??
    host.propagator?.(host.env, warn) ??
    compositePropagator([new TraceContextPropagator(), new BaggagePropagator()]);
  const isPropagating = api.propagation.setGlobalPropagator(propagator);
  take('propagator', isPropagating, () => api.propagation.disable());
  const offered = host.contextManager();
  let context: HostContext | ContextHealth = offered;
  if (api.context.setGlobalContextManager(offered.manager.enable())) {
    owned.push(() => api.context.disable());
  } else {
    offered.manager.disable();
    context = FOREIGN_CONTEXT;
    // Whoever brought one to a host that can only offer the stack has the better one.
    if (offered.kind !== 'stack') taken.push('context manager');
  }
  if (taken.length > 0) {
    // Says who was first, where it is `otlp-wasm/register`.
    const first = (globalThis as { [key: symbol]: unknown })[Symbol.for('otlp-wasm.registered')];
    warn(
      `${first ?? 'another OpenTelemetry SDK'} has registered its ${taken.join(', ')} before; ` +
        `it stays. Remove that registration to use this one.`,
    );
  }
  return {
    context,
    release() {
      for (const release of owned) release();
    },
  };
}
