/** What spans and log records of another SDK have alike. */

import type { Attributes as ApiAttributes, HrTime } from '@opentelemetry/api';
import { setAttribute, setAttributes } from '../api/trace/attributes.ts';
import type { Attributes } from '../buffer/record.ts';
import type { Written } from '../buffer/ring.ts';

/** Records that a reader may look at in one go. */
export const READ_AHEAD = 32;

/**
 * Brings records into the form that a ring takes. One is filled anew for each of them: nothing of
 * them is kept.
 */
export interface RecordReader<From> {
  /** To be called before records `from` to `from + READ_AHEAD - 1` are read. */
  prepare(records: readonly From[], from: number): void;
  /**
   * Throws what the record throws when it is read, and a TypeError when it is none.
   *
   * @param place of the record among those that `prepare` has seen.
   */
  read(record: From, place: number): void;
  /** Writes what was read last to the ring. */
  write(): Written;
  /** To be called after a batch: nothing of its records is kept. */
  release(): void;
}

const MAX_COUNT = 2 ** 31 - 1;

/** Whether somebody has given all objects a member that shows in `for … in`. */
export function isPolluted(): boolean {
  return hasMembers(Object.prototype as ApiAttributes);
}

export function countOf(value: unknown): number {
  return typeof value === 'number' && value > 0 ? Math.min(Math.floor(value), MAX_COUNT) : 0;
}

/** Throws where a time is no pair of seconds and nanoseconds, which the ring relies on. */
export function checkTime(time: HrTime): void {
  const sec = time[0];
  const nano = time[1];
  if ((sec | 0) === sec && (nano | 0) === nano && nano >= 0) return;
  // After 2038, or with a fraction.
  if (typeof sec === 'number' && typeof nano === 'number' && sec >= 0 && nano >= 0) return;
  throw new TypeError('a time of it is no [seconds, nanoseconds]');
}

/** As `fill`, where an attribute that throws when it is read takes nothing else with it. */
export function fillFrom(
  target: Attributes,
  given: ApiAttributes | undefined,
  polluted: boolean,
): number {
  try {
    return fill(target, given, polluted);
  } catch {
    target.count = 0;
    return setAttributes(target, given);
  }
}

/**
 * Takes over all attributes; those that follow the keys of the last record need no search. Returns
 * how many were dropped: values that cannot be read, or never end.
 *
 * Asking of each key whether the object has it itself costs as much as all else here (measured),
 * so that is asked only where there may be others.
 */
function fill(target: Attributes, given: ApiAttributes | undefined, polluted: boolean): number {
  if (given === undefined || given === null) return 0;
  if (polluted || Object.getPrototypeOf(given) !== Object.prototype) {
    return setAttributes(target, given);
  }
  let { shape } = target;
  const { values } = target;
  let count = 0;
  let dropped = 0;
  for (const name in given) {
    const value = given[name];
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
      if (count < shape.plain && shape.names[count] === name) {
        values[count++] = value;
        continue;
      }
      const next = shape.fork(name, count);
      if (next !== undefined) {
        values[count++] = value;
        shape = next;
        continue;
      }
    }
    target.shape = shape;
    target.count = count;
    if (!setAttribute(target, name, value)) dropped++;
    shape = target.shape;
    count = target.count;
  }
  target.shape = shape;
  target.count = count;
  return dropped;
}

export function hasMembers(given: ApiAttributes | undefined): boolean {
  for (const _ in given) return true;
  return false;
}
