import type { Effort } from './measure.ts';

/** What a file `bench/<room>/<name>.bench.ts` exports as `cases`. */
export interface BenchCase {
  /** A path: `path/record/10attr`. */
  readonly name: string;
  /** Takes so long that it runs only where the pattern holds this text, or all is recorded. */
  readonly askedBy?: string;
  /** Builds everything the case needs. Called only when the case is asked for. */
  prepare(): Prepared | Promise<Prepared>;
}

export interface Prepared {
  /** Asserts that every subject gives the right answer; throws where one does not. */
  check(): void | Promise<void>;
  /** The subject (or subjects) that the others are held against. */
  readonly rivals: readonly string[];
  /** What runs is timed, or subjects that measure themselves (another process, the heap). */
  readonly subjects: readonly TimedSubject[] | readonly MeasuredSubject[];
  /** For timed subjects: how one run's duration becomes a figure. */
  readonly work?: Work;
  /** For subjects that measure themselves: rounds at most. */
  readonly rounds?: number;
  /** Frees what `prepare` took. */
  close?(): void | Promise<void>;
}

/** Work done by one `run()`. */
export type Work =
  | { readonly unit: 'ns/op'; readonly ops: number }
  | { readonly unit: 'MB/s'; readonly bytes: number };

export interface TimedSubject {
  readonly name: string;
  /** The timed work. Returns something, so that no engine may skip it; awaited if `async`. */
  run(): unknown;
  /** `run` gives a promise. */
  readonly async?: true;
  /** Untimed, before each run: fills what `run` empties. */
  before?(): void;
  /** Compressors: size of the input over size of the output. */
  readonly ratio?: number;
}

export interface MeasuredSubject {
  readonly name: string;
  /** One round, at its own pace: `effort` says how thorough. */
  measure(effort: Effort): Promise<Partial<Record<Unit, number>>>;
}

/** Every unit a figure may have, and which way is better. */
export const UNITS = {
  'ns/op': 'lower',
  'MB/s': 'higher',
  'ms event-loop delay p50': 'lower',
  'ms event-loop delay p99': 'lower',
  'ms event-loop delay max': 'lower',
  'spans/s': 'higher',
  'spans arrived': 'higher',
  'CPU s per million spans': 'lower',
  'MiB peak RSS': 'lower',
  'bytes allocated/op': 'lower',
  'bytes/series': 'lower',
  'MiB peak queue': 'lower',
  'spans dropped': 'lower',
  's until caught up': 'lower',
} as const satisfies Record<string, 'lower' | 'higher'>;

export type Unit = keyof typeof UNITS;

/** Rivals that may be missing on a host say so by being undefined. */
export function present<T>(subjects: readonly (T | undefined)[]): T[] {
  return subjects.filter((subject) => subject !== undefined);
}
