import { type Context, ROOT_CONTEXT } from '@opentelemetry/api';
import { AsyncContextManager } from '../../api/context/async.ts';
import { builtin } from './builtin.ts';
import { emitterBinding } from './emitter.ts';

/**
 * ContextManager of `@opentelemetry/api` that follows promises, timers and callbacks, and binds
 * EventEmitters.
 */
export class AsyncLocalStorageContextManager extends AsyncContextManager {
  constructor() {
    super(
      builtin('node:async_hooks').AsyncLocalStorage,
      emitterBinding(builtin('node:events').EventEmitter),
    );
  }

  /** Makes `context` the active one until `dispose` is called, which brings the old one back. */
  attach(context: Context): { dispose(): void } {
    const before = this.storage.getStore();
    this.storage.enterWith(context);
    return { dispose: () => this.storage.enterWith(before ?? ROOT_CONTEXT) };
  }
}
