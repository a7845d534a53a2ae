// npm run bench -- [regex] [--json] [--rounds N] [--quick] [--record]
//
//   regex      only cases whose name matches (path/record/10attr, compress/gzip-fast/traces-512 …);
//              those that take minutes only by their name (path/outage)
//   --json     one JSON object per line instead of tables
//   --rounds N rounds per case (15)
//   --quick    3 short rounds: shows that the benches work, not how fast anything is
//   --subject R  only subjects whose name matches (simd|opentelemetry)
//   --cpu      CPU time instead of time: for a machine that does other things, too
//   --record   also writes bench/record.jsonl, from which `npm run bench:report` makes tables
//   --dir D    bench files of another folder
//
// Exits 1 when a case fails its check. See bench/README.md.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { bundle } from './bundle.mjs';
import { writeRecord } from './record.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
    subject: { type: 'string', default: '' },
    cpu: { type: 'boolean', default: false },
    dir: { type: 'string', default: join(root, 'bench') },
  },
});
const pattern = positionals[0] ?? '';
const rounds = Number(values.rounds ?? (values.quick ? 3 : 15));
if (!Number.isInteger(rounds) || rounds < 1) {
  fail(`--rounds takes a whole number from 1, got '${values.rounds}'`);
}
for (const source of [pattern, values.subject]) {
  try {
    new RegExp(source);
  } catch (error) {
    fail(error.message);
  }
}
if (values.record && values.subject) fail('a record takes all subjects: leave --subject out');
if (values.record && values.cpu) fail('a record is of time: leave --cpu out');

const out = join(root, 'build/bench', String(process.pid));
const recorded = join(out, 'record.jsonl');
try {
  const { outputs, rivals } = await bundle(root, resolve(values.dir), out).catch(() =>
    fail('the benches do not build (see above)'),
  );
  installRivals(rivals);
  const options = {
    pattern,
    subjects: values.subject,
    json: values.json,
    rounds,
    roundMs: values.quick ? 5 : 30,
    warmupMs: values.quick ? 20 : 200,
    quick: values.quick,
    cpu: values.cpu,
    ...(values.record && { record: recorded }),
  };
  for (const file of outputs) runFile(file, options);
  if (values.record && !process.exitCode) {
    const lines = existsSync(recorded) ? readFileSync(recorded, 'utf8') : '';
    writeRecord(join(root, 'bench/record.jsonl'), lines, pattern === '');
  }
} finally {
  rmSync(out, { recursive: true, force: true });
}

/** One process per file: what one compiled or allocated cannot slow the next one down. */
function runFile(file, options) {
  const main = join(out, 'harness/main.mjs');
  const args = ['--expose-gc', '--enable-source-maps', main, pathToFileURL(file).href];
  const env = { ...process.env, OTLP_WASM_BENCH: JSON.stringify(options) };
  // A variable of the caller's shell must not reconfigure what is measured.
  for (const name of Object.keys(env)) if (name.startsWith('OTEL_')) delete env[name];
  const { status, signal } = spawnSync(process.execPath, args, { env, stdio: 'inherit' });
  if (signal) fail(`${file} was ended by ${signal}`);
  if (status) process.exitCode = 1;
}

/** Rivals have lockfiles of their own and are installed when first needed. */
function installRivals(folders) {
  for (const folder of folders) {
    const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const missing = (name) => !existsSync(join(folder, 'node_modules', name));
    if (!Object.keys(dependencies).some(missing)) continue;
    process.stderr.write(`installing what is measured against: npm ci --prefix ${folder}\n`);
    const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
    const { status } = spawnSync(npm, ['ci', '--prefix', folder, '--no-audit', '--no-fund'], {
      stdio: ['ignore', 'ignore', 'inherit'],
      shell: process.platform === 'win32',
    });
    if (status !== 0) fail(`that failed; run it yourself: npm ci --prefix ${folder}`);
  }
}

function fail(message) {
  process.stderr.write(`bench: ${message}\n`);
  process.exit(1);
}
