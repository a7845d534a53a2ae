import type {
  Attributes,
  HrTime,
  Link,
  SpanContext,
  SpanKind,
  SpanStatus,
} from '@opentelemetry/api';

/**
 * An ended span as upstream's SDKs (2.x, 3.x) hand it to an exporter: the part of their
 * `ReadableSpan` that goes on the wire, so that either line's spans fit, and ours.
 */
export interface SpanLike {
  readonly name: string;
  readonly kind: SpanKind;
  spanContext(): SpanContext;
  readonly parentSpanContext?: SpanContext | undefined;
  /** Seconds and nanoseconds since the Unix epoch. */
  readonly startTime: HrTime;
  readonly endTime: HrTime;
  readonly status: SpanStatus;
  readonly attributes: Attributes;
  readonly links: readonly LinkLike[];
  readonly events: readonly EventLike[];
  readonly resource: ResourceLike;
  readonly instrumentationScope: ScopeLike;
  readonly droppedAttributesCount: number;
  readonly droppedEventsCount: number;
  readonly droppedLinksCount: number;
}

export interface EventLike {
  readonly time: HrTime;
  readonly name: string;
  readonly attributes?: Attributes | undefined;
  readonly droppedAttributesCount?: number | undefined;
}

export interface LinkLike extends Pick<Link, 'context' | 'attributes'> {
  readonly droppedAttributesCount?: number | undefined;
}

export interface ResourceLike {
  readonly attributes: Attributes;
  readonly schemaUrl?: string | undefined;
  /** Set while some attributes are not known yet. */
  readonly asyncAttributesPending?: boolean | undefined;
}

export interface ScopeLike {
  readonly name: string;
  readonly version?: string | undefined;
  readonly schemaUrl?: string | undefined;
  readonly attributes?: Attributes | undefined;
  readonly droppedAttributesCount?: number | undefined;
}
