import { type Context, type ContextManager, ROOT_CONTEXT } from '@opentelemetry/api';
import { type AnyFunction, bindFunction, inContext } from './bind.ts';

type Listener = AnyFunction | { handleEvent: AnyFunction };
type ListenerMethod = (type: string, listener: Listener | null, options?: unknown) => void;

/** What an EventTarget has, as far as binding one goes. */
interface Target {
  addEventListener: ListenerMethod;
  removeEventListener: ListenerMethod;
}

/**
 * ContextManager of `@opentelemetry/api` for hosts that cannot follow asynchronous work: a context
 * is active while the function it was given to runs, and no longer. An `async` function has its
 * context up to its first `await`; a callback has one when it was bound (`context.bind`). Two
 * pieces of work that take turns can therefore never see each other's context.
 */
export class StackContextManager implements ContextManager {
  private current: Context = ROOT_CONTEXT;
  private readonly boundTargets = new WeakSet<Target>();

  active(): Context {
    return this.current;
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    context: Context,
    fn: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    const before = this.current;
    this.current = context ?? ROOT_CONTEXT;
    try {
      return fn.apply(thisArg as ThisParameterType<F>, args);
    } finally {
      this.current = before;
    }
  }

  /**
   * A function that runs in `context`; an EventTarget whose listeners, added from now on, run in
   * it (a target stays with the first context it is bound to). Anything else as it is.
   */
  bind<T>(context: Context, target: T): T {
    if (typeof target === 'function') return bindFunction(this, context, target);
    if (typeof (target as Partial<Target> | null)?.addEventListener === 'function') {
      this.bindTarget(context, target as unknown as Target);
    }
    return target;
  }

  enable(): this {
    return this;
  }

  disable(): this {
    this.current = ROOT_CONTEXT;
    return this;
  }

  private bindTarget(context: Context, target: Target): void {
    if (this.boundTargets.has(target)) return;
    this.boundTargets.add(target);
    const { addEventListener: add, removeEventListener: remove } = target;
    // The same listener is always the same bound one: the target then finds doubles, and what is
    // to be removed, by itself, whatever the type and the options.
    const bounds = new WeakMap<Listener, AnyFunction>();
    const boundOf = (listener: Listener): AnyFunction => {
      let bound = bounds.get(listener);
      if (bound === undefined) {
        // `handleEvent` is looked up at each event (DOM, "inner invoke").
        const fn: AnyFunction =
          typeof listener === 'function' ? listener : (...args) => listener.handleEvent(...args);
        bound = inContext(this, context, fn);
        bounds.set(listener, bound);
      }
      return bound;
    };
    target.addEventListener = function (type, listener, options) {
      const isListener =
        typeof listener === 'function' || (typeof listener === 'object' && listener !== null);
      add.call(this, type, isListener ? boundOf(listener) : listener, options);
    };
    target.removeEventListener = function (type, listener, options) {
      // Added before the target was bound, or since.
      remove.call(this, type, listener, options);
      const bound = bounds.get(listener as Listener);
      if (bound !== undefined) remove.call(this, type, bound, options);
    };
  }
}
