import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { ROOT_CONTEXT, TraceFlags, trace as traceApi } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import type { Payload } from '../../src/deliver/transport.ts';
import { consoleTransport } from '../../src/exporters/console.ts';
import { ENVELOPES } from '../../src/workbench/collector/decode.ts';
import { wireOf } from '../../src/workbench/collector/schema.ts';
import { type TraceRig, traceRig } from '../support/engines.ts';
import { otlpCorpus } from '../support/otlp-corpora.ts';
import { randomFrom } from '../support/random.ts';
import { randomPlan, randomStyle, record } from '../support/span-plan.ts';
import { started } from '../support/telemetry.ts';

function payloadOf(rig: TraceRig): Payload {
  const body = rig.encode();
  const { records } = rig.encoded!;
  const fixed = { signal: 'traces', encoding: 'identity', contentType: 'application/x-protobuf' };
  return { ...fixed, body, records, rawBytes: body.length } as Payload;
}

function printed() {
  const entries: string[] = [];
  return { entries, transport: consoleTransport({ write: (entry) => entries.push(entry) }) };
}

/** A span with everything, whose ids do not change from run to run. */
function fullSpan(rig: TraceRig): void {
  const remote = {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    traceFlags: TraceFlags.SAMPLED,
    isRemote: true,
    traceState: { serialize: () => 'vendor=1', get: () => undefined } as never,
  };
  const span = rig.tracer('till', '2.1.0').startSpan(
    'GET /cart',
    {
      kind: 1,
      startTime: [1_700_000_000, 1_002_003],
      attributes: {
        'http.request.method': 'GET',
        'http.response.status_code': 500,
        ratio: 0.25,
        cached: false,
        'two words': ['a', 'b'],
        map: { deep: [1, null, { empty: {} }], nan: Number.NaN, minus: -0 } as never,
        bytes: Uint8Array.of(1, 2, 3) as never,
        big: (2n ** 62n) as never,
      },
      links: [{ context: remote, attributes: { why: 'batch' } }, { context: remote }],
    },
    traceApi.setSpanContext(ROOT_CONTEXT, remote),
  );
  span.addEvent('cache.miss', { key: 'cart:1', tries: 2 }, [1_700_000_000, 2_000_000]);
  span.addEvent('bare', [1_700_000_000, 3_000_000]);
  span.setStatus({ code: 2, message: 'no "money"' });
  span.end([1_700_000_000, 13_500_003]);
}

describe('the console exporter', () => {
  it('Standard output (logging): prints a readable entry for each span', async () => {
    const rig = traceRig('simd', { resource: { attributes: { 'service.name': 'shop' } } });
    fullSpan(rig);
    rig
      .tracer('bare')
      .startSpan('bare', { root: true, startTime: [1_700_000_000, 0] })
      .end([1_700_000_002, 0]);
    const { entries, transport } = printed();
    expect(await transport.send(payloadOf(rig))).toEqual({ kind: 'delivered' });
    expect(entries).toHaveLength(2);
    await expect(`${entries.join('\n\n')}\n`).toMatchFileSnapshot('console.snap.txt');
  });

  it('prints to console.log unless told otherwise', async () => {
    const rig = traceRig('simd');
    rig.tracer('t').startSpan('s').end();
    const log = console.log;
    const logged: unknown[][] = [];
    console.log = (...args) => void logged.push(args);
    try {
      await consoleTransport().send(payloadOf(rig));
    } finally {
      console.log = log;
    }
    expect(logged).toEqual([[expect.stringMatching(/^span "s"\n {2}trace id {4}[0-9a-f]{32}\n/)]]);
  });

  it('shows what a terminal would obey as escapes', async () => {
    const rig = traceRig('simd');
    const evil = '\u001b[2J\u0007\r\n\u009b31m\u202e\u2028\u{e0001}"';
    const span = rig.tracer(evil, evil).startSpan(evil, { attributes: { [evil]: evil } });
    span
      .addEvent(evil, { [evil]: [evil] })
      .setStatus({ code: 2, message: evil })
      .end();
    const { entries, transport } = printed();
    await transport.send(payloadOf(rig));
    expect(entries[0]).not.toMatch(/[^\n\x20-\x7e]/);
    expect(entries[0]!.split('\n')[0]).toBe(
      'span "\\u001b[2J\\u0007\\r\\n\\u{9b}31m\\u{202e}\\u{2028}\\u{e0001}\\""',
    );
  });

  it('prints whatever can be recorded', async () => {
    for (let seed = 1; seed <= 4; seed++) {
      const random = randomFrom(seed);
      const rig = traceRig('simd', { seed, ringBytes: 1 << 22 });
      const style = randomStyle(random);
      for (let i = 0; i < 30; i++) record(rig.tracer('t'), randomPlan(random, style));
      const { entries, transport } = printed();
      const payload = payloadOf(rig);
      expect(await transport.send(payload)).toEqual({ kind: 'delivered' });
      expect(entries).toHaveLength(payload.records);
      for (const entry of entries) expect(entry).not.toContain('undefined');
    }
  });

  it('says how many entries were lost when printing fails', async () => {
    const rig = traceRig('simd');
    for (let i = 0; i < 3; i++) rig.tracer('t').startSpan('s').end();
    const payload = payloadOf(rig);
    let left = 1;
    const transport = consoleTransport({
      write() {
        if (left-- === 0) throw new Error('closed');
      },
    });
    expect(await transport.send(payload)).toEqual({
      kind: 'partial',
      rejected: 2,
      message: 'console: Error: closed',
    });
    left = 0;
    expect(await transport.send(payload)).toEqual({
      kind: 'rejected',
      reason: 'console: Error: closed',
    });
  });

  it('rejects bodies that are compressed or no OTLP, and sends nothing once it is closed', async () => {
    const rig = traceRig('simd');
    rig.tracer('t').startSpan('s').end();
    const payload = payloadOf(rig);
    const { entries, transport } = printed();
    const compressed = { ...payload, body: gzipSync(payload.body), encoding: 'gzip' as const };
    expect(await transport.send(compressed)).toMatchObject({
      kind: 'rejected',
      reason: expect.stringMatching(/compressed \(gzip\)/),
    });
    expect(await transport.send({ ...payload, body: Uint8Array.of(1) })).toMatchObject({
      kind: 'rejected',
    });
    transport.close();
    expect(await transport.send(payload)).toMatchObject({ kind: 'retryable' });
    expect(entries).toEqual([]);
  });

  it('gets bodies as it wants them, whatever compression is configured', async () => {
    const { entries, transport } = printed();
    const { tracer, telemetry, host } = started({ transport, compression: 'gzip' });
    for (let i = 0; i < 40; i++)
      tracer.startSpan(`span ${i}`).setAttribute('k', 'v'.repeat(50)).end();
    const flushed = telemetry.flush();
    await host.settle();
    expect(await flushed).toMatchObject({ complete: true, sent: 40, rejected: 0 });
    expect(entries).toHaveLength(40);
    expect(telemetry.health().endpoints).toMatchObject([{ url: 'console', state: 'ok' }]);
  });
});

/** A request of logs or metrics in one resource and one scope. */
function payloadWith(
  signal: 'logs' | 'metrics',
  records: readonly object[],
  count: number,
): Payload {
  const { request, resources, scopes, records: name } = ENVELOPES[signal];
  const attributes = [{ key: 'service.name', value: { stringValue: 'shop' } }];
  const scope = { name: 'till', version: '2.1.0' };
  const type = wireOf(request);
  const message = {
    [resources]: [{ resource: { attributes }, [scopes]: [{ scope, [name]: records }] }],
  };
  const body = type.encode(type.fromObject(message)).finish();
  const fixed = { encoding: 'identity', contentType: 'application/x-protobuf' } as const;
  return { ...fixed, signal, body, records: count, rawBytes: body.length };
}

const START = 1_700_000_000_001_002_003n;
const at = (nanos: bigint) => String(START + nanos);
const TRACE_ID = Buffer.from('0af7651916cd43dd8448eb211c80319c', 'hex');
const SPAN_ID = Buffer.from('b7ad6b7169203331', 'hex');
const route = (value: string) => [{ key: 'http.route', value: { stringValue: value } }];

const LOGS = [
  {
    ...{ timeUnixNano: at(0n), observedTimeUnixNano: at(5n), severityNumber: 17 },
    ...{ severityText: 'ERROR', body: { stringValue: 'no "money"' }, eventName: 'payment.failed' },
    ...{
      traceId: TRACE_ID,
      spanId: SPAN_ID,
      attributes: route('/cart'),
      droppedAttributesCount: 2,
    },
  },
  { observedTimeUnixNano: at(0n), body: { kvlistValue: { values: route('/') } } },
];

const POINT = { startTimeUnixNano: at(0n), timeUnixNano: at(10n ** 10n) };
const METRICS = [
  {
    ...{ name: 'http.server.request.duration', unit: 's', description: 'How long requests take.' },
    histogram: {
      aggregationTemporality: 2,
      dataPoints: [
        {
          ...{ ...POINT, attributes: route('/cart'), count: 4, sum: 1.5, min: 0.002, max: 1 },
          ...{ bucketCounts: [0, 3, 0, 1], explicitBounds: [0.001, 0.01, 0.5] },
          exemplars: [
            { timeUnixNano: at(1n), asDouble: 1, traceId: TRACE_ID, spanId: SPAN_ID },
            { timeUnixNano: at(2n), asDouble: -0, filteredAttributes: route('/x') },
          ],
        },
        { ...POINT, attributes: route('/stock'), count: 1, bucketCounts: [1], explicitBounds: [] },
      ],
    },
  },
  {
    ...{ name: 'app.orders', unit: '{order}' },
    sum: {
      ...{ aggregationTemporality: 1, isMonotonic: true },
      dataPoints: [
        { ...POINT, asInt: -7 },
        { ...POINT, asDouble: Number.NaN },
      ],
    },
  },
  { name: 'heap', gauge: { dataPoints: [{ timeUnixNano: at(0n), flags: 1 }] } },
  {
    name: 'e',
    exponentialHistogram: {
      aggregationTemporality: 2,
      dataPoints: [
        {
          ...{ ...POINT, count: 7, scale: 1, zeroCount: 1 },
          negative: { offset: 0, bucketCounts: [1, 2] },
          positive: { offset: -2, bucketCounts: [1, 0, 2] },
        },
      ],
    },
  },
  {
    name: 's',
    summary: {
      dataPoints: [
        { ...POINT, count: 2, sum: 3, quantileValues: [{ quantile: 0.5, value: 1.5 }, {}] },
      ],
    },
  },
  { name: 'nothing' },
];

describe('the console exporter for log records and metrics', () => {
  it('LogRecord Exporter, Standard output: prints a readable entry for each log record', async () => {
    const { entries, transport } = printed();
    expect(await transport.send(payloadWith('logs', LOGS, 2))).toEqual({ kind: 'delivered' });
    expect(entries).toHaveLength(2);
    await expect(`${entries.join('\n\n')}\n`).toMatchFileSnapshot('console-logs.snap.txt');
  });

  it('Metrics Exporter, Standard output: prints a readable entry for each metric', async () => {
    const { entries, transport } = printed();
    expect(await transport.send(payloadWith('metrics', METRICS, 7))).toEqual({ kind: 'delivered' });
    expect(entries).toHaveLength(METRICS.length);
    await expect(`${entries.join('\n\n')}\n`).toMatchFileSnapshot('console-metrics.snap.txt');
  });

  it.each(['logs', 'metrics'] as const)('prints whatever programs export (%s)', async (signal) => {
    const { entries, transport } = printed();
    const body = otlpCorpus(signal, 200);
    const payload = { ...payloadWith(signal, [], 200), body, rawBytes: body.length };
    expect(await transport.send(payload)).toEqual({ kind: 'delivered' });
    expect(entries).toHaveLength(signal === 'logs' ? 200 : 8);
    for (const entry of entries) expect(entry).not.toMatch(/undefined|\[object/);
  });

  it('shows what a terminal would obey as escapes', async () => {
    const evil = '\u001b[2J\u0007\r\n\u009b31m\u202e\u2028"';
    const attributes = [{ key: evil, value: { stringValue: evil } }];
    const { entries, transport } = printed();
    const log = { severityText: evil, eventName: evil, body: { stringValue: evil }, attributes };
    await transport.send(payloadWith('logs', [log], 1));
    const gauge = { dataPoints: [{ attributes, exemplars: [{ filteredAttributes: attributes }] }] };
    const metric = { name: evil, unit: evil, description: evil, gauge };
    await transport.send(payloadWith('metrics', [metric], 1));
    expect(entries).toHaveLength(2);
    for (const entry of entries) expect(entry).not.toMatch(/[^\n\x20-\x7e]/);
  });

  it('says how many data points were lost when printing fails', async () => {
    let left = 1;
    const transport = consoleTransport({
      write() {
        if (left-- === 0) throw new Error('closed');
      },
    });
    expect(await transport.send(payloadWith('metrics', METRICS, 7))).toEqual({
      kind: 'partial',
      rejected: 5,
      message: 'console: Error: closed',
    });
  });
});

it.each([
  ['span', 'console.snap.txt'],
  ['log', 'console-logs.snap.txt'],
  ['metric', 'console-metrics.snap.txt'],
])('the documentation shows what is printed of a %s', (what, file) => {
  const docs = readFileSync(new URL('../../docs/exporters.md', import.meta.url), 'utf8');
  const snapshot = readFileSync(new URL(file, import.meta.url), 'utf8');
  const example = new RegExp(`\`\`\`text\\n(${what} [^\`]*)\`\`\``).exec(docs)![1]!;
  for (const line of example.trimEnd().split('\n')) expect(snapshot).toContain(line);
});
