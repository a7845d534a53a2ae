import { type ContextManager, context as contextApi } from '@opentelemetry/api';

export interface ContextSubject {
  run(): void;
  before(): void;
}

/** A run with a context manager of its own: there is one global place for all of them. */
export function inContext(manager: ContextManager, run: () => void): ContextSubject {
  return {
    before() {
      contextApi.disable();
      if (!contextApi.setGlobalContextManager(manager.enable())) {
        throw new Error('another context manager is in its place');
      }
    },
    run,
  };
}
