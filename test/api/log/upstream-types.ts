/**
 * Checked by the compiler alone: our logger providers, loggers and records stand for those of
 * `@opentelemetry/api` and of `@opentelemetry/api-logs`, our processors and readable records for those
 * of the SDK, and the other way round.
 */

import type * as api from '@opentelemetry/api';
import type * as sdk from '@opentelemetry/sdk-logs';
import type * as older from 'api-logs-0.223';
import type { LoggerConfig, LoggerConfigurator } from '../../../src/api/log/config.ts';
import type { LogRecordProcessor } from '../../../src/api/log/processors.ts';
import type { RecordingLoggerProvider } from '../../../src/api/log/provider.ts';
import type { ReadableLogRecord, ReadWriteLogRecord } from '../../../src/api/log/readable.ts';
import type {
  AnyValue,
  EnabledOptions,
  Logger,
  LoggerOptions,
  LoggerProvider,
  LogRecord,
} from '../../../src/api/log/types.ts';

/** Compiles where `From` may be given for `To`. */
type Goes<From extends To, To> = From;

export type Checked = [
  Goes<LoggerProvider, api.LoggerProvider>,
  Goes<RecordingLoggerProvider, api.LoggerProvider>,
  Goes<api.LoggerProvider, LoggerProvider>,
  Goes<Logger, api.Logger>,
  Goes<api.Logger, Logger>,
  Goes<api.LogRecord, LogRecord>,
  Goes<LogRecord, api.LogRecord>,
  Goes<api.LoggerOptions, LoggerOptions>,
  Goes<LoggerOptions, api.LoggerOptions>,
  Goes<api.AnyValue, AnyValue>,
  Goes<NonNullable<Parameters<api.Logger['enabled']>[0]>, EnabledOptions>,
  // Parameters apart: of methods TypeScript accepts either direction.
  Goes<Parameters<api.Logger['emit']>, Parameters<Logger['emit']>>,
  Goes<Parameters<api.LoggerProvider['getLogger']>, Parameters<LoggerProvider['getLogger']>>,
];

export type CheckedOlder = [
  Goes<LoggerProvider, older.LoggerProvider>,
  Goes<RecordingLoggerProvider, older.LoggerProvider>,
  Goes<Logger, older.Logger>,
  Goes<older.LogRecord, LogRecord>,
  Goes<older.LoggerOptions, LoggerOptions>,
  Goes<older.AnyValue, AnyValue>,
  Goes<Parameters<older.Logger['emit']>, Parameters<Logger['emit']>>,
  Goes<Parameters<older.LoggerProvider['getLogger']>, Parameters<LoggerProvider['getLogger']>>,
];

export type CheckedSdk = [
  Goes<sdk.LogRecordProcessor, LogRecordProcessor>,
  Goes<LogRecordProcessor, sdk.LogRecordProcessor>,
  Goes<ReadableLogRecord, sdk.ReadableLogRecord>,
  Goes<ReadWriteLogRecord, sdk.ReadWriteLogRecord>,
  Goes<ReadWriteLogRecord, sdk.ReadableLogRecord>,
  Goes<Parameters<LogRecordProcessor['onEmit']>, Parameters<sdk.LogRecordProcessor['onEmit']>>,
  Goes<sdk.LoggerConfig, LoggerConfig>,
  Goes<sdk.LoggerConfigurator, LoggerConfigurator>,
];

/** What a user of the SDK has written, given to ours. */
export const theirs = (
  exporter: sdk.LogRecordExporter,
  Processor: typeof sdk.BatchLogRecordProcessor,
) => {
  const processors: readonly LogRecordProcessor[] = [new Processor({ exporter })];
  return processors;
};

/** An exporter of the SDK takes our records. */
export const exported = (exporter: sdk.LogRecordExporter, logs: ReadableLogRecord[]) =>
  exporter.export(logs, () => {});
