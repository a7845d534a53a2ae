import { AsyncContextManager, type Storage } from '../../api/context/async.ts';
import { StackContextManager } from '../../api/context/stack.ts';
import type { HostContext } from '../host.ts';
import { emitterBinding } from '../node/emitter.ts';

interface Builtins {
  getBuiltinModule?(name: 'node:async_hooks'): { AsyncLocalStorage: new () => Storage };
  getBuiltinModule?(name: 'node:events'): { EventEmitter: abstract new () => object };
}

/** Deno 2 has Node's modules, and the global that hands them out without a wait. */
export function denoContext(): HostContext {
  const { process } = globalThis as { process?: Builtins };
  if (process?.getBuiltinModule === undefined) {
    return {
      manager: new StackContextManager(),
      kind: 'stack',
      reason: 'this Deno lacks process.getBuiltinModule: context ends at the first await',
    };
  }
  const { AsyncLocalStorage } = process.getBuiltinModule('node:async_hooks');
  const { EventEmitter } = process.getBuiltinModule('node:events');
  return {
    manager: new AsyncContextManager(AsyncLocalStorage, emitterBinding(EventEmitter)),
    kind: 'async-local-storage',
    reason: 'node:async_hooks of Deno',
  };
}
