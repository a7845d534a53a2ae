import { type Context, createContextKey } from '@opentelemetry/api';

let key: symbol | undefined;

/** The key upstream uses too, so that instrumentation of either side honours it. */
function suppressKey(): symbol {
  key ??= createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING');
  return key;
}

/** A context in which nothing is traced: exports run in one, lest they trace themselves. */
export function suppressTracing(context: Context): Context {
  return context.setValue(suppressKey(), true);
}

export function isTracingSuppressed(context: Context): boolean {
  return context.getValue(suppressKey()) === true;
}
