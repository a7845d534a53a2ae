import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';

// Edge hosts forbid random numbers, timers, clocks and I/O at module scope, and every program
// pays for what is done there: the built entries must do nothing until start() is called.

interface Probed {
  readonly exports: readonly string[];
  readonly called: readonly string[];
  readonly error?: string;
}

const PROBE = fileURLToPath(new URL('support/import-probe.mjs', import.meta.url));
const DIST = fileURLToPath(new URL('../dist', import.meta.url));

async function probe(file: string): Promise<Probed> {
  const flags = ['--no-warnings', '--experimental-vm-modules'];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, PROBE, file]);
  return JSON.parse(stdout);
}

describe.each([
  ...['node', 'deno', 'browser', 'workerd'].map((host) => [host, 'start']),
  ...['node', 'deno', 'browser', 'workerd'].map((host) => [`codec-${host}`, 'encodeTraces']),
  ...['node', 'deno', 'browser', 'workerd'].map((host) => [`compress-${host}`, 'zstd']),
  ...['node', 'deno', 'browser', 'workerd'].map((host) => [`hash-${host}`, 'xxh64']),
  ...['node', 'deno', 'browser', 'workerd'].flatMap((host) => [
    [`exporter-proto-${host}`, 'OTLPTraceExporter'],
    [`exporter-http-${host}`, 'OTLPTraceExporter'],
  ]),
  ...['node', 'deno', 'none'].map((host) => [`runtime-metrics-${host}`, 'recordRuntimeMetrics']),
  ...['node', 'web'].map((host) => [`prometheus-${host}`, 'prometheusReader']),
  ['bridge-bunyan', 'bunyanStream'],
  ['bridge-console-node', 'bridgeConsole'],
  ['bridge-console-web', 'bridgeConsole'],
  ['bridge-pino', 'pinoStream'],
  ['bridge-pino-transport', 'default'],
  ['bridge-winston', 'WinstonTransport'],
  ['exporter-console', 'consoleTransport'],
  ['exporter-file', 'fileTransport'],
  ['exporter-fan-out', 'fanOutTransport'],
  ['deno-stdout', 'stdoutTransport'],
  ['node-proxy', 'proxyOf'],
  ['node-slow-path', 'remake'],
  ['web-slow-path', 'remake'],
  ['inflaters', 'INFLATE'],
  ...['node', 'web', 'edge'].map((host) => [`${host}-compressor`, 'compressor']),
])('importing the entry %s', (entry, exported) => {
  it('calls nothing of its host', async () => {
    const { called, exports, error } = await probe(join(DIST, `${entry}.js`));
    expect(error).toBeUndefined();
    expect(exports).toContain(exported);
    expect(called).toEqual([]);
  });
});

describe('what the probe notices', () => {
  const folder = mkdtempSync(join(tmpdir(), 'otlp-wasm-import-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each([
    ['setTimeout(() => {}, 0)', 'setTimeout'],
    ['Date.now()', 'Date.now'],
    ['new Date()', 'new Date'],
    ['performance.now()', 'performance.now'],
    ['performance.timeOrigin', 'performance.timeOrigin'],
    ['Math.random()', 'Math.random'],
    ['crypto.getRandomValues(new Uint8Array(1))', 'crypto.getRandomValues'],
    ['new WebAssembly.Module(new Uint8Array(8))', 'new WebAssembly.Module'],
    ['addEventListener("pagehide", () => {})', 'addEventListener'],
    ['process.on("exit", () => {})', 'process.on'],
    ['fetch("http://127.0.0.1/")', 'fetch'],
    ['import("./nothing.js")', 'import(./nothing.js)'],
    ['import { hostname } from "node:os"; hostname()', 'node:os hostname'],
  ])('%s', async (source, expected) => {
    const file = join(folder, `${expected.replace(/[^a-zA-Z]+/g, '-')}.js`);
    writeFileSync(file, source);
    const { called } = await probe(file);
    expect(called[0]).toBe(expected);
  });
});
