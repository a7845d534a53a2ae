import type { Context, ContextManager } from '@opentelemetry/api';

export type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;

/** `fn` as a function that runs in `context`, with the same `this` and result. */
export function inContext(manager: ContextManager, context: Context, fn: AnyFunction): AnyFunction {
  return function (...args) {
    return manager.with(context, fn, this, ...args);
  };
}

/** As {@link inContext}, with the same length too: frameworks tell callbacks apart by it. */
export function bindFunction<T>(manager: ContextManager, context: Context, fn: T): T {
  const target = fn as unknown as AnyFunction;
  const bound = inContext(manager, context, target);
  Object.defineProperty(bound, 'length', { value: target.length, configurable: true });
  return bound as unknown as T;
}
