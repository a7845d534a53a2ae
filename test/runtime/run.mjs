// The package as users get it: packed, installed by name into a project of its own on every
// host, and one span each has to arrive at the embedded collector.
//
//   npm run test:runtime                     all hosts
//   npm run test:runtime -- --only node,deno
//
// A host that cannot be had here (no network to install it from, no browser) is skipped and
// said to be; with CI=true that is a failure. Nothing is left behind but npm's own cache.

import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { capture, Unavailable } from './support.mjs';

const HOSTS = ['node', 'deno', 'workerd', 'browser'];

/** Longest time an installation may take, and one case. */
const INSTALL_MS = 120_000;
const CASE_MS = 60_000;

const NPM_FLAGS = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../..');

const { values } = parseArgs({ options: { only: { type: 'string' } } });
const only = values.only?.split(',') ?? HOSTS;
const unknown = only.filter((name) => !HOSTS.includes(name));
if (unknown.length > 0) {
  console.error(`--only: no such host: ${unknown.join(', ')}; there are ${HOSTS.join(', ')}`);
  process.exit(2);
}

const strict = process.env.CI === 'true';
const totals = { passed: 0, failed: 0, skipped: 0 };

function note(verdict, name, detail) {
  totals[verdict]++;
  console.log(
    `  ${verdict.padEnd(7)} ${name}${detail ? `\n${detail.replace(/^/gm, '          ')}` : ''}`,
  );
}

function unavailable(name, reason) {
  note(strict ? 'failed' : 'skipped', name, `not available here: ${reason}`);
}

async function npm(args, cwd) {
  const { code, stdout, stderr } = await capture('npm', args, { cwd, timeoutMs: INSTALL_MS });
  if (code !== 0) throw new Unavailable(`npm ${args[0]} failed\n${complaint(stderr)}`);
  return stdout;
}

/** npm says first what is wrong, then how it is used. */
function complaint(stderr) {
  const lines = stderr.split('\n').filter((line) => /^npm error \S/.test(line));
  return lines.slice(0, 8).join('\n');
}

async function withDeadline(promise, ms) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no result within ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The fixture in a project of its own, with its locked packages and ours from the tarball. */
async function install(host, tarball) {
  const project = join(temporary, host);
  cpSync(join(here, host), project, { recursive: true });
  for (const shared of ['journey.mjs', 'support.mjs'])
    cpSync(join(here, shared), join(project, shared));
  await npm(['ci', ...NPM_FLAGS], project);
  await npm(['install', '--no-save', ...NPM_FLAGS, tarball], project);
  return project;
}

async function runHost(host, tarball) {
  console.log(`\n${host}`);
  let fixture;
  try {
    const project = await install(host, tarball);
    const { open } = await import(pathToFileURL(join(project, 'host.mjs')).href);
    fixture = await open(project);
  } catch (error) {
    if (error instanceof Unavailable || error.name === 'Unavailable')
      unavailable(host, error.message);
    else note('failed', host, error.stack);
    return;
  }
  console.log(`  ${fixture.about}`);
  try {
    for (const [name, run] of Object.entries(fixture.cases)) {
      try {
        const detail = await withDeadline(run(), CASE_MS);
        note('passed', name, detail);
      } catch (error) {
        note('failed', name, error.stack ?? String(error));
      }
    }
  } finally {
    await fixture.close();
  }
}

const temporary = mkdtempSync(join(tmpdir(), 'otlp-wasm-runtime-'));
process.on('exit', () => rmSync(temporary, { recursive: true, force: true, maxRetries: 3 }));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));

// The build is current already: `npm run test:runtime` made it so.
const packing = ['pack', '--ignore-scripts', '--json', '--pack-destination', temporary];
const [{ filename, size }] = JSON.parse(await npm(packing, root));
console.log(`packed ${filename}: ${(size / 1024).toFixed(0)} KiB`);
for (const host of HOSTS) {
  if (only.includes(host)) await runHost(host, join(temporary, filename));
}

const { passed, failed, skipped } = totals;
console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exit(failed > 0 ? 1 : 0);
