// The log bridges with the loggers themselves: pino 9 and 10, winston and bunyan log, the packed
// package records and exports, and what the embedded collector received is looked at. Besides: the
// same calls through upstream's bridges, and the declarations under the loggers' own types.
//
//   npm run test:bridges                             everything
//   npm run test:bridges -- --only pino
//   node test/bridges/run.mjs --package some.tgz     a package that is packed already
//
// Installs the packages of package-lock.json here, and leaves them behind.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** Longest time for an installation, and for one file of tests. */
const INSTALL_MS = 240_000;
const FILE_MS = 120_000;

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../..');

const { values } = parseArgs({
  options: { only: { type: 'string', default: '' }, package: { type: 'string' } },
});

const temporary = mkdtempSync(join(tmpdir(), 'otlp-wasm-bridges-'));
process.on('exit', () => rmSync(temporary, { recursive: true, force: true, maxRetries: 3 }));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));

function npm(args, cwd) {
  const { status, stdout, stderr, error } = spawnSync('npm', args, {
    cwd,
    encoding: 'utf8',
    timeout: INSTALL_MS,
  });
  if (status !== 0) throw new Error(`npm ${args[0]} failed: ${error ?? stderr}`);
  return stdout;
}

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** The locked packages, unless they are there already, and ours from its tarball. */
function install() {
  const lock = readFileSync(join(here, 'package-lock.json'));
  const digest = createHash('sha256').update(lock).digest('hex');
  const stamp = join(here, 'node_modules/.installed');
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
  if (read(stamp) !== digest) {
    npm(['ci', ...flags], here);
    writeFileSync(stamp, digest);
  }
  const tarball = values.package === undefined ? pack() : resolve(values.package);
  npm(['install', '--no-save', '--no-package-lock', ...flags, tarball], here);
}

/** The build is current already: `npm run test:bridges` made it so. */
function pack() {
  const packing = ['pack', '--ignore-scripts', '--json', '--pack-destination', temporary];
  const [{ filename }] = JSON.parse(npm(packing, root));
  return join(temporary, filename);
}

const totals = { passed: 0, failed: 0 };

/** One file of tests; what it says is shown, and its tests are counted. */
function run(file) {
  console.log(`\n${file}`);
  const report = join(temporary, `${file}.tap`);
  const reporters = [
    ...['--test-reporter=spec', '--test-reporter-destination=stdout'],
    ...['--test-reporter=tap', `--test-reporter-destination=${report}`],
  ];
  // What is set where the suite runs must not decide what it finds.
  const kept = Object.entries(process.env).filter(([name]) => !/^(OTEL_|NODE_OPTIONS$)/.test(name));
  const { status } = spawnSync(
    process.execPath,
    ['--test', ...reporters, join('libraries', file)],
    { cwd: here, env: Object.fromEntries(kept), stdio: 'inherit', timeout: FILE_MS },
  );
  const said = read(report) ?? '';
  const count = (what) => Number(new RegExp(`^# ${what} (\\d+)$`, 'm').exec(said)?.[1] ?? 0);
  const failed = count('fail') + count('cancelled');
  totals.passed += count('pass');
  totals.failed += failed === 0 && status !== 0 ? 1 : failed;
}

/** Programs that are only compiled: with the loggers' declarations, as strict as can be. */
function typeCheck() {
  const flags = [
    ...['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--target', 'es2022'],
    ...['--module', 'nodenext', '--moduleResolution', 'nodenext', '--esModuleInterop'],
    ...['--ignoreConfig', '--skipLibCheck', '--types', 'node'],
  ];
  const { status, stdout } = spawnSync(
    process.execPath,
    [join(root, 'node_modules/typescript/bin/tsc'), ...flags, join(here, 'types/loggers.mts')],
    { cwd: here, encoding: 'utf8', timeout: FILE_MS },
  );
  console.log(`\n${status === 0 ? 'passed' : 'failed'}  declarations\n${stdout}`);
  totals[status === 0 ? 'passed' : 'failed']++;
}

install();
const files = readdirSync(join(here, 'libraries')).filter((file) => file.endsWith('.test.mjs'));
for (const file of files.filter((file) => file.includes(values.only))) run(file);
if ('declarations'.includes(values.only)) typeCheck();

const { passed, failed } = totals;
console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);
