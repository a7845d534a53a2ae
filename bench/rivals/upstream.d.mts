import type { Tracer } from '@opentelemetry/api';

/** Upstream's ReadableSpan; opaque here. */
export interface ReadableSpan {
  readonly name: string;
}

/** A tracer whose ended spans go to a processor that does nothing. */
export function recordOnly(): Tracer;

/** A tracer whose ended spans are kept until taken. */
export function collecting(): { readonly tracer: Tracer; take(): ReadableSpan[] };

/** One ExportTraceServiceRequest as protobuf. */
export function serialize(spans: readonly ReadableSpan[]): Uint8Array;

export interface UpstreamDelivery {
  readonly tracer: Tracer;
  /** Spans whose export ended, well or not. */
  settled(): number;
  failed(): number;
  progress(): Promise<void>;
  flush(): Promise<void>;
  shutdown(): Promise<void>;
}

export function delivering(options: {
  readonly url: string;
  readonly gzip: boolean;
}): UpstreamDelivery;
