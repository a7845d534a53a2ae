import type { LogRecord } from '../api/log/types.ts';
import { anyValue, anyValues, isError, thrownOf } from './any-value.ts';
import { recordOf } from './record.ts';

/** A record of winston. Under symbols it has its level, and the arguments behind the message. */
export interface WinstonInfo {
  readonly level?: unknown;
  readonly message?: unknown;
  readonly [field: string | symbol]: unknown;
}

/** Priorities of a logger's levels, the most severe first: 0. */
export type WinstonLevels = Readonly<Record<string, number>>;

/**
 * Levels of winston's own tables (npm, syslog, cli), and of most other loggers. `verbose` is npm's: in cli
 * it lies below `debug`.
 */
const SEVERITIES: Readonly<Record<string, number>> = {
  emerg: 23,
  alert: 22,
  fatal: 21,
  crit: 21,
  error: 17,
  warn: 13,
  warning: 13,
  help: 11,
  notice: 10,
  data: 10,
  info: 9,
  http: 7,
  verbose: 6,
  debug: 5,
  prompt: 4,
  input: 2,
  trace: 1,
  silly: 1,
};

/**
 * The severity number of a level. One with a name of the user's own lies between its neighbours, by
 * priority, that have a number; beyond the last of them, it is next to that one.
 */
export function severityOfName(
  name: string,
  levels: WinstonLevels | undefined,
  given: Readonly<Record<string, number>> | undefined,
): number | undefined {
  const named = (level: string) => numberIn(given, level) ?? numberIn(SEVERITIES, level);
  const priority = numberIn(levels, name);
  const severity = named(name);
  if (severity !== undefined || priority === undefined) return severity;
  let above: readonly [priority: number, severity: number] | undefined;
  let below: typeof above;
  for (const [level, at] of Object.entries(levels!)) {
    const number = named(level);
    if (number === undefined) continue;
    if (at < priority && !(above !== undefined && above[0] > at)) above = [at, number];
    if (at > priority && !(below !== undefined && below[0] < at)) below = [at, number];
  }
  if (above !== undefined && below !== undefined) {
    const part = (below[0] - priority) / (below[0] - above[0]);
    return Math.round(below[1] + part * (above[1] - below[1]));
  }
  if (above !== undefined) return Math.max(1, above[1] - 1);
  return below && Math.min(24, below[1] + 1);
}

function numberIn(
  table: Readonly<Record<string, number>> | undefined,
  name: string,
): number | undefined {
  return table !== undefined && Object.hasOwn(table, name) ? table[name] : undefined;
}

/** Fields that have a place of their own. The level's text may have been coloured: it is under a symbol. */
const PLACED: ReadonlySet<string> = new Set(['level', 'message', 'timestamp']);

export function recordOfInfo(
  info: WinstonInfo,
  level: string,
  severityNumber: number | undefined,
): LogRecord {
  const { message, timestamp } = info;
  const fields: Record<string, unknown> = {};
  for (const key of Object.keys(info)) if (!PLACED.has(key)) fields[key] = info[key];
  anyValues(fields);
  const { key = 'error', error } = errorOf(info, fields) ?? {};
  return recordOf({
    body: isError(message) ? message.message : anyValue(message),
    severityNumber,
    severityText: level,
    timeKey: 'timestamp',
    time: timestamp,
    errorKey: key,
    error,
    fields,
  });
}

/** What winston copies from an error into the record itself. */
const COPIED = ['name', 'code', 'stack', 'cause'] as const;

/**
 * The error of a record, wherever it is: the record itself (`log.error(new Error())`), its message, a
 * field `err` or `error`, an argument behind the message, or spread over the record (`format.errors`).
 * What it says is taken out of `fields`.
 */
function errorOf(
  info: WinstonInfo,
  fields: Record<string, unknown>,
): { readonly key?: string; readonly error: unknown } | undefined {
  for (const key of ['err', 'error']) {
    const given = info[key];
    if (thrownOf(given) === undefined) continue;
    delete fields[key];
    withoutCopies(fields, info, given);
    return { key, error: given };
  }
  const behind = info[Symbol.for('splat')];
  const error = [info, info.message, ...(Array.isArray(behind) ? behind : [])].find(isError);
  if (error !== undefined) {
    withoutCopies(fields, info, error);
    const { name, message, stack, code, cause } = error as Error & { code?: unknown };
    return { error: { name, message, stack, code, cause } };
  }
  const { stack, message, code, cause } = info;
  if (typeof stack !== 'string') return undefined;
  for (const field of COPIED) delete fields[field];
  const name = info['name'] ?? /^([^:\s]+):/.exec(stack)?.[1];
  return { error: { name, message, stack, code, cause } };
}

function withoutCopies(fields: Record<string, unknown>, info: WinstonInfo, error: unknown): void {
  for (const field of COPIED) {
    if (info[field] === (error as Record<string, unknown>)[field]) delete fields[field];
  }
}
