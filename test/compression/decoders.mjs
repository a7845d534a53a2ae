// Who reads back what the compressors wrote, besides zlib, fzstd, snappyjs and lz4js, which every
// test uses (test/support/compressors.ts): packages of this folder, command lines from Debian, and
// a program in Go with the decoders of the OpenTelemetry Collector.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { adler32 as adler32Of, crc32 as crc32Of, xxhash32, xxhash64 } from 'hash-wasm';
import lz4Napi from 'lz4-napi';
import * as pako from 'pako';
import snappy from 'snappy';

const BUILD_MS = 240_000;

/** By format: functions from what was compressed. */
export const PACKAGES = {
  deflate: [['pako', (bytes) => pako.inflateRaw(bytes)]],
  zlib: [['pako', (bytes) => pako.inflate(bytes)]],
  gzip: [['pako', (bytes) => pako.ungzip(bytes)]],
  zstd: [],
  lz4: [['lz4_flex', (bytes) => lz4Napi.decompressFrameSync(Buffer.from(bytes))]],
  snappy: [['snap', (bytes) => snappy.uncompressSync(Buffer.from(bytes))]],
  'snappy-framed': [],
};

/** By format: command lines that read frames one behind the other. */
export const COMMANDS = {
  gzip: [
    { program: 'libdeflate-gunzip', options: ['-c'], package: 'libdeflate-tools' },
    { program: 'gzip', options: ['-dc'], package: 'gzip' },
  ],
  zstd: [{ program: 'zstd', options: ['-dcq'], package: 'zstd' }],
  lz4: [{ program: 'lz4', options: ['-dcq'], package: 'lz4' }],
};

/** crc32c is crc32 with another polynomial, reversed. */
const CASTAGNOLI = 0x82f63b78;

export const HASH_PACKAGE = {
  adler32: (input) => adler32Of(input),
  crc32: (input) => crc32Of(input),
  crc32c: (input) => crc32Of(input, CASTAGNOLI),
  xxh32: (input, seed) => xxhash32(input, seed),
  xxh64: (input, seed) => xxhash64(input, seed, 0),
};

const isRoot = process.getuid?.() === 0;

/** Installs the command lines that are missing where that can be done; returns those still missing. */
export function missingPrograms() {
  const all = Object.values(COMMANDS).flat();
  const missing = () => all.filter(({ program }) => spawnSync(program, ['-h']).error !== undefined);
  const packages = missing().map(({ package: name }) => name);
  if (packages.length > 0 && isRoot && spawnSync('apt-get', ['--version']).status === 0) {
    console.log(`installing ${packages.join(', ')}`);
    apt(['update']);
    apt(['install', '-y', '--no-install-recommends', ...packages]);
  }
  return missing();
}

function apt(args) {
  const { status, stderr, error } = spawnSync('apt-get', ['-qq', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
  if (status !== 0) console.log(`apt-get ${args[0]} failed: ${error ?? stderr}`.trim());
}

/** What is wrong with what a command line makes of the outputs, or undefined. */
export function commandComplaint({ program, options }, outputs, inputs) {
  const expected = Buffer.concat(inputs);
  const { status, stdout, stderr, error } = spawnSync(program, options, {
    input: Buffer.concat(outputs),
    maxBuffer: expected.length + (1 << 20),
  });
  if (status !== 0) return `${program}: status ${status}: ${error ?? stderr}`.trim();
  return stdout.equals(expected) ? undefined : `${program} decodes to other bytes`;
}

/** Frames go in one behind the other, but how they end is known of each: one by one where it fails. */
export function commandComplaints(command, outputs, inputs) {
  const complaint = commandComplaint(command, outputs, inputs);
  if (complaint === undefined) return [];
  for (const [i, output] of outputs.entries()) {
    const own = commandComplaint(command, [output], [inputs[i]]);
    if (own !== undefined) return [`input ${i} of ${inputs[i].length} bytes: ${own}`];
  }
  return [complaint];
}

/**
 * Builds the program in Go, in the background.
 *
 * @returns it, or why it cannot be had.
 */
export async function buildGo(here, folder) {
  const program = join(folder, 'decode');
  const child = spawn('go', ['build', '-o', program, '.'], {
    cwd: join(here, 'go'),
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: BUILD_MS,
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  try {
    const [status] = await once(child, 'close');
    return status === 0 ? { program } : { reason: `go build: ${status}\n${said}`.trim() };
  } catch (error) {
    return { reason: `no Go here: ${error.message}` };
  }
}

/** The program in Go at work: it is given records, and answers when it has had all. */
export class GoDecoders {
  #child;
  #said = '';
  #names = [];
  #closed;

  constructor(program) {
    this.#child = spawn(program, [], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.stdout.setEncoding('utf8').on('data', (text) => {
      this.#said += text;
    });
    this.#child.stdin.on('error', () => {});
    this.#closed = once(this.#child, 'close');
  }

  /** `format` is a name that go/main.go knows, `about` what is said when it is wrong. */
  async check(format, about, output, input) {
    this.#names.push({ format, about });
    const length = (bytes) => {
      const word = Buffer.alloc(4);
      word.writeUInt32LE(bytes.length);
      return word;
    };
    const name = Buffer.from(format);
    const head = Buffer.concat([
      Buffer.of(name.length),
      name,
      length(output),
      output,
      length(input),
    ]);
    this.#child.stdin.write(head);
    // Copied: the input may stand in memory that is used again.
    if (this.#child.stdin.write(Buffer.from(input))) return;
    await Promise.race([once(this.#child.stdin, 'drain'), this.#closed]);
  }

  /** By format, how many records there were and what was wrong with them. */
  async end() {
    this.#child.stdin.end();
    await this.#closed;
    const results = new Map();
    for (const { format } of this.#names) {
      const result = results.get(format) ?? { records: 0, wrong: [] };
      result.records++;
      results.set(format, result);
    }
    const lines = this.#said.trim().split('\n');
    const records = lines.pop();
    for (const line of lines) {
      const [index, ...what] = line.split(' ');
      const { format, about } = this.#names[Number(index)];
      results.get(format).wrong.push(`${about}: ${what.join(' ')}`);
    }
    if (records !== String(this.#names.length)) {
      results.set('all', {
        records: this.#names.length,
        wrong: [`the program stopped after ${records} records of ${this.#names.length}`],
      });
    }
    return results;
  }
}
