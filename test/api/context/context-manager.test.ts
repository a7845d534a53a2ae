import { EventEmitter, once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createContextKey, ROOT_CONTEXT } from '@opentelemetry/api';
import { afterEach, describe, expect, it } from 'vitest';
import { AsyncLocalStorageContextManager } from '../../../src/runtime/node/context-manager.ts';

const KEY = createContextKey('own');
const A = ROOT_CONTEXT.setValue(KEY, 'a');
const B = ROOT_CONTEXT.setValue(KEY, 'b');

const manager = new AsyncLocalStorageContextManager().enable();
const active = () => manager.active();

afterEach(() => manager.disable());

describe('with', () => {
  it('makes a context active for the call, and only for it', () => {
    expect(active()).toBe(ROOT_CONTEXT);
    manager.with(A, () => {
      expect(active()).toBe(A);
      manager.with(B, () => expect(active()).toBe(B));
      expect(active()).toBe(A);
    });
    expect(active()).toBe(ROOT_CONTEXT);
  });

  it('hands on arguments, this and the result', () => {
    const self = { factor: 10 };
    function scaled(this: typeof self, a: number, b: number) {
      return this.factor * (a + b);
    }
    expect(manager.with(A, scaled, self, 1, 2)).toBe(30);
    expect(manager.with(A, (...args: number[]) => args, undefined, 1, 2, 3)).toEqual([1, 2, 3]);
    const seen = manager.with(
      A,
      function (this: unknown) {
        return [this, active()];
      },
      null as unknown as undefined,
    );
    expect(seen).toEqual([null, A]);
  });

  it('brings the old context back when the call throws', () => {
    const fail = () => {
      throw new Error('expected');
    };
    expect(() => manager.with(A, fail)).toThrow('expected');
    expect(() => manager.with(A, fail, {})).toThrow('expected');
    expect(active()).toBe(ROOT_CONTEXT);
  });

  it('is followed by promises, timers and microtasks', async () => {
    const seen = await manager.with(A, async () => {
      const contexts = [active()];
      await null;
      contexts.push(active());
      await nextTurn();
      contexts.push(active());
      await new Promise<void>((resolve) =>
        queueMicrotask(() => {
          contexts.push(active());
          resolve();
        }),
      );
      await new Promise<void>((resolve) =>
        setTimeout(() => {
          contexts.push(active());
          resolve();
        }, 1),
      );
      return contexts;
    });
    expect(seen).toEqual([A, A, A, A, A]);
    expect(active()).toBe(ROOT_CONTEXT);
  });

  it('keeps concurrent work apart', async () => {
    const work = (context: typeof A) =>
      manager.with(context, async () => {
        await nextTurn();
        const first = active();
        await nextTurn();
        return [first, active()];
      });
    expect(await Promise.all([work(A), work(B)])).toEqual([
      [A, A],
      [B, B],
    ]);
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
  });

  it('leaves anything else as it is', () => {
    const plain = { on: 1 };
    expect(manager.bind(A, plain)).toBe(plain);
    expect(manager.bind(A, 'text')).toBe('text');
    expect(manager.bind(A, undefined)).toBeUndefined();
  });
});

describe('bind an EventEmitter', () => {
  const ADDERS = ['on', 'addListener', 'once', 'prependListener', 'prependOnceListener'] as const;

  it.each(ADDERS)('runs listeners added by %s in the context', (add) => {
    const emitter = manager.bind(A, new EventEmitter());
    const calls: unknown[] = [];
    emitter[add]('event', function (this: unknown, ...args: unknown[]) {
      calls.push([this, args, active()]);
    });
    manager.with(B, () => emitter.emit('event', 1, 2));
    emitter.emit('event', 3);
    const all = [
      [emitter, [1, 2], A],
      [emitter, [3], A],
    ];
    expect(calls).toEqual(add.toLowerCase().includes('once') ? all.slice(0, 1) : all);
  });

  it.each(ADDERS)('removes by the original function what %s has added', (add) => {
    const emitter = manager.bind(A, new EventEmitter());
    let calls = 0;
    const listener = () => void calls++;
    emitter[add]('event', listener);
    expect(emitter.listeners('event')).toEqual([listener]);
    expect(emitter.listenerCount('event')).toBe(1);
    emitter.off('event', listener);
    emitter.emit('event');
    expect(calls).toBe(0);
    expect(emitter.listenerCount('event')).toBe(0);
  });

  it('removes all', () => {
    const emitter = manager.bind(A, new EventEmitter());
    emitter.on('event', () => expect.unreachable());
    emitter.once('event', () => expect.unreachable());
    emitter.removeAllListeners('event');
    expect(emitter.emit('event')).toBe(false);
  });

  it('keeps the order of prepended listeners', () => {
    const emitter = manager.bind(A, new EventEmitter());
    const order: string[] = [];
    emitter.on('event', () => order.push('on'));
    emitter.prependListener('event', () => order.push('prepended'));
    emitter.prependOnceListener('event', () => order.push('once'));
    emitter.emit('event');
    emitter.emit('event');
    expect(order).toEqual(['once', 'prepended', 'on', 'prepended', 'on']);
  });

  it('calls a once listener once when its event is emitted again meanwhile', () => {
    const emitter = manager.bind(A, new EventEmitter());
    let calls = 0;
    let again = true;
    emitter.on('event', () => {
      if (!again) return;
      again = false;
      emitter.emit('event');
    });
    emitter.once('event', () => void calls++);
    emitter.emit('event');
    expect(calls).toBe(1);
  });

  it('adds the same listener several times and removes one at a time', () => {
    const emitter = manager.bind(A, new EventEmitter());
    let calls = 0;
    const listener = () => void calls++;
    emitter.on('event', listener).on('event', listener);
    emitter.off('event', listener);
    emitter.emit('event');
    expect(calls).toBe(1);
  });

  it('tells newListener about the original function', () => {
    const emitter = manager.bind(A, new EventEmitter());
    const added: unknown[] = [];
    emitter.on('newListener', (_, listener) => added.push(listener));
    const listener = () => {};
    emitter.on('event', listener);
    emitter.once('event', listener);
    expect(added).toEqual([listener, listener]);
  });

  it('stays with the first context', () => {
    const emitter = manager.bind(B, manager.bind(A, new EventEmitter()));
    emitter.on('event', () => expect(active()).toBe(A));
    expect(emitter.emit('event')).toBe(true);
    expect.assertions(2);
  });

  it('leaves other emitters and earlier listeners alone', () => {
    const emitter = new EventEmitter();
    const seen: unknown[] = [];
    emitter.on('event', () => seen.push(active()));
    manager.bind(A, emitter).emit('event');
    const other = new EventEmitter().on('event', () => seen.push(active()));
    other.emit('event');
    expect(seen).toEqual([ROOT_CONTEXT, ROOT_CONTEXT]);
  });

  it('refuses what is no function, as Node does', () => {
    const emitter = manager.bind(A, new EventEmitter());
    expect(() => emitter.on('event', undefined as unknown as () => void)).toThrow(TypeError);
    expect(() => emitter.once('event', 1 as unknown as () => void)).toThrow(TypeError);
  });

  it('works for streams, which have an on of their own', async () => {
    const stream = manager.bind(A, Readable.from(['x', 'y']));
    const seen: unknown[] = [];
    stream.on('data', (chunk) => seen.push([chunk, active()]));
    await once(stream, 'end');
    expect(seen).toEqual([
      ['x', A],
      ['y', A],
    ]);
  });

  it('works for pipes, which add and remove listeners of their own', async () => {
    const from = manager.bind(A, new PassThrough());
    const to = manager.bind(B, new PassThrough());
    from.pipe(to);
    from.unpipe(to);
    from.pipe(to);
    from.end('text');
    const chunks: string[] = [];
    for await (const chunk of to) chunks.push(String(chunk));
    expect(chunks).toEqual(['text']);
    expect(to.listenerCount('unpipe')).toBe(0);
  });
});

describe('attach', () => {
  it('makes a context active until it is disposed of', () => {
    manager.with(A, () => {
      const token = manager.attach(B);
      expect(active()).toBe(B);
      token.dispose();
      expect(active()).toBe(A);
    });
    expect(active()).toBe(ROOT_CONTEXT);
  });
});

describe('disable', () => {
  it('leaves the root context active', () => {
    manager.with(A, () => {
      manager.disable();
      expect(active()).toBe(ROOT_CONTEXT);
    });
    manager.enable().with(B, () => expect(active()).toBe(B));
  });
});
