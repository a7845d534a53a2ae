// The drop-in exporters in upstream's SDKs: on every Node.js, in ES modules and CommonJS, and in a
// browser. What they send has to be what upstream's exporters send of the same spans.

import { copyFileSync, cpSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { difference } from '../../instrumentation/compare.mjs';
import { capture } from '../../runtime/support.mjs';
import { createProject } from '../projects.mjs';
import { linesOf } from './requests.mjs';

const here = dirname(fileURLToPath(import.meta.url));

/** Longest a program may take with all its cases. */
const RUN_MS = 180_000;

const TSC_FLAGS = [
  '--noEmit',
  '--strict',
  '--exactOptionalPropertyTypes',
  ...['--module', 'nodenext', '--target', 'es2022'],
];

const PROGRAMS = ['main.mjs', 'main.cjs', 'traced.mjs', 'start.mjs'];

/** What our exporters write when spans are lost or late, or an encoding is refused: here on purpose. */
const EXPECTED =
  /^otlp-wasm: (\d+ spans? lost \(|the collector does not answer, |the endpoint takes no ).*\n/gm;

const MOST_LINES = 40;

/**
 * A project with the programs, the packages of the line and ours.
 *
 * @param {{ folder: string, upstream: string, tarball: string }} of `upstream`: line of its SDK
 */
export function createExporterProject({ folder, upstream, tarball }) {
  const instrumentations = ['@opentelemetry/instrumentation-http'];
  createProject({ folder, upstream, tarball, instrumentations });
  cpSync(join(here, 'project'), folder, { recursive: true });
  const runtime = join(here, '../../runtime');
  for (const file of ['browser/driver.mjs', 'support.mjs', 'journey.mjs'])
    copyFileSync(join(runtime, file), join(folder, basename(file)));
  for (const path of ['../../../node_modules/esbuild', '../node_modules/playwright-core'])
    symlinkSync(join(here, path), join(folder, 'node_modules', basename(path)), 'dir');
  return folder;
}

/**
 * @param {{ cwd: string, upstream: string, node: string, title: string }} of `cwd`: the project
 * @param {(verdict: 'passed' | 'failed', name: string, detail?: string) => void} note
 * @returns {(() => Promise<void>)[]}
 */
export function exporterChecks({ cwd, upstream, node, title }, note) {
  return PROGRAMS.map((program) => async () => {
    const { lines, problem } = await run(node, [program, upstream], cwd);
    for (const { name, wrong, compared } of lines) {
      const complaint = wrong === undefined ? differences(compared) : shortened(wrong);
      note(complaint === '' ? 'passed' : 'failed', `${title}, ${name}`, complaint);
    }
    if (problem !== '') note('failed', `${title}, ${program}`, problem);
  });
}

function shortened(text) {
  const lines = text.split('\n');
  const left = lines.length - MOST_LINES;
  return left > 0 ? `${lines.slice(0, MOST_LINES).join('\n')}\n… ${left} lines more` : text;
}

/** Whether the types of upstream's line and ours fit; `note` as above. */
export async function typeCheck({ cwd, upstream }, note) {
  const tsc = join(here, '../../../node_modules/typescript/bin/tsc');
  const { code, stdout, stderr } = await capture(
    process.execPath,
    [tsc, ...TSC_FLAGS, `types-${upstream}.mts`],
    {
      cwd,
      timeoutMs: RUN_MS,
    },
  );
  note(code === 0 ? 'passed' : 'failed', `SDK ${upstream}, types`, `${stdout}${stderr}`);
}

/** In a browser; `note` as above. Rejects with an error named `Unavailable` where there is none. */
export async function browserChecks({ cwd, upstream }, note) {
  const { open } = await import(pathToFileURL(join(cwd, 'browser.mjs')).href);
  const { about, cases, close } = await open(cwd, upstream);
  try {
    for (const [name, run] of Object.entries(cases)) {
      const title = `${about}, SDK ${upstream}, ${name}`;
      try {
        const complaint = differences(await run());
        note(complaint === '' ? 'passed' : 'failed', title, complaint);
      } catch (error) {
        note('failed', title, error.stack);
      }
    }
  } finally {
    await close();
  }
}

/** What upstream's (`-`) and our (`+`) requests differ in. */
export function differences(compared) {
  if (compared === undefined) return '';
  const { protocol, upstream, ours } = compared;
  const [theirs, own] = [upstream, ours].map((bodies) =>
    linesOf(
      protocol,
      bodies.map((body) => Buffer.from(body, 'base64')),
    ),
  );
  const changed = difference(theirs, own).filter((text) => !text.startsWith('  '));
  if (theirs.length < 100) changed.push('there is nothing to compare');
  return shortened(
    changed.map((text) => (text.length > 300 ? `${text.slice(0, 300)}…` : text)).join('\n'),
  );
}

/** The cases a program wrote; `problem`: what else it said, or how it ended. */
async function run(node, args, cwd) {
  const inherited = Object.keys(process.env).filter((name) => /^(OTEL_|NODE_OPTIONS$)/.test(name));
  const env = Object.fromEntries(inherited.map((name) => [name, undefined]));
  try {
    const { code, stdout, stderr } = await capture(node, args, { cwd, env, timeoutMs: RUN_MS });
    const lines = stdout.split('\n').filter(Boolean).map(JSON.parse);
    let problem = stderr.replace(EXPECTED, '');
    if (code !== 0) problem += `ended with status ${code}`;
    else if (lines.length === 0) problem += 'no case ran';
    return { lines, problem };
  } catch (error) {
    return { lines: [], problem: error.stack };
  }
}
