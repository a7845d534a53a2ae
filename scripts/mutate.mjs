// Switches features off one by one (mutants.mjs) and runs the tests that docs/compliance.md names
// for them, and makes mistakes in kernels (kernel-mutants.mjs) and runs their tests: each has to
// fail. Works on copies; the checkout is left alone.
//
//     npm run test:mutants -- [part of a row or file, or of what is switched off]

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
import { pathToFileURL } from 'node:url';
import { mutantProblem, occursOnce, readRows, root } from './compliance.mjs';
import { kernelMutants } from './kernel-mutants.mjs';
import { mutants } from './mutants.mjs';

const TIME_LIMIT_MS = 120_000;
const BUILD_LIMIT_MS = 240_000;
const COPIED = [
  'assembly',
  'bench/workload.ts',
  'src',
  'test',
  'docs',
  'examples',
  'package.json',
  'tsconfig.json',
];
const LEFT_OUT = ['node_modules', 'runtime', 'instrumentation', 'workbench', 'bench'];
const GENERATED = 'src/engine/generated';

const wanted = (process.argv[2] ?? '').toLowerCase();
const chosen = [...mutants, ...kernelMutants].filter(({ what, row, file }) =>
  `${row ?? file} ${what}`.toLowerCase().includes(wanted),
);
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
  // What an optimizer makes of a mistake is a mistake; without one a build takes a tenth.
  const config = JSON.parse(readFileSync(join(root, 'asconfig.json'), 'utf8'));
  Object.assign(config.options, { optimizeLevel: 1, converge: false });
  writeFileSync(join(tree, 'asconfig.json'), JSON.stringify(config));
  writeFileSync(
    join(tree, 'vitest.config.mjs'),
    "export default { test: { include: ['test/**/*.test.ts'] } };\n",
  );
  return tree;
}

/** Builds a binary of a copy from the copy's own kernels. */
async function buildKernels(tree, binary) {
  const script = pathToFileURL(join(root, 'scripts/build-engine.mjs')).href;
  const child = spawn(
    process.execPath,
    [
      '--input-type=module',
      '--eval',
      `import { buildBinary } from '${script}'; await buildBinary(process.argv[1], process.argv[2]);`,
      tree,
      binary,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'], timeout: BUILD_LIMIT_MS },
  );
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  if (code !== 0) throw new Error(`${binary} could not be built: ${code}\n${said.slice(0, 2000)}`);
}

/**
 * Runs some tests `{ file, title }`, all of the file where there is no title: what failed, how many
 * ran, and what was printed.
 */
async function run(tree, tests, options = []) {
  const report = join(tree, 'report.json');
  rmSync(report, { force: true });
  const files = [...new Set(tests.map(({ file }) => file))];
  const titles = tests.flatMap(({ title }) => title ?? []);
  const names = titles.map((title) => {
    return title.replaceAll(' › ', ' ').replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  });
  const named = names.length > 0 ? [`--testNamePattern=^(?:${names.join('|')})$`] : [];
  const child = spawn(
    process.execPath,
    [
      join(root, 'node_modules/vitest/vitest.mjs'),
      'run',
      ...files,
      ...named,
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
  const { what, row, file, from, to, binary } = mutant;
  const problem = binary === undefined ? mutantProblem(mutant, rows) : occursOnce(mutant);
  if (problem !== undefined) problems.push(problem);
  else {
    const named = rows.find(({ section, name }) => `${section} / ${name}` === row);
    const tests = named?.tests ?? mutant.tests.map((name) => ({ file: name }));
    const source = readFileSync(join(root, file), 'utf8');
    const mutated = source.replace(from, () => to);
    usable.push({ what, row: row ?? file, file, binary, tests, source, mutated });
  }
}

const lanes = Array.from({ length: Math.min(2, availableParallelism()) }, (_, i) =>
  copyTree(`${i}`),
);

/** What fails unchanged proves nothing. Tests with titles, and then those of whole files. */
async function unchangedProblems(tests) {
  if (tests.length === 0) return [];
  const unique = [...new Map(tests.map((test) => [`${test.file} ${test.title}`, test])).values()];
  const { failed, ran, output } = await run(lanes[0], unique);
  const wrong = failed.map((name) => `fails without any change: ${name}`);
  const expected = unique[0].title === undefined ? Math.max(ran, 1) : unique.length;
  if (ran !== expected) wrong.push(`of ${expected} tests ${ran} ran:\n${output}`);
  return wrong;
}
const all = usable.flatMap(({ tests }) => tests);
problems.push(
  ...(await unchangedProblems(all.filter(({ title }) => title !== undefined))),
  ...(await unchangedProblems(all.filter(({ title }) => title === undefined))),
);

/** A mutant in a copy, which is left as it was: what came of it. */
async function outcomeOf(tree, { file, binary, tests, source, mutated }) {
  writeFileSync(join(tree, file), mutated);
  try {
    if (binary !== undefined) await buildKernels(tree, binary);
    const { failed, ran, output } = await run(tree, tests, ['--bail=1']);
    if (failed.length > 0) return { verdict: 'killed' };
    const survived = binary === undefined ? ran === tests.length : ran > 0;
    return { verdict: survived ? 'survived' : 'not run', output };
  } catch (error) {
    return { verdict: 'not run', output: error.message };
  } finally {
    writeFileSync(join(tree, file), source);
    if (binary !== undefined) {
      for (const each of readdirSync(join(root, GENERATED))) {
        if (!each.startsWith(`${binary}-`)) continue;
        cpSync(join(root, GENERATED, each), join(tree, GENERATED, each));
      }
    }
  }
}

if (problems.length === 0) {
  const queue = [...usable];
  const work = async (tree) => {
    for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
      const { what, row } = mutant;
      const { verdict, output } = await outcomeOf(tree, mutant);
      if (verdict === 'killed') {
        killed++;
        console.log(`killed    ${what} (${row})`);
      } else if (verdict === 'survived') {
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
