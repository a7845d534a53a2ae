import type { BindOther } from '../../api/context/async.ts';

/** Says that a listener runs in its context already. */
const BOUND = Symbol('otlp-wasm bound listener');

interface Listener {
  (this: unknown, ...args: unknown[]): unknown;
  [BOUND]?: true;
  listener?: Listener;
}

/** An EventEmitter, without the types of a host that has one. */
interface Emitter {
  removeListener(event: string | symbol, listener: Listener): unknown;
}

type AddListener = (this: Emitter, event: string | symbol, listener: Listener) => Emitter;

/**
 * Binds EventEmitters: listeners added from now on run in the context the emitter is bound to
 * first.
 *
 * Only the methods that add listeners are replaced. Removing and listing need nothing: Node
 * takes a function with a property `listener` for a wrapper of that listener.
 */
export function emitterBinding(EventEmitter: abstract new () => object): BindOther {
  const boundEmitters = new WeakSet();
  return (emitter, bind) => {
    if (!(emitter instanceof EventEmitter) || boundEmitters.has(emitter)) return;
    boundEmitters.add(emitter);
    const always = (add: AddListener): AddListener =>
      function (event, listener) {
        if (!mustBind(listener)) return add.call(this, event, listener);
        return add.call(this, event, marked(bind(listener), listener));
      };
    // Built from the method that adds for good: Node's own `once` adds a wrapper of its own by
    // `on`, and could not remove it again were that wrapped a second time.
    const once = (add: AddListener): AddListener =>
      function (event, listener) {
        if (!mustBind(listener)) return add.call(this, event, listener);
        const inContext = bind(listener);
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

    const { on, addListener, prependListener } = emitter as unknown as Record<string, AddListener>;
    Object.assign(emitter, {
      on: always(on!),
      addListener: always(addListener!),
      prependListener: always(prependListener!),
      once: once(on!),
      prependOnceListener: once(prependListener!),
    });
  };
}

function mustBind(listener: unknown): listener is Listener {
  return typeof listener === 'function' && (listener as Listener)[BOUND] !== true;
}

function marked(bound: Listener, listener: Listener): Listener {
  // Plain properties: a WeakSet and Object.assign took longer than the rest together.
  bound[BOUND] = true;
  bound.listener = listener;
  return bound;
}
