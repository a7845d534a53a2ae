import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type Effort, measure } from '../../bench/harness/measure.ts';
import { table } from '../../bench/harness/table.ts';
import { assertSpans } from '../../bench/spans.ts';
import { expectedSpan } from '../../bench/workload.ts';

const run = fileURLToPath(new URL('../../bench/run.mjs', import.meta.url));
const fixtures = fileURLToPath(new URL('fixtures/harness', import.meta.url));

function bench(...args: string[]) {
  return spawnSync(process.execPath, [run, '--dir', fixtures, '--quick', ...args], {
    encoding: 'utf8',
  });
}

const EFFORT: Effort = { rounds: 3, roundMs: 1, warmupMs: 1 };

describe('bench run', () => {
  it('prints a table of the cases asked for and exits 0', () => {
    const { status, stdout, stderr } = bench('sum/right');
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/^harness\/sum\/right\n/);
    expect(stdout).toMatch(/^ {2}fast .*×/m);
    expect(stdout).not.toContain('wrong');
  });

  it('prints one JSON object per line', () => {
    const { stdout } = bench('right|measured', '--json');
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ case: name, subject, unit }) => [name, subject, unit])).toEqual([
      ['harness/sum/right', 'fast', 'ns/op'],
      ['harness/sum/right', 'slow', 'ns/op'],
      ['harness/measured', 'own', 'spans/s'],
      ['harness/measured', 'other', 'spans/s'],
      ['harness/measured', 'own', 'spans dropped'],
      ['harness/measured', 'other', 'spans dropped'],
    ]);
    for (const { median, min, max } of lines) {
      expect(min).toBeLessThanOrEqual(median);
      expect(median).toBeLessThanOrEqual(max);
    }
    expect(lines[0].ratio).toBe(2);
    expect(lines[1].ratio).toBeUndefined();
  });

  it('reports a failed check, goes on with the other cases and exits 1', () => {
    const { status, stdout, stderr } = bench('sum');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^harness\/sum\/wrong: FAILED\n.*45 expected, 46 seen/);
    expect(stdout).toContain('harness/sum/right');
    expect(stdout).not.toContain('harness/sum/wrong');
  });

  it('leaves a long case out unless its name is asked for', () => {
    expect(bench('harness/(l|measured)').stdout).not.toContain('harness/long');
    expect(bench('harness/long').stdout).toMatch(/^harness\/long\/minutes\n/);
  });

  it('refuses a pattern that is not one', () => {
    const { status, stderr } = bench('(');
    expect(status).toBe(1);
    expect(stderr).toContain('bench: Invalid regular expression');
  });
});

describe('measure', () => {
  it('runs `before` ahead of every run', async () => {
    const calls: string[] = [];
    const subject = {
      name: 'a',
      before: () => void calls.push('before'),
      run: () => void calls.push('run'),
    };
    await measure(
      { rivals: [], work: { unit: 'ns/op', ops: 1 }, subjects: [subject], check() {} },
      EFFORT,
    );
    expect(calls.length).toBeGreaterThanOrEqual(8);
    expect(calls.every((call, at) => call === (at % 2 ? 'run' : 'before'))).toBe(true);
  });

  it('rotates the order and compares figures of the same round', async () => {
    const order: string[] = [];
    const subject = (name: string, figures: number[]) => ({
      name,
      measure: async () => {
        order.push(name);
        return { 'CPU s per million spans': figures.shift()! };
      },
    });
    const [own] = await measure(
      // By medians 3 against 4; round by round twice, twice and four times as good.
      {
        rivals: ['b'],
        subjects: [subject('a', [2, 3, 5]), subject('b', [4, 12, 10])],
        check() {},
      },
      { ...EFFORT, rounds: 9 },
    );
    expect(order).toEqual(['a', 'b', 'b', 'a', 'a', 'b']);
    expect(own).toEqual({
      subject: 'a',
      unit: 'CPU s per million spans',
      median: 3,
      min: 2,
      max: 5,
      factors: { b: 2 },
    });
    expect(table([own])).toContain('2.00×');
  });

  it('runs no more rounds than a case wants', async () => {
    let rounds = 0;
    const measureOnce = async () => ({ 'spans/s': ++rounds });
    const subjects = [{ name: 'a', measure: measureOnce }];
    await measure({ rivals: [], rounds: 2, subjects, check() {} }, { ...EFFORT, rounds: 15 });
    expect(rounds).toBe(2);
  });

  it('does not divide nothing by nothing', async () => {
    const subject = (name: string) => ({ name, measure: async () => ({ 'spans dropped': 0 }) });
    const [own] = await measure(
      { rivals: ['b'], subjects: [subject('a'), subject('b')], check() {} },
      EFFORT,
    );
    expect(own.factors).toEqual({});
  });
});

describe('workload', () => {
  it('has ten attributes per span, 128 key lists and no attribute set twice', () => {
    const keyLists = new Set<string>();
    const sets = new Set<string>();
    for (let n = 0; n < 2048; n++) {
      const { name, attributes } = expectedSpan(n);
      const kinds = Object.values(attributes).map((value) => typeof value);
      expect(kinds.filter((kind) => kind === 'string')).toHaveLength(6);
      expect(kinds.filter((kind) => kind === 'number')).toHaveLength(3);
      expect(kinds.filter((kind) => kind === 'boolean')).toHaveLength(1);
      keyLists.add(`${name} ${Object.keys(attributes)}`);
      sets.add(JSON.stringify(attributes));
    }
    expect(keyLists.size).toBe(128);
    expect(sets.size).toBe(2048);
  });

  it('is not satisfied by a request without its spans', () => {
    expect(() => assertSpans(new Uint8Array(0), 0, 1)).toThrow('1 spans recorded, 0 encoded');
  });
});
