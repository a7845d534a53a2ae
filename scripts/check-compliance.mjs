// Whether docs/compliance.md keeps its word: each row that is said to be done names tests, each
// of which exists; each that is not says why, or what it comes with. And whether the mutants of
// mutants.mjs still fit the source.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { collectTitles, mutantProblem, readRows, root } from './compliance.mjs';
import { mutants } from './mutants.mjs';

const STATUSES = ['yes', 'partly', 'planned', 'not planned'];
/** Sections whose rows must not get lost, and how many the specification has. */
const ROWS = {
  TracerProvider: 8,
  'Trace / Context interaction': 2,
  Tracer: 5,
  SpanContext: 4,
  Span: 17,
  'Span attributes': 8,
  'Span linking': 3,
  'Span events': 3,
  'Span exceptions': 2,
  Sampling: 12,
  Baggage: 2,
  Logs: 17,
  Metrics: 88,
  Resource: 6,
  'Context Propagation': 19,
  'Environment Variables': 30,
  Exporters: 20,
  Prometheus: 22,
};

const problems = [];
const rows = readRows();
for (const [section, count] of Object.entries(ROWS)) {
  const found = rows.filter((row) => row.section === section);
  if (found.length !== count) {
    problems.push(`section ${section} has ${found.length} rows, not ${count}`);
  }
  const names = found.map(({ name }) => name);
  for (const name of new Set(names.filter((each, i) => names.indexOf(each) !== i))) {
    problems.push(`section ${section} has the row ${name} twice`);
  }
}
for (const { name, status, tests, remarks, at, cells } of rows) {
  const problem = (text) => problems.push(`${at}: ${name}: ${text}`);
  if (cells !== 3) problem(`has ${cells} cells, not 3`);
  if (!STATUSES.includes(status)) problem(`'${status}' is none of ${STATUSES.join(', ')}`);
  const done = status === 'yes' || status === 'partly';
  if (done && tests.length === 0) problem('names no test');
  if (!done && tests.length > 0) problem('is not done, but names a test');
  if (status === 'partly' && remarks.length === 0) problem('does not say what is missing');
  if (status === 'not planned' && remarks.length === 0) problem('does not say why');
}

const named = rows.flatMap(({ at, name, tests }) => tests.map((test) => ({ at, name, ...test })));
const files = [...new Set(named.map(({ file }) => file))];
for (const file of files) {
  if (!existsSync(join(root, file))) problems.push(`there is no ${file}`);
}
let titles = new Map();
try {
  titles = collectTitles(files.filter((file) => existsSync(join(root, file))));
} catch {
  problems.push('the tests could not be collected: see above');
}
for (const { at, name, file, title } of named) {
  const known = titles.get(file);
  if (known !== undefined && !known.has(title)) {
    problems.push(`${at}: ${name}: no test '${title}' in ${file}`);
  }
}

problems.push(...mutants.flatMap((mutant) => mutantProblem(mutant, rows) ?? []));

for (const problem of problems) console.error(problem);
const counts = STATUSES.map((each) => {
  return `${rows.filter(({ status }) => status === each).length} ${each}`;
});
console.log(`${rows.length} rows: ${counts.join(', ')}; ${named.length} tests named`);
if (problems.length > 0) process.exit(1);
console.log('compliance: ok');
