import type { Context } from '@opentelemetry/api';
import { ProcessorList } from '../processor-list.ts';
import type { InstrumentationScope } from '../trace/readable.ts';
import type { ReadWriteLogRecord } from './readable.ts';

/** What a processor is asked about. */
export interface LogEnabledOptions {
  readonly context: Context;
  readonly instrumentationScope: InstrumentationScope;
  readonly severityNumber?: number;
  readonly eventName?: string;
}

/**
 * Sees every log record that is emitted (specification, "LogRecordProcessor"). The interface of
 * upstream's SDK: its processors work here as they are. What a processor throws is reported by
 * `diag` and stops nobody.
 */
export interface LogRecordProcessor {
  /** The record can be changed and read; once all processors are through, read only. */
  onEmit(record: ReadWriteLogRecord, context?: Context): void;
  /** Whether it would do anything with such a record. Without it: yes. */
  enabled?(options: LogEnabledOptions): boolean;
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
}

/** The log record processors of one telemetry. */
export class LogRecordProcessors extends ProcessorList<LogRecordProcessor> {
  constructor(list: readonly LogRecordProcessor[]) {
    super(list, 'log record processor');
  }

  emitted(record: ReadWriteLogRecord, context: Context): void {
    for (const processor of this.list) {
      this.attempt('onEmit', () => processor.onEmit(record, context));
    }
  }

  /** Whether any of them would do anything with it; one that fails would. */
  enabled(options: LogEnabledOptions): boolean {
    return this.list.some((processor) => {
      try {
        return processor.enabled === undefined || processor.enabled(options);
      } catch (error) {
        this.failed('enabled', error);
        return true;
      }
    });
  }
}
