import { type Context, type ContextManager, ROOT_CONTEXT } from '@opentelemetry/api';
import { type AnyFunction, bindFunction, inContext } from './bind.ts';

/** The part of AsyncLocalStorage that every host which has one agrees on. */
export interface Storage {
  getStore(): Context | undefined;
  run<A extends unknown[], R>(context: Context, fn: (...args: A) => R, ...args: A): R;
  enterWith(context: Context): void;
  disable(): void;
}

/** Binds what is neither function nor plain value, if it knows how to. */
export type BindOther = (target: object, bind: (fn: AnyFunction) => AnyFunction) => void;

/** ContextManager of `@opentelemetry/api` that follows promises, timers and callbacks. */
export class AsyncContextManager implements ContextManager {
  protected storage: Storage;
  private readonly Storage: new () => Storage;
  private readonly bindOther: BindOther | undefined;

  constructor(Storage: new () => Storage, bindOther?: BindOther) {
    this.Storage = Storage;
    this.storage = new Storage();
    this.bindOther = bindOther;
  }

  active(): Context {
    return this.storage.getStore() ?? ROOT_CONTEXT;
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    context: Context,
    fn: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    // Handing `fn` over as it is spares a bound copy or a closure for each call.
    if (thisArg === undefined) return this.storage.run(context, fn, ...args);
    return this.storage.run(context, applyTo<A, F>, fn, thisArg, args);
  }

  /** A function that runs in `context`; what else can be bound depends on the host. */
  bind<T>(context: Context, target: T): T {
    if (typeof target === 'function') return bindFunction(this, context, target);
    if (typeof target === 'object' && target !== null) {
      this.bindOther?.(target, (fn) => inContext(this, context, fn));
    }
    return target;
  }

  enable(): this {
    return this;
  }

  disable(): this {
    try {
      this.storage.disable();
    } catch {
      // Edge hosts have the method and not the feature.
      this.storage = new this.Storage();
    }
    return this;
  }
}

function applyTo<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
  fn: F,
  thisArg: unknown,
  args: A,
): ReturnType<F> {
  return fn.apply(thisArg as ThisParameterType<F>, args);
}
