// The committed record: bench/record.jsonl. Its first line describes the machine and the
// time, every other line is one subject's figure in one case (as `--json` prints it).

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';

function machine() {
  return {
    node: process.versions.node,
    v8: process.versions.v8,
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    date: new Date().toISOString().slice(0, 10),
  };
}

/** `{ machine, lines }` of a record's text, or undefined where there is none. */
export function readRecord(file) {
  if (!existsSync(file)) return undefined;
  const [first, ...lines] = readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  if (!first?.machine) throw new Error(`${file}: its first line does not describe the machine`);
  return { machine: first.machine, lines };
}

/**
 * Writes the record. A run of some cases replaces those cases only; it must come from the
 * same machine as the rest, or the tables would compare what cannot be compared.
 */
export function writeRecord(file, text, whole) {
  const fresh = text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  const now = machine();
  const before = whole ? undefined : readRecord(file);
  const sameMachine =
    before && ['node', 'platform', 'cpu', 'cores'].every((key) => before.machine[key] === now[key]);
  if (before && !sameMachine) {
    throw new Error(`${file} was made on another machine or Node.js: record all cases at once`);
  }
  const cases = new Set(fresh.map((line) => line.case));
  const kept = before?.lines.filter((line) => !cases.has(line.case)) ?? [];
  const lines = [...kept, ...fresh].sort((a, b) => compare(a.case, b.case));
  const all = [{ machine: now }, ...lines];
  writeFileSync(file, all.map((line) => `${JSON.stringify(line)}\n`).join(''));
}

/** By path, numbers by value: traces-64 before traces-512. */
function compare(a, b) {
  return a.localeCompare(b, 'en', { numeric: true });
}
