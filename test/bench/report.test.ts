import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readRecord, writeRecord } from '../../bench/record.mjs';
import { rewrite } from '../../bench/report.mjs';

const figures = { min: 90, max: 110, factors: {} };
const lines = [
  {
    ...figures,
    case: 'codec/trace/512',
    subject: 'otlp-wasm/simd',
    unit: 'ns/op',
    median: 100,
    factors: { 'opentelemetry-js': 50 },
  },
  {
    ...figures,
    case: 'codec/trace/512',
    subject: 'opentelemetry-js',
    unit: 'ns/op',
    median: 5000,
  },
  {
    ...figures,
    case: 'compress/gzip-fast/traces-64',
    subject: 'otlp-wasm/scalar',
    unit: 'MB/s',
    median: 80,
    ratio: 4,
    factors: { 'zlib/1': 0.8 },
  },
  {
    ...figures,
    case: 'compress/gzip-fast/traces-64',
    subject: 'zlib/1',
    unit: 'MB/s',
    median: 100,
    ratio: 5,
  },
];
const machine = { node: '20.0.0', platform: 'linux x64', cpu: 'CPU', cores: 2, memoryGiB: 4 };
const record = { machine: { ...machine, date: '2026-01-02' }, lines };

function page(name: string, old = ''): string {
  return `before\n<!-- bench:begin ${name} -->\n${old}<!-- bench:end ${name} -->\nafter\n`;
}

describe('bench report', () => {
  it.each([
    'machine',
    'summary',
    'losses',
    'codecs',
    'codec',
    'codec/trace/512',
    'compress/gzip-fast',
  ])('writes %s, the same again on its own output', (name) => {
    const once = rewrite(page(name), record);
    expect(once).not.toBe(page(name));
    expect(once).toMatch(/^before\n/);
    expect(once).toMatch(/\nafter\n$/);
    expect(rewrite(once, record)).toBe(once);
    expect(rewrite(page(name, 'stale\n'), record)).toBe(once);
  });

  it('shows figures and factors', () => {
    const rows = rewrite(page('codec/trace'), record).replace(/ {2,}/g, ' ');
    expect(rows).toContain('| otlp-wasm/simd | 100 (90–110) | 50.0× |');
    expect(rows).toContain('| opentelemetry-js | 5,000 (90–110) | |');
  });

  it('lists what is slower and what compresses less among the losses, and nothing else', () => {
    const rows = rewrite(page('losses'), record)
      .replace(/ {2,}/g, ' ')
      .split('\n')
      .filter((line: string) => line.startsWith('| `'));
    expect(rows).toEqual([
      '| `compress/gzip-fast/traces-64` | otlp-wasm/scalar | MB/s | 80 | 100 | zlib/1 |',
      '| `compress/gzip-fast/traces-64` | otlp-wasm/scalar | ratio | 4.00 | 5.00 | zlib/1 |',
    ]);
  });

  describe('of compressors', () => {
    const rival = 'zstd-wasm/1';
    const of = (corpus: string, factor: number, ratio: number) => {
      const shared = { ...figures, case: `compress/zstd-fast/${corpus}`, unit: 'MB/s' };
      const ours = { ...shared, ratio, factors: { [rival]: factor } };
      return [
        { ...ours, subject: 'otlp-wasm/simd', median: 100 * factor },
        { ...ours, subject: 'otlp-wasm/scalar', median: 50, factors: { [rival]: 0.5 } },
        { ...shared, subject: rival, median: 100, ratio: 4 },
      ];
    };
    const compressed = {
      machine: record.machine,
      lines: [...of('logs-64', 1.5, 3.99), ...of('logs-512', 0.75, 4.1), ...lines],
    };
    const rowsOf = (name: string) =>
      rewrite(page(name), compressed)
        .replace(/ {2,}/g, ' ')
        .split('\n')
        .filter((line: string) => line.startsWith('| ') && line.includes(rival));

    it('has a row for each corpus and rival, with losses in bold', () => {
      expect(rowsOf('codecs')).toEqual([
        `| logs-64 | ${rival} | 150 | 100 | 1.50× | **0.50×** | 3.99 | 4.00 | **0.998×** |`,
        `| logs-512 | ${rival} | 75 | 100 | **0.75×** | **0.50×** | 4.10 | 4.00 | 1.025× |`,
      ]);
    });

    it('names the worst of the corpora in which a codec loses', () => {
      expect(rowsOf('losses')).toEqual([
        `| \`compress/zstd-fast/logs-64\` | otlp-wasm/simd | ratio | 3.99 | 4.00 | ${rival} |`,
        `| \`compress/zstd-fast/logs-64\` and 1 more | otlp-wasm/scalar | MB/s | 50 | 100 | ${rival} |`,
        `| \`compress/zstd-fast/logs-64\` | otlp-wasm/scalar | ratio | 3.99 | 4.00 | ${rival} |`,
        `| \`compress/zstd-fast/logs-512\` | otlp-wasm/simd | MB/s | 75 | 100 | ${rival} |`,
      ]);
    });

    it('has few of them at a glance', () => {
      expect(rowsOf('summary')).toEqual([]);
      const [first, ...others] = of('traces-512', 1.5, 4.1);
      const glance = rewrite(page('summary'), {
        machine: record.machine,
        lines: [first, ...others].map((line) => ({
          ...line,
          case: 'compress/gzip-fast/traces-512',
          ...(line.subject === rival
            ? { subject: 'zlib/1' }
            : { factors: { 'zlib/1': 1.5, 'fflate/1': 9 } }),
        })),
      });
      expect(glance).toContain('(zlib/1)');
      expect(glance).not.toContain('fflate');
    });
  });

  it('has a row for what only the rival lost', () => {
    const delivered = { ...figures, case: 'path/deliver', unit: 'spans/s', median: 300 };
    const dropped = { ...figures, case: 'path/deliver', unit: 'spans dropped' };
    const theirs = { subject: 'opentelemetry-js' };
    const ours = { subject: 'otlp-wasm/simd' };
    const summaryOf = (oursDropped: number, theirsDropped: number) =>
      rewrite(page('summary'), {
        machine: record.machine,
        lines: [
          { ...delivered, ...ours, factors: { 'opentelemetry-js': 3 } },
          { ...delivered, ...theirs, median: 100 },
          { ...dropped, ...ours, median: oursDropped },
          { ...dropped, ...theirs, median: theirsDropped },
        ],
      }).replace(/ {2,}/g, ' ');
    expect(summaryOf(0, 70)).toContain(
      '| `path/deliver` | spans dropped | 0 | 70 (opentelemetry-js) | ∞ |',
    );
    expect(summaryOf(0, 0)).not.toContain('spans dropped');
  });

  it('says of cases that need not have run that they have not', () => {
    expect(rewrite(page('path/outage?'), record)).toContain('\nNot in this record.\n');
    expect(rewrite(page('codec/trace?'), record)).toContain('| otlp-wasm/simd');
  });

  it('refuses a name the record knows nothing of and a block that is not closed', () => {
    expect(() => rewrite(page('codec/log'), record)).toThrow('no case of the record is named');
    expect(() => rewrite('<!-- bench:begin summary -->\n', record)).toThrow(
      '1 blocks begin, 0 end',
    );
  });
});

describe('bench record', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'bench-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const text = (all: readonly object[]) => all.map((line) => `${JSON.stringify(line)}\n`).join('');

  it('replaces the cases that ran and keeps the others', () => {
    const file = join(folder, 'record.jsonl');
    writeRecord(file, text(lines), true);
    const faster = lines.slice(0, 2).map((line) => ({ ...line, median: 1 }));
    writeRecord(file, text(faster), false);
    const written = readRecord(file);
    expect(written?.machine.node).toBe(process.versions.node);
    expect(written?.lines).toEqual([...faster, ...lines.slice(2)]);
  });

  it('does not mix machines', () => {
    const file = join(folder, 'record.jsonl');
    writeRecord(file, text(lines), true);
    const [first, ...rest] = readFileSync(file, 'utf8').split('\n');
    const other = JSON.parse(first);
    other.machine.cores = 999;
    writeFileSync(file, [JSON.stringify(other), ...rest].join('\n'));
    expect(() => writeRecord(file, text(lines), false)).toThrow('another machine');
  });
});
