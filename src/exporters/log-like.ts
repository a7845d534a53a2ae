import type { HrTime, SpanContext } from '@opentelemetry/api';
import type { ResourceLike, ScopeLike } from './span-like.ts';

/**
 * A log record as upstream's SDKs (2.x, 3.x) hand it to an exporter: the part of their
 * `ReadableLogRecord` that goes on the wire, so that either line's records fit, and ours.
 */
export interface LogLike {
  /** When it happened: seconds and nanoseconds since the Unix epoch. */
  readonly hrTime: HrTime;
  readonly hrTimeObserved: HrTime;
  readonly spanContext?: SpanContext | undefined;
  readonly severityText?: string | undefined;
  /** 1 to 24; 0, and what is none, is unspecified. */
  readonly severityNumber?: number | undefined;
  /** A string, number, boolean, bytes, null, an array of such, or a map to such. */
  readonly body?: unknown;
  readonly eventName?: string | undefined;
  readonly resource: ResourceLike;
  readonly instrumentationScope: ScopeLike;
  readonly attributes: { readonly [key: string]: unknown };
  readonly droppedAttributesCount: number;
}
