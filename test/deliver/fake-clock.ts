import type { Clock } from '../../src/deliver/deliver.ts';

interface Timer {
  readonly at: number;
  readonly callback: () => void;
  readonly keepAlive: boolean;
}

/** A clock that stands still until told. */
export class FakeClock implements Clock {
  #now = 1000;
  readonly timers = new Set<Timer>();
  #soon: (() => void)[] = [];

  now(): number {
    return this.#now;
  }

  setTimer(callback: () => void, delayMs: number, keepAlive = false): () => void {
    const timer = { at: this.#now + delayMs, callback, keepAlive };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }

  soon(callback: () => void): void {
    this.#soon.push(callback);
  }

  /** Runs what is due now, until nothing is. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 3; quiet++) {
      for (let i = 0; i < 8; i++) await Promise.resolve();
      const callbacks = this.#soon;
      this.#soon = [];
      for (const timer of this.timers) {
        if (timer.at > this.#now) continue;
        this.timers.delete(timer);
        callbacks.push(timer.callback);
      }
      for (const callback of callbacks) callback();
      if (callbacks.length > 0) quiet = -1;
    }
  }

  /** Lets `ms` pass, stopping at every timer on the way. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await this.settle();
    for (;;) {
      const next = Math.min(...[...this.timers].map(({ at }) => at));
      if (next > end) break;
      this.#now = next;
      await this.settle();
    }
    this.#now = end;
    await this.settle();
  }
}
