// The official instrumentations on our provider and on upstream's SDK: every program under
// cases/ runs once with each, both export to the embedded collector, and what arrived has to be
// the same, field by field (compare.mjs says which, and what cannot be).
//
//   npm run test:instrumentation                      all libraries
//   npm run test:instrumentation -- --only pg,grpc
//   npm run test:instrumentation -- --show            prints what was compared
//   node test/instrumentation/run.mjs --package some.tgz   a package that is packed already
//
// Installs the packages of package-lock.json here and, as root on Debian, the servers that are
// missing; starts those on free ports and stops them. A library whose server cannot be had is
// skipped and said to be. Leaves node_modules and the Debian packages behind.

import { fork, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describeSpans, difference } from './compare.mjs';
import { LIBRARIES } from './libraries.mjs';
import { installServers, startServer, Unavailable } from './servers.mjs';

const SUBJECTS = ['upstream', 'otlp-wasm'];

/** Longest time for an installation, for one program, and for the spans of a scenario. */
const INSTALL_MS = 240_000;
const PROGRAM_MS = 90_000;
const ARRIVAL_MS = 10_000;

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../..');

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    package: { type: 'string' },
    show: { type: 'boolean', default: false },
  },
});
const chosen = values.only?.split(',') ?? LIBRARIES.map(({ name }) => name);
const unknown = chosen.filter((name) => !LIBRARIES.some((library) => library.name === name));
if (unknown.length > 0) {
  const known = LIBRARIES.map(({ name }) => name).join(', ');
  console.error(`--only: no such library: ${unknown.join(', ')}; there are ${known}`);
  process.exit(2);
}
const libraries = LIBRARIES.filter(({ name }) => chosen.includes(name));

const totals = { passed: 0, failed: 0, skipped: 0 };
const skippedBecause = [];

function note(verdict, name, detail = '') {
  totals[verdict]++;
  console.log(`  ${verdict.padEnd(7)} ${name}`);
  if (detail !== '') console.log(detail.replace(/^/gm, '          '));
}

const temporary = mkdtempSync(join(tmpdir(), 'otlp-wasm-instrumentation-'));
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

/** The build is current already: `npm run test:instrumentation` made it so. */
function pack() {
  const packing = ['pack', '--ignore-scripts', '--json', '--pack-destination', temporary];
  const [{ filename }] = JSON.parse(npm(packing, root));
  return join(temporary, filename);
}

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/**
 * Runs a program with one of the SDKs.
 *
 * @returns its scenarios in order, each with the spans that arrived: [{ name, spans, … }]
 */
async function observe(library, subject, server) {
  const collector = await startCollector({ port: 0, keepBodies: true });
  const scenarios = [];
  let said = '';
  const child = fork(join(here, 'cases', `${library.name}.mjs`), {
    cwd: here,
    execArgv: ['--import', './preload.mjs'],
    env: {
      ...withoutOtel(process.env),
      SUBJECT: subject,
      COLLECTOR: collector.url,
      SERVER: JSON.stringify(server === undefined ? null : { port: server.port }),
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  process.once('exit', killChild);
  function killChild() {
    child.kill('SIGKILL');
  }
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk) => {
      said += chunk;
    });
  }

  let arrivalDeadline = Date.now() + ARRIVAL_MS;
  child.on('message', ({ scenario: name, spans: expected, traces }) => {
    const late = Date.now() > arrivalDeadline;
    if (collector.stats().spans < expected && !late) {
      setTimeout(() => child.connected && child.send('flush again'), 20);
      return;
    }
    scenarios.push({ name, expected, traces, spans: take(collector) });
    arrivalDeadline = Date.now() + ARRIVAL_MS;
    child.send('go on');
  });
  try {
    const timer = setTimeout(killChild, PROGRAM_MS);
    const [code, signal] = await new Promise((resolve) => {
      child.once('close', (...how) => resolve(how));
    });
    clearTimeout(timer);
    if (code !== 0) {
      const seen = scenarios.map(({ name, spans }) => `${name}: ${spans.length} spans`).join(', ');
      throw new Error(`${subject}: ended with ${signal ?? code}, after ${seen}\n${said}`);
    }
    const surplus = take(collector);
    if (surplus.length > 0) scenarios.push({ name: 'after the end', expected: 0, spans: surplus });
    return scenarios;
  } finally {
    process.off('exit', killChild);
    await collector.close();
  }
}

/** What is set where the suite runs must not decide what it finds. */
function withoutOtel(env) {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('OTEL_')));
}

function take(collector) {
  const refused = collector.requests().filter(({ status }) => status !== 200);
  if (refused.length > 0) throw new Error(`answered ${refused[0].status}: ${refused[0].error}`);
  // Instrumentation measures, too.
  const requests = collector.requests().filter(({ signal }) => signal === 'traces');
  const spans = requests.flatMap(({ body }) => decodeTraces(body));
  collector.clear();
  return spans;
}

/** What is wrong with ours, upstream being what it is compared with; empty when nothing. */
function complaints(upstream, ours) {
  const wrong = [];
  for (const [subject, { spans, expected, traces }] of [
    ['upstream', upstream],
    ['otlp-wasm', ours],
  ]) {
    if (spans.length !== expected)
      wrong.push(`${subject}: ${spans.length} spans arrived, ${expected} should have`);
    const seen = new Set(spans.map(({ traceId }) => traceId)).size;
    if (traces !== undefined && seen !== traces)
      wrong.push(`${subject}: of ${seen} traces, should have been ${traces}`);
  }
  const lines = difference(describeSpans(upstream.spans), describeSpans(ours.spans));
  if (lines.length > 0) wrong.push('- upstream, + otlp-wasm:', ...lines);
  return wrong;
}

function versionsOf(library) {
  return library.packages.map((name) => {
    const { version } = JSON.parse(
      readFileSync(join(here, 'node_modules', name, 'package.json'), 'utf8'),
    );
    return `${name} ${version}`;
  });
}

async function check(library) {
  console.log(`\n${library.name}: ${versionsOf(library).join(', ')}`);
  if (library.remark !== undefined) console.log(`  ${library.remark}`);
  let server;
  try {
    if (library.server !== undefined) server = await startServer(library.server);
    const [upstream, ours] = [
      await observe(library, SUBJECTS[0], server),
      await observe(library, SUBJECTS[1], server),
    ];
    for (const name of new Set([...upstream, ...ours].map((scenario) => scenario.name))) {
      const none = { spans: [], expected: 0 };
      const pair = [upstream, ours].map((all) => all.find((one) => one.name === name) ?? none);
      const wrong = complaints(...pair);
      const { spans } = pair[1];
      const scopes = [...new Set(spans.map(({ scope }) => scope.name))].filter(
        (scope) => scope !== 'program',
      );
      const about = `${name}: ${spans.length} spans, scopes ${scopes.join(', ') || 'none'}`;
      const shown = values.show ? describeSpans(spans) : [];
      note(wrong.length === 0 ? 'passed' : 'failed', about, [...shown, ...wrong].join('\n'));
    }
  } catch (error) {
    if (error instanceof Unavailable) {
      note('skipped', library.name, error.message);
      skippedBecause.push(`SKIPPED ${library.name}: ${error.message}`);
    } else note('failed', library.name, error.stack);
  } finally {
    await server?.stop();
  }
}

install();
// Only what was just installed.
const { startCollector } = await import('otlp-wasm/collector');
const { decodeTraces } = await import('./decode.mjs');
installServers(libraries.flatMap(({ server }) => server ?? []));
for (const library of libraries) await check(library);

if (skippedBecause.length > 0) console.log(`\n${skippedBecause.join('\n')}`);
const { passed, failed, skipped } = totals;
console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed > 0 ? 1 : 0);
