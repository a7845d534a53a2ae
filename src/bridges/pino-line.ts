import type { LogRecord } from '../api/log/types.ts';
import { type BridgedLogger, wants } from './logger.ts';
import { recordOf } from './record.ts';
import { LEVELS, severityOfLevel } from './severity.ts';

/** Levels as a pino logger has them in `logger.levels`. */
export interface PinoLevels {
  readonly labels: Readonly<Record<number, string>>;
  readonly values: Readonly<Record<string, number>>;
}

/** How lines are to be read. What a logger uses in place of a default, pino tells by itself. */
export interface PinoLineOptions {
  /** pino's option of that name. Default `msg`. */
  readonly messageKey?: string;
  /** pino's option of that name. Default `err`. */
  readonly errorKey?: string;
  /** pino's option of that name, besides the levels that every logger has. Default none. */
  readonly customLevels?: Readonly<Record<string, number>>;
}

/** How lines are read now. */
export interface LineFormat {
  messageKey: string;
  errorKey: string;
  levels: PinoLevels;
}

export function formatOf(options: PinoLineOptions): LineFormat {
  const values = { ...LEVELS, ...options.customLevels };
  const labels = Object.fromEntries(Object.entries(values).map(([label, level]) => [level, label]));
  const { messageKey = 'msg', errorKey = 'err' } = options;
  return { messageKey, errorKey, levels: { labels, values } };
}

/**
 * What pino says of a logger to the stream that it writes to: `PINO_CONFIG`.
 *
 * @returns false when it is something else.
 */
export function configured(
  message: unknown,
  format: LineFormat,
  options: PinoLineOptions,
): boolean {
  const { code, config } = message as {
    code?: unknown;
    config?: { messageKey?: string; errorKey?: string; levels?: PinoLevels };
  };
  if (code !== 'PINO_CONFIG' || config === undefined) return false;
  format.messageKey = options.messageKey ?? config.messageKey ?? format.messageKey;
  format.errorKey = options.errorKey ?? config.errorKey ?? format.errorKey;
  format.levels = config.levels ?? format.levels;
  return true;
}

/**
 * Emits what a line says.
 *
 * @param level its number, where it is known: a formatter may have written anything in its place.
 */
export function emitLine(
  logger: BridgedLogger,
  line: string,
  format: LineFormat,
  level?: number,
): void {
  if (level !== undefined && !wants(logger, severityOfLevel(level))) return;
  let fields: unknown;
  try {
    fields = JSON.parse(line);
  } catch {
    // Made by a hook or a serializer of the user's own: it is a record all the same.
    fields = { [format.messageKey]: line.trimEnd() };
  }
  if (typeof fields !== 'object' || fields === null) fields = { [format.messageKey]: fields };
  const record = recordOfLine(fields as Record<string, unknown>, format, level);
  if (level === undefined && !wants(logger, record.severityNumber)) return;
  logger.emit(record);
}

function recordOfLine(
  line: Record<string, unknown>,
  { messageKey, errorKey, levels }: LineFormat,
  known: number | undefined,
): LogRecord {
  const {
    level: written,
    time,
    // Redundant with attributes of the resource.
    pid: _pid,
    hostname: _hostname,
    [messageKey]: body,
    [errorKey]: error,
    ...fields
  } = line;
  const level = known ?? (typeof written === 'string' ? levels.values[written] : written);
  const label = typeof level === 'number' ? levels.labels[level] : written;
  return recordOf({
    body,
    severityNumber: typeof level === 'number' ? severityOfLevel(level) : undefined,
    severityText: typeof label === 'string' ? label : undefined,
    timeKey: 'time',
    time,
    errorKey,
    error,
    fields,
  });
}
