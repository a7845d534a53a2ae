import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../../package.json';
import { main } from '../../../src/workbench/cli/main.ts';
import { grpcClient } from '../../support/grpc-client.ts';

const REQUIRE =
  "import { createRequire } from 'node:module';const require = createRequire(import.meta.url);";

/** Runs the command line in this process, with everything it writes. */
async function run(argv: string[], interrupted: Promise<void> = new Promise(() => {})) {
  let out = '';
  let err = '';
  const code = await main(argv, {
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    ...{ env: {}, version: '1.2.3', interrupted },
  });
  return { code, out, err };
}

describe('usage', () => {
  it('--version and --help', async () => {
    expect(await run(['--version'])).toEqual({ code: 0, out: '1.2.3\n', err: '' });
    for (const flag of ['--help', '-h', 'help']) {
      const { code, out } = await run([flag]);
      expect(code).toBe(0);
      expect(out).toContain('collector');
    }
    const { code, out } = await run(['collector', '--help']);
    expect(code).toBe(0);
    for (const flag of ['--port', '--grpc-port', '--no-grpc', '--host', '--quiet', '--json'])
      expect(out).toContain(flag);
  });

  it.each([
    [[], /Commands/],
    [['colector'], /^otlp-wasm: unknown command "colector"; see otlp-wasm --help\n$/],
    [
      ['collector', '--prot', '1'],
      /^otlp-wasm: unknown option '--prot'; see otlp-wasm collector --help\n$/,
    ],
    [['collector', 'extra'], /^otlp-wasm: unexpected argument 'extra'/],
    [['collector', '--port'], /^otlp-wasm: option '--port <value>' argument missing/],
    [['collector', '--port', 'http'], /--port must be a number from 0 to 65535, got "http"/],
    [['collector', '--port', '65536'], /got "65536"/],
    [['collector', '--grpc-port', 'x'], /--grpc-port must be a number from 0 to 65535, got "x"/],
    [['collector', '--grpc-port', '1', '--no-grpc'], /--grpc-port and --no-grpc contradict/],
  ])('mistakes: %j', async (argv, message) => {
    const { code, out, err } = await run(argv);
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(err).toMatch(message);
  });

  it('says what to do when the port is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as { port: number };
    const { code, err } = await run(['collector', '--port', String(port)]);
    taken.close();
    expect(code).toBe(1);
    expect(err).toContain(`port ${port} on 127.0.0.1 is in use`);
    expect(err).toContain('try: otlp-wasm collector --port 0');
  });

  it('says what to do when the port for gRPC is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as { port: number };
    const flags = ['--port', '0', '--grpc-port', String(port)];
    const { code, err } = await run(['collector', ...flags]);
    taken.close();
    expect(code).toBe(1);
    expect(err).toContain(`port ${port} on 127.0.0.1 is in use`);
    expect(err).toContain('try: otlp-wasm collector --port 0 --grpc-port 0');
  });
});

describe('the process', () => {
  let directory: string;
  let program: string;
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'otlp-wasm-cli-'));
    program = join(directory, 'cli.mjs');
    await build({
      entryPoints: [join(import.meta.dirname, '../../../src/workbench/cli/bin.ts')],
      ...{ outfile: program, bundle: true, platform: 'node', format: 'esm', target: 'node20' },
      // grpc-js, which asks for `require`.
      banner: { js: REQUIRE },
    });
  });

  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  /** Starts the collector on a free port and reads where it listens. */
  async function start(...flags: string[]) {
    const child = spawn(process.execPath, [program, 'collector', '--port', '0', ...flags]);
    children.push(child);
    let out = '';
    const listeners = new Set<() => void>();
    child.stdout.on('data', (chunk) => {
      out += chunk;
      for (const listener of listeners) listener();
    });
    const output = (pattern: RegExp) =>
      new Promise<RegExpExecArray>((resolve) => {
        const look = () => {
          const match = pattern.exec(out);
          if (match !== null) resolve(match);
        };
        listeners.add(look);
        look();
      });
    const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
    const [, url, grpcUrl] = await output(/(http:\/\/127[\d.:]+)(?:.*(http:[\d.:/]+))?.*\n/);
    return { child, url: url!, grpcUrl, output, exited, all: () => out };
  }

  const span = {
    ...{ traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', name: 'hello' },
    ...{ startTimeUnixNano: '1700000000000000000', endTimeUnixNano: '1700000000002500000' },
  };

  const send = (url: string) =>
    fetch(`${url}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }),
    });

  it('shows requests and complete traces, and ends with totals on Ctrl-C', async () => {
    const { child, url, output, exited, all } = await start();
    await send(url);
    await output(/traces {2}200 {2}1 span {2}/);
    await output(/hello {2}█+ +2\.50 ms/);
    child.kill('SIGINT');
    expect(await exited).toBe(0);
    expect(all()).toMatch(/\n1 request · 1 span · \d+ B\n$/);
    expect(all()).not.toContain('\u001b');
  });

  it('shows log records and metrics beside them', async () => {
    const { child, url, output, exited, all } = await start();
    const post = (signal: string, body: object) =>
      fetch(`${url}/v1/${signal}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    const log = {
      ...{ timeUnixNano: '1700000000250000000', severityNumber: 17, eventName: 'order.failed' },
      ...{ body: { stringValue: 'no money' }, traceId: span.traceId },
    };
    await post('logs', { resourceLogs: [{ scopeLogs: [{ logRecords: [log] }] }] });
    await output(/logs {2}200 {2}1 log record {2}/);
    await output(/:20\.250 {2}ERROR {2}no money +order\.failed {2}0af76519\n/);
    const histogram = {
      aggregationTemporality: 2,
      dataPoints: [{ count: '3', sum: 0.3, bucketCounts: ['1', '2', '0'], explicitBounds: [1, 2] }],
    };
    const metric = { name: 'order.duration', unit: 's', histogram };
    await post('metrics', { resourceMetrics: [{ scopeMetrics: [{ metrics: [metric] }] }] });
    await output(/metrics {2}200 {2}1 data point {2}/);
    await output(/order\.duration {2}histogram {3}▄█ +3 {2}avg 100 ms\n/);
    child.kill('SIGINT');
    expect(await exited).toBe(0);
    expect(all()).toMatch(/\n2 requests · 1 log record, 1 data point · \d+ B\n$/);
  });

  it('--quiet shows totals only', async () => {
    const { child, url, exited, all } = await start('--quiet');
    await send(url);
    child.kill('SIGTERM');
    expect(await exited).toBe(0);
    expect(all()).toMatch(/^listening on .+ {2}\(Ctrl-C ends\)\n1 request · 1 span · \d+ B\n$/);
  });

  it('--json writes an object per line', async () => {
    const { child, url, output, exited, all } = await start('--json');
    await send(url);
    await output(/"request"/);
    child.kill('SIGINT');
    expect(await exited).toBe(0);
    const lines = all()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toMatchObject([
      { type: 'listening', url },
      { type: 'request', status: 200, spans: [span] },
      { type: 'totals', requests: 1, spans: 1 },
    ]);
  });

  it('receives gRPC, too', async () => {
    const { child, grpcUrl, output, exited, all } = await start();
    const client = grpcClient(grpcUrl!);
    // An empty request.
    expect(await client.call(new Uint8Array())).toMatchObject({ code: 0 });
    await output(/traces {2}gRPC OK {2}/);
    const garbage = await client.call(Uint8Array.of(0x0f));
    expect(garbage.code).toBe(3);
    await output(/traces {2}gRPC INVALID_ARGUMENT {2}not protobuf/);
    client.close();
    child.kill('SIGINT');
    expect(await exited).toBe(0);
    expect(all()).toMatch(/^listening on http:\S+, for gRPC on http:\S+ {2}\(Ctrl-C ends\)\n/);
  });

  it('--no-grpc', async () => {
    const { url, output } = await start('--no-grpc', '--json');
    const [line] = await output(/.*\n/);
    expect(JSON.parse(line)).toEqual({ type: 'listening', url });
  });

  it('--version is that of the package', async () => {
    const child = spawn(process.execPath, [program, '--version']);
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    await new Promise((resolve) => child.once('close', resolve));
    expect(Buffer.concat(chunks).toString()).toBe(`${manifest.version}\n`);
  });
});
