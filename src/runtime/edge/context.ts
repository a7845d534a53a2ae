import type { ContextManager } from '@opentelemetry/api';
import { AsyncContextManager, type Storage } from '../../api/context/async.ts';
import { StackContextManager } from '../../api/context/stack.ts';
import type { HostContext } from '../host.ts';

interface AsyncHooks {
  readonly AsyncLocalStorage: new () => Storage;
}

interface Globals {
  readonly AsyncLocalStorage?: new () => Storage;
  readonly process?: { getBuiltinModule?(name: string): AsyncHooks | undefined };
}

/**
 * Where an edge host keeps AsyncLocalStorage:
 *
 *   globalThis.AsyncLocalStorage     Vercel
 *   process.getBuiltinModule         workerd: `nodejs_compat` with a date from 2024-09-23, and by
 *                                    default with one from 2026-08-04
 *   import('node:async_hooks')       workerd: `nodejs_als`, or an older `nodejs_compat`. It takes
 *                                    a turn: until then the stack has to do
 */
export function edgeContext(): HostContext {
  // Spelled so that no bundler looks for it: a build without the flag would fail.
  const name = ['node', 'async_hooks'].join(':');
  const { AsyncLocalStorage, process } = globalThis as Globals;
  let atOnce = AsyncLocalStorage;
  let reason = 'globalThis.AsyncLocalStorage';
  if (atOnce === undefined) {
    try {
      atOnce = process?.getBuiltinModule?.(name)?.AsyncLocalStorage;
    } catch {
      // A `process` that only looks like Node's.
    }
    reason = `${name} by process.getBuiltinModule`;
  }
  if (atOnce === undefined) return lateContext(name);
  return { manager: new AsyncContextManager(atOnce), kind: 'async-local-storage', reason };
}

function lateContext(name: string): HostContext {
  let inner: ContextManager = new StackContextManager();
  let kind: HostContext['kind'] = 'stack';
  let reason = `${name} is being imported: until then context ends at the first await`;
  import(name).then(
    ({ AsyncLocalStorage }: AsyncHooks) => {
      // Between two turns nothing runs in a context of the stack.
      inner = new AsyncContextManager(AsyncLocalStorage);
      kind = 'async-local-storage';
      reason = `${name}, imported`;
    },
    () => {
      reason =
        'no AsyncLocalStorage: context ends at the first await. ' +
        'On Cloudflare set the compatibility flag nodejs_als';
    },
  );
  const manager: ContextManager = {
    active: () => inner.active(),
    with: (context, fn, thisArg, ...args) => inner.with(context, fn, thisArg, ...args),
    bind: (context, target) => inner.bind(context, target),
    enable: () => manager,
    disable() {
      inner.disable();
      return manager;
    },
  };
  return {
    manager,
    get kind() {
      return kind;
    },
    get reason() {
      return reason;
    },
  };
}
