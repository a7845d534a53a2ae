import type { SpanContext, TraceState } from '@opentelemetry/api';
import { textOf } from './attributes.ts';
import { hexOfWord, traceIdHex } from './ids.ts';

export const FLAG_SAMPLED = 0x01;
/** The last seven bytes of the trace id are random (W3C Trace Context Level 2). */
export const FLAG_RANDOM = 0x02;
/** OTLP SpanFlags beyond those of W3C. */
export const FLAG_HAS_IS_REMOTE = 0x100;
export const FLAG_IS_REMOTE = 0x200;
/** Not of OTLP, and not sent: whether the parent was sampled. */
export const FLAG_PARENT_SAMPLED = 0x400;
/** Likewise: these are ids that came from another process. */
export const FLAG_SELF_REMOTE = 0x800;

/**
 * Who a span of this process is, as words: hex is made when asked for. What is common to spans
 * that record and spans that do not, so that a child finds its parent's ids in one place.
 */
export class SpanIdentity {
  /** OTLP SpanFlags, and the two flags above. */
  flags = FLAG_HAS_IS_REMOTE;
  traceId0 = 0;
  traceId1 = 0;
  traceId2 = 0;
  traceId3 = 0;
  spanId0 = 0;
  spanId1 = 0;
  traceState: TraceState | undefined = undefined;
  private context: SpanContext | null = null;

  spanContext(): SpanContext {
    let { context } = this;
    if (context === null) {
      context = {
        traceId: traceIdHex(this),
        spanId: hexOfWord(this.spanId0) + hexOfWord(this.spanId1),
        traceFlags: this.flags & 0xff,
      };
      if (this.traceState !== undefined) context.traceState = this.traceState;
      this.context = context;
    }
    return context;
  }

  /** Becomes the span that `other` was drawn up for. */
  take(other: SpanIdentity): void {
    this.flags = other.flags;
    this.traceId0 = other.traceId0;
    this.traceId1 = other.traceId1;
    this.traceId2 = other.traceId2;
    this.traceId3 = other.traceId3;
    this.spanId0 = other.spanId0;
    this.spanId1 = other.spanId1;
    this.traceState = other.traceState;
  }

  /** A trace state that does not let itself be written is none. */
  traceStateText(): string {
    try {
      return this.traceState === undefined ? '' : textOf(this.traceState.serialize());
    } catch {
      return '';
    }
  }
}
