import type { Attributes, Exception } from '@opentelemetry/api';
import { textOf } from './attributes.ts';

/** Causes that are followed; errors may refer to each other in a circle. */
const MAX_CAUSES = 8;

/**
 * The attributes of an `exception` event. `exception.stacktrace` goes on with the stack traces
 * of the causes (`Error.cause`, `AggregateError.errors`), as in other languages' SDKs: each
 * behind `Caused by: `.
 */
export function exceptionAttributes(exception: Exception): Attributes {
  const attributes: Attributes = {};
  try {
    if (typeof exception === 'string') {
      attributes['exception.message'] = exception;
    } else if (exception) {
      const { code, name, message, stack } = exception;
      if (code) attributes['exception.type'] = textOf(code);
      else if (name) attributes['exception.type'] = textOf(name);
      if (message) attributes['exception.message'] = textOf(message);
      const trace = stack ? [textOf(stack)] : [];
      for (const cause of causesOf(exception)) trace.push(`Caused by: ${stackOf(cause)}`);
      if (trace.length > 0) attributes['exception.stacktrace'] = trace.join('\n');
    }
  } catch {
    // An exception whose getters throw: that there was one is still worth an event.
  }
  return attributes;
}

/** Depth first, each once. Those whose getters throw have none. */
function causesOf(exception: unknown): unknown[] {
  const found = new Set<unknown>([exception]);
  const follow = (error: unknown) => {
    if (typeof error !== 'object' || error === null) return;
    for (const next of namedBy(error)) {
      if (next === undefined || next === null || found.has(next)) continue;
      if (found.size > MAX_CAUSES) return;
      found.add(next);
      follow(next);
    }
  };
  follow(exception);
  found.delete(exception);
  return [...found];
}

function namedBy(error: object): unknown[] {
  try {
    const { cause, errors } = error as { cause?: unknown; errors?: unknown };
    // Cut before it is copied: it may have any length.
    return [cause, ...(Array.isArray(errors) ? errors.slice(0, MAX_CAUSES) : [])];
  } catch {
    return [];
  }
}

function stackOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return textOf(error);
  try {
    const { name, message, stack } = error as {
      name?: unknown;
      message?: unknown;
      stack?: unknown;
    };
    if (stack) return textOf(stack);
    return name ? `${textOf(name)}: ${textOf(message ?? '')}` : textOf(message ?? error);
  } catch {
    return 'an error that cannot be read';
  }
}
