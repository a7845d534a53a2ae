import type { ExitHooks } from '../host.ts';

interface Page {
  addEventListener(type: string, listener: (event: UnloadEvent) => void): void;
  removeEventListener(type: string, listener: (event: UnloadEvent) => void): void;
}

interface UnloadEvent {
  preventDefault(): void;
}

/**
 * Times the end of the program is put off. Deno, once told to go on, asks again however little
 * there was to do; twice lets through what other listeners record while the first flush runs.
 */
const MAX_FLUSHES = 2;

/** Longest a timer can wait. */
const FOREVER_MS = 2 ** 31 - 1;

/**
 * How the end of a Deno program is watched, which takes no permission:
 *
 *   beforeunload   the event loop is empty: flush, which keeps it running meanwhile
 *   unload         the end, by Deno.exit() too: no time is left
 *
 * An uncaught error ends a program without either. Signals are left alone: who listens to one
 * keeps it from ending the program, and to raise it again takes a permission.
 */
export function watchUnload({ flush, lost }: ExitHooks): () => void {
  const page = globalThis as unknown as Page;
  let flushes = 0;
  const onBeforeUnload = (event: UnloadEvent) => {
    if (flushes >= MAX_FLUSHES) return;
    flushes++;
    event.preventDefault();
    const hold = setTimeout(() => {}, FOREVER_MS);
    void flush()
      .catch(() => false)
      .then((complete) => {
        if (!complete) flushes = MAX_FLUSHES;
        clearTimeout(hold);
      });
  };
  page.addEventListener('beforeunload', onBeforeUnload);
  page.addEventListener('unload', lost);
  return () => {
    page.removeEventListener('beforeunload', onBeforeUnload);
    page.removeEventListener('unload', lost);
  };
}
