import type { HrTime } from '@opentelemetry/api';

const ISO_8601 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:?\d\d)$/;

/**
 * A time as loggers write it: a Date; a number of seconds, milliseconds, microseconds or nanoseconds
 * since the Unix epoch, told apart by size (for dates from 1973 to 5138); or ISO 8601 with a zone and
 * up to nine decimals. Undefined for anything else.
 */
export function timestampOf(time: unknown): HrTime | undefined {
  if (typeof time === 'string') {
    const [, seconds, fraction = '', zone] = ISO_8601.exec(time) ?? [];
    const unixMs = Date.parse(`${seconds}${zone}`);
    if (!(unixMs >= 0)) return undefined;
    return [unixMs / 1000, Number(fraction.slice(0, 9).padEnd(9, '0'))];
  }
  const value = time instanceof Date ? time.getTime() / 1000 : time;
  const least = time instanceof Date ? 0 : 1e8;
  if (typeof value !== 'number' || !(value >= least && value < 1e20)) return undefined;
  let scale = 1;
  while (value / scale >= 1e11) scale *= 1000;
  const seconds = Math.floor(value / scale);
  // No finer than a double is: to the microsecond.
  const micros = Math.round((value / scale - seconds) * 1e6);
  return [seconds, Math.min(999_999, micros) * 1000];
}
