// node bench/profile/deliver.mjs [--millions N] [--protocol http|grpc] [--plain] [--delay MS]
//                                [--subject S] [--top N] [--keep FILE]
//
// A CPU profile of delivering and nothing else: one process records N million spans and delivers
// them, with gzip unless --plain, to a server in another process. Prints where the main thread was,
// by function and by source file; --keep has the profile itself (for Chrome's or an editor's
// viewer). Subjects are those of path/deliver; otlp-wasm/simd if none is given.

import { fork } from 'node:child_process';
import { copyFileSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bundle } from '../bundle.mjs';

const { values } = parseArgs({
  options: {
    millions: { type: 'string', default: '2' },
    protocol: { type: 'string', default: 'http' },
    plain: { type: 'boolean', default: false },
    delay: { type: 'string', default: '0' },
    subject: { type: 'string', default: 'otlp-wasm/simd' },
    top: { type: 'string', default: '25' },
    keep: { type: 'string' },
  },
});
const spans = Number(values.millions) * 1e6;
if (!(spans > 0)) fail(`--millions takes a number above 0, got '${values.millions}'`);
if (!['http', 'grpc'].includes(values.protocol)) {
  fail(`--protocol is http or grpc, got '${values.protocol}'`);
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const out = join(root, 'build/bench', `profile-${process.pid}`);
const children = [];
try {
  await bundle(root, join(root, 'bench'), out);
  const server = start('servers/otlp-server', { protocol: values.protocol });
  const { port } = await server.next();
  server.send({ delayMs: Number(values.delay) });
  const base = `http://127.0.0.1:${port}`;
  const order = {
    subject: values.subject,
    protocol: values.protocol,
    url: values.protocol === 'grpc' ? base : `${base}/v1/traces`,
    gzip: !values.plain,
    warmupMs: 0,
    runMs: 1e9,
    spans,
  };
  const subject = start('subjects/delivery', order, [
    '--cpu-prof',
    `--cpu-prof-dir=${out}`,
    '--cpu-prof-name=deliver.cpuprofile',
  ]);
  await subject.next();
  subject.send('go');
  const { recorded, wallMs, cpuUs } = await subject.next();
  await subject.ended;
  const file = join(out, 'deliver.cpuprofile');
  process.stdout.write(
    `${recorded} spans in ${(wallMs / 1000).toFixed(1)} s, ` +
      `${(cpuUs / recorded).toFixed(2)} CPU s per million spans, all threads\n\n`,
  );
  print(JSON.parse(readFileSync(file, 'utf8')));
  if (values.keep !== undefined) copyFileSync(file, values.keep);
} finally {
  for (const child of children) child.kill();
  rmSync(out, { recursive: true, force: true });
}

/** A bundled module as a process. */
function start(module, order, execArgv = []) {
  const child = fork(join(out, `${module}.mjs`), [JSON.stringify(order)], { execArgv });
  children.push(child);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  return {
    send: (message) => child.send(message),
    next: () =>
      new Promise((resolve, reject) => {
        child.once('message', resolve);
        ended.then((code) => reject(new Error(`${module} ended with ${code}`)));
      }),
    ended,
  };
}

function print({ nodes, samples, timeDeltas }) {
  const byId = new Map(nodes.map((node) => [node.id, node.callFrame]));
  const functions = new Map();
  const sources = new Map();
  let busy = 0;
  samples.forEach((id, at) => {
    const frame = byId.get(id);
    const us = timeDeltas[at];
    if (frame.functionName === '(idle)') return;
    busy += us;
    const source = sourceOf(frame);
    add(sources, source, us);
    add(functions, `${frame.functionName || '(anonymous)'}  ${source}`, us);
  });
  for (const [title, sums] of [
    ['function', functions],
    ['source', sources],
  ]) {
    process.stdout.write(`   self  ns/span  ${title}\n`);
    const sorted = [...sums].sort((a, b) => b[1] - a[1]).slice(0, Number(values.top));
    for (const [name, us] of sorted) {
      const share = `${((100 * us) / busy).toFixed(1)}%`.padStart(7);
      process.stdout.write(`${share}  ${((us * 1000) / spans).toFixed(0).padStart(7)}  ${name}\n`);
    }
    process.stdout.write('\n');
  }
}

function add(sums, key, value) {
  sums.set(key, (sums.get(key) ?? 0) + value);
}

/** The source file a function was bundled from, the engine, the module's own URL, or nothing. */
function sourceOf({ url, lineNumber }) {
  if (url.startsWith('wasm:')) return 'engine';
  if (!url.startsWith('file:')) return url;
  const path = fileURLToPath(url.replace(/\?.*$/, ''));
  if (!path.startsWith(out)) return path.slice(path.lastIndexOf('node_modules/'));
  const lines = bundledLines(path);
  for (let at = lineNumber; at >= 0; at--) {
    const source = /^\/\/ ((?:src|bench|node_modules)\/\S+)$/.exec(lines[at])?.[1];
    if (source !== undefined) return source;
  }
  return '';
}

function bundledLines(path) {
  bundledLines.read ??= new Map();
  const { read } = bundledLines;
  if (!read.has(path)) read.set(path, readFileSync(path, 'utf8').split('\n'));
  return read.get(path);
}

function fail(message) {
  process.stderr.write(`profile: ${message}\n`);
  process.exit(1);
}
