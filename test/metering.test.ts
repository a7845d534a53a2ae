import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { afterEach, describe, expect, it } from 'vitest';
import type { MetricProducer } from '../src/api/metric/reader.ts';
import { manualReader } from '../src/api/metric/readers.ts';
import { fakeHost, startOn } from '../src/testing/index.ts';
import { started } from './support/telemetry.ts';

const running: { shutdown(): Promise<unknown> }[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((each) => each.shutdown()));
});

type Rig = ReturnType<typeof started>;

async function flushed({ host, telemetry }: Rig) {
  const report = telemetry.flush();
  await host.settle();
  return report;
}

/** Upstream's SDK as a producer. */
class Bridged extends MetricReader {
  protected override async onForceFlush() {}
  protected override async onShutdown() {}
}

function upstream(): { provider: MeterProvider; producer: MetricProducer } {
  const reader = new Bridged();
  const provider = new MeterProvider({ readers: [reader] });
  running.push(provider);
  return { provider, producer: { collect: () => reader.collect() as never } };
}

const namesOf = ({ transport }: Rig) => transport.metrics().map(({ name }) => name);

describe('metrics of start()', () => {
  it('go at each interval, and at flush()', async () => {
    const rig = started({ metrics: { intervalMs: 1000 } });
    const orders = rig.telemetry.meter('shop', '1.0').createCounter('orders');
    orders.add(3, { channel: 'web' });
    await rig.host.advance(1000);
    expect(namesOf(rig)).toEqual(['orders']);
    orders.add(4, { channel: 'web' });
    await rig.host.advance(1000);
    const sums = rig.transport.metrics().map(({ sum }) => sum!.dataPoints[0]!);
    expect(sums.map(({ asDouble }) => asDouble)).toEqual([3, 7]);
    expect(sums[0]!.attributes).toEqual({ channel: 'web' });
    orders.add(1, { channel: 'shop' });
    expect(await flushed(rig)).toMatchObject({ complete: true, recorded: 4, sent: 4 });
    expect(rig.telemetry.health().signals.metrics).toMatchObject({
      ...{ recorded: 4, sent: 4, queued: 0, rejected: 0, series: 2 },
      measurements: { overflowed: 0, invalid: 0 },
    });
  });

  it('are nothing, and cost no memory, before the first meter', async () => {
    const rig = started({ metrics: { intervalMs: 1000 } });
    await rig.host.advance(10_000);
    expect(rig.transport.payloads).toEqual([]);
    expect(rig.telemetry.health().signals.metrics.cells.usedBytes).toBe(0);
  });

  it('of producers go with the resource of the telemetry', async () => {
    const { provider, producer } = upstream();
    const rig = started({ serviceName: 'shop', metrics: { producers: [producer] } });
    const meter = provider.getMeter('bridged', '2.0');
    meter.createCounter('theirs').add(5, { k: 'v' });
    meter.createHistogram('durations').record(7);
    rig.telemetry.meter('own').createGauge('ours').record(1);
    expect(await flushed(rig)).toMatchObject({ complete: true, recorded: 3, sent: 3 });
    const [ours, theirs, durations] = rig.transport.metrics();
    expect([ours!.name, theirs!.name, durations!.name]).toEqual(['ours', 'theirs', 'durations']);
    for (const { resource } of [ours!, theirs!, durations!]) {
      expect(resource.attributes).toMatchObject({ 'service.name': 'shop' });
    }
    expect(theirs!.scope).toMatchObject({ name: 'bridged', version: '2.0' });
    expect(theirs!.sum!.dataPoints[0]).toMatchObject({ asDouble: 5, attributes: { k: 'v' } });
    expect(durations!.histogram!.dataPoints[0]).toMatchObject({ count: 1n, sum: 7 });
  });

  it('go on where a producer fails, or never answers', async () => {
    const failing = { collect: () => Promise.reject(new Error('no')) };
    const hanging = { collect: () => new Promise<never>(() => {}) };
    const rig = started({ metrics: { producers: [failing, hanging], timeoutMs: 50 } });
    rig.telemetry.meter('own').createCounter('ours').add(1);
    const report = rig.telemetry.flush();
    await rig.host.advance(100);
    expect(await report).toMatchObject({ complete: true, sent: 1 });
    expect(namesOf(rig)).toEqual(['ours']);
  });

  it('are read by other readers besides, each with its own temporality', async () => {
    const reader = manualReader({ temporality: () => 0 });
    const rig = started({ metrics: { readers: [reader] } });
    const counter = rig.telemetry.meter('m').createCounter('c');
    const valueNow = async () => {
      const { resourceMetrics } = await reader.collect();
      return resourceMetrics.scopeMetrics[0]?.metrics[0]?.dataPoints[0]?.value;
    };
    counter.add(2);
    expect(await valueNow()).toBe(2);
    counter.add(3);
    expect(await valueNow()).toBe(3);
    await flushed(rig);
    expect(rig.transport.metrics()[0]!.sum!.dataPoints[0]!.asDouble).toBe(5);
  });

  it('change at run time, before the first meter as well as after', async () => {
    const rig = started();
    rig.telemetry.meterProvider.update({
      views: [{ instrumentName: 'dropped', aggregation: { type: 1 } }],
    });
    const meter = rig.telemetry.meter('m');
    meter.createCounter('dropped').add(1);
    meter.createCounter('kept').add(1);
    await flushed(rig);
    expect(namesOf(rig)).toEqual(['kept']);
    rig.telemetry.meterProvider.update({ views: [{ instrumentName: 'kept', name: 'renamed' }] });
    meter.createCounter('kept').add(1);
    await flushed(rig);
    expect(namesOf(rig)).toContain('renamed');
  });

  it('of a process that ends at once are counted', async () => {
    const rig = started();
    rig.telemetry.meter('m').createCounter('c').add(1, { a: 1 });
    rig.host.exitNow();
    expect(rig.telemetry.health().signals.metrics).toMatchObject({
      recorded: 1,
      dropped: { exit: 1 },
    });
    expect(rig.host.warnings.join()).toContain('1 data point lost (exit 1)');
  });

  it('wait for an engine that is loaded late, and for their own binary', async () => {
    const late = async <T>(load: () => Promise<T>) => {
      for (let i = 0; i < 20; i++) await Promise.resolve();
      return load();
    };
    const host = fakeHost({
      engines: {
        portable: () => late(() => import('../src/engine/generated/core-portable.js')),
      },
    });
    const portable = () => late(() => import('../src/engine/generated/metrics-portable.js'));
    const metrics = { ...host.metrics, portable };
    const telemetry = startOn({ ...host, metrics }, { engine: 'portable' });
    expect(telemetry.health().engine.name).toBe('loading');
    telemetry.meter('m').createCounter('c').add(2, { a: 1 });
    const exits = [host.exitGracefully()];
    while (telemetry.health().signals.metrics.sent === 0) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      await host.settle();
    }
    // Exported once, however often the end of the process asks.
    exits.push(host.exitGracefully());
    await host.settle();
    expect(await Promise.all(exits)).toEqual([true, true]);
    expect(telemetry.health().signals.metrics).toMatchObject({ recorded: 1, sent: 1 });
    expect(host.transport.payloads).toHaveLength(1);
    const down = telemetry.shutdown();
    await host.settle();
    expect(await down).toMatchObject({ complete: true, dropped: 0 });
    expect(telemetry.health().signals.metrics).toMatchObject({ series: 1, dropped: { exit: 0 } });
    const [metric] = host.transport.metrics();
    expect(metric!.sum!.dataPoints[0]).toMatchObject({ asDouble: 2, attributes: { a: 1 } });
  });

  it('that were exported are not exported again when the process ends, nor lost', async () => {
    const rig = started();
    const counter = rig.telemetry.meter('m').createCounter('c');
    rig.telemetry
      .meter('m')
      .createObservableGauge('g')
      .addCallback((result) => result.observe(1));
    counter.add(1);
    const exits = async () => {
      const done = rig.host.exitGracefully();
      await rig.host.settle();
      expect(await done).toBe(true);
    };
    await exits();
    await exits();
    expect(rig.transport.payloads).toHaveLength(1);
    counter.add(1);
    await exits();
    expect(rig.transport.payloads).toHaveLength(2);
    rig.host.exitNow();
    expect(rig.host.warnings).toEqual([]);
    expect(rig.telemetry.health().signals.metrics).toMatchObject({ recorded: 4, sent: 4 });
  });

  it('are none where the environment says so, or the SDK is disabled', async () => {
    const none = started({}, { env: { OTEL_SDK_DISABLED: 'true' } });
    none.telemetry.meter('m').createCounter('c').add(1);
    none.telemetry.logger('l').emit({ body: 'b' });
    await flushed(none);
    expect(none.transport.payloads).toEqual([]);
  });
});

describe('signals', () => {
  it('share one endpoint, and have accounts of their own', async () => {
    const rig = started();
    rig.tracer.startSpan('s').end();
    rig.telemetry.logger('l').emit({ body: 'b', severityNumber: 9 });
    rig.telemetry.meter('m').createCounter('c').add(1);
    await flushed(rig);
    const { signals, endpoints } = rig.telemetry.health();
    expect(endpoints).toHaveLength(1);
    expect(endpoints[0]).toMatchObject({ signals: ['traces', 'logs', 'metrics'] });
    for (const signal of [signals.traces, signals.logs, signals.metrics]) {
      expect(signal).toMatchObject({ recorded: 1, sent: 1, requests: 1 });
    }
    expect(rig.transport.payloads.map(({ signal }) => signal).sort()).toEqual([
      'logs',
      'metrics',
      'traces',
    ]);
    expect(rig.transport.logs()[0]).toMatchObject({ body: 'b', severityNumber: 9 });
  });

  it('go to different places where their variables say so', () => {
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://all:4318',
      OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: 'http://logs:4318/in',
    };
    const { endpoints } = started({}, { env }).telemetry.health();
    expect(endpoints.map(({ signals, url }) => [signals, url])).toEqual([
      [['traces', 'metrics'], 'http://all:4318/v1/traces'],
      [['logs'], 'http://logs:4318/in'],
    ]);
  });

  it('are told apart in what is lost', async () => {
    const rig = started();
    rig.transport.always({ kind: 'rejected', reason: 'no' });
    rig.tracer.startSpan('s').end();
    rig.telemetry.logger('l').emit({ body: 'b' });
    await flushed(rig);
    const down = rig.telemetry.shutdown();
    await rig.host.settle();
    await down;
    const said = rig.host.warnings.join('\n');
    expect(said).toContain('1 span lost (rejected 1)');
    expect(said).toContain('1 log record lost (rejected 1)');
  });
});
