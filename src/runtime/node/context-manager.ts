import type { EventEmitter } from 'node:events';
import { type Context, type ContextManager, ROOT_CONTEXT } from '@opentelemetry/api';
import { builtin } from './builtin.ts';

/** Says that a listener runs in its context already. */
const BOUND = Symbol('otlp-wasm bound listener');

interface Listener {
  (this: unknown, ...args: unknown[]): unknown;
  [BOUND]?: true;
  listener?: Listener;
}

type AddListener = (event: string | symbol, listener: Listener) => EventEmitter;

/** ContextManager of `@opentelemetry/api` that follows promises, timers and callbacks. */
export class AsyncLocalStorageContextManager implements ContextManager {
  readonly #storage = new (builtin('node:async_hooks').AsyncLocalStorage)<Context>();
  readonly #EventEmitter = builtin('node:events').EventEmitter;
  readonly #boundEmitters = new WeakSet<EventEmitter>();

  active(): Context {
    return this.#storage.getStore() ?? ROOT_CONTEXT;
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    context: Context,
    fn: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    // Handing `fn` over as it is spares a bound copy or a closure for each call.
    if (thisArg === undefined) return this.#storage.run(context, fn, ...args);
    return this.#storage.run(context, applyTo<A, F>, fn, thisArg, args);
  }

  /**
   * A function that runs in `context`; an EventEmitter whose listeners, added from now on, run
   * in it (an emitter stays with the first context it is bound to). Anything else as it is.
   */
  bind<T>(context: Context, target: T): T {
    if (target instanceof this.#EventEmitter) {
      this.#bindEmitter(context, target);
      return target;
    }
    if (typeof target !== 'function') return target;
    const bound = this.#bindFunction(context, target as unknown as Listener);
    Object.defineProperty(bound, 'length', { value: target.length, configurable: true });
    return bound as unknown as T;
  }

  enable(): this {
    return this;
  }

  disable(): this {
    this.#storage.disable();
    return this;
  }

  /** Makes `context` the active one until `dispose` is called, which brings the old one back. */
  attach(context: Context): { dispose(): void } {
    const before = this.#storage.getStore();
    this.#storage.enterWith(context);
    return { dispose: () => this.#storage.enterWith(before ?? ROOT_CONTEXT) };
  }

  #bindFunction(context: Context, fn: Listener): Listener {
    const storage = this.#storage;
    return function (this: unknown, ...args: unknown[]) {
      return storage.run(context, applyTo<unknown[], Listener>, fn, this, args);
    };
  }

  /**
   * Only the methods that add listeners are replaced. Removing and listing need nothing: Node
   * takes a function with a property `listener` for a wrapper of that listener.
   */
  #bindEmitter(context: Context, emitter: EventEmitter): void {
    if (this.#boundEmitters.has(emitter)) return;
    this.#boundEmitters.add(emitter);
    const marked = (bound: Listener, listener: Listener) => {
      // Plain properties: a WeakSet and Object.assign took longer than the rest together.
      bound[BOUND] = true;
      bound.listener = listener;
      return bound;
    };
    const mustBind = (listener: unknown): listener is Listener =>
      typeof listener === 'function' && (listener as Listener)[BOUND] !== true;

    const always = (add: AddListener): AddListener =>
      function (this: EventEmitter, event, listener) {
        if (!mustBind(listener)) return add.call(this, event, listener);
        return add.call(this, event, marked(bindFunction(listener), listener));
      };
    // Built from the method that adds for good: Node's own `once` adds a wrapper of its own by
    // `on`, and could not remove it again were that wrapped a second time.
    const once = (add: AddListener): AddListener =>
      function (this: EventEmitter, event, listener) {
        if (!mustBind(listener)) return add.call(this, event, listener);
        const inContext = bindFunction(listener);
        let fired = false;
        const bound: Listener = (...args) => {
          // A listener before this one may have emitted the event again.
          if (fired) return;
          fired = true;
          this.removeListener(event, bound);
          return inContext.apply(this, args);
        };
        return add.call(this, event, marked(bound, listener));
      };
    const bindFunction = (listener: Listener) => this.#bindFunction(context, listener);

    const { on, addListener, prependListener } = emitter as unknown as Record<string, AddListener>;
    Object.assign(emitter, {
      on: always(on!),
      addListener: always(addListener!),
      prependListener: always(prependListener!),
      once: once(on!),
      prependOnceListener: once(prependListener!),
    });
  }
}

function applyTo<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
  fn: F,
  thisArg: unknown,
  args: A,
): ReturnType<F> {
  return fn.apply(thisArg as ThisParameterType<F>, args);
}
