// Every encoding and level on a file of yours: how small it gets, and how fast.
//
//   node examples/compress/compress.mjs README.md

import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { compress, isOtlpError } from 'otlp-wasm/compress';

const LEVELS = ['fast', 'default', 'best'];
const WITH_LEVELS = ['gzip', 'zstd', 'br'];
const WITHOUT = ['lz4', 'snappy', 'x-snappy-framed'];
/** How long each is measured, unless one call takes longer. */
const MEASURE_MS = 100;
const BAR = 24;

const [path, ...more] = process.argv.slice(2);
if (path === undefined || more.length > 0 || path.startsWith('-')) {
  fail('usage: node examples/compress/compress.mjs FILE', 2);
}
const bytes = await readFile(path).catch((error) => {
  const why = { ENOENT: 'there is no such file', EISDIR: 'it is a directory' }[error.code];
  fail(`${path} cannot be read: ${why ?? error.message}. Give the path of a file.`, 1);
});

console.log(`${basename(path)}: ${count(bytes.length)} bytes\n`);
console.log(row('encoding', 'level', 'bytes', 'ratio', 'MB/s', 'size'));
for (const encoding of WITH_LEVELS) {
  for (const level of LEVELS) show(encoding, level);
}
for (const encoding of WITHOUT) show(encoding);

function show(encoding, level) {
  let size;
  let bestMs = Number.POSITIVE_INFINITY;
  try {
    const end = performance.now() + MEASURE_MS;
    do {
      const start = performance.now();
      size = compress(encoding, bytes, { level }).length;
      bestMs = Math.min(bestMs, performance.now() - start);
    } while (performance.now() < end);
  } catch (error) {
    // A host without brotli.
    if (!isOtlpError(error)) throw error;
    console.log(row(encoding, level, error.message));
    return;
  }
  const ratio = size === 0 ? 0 : bytes.length / size;
  const speed = bytes.length / bestMs / 1000;
  const length = Math.round((BAR * size) / Math.max(bytes.length, 1));
  const bar = '█'.repeat(Math.min(length, BAR)).padEnd(BAR, '·');
  console.log(row(encoding, level, count(size), ratio.toFixed(2), speed.toFixed(1), bar));
}

function row(encoding, level = '', size = '', ratio = '', speed = '', bar = '') {
  const numbers = `${size.padStart(12)}${ratio.padStart(7)}${speed.padStart(9)}`;
  return `${encoding.padEnd(16)} ${level.padEnd(8)}${numbers}  ${bar}`.trimEnd();
}

function count(number) {
  return number.toLocaleString('en-US');
}

function fail(message, code) {
  console.error(message);
  process.exit(code);
}
