import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { decompress } from 'fzstd';
import { afterAll, describe, expect, it } from 'vitest';
import { ROOT, runNode } from './support/bundle.ts';

const EXAMPLES = join(ROOT, 'examples/compress');
const COMPRESS = join(EXAMPLES, 'compress.mjs');

describe('examples/compress/compress.mjs', () => {
  it('shows each encoding and level', async () => {
    const { code, stdout, stderr } = await runNode([COMPRESS, join(ROOT, 'LICENSE')]);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const [title, , head, ...rows] = stdout.trimEnd().split('\n');
    expect(title).toMatch(/^LICENSE: 1,\d{3} bytes$/);
    expect(head).toMatch(/^encoding +level +bytes +ratio +MB\/s +size$/);
    expect(
      rows.map((row) =>
        row
          .split(/\s{2,}|\s(?=[a-z])/)
          .slice(0, 2)
          .join(' ')
          .trim(),
      ),
    ).toEqual([
      ...['gzip', 'zstd', 'br'].flatMap((encoding) =>
        ['fast', 'default', 'best'].map((level) => `${encoding} ${level}`),
      ),
      ...['lz4', 'snappy', 'x-snappy-framed'].map((name) => expect.stringContaining(name)),
    ]);
    for (const row of rows) expect(row).toMatch(/ \d{3} +[12]\.\d\d +\d+\.\d +█+·+$/);
  });

  it.each([
    ['nothing-here.txt', /^nothing-here\.txt cannot be read: there is no such file\./],
    [EXAMPLES, /cannot be read: it is a directory\. Give the path of a file\.$/],
  ])('%s: says why not', async (path, message) => {
    const { code, stdout, stderr } = await runNode([COMPRESS, path]);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr.trim()).toMatch(message);
  });

  it.each([[[]], [['--help']], [['a', 'b']]])('with %j: says how it is used', async (args) => {
    const { code, stderr } = await runNode([COMPRESS, ...args]);
    expect(code).toBe(2);
    expect(stderr).toBe('usage: node examples/compress/compress.mjs FILE\n');
  });
});

interface Piped {
  readonly code: number | null;
  readonly out: Buffer;
  readonly err: string;
}

/** Runs a program that reads standard input. */
function pipe(args: readonly string[], input: Uint8Array, cwd = ROOT): Promise<Piped> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd });
    const out: Buffer[] = [];
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
    // It may end before it has read all.
    child.stdin.on('error', () => {});
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out: Buffer.concat(out), err }));
    child.stdin.end(input);
  });
}
const input = Buffer.from('a line of a log\n'.repeat(100_000));

describe('examples/compress/pipe.mjs', () => {
  const PIPE = join(EXAMPLES, 'pipe.mjs');

  it('compresses what it is given', async () => {
    const { code, out, err } = await pipe([PIPE, 'gzip', 'fast'], input);
    expect([code, err]).toEqual([0, '']);
    expect(gunzipSync(out).equals(input)).toBe(true);
  });

  it.each([
    [['lzma'], /^encoding is 'lzma'; give 'gzip'/],
    [['snappy'], /^'snappy' cannot be a stream/],
    [['zstd', '22'], /^option 'level' is '22'; give 'fast', 'default' or 'best'/],
  ])('%j: says why not', async (args, message) => {
    const { code, out, err } = await pipe([PIPE, ...args], input);
    expect([code, out.length]).toEqual([2, 0]);
    expect(err).toMatch(message);
    expect(err).toMatch(/usage: node examples\/compress\/pipe\.mjs ENCODING LEVEL\n$/);
  });
});

describe('docs/compress.md', () => {
  const project = mkdtempSync(join(tmpdir(), 'otlp-wasm-compress-'));
  afterAll(() => rmSync(project, { recursive: true, force: true }));
  mkdirSync(join(project, 'node_modules'));
  symlinkSync(ROOT, join(project, 'node_modules/otlp-wasm'), 'junction');
  for (const name of ['access.log', 'report.json']) writeFileSync(join(project, name), input);
  const guide = readFileSync(join(ROOT, 'docs/compress.md'), 'utf8');
  const blocks = new Map<string, string>();
  for (const [, name, block] of guide.matchAll(
    /<!-- test: file (\S+) -->\n\n```js\n(.*?)^```$/gms,
  )) {
    blocks.set(name!, block!);
    writeFileSync(join(project, name!), block!);
  }
  const written = (name: string) => readFileSync(join(project, name));

  it.each([
    ['pipe.mjs', (out: Buffer) => decompress(out)],
    ['by-hand.mjs', () => gunzipSync(written('access.log.gz'))],
    ['whole.mjs', () => decompress(written('report.json.zst'))],
  ])('%s', async (name, decoded) => {
    const { code, out, err } = await pipe([name], input, project);
    expect([code, err]).toEqual([0, '']);
    expect(Buffer.compare(decoded(out), input)).toBe(0);
  });

  it('shows no others', () => expect(blocks.size).toBe(3));
});
