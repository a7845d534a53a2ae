import type { Attributes, Sampler, TextMapPropagator } from '@opentelemetry/api';
import type { LoggerConfigurator } from '../api/log/config.ts';
import type { LogRecordProcessor } from '../api/log/processors.ts';
import type { ExemplarFilter } from '../api/metric/exemplar.ts';
import type { MeterConfigurator } from '../api/metric/provider.ts';
import type { MetricProducer, MetricReader } from '../api/metric/reader.ts';
import type { ViewMatchingMode, ViewOptions } from '../api/metric/view.ts';
import type { AnyResourceDetector } from '../api/resource/detector.ts';
import type { IdGenerator } from '../api/trace/ids.ts';
import type { SpanProcessor } from '../api/trace/processors.ts';
import type { Redaction } from '../buffer/shape.ts';
import type { Compression } from '../compress/compress.ts';
import type { DropPolicy } from '../deliver/queue.ts';
import type { RetryPolicy } from '../deliver/retry.ts';
import type { RetryableAnswers, Signal, Transport } from '../deliver/transport.ts';
import type { EngineName } from '../engine/select.ts';
import type { AuthOptions, HeadersOption } from './auth.ts';
import type { CompressionOptions } from './compression.ts';

/** OTLP metrics exporter, "Additional environment variable configuration". */
export type TemporalityPreference = 'cumulative' | 'delta' | 'lowmemory';

/** How OTLP travels (OTLP exporter, "Specify Protocol"). */
export type Protocol = 'http/protobuf' | 'http/json' | 'grpc';

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
   * What finds out about the process, the host and the cloud: names of the host's detectors
   * (`all` for all of them), and detectors of `otlp-wasm/resources`, of upstream's packages or
   * your own; an attribute that two know is taken from the later one. What is found only after
   * the start still reaches the spans that wait. `OTEL_NODE_RESOURCE_DETECTORS` (a list of names,
   * or `none`). Default `['all']`.
   */
  readonly detectors?: readonly (string | AnyResourceDetector)[];
  /**
   * How requests are made: protobuf or JSON over HTTP, or gRPC (Node, Deno and Bun).
   * `OTEL_EXPORTER_OTLP_PROTOCOL`, `…_TRACES_PROTOCOL`. Default `http/protobuf`.
   */
  readonly protocol?: Protocol;
  /**
   * Base URL of the collector; `v1/traces`, `v1/logs` and `v1/metrics` are appended, except with gRPC, which has no use for a path.
   * `unix:///run/otel.sock` is a Unix socket (Node). `OTEL_EXPORTER_OTLP_ENDPOINT`. Default
   * `http://localhost:4318`, with gRPC `http://localhost:4317`. A user and password in it are sent
   * as basic authorization.
   */
  readonly endpoint?: string;
  /** Full URL for traces, used as it is. `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`. */
  readonly tracesEndpoint?: string;
  /** The same for logs. `OTEL_EXPORTER_OTLP_LOGS_ENDPOINT`. */
  readonly logsEndpoint?: string;
  /** The same for metrics. `OTEL_EXPORTER_OTLP_METRICS_ENDPOINT`. */
  readonly metricsEndpoint?: string;
  /**
   * Sent with every request; with gRPC they are its metadata. A function is asked for them before
   * every attempt; while it fails, spans wait. Values are never shown.
   * `OTEL_EXPORTER_OTLP_HEADERS`, `…_TRACES_HEADERS`. Default none.
   */
  readonly headers?: HeadersOption;
  /** Who sends the requests: a bearer token, a file with one, or an API key. Default nobody. */
  readonly auth?: AuthOptions;
  /**
   * How requests are compressed: the name of an encoding, or an object with its level (default
   * `fast`) and the least size (default 450 bytes). gRPC knows `gzip`, `zstd` and `snappy`; `br` needs
   * Node or Bun, and no OpenTelemetry Collector takes it. What the endpoint refuses is sent as gzip,
   * then as it is (docs/compression.md). `OTEL_EXPORTER_OTLP_COMPRESSION`, `…_TRACES_COMPRESSION`.
   * Default `gzip`.
   */
  readonly compression?: Compression | CompressionOptions;
  /**
   * Time limit of one request in milliseconds, connecting included.
   * `OTEL_EXPORTER_OTLP_TIMEOUT`, `…_TRACES_TIMEOUT`. Default 10 000.
   */
  readonly timeoutMs?: number;
  readonly batch?: {
    /** Spans that make a request go. `OTEL_BSP_MAX_EXPORT_BATCH_SIZE`. Default 512. */
    readonly size?: number;
    /**
     * Spans per request at most, where they end faster than one batch in 10 ms: larger requests cost
     * less. Default `size` where that or its variable is given, otherwise 2048.
     */
    readonly maxSize?: number;
    /** Longest time a span waits for its batch, milliseconds. `OTEL_BSP_SCHEDULE_DELAY`. Default 1000. */
    readonly delayMs?: number;
    /** Longest request before compression, bytes; larger batches are split. Default 4 MiB, at most 64 MiB. */
    readonly maxRequestBytes?: number;
  };
  readonly queue?: {
    /** Encoded requests kept while the collector is away, bytes. Default 64 MiB. */
    readonly maxBytes?: number;
    /**
     * What is dropped, and counted as `queue_full`, when there is no room: the requests that come
     * (`newest`) or those that have waited longest (`oldest`). Default `newest`.
     */
    readonly dropPolicy?: DropPolicy;
    /**
     * Signals, the most important first: they are sent before others, and dropped after them. Those
     * left out come last, all alike. Default: all alike.
     */
    readonly priority?: readonly Signal[];
    /** Requests in flight at most. Default 32. */
    readonly maxInFlight?: number;
    /**
     * `adaptive`: fewer requests are in flight while the collector is slow or fails, found out from
     * how long its answers take (docs/concurrency.md); `maxInFlight` is the most. Default `fixed`.
     */
    readonly concurrency?: 'fixed' | 'adaptive';
    /** When a request is sent again, how often and for how long, and after which answers. */
    readonly retry?: Partial<RetryPolicy & RetryableAnswers>;
  };
  /** Bounds on what one span holds (specification, "Span Limits"); more is dropped and counted. */
  readonly limits?: {
    /** `OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT`, `OTEL_ATTRIBUTE_COUNT_LIMIT`. Default 128. */
    readonly attributes?: number;
    /**
     * Longest string value in characters, longest byte array in bytes, inside arrays and maps
     * too. `OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT`, `OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT`.
     * Default none.
     */
    readonly attributeValueLength?: number;
    /**
     * How deep arrays and maps may lie within each other, from 1 (a flat array) to 100; deeper
     * ones become empty values. Default 64, the specification's. Receivers built on the C++,
     * Java or Python protobuf libraries refuse a whole request beyond 100 messages within each
     * other, which 31 maps or 47 arrays are: give 31 if values may be that deep.
     */
    readonly attributeValueDepth?: number;
    /** `OTEL_SPAN_EVENT_COUNT_LIMIT`. Default 128. */
    readonly events?: number;
    /** `OTEL_SPAN_LINK_COUNT_LIMIT`. Default 128. */
    readonly links?: number;
    /** `OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT`, `OTEL_ATTRIBUTE_COUNT_LIMIT`. Default 128. */
    readonly attributesPerEvent?: number;
    /** `OTEL_LINK_ATTRIBUTE_COUNT_LIMIT`, `OTEL_ATTRIBUTE_COUNT_LIMIT`. Default 128. */
    readonly attributesPerLink?: number;
  };
  readonly logs?: {
    readonly batch?: {
      /** Records that make a request go. `OTEL_BLRP_MAX_EXPORT_BATCH_SIZE`. Default 512. */
      readonly size?: number;
      /** As `batch.maxSize`. */
      readonly maxSize?: number;
      /** Longest time a record waits for its batch, milliseconds. `OTEL_BLRP_SCHEDULE_DELAY`. Default 1000. */
      readonly delayMs?: number;
    };
    readonly limits?: {
      /** `OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT`, `OTEL_ATTRIBUTE_COUNT_LIMIT`. Default 128. */
      readonly attributes?: number;
      /**
       * As `limits.attributeValueLength`, of attributes alone. `OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT`,
       * `OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT`. Default none.
       */
      readonly attributeValueLength?: number;
    };
    /**
     * See every emitted record, in this order, before it goes to the exporter. The interface of
     * upstream's SDK. Default none.
     */
    readonly processors?: readonly LogRecordProcessor[];
    /** What each logger lets through (docs/logs.md). Default everything. */
    readonly configurator?: LoggerConfigurator;
  };
  readonly metrics?: {
    /** Time between two collections, milliseconds. `OTEL_METRIC_EXPORT_INTERVAL`. Default 60 000, to the console 10 000. */
    readonly intervalMs?: number;
    /** Time that callbacks may take, milliseconds. `OTEL_METRIC_EXPORT_TIMEOUT`. Default 30 000. */
    readonly timeoutMs?: number;
    /** Data points per request at most. Default as many as fit into `batch.maxRequestBytes`. */
    readonly maxExportBatchSize?: number;
    /**
     * Whether points tell the total since the start (`cumulative`), what is new since the last
     * collection (`delta`), or whichever needs less memory (`lowmemory`).
     * `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE`. Default `cumulative`.
     */
    readonly temporality?: TemporalityPreference;
    /**
     * What becomes of histograms that no view says anything of.
     * `OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION`. Default `explicit_bucket_histogram`.
     */
    readonly histogramAggregation?:
      | 'explicit_bucket_histogram'
      | 'base2_exponential_bucket_histogram';
    /** What becomes of what instruments measure (docs/metrics.md). Default none. */
    readonly views?: readonly ViewOptions[];
    /** What several views of one instrument come to. Default `independent`. */
    readonly viewMatchingMode?: ViewMatchingMode;
    /** Which measurements may become exemplars. `OTEL_METRICS_EXEMPLAR_FILTER`. Default `trace_based`. */
    readonly exemplarFilter?: ExemplarFilter;
    /** Series of one metric at most, that of the overflow included. Default 2000. */
    readonly cardinalityLimit?: number;
    /** Memory for all series, bytes. More is counted with the overflow. Default 64 MiB, at most 1 GiB. */
    readonly maxBytes?: number;
    /** Collect besides the exporter: Prometheus's, one of your own (docs/metrics.md). Default none. */
    readonly readers?: readonly MetricReader[];
    /** Metrics of others that are exported, too. Default none. */
    readonly producers?: readonly MetricProducer[];
    /** Which meters are enabled (docs/metrics.md). Default all. */
    readonly configurator?: MeterConfigurator;
  };
  /** What must not leave the process (see `otlp-wasm/redaction`). Default: nothing is kept back. */
  readonly redact?: PreparedRedaction;
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
  /**
   * How context travels between processes (see `otlp-wasm/propagators`). `OTEL_PROPAGATORS`.
   * Default W3C Trace Context and Baggage.
   */
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

/**
 * Attribute keys: strings, in which `*` stands for any characters and case does not matter, or
 * regular expressions, which match anywhere in a key.
 */
export type KeyPatterns = readonly (string | RegExp)[];

/** Rules that `redaction()` of `otlp-wasm/redaction` has checked; each telemetry counts for itself. */
export type PreparedRedaction = () => Redaction | undefined;

/**
 * - `credentials` masks headers and RPC metadata named like credentials (`authorization`,
 *   `cookie`, `x-api-key` …), keys that end like one (`password`, `access_token`,
 *   `client_secret` …) and `db.connection_string`.
 * - `personal` drops what tells who a user is: `user.*`, `enduser.*`, `client.address`, `geo.*`
 *   and others; docs/redaction.md lists them.
 * - `urls` masks, inside the texts of URLs, queries and exceptions, user and password of a URL
 *   and the values of parameters named like credentials.
 */
export type RedactionPreset = 'credentials' | 'personal' | 'urls';

/**
 * What is taken out of the attributes of spans, their events and their links before it is
 * recorded. Keys inside maps count as `outer.inner`. The first that matches of `keep`, `drop`,
 * `mask` and the presets decides. Attributes of the resource and of scopes stay as they are; so do
 * names and status messages. What is dropped does not count as a dropped attribute.
 */
export interface RedactionRules {
  /** Left as they are, whatever other rules say, with all that is inside. */
  readonly keep?: KeyPatterns;
  /** Left out. */
  readonly drop?: KeyPatterns;
  /** Present, but another value stands for theirs; for an array, an array of that one value. */
  readonly mask?: KeyPatterns;
  readonly presets?: readonly RedactionPreset[];
  /** What stands for a masked value. Default `REDACTED`, as in the semantic conventions. */
  readonly maskWith?: string;
}
