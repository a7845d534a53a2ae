import type { Context, Span } from '@opentelemetry/api';
import type { ReadableSpan } from './readable.ts';
import { say } from './say.ts';

/**
 * Sees every recorded span begin and end (specification, "Span processor"); those that are not
 * sampled too. The interface of upstream's SDK: its processors work here as they are. What a
 * processor throws is reported by `diag` and stops nobody.
 */
export interface SpanProcessor {
  /** The span can be changed and read. */
  onStart(span: Span & ReadableSpan, parentContext: Context): void;
  /** The span has its end time and can be changed for the last time. */
  onEnding?(span: Span & ReadableSpan): void;
  /** The span can be read for as long as it is kept. */
  onEnd(span: ReadableSpan): void;
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
}

/** The processors of one telemetry, called in their order. */
export class SpanProcessors {
  private list: readonly SpanProcessor[];
  /** Spans whose `onEnding` is running: ending one again then does nothing. */
  private readonly endingNow = new Set<object>();

  constructor(list: readonly SpanProcessor[]) {
    this.list = [...list];
  }

  started(span: Span & ReadableSpan, parentContext: Context): void {
    for (const processor of this.list) {
      attempt('onStart', () => processor.onStart(span, parentContext));
    }
  }

  isEnding(span: object): boolean {
    return this.endingNow.has(span);
  }

  ending(span: Span & ReadableSpan): void {
    this.endingNow.add(span);
    for (const processor of this.list) attempt('onEnding', () => processor.onEnding?.(span));
    this.endingNow.delete(span);
  }

  ended(span: ReadableSpan): void {
    for (const processor of this.list) attempt('onEnd', () => processor.onEnd(span));
  }

  /** Resolves to whether all of them succeeded. */
  async flushed(): Promise<boolean> {
    return this.all('forceFlush');
  }

  /** Afterwards none is called any more (specification, "Shutdown" of a span processor). */
  async shutdown(): Promise<boolean> {
    const all = this.all('shutdown');
    this.list = [];
    return all;
  }

  private async all(method: 'forceFlush' | 'shutdown'): Promise<boolean> {
    const done = await Promise.all(
      this.list.map(async (each) => {
        try {
          await each[method]();
          return true;
        } catch (error) {
          failed(method, error);
          return false;
        }
      }),
    );
    return !done.includes(false);
  }
}

function attempt(method: string, call: () => void): void {
  try {
    call();
  } catch (error) {
    failed(method, error);
  }
}

function failed(method: string, error: unknown): void {
  say('error', `a span processor failed in ${method}`, error);
}
