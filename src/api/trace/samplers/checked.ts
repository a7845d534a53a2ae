/** Arguments of samplers: what cannot be used is told when the sampler is made. */

import type { Sampler } from '@opentelemetry/api';
import { OtlpError } from '../../../errors.ts';
import { typeShown } from '../../../options/checks.ts';
import type { ComposableSampler } from './composite.ts';

function wrong(argument: string, of: string, value: unknown, wanted: string): OtlpError {
  const isShown = typeof value === 'number' || value === null || value === undefined;
  const seen = isShown ? String(value) : typeShown(value);
  return new OtlpError('invalid_option', `'${argument}' of ${of}() is ${seen}; give ${wanted}.`);
}

/** A ratio: 0, or from `smallest` to 1. */
export function checkedRatio(of: string, value: number, smallest: number): number {
  if (typeof value === 'number' && (value === 0 || (value >= smallest && value <= 1))) return value;
  const range = smallest > 0 ? '0, or a number from 2^-56 to 1' : 'a number from 0 to 1';
  throw wrong('ratio', of, value, range);
}

/** A finite number that is not below `min`. */
export function checkedNumber(of: string, argument: string, value: number, min: number): number {
  if (typeof value === 'number' && value >= min && value < Number.POSITIVE_INFINITY) return value;
  throw wrong(argument, of, value, `a number from ${min} up`);
}

export function checkedSampler(of: string, argument: string, value: unknown): Sampler {
  if (typeof (value as Sampler | undefined)?.shouldSample === 'function') return value as Sampler;
  throw wrong(argument, of, value, "a sampler: an object with a method 'shouldSample'");
}

export function checkedComposable(of: string, argument: string, value: unknown): ComposableSampler {
  const { getSamplingIntent } = (value ?? {}) as Partial<ComposableSampler>;
  if (typeof getSamplingIntent === 'function') return value as ComposableSampler;
  throw wrong(argument, of, value, "a composable sampler, which has a method 'getSamplingIntent'");
}
