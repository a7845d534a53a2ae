/** Options of delivery, which `start()` and the drop-in exporters have alike. */

import { DEFAULT_RETRY, type RetryPolicy } from '../deliver/retry.ts';
import { group, headerProblem, invalid, refusedEntry, shown } from './checks.ts';
import type { Range, Variables } from './env.ts';
import type { StartOptions } from './options.ts';

/** Longest a timer can wait. */
export const LONGEST_MS = 2 ** 31 - 1;

/** A number as an option, a variable or the default has it. */
export type Numbers = (name: string, value: number | undefined, range: Range) => number;

/** @returns what throws an OtlpError `invalid_option` for an option that is none, or out of range. */
export function numbers(variables: Variables | undefined): Numbers {
  return (name, value, range) => {
    const [fallback, min, max] = range;
    if (value === undefined) return variables?.number(name, range) ?? fallback;
    if (typeof value === 'number' && value >= min && value <= max) return value;
    throw invalid(
      `option '${name}' is ${shown(value)}; give a number from ${min} to ${max}, or leave it out for ${fallback}.`,
    );
  };
}

/** Option `queue` with its defaults. */
export interface QueueSettings {
  readonly maxQueueBytes: number;
  readonly maxInFlight: number;
  readonly retry: RetryPolicy;
}

/** @throws OtlpError `invalid_option` */
export function resolveQueue(
  given: StartOptions['queue'],
  number: Numbers,
  maxInFlight: number,
): QueueSettings {
  const queue = group('queue', given);
  const retry = group('queue.retry', queue.retry);
  const retrying = (name: keyof RetryPolicy, min: number, max: number) =>
    number(`queue.retry.${name}`, retry[name], [DEFAULT_RETRY[name], min, max]);
  const bytes: Range = [64 * 1024 * 1024, 0, Number.MAX_SAFE_INTEGER];
  const inFlight: Range = [maxInFlight, 1, 1024];
  return {
    maxQueueBytes: number('queue.maxBytes', queue.maxBytes, bytes),
    maxInFlight: Math.floor(number('queue.maxInFlight', queue.maxInFlight, inFlight)),
    retry: {
      initialMs: retrying('initialMs', 1, LONGEST_MS),
      multiplier: retrying('multiplier', 1, 100),
      maxMs: retrying('maxMs', 1, LONGEST_MS),
      maxAgeMs: retrying('maxAgeMs', 0, LONGEST_MS),
    },
  };
}

/**
 * The headers, copied.
 *
 * @throws OtlpError `invalid_option` for one that cannot be sent.
 */
export function checkHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  for (const [name, value] of Object.entries(headers)) {
    const problem = headerProblem(name, value);
    if (problem === undefined) continue;
    throw refusedEntry(
      'headers',
      `${shown(name)} ${problem}`,
      'names that are HTTP tokens and values that are strings',
    );
  }
  return { ...headers };
}
