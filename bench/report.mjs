// npm run bench:report: rewrites the tables between `<!-- bench:begin NAME -->` and
// `<!-- bench:end NAME -->` in README.md and docs/benchmarks.md from bench/record.jsonl.
//
//   NAME machine   what the record was made on
//        summary   one row per case: our best engine against each rival
//        losses    every figure in which a subject of ours is worse than a rival
//        codecs    compressors: one table per codec and level, speed and size against each rival
//        a path    all subjects of that case, or of all cases below it
//        a path?   the same; says so where the record has none (of cases that are not always run)

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readRecord } from './record.mjs';

const OURS = 'otlp-wasm/simd';
const IS_OURS = /^otlp-wasm\//;

/** `compress/zstd-fast/logs-64`: the codec and the corpus. Codecs have tables of their own. */
const CODEC_CASE = /^(compress\/[^/]+)\/([^/]+)$/;

/** What stands for compressors and hashes at a glance: the case and its rival. */
const AT_A_GLANCE = new Set([
  'compress/gzip-fast/traces-512 zlib/1',
  'compress/gzip-default/traces-512 zlib/6',
  'compress/zstd-default/traces-512 zstd-wasm/3',
  'hash/crc32 zlib',
]);

/** Units in which nothing is best, and has no factor. */
const UNITS_OF_LOSS = new Set(['spans dropped']);

/**
 * The text with its blocks rewritten. Throws where a block is not closed or where the record
 * has nothing for it.
 */
export function rewrite(text, record) {
  const blocks = /(<!-- bench:begin (\S+) -->\n)([\s\S]*?)(<!-- bench:end (\S+) -->)/g;
  const rewritten = text.replace(blocks, (_, begin, name, _old, end, endName) => {
    if (name !== endName) throw new Error(`bench:begin ${name} is closed by bench:end ${endName}`);
    return `${begin}\n${block(name, record)}\n\n${end}`;
  });
  const begins = text.match(/<!-- bench:begin /g)?.length ?? 0;
  const found = text.match(blocks)?.length ?? 0;
  if (begins !== found) throw new Error(`${begins} blocks begin, ${found} end`);
  return rewritten;
}

function block(name, { machine, lines }) {
  if (name === 'machine') return machineLine(machine);
  if (name === 'summary') return summary(lines);
  if (name === 'losses') return losses(lines);
  if (name === 'codecs') return codecs(lines);
  const path = name.replace(/\?$/, '');
  const names = unique(lines.map((line) => line.case)).filter(
    (one) => one === path || one.startsWith(`${path}/`),
  );
  if (names.length === 0) {
    if (path !== name) return 'Not in this record.';
    throw new Error(`no case of the record is named ${name} or below it`);
  }
  return names
    .map((one) => `\`${one}\`\n\n${caseTable(lines.filter((line) => line.case === one))}`)
    .join('\n\n');
}

function machineLine({ node, platform, cpu, cores, memoryGiB, date }) {
  return `Node.js ${node}, ${platform}, ${cpu}, ${cores} cores, ${memoryGiB} GiB, ${date}.`;
}

function summary(lines) {
  const rows = lines.flatMap((line) =>
    line.subject !== OURS
      ? []
      : factorsOf(lines, line).flatMap(([rival, factor]) => {
          const isOfMany = /^(compress|hash)\//.test(line.case);
          if (isOfMany && !AT_A_GLANCE.has(`${line.case} ${rival}`)) return [];
          const other = find(lines, line, rival);
          return [
            [
              `\`${line.case}\``,
              line.unit,
              cell(line),
              `${cell(other)} (${rival})`,
              timesOrLoss(factor),
            ],
          ];
        }),
  );
  return markdown(['case', 'unit', OURS, 'rival', 'times better'], rows);
}

/** A line's factors, and infinity against rivals of the case that are worse than its nothing. */
function factorsOf(lines, { case: name, unit, median, factors }) {
  const rivals = unique(
    lines.filter((one) => one.case === name).flatMap((one) => Object.keys(one.factors)),
  );
  return rivals.flatMap((rival) => {
    if (factors[rival] !== undefined) return [[rival, factors[rival]]];
    const other = find(lines, { case: name, unit }, rival);
    const none = UNITS_OF_LOSS.has(unit) && median === 0 && other?.median > 0;
    return none ? [[rival, Number.POSITIVE_INFINITY]] : [];
  });
}

function losses(lines) {
  const all = lines.flatMap((line) => (IS_OURS.test(line.subject) ? lossesOf(lines, line) : []));
  // Of the corpora in which a codec loses, the worst: there are many of both.
  const worst = new Map();
  for (const loss of all) {
    const codec = CODEC_CASE.exec(loss.case)?.[1];
    const key = [codec ?? loss.case, loss.subject, loss.unit, loss.rival].join();
    const { count = 0, ...shown } = worst.get(key) ?? loss;
    worst.set(key, { ...(loss.factor < shown.factor ? loss : shown), count: count + 1 });
  }
  const rows = [...worst.values()].map(
    ({ case: name, subject, unit, ours, theirs, rival, count }) => [
      count > 1 ? `\`${name}\` and ${count - 1} more` : `\`${name}\``,
      subject,
      unit,
      ours,
      theirs,
      rival,
    ],
  );
  if (rows.length === 0) return 'None in this record.';
  return markdown(['case', 'subject', 'unit', 'ours', 'theirs', 'rival'], rows);
}

function lossesOf(lines, line) {
  return Object.entries(line.factors).flatMap(([rival, factor]) => {
    // What another way of ours is held against is no rival.
    if (IS_OURS.test(rival)) return [];
    const other = find(lines, line, rival);
    const shared = { case: line.case, subject: line.subject, rival };
    const found = [];
    if (factor < 1) {
      const [ours, theirs] = [number(line.median), number(other.median)];
      found.push({ ...shared, unit: line.unit, factor, ours, theirs });
    }
    if (line.ratio < other.ratio) {
      const [ours, theirs] = [line.ratio.toFixed(2), other.ratio.toFixed(2)];
      found.push({ ...shared, unit: 'ratio', factor: line.ratio / other.ratio, ours, theirs });
    }
    return found;
  });
}

/** A table per codec and level: a row per corpus and rival. */
function codecs(lines) {
  const ofCodecs = lines.filter((line) => CODEC_CASE.test(line.case));
  const names = unique(ofCodecs.map((line) => CODEC_CASE.exec(line.case)[1]));
  if (names.length === 0) throw new Error('the record has no case of a compressor');
  return names
    .map((name) => {
      const own = ofCodecs.filter((line) => CODEC_CASE.exec(line.case)[1] === name);
      return `\`${name}\`\n\n${codecTable(own)}`;
    })
    .join('\n\n');
}

function codecTable(lines) {
  const engines = unique(lines.map((line) => line.subject)).filter((name) => IS_OURS.test(name));
  const first = engines.includes(OURS) ? OURS : engines[0];
  const rows = lines
    .filter((line) => line.subject === first)
    .flatMap((line) => Object.keys(line.factors).map((rival) => [line, find(lines, line, rival)]))
    .map(([line, other]) => [
      CODEC_CASE.exec(line.case)[2],
      other.subject,
      number(line.median),
      number(other.median),
      ...engines.map((engine) => {
        const factor = find(lines, line, engine)?.factors[other.subject];
        return factor === undefined ? '' : timesOrLoss(factor);
      }),
      line.ratio.toFixed(2),
      other.ratio.toFixed(2),
      shareOrLoss(line.ratio / other.ratio),
    ]);
  const speeds = engines.map((engine) => `${engine.replace(IS_OURS, '')} faster`);
  return markdown(
    ['corpus', 'rival', `MB/s, ${first}`, 'rival', ...speeds, 'ratio', 'rival', 'smaller'],
    rows,
  );
}

function caseTable(lines) {
  const units = unique(lines.map((line) => line.unit));
  const rivals = unique(lines.flatMap((line) => Object.keys(line.factors)));
  const ratios = lines.some((line) => line.ratio !== undefined);
  const head = ['subject'];
  for (const unit of units) head.push(unit, ...rivals.map((rival) => `vs ${rival}`));
  if (ratios) head.push('ratio');
  const rows = unique(lines.map((line) => line.subject)).map((subject) => {
    const row = [subject];
    for (const unit of units) {
      const line = lines.find((one) => one.subject === subject && one.unit === unit);
      row.push(line ? `${number(line.median)} (${number(line.min)}–${number(line.max)})` : '');
      for (const rival of rivals) {
        const factor = line?.factors[rival];
        row.push(factor === undefined ? '' : times(factor));
      }
    }
    if (ratios) {
      row.push(lines.find((one) => one.subject === subject)?.ratio?.toFixed(2) ?? '');
    }
    return row;
  });
  // A unit in which nothing is compared (nothing dropped by anyone) has empty columns.
  const kept = head.map((_, column) => column === 0 || rows.some((row) => row[column] !== ''));
  const only = (row) => row.filter((_, column) => kept[column]);
  return markdown(only(head), rows.map(only));
}

function find(lines, { case: name, unit }, subject) {
  return lines.find((one) => one.case === name && one.unit === unit && one.subject === subject);
}

function cell({ median, ratio }) {
  return ratio === undefined ? number(median) : `${number(median)}, ratio ${ratio.toFixed(2)}`;
}

function times(factor) {
  if (factor === Number.POSITIVE_INFINITY) return '∞';
  return `${factor < 10 ? factor.toFixed(2) : factor.toFixed(1)}×`;
}

function timesOrLoss(factor) {
  return factor < 1 ? `**${times(factor)}**` : times(factor);
}

/** Of sizes, in which hundredths count: three digits, and a loss only where they show one. */
function shareOrLoss(share) {
  const text = `${share.toFixed(3)}×`;
  return share < 0.9995 ? `**${text}**` : text;
}

function number(value) {
  const digits = value !== 0 && Math.abs(value) < 100 ? 2 : 0;
  return value.toLocaleString('en', { maximumFractionDigits: digits });
}

/** A table as the formatter (biome) leaves it, so that a rewritten page passes the lint. */
function markdown(head, rows) {
  const widths = head.map((_, column) =>
    Math.max(3, ...[head, ...rows].map((row) => row[column].length)),
  );
  const line = (cells) => `| ${cells.join(' | ')} |`;
  const padded = (cells) =>
    line(
      cells.map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]),
      ),
    );
  const rule = widths.map((width, column) =>
    column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [padded(head), line(rule), ...rows.map(padded)].join('\n');
}

function unique(values) {
  return [...new Set(values)];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const record = readRecord(join(root, 'bench/record.jsonl'));
  if (!record) {
    process.stderr.write('bench/record.jsonl is not there: npm run bench:record writes it\n');
    process.exit(1);
  }
  for (const name of ['README.md', 'docs/benchmarks.md']) {
    const file = join(root, name);
    if (!existsSync(file)) continue;
    const before = readFileSync(file, 'utf8');
    let after;
    try {
      after = rewrite(before, record);
    } catch (error) {
      process.stderr.write(`${name}: ${error.message}\n`);
      process.exitCode = 1;
      continue;
    }
    if (after !== before) writeFileSync(file, after);
    process.stdout.write(`${name}: ${after === before ? 'up to date' : 'rewritten'}\n`);
  }
}
