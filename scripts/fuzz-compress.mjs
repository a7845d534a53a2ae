// npm run fuzz:compress -- [--minutes N] [--cases N] [--seed S] [--only zstd,lz4] [--max-bytes N]
//
//   --minutes N    how long (1)
//   --cases N      so many cases instead of minutes
//   --seed S       the first seed; the following ones are S + 1, S + 2 … (from the time of day).
//                  A seed is a case, whatever came before it, as long as --only and --max-bytes
//                  are the same
//   --only         some of the formats deflate, zlib, gzip, zstd, lz4, snappy, snappy-framed
//   --max-bytes N  longest input (2097152)
//
// Structured inputs through the kernels of `codecs` on all engines (test/support/fuzz-compress.ts
// says what has to hold), back through zlib, fzstd, snappyjs and lz4js, and through the command
// lines zstd, lz4 and libdeflate-gunzip where they are installed. Stops at the first failure,
// prints its seed and the command that repeats it, and exits 1.

import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { bundleForNode } from './bundle-for-node.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    cases: { type: 'string', default: 'Infinity' },
    seed: { type: 'string' },
    only: { type: 'string', default: '' },
    'max-bytes': { type: 'string', default: String(2 ** 21) },
  },
});
const minutes = positive('minutes', Number(values.minutes));
const limit = positive('cases', Number(values.cases));
const first = positive('seed', Number(values.seed ?? Date.now() % 2 ** 31));
const maxBytes = positive('max-bytes', Number(values['max-bytes']));
const only = values.only.split(',').filter(Boolean);

/** A command line takes frames one behind the other, and is worth starting for so many. */
const BATCH_BYTES = 4 << 20;
const BATCH_CASES = 1000;
const PROGRAMS = {
  gzip: { command: ['libdeflate-gunzip', '-c'], package: 'libdeflate-tools' },
  zstd: { command: ['zstd', '-dcq'], package: 'zstd' },
  lz4: { command: ['lz4', '-dcq'], package: 'lz4' },
};

const out = join(root, 'build/fuzz', String(process.pid));
await bundleForNode({
  entryPoints: { compress: join(root, 'test/support/fuzz-compress.ts') },
  outdir: out,
});
const { CompressFuzz, FORMAT_NAMES } = await import(pathToFileURL(join(out, 'compress.mjs')).href);
rmSync(out, { recursive: true });
const unknown = only.filter((name) => !FORMAT_NAMES.includes(name));
if (unknown.length > 0) fail(`--only takes ${FORMAT_NAMES.join(', ')}, got '${unknown}'`);

const batches = new Map();
for (const [name, { command, package: debian }] of Object.entries(PROGRAMS)) {
  if (only.length > 0 && !only.includes(name)) continue;
  const { error } = spawnSync(command[0], ['-h']);
  if (error === undefined) batches.set(name, { command, cases: [], bytes: 0 });
  else console.log(`NOT USED ${command[0]}: not installed (Debian package ${debian})`);
}

const counts = { cases: 0, streams: 0, bytes: 0, read: 0 };
const fuzz = new CompressFuzz(maxBytes, only);
const start = performance.now();
const end = start + minutes * 60_000;
let reported = start;
console.log(`seeds from ${first}, inputs of at most ${maxBytes} bytes`);
for (let i = 0; i < limit && (limit !== Infinity || performance.now() < end); i++) {
  const seed = first + i;
  try {
    const { format, input, output, streamed } = fuzz.run(seed);
    counts.cases++;
    counts.bytes += input.length;
    if (streamed) counts.streams++;
    const batch = batches.get(format.name);
    if (batch !== undefined) {
      batch.cases.push({ seed, input, output });
      batch.bytes += input.length;
      if (batch.bytes > BATCH_BYTES || batch.cases.length === BATCH_CASES) readBack(batch);
    }
  } catch (error) {
    console.error(error);
    failAt(seed);
  }
  if (performance.now() - reported > 10_000) {
    reported = performance.now();
    console.log(`${summary()}; next seed ${seed + 1}`);
  }
}
for (const batch of batches.values()) readBack(batch);
console.log(`${summary()}: nothing found`);

/** All cases of a batch through its command line, and one by one when they do not come back. */
function readBack(batch) {
  const cases = batch.cases.splice(0);
  batch.bytes = 0;
  if (cases.length === 0) return;
  const said = decodedWrongly(batch.command, cases);
  if (said !== undefined) {
    const guilty = cases.find((one) => decodedWrongly(batch.command, [one]) !== undefined);
    console.error(`${batch.command[0]}: ${said}`);
    failAt(guilty?.seed ?? cases[0].seed);
  }
  counts.read += cases.length;
}

/** What is wrong with what a command line makes of the outputs. */
function decodedWrongly([program, ...options], cases) {
  const inputs = Buffer.concat(cases.map(({ input }) => input));
  const { status, stdout, stderr, error } = spawnSync(program, options, {
    input: Buffer.concat(cases.map(({ output }) => output)),
    maxBuffer: inputs.length + (1 << 20),
  });
  if (status !== 0) return `status ${status}: ${error ?? stderr}`;
  if (!stdout.equals(inputs)) return `decoded to ${stdout.length} other bytes`;
  return undefined;
}

function summary() {
  const { cases, streams, bytes, read } = counts;
  const perSecond = (cases / (performance.now() - start)) * 1000;
  const size = (bytes / 2 ** 20).toFixed(0);
  return (
    `${cases} cases (${streams} in parts), ${size} MiB compressed, ${read} read by command lines, ` +
    `${perSecond.toFixed(0)} cases/s`
  );
}

function failAt(seed) {
  console.error(`\nseed ${seed} fails after ${summary()}`);
  const same = [
    only.length > 0 ? ` --only ${only}` : '',
    values['max-bytes'] === String(2 ** 21) ? '' : ` --max-bytes ${maxBytes}`,
  ].join('');
  fail(`repeat it: npm run fuzz:compress -- --seed ${seed} --cases 1${same}`);
}

function positive(name, value) {
  if (value > 0) return value;
  return fail(`--${name} takes a number greater than 0`);
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
