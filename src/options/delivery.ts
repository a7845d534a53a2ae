/** Options of delivery, which `start()` and the drop-in exporters have alike. */

import { GRPC_CODES } from '../deliver/grpc-outcome.ts';
import type { DropPolicy } from '../deliver/queue.ts';
import { DEFAULT_RETRY, type RetryPolicy } from '../deliver/retry.ts';
import { type RetryableAnswers, SIGNALS, type Signal } from '../deliver/transport.ts';
import {
  anyOf,
  group,
  headerProblem,
  invalid,
  list,
  refused,
  refusedEntry,
  shown,
} from './checks.ts';
import type { Range, Variables } from './env.ts';
import type { Protocol, StartOptions } from './options.ts';

export const PROTOCOLS: readonly Protocol[] = ['http/protobuf', 'http/json', 'grpc'];

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
  readonly dropPolicy: DropPolicy;
  readonly priority: readonly Signal[];
  readonly maxInFlight: number;
  readonly concurrency: 'fixed' | 'adaptive';
  readonly retry: RetryPolicy;
  readonly retryable: Partial<RetryableAnswers>;
}

/** An option that is one of a few texts. */
export function oneOf<T extends string>(
  name: string,
  value: T | undefined,
  texts: readonly T[],
): T | undefined {
  if (value === undefined || texts.includes(value)) return value;
  throw refused(name, value, anyOf(texts.map((text) => `'${text}'`)));
}

/** An option that is a list of which each member is checked. */
function listOf<T>(
  name: string,
  value: readonly T[] | undefined,
  usable: (one: T) => boolean,
  of: string,
): readonly T[] | undefined {
  if (value === undefined) return undefined;
  const all = list(name, value, of);
  for (const one of all) {
    if (!usable(one)) throw refusedEntry(name, shown(one), of);
  }
  return all;
}

function resolveRetryable(given: Partial<RetryableAnswers>): Partial<RetryableAnswers> {
  const isStatus = (status: number) => Number.isInteger(status) && status >= 300 && status <= 599;
  const isCode = (code: string) => GRPC_CODES.some((known) => known === code && code !== 'OK');
  const statuses = listOf(
    'queue.retry.httpStatuses',
    given.httpStatuses,
    isStatus,
    'HTTP statuses from 300 to 599',
  );
  const codes = listOf(
    'queue.retry.grpcCodes',
    given.grpcCodes,
    isCode,
    "names of gRPC codes, such as 'UNAVAILABLE'",
  );
  return {
    ...(statuses !== undefined && { httpStatuses: statuses }),
    ...(codes !== undefined && { grpcCodes: codes }),
  };
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
    dropPolicy: oneOf('queue.dropPolicy', queue.dropPolicy, ['newest', 'oldest']) ?? 'newest',
    priority:
      listOf(
        'queue.priority',
        queue.priority,
        (signal) => SIGNALS.includes(signal),
        `signals: ${SIGNALS.join(', ')}`,
      ) ?? [],
    maxInFlight: Math.floor(number('queue.maxInFlight', queue.maxInFlight, inFlight)),
    concurrency: oneOf('queue.concurrency', queue.concurrency, ['fixed', 'adaptive']) ?? 'fixed',
    retry: {
      initialMs: retrying('initialMs', 1, LONGEST_MS),
      multiplier: retrying('multiplier', 1, 100),
      maxMs: retrying('maxMs', 1, LONGEST_MS),
      maxAgeMs: retrying('maxAgeMs', 0, LONGEST_MS),
      budgetRatio: retrying('budgetRatio', 0, 100),
      budgetPerSecond: retrying('budgetPerSecond', 0.001, 1_000_000),
    },
    retryable: resolveRetryable(retry),
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
