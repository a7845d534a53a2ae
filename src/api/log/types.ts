/**
 * The logs API by structure: that of `@opentelemetry/api` from 1.10 on, and of
 * `@opentelemetry/api-logs` before. A logger of ours is one of either, and takes the records of both.
 */

import type { Attributes, Context, TimeInput } from '@opentelemetry/api';

/**
 * What a body or an attribute may be: a string, a number, a boolean, bytes (`Uint8Array`), an
 * array of such, a map from string to such (a plain object), or null.
 */
export type AnyValue = unknown;

/** Severities of the specification ("Field: SeverityNumber"): 1 is the least, 0 is unspecified. */
export const SeverityNumber = {
  UNSPECIFIED: 0,
  TRACE: 1,
  TRACE2: 2,
  TRACE3: 3,
  TRACE4: 4,
  DEBUG: 5,
  DEBUG2: 6,
  DEBUG3: 7,
  DEBUG4: 8,
  INFO: 9,
  INFO2: 10,
  INFO3: 11,
  INFO4: 12,
  WARN: 13,
  WARN2: 14,
  WARN3: 15,
  WARN4: 16,
  ERROR: 17,
  ERROR2: 18,
  ERROR3: 19,
  ERROR4: 20,
  FATAL: 21,
  FATAL2: 22,
  FATAL3: 23,
  FATAL4: 24,
} as const;

/** A log record as it is emitted. */
export interface LogRecord {
  /** Of an event: what kind it is. Records of one name have the same attributes. */
  eventName?: string;
  /** When it happened. Default: when it is emitted. */
  timestamp?: TimeInput;
  /** When it was observed. Default: when it is emitted. */
  observedTimestamp?: TimeInput;
  /** 1 to 24 (`SeverityNumber`); 0, and what is none, is unspecified. */
  severityNumber?: number;
  /** The level as its source calls it. */
  severityText?: string;
  body?: AnyValue;
  attributes?: { [key: string]: AnyValue };
  /** An error it is about: becomes the attributes `exception.*` that `attributes` has not. */
  exception?: unknown;
  /** Tells the trace it belongs to. Default: the active context. */
  context?: Context;
}

/** What is known of a record that may be emitted. */
export interface EnabledOptions {
  context?: Context;
  severityNumber?: number;
  eventName?: string;
}

/** Emits the log records of one instrumentation scope. */
export interface Logger {
  /** Never throws. The record is copied: it may be changed afterwards. */
  emit(record: LogRecord): void;
  /** Whether such a record would go anywhere: ask before making one that is expensive. */
  enabled(options?: EnabledOptions): boolean;
}

export interface LoggerOptions {
  schemaUrl?: string;
  /** Attributes of the scope. */
  attributes?: Attributes;
  /** The same, as `@opentelemetry/api-logs` calls them up to 0.2xx. */
  scopeAttributes?: Attributes;
  /** Of the same: false for records that belong to a trace only by a `context` of their own. */
  includeTraceContext?: boolean;
}

/** Makes loggers: the same one for the same scope. */
export interface LoggerProvider {
  getLogger(name: string, version?: string, options?: LoggerOptions): Logger;
}
