/**
 * Interleaved measuring: in every round each subject runs once for about the same time, and
 * the order rotates, so that whatever else the machine does hits all subjects alike. A round's
 * figure is a mean over its runs, which keeps the cost of garbage collection in; over the
 * rounds the median counts.
 */

import { Bench } from 'tinybench';
import type { MeasuredSubject, Prepared, TimedSubject, Unit, Work } from './case.ts';
import { UNITS } from './case.ts';

export interface Effort {
  readonly rounds: number;
  /** Time one subject gets in one round, milliseconds. */
  readonly roundMs: number;
  /** Time one subject runs before anything counts, milliseconds. */
  readonly warmupMs: number;
  /** CPU time of the process counts, all threads, instead of the time that passes. */
  readonly cpu?: boolean;
}

export interface Measurement {
  readonly subject: string;
  readonly unit: Unit;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** Compressors: size of the input over size of the output. */
  readonly ratio?: number;
  /**
   * How many times better than each rival: the median over the rounds of the two figures of
   * the same round.
   */
  readonly factors: Readonly<Record<string, number>>;
}

/** Figures of one subject in one unit, one per round. */
interface Series {
  readonly subject: string;
  readonly unit: Unit;
  readonly figures: number[];
  readonly ratio?: number | undefined;
}

export async function measure(prepared: Prepared, effort: Effort): Promise<Measurement[]> {
  const series = prepared.work
    ? await timed(prepared.subjects as readonly TimedSubject[], prepared.work, effort)
    : await measured(
        prepared.subjects as readonly MeasuredSubject[],
        roundsOf(prepared, effort),
        effort,
      );
  return series.map((own) => summary(own, prepared.rivals, series));
}

async function timed(
  subjects: readonly TimedSubject[],
  work: Work,
  effort: Effort,
): Promise<Series[]> {
  const runs: number[] = [];
  for (const subject of subjects) runs.push(await warmUp(subject, effort));
  const series: Series[] = subjects.map(({ name, ratio }) => {
    return { subject: name, unit: work.unit, figures: [], ratio };
  });
  for (let round = 0; round < effort.rounds; round++) {
    for (const at of rotation(subjects.length, round)) {
      const meanMs = await meanRunMs(subjects[at], runs[at], clockOf(effort));
      const figure =
        work.unit === 'ns/op' ? (meanMs * 1e6) / work.ops : work.bytes / (meanMs * 1e3);
      series[at].figures.push(figure);
    }
  }
  return series;
}

function clockOf({ cpu }: Effort): () => number {
  if (!cpu) return () => performance.now();
  return () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e3;
  };
}

/** Runs the subject until it is hot and returns how many runs fill one round. */
async function warmUp(subject: TimedSubject, effort: Effort): Promise<number> {
  let runs = 0;
  const now = clockOf(effort);
  const start = now();
  let elapsedMs = 0;
  do {
    subject.before?.();
    const running = subject.run();
    if (subject.async) await running;
    runs++;
    elapsedMs = now() - start;
  } while (elapsedMs < effort.warmupMs);
  // The second half ran optimised code: calibrate on that alone.
  const hotStart = now();
  let hotRuns = 0;
  do {
    subject.before?.();
    const running = subject.run();
    if (subject.async) await running;
    hotRuns++;
  } while (now() - hotStart < effort.roundMs && hotRuns < runs);
  const eachMs = (now() - hotStart) / hotRuns;
  return Math.max(1, Math.round(effort.roundMs / eachMs));
}

async function meanRunMs(subject: TimedSubject, runs: number, now: () => number): Promise<number> {
  // Only the young generation: a full collection before every round also throws away the
  // engine's knowledge of object shapes and made upstream's recording 2.5 times slower.
  globalThis.gc?.({ type: 'minor' });
  const bench = new Bench({ iterations: runs, time: 0, warmup: false, throws: true, now });
  const before = subject.before && (() => subject.before?.());
  bench.add(subject.name, () => subject.run(), {
    async: subject.async ?? false,
    ...(before && { beforeEach: before }),
  });
  const result = (subject.async ? await bench.run() : bench.runSync())[0].result;
  if (result.state !== 'completed') throw new Error(`${subject.name}: the round ${result.state}`);
  return result.latency.mean;
}

/** Rounds in which subjects measure themselves are long and average over more. */
function roundsOf({ rounds = Number.POSITIVE_INFINITY }: Prepared, effort: Effort): number {
  return Math.min(rounds, Math.max(1, Math.round(effort.rounds / 3)));
}

async function measured(
  subjects: readonly MeasuredSubject[],
  rounds: number,
  effort: Effort,
): Promise<Series[]> {
  const series = new Map<string, Series>();
  for (let round = 0; round < rounds; round++) {
    for (const at of rotation(subjects.length, round)) {
      const { name } = subjects[at];
      const figures = Object.entries(await subjects[at].measure(effort)) as [Unit, number][];
      for (const [unit, figure] of figures) {
        const key = `${unit} ${name}`;
        const own = series.get(key) ?? { subject: name, unit, figures: [] };
        own.figures.push(figure);
        series.set(key, own);
      }
    }
  }
  const order = subjects.map((subject) => subject.name);
  const units = Object.keys(UNITS);
  return [...series.values()].sort(
    (a, b) =>
      units.indexOf(a.unit) - units.indexOf(b.unit) ||
      order.indexOf(a.subject) - order.indexOf(b.subject),
  );
}

/** 0, 1, 2 … then 1, 2, 0 … */
function rotation(length: number, round: number): number[] {
  return Array.from({ length }, (_, i) => (i + round) % length);
}

function summary(own: Series, rivals: readonly string[], all: readonly Series[]): Measurement {
  const factors: Record<string, number> = {};
  for (const rival of rivals) {
    const other = all.find((series) => series.subject === rival && series.unit === own.unit);
    if (!other || rival === own.subject) continue;
    const perRound = own.figures.map((figure, round) =>
      UNITS[own.unit] === 'lower' ? other.figures[round] / figure : figure / other.figures[round],
    );
    const factor = median(perRound);
    // Nothing against nothing (0 dropped by both) has no ratio.
    if (Number.isFinite(factor)) factors[rival] = factor;
  }
  return {
    subject: own.subject,
    unit: own.unit,
    median: median(own.figures),
    min: Math.min(...own.figures),
    max: Math.max(...own.figures),
    ...(own.ratio !== undefined && { ratio: own.ratio }),
    factors,
  };
}

export function median(figures: readonly number[]): number {
  const sorted = [...figures].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
