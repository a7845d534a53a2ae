import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createContextKey, ROOT_CONTEXT } from '@opentelemetry/api';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { AsyncContextManager } from '../../../src/api/context/async.ts';
import { denoContext } from '../../../src/runtime/deno/context.ts';
import { edgeContext } from '../../../src/runtime/edge/context.ts';

// Where hosts that are not Node keep AsyncLocalStorage; on the hosts themselves: test/runtime.

const A = ROOT_CONTEXT.setValue(createContextKey('own'), 'a');

afterEach(() => vi.unstubAllGlobals());

/** The contexts at the start of an async function and after its first await. */
function seenIn({ manager }: ReturnType<typeof edgeContext>) {
  return manager.with(A, async () => {
    const before = manager.active();
    await null;
    return [before, manager.active()];
  });
}

describe('an edge host', () => {
  it('with the class as a global', async () => {
    vi.stubGlobal('process', undefined);
    vi.stubGlobal('AsyncLocalStorage', AsyncLocalStorage);
    const context = edgeContext();
    expect([context.kind, context.reason]).toEqual([
      'async-local-storage',
      'globalThis.AsyncLocalStorage',
    ]);
    expect(await seenIn(context)).toEqual([A, A]);
  });

  it('with Node’s modules at hand', async () => {
    const context = edgeContext();
    expect([context.kind, context.reason]).toEqual([
      'async-local-storage',
      'node:async_hooks by process.getBuiltinModule',
    ]);
    expect(await seenIn(context)).toEqual([A, A]);
  });

  it.each([
    ['nothing', () => undefined],
    [
      'an exception',
      () => {
        throw new Error('not implemented');
      },
    ],
  ])('that answers with %s imports the module, and has the stack until then', async (_, answer) => {
    vi.stubGlobal('process', { getBuiltinModule: answer });
    const context = edgeContext();
    expect(context.kind).toBe('stack');
    expect(context.reason).toContain('is being imported');
    expect(await seenIn(context)).toEqual([A, ROOT_CONTEXT]);
    await vi.waitFor(() => expect(context.kind).toBe('async-local-storage'));
    expect(context.reason).toBe('node:async_hooks, imported');
    expect(await seenIn(context)).toEqual([A, A]);
    const bound = context.manager.bind(A, () => context.manager.active());
    await nextTurn();
    expect(bound()).toBe(A);
    expect(context.manager.enable().disable().active()).toBe(ROOT_CONTEXT);
  });

  it('whose storage cannot be disabled leaves the root context active all the same', () => {
    class Storage extends AsyncLocalStorage<typeof A> {
      override disable(): void {
        throw new Error('not implemented');
      }
    }
    const manager = new AsyncContextManager(Storage);
    manager.with(A, () => {
      expect(manager.disable().active()).toBe(ROOT_CONTEXT);
    });
    manager.with(A, () => expect(manager.active()).toBe(A));
    expect.assertions(2);
  });
});

describe('Deno', () => {
  it('has Node’s modules, and binds EventEmitters too', async () => {
    const context = denoContext();
    expect([context.kind, context.reason]).toEqual([
      'async-local-storage',
      'node:async_hooks of Deno',
    ]);
    expect(await seenIn(context)).toEqual([A, A]);
    const { EventEmitter } = await import('node:events');
    const emitter = context.manager.bind(A, new EventEmitter());
    let seen: unknown;
    emitter.on('event', () => {
      seen = context.manager.active();
    });
    emitter.emit('event');
    expect(seen).toBe(A);
  });

  it('without them has the stack, and says so', async () => {
    vi.stubGlobal('process', undefined);
    const context = denoContext();
    expect(context.kind).toBe('stack');
    expect(context.reason).toContain('getBuiltinModule');
    expect(await seenIn(context)).toEqual([A, ROOT_CONTEXT]);
  });
});
