// node bench/start-up.mjs [--rounds N] [--json]
//
// What telemetry adds to the start of a program: from the start of a process until its first
// span has ended, against the same program with @opentelemetry/api alone. Processes take turns
// in rotating order; what counts is the median of the differences within a round, so that what
// else the machine does hits everyone. Needs dist/ (npm run build) and the rivals
// (npm ci --prefix bench/rivals).

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
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

const BASELINE = '@opentelemetry/api';
const SUBJECTS = [
  { subject: BASELINE, file: 'start-up/api.mjs', needs: '../node_modules' },
  { subject: 'otlp-wasm', file: 'start-up/otlp-wasm.mjs', needs: '../dist/node.js' },
  { subject: 'opentelemetry-js', file: 'rivals/start-up.mjs', needs: 'rivals/node_modules' },
];

const pathOf = (name) => fileURLToPath(new URL(name, import.meta.url));

/** Milliseconds from before the process is started until it says that its span has ended. */
function startUpMs({ file }) {
  const before = process.hrtime.bigint();
  const { status, stderr } = spawnSync(process.execPath, [pathOf(file)], { encoding: 'utf8' });
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

const subjects = SUBJECTS.filter(({ subject, needs }) => {
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
for (const [{ subject }, times] of timesOf) {
  const added = median(times.map((ms, round) => ms - baseline[round]));
  if (values.json) {
    const [min, max] = [Math.min(...times), Math.max(...times)];
    const row = { case: 'start-up', subject, unit: 'ms', median: median(times), min, max, added };
    console.log(JSON.stringify(row));
  } else {
    const note = subject === BASELINE ? '' : `   ${added.toFixed(1).padStart(6)} ms more`;
    console.log(`${subject.padEnd(20)} ${median(times).toFixed(1).padStart(7)} ms${note}`);
  }
}
