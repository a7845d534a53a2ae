import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { type IMetricReader, MeterProvider } from '@opentelemetry/sdk-metrics';
import { afterEach, describe, expect, it } from 'vitest';
import { type CollectionResult, DELTA, type MetricData } from '../../src/api/metric/data.ts';
import type { CollectOptions, Collector } from '../../src/api/metric/reader.ts';
import type { ListenOptions, PrometheusReader } from '../../src/prometheus/reader.ts';
import {
  prometheusReader as nodeReader,
  type PrometheusReaderOptions,
} from '../../src/runtime/node/prometheus.ts';
import { prometheusReader as webReader } from '../../src/runtime/web/prometheus.ts';
import {
  collected,
  counter,
  exponentialHistogram,
  type Given,
  gauge,
  histogram,
  upDownCounter,
} from '../support/collected.ts';
import { saidDuring } from '../support/diag.ts';
import { readExposition } from '../support/exposition.ts';

const HOSTS = { node: nodeReader, web: webReader };
const OPEN_METRICS = 'application/openmetrics-text;version=1.0.0';

/** A collector that counts collections, and may hold them. */
function collectorOf(metrics: readonly MetricData[] | (() => Promise<readonly MetricData[]>)) {
  const asked: (CollectOptions | undefined)[] = [];
  const errors: unknown[] = [];
  const collector = {
    async collect(options?: CollectOptions): Promise<CollectionResult> {
      asked.push(options);
      const all = typeof metrics === 'function' ? await metrics() : metrics;
      return { resourceMetrics: collected(all, { resource: { 'service.name': 'shop' } }), errors };
    },
  };
  return { collector: collector as unknown as Collector, asked, errors };
}

const readers: PrometheusReader[] = [];
function readerWith(
  collector: Collector,
  options: PrometheusReaderOptions = {},
  make: typeof nodeReader = nodeReader,
): PrometheusReader {
  const reader = make(options);
  readers.push(reader);
  reader.setMetricProducer(collector);
  return reader;
}
afterEach(async () => {
  await Promise.all(readers.splice(0).map((reader) => reader.shutdown()));
});

const scrape = (headers: Record<string, string> = {}, method = 'GET') =>
  new Request('http://localhost/metrics', { method, headers });

describe.each(Object.entries(HOSTS))('fetch on %s', (_host, make) => {
  const HITS = [counter('hits', [[{ a: 'b' }, 3]])];

  it('answers with the text format when nothing else is asked for', async () => {
    const reader = readerWith(collectorOf(HITS).collector, {}, make);
    const response = await reader.fetch(scrape());
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(response.headers.get('vary')).toBe('accept, accept-encoding');
    expect(await response.text()).toBe(
      '# TYPE target_info gauge\n# HELP target_info Target metadata\ntarget_info{service_name="shop"} 1\n' +
        '# TYPE hits_total counter\nhits_total{a="b"} 3\n',
    );
  });

  it('answers with OpenMetrics when it is asked for, and with names as they were', async () => {
    const options = { translationStrategy: 'NoTranslation' } as const;
    const metrics = [gauge('queue.size', [[{}, 1]])];
    const reader = readerWith(collectorOf(metrics).collector, options, make);
    const accept = `${OPEN_METRICS};escaping=allow-utf-8`;
    const response = await reader.fetch(scrape({ accept }));
    expect(response.headers.get('content-type')).toBe(
      'application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8',
    );
    expect(await response.text()).toContain('\n{"queue.size"} 1\n# EOF\n');
  });

  it('compresses what is large when it may', async () => {
    const large = counter(
      'hits',
      Array.from({ length: 200 }, (_, i) => [{ route: `/route/${i}` }, i] as const),
    );
    const reader = readerWith(collectorOf([large]).collector, {}, make);
    const headers = { 'accept-encoding': 'deflate, gzip;q=0.5' };
    const response = await reader.fetch(scrape(headers));
    expect(response.headers.get('content-encoding')).toBe('gzip');
    const bytes = new Uint8Array(await response.arrayBuffer());
    const plain = await (await reader.fetch(scrape())).text();
    expect(bytes.length).toBeLessThan(plain.length / 3);
    expect(gunzipSync(bytes).toString()).toBe(plain);
  });

  it('leaves small answers as they are', async () => {
    const reader = readerWith(collectorOf(HITS).collector, {}, make);
    const response = await reader.fetch(scrape({ 'accept-encoding': 'gzip' }));
    expect(response.headers.get('content-encoding')).toBeNull();
    expect(await response.text()).toContain('hits_total{a="b"} 3\n');
  });

  it('answers HEAD without a body, and refuses everything but reading', async () => {
    const reader = readerWith(collectorOf(HITS).collector, {}, make);
    const head = await reader.fetch(scrape({}, 'HEAD'));
    expect([head.status, await head.text()]).toEqual([200, '']);
    const post = await reader.fetch(scrape({}, 'POST'));
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });
});

describe('collections', () => {
  it('serve all scrapes that come meanwhile, each in its format', async () => {
    let release = (_metrics: readonly MetricData[]) => {};
    const held = new Promise<readonly MetricData[]>((resolve) => {
      release = resolve;
    });
    const { collector, asked } = collectorOf(() => held);
    const reader = readerWith(collector);
    const answers = [
      reader.fetch(scrape()),
      reader.fetch(scrape({ accept: OPEN_METRICS })),
      reader.fetch(scrape()),
    ];
    release([counter('hits', [[{}, 1]])]);
    const texts = await Promise.all(answers.map(async (answer) => (await answer).text()));
    expect(asked).toHaveLength(1);
    expect(texts[0]).toBe(texts[2]);
    readExposition(texts[0]!, 'text');
    readExposition(texts[1]!, 'openMetrics');
    await reader.fetch(scrape());
    expect(asked).toHaveLength(2);
  });

  it('take less time than the scrape waits', async () => {
    const { collector, asked } = collectorOf([]);
    const reader = readerWith(collector);
    for (const seconds of ['5', '86400', 'soon', '-1']) {
      await reader.fetch(scrape({ 'x-prometheus-scrape-timeout-seconds': seconds }));
    }
    expect(asked.map((options) => options?.timeoutMillis)).toEqual([4500, 60_000, 9000, 9000]);
  });

  it('that fail are an error of the server, and the next is tried', async () => {
    let attempts = 0;
    const { collector } = collectorOf(async () => {
      if (attempts++ === 0) throw new Error('no metrics today: secret');
      return [];
    });
    const reader = readerWith(collector);
    const said = await saidDuring(async () => {
      const response = await reader.fetch(scrape());
      expect(response.status).toBe(500);
      expect(await response.text()).not.toContain('secret');
    });
    expect(said.map(({ level }) => level)).toEqual(['error']);
    expect((await reader.fetch(scrape())).status).toBe(200);
  });

  it('whose callbacks failed are exposed, and what failed is said', async () => {
    const { collector, errors } = collectorOf([gauge('size', [[{}, 1]])]);
    errors.push(new Error('callback'));
    const reader = readerWith(collector);
    const said = await saidDuring(async () => {
      expect(await (await reader.fetch(scrape())).text()).toContain('size 1\n');
    });
    expect(said).toMatchObject([{ level: 'error', more: errors }]);
  });

  it('have conflicts that are said once', async () => {
    const { collector } = collectorOf([gauge('size', [[{}, 1]]), counter('size', [[{}, 1]])]);
    const options = { translationStrategy: 'NoTranslation' } as const;
    const reader = readerWith(collector, options);
    const said = await saidDuring(async () => {
      for (let i = 0; i < 3; i++) await reader.fetch(scrape());
      await reader.fetch(scrape({ accept: OPEN_METRICS }));
    });
    expect(said.map(({ line }) => line)).toEqual([
      "otlp-wasm: prometheus: metric 'size' is left out: there is a gauge with samples size",
    ]);
  });

  it('have the metrics of other producers, too', async () => {
    const { collector } = collectorOf([gauge('own', [[{}, 1]])]);
    const other = collectorOf([gauge('other', [[{}, 2]])]).collector;
    const reader = readerWith(collector, { metricProducers: [other], withoutScopeInfo: true });
    const text = await (await reader.fetch(scrape())).text();
    expect(text).toContain('own 1\n');
    expect(text).toContain('other 2\n');
  });
});

describe('delta temporality of other producers', () => {
  const delta: Given = { temporality: DELTA };
  const at = (metric: MetricData, seconds: number): MetricData =>
    ({
      ...metric,
      dataPoints: metric.dataPoints.map((point) => ({ ...point, endTime: [seconds, 0] })),
    }) as MetricData;

  /** What each of several scrapes finds, without metadata. */
  async function found(collections: readonly (readonly MetricData[])[]): Promise<string[][]> {
    let next = 0;
    const { collector } = collectorOf(async () => collections[next++] ?? []);
    const reader = readerWith(collector, { withoutScopeInfo: true, withoutTargetInfo: true });
    const texts: string[][] = [];
    for (const _ of collections) {
      const text = await (await reader.fetch(scrape())).text();
      readExposition(text, 'text');
      texts.push(text.split('\n').filter((line) => line !== '' && !line.startsWith('#')));
    }
    return texts;
  }

  it('Delta Non-Monotonic Sums become Cumulative Prometheus Counters: monotonic ones do, others gauges', async () => {
    const hits = (value: number, seconds: number, a = 'x') =>
      at(counter('hits', [[{ a, b: 1 }, value]], delta), seconds);
    const items = (value: number, seconds: number) =>
      at(upDownCounter('items', [[{}, value]], delta), seconds);
    expect(
      await found([
        [hits(2, 10), items(5, 10)],
        [hits(3, 20), hits(1, 20, 'y'), items(-2, 20)],
        [],
        // The same again: told before.
        [hits(3, 20)],
        [at(counter('hits', [[{ b: 1, a: 'x' }, 4]], delta), 30)],
      ]),
    ).toEqual([
      ['hits_total{a="x",b="1"} 2', 'items 5'],
      ['hits_total{a="x",b="1"} 5', 'hits_total{a="y",b="1"} 1', 'items 3'],
      ['hits_total{a="x",b="1"} 5', 'hits_total{a="y",b="1"} 1', 'items 3'],
      ['hits_total{a="x",b="1"} 5', 'hits_total{a="y",b="1"} 1', 'items 3'],
      ['hits_total{a="x",b="1"} 9', 'hits_total{a="y",b="1"} 1', 'items 3'],
    ]);
  });

  it('Delta Histograms become Cumulative Prometheus Histograms: buckets, sums and counts', async () => {
    const latency = (counts: number[], sum: number | undefined, seconds: number, bound = 1) => {
      const count = counts.reduce((all, each) => all + each);
      const value = { buckets: { boundaries: [bound], counts }, count, sum };
      return [at(histogram('latency', [[{}, value]], delta), seconds)];
    };
    const collections = [
      latency([1, 2], 5, 10),
      latency([10, 0], 4.5, 20),
      // Other buckets.
      latency([1, 1], 7, 30, 2),
      latency([0, 1], undefined, 40, 2),
    ];
    expect(await found(collections)).toEqual(
      [
        ['le="1"} 1', 'le="+Inf"} 3', 'sum 5', 'count 3'],
        ['le="1"} 11', 'le="+Inf"} 13', 'sum 9.5', 'count 13'],
        ['le="2"} 1', 'le="+Inf"} 2', 'sum 7', 'count 2'],
        ['le="2"} 1', 'le="+Inf"} 3', 'count 3'],
      ].map((lines) =>
        lines.map((line) => `latency_${line.startsWith('le') ? `bucket{${line}` : line}`),
      ),
    );
  });

  it('has at most 2000 series of a metric, and says so', async () => {
    const many = counter(
      'hits',
      Array.from({ length: 2100 }, (_, i) => [{ i }, 1] as const),
      delta,
    );
    let lines: string[] = [];
    const said = await saidDuring(async () => {
      [lines = []] = await found([[many]]);
    });
    expect(lines).toHaveLength(2000);
    expect(said).toHaveLength(1);
  });
});

describe('the reader', () => {
  it('wants cumulative metrics of every instrument, and aggregations as it is told', () => {
    const aggregation = { type: 5 } as const;
    const plain = nodeReader();
    const told = nodeReader({ aggregation: () => aggregation, cardinalityLimit: 7 });
    for (const kind of ['COUNTER', 'HISTOGRAM', 'OBSERVABLE_UP_DOWN_COUNTER'] as const) {
      expect(plain.selectAggregationTemporality(kind)).toBe(1);
      expect(told.selectAggregationTemporality(kind)).toBe(1);
      expect(plain.selectAggregation(kind)).toEqual({ type: 0 });
      expect(told.selectAggregation(kind)).toBe(aggregation);
      expect(told.selectCardinalityLimit?.(kind)).toBe(7);
    }
  });

  it('says why it has nothing yet, and nothing any more', async () => {
    const reader = nodeReader();
    const early = await reader.fetch(scrape());
    expect([early.status, await early.text()]).toEqual([
      503,
      'This Prometheus reader belongs to no meter provider yet.\n',
    ]);
    reader.setMetricProducer(collectorOf([]).collector);
    await reader.forceFlush();
    expect((await reader.fetch(scrape())).status).toBe(200);
    await reader.shutdown();
    const late = await reader.fetch(scrape());
    expect([late.status, await late.text()]).toEqual([
      503,
      'This Prometheus reader is shut down.\n',
    ]);
  });

  it('is one for upstream’s meter provider, too', async () => {
    const reader = nodeReader({ withoutTargetInfo: true });
    const provider = new MeterProvider({ readers: [reader as unknown as IMetricReader] });
    const meter = provider.getMeter('lib', '1.0');
    meter.createCounter('hits', { unit: 'By', description: 'Hits' }).add(3, { a: 'b' });
    meter.createHistogram('latency', { advice: { explicitBucketBoundaries: [1] } }).record(0.5);
    const text = await (await reader.fetch(scrape())).text();
    readExposition(text, 'text');
    expect(text.split('\n').filter((line) => /^(hits|latency_bucket)/.test(line))).toEqual([
      'hits_bytes_total{a="b",otel_scope_name="lib",otel_scope_version="1.0"} 3',
      'latency_bucket{otel_scope_name="lib",otel_scope_version="1.0",le="1"} 1',
      'latency_bucket{otel_scope_name="lib",otel_scope_version="1.0",le="+Inf"} 1',
    ]);
    await provider.shutdown();
    expect((await reader.fetch(scrape())).status).toBe(503);
  });

  it('has what a scrape would expose as objects, too', async () => {
    const metrics = [gauge('size', [[{}, 1]])];
    const { resourceMetrics } = await readerWith(collectorOf(metrics).collector).collect();
    expect(resourceMetrics.scopeMetrics.flatMap((each) => each.metrics)).toEqual(metrics);
  });

  it('refuses options that cannot be used', () => {
    expect(() => nodeReader({ prefix: 7 as never })).toThrowError(
      expect.objectContaining({ code: 'invalid_option' }),
    );
  });

  it('exposes exponential histograms', async () => {
    const value = {
      ...{ count: 2, sum: 3, scale: 20, zeroCount: 0 },
      positive: { offset: 0, bucketCounts: [2] },
      negative: { offset: 0, bucketCounts: [] },
    };
    const { collector } = collectorOf([exponentialHistogram('h', [[{}, value]])]);
    const response = await readerWith(collector).fetch(scrape());
    const families = readExposition(await response.text(), 'text');
    expect(families.at(-1)?.samples.at(-1)).toMatchObject({ name: 'h_count', value: 2 });
  });
});

describe('handle', () => {
  it('answers in a server of the program’s own', async () => {
    const reader = readerWith(collectorOf([gauge('size', [[{}, 1]])]).collector);
    const server = createServer((req, res) => void reader.handle(req, res)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const { port } = server.address() as AddressInfo;
      const url = `http://127.0.0.1:${port}/`;
      const response = await fetch(url, { headers: { accept: OPEN_METRICS } });
      expect(response.headers.get('content-type')).toContain('application/openmetrics-text');
      const text = await response.text();
      expect(text.endsWith('# EOF\n')).toBe(true);
      expect(response.headers.get('content-length')).toBe(String(text.length));
      const head = await fetch(url, { method: 'HEAD', headers: { accept: OPEN_METRICS } });
      expect(head.headers.get('content-length')).toBe(String(text.length));
      expect(await head.text()).toBe('');
      expect((await fetch(url, { method: 'DELETE' })).status).toBe(405);
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });

  it('never rejects, whatever becomes of the response', async () => {
    const reader = readerWith(collectorOf([]).collector);
    const response = {
      statusCode: 0,
      setHeader() {
        throw new Error('headers are sent');
      },
      end() {},
    };
    await expect(reader.handle({ headers: {} }, response)).resolves.toBeUndefined();
  });
});

describe('listen', () => {
  const LOOPBACK: ListenOptions = { host: '127.0.0.1', port: 0 };

  it('serves metrics at their path, and nothing elsewhere', async () => {
    const reader = readerWith(collectorOf([gauge('size', [[{}, 1]])]).collector);
    const { url, host, port } = await reader.listen(LOOPBACK);
    expect(url).toBe(`http://${host}:${port}/metrics`);
    expect(await (await fetch(`${url}?a=b`)).text()).toContain('size 1\n');
    const elsewhere = await fetch(`http://${host}:${port}/`);
    expect([elsewhere.status, await elsewhere.text()]).toEqual([404, 'Metrics are at /metrics.\n']);
    const other = await reader.listen({ ...LOOPBACK, path: 'stats' });
    expect((await fetch(`http://${host}:${other.port}/stats`)).status).toBe(200);
  });

  it('closes with the reader, also connections that are kept open', async () => {
    const reader = readerWith(collectorOf([]).collector);
    const { url } = await reader.listen(LOOPBACK);
    await (await fetch(url)).text();
    await reader.shutdown();
    await expect(fetch(url)).rejects.toThrow();
  });

  it('closes by itself, once', async () => {
    const reader = readerWith(collectorOf([]).collector);
    const server = await reader.listen(LOOPBACK);
    await Promise.all([server.close(), server.close()]);
    await expect(fetch(server.url)).rejects.toThrow();
    expect((await reader.fetch(scrape())).status).toBe(200);
  });

  it('closes at once when the reader is shut down already', async () => {
    const reader = readerWith(collectorOf([]).collector);
    await reader.shutdown();
    const { url } = await reader.listen(LOOPBACK);
    await expect(fetch(url)).rejects.toThrow();
  });

  it('says where it cannot listen', async () => {
    const reader = readerWith(collectorOf([]).collector);
    const { port } = await reader.listen(LOOPBACK);
    await expect(reader.listen({ host: '127.0.0.1', port })).rejects.toMatchObject({
      code: 'listen_failed',
      message: expect.stringContaining(`127.0.0.1:${port}: EADDRINUSE`),
    });
  });

  it.each([
    { port: 65536 },
    { port: 1.5 },
    { port: '9464' as never },
    { host: '' },
    { path: 7 as never },
  ])('refuses %j', async (options) => {
    const reader = readerWith(collectorOf([]).collector);
    await expect(reader.listen(options)).rejects.toMatchObject({ code: 'invalid_option' });
  });

  it('takes host and port of the environment, and says of a port that is none', async () => {
    const before = { ...process.env };
    const said: string[] = [];
    const { write } = process.stderr;
    try {
      process.env['OTEL_EXPORTER_PROMETHEUS_HOST'] = '127.0.0.1';
      process.env['OTEL_EXPORTER_PROMETHEUS_PORT'] = '0';
      const reader = readerWith(collectorOf([]).collector);
      const { host, url, close } = await reader.listen();
      expect(host).toBe('127.0.0.1');
      expect((await fetch(url)).status).toBe(200);
      await close();
      process.env['OTEL_EXPORTER_PROMETHEUS_PORT'] = 'http';
      process.stderr.write = ((line: string) => said.push(line)) as never;
      // Whether or not that port is free here.
      await reader.listen().then(
        (server) => {
          expect(server.port).toBe(9464);
          return server.close();
        },
        (error) => expect(error.message).toContain('127.0.0.1:9464'),
      );
    } finally {
      process.stderr.write = write;
      process.env = before;
    }
    expect(said).toEqual([
      "otlp-wasm: OTEL_EXPORTER_PROMETHEUS_PORT is 'http', not an integer from 0 to 65535; 9464 is used.\n",
    ]);
  });

  it('does not keep the connection of a scrape that takes forever when it closes', async () => {
    let begin = () => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const { collector } = collectorOf(() => {
      begin();
      return new Promise(() => {});
    });
    const reader = readerWith(collector);
    const { url } = await reader.listen(LOOPBACK);
    const cut = fetch(url).then(
      () => 'answered',
      () => 'cut',
    );
    await begun;
    await reader.shutdown();
    expect(await cut).toBe('cut');
  });

  it('is not to be had where programs are no servers', async () => {
    await expect(webReader().listen()).rejects.toMatchObject({ code: 'not_supported' });
  });
});
