import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import type { Payload, Transport } from '../../src/deliver/transport.ts';
import { isOtlpError } from '../../src/errors.ts';
import { fileTransport } from '../../src/exporters/file.ts';
import { jsonLinesTransport } from '../../src/exporters/json-lines.ts';
import { decodeRequest } from '../../src/workbench/collector/decode.ts';
import { type MessageName, wireOf } from '../../src/workbench/collector/schema.ts';
import { traceRig } from '../support/engines.ts';
import { started } from '../support/telemetry.ts';

const folder = mkdtempSync(join(tmpdir(), 'otlp-wasm-file-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
const freshPath = () => join(folder, `traces-${files++}.jsonl`);

const rig = traceRig('simd');

/** A request of spans of these names. */
function payload(...names: string[]): Payload {
  for (const name of names) rig.tracer('t').startSpan(name).end();
  const body = rig.encode();
  return {
    signal: 'traces',
    body,
    encoding: 'identity',
    contentType: 'application/x-protobuf',
    records: names.length,
    rawBytes: body.length,
  };
}

const linesOf = (text: string) => {
  expect(text.endsWith('\n')).toBe(true);
  return text.slice(0, -1).split('\n');
};

/** The names of the spans of each line, which is one TracesData. */
const namesIn = (path: string) =>
  linesOf(readFileSync(path, 'utf8')).map((line) => {
    expect(Object.keys(JSON.parse(line))).toEqual(['resourceSpans']);
    return decodeRequest('traces', 'json', Buffer.from(line)).spans.map(({ name }) => name);
  });

describe('OTLP File exporter', () => {
  it('OTLP File exporter: appends one line of OTLP/JSON per request', async () => {
    const path = freshPath();
    const transport = fileTransport({ path });
    expect(await transport.send(payload('a', 'line\nbreak'))).toEqual({ kind: 'delivered' });
    expect(await transport.send(payload('b'))).toEqual({ kind: 'delivered' });
    expect(namesIn(path)).toEqual([['a', 'line\nbreak'], ['b']]);
    // Another run appends.
    expect(await fileTransport({ path: pathToFileURL(path) }).send(payload('c'))).toEqual({
      kind: 'delivered',
    });
    expect(await fileTransport({ path: pathToFileURL(path).href }).send(payload('d'))).toEqual({
      kind: 'delivered',
    });
    expect(namesIn(path).slice(2)).toEqual([['c'], ['d']]);
  });

  it('has a file for each signal, whose lines are of nothing else', async () => {
    const plain = freshPath();
    const named = join(folder, '{signal}', 'of-{signal}.jsonl');
    for (const signal of ['traces', 'logs', 'metrics']) mkdirSync(join(folder, signal));
    const encode = (message: MessageName, request: object) =>
      wireOf(message).encode(wireOf(message).fromObject(request)).finish();
    const logRecords = [{ body: { stringValue: 'hello' } }];
    const metrics = [{ name: 'm', gauge: { dataPoints: [{ asInt: 1 }] } }];
    const payloads: Payload[] = [
      payload('a'),
      {
        ...payload('unused'),
        signal: 'logs',
        body: encode('ExportLogsServiceRequest', {
          resourceLogs: [{ scopeLogs: [{ logRecords }] }],
        }),
      },
      {
        ...payload('unused'),
        signal: 'metrics',
        body: encode('ExportMetricsServiceRequest', {
          resourceMetrics: [{ scopeMetrics: [{ metrics }] }],
        }),
      },
    ];
    for (const path of [plain, named, pathToFileURL(named)]) {
      const transport = fileTransport({ path });
      for (const each of payloads) {
        expect(await transport.send(each)).toEqual({ kind: 'delivered' });
      }
    }
    const base = plain.replace(/\.jsonl$/, '');
    const lines = (path: string) =>
      linesOf(readFileSync(path, 'utf8')).map((line) => JSON.parse(line));
    expect(namesIn(plain)).toEqual([['a']]);
    expect(lines(`${base}.logs.jsonl`)).toEqual([
      { resourceLogs: [{ scopeLogs: [{ logRecords }] }] },
    ]);
    expect(lines(`${base}.metrics.jsonl`)).toMatchObject([
      { resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: 'm' }] }] }] },
    ]);
    for (const [signal, name] of [
      ['traces', 'resourceSpans'],
      ['logs', 'resourceLogs'],
      ['metrics', 'resourceMetrics'],
    ] as const) {
      const written = lines(named.replaceAll('{signal}', signal));
      expect(written.map((line) => Object.keys(line))).toEqual([[name], [name]]);
    }
    const profiles = { ...payloads[0]!, signal: 'profiles' as const };
    expect(await fileTransport({ path: plain }).send(profiles)).toMatchObject({
      kind: 'rejected',
      reason: expect.stringMatching(/of profiles/),
    });
  });

  it('writes whole lines when many requests come at once, in their order', async () => {
    const path = freshPath();
    const transport = fileTransport({ path });
    const payloads = Array.from({ length: 40 }, (_, i) =>
      payload(...Array.from({ length: 100 }, (_, j) => `${i}.${j} ${'x'.repeat(50)}`)),
    );
    const outcomes = await Promise.all(payloads.map((each) => transport.send(each)));
    expect(outcomes.every(({ kind }) => kind === 'delivered')).toBe(true);
    const names = namesIn(path);
    expect(names.map(([first]) => first!.split(' ')[0])).toEqual(payloads.map((_, i) => `${i}.0`));
    expect(names.every((line) => line.length === 100)).toBe(true);
  });

  it('goes on in a new file when the old one was moved away', async () => {
    const path = freshPath();
    const transport = fileTransport({ path });
    await transport.send(payload('old'));
    renameSync(path, `${path}.1`);
    await transport.send(payload('new'));
    expect([namesIn(`${path}.1`), namesIn(path)]).toEqual([[['old']], [['new']]]);
  });

  it('says why it cannot write', async () => {
    const missing = join(folder, 'missing', 'traces.jsonl');
    const transport = fileTransport({ path: missing });
    expect(await transport.send(payload('a'))).toEqual({
      kind: 'rejected',
      reason: `${missing} cannot be written: its folder does not exist (ENOENT)`,
    });
    expect(await fileTransport({ path: folder }).send(payload('a'))).toEqual({
      kind: 'rejected',
      reason: `${folder} cannot be written: it is a folder (EISDIR)`,
    });
    const inFile = join(freshPath(), 'below');
    await fileTransport({ path: join(inFile, '..') }).send(payload('a'));
    expect(await fileTransport({ path: inFile }).send(payload('a'))).toMatchObject({
      kind: 'rejected',
      reason: expect.stringContaining('ENOTDIR'),
    });
    // The next request tries again.
    mkdirSync(join(folder, 'missing'));
    expect(await transport.send(payload('b'))).toEqual({ kind: 'delivered' });
    expect(namesIn(missing)).toEqual([['b']]);
  });

  // Root may write everything.
  it.skipIf(process.getuid?.() === 0)('says so where it has no permission', async () => {
    const path = freshPath();
    await fileTransport({ path }).send(payload('a'));
    chmodSync(path, 0o400);
    expect(await fileTransport({ path }).send(payload('b'))).toEqual({
      kind: 'rejected',
      reason: `${path} cannot be written: no permission (EACCES)`,
    });
  });

  // A device that is always full.
  const full = (() => {
    try {
      return statSync('/dev/full').isCharacterDevice();
    } catch {
      return false;
    }
  })();
  it.runIf(full)('lets spans wait while the disk is full', async () => {
    expect(await fileTransport({ path: '/dev/full' }).send(payload('a'))).toEqual({
      kind: 'retryable',
      reason: '/dev/full cannot be written: the disk is full (ENOSPC)',
    });
  });

  it.each([
    [undefined],
    [''],
    [5],
    [new URL('https://example.com/a')],
    ['a\0b'],
    ['file://host/x'],
  ])('takes no path that is %s', (path) => {
    try {
      fileTransport({ path: path as never });
    } catch (error) {
      expect(isOtlpError(error) && error.code).toBe('invalid_option');
      expect((error as Error).message).toMatch(/^option 'path' is .*give the path of a file/);
      return;
    }
    throw new Error('nothing was thrown');
  });

  it('is waited for by flush, and shown in health', async () => {
    const path = freshPath();
    const { tracer, telemetry, host } = started({ transport: fileTransport({ path }) });
    for (let i = 0; i < 30; i++) tracer.startSpan(`span ${i}`).end();
    let done = false;
    const flushed = telemetry.flush().finally(() => {
      done = true;
    });
    while (!done) {
      await host.settle();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await flushed).toMatchObject({ complete: true, sent: 30 });
    expect(namesIn(path).flat()).toHaveLength(30);
    expect(telemetry.health().endpoints).toMatchObject([{ url: `file:${path}`, state: 'ok' }]);
  });
});

describe('lines of JSON', () => {
  const outcomeOf = (error: unknown) => ({ kind: 'rejected', reason: String(error) }) as const;

  it('are written one after another, each to its end before the next', async () => {
    const log: string[] = [];
    const waiting: (() => void)[] = [];
    const transport = jsonLinesTransport({
      name: 'test',
      append: (line) =>
        new Promise((resolve) => {
          log.push(`begin ${line.length > 0}`);
          waiting.push(() => {
            log.push('end');
            resolve();
          });
        }),
      outcomeOf,
    });
    const sent = [transport.send(payload('a')), transport.send(payload('b'))];
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    await turn();
    expect(log).toEqual(['begin true']);
    waiting[0]!();
    await turn();
    expect(log).toEqual(['begin true', 'end', 'begin true']);
    waiting[1]!();
    expect(await Promise.all(sent)).toEqual([{ kind: 'delivered' }, { kind: 'delivered' }]);
  });

  it('go on after one that failed, and end when the transport is closed', async () => {
    const failures = [new Error('once')];
    const written: string[] = [];
    let transport: Transport;
    transport = jsonLinesTransport({
      name: 'test',
      async append(line) {
        const failure = failures.shift();
        if (failure !== undefined) throw failure;
        written.push(Buffer.from(line).toString());
        if (written.length === 2) transport.close();
      },
      outcomeOf,
    });
    const outcomes = await Promise.all(
      ['a', 'b', 'c', 'd'].map((name) => transport.send(payload(name))),
    );
    expect(outcomes).toEqual([
      { kind: 'rejected', reason: 'Error: once' },
      { kind: 'delivered' },
      { kind: 'delivered' },
      { kind: 'retryable', reason: 'the transport is closed' },
    ]);
    expect(written.map((line) => /"name":"([bc])"/.exec(line)?.[1])).toEqual(['b', 'c']);
  });

  it('are no place for bodies that are compressed or broken', async () => {
    const transport = jsonLinesTransport({
      name: 'test',
      append: () => Promise.reject(new Error('not called')),
      outcomeOf,
    });
    for (const broken of [
      { ...payload('a'), encoding: 'gzip' as const },
      { ...payload('a'), body: Uint8Array.of(1) },
    ]) {
      expect(await transport.send(broken)).toMatchObject({
        kind: 'rejected',
        reason: expect.not.stringContaining('not called'),
      });
    }
  });
});
