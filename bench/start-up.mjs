// node bench/start-up.mjs [--rounds N] [--json]
//
// What telemetry adds to the start of a program, in two ways:
//
// - start-up: from the start of a process until its first span has ended, against the same program
//   with @opentelemetry/api alone;
// - start-up/preload: until a script begins before which telemetry was loaded (node --require),
//   against the script alone. No instrumentation is installed.
//
// Processes take turns in rotating order; what counts is the median of the differences within a
// round, so that what else the machine does hits everyone. Needs dist/ (npm run build) and the
// rivals (npm ci in bench/rivals and in bench/rivals/node-sdk).

import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    json: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1) {
  console.error(`--rounds takes a whole number from 1, got '${values.rounds}'`);
  process.exit(2);
}

const SCRIPT = 'start-up/script.cjs';
/** By case; the first of each is its baseline. */
const CASES = {
  'start-up': [
    { subject: '@opentelemetry/api', file: 'start-up/api.mjs', needs: '../node_modules' },
    { subject: 'otlp-wasm', file: 'start-up/otlp-wasm.mjs', needs: '../dist/node.js' },
    { subject: 'opentelemetry-js', file: 'rivals/start-up.mjs', needs: 'rivals/node_modules' },
  ],
  'start-up/preload': [
    { subject: 'empty', file: SCRIPT, needs: SCRIPT },
    {
      subject: 'otlp-wasm/register',
      preload: '../dist/register.cjs',
      ...{ file: SCRIPT, needs: '../dist/register.cjs' },
    },
    {
      subject: 'opentelemetry-js/node',
      preload: 'rivals/node-sdk/preload.cjs',
      ...{ file: SCRIPT, needs: 'rivals/node-sdk/node_modules' },
    },
  ],
};

const pathOf = (name) => fileURLToPath(new URL(name, import.meta.url));

/** Outside of the repository, whose instrumentations would be found from within. */
const outside = mkdtempSync(join(tmpdir(), 'otlp-wasm-start-up-'));
process.on('exit', () => rmSync(outside, { recursive: true, force: true }));
const script = join(outside, 'script.cjs');
copyFileSync(pathOf(SCRIPT), script);

/** Milliseconds from before the process is started until it says that it is there. */
function startUpMs({ preload, file }) {
  const args = preload === undefined ? [] : ['--require', pathOf(preload)];
  args.push(file === SCRIPT ? script : pathOf(file));
  const before = process.hrtime.bigint();
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', cwd: outside });
  // The clock is the machine's: it reads the same in both processes.
  const ended = /^\d+/.exec(stderr);
  if (status !== 0 || ended === null) throw new Error(`${file}: exit code ${status}\n${stderr}`);
  return Number(BigInt(ended[0]) - before) / 1e6;
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

for (const [name, all] of Object.entries(CASES)) {
  const subjects = all.filter(({ subject, needs }) => {
    const there = existsSync(pathOf(needs));
    if (!there) console.error(`${subject}: left out, ${needs} is missing`);
    return there;
  });
  const timesOf = new Map(subjects.map((each) => [each, []]));
  // The first run of each brings its files into the page cache.
  for (const each of subjects) startUpMs(each);
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < subjects.length; i++) {
      const each = subjects[(round + i) % subjects.length];
      timesOf.get(each).push(startUpMs(each));
    }
  }

  const baseline = timesOf.get(subjects[0]);
  for (const [each, times] of timesOf) {
    const { subject } = each;
    const added = median(times.map((ms, round) => ms - baseline[round]));
    if (values.json) {
      const [min, max] = [Math.min(...times), Math.max(...times)];
      const row = { case: name, subject, unit: 'ms', median: median(times), min, max, added };
      console.log(JSON.stringify(row));
    } else {
      const note = each === subjects[0] ? '' : `   ${added.toFixed(1).padStart(6)} ms more`;
      console.log(`${subject.padEnd(21)} ${median(times).toFixed(1).padStart(7)} ms${note}`);
    }
  }
}
