import type { Attributes, Sampler, TextMapPropagator } from '@opentelemetry/api';
import type { IdGenerator } from '../api/trace/ids.ts';
import type { SpanProcessor } from '../api/trace/processors.ts';
import type { RetryPolicy } from '../deliver/retry.ts';
import type { Transport } from '../deliver/transport.ts';
import type { EngineName } from '../engine/select.ts';

/**
 * Options of `start()`. What is left out comes from the environment variable named beside it
 * (OpenTelemetry specification, "SDK environment variables"; Node, Deno and Bun only), then
 * from the default. An option that cannot be used is an {@link OtlpError} `invalid_option`; a
 * variable that cannot be used is reported once and ignored.
 */
export interface StartOptions {
  /** `service.name` of the resource. `OTEL_SERVICE_NAME`. Default `unknown_service:<program>`. */
  readonly serviceName?: string;
  /** More resource attributes; they win over detected ones. `OTEL_RESOURCE_ATTRIBUTES`. */
  readonly resource?: Attributes;
  /**
   * Base URL of the collector; `v1/traces` is appended. `OTEL_EXPORTER_OTLP_ENDPOINT`. Default
   * `http://localhost:4318`. A user and password in it are sent as basic authorization.
   */
  readonly endpoint?: string;
  /** Full URL for traces, used as it is. `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`. */
  readonly tracesEndpoint?: string;
  /** Sent with every request. `OTEL_EXPORTER_OTLP_HEADERS`, `…_TRACES_HEADERS`. Default none. */
  readonly headers?: Readonly<Record<string, string>>;
  /** `OTEL_EXPORTER_OTLP_COMPRESSION`, `…_TRACES_COMPRESSION`. Default `gzip`. */
  readonly compression?: 'gzip' | 'none';
  /**
   * Time limit of one request in milliseconds, connecting included.
   * `OTEL_EXPORTER_OTLP_TIMEOUT`, `…_TRACES_TIMEOUT`. Default 10 000.
   */
  readonly timeoutMs?: number;
  readonly batch?: {
    /** Spans per request. `OTEL_BSP_MAX_EXPORT_BATCH_SIZE`. Default 512. */
    readonly size?: number;
    /** Longest time a span waits for its batch, milliseconds. `OTEL_BSP_SCHEDULE_DELAY`. Default 1000. */
    readonly delayMs?: number;
    /** Longest request before compression, bytes; larger batches are split. Default 4 MiB, at most 64 MiB. */
    readonly maxRequestBytes?: number;
  };
  readonly queue?: {
    /** Encoded requests kept while the collector is away, bytes. Default 64 MiB. */
    readonly maxBytes?: number;
    /** Requests in flight at most. Default 32. */
    readonly maxInFlight?: number;
    /** When a request is sent again, and for how long. */
    readonly retry?: Partial<RetryPolicy>;
  };
  /** Bounds on what one span holds (specification, "Span Limits"); more is dropped and counted. */
  readonly limits?: {
    /** `OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT`, `OTEL_ATTRIBUTE_COUNT_LIMIT`. Default 128. */
    readonly attributes?: number;
    /**
     * Longest string value in UTF-16 units, longest byte array in bytes.
     * `OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT`, `OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT`. Default none.
     */
    readonly attributeValueLength?: number;
    /** `OTEL_SPAN_EVENT_COUNT_LIMIT`. Default 128. */
    readonly events?: number;
    /** `OTEL_SPAN_LINK_COUNT_LIMIT`. Default 128. */
    readonly links?: number;
    /** `OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT`. Default 128. */
    readonly attributesPerEvent?: number;
    /** `OTEL_LINK_ATTRIBUTE_COUNT_LIMIT`. Default 128. */
    readonly attributesPerLink?: number;
  };
  /** Size of the ring of ended spans in bytes, a power of two from 1 MiB. Default 4 MiB. */
  readonly ringBytes?: number;
  /** Decides which spans are recorded. Default: a root always, a child as its parent. */
  readonly sampler?: Sampler;
  /**
   * See every recorded span begin and end, in this order, before it goes to the exporter. The
   * interface of upstream's SDK. Default none.
   */
  readonly spanProcessors?: readonly SpanProcessor[];
  /** Makes trace and span ids. Default: random ones. */
  readonly idGenerator?: IdGenerator;
  /** How context travels between processes. Default W3C Trace Context and Baggage. */
  readonly propagator?: TextMapPropagator;
  /** Forces an engine. Default: the fastest that works. */
  readonly engine?: EngineName;
  /** Records nothing and sends nothing. `OTEL_SDK_DISABLED`. Default false. */
  readonly disabled?: boolean;
  /** Delivers when the process ends by itself or by a signal. Default true. */
  readonly flushOnExit?: boolean;
  /** Longest time `flush`, `shutdown` and the end of the process wait, milliseconds. Default 30 000. */
  readonly flushTimeoutMs?: number;
  /** Sends requests in place of the host's HTTP client (see `otlp-wasm/testing`). */
  readonly transport?: Transport;
}
