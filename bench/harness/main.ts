/**
 * Runs the cases of one bench file in this process: check, then measure. Started by
 * `bench/run.mjs` as `node --expose-gc main.mjs <bundled bench file>` with the run's options in
 * the environment variable `OTLP_WASM_BENCH`.
 */

import { appendFileSync } from 'node:fs';
import type { BenchCase, Prepared } from './case.ts';
import { type Effort, type Measurement, measure } from './measure.ts';
import { table } from './table.ts';

interface Run extends Effort {
  /** Source of the regular expression that picks cases by name. */
  readonly pattern: string;
  /** The same for subjects by theirs. */
  readonly subjects: string;
  /** One JSON object per line on stdout instead of tables. */
  readonly json: boolean;
  /** File the JSON lines are appended to as well, if any. */
  readonly record?: string;
}

const run: Run = JSON.parse(process.env['OTLP_WASM_BENCH'] ?? '{}');
const { cases } = (await import(process.argv[2])) as { cases: readonly BenchCase[] };
const pattern = new RegExp(run.pattern);
const subjects = new RegExp(run.subjects);
for (const one of cases) {
  if (!pattern.test(one.name) || !isAsked(one)) continue;
  try {
    print(one.name, await measureCase(one));
  } catch (error) {
    process.exitCode = 1;
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`${one.name}: FAILED\n${reason.replace(/^/gm, '  ')}\n\n`);
  }
}

function isAsked({ askedBy }: BenchCase): boolean {
  const all = run.pattern === '' && run.record !== undefined;
  return askedBy === undefined || all || run.pattern.includes(askedBy);
}

async function measureCase(one: BenchCase): Promise<Measurement[]> {
  const prepared = await one.prepare();
  try {
    await prepared.check();
    const pick = (all: Prepared['subjects']) =>
      all.filter((subject) => subjects.test(subject.name));
    return await measure({ ...prepared, subjects: pick(prepared.subjects) } as Prepared, run);
  } finally {
    await prepared.close?.();
  }
}

function print(name: string, measurements: readonly Measurement[]): void {
  const lines = measurements
    .map((m) => `${JSON.stringify({ case: name, ...m, ...rounded(m) })}\n`)
    .join('');
  if (run.record) appendFileSync(run.record, lines);
  process.stdout.write(run.json ? lines : `${name}\n${table(measurements)}\n\n`);
}

/** Figures with five significant digits: more would be noise in a committed file. */
function rounded(m: Measurement): Partial<Measurement> {
  const round = (value: number) => Number(value.toPrecision(5));
  const factors = Object.entries(m.factors).map(([rival, factor]) => [rival, round(factor)]);
  return {
    median: round(m.median),
    min: round(m.min),
    max: round(m.max),
    ...(m.ratio !== undefined && { ratio: round(m.ratio) }),
    factors: Object.fromEntries(factors),
  };
}
