import type { ContextManager, Logger, Meter, Tracer } from '@opentelemetry/api';
import type { SpanLike } from '../../src/exporters/span-like.ts';

/** Upstream's ReadableSpan, as far as it goes on the wire. */
export type ReadableSpan = SpanLike;

/** What the benches use of one major version of the SDK. */
export interface UpstreamSdk {
  /** A tracer whose ended spans go to a processor that does nothing. */
  recordOnly(): Tracer;
  /** A tracer whose ended spans are kept until taken. */
  collecting(): { readonly tracer: Tracer; take(): ReadableSpan[] };
  /** One ExportTraceServiceRequest as protobuf. */
  serialize(spans: readonly ReadableSpan[]): Uint8Array;
  /** The same request as OTLP/JSON. */
  serializeJson(spans: readonly ReadableSpan[]): Uint8Array;
}

/** A tracer whose sampler is AlwaysOff. */
export function recordNothing(): Tracer;
export function contextManager(): ContextManager;

export const recordOnly: UpstreamSdk['recordOnly'];
export const collecting: UpstreamSdk['collecting'];
export const serialize: UpstreamSdk['serialize'];
export const serializeJson: UpstreamSdk['serializeJson'];

/** An exporter of upstream's, or one in its place. */
export type SpanExporter = new (options: { url: string; compression: 'gzip' | 'none' }) => object;

export interface UpstreamDelivery {
  readonly tracer: Tracer;
  /** Spans handed to the exporter. */
  exported(): number;
  /** Spans whose export ended, well or not. */
  settled(): number;
  failed(): number;
  /** Resolves when the next export is answered. */
  progress(): Promise<void>;
  flush(): Promise<void>;
  shutdown(): Promise<void>;
}

/** BatchSpanProcessor with its defaults; its own OTLP/HTTP protobuf exporter unless given another. */
export function delivering(options: {
  readonly url: string;
  readonly gzip: boolean;
  readonly Exporter?: SpanExporter;
}): UpstreamDelivery;

/** Upstream's ReadableLogRecord, which nobody here looks into. */
export type ReadableLogRecord = object;

/** A logger whose records are kept until taken. */
export function logging(): { readonly logger: Logger; take(): ReadableLogRecord[] };
/** One ExportLogsServiceRequest as protobuf. */
export function serializeLogs(records: readonly ReadableLogRecord[]): Uint8Array;

export interface MeteringOptions {
  readonly temporality: 'cumulative' | 'delta';
  /** What histograms become. */
  readonly histogram: 'explicit' | 'exponential';
  readonly cardinalityLimit: number;
}

/** A meter and a reader that collects when asked. */
export function metering(options: MeteringOptions): {
  readonly meter: Meter;
  /** Collects, and encodes what was collected as one ExportMetricsServiceRequest. */
  collect(): Promise<Uint8Array>;
};
