// Switches features off one by one (mutants.mjs) and runs the tests that docs/compliance.md names
// for them: each has to fail. Works on copies; the checkout is left alone.
//
//     npm run test:mutants -- [part of a row or of what is switched off]

import { spawn } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { mutantProblem, readRows, root } from './compliance.mjs';
import { mutants } from './mutants.mjs';

const TIME_LIMIT_MS = 120_000;
const COPIED = ['src', 'test', 'docs', 'examples', 'package.json', 'tsconfig.json'];
const LEFT_OUT = ['node_modules', 'runtime', 'instrumentation', 'workbench', 'bench'];

const wanted = (process.argv[2] ?? '').toLowerCase();
const chosen = mutants.filter(({ what, row }) => `${row} ${what}`.toLowerCase().includes(wanted));
const rows = readRows();
const folder = mkdtempSync(join(tmpdir(), 'otlp-wasm-mutants-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

/** A copy of the tree, with packages and what is built by links. */
function copyTree(name) {
  const tree = join(folder, name);
  mkdirSync(join(tree, 'node_modules'), { recursive: true });
  for (const part of COPIED) {
    cpSync(join(root, part), join(tree, part), {
      recursive: true,
      filter: (path) => !path.startsWith(join(root, 'test')) || !LEFT_OUT.includes(basename(path)),
    });
  }
  // One by one, so that caches of the test runner stay in the copy.
  for (const each of readdirSync(join(root, 'node_modules'))) {
    if (each.startsWith('.')) continue;
    symlinkSync(join(root, 'node_modules', each), join(tree, 'node_modules', each));
  }
  symlinkSync(join(root, 'dist'), join(tree, 'dist'));
  writeFileSync(
    join(tree, 'vitest.config.mjs'),
    "export default { test: { include: ['test/**/*.test.ts'] } };\n",
  );
  return tree;
}

/** Runs some tests `{ file, title }`: what failed, how many ran, and what was printed. */
async function run(tree, tests, options = []) {
  const report = join(tree, 'report.json');
  rmSync(report, { force: true });
  const files = [...new Set(tests.map(({ file }) => file))];
  const names = tests.map(({ title }) => {
    return title.replaceAll(' › ', ' ').replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  });
  const child = spawn(
    process.execPath,
    [
      join(root, 'node_modules/vitest/vitest.mjs'),
      'run',
      ...files,
      `--testNamePattern=^(?:${names.join('|')})$`,
      '--maxWorkers=1',
      '--reporter=json',
      `--outputFile=${report}`,
      ...options,
    ],
    { cwd: tree, stdio: ['ignore', 'pipe', 'pipe'], timeout: TIME_LIMIT_MS },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  }
  await new Promise((resolve) => child.on('close', resolve));
  try {
    const { testResults } = JSON.parse(readFileSync(report, 'utf8'));
    const results = testResults.flatMap(({ assertionResults }) => assertionResults);
    const messages = testResults.map(({ message }) => message).filter(Boolean);
    return {
      failed: results.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName),
      ran: results.filter(({ status }) => status === 'passed' || status === 'failed').length,
      output: [output, ...messages].join('\n'),
    };
  } catch {
    return { failed: [], ran: 0, output };
  }
}

const problems = [];
let killed = 0;
let survived = 0;
const usable = [];
for (const mutant of chosen) {
  const problem = mutantProblem(mutant, rows);
  if (problem !== undefined) problems.push(problem);
  else {
    const { what, row, file, from, to } = mutant;
    const { tests } = rows.find(({ section, name }) => `${section} / ${name}` === row);
    const source = readFileSync(join(root, file), 'utf8');
    usable.push({ what, row, file, tests, source, mutated: source.replace(from, () => to) });
  }
}

const lanes = Array.from({ length: Math.min(2, availableParallelism()) }, (_, i) =>
  copyTree(`${i}`),
);

// What fails unchanged proves nothing.
const all = usable.flatMap(({ tests }) => tests);
const unique = [...new Map(all.map((test) => [`${test.file} ${test.title}`, test])).values()];
const unchanged = await run(lanes[0], unique);
if (unchanged.failed.length > 0 || unchanged.ran !== unique.length) {
  for (const name of unchanged.failed) problems.push(`fails without any change: ${name}`);
  if (unchanged.ran !== unique.length) {
    problems.push(`of ${unique.length} tests ${unchanged.ran} ran:\n${unchanged.output}`);
  }
} else {
  const queue = [...usable];
  const work = async (tree) => {
    for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
      const { what, row, file, tests, source, mutated } = mutant;
      writeFileSync(join(tree, file), mutated);
      const { failed, ran, output } = await run(tree, tests, ['--bail=1']);
      writeFileSync(join(tree, file), source);
      if (failed.length > 0) {
        killed++;
        console.log(`killed    ${what} (${row})`);
      } else if (ran === tests.length) {
        survived++;
        console.log(`SURVIVED  ${what} (${row}): its tests pass`);
      } else {
        problems.push(`${what}: its tests could not be run:\n${output.slice(-2000)}`);
      }
    }
  };
  await Promise.all(lanes.map(work));
}

for (const problem of problems) console.error(problem);
console.log(`${killed} killed, ${survived} survived`);
process.exitCode = problems.length > 0 || survived > 0 || killed === 0 ? 1 : 0;
