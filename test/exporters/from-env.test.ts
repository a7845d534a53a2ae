import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Outcome, Transport } from '../../src/deliver/transport.ts';
import { exporterFromEnv } from '../../src/exporters/from-env.ts';
import type { WiredExporters } from '../../src/runtime/host.ts';
import { fakeHost, inMemoryTransport, startOn } from '../../src/testing/index.ts';
import { type Collector, startCollector } from '../../src/workbench/collector/collector.ts';
import { decodeRequest } from '../../src/workbench/collector/decode.ts';
import { bundle, ROOT, runNode, temporaryFolder } from '../support/bundle.ts';

const FIXTURE = join(ROOT, 'test/fixtures/exporter.mjs');

describe('OTEL_TRACES_EXPORTER in a program on Node', () => {
  const folder = temporaryFolder();
  let url: string;
  let collector: Collector;
  beforeAll(async () => {
    url = await bundle('src/runtime/node/index.ts', folder.path);
    collector = await startCollector({ port: 0 });
  });
  afterAll(async () => {
    folder.remove();
    await collector.close();
  });

  const run = (exporter: string, how = '', others: Record<string, string> = {}) =>
    runNode([FIXTURE, url, how], {
      OTEL_TRACES_EXPORTER: exporter,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      ...others,
    });

  const received = () => {
    const names = collector.traces().map(({ name }) => name);
    collector.clear();
    return names;
  };

  it('console prints what was recorded when the program ends', async () => {
    const { code, stdout, stderr } = await run('console');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout.match(/^span .*/gm)).toEqual(['span "span 0"', 'span "span 1"', 'span "span 2"']);
    expect(stdout).toContain('  service     "exporter"\n');
    expect(received()).toEqual([]);
  });

  it('otlp/stdout writes lines of OTLP/JSON between what the program prints', async () => {
    const { code, stdout, stderr } = await run('otlp/stdout', 'prints');
    expect([code, stderr]).toEqual([0, '']);
    const [printed, line, ...rest] = stdout.split('\n');
    expect([printed, rest]).toEqual(['printed by the program', ['']]);
    const { spans } = decodeRequest('traces', 'json', Buffer.from(line!));
    expect(spans.map(({ name }) => name)).toEqual(['span 0', 'span 1', 'span 2']);
    expect(spans[0]!.resource.attributes).toMatchObject({ 'service.name': 'exporter' });
    expect(received()).toEqual([]);
  });

  it('none records and exports nothing', async () => {
    const { code, stdout, stderr } = await run('none', 'health');
    expect([code, stderr]).toEqual([0, '']);
    const { flushed, health } = JSON.parse(stdout);
    expect(flushed).toMatchObject({ complete: true, recorded: 0, sent: 0, dropped: 0 });
    expect(health.signals.traces.recorded).toBe(0);
    expect(received()).toEqual([]);
  });

  it('otlp, and what is not known with a warning, sends to the collector', async () => {
    expect(await run('otlp')).toMatchObject({ code: 0, stdout: '', stderr: '' });
    expect(received()).toHaveLength(3);
    const { code, stderr } = await run('zipkin');
    expect(code).toBe(0);
    expect(stderr).toMatch(/^otlp-wasm: OTEL_TRACES_EXPORTER has 'zipkin', not otlp, .*\n$/);
    expect(received()).toHaveLength(3);
  });

  it('a list goes to each of them', async () => {
    const { code, stdout, stderr } = await run('console,otlp', 'health');
    expect([code, stderr]).toEqual([0, '']);
    const { flushed, health } = JSON.parse(stdout.trim().split('\n').at(-1)!);
    expect(flushed).toMatchObject({ complete: true, sent: 3 });
    expect(health.endpoints[0]).toMatchObject({
      ...{ url: 'console,otlp', state: 'ok', signals: ['traces'] },
    });
    expect(stdout.match(/^span .*/gm)).toHaveLength(3);
    expect(received()).toHaveLength(3);
  });

  it('each signal goes where its variable says', async () => {
    const { code, stdout, stderr } = await run('otlp', 'signals', {
      OTEL_LOGS_EXPORTER: 'console',
      OTEL_METRICS_EXPORTER: 'otlp/stdout',
    });
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout.match(/^(log|span|metric) .*/gm)).toEqual([
      'log "log 0"',
      'log "log 1"',
      'log "log 2"',
    ]);
    const [line, ...more] = stdout.match(/^\{"resourceMetrics":.*\}$/gm)!;
    expect(more).toEqual([]);
    const { metrics } = decodeRequest('metrics', 'json', Buffer.from(line!));
    expect(metrics).toMatchObject([{ name: 'runs', sum: { dataPoints: [{}, {}, {}] } }]);
    expect(collector.stats()).toMatchObject({ spans: 3, logRecords: 0, dataPoints: 0 });
    collector.clear();
  });

  it('what a signal is not exported to does not keep others from it', async () => {
    const { code, stdout, stderr } = await run('none', 'signals', {
      OTEL_METRICS_EXPORTER: 'console,otlp',
    });
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout.match(/^(log|span|metric) .*/gm)).toEqual(['metric "runs"']);
    expect(stdout.match(/^ {4}value {5}1$/gm)).toHaveLength(3);
    expect(collector.logs().map(({ body }) => body)).toEqual(['log 0', 'log 1', 'log 2']);
    expect(collector.dataPoints().map(({ asDouble, asInt }) => Number(asInt ?? asDouble))).toEqual([
      ...[1, 1, 1],
    ]);
    expect(received()).toEqual([]);
  });

  it('each is loaded by the built package', async () => {
    const built = pathToFileURL(join(ROOT, 'dist/node.js')).href;
    const { code, stdout, stderr } = await runNode([FIXTURE, built], {
      OTEL_TRACES_EXPORTER: 'console,otlp/stdout',
    });
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout.match(/^span .*/gm)).toHaveLength(3);
    expect(stdout.match(/^\{"resourceSpans":.*\}$/gm)).toHaveLength(1);
  });

  it('a reader of otlp/stdout that goes away ends neither the program nor the count', async () => {
    const child = spawn(process.execPath, [FIXTURE, url], {
      env: { ...process.env, OTEL_TRACES_EXPORTER: 'otlp/stdout' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.destroy();
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect(code).toBe(0);
    expect(stderr).toMatch(/3 spans lost \(rejected 3\).*standard output.*\(E[A-Z_]+\)/);
  });
});

describe('the transport that the environment names', () => {
  function chosen(value: string, stdout: () => Promise<Transport>) {
    const host = Object.assign(fakeHost({ env: { OTEL_TRACES_EXPORTER: value } }), {
      exporter: (signal: 'traces', env: never, warn: never, { otlp }: WiredExporters) =>
        exporterFromEnv(signal, env, warn, { otlp, 'otlp/stdout': stdout }),
    });
    return host;
  }

  it('is loaded with the first request, once, and closed when it is there', async () => {
    let loads = 0;
    const transport = inMemoryTransport();
    const host = chosen('otlp/stdout', async () => {
      loads++;
      return transport;
    });
    const telemetry = startOn(host);
    await host.settle();
    expect(loads).toBe(0);
    for (let i = 0; i < 2; i++) {
      telemetry.tracer('t').startSpan(`span ${i}`).end();
      const flushed = telemetry.flush();
      await host.settle();
      await flushed;
    }
    expect(loads).toBe(1);
    expect(transport.traces()).toHaveLength(2);
    expect(transport.payloads.map(({ encoding }) => encoding)).toEqual(['identity', 'identity']);
    const down = telemetry.shutdown();
    await host.settle();
    await down;
    expect(transport.closed).toBe(true);
    expect(host.transport.payloads).toEqual([]);
  });

  it('that cannot be loaded rejects what is sent, and says so', async () => {
    const host = chosen('otlp/stdout', () => Promise.reject(new Error('no such file')));
    const telemetry = startOn(host);
    telemetry.tracer('t').startSpan('s').end();
    const flushed = telemetry.flush();
    await host.settle();
    expect(await flushed).toMatchObject({
      rejected: 1,
      lastError: 'the exporter otlp/stdout cannot be loaded: Error: no such file',
    });
  });

  it('gives way to an option', async () => {
    const transport = inMemoryTransport();
    const host = chosen('none', () => Promise.reject(new Error('not asked')));
    const telemetry = startOn(host, { transport });
    telemetry.tracer('t').startSpan('s').end();
    const flushed = telemetry.flush();
    await host.settle();
    expect(await flushed).toMatchObject({ sent: 1 });
    expect(transport.traces()).toHaveLength(1);
  });

  it('none: spans are recorded for processors all the same, and go nowhere', async () => {
    const ended: string[] = [];
    const host = chosen('none', () => Promise.reject(new Error('not asked')));
    const processor = {
      onStart() {},
      onEnd: (span: { name: string }) => void ended.push(span.name),
      forceFlush: async () => {},
      shutdown: async () => {},
    };
    const telemetry = startOn(host, { spanProcessors: [processor as never] });
    telemetry.tracer('t').startSpan('s').end();
    const down = telemetry.shutdown();
    await host.settle();
    expect(await down).toMatchObject({ complete: true, recorded: 0, dropped: 0 });
    expect(ended).toEqual(['s']);
    expect(host.transport.payloads).toEqual([]);
  });
});

describe('the exporters of a signal', () => {
  const otlp = () => inMemoryTransport();
  const loaded: string[] = [];
  function asked(signal: 'traces' | 'logs' | 'metrics', value: string, wired: object = {}) {
    const warnings: string[] = [];
    const env = { [`OTEL_${signal.toUpperCase()}_EXPORTER`]: value };
    const transport = exporterFromEnv(signal, env, (line) => warnings.push(line), {
      otlp,
      'otlp/stdout': async () => {
        loaded.push(signal);
        return inMemoryTransport();
      },
      ...wired,
    });
    return { transport, warnings };
  }

  it.each(['traces', 'logs', 'metrics'] as const)('are those of its variable (%s)', (signal) => {
    expect(asked(signal, 'otlp')).toEqual({ transport: undefined, warnings: [] });
    expect(asked(signal, 'none')).toEqual({ transport: 'none', warnings: [] });
    expect(asked(signal, 'console,otlp/stdout').transport).toMatchObject({
      name: 'console,otlp/stdout',
      compression: 'none',
    });
    const others = { OTEL_TRACES_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none' };
    const without = { ...others, OTEL_METRICS_EXPORTER: 'none' } as Record<string, string>;
    delete without[`OTEL_${signal.toUpperCase()}_EXPORTER`];
    const wired = { otlp, 'otlp/stdout': async () => otlp() };
    expect(exporterFromEnv(signal, without, () => {}, wired)).toBeUndefined();
    expect(loaded).toEqual([]);
  });

  it('prometheus is for metrics, beside what is sent to', () => {
    let exposed = 0;
    const prometheus = () => {
      exposed++;
    };
    expect(asked('metrics', 'prometheus', { prometheus })).toEqual({
      transport: 'none',
      warnings: [],
    });
    expect(asked('metrics', 'otlp,prometheus', { prometheus }).transport).toBeUndefined();
    expect(asked('metrics', 'Prometheus, console', { prometheus }).transport).toMatchObject({
      name: 'console',
    });
    expect(exposed).toBe(3);
    expect(asked('metrics', 'prometheus,none', { prometheus }).transport).toBe('none');
    const { transport, warnings } = asked('logs', 'prometheus', { prometheus });
    expect(transport).toBeUndefined();
    expect(warnings).toEqual([expect.stringMatching(/^OTEL_LOGS_EXPORTER has 'prometheus', not /)]);
    expect(exposed).toBe(3);
  });

  it('prometheus where nobody can expose metrics is a warning, and OTLP where it was alone', () => {
    const alone = asked('metrics', 'prometheus');
    expect(alone.transport).toBeUndefined();
    expect(alone.warnings).toEqual([
      'OTEL_METRICS_EXPORTER has prometheus, which cannot be had here; it is ignored.',
    ]);
    expect(asked('metrics', 'console,prometheus').transport).toMatchObject({ name: 'console' });
  });
});

describe('the exporter interface', () => {
  function exporter(outcome: Outcome) {
    const calls: string[] = [];
    const transport: Transport = {
      async send({ signal, records }) {
        calls.push(`export ${records} of ${signal}`);
        return outcome;
      },
      close: () => void calls.push('shutdown'),
    };
    return { calls, transport };
  }

  it.each<readonly [Outcome, object]>([
    [{ kind: 'delivered' }, { sent: 2, rejected: 0 }],
    [
      { kind: 'rejected', reason: 'no' },
      { sent: 0, rejected: 2, lastError: 'no' },
    ],
    [
      { kind: 'partial', rejected: 1, message: 'one' },
      { sent: 1, rejected: 1 },
    ],
  ])(
    "Exporter interface: an exporter of one's own gets batches, answers %j, is shut down",
    async (outcome, expected) => {
      const { calls, transport } = exporter(outcome);
      const host = fakeHost();
      const telemetry = startOn(host, { transport });
      for (let i = 0; i < 2; i++) telemetry.tracer('t').startSpan('s').end();
      const down = telemetry.shutdown();
      await host.settle();
      expect(await down).toMatchObject({ complete: true, ...expected });
      expect(calls).toEqual(['export 2 of traces', 'shutdown']);
    },
  );

  it('Exporter interface has `ForceFlush`: flush exports at once and waits for the answer', async () => {
    const transport = inMemoryTransport();
    let answer: (outcome: Outcome) => void = () => {};
    transport.next(new Promise<Outcome>((resolve) => (answer = resolve)));
    const host = fakeHost();
    const telemetry = startOn(host, { transport, batch: { delayMs: 60_000 } });
    telemetry.tracer('t').startSpan('s').end();
    let report: unknown;
    void telemetry.flush().then((flushed) => {
      report = flushed;
    });
    await host.settle();
    expect([transport.inFlight, report]).toEqual([1, undefined]);
    answer({ kind: 'delivered' });
    await host.settle();
    expect(report).toMatchObject({ complete: true, sent: 1 });

    // It may fail, or not end in time; either is said, and the exporter goes on.
    transport.next({ kind: 'rejected', reason: 'no' }, new Promise<Outcome>(() => {}));
    telemetry.tracer('t').startSpan('s').end();
    const failed = telemetry.flush();
    await host.settle();
    expect(await failed).toMatchObject({ complete: true, rejected: 1, lastError: 'no' });
    telemetry.tracer('t').startSpan('s').end();
    const timedOut = telemetry.flush();
    await host.advance(31_000);
    expect(await timedOut).toMatchObject({ complete: false, queued: 1 });
  });

  it('In-memory (mock exporter): keeps what it is given for tests to look at', async () => {
    const transport = inMemoryTransport();
    const host = fakeHost();
    const telemetry = startOn(host, { transport });
    telemetry
      .tracer('shop', '1.0')
      .startSpan('GET /cart', { attributes: { a: 1 } })
      .end();
    const flushed = telemetry.flush();
    await host.settle();
    await flushed;
    expect(transport.traces()).toMatchObject([
      { name: 'GET /cart', attributes: { a: 1 }, scope: { name: 'shop', version: '1.0' } },
    ]);
    transport.clear();
    expect(transport.traces()).toEqual([]);
  });
});
