// The sizes we promise. A change that grows past one must say why in its commit and here.

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { buildSync, transformSync } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/**
 * Limits in bytes. `gzip` is what a page or a worker loads: minified as a bundler does it, then
 * gzip level 9 (upstream's tracer, batch processor and exporter, which cannot compress: 16.8 KB).
 *
 * What a browser's 30 KiB and a worker's 22 became 32 and 26 for: what span processors see of a
 * span, context managers that outlast an await or follow the stack and bind listeners, resource
 * detectors and what waits for them, causes of exceptions, ids of the user's own, the hooks by which
 * attributes are kept back (0.3 KiB; the rules are in `otlp-wasm/redaction`). What reads variables
 * is in none of the two. 38 and 31 KiB are for a delivery that outlasts partial failures: a queue with
 * lanes and a drop policy, a retry budget, adaptive concurrency, credentials that are asked for, and
 * the checks of all these options; recoding, splitting, JSON and gRPC are loaded late. Node has besides them samplers and propagators by variable, exporters to
 * the console and to files, and Jaeger's remote sampling, for 6 KiB. Half a KiB everywhere is for option
 * `compression` (names, levels, threshold), what an endpoint refuses, encoding by encoding, and the wait
 * for compressors; these, and what inflates again, are loaded late. `start()` has all three signals:
 * of a browser's 71 KiB, metrics are 24 (SDK, cells, their binary for one engine) and logs 6; who sends traces alone
 * carries them still. The core's 12 KiB became 13.5 for log
 * records, which share rings, strings and attributes with spans and add 1.2.
 */
const LIMITS = [
  { file: 'src/engine/generated/core-simd.wasm', raw: 13.5 * 1024 },
  { file: 'src/engine/generated/core-scalar.wasm', raw: 14 * 1024 },
  { file: 'src/engine/generated/codecs-simd.wasm', raw: 40 * 1024 },
  { file: 'src/engine/generated/hashes-simd.wasm', raw: 6 * 1024 },
  { file: 'src/engine/generated/metrics-simd.wasm', raw: 11 * 1024 },
  { file: 'dist/browser.js', gzip: 71 * 1024 },
  { file: 'dist/workerd.js', gzip: 58.5 * 1024 },
  { file: 'dist/node.js', gzip: 102 * 1024 },
  // The encoder alone: no pipeline, no API, no compression. A worker's has the engine beside it.
  // All signals, of which bundlers leave out those that are not imported: the binary `metrics` is 6 KiB.
  { file: 'dist/exporter-proto-browser.js', gzip: 44 * 1024 },
  { file: 'dist/exporter-proto-browser.js', only: 'OTLPTraceExporter', gzip: 30.5 * 1024 },
  { file: 'dist/exporter-proto-browser.js', only: 'OTLPMetricExporter', gzip: 37.5 * 1024 },
  { file: 'dist/exporter-proto-workerd.js', gzip: 30 * 1024 },
  { file: 'dist/codec-browser.js', gzip: 36 * 1024 },
  { file: 'dist/codec-browser.js', only: 'encodeTraces', gzip: 24 * 1024 },
  { file: 'dist/codec-workerd.js', gzip: 23 * 1024 },
  // All compressors, inside or in `codecs.wasm` beside it.
  { file: 'dist/compress-browser.js', gzip: 24 * 1024 },
  { file: 'dist/compress-workerd.js', gzip: 5 * 1024 },
  { file: 'dist/bridge-console-web.js', gzip: 2.5 * 1024 },
  { file: 'dist/hash-browser.js', gzip: 5 * 1024 },
  { file: 'dist/prometheus-node.js', gzip: 10 * 1024 },
  { file: 'dist/prometheus-web.js', gzip: 9.5 * 1024 },
  { file: 'dist/hash-workerd.js', gzip: 3 * 1024 },
];

let failures = 0;
/** What a bundler leaves of an entry for a program that imports one thing of it. */
function bundled(file, only) {
  const contents = `import { ${only} } from './${file}'; globalThis.used = ${only};`;
  const options = { bundle: true, minify: true, format: 'esm', splitting: true, write: false };
  const { outputFiles } = buildSync({
    ...{ ...options, stdin: { contents, resolveDir: root }, outdir: 'build', logLevel: 'error' },
    // What is loaded late stands beside the entry.
    external: ['@opentelemetry/api', '*-compressor.js', '*-slow-path.js'],
  });
  return outputFiles.find(({ path }) => path.endsWith('stdin.js')).contents;
}

for (const { file, only, ...limits } of LIMITS) {
  const bytes = only === undefined ? readFileSync(join(root, file)) : bundled(file, only);
  const minified = file.endsWith('.js') ? transformSync(bytes, { minify: true }).code : bytes;
  const sizes = { raw: bytes.length, gzip: gzipSync(minified, { level: 9 }).length };
  for (const [kind, limit] of Object.entries(limits)) {
    const over = sizes[kind] > limit;
    if (over) failures++;
    console.log(
      `${over ? 'TOO LARGE' : 'ok       '} ${`${file}${only === undefined ? '' : ` ${only}`}`.padEnd(52)} ${kind.padEnd(4)} ${String(sizes[kind]).padStart(7)} of ${limit} bytes`,
    );
  }
}
if (failures > 0) process.exit(1);
