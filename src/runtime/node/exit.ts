import type { ExitHooks } from '../host.ts';

/**
 * How the end of a process is watched:
 *
 *   beforeExit        the event loop is empty: flush, which keeps it running while there is
 *                     something to deliver; Node asks again once it is empty again
 *   SIGTERM, SIGINT   flush; then, if nobody but us listens, the signal is raised again without
 *                     us, so that the process ends by it. Where the application listens, it is
 *                     the application that ends the process
 *   exit              process.exit(), an uncaught error, or simply the end: no time is left
 *
 * Worker threads get no signals; the rest is the same there.
 */

interface Watcher {
  readonly hooks: ExitHooks;
  readonly warn: (line: string) => void;
  /** Its last flush at `beforeExit` ended with something left: it is not asked again. */
  gaveUp: boolean;
}

const SIGNALS: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT'];

/**
 * Times `beforeExit` is answered: an application that records something at each `beforeExit`
 * would otherwise go round for ever.
 */
const MAX_FLUSHES_BEFORE_EXIT = 10;

/** Longest a timer can wait. */
const FOREVER_MS = 2 ** 31 - 1;

/**
 * One for the process (for each worker thread), whichever copy of the package made it: two that
 * do not know of each other would each take the other for the application's listener, and
 * neither would let the process end.
 */
class ExitWatch {
  readonly #watchers = new Set<Watcher>();
  #flushesBeforeExit = 0;
  #beforeExitFlush: Promise<void> | undefined;
  /** Running since a signal came. */
  #signalFlush: Promise<void> | undefined;

  add(hooks: ExitHooks, warn: (line: string) => void): () => void {
    const watcher: Watcher = { hooks, warn, gaveUp: false };
    if (this.#watchers.size === 0) this.#listen();
    this.#watchers.add(watcher);
    return () => {
      if (this.#watchers.delete(watcher) && this.#watchers.size === 0) this.#unlisten();
    };
  }

  #listen(): void {
    process.on('beforeExit', this.#onBeforeExit);
    process.on('exit', this.#onExit);
    // First in line: a listener added by `once` is gone by the time those after it are called.
    for (const signal of SIGNALS) process.prependListener(signal, this.#onSignal);
  }

  #unlisten(): void {
    process.removeListener('beforeExit', this.#onBeforeExit);
    process.removeListener('exit', this.#onExit);
    for (const signal of SIGNALS) process.removeListener(signal, this.#onSignal);
  }

  readonly #onBeforeExit = (): void => {
    if (this.#beforeExitFlush !== undefined || this.#signalFlush !== undefined) return;
    const asked = [...this.#watchers].filter((watcher) => !watcher.gaveUp);
    if (asked.length === 0 || this.#flushesBeforeExit++ >= MAX_FLUSHES_BEFORE_EXIT) return;
    // In a microtask: what other listeners record now goes along.
    const flush = Promise.resolve().then(() => this.#flush(asked));
    this.#beforeExitFlush = flush.then(() => {
      this.#beforeExitFlush = undefined;
    });
  };

  readonly #onSignal = (signal: NodeJS.Signals): void => {
    if (applicationListens(signal)) {
      this.#signalFlush ??= this.#flushForSignal();
    } else if (this.#signalFlush !== undefined) {
      this.#raise(signal);
    } else {
      this.#signalFlush = this.#flushForSignal();
      void this.#signalFlush.then(() => this.#raise(signal));
    }
  };

  readonly #onExit = (): void => {
    for (const { hooks, warn } of this.#watchers) {
      try {
        hooks.lost();
      } catch (error) {
        warn(`otlp-wasm: counting what was lost at exit failed: ${messageOf(error)}`);
      }
    }
  };

  async #flushForSignal(): Promise<void> {
    const watchers = [...this.#watchers];
    await this.#flush(watchers);
    // The application may go on for long; what it records then is worth another attempt.
    for (const watcher of watchers) watcher.gaveUp = false;
    this.#signalFlush = undefined;
  }

  /** Never rejects. Keeps the process running until all have flushed. */
  async #flush(watchers: readonly Watcher[]): Promise<void> {
    // Gone before Node looks whether anything is left to wait for, if there is nothing to flush.
    const hold = setTimeout(() => {}, FOREVER_MS);
    await Promise.all(
      watchers.map(async (watcher) => {
        try {
          watcher.gaveUp = (await watcher.hooks.flush()) === false;
        } catch (error) {
          watcher.gaveUp = true;
          watcher.warn(`otlp-wasm: flushing at exit failed: ${messageOf(error)}`);
        }
      }),
    );
    clearTimeout(hold);
  }

  /** Ends the process by `signal`, as if we had never listened. No `exit` is emitted then. */
  #raise(signal: NodeJS.Signals): void {
    // The kernel lets the first process of a container ignore what it does not handle.
    if (process.pid === 1 && process.listenerCount(signal) <= 1) return;
    this.#onExit();
    process.removeListener(signal, this.#onSignal);
    process.kill(process.pid, signal);
  }
}

interface Counted {
  readonly count?: unknown;
}

/**
 * Whether anybody listens who will end the process, or means to keep it. Neither we do, nor the
 * package `signal-exit` of many command line tools: it waits for the others to be gone, as we
 * do, so each would wait for the other. It counts its listeners for others to see.
 */
function applicationListens(signal: NodeJS.Signals): boolean {
  const v3 = (process as { __signal_exit_emitter__?: Counted }).__signal_exit_emitter__;
  const v4 = (globalThis as { [key: symbol]: Counted | undefined })[
    Symbol.for('signal-exit emitter')
  ];
  let own = 1;
  for (const emitter of [v3, v4]) if (typeof emitter?.count === 'number') own += emitter.count;
  return process.listenerCount(signal) > own;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Watches for the end of this process; see {@link ExitHooks}. `hooks.flush` is awaited at
 * `beforeExit` and at SIGTERM and SIGINT, `hooks.lost` is called at `exit` and before a signal
 * ends the process. All callers share one set of listeners, none of which keeps the process
 * running.
 *
 * @param warn shows one line, when a hook fails.
 * @returns a function that stops watching.
 */
export function watchExit(hooks: ExitHooks, warn: (line: string) => void): () => void {
  const shared = globalThis as { [key: symbol]: ExitWatch | undefined };
  const watch = (shared[Symbol.for('otlp-wasm.exit.1')] ??= new ExitWatch());
  return watch.add(hooks, warn);
}
