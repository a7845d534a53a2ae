import {
  type Context,
  propagation,
  ROOT_CONTEXT,
  type TextMapGetter,
  type TextMapSetter,
} from '@opentelemetry/api';

/** Environment variables by name: `process.env`, or a copy of it for a child process. */
export type Environment = Record<string, string | undefined>;

const NORMALIZED = /^[A-Z_][A-Z0-9_]*$/;

/** `traceparent` is `TRACEPARENT`, `x-b3-traceid` is `X_B3_TRACEID` ("Key Name Normalization"). */
function normalized(key: string): string {
  // By character, not by UTF-16 unit; toUpperCase() alone would turn `ß` into `SS`.
  const name = key.replace(/[^A-Za-z0-9_]/gu, '_').toUpperCase();
  return /^(?:[0-9]|$)/.test(name) ? `_${name}` : name;
}

/**
 * Reads propagated values from environment variables (specification, "Environment Variables as
 * Context Propagation Carriers"): `TRACEPARENT`, `TRACESTATE`, `BAGGAGE`, and whatever other
 * propagators ask for, in upper case with underscores. Values are handed on as they are.
 */
export const environmentGetter: TextMapGetter<Readonly<Environment>> = {
  get: (environment, key) => environment[normalized(key)],
  keys: (environment) => Object.keys(environment).filter((name) => NORMALIZED.test(name)),
};

/**
 * Writes what is propagated as environment variables, under the names {@link environmentGetter}
 * reads. Give it a copy: variables of the process itself are what it was started with.
 */
export const environmentSetter: TextMapSetter<Environment> = {
  set(environment, key, value) {
    environment[normalized(key)] = value;
  },
};

/**
 * The context a process was started in, read with the global propagator: call it once, at start-up,
 * after `register()`. The root context where the parent process gave none.
 */
export function contextFromEnvironment(environment: Readonly<Environment>): Context {
  return propagation.extract(ROOT_CONTEXT, environment, environmentGetter);
}

/**
 * A copy of the environment with the context in it, written with the global propagator, for the
 * `env` of a child process. What the environment had of another context is taken out, so that
 * values of two contexts do not mix.
 */
export function environmentWithContext(
  environment: Readonly<Environment>,
  context: Context,
): Environment {
  const copy = { ...environment };
  for (const field of propagation.fields()) delete copy[normalized(field)];
  propagation.inject(context, copy, environmentSetter);
  return copy;
}
