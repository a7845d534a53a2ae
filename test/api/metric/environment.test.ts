/** Variables of the specification about metrics, from `start()` to what arrives. */

import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import type { StartOptions } from '../../../src/options/options.ts';
import { host as nodeHost } from '../../../src/runtime/node/host.ts';
import { startOn } from '../../../src/telemetry.ts';
import { started } from '../../support/telemetry.ts';

type Env = Record<string, string>;

/** The metrics that `measure` makes with these variables and no others. */
async function exported(
  env: Env,
  measure: (telemetry: ReturnType<typeof started>['telemetry']) => void,
  options: StartOptions = {},
) {
  const { host, telemetry, transport } = started(options, { env });
  measure(telemetry);
  const flush = telemetry.flush();
  await host.settle();
  await flush;
  return transport.metrics();
}

describe('OTEL_METRICS_EXPORTER', () => {
  const onNode = (env: Env) => startOn({ ...nodeHost, env }, { flushOnExit: false });

  it('OTEL_METRICS_EXPORTER: none exports nothing, other signals go on', async () => {
    const telemetry = onNode({ OTEL_METRICS_EXPORTER: 'none' });
    telemetry.meter('m').createCounter('c').add(1);
    expect(telemetry.health().signals.metrics).toMatchObject({ recorded: 0, series: 0 });
    expect(await telemetry.shutdown()).toMatchObject({ complete: true, recorded: 0 });
  });

  it('OTEL_METRICS_EXPORTER: prometheus exposes what is measured, from the first measurement on', async () => {
    const env = { OTEL_METRICS_EXPORTER: 'prometheus' };
    const urls: string[] = [];
    const prometheus = async () => {
      const reader = await nodeHost.prometheus!();
      return {
        ...reader,
        async listen() {
          const server = await reader.listen({ host: '127.0.0.1', port: 0 });
          urls.push(server.url);
          return server;
        },
      };
    };
    const telemetry = startOn({ ...nodeHost, env, prometheus }, { flushOnExit: false });
    telemetry.meter('m').createCounter('orders').add(2, { channel: 'web' });
    while (urls.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const text = await (await fetch(urls[0]!)).text();
    expect(text).toMatch(/^orders_total\{.*channel="web".*\} 2$/m);
    expect(telemetry.health().signals.metrics).toMatchObject({ recorded: 0, requests: 0 });
    expect(await telemetry.shutdown()).toMatchObject({ complete: true });
    await expect(fetch(urls[0]!)).rejects.toThrow();
  });
});

describe('OTEL_METRIC_EXPORT_*', () => {
  it('OTEL_METRIC_EXPORT_INTERVAL: so long from one export to the next', async () => {
    const { host, telemetry, transport } = started(
      {},
      { env: { OTEL_METRIC_EXPORT_INTERVAL: '250' } },
    );
    telemetry.meter('m').createCounter('c').add(1);
    // The first comes at some time within the first interval.
    await host.advance(250);
    expect(transport.metrics()).toHaveLength(1);
    await host.advance(500);
    expect(transport.metrics()).toHaveLength(3);
  });

  it('OTEL_METRIC_EXPORT_TIMEOUT: callbacks that take longer are left out', async () => {
    const { host, telemetry, transport } = started(
      {},
      { env: { OTEL_METRIC_EXPORT_INTERVAL: '1000', OTEL_METRIC_EXPORT_TIMEOUT: '30' } },
    );
    const meter = telemetry.meter('m');
    meter.createObservableGauge('never').addCallback(() => new Promise(() => {}));
    meter.createCounter('c').add(1);
    await host.advance(1000);
    await host.advance(29);
    expect(transport.metrics().map(({ name }) => name)).toEqual(
      transport.metrics().length === 0 ? [] : ['c'],
    );
    await host.advance(1);
    expect(transport.metrics().map(({ name }) => name)).toEqual(['c']);
  });
});

describe('OTEL_METRICS_EXEMPLAR_FILTER', () => {
  const exemplarsWith = async (filter: string, sampled: boolean) => {
    const span = trace.wrapSpanContext({
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203331',
      traceFlags: sampled ? 1 : 0,
    });
    const [metric] = await exported({ OTEL_METRICS_EXEMPLAR_FILTER: filter }, (telemetry) => {
      const counter = telemetry.meter('m').createCounter('c');
      counter.add(7, {}, trace.setSpan(ROOT_CONTEXT, span));
    });
    return metric!.sum!.dataPoints[0]!.exemplars.map(({ asDouble, spanId }) => [asDouble, spanId]);
  };

  it('OTEL_METRICS_EXEMPLAR_FILTER: which measurements become exemplars', async () => {
    const exemplar = [[7, 'b7ad6b7169203331']];
    expect(await exemplarsWith('always_off', true)).toEqual([]);
    expect(await exemplarsWith('trace_based', true)).toEqual(exemplar);
    expect(await exemplarsWith('trace_based', false)).toEqual([]);
    expect(await exemplarsWith('always_on', false)).toEqual(exemplar);
    expect(context.active()).toBe(ROOT_CONTEXT);
  });
});

describe('OTEL_EXPORTER_OTLP_METRICS_*', () => {
  const temporalities = (preference: string) =>
    exported({ OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: preference }, (telemetry) => {
      const meter = telemetry.meter('m');
      meter.createCounter('counter').add(1);
      meter.createUpDownCounter('updown').add(1);
      meter.createHistogram('histogram').record(1);
      meter.createObservableCounter('observed').addCallback((result) => result.observe(1));
    }).then((metrics) =>
      Object.fromEntries(
        metrics.map(({ name, sum, histogram }) => [
          name,
          (sum ?? histogram)!.aggregationTemporality,
        ]),
      ),
    );

  it('OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: the temporality of each kind of instruments', async () => {
    expect(await temporalities('cumulative')).toEqual({
      ...{ counter: 2, updown: 2 },
      ...{ histogram: 2, observed: 2 },
    });
    expect(await temporalities('DELTA')).toEqual({
      ...{ counter: 1, updown: 2 },
      ...{ histogram: 1, observed: 1 },
    });
    expect(await temporalities('lowmemory')).toEqual({
      ...{ counter: 1, updown: 2 },
      ...{ histogram: 1, observed: 2 },
    });
  });

  it('OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION: what histograms become where no view says so', async () => {
    const variable = 'OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION';
    const record = (telemetry: ReturnType<typeof started>['telemetry']) => {
      telemetry.meter('m').createHistogram('h').record(3);
    };
    const explicit = { instrumentName: 'h', aggregation: { type: 4 } } as const;
    const [usual] = await exported({ [variable]: 'explicit_bucket_histogram' }, record);
    expect(usual!.histogram!.dataPoints[0]).toMatchObject({ count: 1n, sum: 3 });
    const [other] = await exported({ [variable]: 'base2_exponential_bucket_histogram' }, record);
    expect(other!.exponentialHistogram!.dataPoints[0]).toMatchObject({ count: 1n, scale: 20 });
    const [viewed] = await exported({ [variable]: 'base2_exponential_bucket_histogram' }, record, {
      metrics: { views: [explicit] },
    });
    expect(viewed!.histogram!.dataPoints[0]).toMatchObject({ count: 1n });
  });
});

describe('Exporters', () => {
  it('SchemaURL in ResourceMetrics and ScopeMetrics: the detectors’ and the meter’s, each its own', async () => {
    const detectors = [
      { detect: () => ({ attributes: { 'a.b': 1 }, schemaUrl: 'https://example.com/resource' }) },
    ];
    const [metric] = await exported(
      {},
      ({ meterProvider }) => {
        const meter = meterProvider.getMeter('m', '1', { schemaUrl: 'https://example.com/scope' });
        meter.createCounter('c').add(1);
      },
      { detectors },
    );
    expect(metric!.resource.schemaUrl).toBe('https://example.com/resource');
    expect(metric!.scope.schemaUrl).toBe('https://example.com/scope');
  });
});
