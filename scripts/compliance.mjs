// docs/compliance.md, read: which test proves which row of the compliance matrix.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Between file, groups and title. */
const SEPARATOR = ' › ';

/** Rows of the document: section, name, status, tests `{ file, title }` and other text. */
export function readRows() {
  const lines = readFileSync(join(root, 'docs/compliance.md'), 'utf8').split('\n');
  const rows = [];
  let section = '';
  let inTable = false;
  for (const [i, line] of lines.entries()) {
    const heading = /^#+ (.*)/.exec(line);
    if (heading) section = heading[1];
    if (!line.startsWith('|')) inTable = false;
    else if (line.startsWith('| row | status |')) inTable = true;
    else if (inTable && !line.startsWith('| ---')) {
      const cells = line.split(/(?<!\\)\|/).slice(1, -1);
      const [name = '', status = '', proof = ''] = cells.map((cell) => cell.trim());
      const tests = [];
      const remarks = [];
      for (const part of proof.split('<br>').filter((text) => text !== '')) {
        const [file, ...path] = part.split(SEPARATOR);
        if (path.length > 0) tests.push({ file, title: path.join(SEPARATOR) });
        else remarks.push(part);
      }
      const at = `docs/compliance.md:${i + 1}`;
      rows.push({ section, name, status, tests, remarks, at, cells: cells.length });
    }
  }
  return rows;
}

/** Titles of the tests in some files, by file. Throws when a file cannot be loaded, having shown why. */
export function collectTitles(files) {
  const titles = new Map(files.map((file) => [file, new Set()]));
  const folder = mkdtempSync(join(tmpdir(), 'otlp-wasm-compliance-'));
  const list = join(folder, 'tests.json');
  try {
    const vitest = join(root, 'node_modules/vitest/vitest.mjs');
    execFileSync(process.execPath, [vitest, 'list', ...files, `--json=${list}`], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    for (const { file, name } of JSON.parse(readFileSync(list, 'utf8'))) {
      titles.get(relative(root, file))?.add(name.replaceAll(' > ', SEPARATOR));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return titles;
}

/** Why a mutant of mutants.mjs cannot be made or says nothing; undefined when it can. */
export function mutantProblem(mutant, rows) {
  const { what, row } = mutant;
  const named = rows.find(({ section, name }) => `${section} / ${name}` === row);
  const problem = occursOnce(mutant);
  if (problem !== undefined) return problem;
  if (!named?.tests.length) return `mutant '${what}': docs/compliance.md has no test of row ${row}`;
  return undefined;
}

/** A mutant's text stands in its file once; otherwise what is wrong with it. */
export function occursOnce({ what, file, from }) {
  const path = join(root, file);
  const count = existsSync(path) ? readFileSync(path, 'utf8').split(from).length - 1 : 0;
  if (count === 1) return undefined;
  return `mutant '${what}': its text occurs ${count} times in ${file}, not once`;
}
