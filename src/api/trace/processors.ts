import type { Context, Span } from '@opentelemetry/api';
import { ProcessorList } from '../processor-list.ts';
import type { ReadableSpan } from './readable.ts';

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

/** The span processors of one telemetry. */
export class SpanProcessors extends ProcessorList<SpanProcessor> {
  /** Spans whose `onEnding` is running: ending one again then does nothing. */
  private readonly endingNow = new Set<object>();

  constructor(list: readonly SpanProcessor[]) {
    super(list, 'span processor');
  }

  started(span: Span & ReadableSpan, parentContext: Context): void {
    for (const processor of this.list) {
      this.attempt('onStart', () => processor.onStart(span, parentContext));
    }
  }

  isEnding(span: object): boolean {
    return this.endingNow.has(span);
  }

  ending(span: Span & ReadableSpan): void {
    this.endingNow.add(span);
    for (const processor of this.list) this.attempt('onEnding', () => processor.onEnding?.(span));
    this.endingNow.delete(span);
  }

  ended(span: ReadableSpan): void {
    for (const processor of this.list) this.attempt('onEnd', () => processor.onEnd(span));
  }
}
