/** `otlp-wasm/bridges/bunyan`: bunyan's records as log records. */

import { anyValues } from './any-value.ts';
import { type BridgeTarget, loggerOf, wants } from './logger.ts';
import { recordOf } from './record.ts';
import { LEVELS, severityOfLevel } from './severity.ts';

export type { BridgedLogger, BridgedLoggerProvider, BridgeTarget } from './logger.ts';

/** A stream for bunyan's `streams`, with or without `type: 'raw'`. */
export interface BunyanStream {
  readonly writable: true;
  write(record: object | string): void;
  end(): void;
}

/**
 * A stream of bunyan whose records become log records:
 * `bunyan.createLogger({ name, streams: [{ type: 'raw', stream: bunyanStream(provider) }] })`.
 */
export function bunyanStream(target: BridgeTarget): BunyanStream {
  const logger = loggerOf(target, 'bunyan');
  return {
    writable: true,
    write(given) {
      const {
        level,
        time,
        msg,
        err,
        // The version of bunyan's format, and what is redundant with attributes of the resource.
        v: _v,
        pid: _pid,
        hostname: _hostname,
        ...others
      } = typeof given === 'string' ? JSON.parse(given) : given;
      const severityNumber = severityOfLevel(level);
      if (!wants(logger, severityNumber)) return;
      logger.emit(
        recordOf({
          body: msg,
          severityNumber,
          severityText: LABELS[level],
          timeKey: 'time',
          time,
          errorKey: 'err',
          error: err,
          fields: anyValues(others),
        }),
      );
    },
    end() {},
  };
}

const LABELS: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(LEVELS).map(([label, level]) => [level, label]),
);
