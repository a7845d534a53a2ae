// Everything that compresses, read back by decoders that are not ours: each format and level on
// each engine, on telemetry, text, source code, JSON, executables, noise, nothing but zeros, all
// lengths from 0 to 300, every period that a limit is near, and 12 MiB of a mixture of it.
//
//   npm run test:compression
//   npm run test:compression -- --only zstd         formats and hashes whose name begins so
//   npm run test:compression -- --inputs lengths    groups of inputs whose name contains it
//
// What reads: zlib, pako, libdeflate, gzip; fzstd, zstd; lz4js, lz4_flex, lz4; snappyjs, snap; and
// the decoders of the OpenTelemetry Collector and of Go's standard library. Installs the packages
// of package-lock.json here and, as root on Debian, the command lines that are missing. What cannot
// be had is skipped and said to be.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { bundleForNode } from '../../scripts/bundle-for-node.mjs';

const INSTALL_MS = 240_000;
const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../..');

const { values } = parseArgs({
  options: { only: { type: 'string', default: '' }, inputs: { type: 'string', default: '' } },
});

const totals = { passed: 0, failed: 0, skipped: 0 };
const skippedBecause = [];

function note(verdict, name, detail = '') {
  totals[verdict]++;
  console.log(`  ${verdict.padEnd(7)} ${name}`);
  if (detail !== '') console.log(detail.replace(/^/gm, '          '));
}

function judge(name, wrong) {
  const shown = wrong.slice(0, 10);
  if (wrong.length > shown.length) shown.push(`and ${wrong.length - shown.length} more`);
  note(wrong.length === 0 ? 'passed' : 'failed', name, shown.join('\n'));
}

function skip(name, reason) {
  note('skipped', name, reason);
  skippedBecause.push(`NOT TESTED ${name}: ${reason}`);
}

/** The locked packages, unless they are there already. */
function install() {
  const lock = readFileSync(join(here, 'package-lock.json'));
  const digest = createHash('sha256').update(lock).digest('hex');
  const stamp = join(here, 'node_modules/.installed');
  try {
    if (readFileSync(stamp, 'utf8') === digest) return;
  } catch {
    // Not installed yet.
  }
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
  const { status, stderr, error } = spawnSync('npm', ['ci', ...flags], {
    cwd: here,
    encoding: 'utf8',
    timeout: INSTALL_MS,
  });
  if (status !== 0) throw new Error(`npm ci failed: ${error ?? stderr}`);
  writeFileSync(stamp, digest);
}

/** What of the checkout is used, bundled to where the package's own name leads to its build. */
async function loadSubjects() {
  const folder = join(root, 'build/compression', String(process.pid));
  await bundleForNode({
    entryPoints: [join(here, 'subjects.ts')],
    outdir: folder,
  });
  try {
    return await import(pathToFileURL(join(folder, 'subjects.mjs')).href);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const temporary = mkdtempSync(join(tmpdir(), 'otlp-wasm-compression-'));
process.on('exit', () => rmSync(temporary, { recursive: true, force: true, maxRetries: 3 }));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));

install();
const decoders = await import('./decoders.mjs');
const goBuilt = decoders.buildGo(here, temporary);
const subjects = await loadSubjects();
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const entry = await import(pathToFileURL(join(root, exports['./compress'].node)).href);
const { FORMATS, HASHES, compress, cut, randomFrom } = subjects;
const missing = decoders.missingPrograms();
for (const { program, package: name } of missing) {
  skip(program, `not installed (Debian package ${name})`);
}

const formats = FORMATS.filter(({ name }) => name.startsWith(values.only));
const hashes = Object.keys(HASHES).filter((name) => name.startsWith(values.only));
const chosen = subjects.groups(root).filter(({ name }) => name.includes(values.inputs));
const engines = subjects.engines();
const hashEngines = subjects.hashEngines();

/** The portable engine is slow: a share of what is small. */
const onPortable = (input, i) => (input.length < 300 ? i % 5 === 0 : input.length < 40_000);

/** What the entry compresses in one call. */
const WHOLE_BYTES = 8 << 20;

const sizeOf = (all) => all.reduce((sum, { length }) => sum + length, 0);
const counted = (count, what) => `${count} ${what}${count === 1 ? '' : 's'}`;
const same = (one, other) => Buffer.compare(one, other) === 0;
const kib = (bytes) => `${(bytes / 1024).toFixed(bytes < 10_240 ? 1 : 0)} KiB`;

function attempt(wrong, about, run) {
  try {
    return run();
  } catch (error) {
    wrong.push(`${about}: ${error.message}`);
    return undefined;
  }
}

/** What is wrong with outputs in the eyes of the packages and command lines. */
function decoderComplaints(format, outputs, inputs) {
  const wrong = [];
  const packages = [['ours to know', format.decode], ...decoders.PACKAGES[format.name]];
  for (const [name, decode] of packages) {
    for (const [i, output] of outputs.entries()) {
      const input = inputs[i];
      const about = `input ${i} of ${input.length} bytes, ${name}`;
      const decoded = attempt(wrong, about, () => decode(output, input));
      if (decoded !== undefined && !same(decoded, input)) {
        wrong.push(`${about}: decodes to ${decoded.length} other bytes`);
      }
    }
  }
  const commands = (decoders.COMMANDS[format.name] ?? []).filter((one) => !missing.includes(one));
  for (const command of commands) {
    wrong.push(...decoders.commandComplaints(command, outputs, inputs));
  }
  return wrong;
}

/** A format and level on all engines. */
function compressEverywhere(format, level, inputs) {
  const wrong = [];
  const outputs = inputs.map((input, i) => {
    let first;
    for (const binary of engines) {
      if (binary.engine === 'portable' && !onPortable(input, i)) continue;
      const about = `input ${i} of ${input.length} bytes, ${binary.engine}`;
      const output = attempt(wrong, about, () => compress(binary, format, level, input));
      first ??= output;
      if (output !== undefined && !same(first, output)) wrong.push(`${about}: other bytes`);
    }
    return first ?? new Uint8Array();
  });
  return { outputs, wrong };
}

/**
 * What the entry makes of inputs: whole, where it has to be what the kernel writes, as long as it
 * is one call of it, and as streams, two at a time.
 */
function throughEntry({ encoding }, level, inputs, kernelOutputs) {
  const wrong = [];
  const options = { level: [undefined, 'fast', 'default', 'best'][level] };
  const within = (input, output, about) => {
    const most = entry.worstCase(encoding, input.length);
    if (output.length > most) wrong.push(`${about}: ${output.length} bytes, at most ${most} said`);
    return output;
  };
  const read = { outputs: [], inputs: [] };
  const toRead = (input, output) => {
    read.outputs.push(output);
    read.inputs.push(input);
  };
  for (const [i, input] of inputs.entries()) {
    const about = `input ${i} of ${input.length} bytes, whole`;
    const whole = attempt(wrong, about, () => entry.compress(encoding, input, options));
    if (whole === undefined) continue;
    within(input, whole, about);
    if (input.length > WHOLE_BYTES) toRead(input, whole);
    else if (!same(whole, kernelOutputs[i])) wrong.push(`${about}: other bytes than the kernel`);
  }
  if (encoding === 'snappy') return { wrong, ...read };
  // Of many small ones a share.
  const streamed = inputs.filter((_input, i) => inputs.length < 100 || i % 9 === 0);
  for (let i = 0; i < streamed.length; i += 2) {
    const pair = streamed.slice(i, i + 2);
    const about = `inputs of ${pair.map(({ length }) => length)} bytes as streams`;
    const outputs = attempt(wrong, about, () => streams(encoding, options, pair, i % 6 === 0));
    for (const [j, output] of (outputs ?? []).entries()) {
      toRead(pair[j], i % 6 === 0 ? output : within(pair[j], output, about));
    }
  }
  return { wrong, ...read };
}

/** Inputs in random pieces, each to a stream of its own, by turns. */
function streams(encoding, options, inputs, flushing) {
  const open = inputs.map((input) => ({
    pieces: [...cut(random, input)],
    compressor: entry.createCompressor(encoding, options),
    outputs: [],
  }));
  for (let busy = true; busy; ) {
    busy = false;
    for (const { pieces, compressor, outputs } of open) {
      const piece = pieces.shift();
      if (piece === undefined) continue;
      busy = true;
      // What is pushed may be changed afterwards.
      const own = Uint8Array.from(piece);
      outputs.push(compressor.push(own));
      own.fill(0x5a);
      if (flushing && random.below(5) === 0) outputs.push(compressor.flush());
    }
  }
  return open.map(({ compressor, outputs }) => Buffer.concat([...outputs, compressor.end()]));
}

/** Records for the program in Go until it is built, and then to it. */
const waiting = [];
let go;
async function forGo(format, about, outputs, inputs) {
  for (const [i, output] of outputs.entries()) {
    const record = [format, `${about}, input ${i}`, Buffer.from(output), inputs[i]];
    if (go === undefined) waiting.push(record);
    else await go.check(...record);
  }
  if (go !== undefined) await catchUp();
}
async function catchUp() {
  for (const record of waiting.splice(0)) await go.check(...record);
}
let goReason;
void goBuilt.then(({ program, reason }) => {
  goReason = reason;
  if (program !== undefined) go = new decoders.GoDecoders(program);
});

const random = randomFrom(6);
for (const { name, inputs: make } of chosen) {
  const inputs = make();
  console.log(`\n${name}: ${counted(inputs.length, 'input')}, ${kib(sizeOf(inputs))}`);
  for (const hash of hashes) {
    const wrong = [];
    const digests = [];
    for (const [i, input] of inputs.entries()) {
      const seed = i % 3 === 0 ? 0 : random.below(2 ** 32);
      const expected = await decoders.HASH_PACKAGE[hash](input, seed);
      for (const binary of hashEngines) {
        if (binary.engine === 'portable' && !onPortable(input, i)) continue;
        const about = `input ${i} of ${input.length} bytes, ${binary.engine}`;
        const digest = attempt(wrong, about, () => HASHES[hash](binary, input, seed));
        if (digest !== expected) wrong.push(`${about}: ${digest}, not ${expected}`);
        else if (binary.engine === 'simd' && seed === 0) digests.push([digest, input]);
      }
    }
    judge(`${hash}: hash-wasm`, wrong);
    if (hash === 'xxh32') continue;
    const bytes = digests.map(([digest]) => Buffer.from(digest, 'hex'));
    await forGo(
      hash,
      name,
      bytes,
      digests.map(([, input]) => input),
    );
  }
  for (const format of formats) {
    for (const level of format.levels) {
      const title = format.levels.length > 1 ? `${format.name} level ${level}` : format.name;
      const { outputs, wrong } = compressEverywhere(format, level, inputs);
      wrong.push(...decoderComplaints(format, outputs, inputs));
      judge(`${title}: ${kib(sizeOf(outputs))}`, wrong);
      await forGo(format.name, `${title}, ${name}`, outputs, inputs);

      const given = throughEntry(format, level, inputs, outputs);
      given.wrong.push(...decoderComplaints(format, given.outputs, given.inputs));
      judge(`${title} by the entry: ${kib(sizeOf(given.outputs))} of streams`, given.wrong);
      await forGo(format.name, `${title} by the entry, ${name}`, given.outputs, given.inputs);
    }
  }
}

const { reason } = await goBuilt;
goReason ??= reason;
console.log(`\nthe OpenTelemetry Collector's decoders and Go's`);
if (go === undefined) skip('the decoders in Go', goReason);
else {
  await catchUp();
  for (const [format, { records, wrong }] of await go.end()) judge(`${format}: ${records}`, wrong);
}

if (skippedBecause.length > 0) console.log(`\n${skippedBecause.join('\n')}`);
const { passed, failed, skipped } = totals;
console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);
