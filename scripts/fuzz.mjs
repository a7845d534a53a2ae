// npm run fuzz -- [--minutes N] [--seed S] [--runs N] [--only traces|gzip]
//
//   --minutes N   how long (1)
//   --seed S      the first seed; the following ones are S + 1, S + 2 … (from the time of day)
//   --runs N      so many seeds instead of minutes
//   --only        one of the suites instead of both, a seed of each in turn
//
// The generators are those of test/fuzz. Stops at the first failure, prints its seed and the
// command that repeats it, and exits 1.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { bundleForNode } from './bundle-for-node.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string' },
    runs: { type: 'string', default: 'Infinity' },
    only: { type: 'string' },
  },
});
const minutes = positive('minutes', Number(values.minutes));
const runs = positive('runs', Number(values.runs));
const first = positive('seed', Number(values.seed ?? Date.now() % 2 ** 31));
if (values.only !== undefined && !['traces', 'gzip'].includes(values.only)) {
  fail(`--only takes traces or gzip, got '${values.only}'`);
}

const out = join(root, 'build/fuzz', String(process.pid));
await bundleForNode({
  entryPoints: {
    traces: join(root, 'test/support/fuzz-traces.ts'),
    gzip: join(root, 'test/support/fuzz-gzip.ts'),
  },
  outdir: out,
});
const load = (name) => import(pathToFileURL(join(out, `${name}.mjs`)));
const { fuzzTraces } = await load('traces');
const { fuzzGzip } = await load('gzip');
rmSync(out, { recursive: true });

const counts = { seeds: 0, spans: 0, requests: 0, bytes: 0 };
const suites = {
  traces(seed) {
    const { spans, requests } = fuzzTraces(seed, 1000);
    counts.spans += spans;
    counts.requests += requests;
  },
  gzip(seed) {
    counts.bytes += fuzzGzip(seed, 50);
  },
};
const chosen = values.only === undefined ? Object.keys(suites) : [values.only];

const end = performance.now() + minutes * 60_000;
let reported = performance.now();
console.log(`seeds from ${first}: ${chosen.join(' and ')}`);
for (let i = 0; i < runs && (performance.now() < end || runs !== Infinity); i++) {
  const seed = first + i;
  for (const name of chosen) {
    try {
      suites[name](seed);
    } catch (error) {
      console.error(`\n${name}: seed ${seed} fails after ${summary()}\n`);
      console.error(error);
      fail(`repeat it: npm run fuzz -- --only ${name} --seed ${seed} --runs 1`);
    }
  }
  counts.seeds++;
  if (performance.now() - reported > 10_000) {
    reported = performance.now();
    console.log(summary());
  }
}
console.log(`${summary()}: nothing found`);

function summary() {
  const { seeds, spans, requests, bytes } = counts;
  const size = (bytes / 2 ** 20).toFixed(0);
  return `${seeds} seeds, ${spans} spans in ${requests} requests, ${size} MiB compressed`;
}

function positive(name, value) {
  if (value > 0) return value;
  return fail(`--${name} takes a number greater than 0`);
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
