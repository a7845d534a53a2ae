import { say } from './trace/say.ts';

/** What processors of all signals have. */
export interface Flushable {
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
}

/** The processors of one signal, called in their order. What one throws stops nobody. */
export class ProcessorList<P extends Flushable> {
  protected list: readonly P[];
  private readonly kind: string;

  /** @param kind what one of them is, for who reads of a failure. */
  constructor(list: readonly P[], kind: string) {
    this.list = [...list];
    this.kind = kind;
  }

  protected attempt(method: string, call: () => void): void {
    try {
      call();
    } catch (error) {
      this.failed(method, error);
    }
  }

  protected failed(method: string, error: unknown): void {
    say('error', `a ${this.kind} failed in ${method}`, error);
  }

  /** Resolves to whether all of them succeeded. */
  async flushed(): Promise<boolean> {
    return this.all('forceFlush');
  }

  /** Afterwards none is called any more (specification, "Shutdown" of a processor). */
  async shutdown(): Promise<boolean> {
    const all = this.all('shutdown');
    this.list = [];
    return all;
  }

  private async all(method: keyof Flushable): Promise<boolean> {
    const done = await Promise.all(
      this.list.map(async (each) => {
        try {
          await each[method]();
          return true;
        } catch (error) {
          this.failed(method, error);
          return false;
        }
      }),
    );
    return !done.includes(false);
  }
}
