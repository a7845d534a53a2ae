// Against the real Prometheus: programs of ours are scraped by it, in each format, and it is asked what
// it found; its promtool checks the text.
//
//   npm run test:prometheus
//
// Without `prometheus` and `promtool` (Debian package `prometheus`) nothing is tested, and that is said.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { start } from 'otlp-wasm';
import { prometheusReader } from 'otlp-wasm/prometheus';
import { inMemoryTransport } from 'otlp-wasm/testing';
import { bridgedProducer, oddCollector, SPAN_ID, TRACE_ID } from './fixture.mjs';
import { about, promtoolComplaints, startPrometheus } from './server.mjs';

const totals = { passed: 0, failed: 0, skipped: 0 };

function note(verdict, name, lines = []) {
  totals[verdict]++;
  console.log(`  ${verdict.padEnd(7)} ${name}`);
  for (const line of lines) console.log(String(line).replace(/^/gm, '          '));
}

function end() {
  const { passed, failed, skipped } = totals;
  console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  process.exit(failed > 0 || (passed === 0 && skipped === 0) ? 1 : 0);
}

const versions = ['prometheus', 'promtool'].map(about);
if (versions.includes(undefined)) {
  note('skipped', 'the real Prometheus', [
    'NOTHING WAS TESTED: the programs prometheus and promtool are not here.',
    'On Debian: apt-get install prometheus, then npm run test:prometheus',
  ]);
  end();
}

// What this process has would decide for the readers.
for (const name of Object.keys(process.env)) if (name.startsWith('OTEL_')) delete process.env[name];

/** Readers by the job that scrapes them. */
const readers = {
  openmetrics: prometheusReader({ metricProducers: [bridgedProducer()] }),
  text: prometheusReader({ metricProducers: [bridgedProducer()] }),
  untranslated: prometheusReader({ translationStrategy: 'NoTranslation', prefix: 'my.app' }),
};
for (const reader of Object.values(readers)) reader.setMetricProducer(oddCollector());

/** A program as users write it. */
const started = prometheusReader({ withResourceConstantLabels: /^service\.name$/ });
const telemetry = start({
  ...{ serviceName: 'shop', detectors: [], transport: inMemoryTransport() },
  metrics: { readers: [started], views: [{ instrumentName: 'fine', aggregation: { type: 5 } }] },
}).register();
// What is measured before there is an engine is kept, and not what was active then.
await started.fetch(new Request('http://localhost/'));
const instruments = record(telemetry);

function record({ meterProvider, tracer }) {
  const meter = meterProvider.getMeter('shop', '2.0');
  const counter = meter.createCounter('orders', { unit: '{order}', description: 'Orders' });
  const items = meter.createUpDownCounter('cart.items', { description: 'In all carts' });
  const fill = meter.createGauge('disk.fill', { unit: '1', description: 'Part in use' });
  const latency = meter.createHistogram('latency', {
    ...{ unit: 's', description: 'Of requests', advice: { explicitBucketBoundaries: [0.1, 1] } },
  });
  const fine = meter.createHistogram('fine', { unit: 's', description: 'Exponential' });
  meter
    .createObservableCounter('cpu.time', { unit: 's', description: 'Used' })
    .addCallback((result) => {
      result.observe(12.5, { 'cpu.mode': 'user' });
    });
  let traceId = '';
  tracer('shop').startActiveSpan('order', (span) => {
    ({ traceId } = span.spanContext());
    counter.add(3, { 'payment.type': 'card' });
    latency.record(0.5);
    span.end();
  });
  items.add(5);
  items.add(-2);
  fill.record(0.75, { device: 'a' });
  for (let i = 1; i <= 100; i++) fine.record(i);
  return { counter, traceId };
}

/** Prometheus 2 asks for OpenMetrics and has no option for it: what it accepts does not arrive. */
async function serveText(reader) {
  const server = createServer(({ method, headers: { accept: _, ...headers } }, response) => {
    void reader.handle({ method, headers }, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

const textServer = await serveText(readers.text);
const at = async (reader) => (await reader.listen({ host: '127.0.0.1', port: 0 })).port;
const targets = {
  openmetrics: `127.0.0.1:${await at(readers.openmetrics)}`,
  text: `127.0.0.1:${textServer.address().port}`,
  untranslated: `127.0.0.1:${await at(readers.untranslated)}`,
  started: `127.0.0.1:${await at(started)}`,
};

/** Labels of series, without those that scraping adds; and their values. */
const found = (series) =>
  series.map(({ metric: { __name__, job, instance, ...labels }, text }) => [labels, text]);
const bound = (le) => (le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le));
const one = async (expression) => found(await prometheus.query(expression));

const SCOPE = {
  otel_scope_build_id: '7',
  otel_scope_name: 'odd',
  otel_scope_schema_url: 'https://example.com/1',
  otel_scope_version: '1.2.3',
};
const HELP = 'A "help"\nof two lines \\ and a backslash';
const FORMATS = ['openmetrics', 'text'];

const cases = [
  [
    'every target is scraped',
    async () => {
      for (const { labels, health, lastError } of await prometheus.targets()) {
        assert.deepEqual([labels.job, health, lastError], [labels.job, 'up', '']);
      }
    },
  ],
  [
    'promtool check metrics finds nothing wrong with the text',
    async () => {
      const response = await readers.text.fetch(new Request('http://localhost/'));
      assert.equal(promtoolComplaints(await response.text()), '');
    },
  ],
  ...FORMATS.flatMap((job) => [
    [
      `${job}: a counter rises, and has joined and escaped labels and those of its scope`,
      async () => {
        const series = await prometheus.until(
          `odd_hits_total{job="${job}"}`,
          ([hits]) => hits?.value >= 2,
        );
        const [[labels, value]] = found(series);
        assert.equal(series.length, 1);
        assert.ok(Number(value) >= 2);
        assert.deepEqual(labels, { ...SCOPE, a_b: 'dash;dot', text: 'q"uote \\ and\nline 日本' });
        const [increase] = await prometheus.until(
          `increase(odd_hits_total{job="${job}"}[1m]) > 0`,
          (some) => some.length > 0,
        );
        assert.ok(increase.value > 0);
      },
    ],
    [
      `${job}: numbers of every kind`,
      async () => {
        const numbers = await one(`odd_numbers_ratio{job="${job}"}`);
        const values = Object.fromEntries(numbers.map(([{ of }, value]) => [of, value]));
        assert.deepEqual(values, {
          ...{ nan: 'NaN', inf: '+Inf', minus: '-Inf' },
          ...{ large: '1e+21', small: '1.5e-09' },
        });
      },
    ],
    [
      `${job}: a histogram’s buckets, sum and count, and quantiles of it`,
      async () => {
        const buckets = await one(`odd_sizes_bytes_bucket{job="${job}"}`);
        const counts = buckets.map(([{ le, exported_le }, value]) => {
          return [bound(le), exported_le, value];
        });
        assert.deepEqual(
          counts.sort((a, b) => a[0] - b[0]),
          [
            [0.005, 'mine', '1'],
            [1, 'mine', '3'],
            [1e6, 'mine', '6'],
            [Number.POSITIVE_INFINITY, 'mine', '10'],
          ],
        );
        const le = { openmetrics: '1.0', text: '1' }[job];
        assert.equal((await one(`odd_sizes_bytes_bucket{job="${job}",le="${le}"}`)).length, 1);
        assert.equal((await one(`odd_sizes_bytes_sum{job="${job}"}`))[0][1], '5000020.5');
        assert.equal((await one(`odd_sizes_bytes_count{job="${job}"}`))[0][1], '10');
        const [half] = await prometheus.query(
          `histogram_quantile(0.25, odd_sizes_bytes_bucket{job="${job}"})`,
        );
        assert.ok(half.value > 0.005 && half.value <= 1, String(half.value));
      },
    ],
    [
      `${job}: an exponential histogram, as buckets with bounds`,
      async () => {
        const buckets = await one(`odd_latency_seconds_bucket{job="${job}"}`);
        assert.deepEqual(
          new Map(buckets.map(([{ le }, value]) => [bound(le), value])),
          new Map([
            ...[
              [0, '2'],
              [1, '2'],
              [2, '6'],
              [4, '6'],
              [8, '13'],
            ],
            [Number.POSITIVE_INFINITY, '13'],
          ]),
        );
        const [median] = await prometheus.query(
          `histogram_quantile(0.9, odd_latency_seconds_bucket{job="${job}"})`,
        );
        assert.ok(median.value > 4 && median.value <= 8, String(median.value));
      },
    ],
    [
      `${job}: a summary’s quantiles, sum and count`,
      async () => {
        const quantiles = await one(`rpc_duration_seconds{job="${job}"}`);
        assert.deepEqual(quantiles.map(([{ quantile }, value]) => [quantile, value]).sort(), [
          ['0.5', '1.25'],
          ['0.99', '3'],
        ]);
        assert.equal((await one(`rpc_duration_seconds_sum{job="${job}"}`))[0][1], '9.5');
        assert.equal((await one(`rpc_duration_seconds_count{job="${job}"}`))[0][1], '7');
      },
    ],
    [
      `${job}: the resource, as target_info that can be joined`,
      async () => {
        const info = { service_name: 'shop', service_instance_id: '7', host_cpus: '4' };
        assert.deepEqual(await one(`target_info{job="${job}"}`), [[info, '1']]);
        const joined = await one(
          `odd_hits_total{job="${job}"} * on (job, instance) group_left (service_name) target_info`,
        );
        assert.equal(joined[0][0].service_name, 'shop');
      },
    ],
    [
      `${job}: of two metrics of one name the first`,
      async () => {
        assert.equal((await one(`{__name__=~"odd_hits.*",job="${job}",text=""}`)).length, 0);
      },
    ],
  ]),
  [
    'openmetrics: metadata, of families',
    async () => {
      const of = (metric) => prometheus.metadataOf('openmetrics', metric);
      assert.deepEqual(await of('odd_hits'), [{ type: 'counter', help: HELP, unit: '' }]);
      assert.deepEqual(await of('odd_sizes_bytes'), [
        { type: 'histogram', help: 'With bounds of every kind', unit: 'bytes' },
      ]);
      assert.deepEqual(await of('odd_numbers_ratio'), [
        { type: 'gauge', help: 'Not a number, and more than any', unit: 'ratio' },
      ]);
      assert.deepEqual(await of('rpc_duration_seconds'), [
        { type: 'summary', help: 'Of another library', unit: 'seconds' },
      ]);
      assert.deepEqual(await of('target'), [{ type: 'info', help: 'Target metadata', unit: '' }]);
    },
  ],
  [
    'text: metadata, of samples',
    async () => {
      const of = (metric) => prometheus.metadataOf('text', metric);
      assert.deepEqual(await of('odd_hits_total'), [{ type: 'counter', help: HELP, unit: '' }]);
      assert.deepEqual(await of('target_info'), [
        { type: 'gauge', help: 'Target metadata', unit: '' },
      ]);
    },
  ],
  [
    'openmetrics: since when counters, histograms and summaries count',
    async () => {
      for (const name of ['odd_hits', 'odd_sizes_bytes', 'odd_latency_seconds']) {
        const [[, value]] = await one(`${name}_created{job="openmetrics"}`);
        assert.equal(value, '1700000000.25');
      }
      assert.deepEqual(await one('odd_hits_created{job="text"}'), []);
    },
  ],
  [
    'openmetrics: exemplars of counters and of buckets',
    async () => {
      const [hits] = await prometheus.exemplars('odd_hits_total');
      assert.equal(hits.seriesLabels.job, 'openmetrics');
      const { labels, value } = hits.exemplars.at(-1);
      const span = { trace_id: TRACE_ID, span_id: SPAN_ID };
      assert.deepEqual([labels, value], [{ ...span, user_id: '42' }, '1']);
      const sizes = await prometheus.exemplars('odd_sizes_bytes_bucket');
      const last = sizes.map(({ seriesLabels, exemplars }) => [
        seriesLabels.le,
        exemplars.at(-1).labels,
        exemplars.at(-1).value,
      ]);
      assert.deepEqual(last.sort(), [
        ['+Inf', span, '5000000'],
        ['1.0', span, '0.5'],
      ]);
    },
  ],
  [
    'start(): every kind of instrument, with the attribute of the resource that was chosen',
    async () => {
      const labels = {
        ...{ otel_scope_name: 'shop', otel_scope_version: '2.0', service_name: 'shop' },
      };
      for (const [name, own, value] of [
        ['orders_total', { payment_type: 'card' }, '3'],
        ['cart_items', {}, '3'],
        ['disk_fill_ratio', { device: 'a' }, '0.75'],
        ['cpu_time_seconds_total', { cpu_mode: 'user' }, '12.5'],
        ['latency_seconds_count', {}, '1'],
        ['latency_seconds_bucket{le="0.1"}', { le: '0.1' }, '0'],
        ['fine_seconds_count', {}, '100'],
        ['fine_seconds_sum', {}, '5050'],
      ]) {
        assert.deepEqual(await one(name), [[{ ...labels, ...own }, value]], name);
      }
      const [median] = await prometheus.query(
        'histogram_quantile(0.5, fine_seconds_bucket{job="started"})',
      );
      assert.ok(Math.abs(median.value - 50) < 15, String(median.value));
      const [info] = await one('target_info{job="started"}');
      assert.equal(info[0].telemetry_sdk_name, 'otlp-wasm');
    },
  ],
  [
    'start(): exemplars are the spans that were active',
    async () => {
      for (const name of ['orders_total', 'latency_seconds_bucket']) {
        const [{ exemplars }] = await prometheus.exemplars(name);
        assert.equal(exemplars.at(-1).labels.trace_id, instruments.traceId);
      }
    },
  ],
  [
    'start(): what is added later arrives with the next scrape',
    async () => {
      instruments.counter.add(4, { 'payment.type': 'card' });
      const [{ value }] = await prometheus.until('orders_total', ([one]) => one?.value === 7);
      assert.equal(value, 7);
    },
  ],
  [
    'start(): promtool check metrics finds nothing wrong with the text',
    async () => {
      const text = await (await fetch(`http://${targets.started}/metrics`)).text();
      assert.equal(promtoolComplaints(text), '');
    },
  ],
  [
    'no scrape has anything that Prometheus warns of',
    () => assert.doesNotMatch(prometheus.said(), /level=(warn|error).*component="scrape manager"/),
  ],
  [
    'untranslated: names that Prometheus 2 cannot read are escaped',
    async () => {
      const [[labels]] = await one('my_app_odd_hits{job="untranslated"}');
      assert.equal(labels.a_b, 'dash;dot');
    },
  ],
  [
    'start(): there is nothing to scrape after shutdown',
    async () => {
      await telemetry.shutdown();
      const [{ value }] = await prometheus.until('up{job="started"}', ([up]) => up?.value === 0);
      assert.equal(value, 0);
    },
  ],
];

let prometheus;
try {
  console.log(`against ${versions[0]}`);
  prometheus = await startPrometheus(targets);
  for (const job of Object.keys(targets)) {
    await prometheus.until(`up{job="${job}"} == 1`, (series) => series.length === 1);
  }
  for (const [name, check] of cases) {
    try {
      await check();
      note('passed', name);
    } catch (error) {
      note('failed', name, [error.stack]);
    }
  }
} catch (error) {
  note('failed', 'the real Prometheus', [error.stack]);
}
await prometheus?.stop();
await telemetry.shutdown();
await Promise.all(Object.values(readers).map((reader) => reader.shutdown()));
textServer.close();
textServer.closeAllConnections();
if (totals.failed > 0 && prometheus !== undefined) console.log(`\nit wrote\n${prometheus.said()}`);
end();
