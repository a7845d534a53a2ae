import { createContextKey, ROOT_CONTEXT } from '@opentelemetry/api';
import { beforeEach, describe, expect, it } from 'vitest';
import { StackContextManager } from '../../../src/api/context/stack.ts';

const KEY = createContextKey('own');
const A = ROOT_CONTEXT.setValue(KEY, 'a');
const B = ROOT_CONTEXT.setValue(KEY, 'b');

let manager: StackContextManager;
const active = () => manager.active();

beforeEach(() => {
  manager = new StackContextManager().enable();
});

describe('with', () => {
  it('makes a context active for the call, and only for it', () => {
    expect(active()).toBe(ROOT_CONTEXT);
    manager.with(A, () => {
      expect(active()).toBe(A);
      manager.with(B, () => expect(active()).toBe(B));
      expect(active()).toBe(A);
    });
    expect(active()).toBe(ROOT_CONTEXT);
    expect.assertions(5);
  });

  it('hands on arguments, this and the result', () => {
    const self = { factor: 10 };
    function scaled(this: typeof self, a: number, b: number) {
      return this.factor * (a + b);
    }
    expect(manager.with(A, scaled, self, 1, 2)).toBe(30);
    expect(manager.with(A, (...args: number[]) => args, undefined, 1, 2, 3)).toEqual([1, 2, 3]);
  });

  it('brings the old context back when the call throws', () => {
    manager.with(A, () => {
      expect(() =>
        manager.with(B, () => {
          throw new Error('expected');
        }),
      ).toThrow('expected');
      expect(active()).toBe(A);
    });
    expect(active()).toBe(ROOT_CONTEXT);
    expect.assertions(3);
  });

  it('takes no context for the root context', () => {
    manager.with(A, () => {
      manager.with(undefined as never, () => expect(active()).toBe(ROOT_CONTEXT));
      manager.with(null as never, () => expect(active()).toBe(ROOT_CONTEXT));
    });
    expect.assertions(2);
  });

  it('is over at the first await of an async function', async () => {
    const seen = await manager.with(A, async () => {
      const before = active();
      await null;
      return [before, active()];
    });
    expect(seen).toEqual([A, ROOT_CONTEXT]);
  });

  it('never shows the context of one async function to another', async () => {
    const work = (context: typeof A) =>
      manager.with(context, async () => {
        const seen = [active()];
        for (let i = 0; i < 3; i++) {
          await null;
          seen.push(active());
        }
        return seen;
      });
    expect(await Promise.all([work(A), work(B)])).toEqual([
      [A, ROOT_CONTEXT, ROOT_CONTEXT, ROOT_CONTEXT],
      [B, ROOT_CONTEXT, ROOT_CONTEXT, ROOT_CONTEXT],
    ]);
  });

  it('keeps contexts apart when generators take turns', () => {
    const seen: unknown[] = [];
    function* work() {
      for (;;) {
        seen.push(active());
        yield;
      }
    }
    const one = work();
    const other = work();
    manager.with(A, () => one.next());
    manager.with(B, () => other.next());
    manager.with(A, () => one.next());
    one.next();
    expect(seen).toEqual([A, B, A, ROOT_CONTEXT]);
  });
});

describe('bind', () => {
  it('binds a function and keeps its length, this and result', () => {
    const self = {
      bound: manager.bind(A, function (this: unknown, x: number, y: number) {
        return [this, x + y, active()];
      }),
    };
    expect(self.bound).toHaveLength(2);
    expect(self.bound(1, 2)).toEqual([self, 3, A]);
    expect(manager.with(B, () => self.bound(1, 2)[2])).toBe(A);
    expect(active()).toBe(ROOT_CONTEXT);
  });

  it('brings the old context back when the bound function throws', () => {
    const fail = manager.bind(A, () => {
      throw new Error('expected');
    });
    manager.with(B, () => {
      expect(fail).toThrow('expected');
      expect(active()).toBe(B);
    });
    expect.assertions(2);
  });

  it('carries a context over an await', async () => {
    const later = manager.bind(A, () => active());
    await null;
    expect(later()).toBe(A);
  });

  it('leaves anything else as it is', () => {
    const plain = { on: 1 };
    expect(manager.bind(A, plain)).toBe(plain);
    for (const value of ['text', 1, null, undefined]) expect(manager.bind(A, value)).toBe(value);
  });
});

describe('bind an EventTarget', () => {
  function bound() {
    const target = manager.bind(A, new EventTarget());
    return { target, fire: (type = 'event') => target.dispatchEvent(new Event(type)) };
  }

  it('runs listeners added from then on in the context, with their this', () => {
    const target = new EventTarget();
    const seen: unknown[] = [];
    target.addEventListener('event', () => seen.push(active()));
    expect(manager.bind(A, target)).toBe(target);
    target.addEventListener('event', function (this: unknown, event) {
      seen.push([this, event.type, active()]);
    });
    manager.with(B, () => target.dispatchEvent(new Event('event')));
    expect(seen).toEqual([B, [target, 'event', A]]);
    expect(active()).toBe(ROOT_CONTEXT);
  });

  it('calls the handleEvent that an object has when the event comes', () => {
    const { target, fire } = bound();
    const seen: unknown[] = [];
    const listener = {
      handleEvent(_: Event): void {
        expect.unreachable();
      },
    };
    target.addEventListener('event', listener);
    listener.handleEvent = function (event) {
      seen.push([this, event.type, active()]);
    };
    fire();
    expect(seen).toEqual([[listener, 'event', A]]);
  });

  it('removes by the original listener, added before or after', () => {
    const target = new EventTarget();
    const early = () => expect.unreachable();
    const late = () => expect.unreachable();
    target.addEventListener('event', early);
    manager.bind(A, target);
    target.addEventListener('event', late);
    target.removeEventListener('event', early);
    target.removeEventListener('event', late);
    target.removeEventListener('event', () => {});
    expect(target.dispatchEvent(new Event('event'))).toBe(true);
  });

  it('adds a listener once for a type, and for several types', () => {
    const { target, fire } = bound();
    let calls = 0;
    const listener = () => void calls++;
    target.addEventListener('event', listener);
    target.addEventListener('event', listener);
    target.addEventListener('other', listener);
    fire();
    fire('other');
    expect(calls).toBe(2);
    target.removeEventListener('event', listener);
    fire();
    fire('other');
    expect(calls).toBe(3);
  });

  it('hands the options on', () => {
    const { target, fire } = bound();
    let calls = 0;
    target.addEventListener('event', () => void calls++, { once: true });
    fire();
    fire();
    expect(calls).toBe(1);
  });

  it('stays with the first context', () => {
    const { target, fire } = bound();
    manager.bind(B, target);
    target.addEventListener('event', () => expect(active()).toBe(A));
    fire();
    expect.assertions(1);
  });

  it('takes no listener for none, as the platform does', () => {
    const { target, fire } = bound();
    target.addEventListener('event', null);
    target.removeEventListener('event', null);
    expect(fire()).toBe(true);
  });
});

describe('disable', () => {
  it('leaves the root context active', () => {
    manager.with(A, () => {
      manager.disable();
      expect(active()).toBe(ROOT_CONTEXT);
    });
    manager.enable().with(B, () => expect(active()).toBe(B));
    expect.assertions(2);
  });
});
