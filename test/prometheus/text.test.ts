import { describe, expect, it } from 'vitest';
import { DELTA, type MetricData, type ResourceMetrics } from '../../src/api/metric/data.ts';
import {
  type ExpositionFormat,
  type PrometheusOptions,
  prometheusText,
} from '../../src/prometheus.ts';
import {
  collected,
  counter,
  exponentialHistogram,
  type Given,
  gauge,
  histogram,
  summary,
  upDownCounter,
} from '../support/collected.ts';
import { readExposition } from '../support/exposition.ts';

const OPEN_METRICS: ExpositionFormat = { openMetrics: true };
const UTF8: ExpositionFormat = { escaping: 'allow-utf-8' };
/** Most cases are about something else. */
const BARE: PrometheusOptions = { withoutScopeInfo: true, withoutTargetInfo: true };

/** Lines of an exposition that is correct. */
function exposed(
  given: ResourceMetrics | readonly MetricData[],
  options: PrometheusOptions = BARE,
  format: ExpositionFormat = {},
  warn?: (line: string) => void,
): string[] {
  const metrics = 'scopeMetrics' in given ? given : collected(given);
  const text = prometheusText(metrics, options, format, warn);
  readExposition(text, format.openMetrics ? 'openMetrics' : 'text');
  return text.split('\n').slice(0, -1);
}

function exposedAs(format: ExpositionFormat, ...metrics: readonly MetricData[]): string[] {
  return exposed(metrics, BARE, format);
}

/** Only samples. */
function samples(lines: readonly string[]): string[] {
  return lines.filter((line) => !line.startsWith('#'));
}

const BUCKETS = { boundaries: [0.005, 1, 2.5, 1e6], counts: [1, 2, 0, 3, 4] };

describe('metadata', () => {
  const metrics = [
    counter('http.requests', [[{}, 3]], { description: 'Requests "served"\nwith a \\ in it' }),
  ];

  it('HELP Metadata: the description, with its line feeds and backslashes escaped', () => {
    expect(exposedAs({}, ...metrics)).toEqual([
      '# TYPE http_requests_total counter',
      '# HELP http_requests_total Requests "served"\\nwith a \\\\ in it',
      'http_requests_total 3',
    ]);
  });

  it('HELP Metadata: in OpenMetrics quotes are escaped too', () => {
    expect(exposedAs(OPEN_METRICS, ...metrics)).toEqual([
      '# TYPE http_requests counter',
      '# HELP http_requests Requests \\"served\\"\\nwith a \\\\ in it',
      'http_requests_total 3',
      'http_requests_created 1700000000.25',
      '# EOF',
    ]);
  });

  it('HELP Metadata: is left out where there is no description', () => {
    expect(exposedAs({}, gauge('size', [[{}, 1]]))).toEqual(['# TYPE size gauge', 'size 1']);
  });

  it('UNIT Metadata: in OpenMetrics, which has it, after the type', () => {
    const metrics = [
      gauge('disk.io', [[{}, 1]], { unit: 'By/s', description: 'Throughput' }),
      gauge('fill', [[{}, 0.5]], { unit: '1' }),
    ];
    expect(exposedAs(OPEN_METRICS, ...metrics)).toEqual([
      '# TYPE disk_io_bytes_per_second gauge',
      '# UNIT disk_io_bytes_per_second bytes_per_second',
      '# HELP disk_io_bytes_per_second Throughput',
      'disk_io_bytes_per_second 1',
      '# TYPE fill_ratio gauge',
      '# UNIT fill_ratio ratio',
      'fill_ratio 0.5',
      '# EOF',
    ]);
    expect(exposedAs({}, ...metrics).filter((line) => line.includes('UNIT'))).toEqual([]);
  });

  it('UNIT Metadata: is left out where the name does not end in the unit', () => {
    const metrics = collected([gauge('size', [[{}, 1]], { unit: 'By' })]);
    const options = {
      ...BARE,
      translationStrategy: 'UnderscoreEscapingWithoutSuffixes',
    } as const;
    expect(exposed(metrics, options, OPEN_METRICS)).toEqual([
      '# TYPE size gauge',
      'size 1',
      '# EOF',
    ]);
  });

  it('TYPE Metadata: says what each is', () => {
    const metrics = [
      counter('a', [[{}, 1]]),
      upDownCounter('b', [[{}, 1]]),
      gauge('c', [[{}, 1]]),
      histogram('d', [[{}, { buckets: BUCKETS, count: 10 }]]),
      summary('e', [[{}, { count: 1, sum: 1, quantiles: [] }]]),
    ];
    const types = (format: ExpositionFormat) =>
      exposedAs(format, ...metrics).filter((line) => line.startsWith('# TYPE'));
    expect(types({})).toEqual([
      '# TYPE a_total counter',
      '# TYPE b gauge',
      '# TYPE c gauge',
      '# TYPE d histogram',
      '# TYPE e summary',
    ]);
    expect(types(OPEN_METRICS)[0]).toBe('# TYPE a counter');
  });

  it('is missing, like everything else, of a metric without points', () => {
    expect(exposedAs({}, counter('a', []))).toEqual([]);
    expect(exposedAs(OPEN_METRICS, counter('a', []))).toEqual(['# EOF']);
  });
});

describe('conflicts', () => {
  function complaints(metrics: ResourceMetrics, options: PrometheusOptions = BARE) {
    const said: string[] = [];
    const lines = exposed(metrics, options, {}, (line) => said.push(line));
    exposed(metrics, options, OPEN_METRICS);
    return { lines, said };
  }

  const twoScopes = (first: MetricData, second: MetricData): ResourceMetrics => ({
    resource: { attributes: {} },
    scopeMetrics: [
      { scope: { name: 'one' }, metrics: [first] },
      { scope: { name: 'two' }, metrics: [second] },
    ],
  });
  const ALL = { withoutTargetInfo: true };

  it('Metadata Deduplication: metrics of one name and type in two scopes are one family', () => {
    const same = counter('calls', [[{}, 1]], { description: 'Calls' });
    const { lines, said } = complaints(twoScopes(same, same), ALL);
    expect(lines).toEqual([
      '# TYPE calls_total counter',
      '# HELP calls_total Calls',
      'calls_total{otel_scope_name="one"} 1',
      'calls_total{otel_scope_name="two"} 1',
    ]);
    expect(said).toEqual([]);
  });

  it('Metadata Deduplication: of two helps the first is shown, and all points', () => {
    const { lines, said } = complaints(
      twoScopes(
        gauge('size', [[{}, 1]], { description: 'Of this' }),
        gauge('size', [[{}, 2]], { description: 'Of that' }),
      ),
      ALL,
    );
    expect(lines).toEqual([
      '# TYPE size gauge',
      '# HELP size Of this',
      'size{otel_scope_name="one"} 1',
      'size{otel_scope_name="two"} 2',
    ]);
    expect(said).toEqual([
      "the description of metric 'size' is not shown: size has another already",
    ]);
  });

  it('Metadata Deduplication: of two units the first is shown, and all points', () => {
    const metrics = twoScopes(
      gauge('size_bytes', [[{}, 1]], { unit: 'By' }),
      gauge('size_bytes', [[{}, 2]], { unit: '{row}' }),
    );
    const options = {
      ...ALL,
      translationStrategy: 'UnderscoreEscapingWithoutSuffixes',
    } as const;
    const { said } = complaints(metrics, options);
    expect(said).toEqual([
      "the unit of metric 'size_bytes' is not shown: size_bytes has bytes already",
    ]);
    const lines = exposed(metrics, options, OPEN_METRICS);
    expect(lines.filter((line) => line.includes('UNIT'))).toEqual(['# UNIT size_bytes bytes']);
    expect(samples(lines)).toHaveLength(2);
  });

  it('Metadata Deduplication: of two types the first stays', () => {
    const { lines, said } = complaints(
      twoScopes(gauge('queue.size', [[{}, 1]]), histogram('queue_size', [[{}, HISTOGRAM]])),
      ALL,
    );
    expect(lines).toEqual(['# TYPE queue_size gauge', 'queue_size{otel_scope_name="one"} 1']);
    expect(said).toEqual([
      "metric 'queue_size' is left out: there is a gauge with samples queue_size",
    ]);
  });

  const HISTOGRAM = { buckets: BUCKETS, count: 10, sum: 5 };

  it.each([
    [histogram('size', [[{}, HISTOGRAM]]), gauge('size.count', [[{}, 1]]), 'size_count'],
    [gauge('size.sum', [[{}, 1]]), histogram('size', [[{}, HISTOGRAM]]), 'size_sum'],
    [counter('hits', [[{}, 1]]), gauge('hits.total', [[{}, 1]]), 'hits_total'],
  ])('leaves out what would share names of samples (%#)', (first, second, name) => {
    const { lines, said } = complaints(collected([first, second]));
    expect(lines).toEqual(exposedAs({}, first));
    expect(said).toHaveLength(1);
    expect(said[0]).toContain(`with samples ${name}`);
  });

  it('leaves out what would share a name in OpenMetrics only there', () => {
    const metrics = collected([counter('queue', [[{}, 1]]), gauge('queue', [[{}, 2]])]);
    expect(samples(exposed(metrics))).toEqual(['queue_total 1', 'queue 2']);
    expect(samples(exposed(metrics, BARE, OPEN_METRICS))).toEqual([
      'queue_total 1',
      'queue_created 1700000000.25',
    ]);
  });

  it('gives a name up to a metric that would be taken for a created timestamp', () => {
    const metrics = collected([counter('queue', [[{}, 1]]), gauge('queue.created', [[{}, 2]])]);
    expect(samples(exposed(metrics, BARE, OPEN_METRICS))).toEqual([
      'queue_total 1',
      'queue_created 2',
    ]);
  });

  it('exposes a series once, also where values or names of labels differ only here', () => {
    const metrics = collected([
      gauge('size', [
        [{ a: 1 }, 1],
        [{ a: '1' }, 2],
        [{ a: '1', b: '' }, 3],
        [{ a: '2' }, 4],
      ]),
      gauge('size', [[{ a: '2' }, 5]]),
    ]);
    const { lines, said } = complaints(metrics);
    expect(samples(lines)).toEqual(['size{a="1"} 1', 'size{a="2"} 4']);
    expect(new Set(said)).toEqual(
      new Set(["points of metric 'size' are left out: size has others of their labels"]),
    );
  });

  it('leaves out a metric that would be taken for the one about the target', () => {
    const said: string[] = [];
    const metrics = collected([gauge('target.info', [[{}, 7]])], { resource: { a: 'b' } });
    const lines = exposed(metrics, { withoutScopeInfo: true }, {}, (line) => said.push(line));
    expect(samples(lines)).toEqual(['target_info{a="b"} 1']);
    expect(said).toEqual([
      "metric 'target.info' is left out: there is a metric about the target with samples target_info",
    ]);
  });

  it('leaves out a metric of whose name nothing is left', () => {
    const { lines, said } = complaints(collected([gauge('温度', [[{}, 1]])]));
    expect(lines).toEqual([]);
    expect(said).toEqual(["metric '温度' is left out: nothing of its name is left for Prometheus"]);
  });
});

describe('names', () => {
  it('Name Sanitization: characters that Prometheus discourages become underscores', () => {
    expect(samples(exposedAs({}, gauge('http.server-active/requests', [[{}, 1]])))).toEqual([
      'http_server_active_requests 1',
    ]);
  });

  it('Unit Suffixes: the unit ends the name, before the suffix of the type', () => {
    const metrics = [
      counter('io', [[{}, 1]], { unit: 'By' }),
      gauge('fill', [[{}, 1]], { unit: '1' }),
      upDownCounter('items', [[{}, 1]], { unit: '1' }),
      counter('rows', [[{}, 1]], { unit: '{row}' }),
    ];
    expect(samples(exposedAs({}, ...metrics))).toEqual([
      'io_bytes_total 1',
      'fill_ratio 1',
      'items 1',
      'rows_total 1',
    ]);
  });

  it('Unit Full Words: units are words, and rates are said to be per something', () => {
    const metrics = [
      gauge('latency', [[{}, 1]], { unit: 'ms' }),
      gauge('speed', [[{}, 1]], { unit: 'm/s' }),
    ];
    expect(samples(exposedAs({}, ...metrics))).toEqual([
      'latency_milliseconds 1',
      'speed_meters_per_second 1',
    ]);
  });

  it('Prometheus Counters have _total suffix by default: once', () => {
    const metrics = [counter('a', [[{}, 1]]), counter('b.total', [[{}, 1]])];
    expect(samples(exposedAs({}, ...metrics))).toEqual(['a_total 1', 'b_total 1']);
  });

  it('Prometheus Counters _total suffixing can be disabled: with other suffixes', () => {
    const metrics = collected([counter('io.time', [[{}, 1]], { unit: 's' })]);
    const options = {
      ...BARE,
      translationStrategy: 'UnderscoreEscapingWithoutSuffixes',
    } as const;
    expect(exposed(metrics, options)).toEqual(['# TYPE io_time counter', 'io_time 1']);
    // A counter's sample has to have the suffix there, so it cannot be one.
    expect(exposed(metrics, options, OPEN_METRICS)).toEqual([
      '# TYPE io_time unknown',
      'io_time 1',
      '# EOF',
    ]);
  });

  it('stay as they are without translation, in quotes for those who read UTF-8', () => {
    const metrics = collected([
      counter('http.requests', [[{ 'http.method': 'GET', ok: true, 'a"b': '' }, 1]], {
        unit: '1',
        description: 'Requests',
      }),
    ]);
    const options = { ...BARE, translationStrategy: 'NoTranslation' } as const;
    expect(exposed(metrics, options, UTF8)).toEqual([
      '# TYPE "http.requests" counter',
      '# HELP "http.requests" Requests',
      '{"http.requests","http.method"="GET",ok="true"} 1',
    ]);
    expect(exposed(metrics, options)).toEqual([
      '# TYPE http_requests counter',
      '# HELP http_requests Requests',
      'http_requests{http_method="GET",ok="true"} 1',
    ]);
    expect(samples(exposed(metrics, options, { escaping: 'values' }))).toEqual([
      'U__http_2e_requests{U__http_2e_method="GET",ok="true"} 1',
    ]);
    expect(samples(exposed(metrics, options, { escaping: 'dots' }))).toEqual([
      'http_dot_requests{http_dot_method="GET",ok="true"} 1',
    ]);
  });

  it('have suffixes in quotes, too', () => {
    const metrics = collected([
      counter('io.time', [[{ 'a.b': 1 }, 2]], { unit: 's' }),
      histogram('io.size', [[{}, { buckets: { boundaries: [], counts: [2] }, count: 2, sum: 3 }]]),
    ]);
    const options = { ...BARE, translationStrategy: 'NoUTF8EscapingWithSuffixes' } as const;
    expect(exposed(metrics, options, { openMetrics: true, escaping: 'allow-utf-8' })).toEqual([
      '# TYPE "io.time_seconds" counter',
      '# UNIT "io.time_seconds" seconds',
      '{"io.time_seconds_total","a.b"="1"} 2',
      '{"io.time_seconds_created","a.b"="1"} 1700000000.25',
      '# TYPE "io.size" histogram',
      '{"io.size_bucket",le="+Inf"} 2',
      '{"io.size_sum"} 3',
      '{"io.size_count"} 2',
      '{"io.size_created"} 1700000000.25',
      '# EOF',
    ]);
  });

  it('have no units when those are not wanted, and all other suffixes', () => {
    const metrics = collected([
      counter('io.time', [[{}, 1]], { unit: 's' }),
      gauge('fill', [[{}, 1]], { unit: '1' }),
      gauge('size.bytes', [[{}, 1]], { unit: 'By' }),
    ]);
    const options = { ...BARE, withoutUnitSuffixes: true };
    expect(samples(exposed(metrics, options))).toEqual([
      'io_time_total 1',
      'fill 1',
      'size_bytes 1',
    ]);
    expect(exposed(metrics, options, OPEN_METRICS).filter((line) => /UNIT/.test(line))).toEqual([
      '# UNIT size_bytes bytes',
    ]);
  });

  it('begin with the prefix', () => {
    const metrics = collected([gauge('size', [[{}, 1]])], { resource: { a: 'b' } });
    const options = { prefix: 'my.app', withoutScopeInfo: true };
    expect(samples(exposed(metrics, options))).toEqual(['target_info{a="b"} 1', 'my_app_size 1']);
  });
});

describe('the scope', () => {
  const scope = {
    name: 'my.lib',
    version: '1.2.3',
    schemaUrl: 'https://example.com/1',
    attributes: { 'build.id': 7, name: 'lost', 'schema.url': 'lost', version: 'lost' },
  };
  const metrics = collected([gauge('size', [[{ a: 'b' }, 1]])], { scope });

  it('otel_scope_name and otel_scope_version labels on all Metrics, and the schema URL', () => {
    expect(exposed(metrics, {})).toEqual([
      '# TYPE size gauge',
      'size{a="b",otel_scope_build_id="7",otel_scope_name="my.lib",otel_scope_schema_url="https://example.com/1",otel_scope_version="1.2.3"} 1',
    ]);
  });

  it('otel_scope_[attribute] labels on all Metrics, unless they are the name, version or schema URL', () => {
    const [family] = readExposition(prometheusText(metrics), 'text');
    expect(family?.samples[0]?.labels).toEqual({
      a: 'b',
      otel_scope_build_id: '7',
      otel_scope_name: 'my.lib',
      otel_scope_schema_url: 'https://example.com/1',
      otel_scope_version: '1.2.3',
    });
  });

  it('otel_scope labels can be disabled', () => {
    expect(samples(exposed(metrics, { withoutScopeInfo: true }))).toEqual(['size{a="b"} 1']);
  });

  it('shares a label with an attribute of that name', () => {
    const metrics = collected([gauge('size', [[{ 'otel.scope.name': 'given' }, 1]])], {
      scope: { name: 'own' },
    });
    // 'otel.scope.name' sorts before 'otel_scope_name'.
    expect(samples(exposed(metrics, {}))).toEqual(['size{otel_scope_name="given;own"} 1']);
  });
});

describe('labels', () => {
  it('Attributes Keys are Sanitized', () => {
    const metrics = [gauge('size', [[{ 'http.method': 'GET', '1st': 'a', 'x--y': 'b' }, 1]])];
    expect(samples(exposedAs({}, ...metrics))).toEqual([
      'size{http_method="GET",key_1st="a",x_y="b"} 1',
    ]);
  });

  it('Colliding sanitized attribute keys are merged: values in the order of their keys', () => {
    const metrics = [gauge('size', [[{ 'a.b': 'dot', 'a-b': 'dash', a_b: 'underscore' }, 1]])];
    expect(samples(exposedAs({}, ...metrics))).toEqual(['size{a_b="dash;dot;underscore"} 1']);
  });

  it('have values as the specification writes them for those who know texts only', () => {
    const values = {
      a: 'quote " backslash \\ line\nfeed',
      b: true,
      c: -1.5,
      d: ['x', 'y"'],
      e: [1, Number.NaN, null],
      f: Number.POSITIVE_INFINITY,
      g: new Uint8Array([104, 101, 108, 108, 111]),
      h: { nested: { bytes: new Uint8Array([1]), big: Number.NEGATIVE_INFINITY } },
      i: '',
      j: null,
    };
    const metrics = collected([gauge('size', [[values as never, 1]])]);
    const [family] = readExposition(prometheusText(metrics, BARE), 'text');
    expect(family?.samples[0]?.labels).toEqual({
      a: values.a,
      b: 'true',
      c: '-1.5',
      d: '["x","y\\""]',
      e: '[1,"NaN",null]',
      f: 'Infinity',
      g: 'aGVsbG8=',
      h: '{"nested":{"bytes":"AQ==","big":"-Infinity"}}',
    });
  });

  it('that a type has of its own are left to it', () => {
    const metrics = [
      histogram('h', [[{ le: 'mine' }, { buckets: { boundaries: [], counts: [1] }, count: 1 }]]),
      summary('s', [
        [
          { quantile: 'mine', exported_quantile: 'too' },
          { count: 0, sum: 0, quantiles: [] },
        ],
      ]),
    ];
    expect(samples(exposedAs({}, ...metrics))).toEqual([
      'h_bucket{exported_le="mine",le="+Inf"} 1',
      'h_count{exported_le="mine"} 1',
      's_sum{exported_quantile="too;mine"} 0',
      's_count{exported_quantile="too;mine"} 0',
    ]);
  });

  it('never are the name', () => {
    const metrics = collected([gauge('size', [[{ __name__: 'other' }, 1]])]);
    const options = { ...BARE, translationStrategy: 'NoTranslation' } as const;
    expect(samples(exposed(metrics, options, UTF8))).toEqual(['size{exported___name__="other"} 1']);
  });
});

describe('the resource', () => {
  const resource = { 'service.name': 'shop', 'service.instance.id': '7', 'host.cpus': 4 };
  const metrics = collected([gauge('size', [[{}, 1]])], { resource });

  it('`target_info` metric from Resource: all of its attributes, as a gauge', () => {
    expect(exposed(metrics, { withoutScopeInfo: true })).toEqual([
      '# TYPE target_info gauge',
      '# HELP target_info Target metadata',
      'target_info{host_cpus="4",service_instance_id="7",service_name="shop"} 1',
      '# TYPE size gauge',
      'size 1',
    ]);
  });

  it('`target_info` metric from Resource: first, and an info, in OpenMetrics', () => {
    expect(exposed(metrics, { withoutScopeInfo: true }, OPEN_METRICS)).toEqual([
      '# TYPE target info',
      '# HELP target Target metadata',
      'target_info{host_cpus="4",service_instance_id="7",service_name="shop"} 1',
      '# TYPE size gauge',
      'size 1',
      '# EOF',
    ]);
  });

  it('`target_info` metric from Resource: none of an empty one, or when it is not wanted', () => {
    expect(exposed(metrics, BARE)[0]).toBe('# TYPE size gauge');
    expect(exposed(collected([gauge('size', [[{}, 1]])]), { withoutScopeInfo: true })[0]).toBe(
      '# TYPE size gauge',
    );
  });

  it.each([
    ['a regular expression', /^service\./g],
    ['a function', (key: string) => key.startsWith('service.')],
  ])('can become labels of every metric, chosen by %s', (_how, withResourceConstantLabels) => {
    const lines = samples(exposed(metrics, { withoutScopeInfo: true, withResourceConstantLabels }));
    expect(lines).toEqual([
      'target_info{host_cpus="4",service_instance_id="7",service_name="shop"} 1',
      'size{service_instance_id="7",service_name="shop"} 1',
    ]);
  });
});

describe('gauges and sums', () => {
  it('Gauges become Prometheus Gauges', () => {
    expect(exposedAs({}, gauge('temperature', [[{ room: 'a' }, -3.5]], { unit: 'Cel' }))).toEqual([
      '# TYPE temperature_celsius gauge',
      'temperature_celsius{room="a"} -3.5',
    ]);
  });

  it('Cumulative Monotonic Sums become Prometheus Counters', () => {
    expect(exposedAs({}, counter('hits', [[{ a: '1' }, 5]]))).toEqual([
      '# TYPE hits_total counter',
      'hits_total{a="1"} 5',
    ]);
  });

  it('Cumulative Non-Monotonic Sums become Prometheus Gauges', () => {
    expect(exposedAs({}, upDownCounter('items', [[{}, -2]]))).toEqual([
      '# TYPE items gauge',
      'items -2',
    ]);
  });

  it('have numbers as both formats read them', () => {
    const values = [0, -0, 1e21, 1.5e-9, 123456789.25, Number.NaN, 1 / 0, -1 / 0];
    const metrics = gauge(
      'size',
      values.map((value, i) => [{ i }, value]),
    );
    expect(samples(exposedAs({}, metrics)).map((line) => line.split(' ')[1])).toEqual([
      '0',
      '0',
      '1e+21',
      '1.5e-9',
      '123456789.25',
      'NaN',
      '+Inf',
      '-Inf',
    ]);
    exposedAs(OPEN_METRICS, metrics);
  });

  it('leave out, in OpenMetrics, counts that are none', () => {
    const metrics = counter('hits', [
      [{ a: 1 }, Number.NaN],
      [{ a: 2 }, -1],
      [{ a: 3 }, 0],
    ]);
    expect(samples(exposedAs({}, metrics))).toHaveLength(3);
    expect(samples(exposedAs(OPEN_METRICS, metrics))).toEqual([
      'hits_total{a="3"} 0',
      'hits_created{a="3"} 1700000000.25',
    ]);
  });
});

describe('histograms', () => {
  const metrics = [
    histogram('latency', [[{ a: 'b' }, { buckets: BUCKETS, count: 10, sum: 12.5 }]], {
      unit: 's',
    }),
  ];

  it('Cumulative Histograms become Prometheus Histograms: buckets that add up, sum, count', () => {
    expect(exposedAs({}, ...metrics)).toEqual([
      '# TYPE latency_seconds histogram',
      'latency_seconds_bucket{a="b",le="0.005"} 1',
      'latency_seconds_bucket{a="b",le="1"} 3',
      'latency_seconds_bucket{a="b",le="2.5"} 3',
      'latency_seconds_bucket{a="b",le="1e+06"} 6',
      'latency_seconds_bucket{a="b",le="+Inf"} 10',
      'latency_seconds_sum{a="b"} 12.5',
      'latency_seconds_count{a="b"} 10',
    ]);
  });

  it('Cumulative Histograms become Prometheus Histograms: with bounds that are floats in OpenMetrics', () => {
    const lines = samples(exposedAs(OPEN_METRICS, ...metrics));
    expect(lines.map((line) => /le="([^"]*)/.exec(line)?.[1] ?? line)).toEqual([
      '0.005',
      '1.0',
      '2.5',
      '1e+06',
      '+Inf',
      'latency_seconds_sum{a="b"} 12.5',
      'latency_seconds_count{a="b"} 10',
      'latency_seconds_created{a="b"} 1700000000.25',
    ]);
  });

  it('write bounds as OpenMetrics has its canonical numbers', () => {
    const boundaries = [
      ...[0, 1e-10, 1e-9, 1e-5, 0.0001, 0.001, 0.002, 0.01, 0.1, 0.9, 0.95, 0.99, 0.999, 1, 1.7],
      ...[10, 100000, 123456.5, 1e6, 1234567, 1e10, 1e23, 1.1e23],
    ];
    const counts = new Array(boundaries.length + 1).fill(0);
    const value = { buckets: { boundaries, counts }, count: 0, sum: 0 };
    const lines = samples(exposedAs(OPEN_METRICS, histogram('h', [[{}, value]])));
    expect(lines.flatMap((line) => /le="([^"]*)/.exec(line)?.[1] ?? [])).toEqual([
      ...['0.0', '1e-10', '1e-09', '1e-05', '0.0001', '0.001', '0.002', '0.01', '0.1', '0.9'],
      ...['0.95', '0.99', '0.999', '1.0', '1.7', '10.0', '100000.0', '123456.5', '1e+06'],
      ...['1.234567e+06', '1e+10', '1e+23', '1.1e+23', '+Inf'],
    ]);
  });

  it('have no sum where there is none, and in OpenMetrics no count without one', () => {
    const value = { buckets: { boundaries: [], counts: [] }, count: 4 };
    const metrics = [histogram('h', [[{}, value]])];
    expect(samples(exposedAs({}, ...metrics))).toEqual(['h_bucket{le="+Inf"} 4', 'h_count 4']);
    expect(samples(exposedAs(OPEN_METRICS, ...metrics))).toEqual([
      'h_bucket{le="+Inf"} 4',
      'h_created 1700000000.25',
    ]);
  });

  it('have no sum in OpenMetrics where it could fall', () => {
    const value = { buckets: { boundaries: [-1, 1], counts: [1, 1, 0] }, count: 2, sum: 3 };
    const metrics = [histogram('h', [[{}, value]])];
    expect(samples(exposedAs({}, ...metrics))).toContain('h_sum 3');
    expect(samples(exposedAs(OPEN_METRICS, ...metrics)).join()).not.toContain('h_sum');
  });

  it('have one bucket for everything, also where a bound is infinite', () => {
    const value = { buckets: { boundaries: [1, Infinity], counts: [1, 2, 3] }, count: 6, sum: 1 };
    expect(samples(exposedAs({}, histogram('h', [[{}, value]])))).toEqual([
      'h_bucket{le="1"} 1',
      'h_bucket{le="+Inf"} 6',
      'h_sum 1',
      'h_count 6',
    ]);
  });

  it('are what exponential histograms become', () => {
    const value = {
      ...{ count: 12, sum: 30, scale: 0, zeroCount: 2 },
      positive: { offset: 0, bucketCounts: [4, 0, 5] },
      negative: { offset: 1, bucketCounts: [1] },
    };
    expect(samples(exposedAs({}, exponentialHistogram('h', [[{}, value]])))).toEqual([
      // [-4, -2), 0, (1, 2], (2, 4], (4, 8]
      'h_bucket{le="-2"} 1',
      'h_bucket{le="0"} 3',
      'h_bucket{le="1"} 3',
      'h_bucket{le="2"} 7',
      'h_bucket{le="4"} 7',
      'h_bucket{le="8"} 12',
      'h_bucket{le="+Inf"} 12',
      'h_sum 30',
      'h_count 12',
    ]);
  });
});

describe('summaries', () => {
  it('become Prometheus Summaries: quantiles from lowest to highest, sum, count', () => {
    const quantiles = [
      { quantile: 0.99, value: 3 },
      { quantile: 0.5, value: Number.NaN },
      { quantile: 1, value: 4 },
    ];
    const metrics = [summary('rpc', [[{ a: 'b' }, { count: 7, sum: 9.5, quantiles }]])];
    expect(exposedAs({}, ...metrics)).toEqual([
      '# TYPE rpc summary',
      'rpc{a="b",quantile="0.5"} NaN',
      'rpc{a="b",quantile="0.99"} 3',
      'rpc{a="b",quantile="1"} 4',
      'rpc_sum{a="b"} 9.5',
      'rpc_count{a="b"} 7',
    ]);
    expect(samples(exposedAs(OPEN_METRICS, ...metrics))).toEqual([
      'rpc{a="b",quantile="0.5"} NaN',
      'rpc{a="b",quantile="0.99"} 3',
      'rpc{a="b",quantile="1.0"} 4',
      'rpc_sum{a="b"} 9.5',
      'rpc_count{a="b"} 7',
      'rpc_created{a="b"} 1700000000.25',
    ]);
  });
});

describe('times', () => {
  it('are off, and on when they are asked for: milliseconds, or seconds in OpenMetrics', () => {
    const metrics = collected([counter('hits', [[{}, 1]])]);
    const options = { ...BARE, appendTimestamp: true };
    expect(samples(exposed(metrics, options))).toEqual(['hits_total 1 1700000060500']);
    expect(samples(exposed(metrics, options, OPEN_METRICS))).toEqual([
      'hits_total 1 1700000060.5',
      'hits_created 1700000000.25 1700000060.5',
    ]);
  });

  it('since when something counts is OpenMetrics’, known or not, wanted or not', () => {
    const metrics = collected([counter('hits', [[{}, 1]])]);
    const since = (startTime: [number, number]) =>
      samples(exposedAs(OPEN_METRICS, counter('hits', [[{}, 1]], { startTime })));
    expect(since([1_700_000_000, 1])).toEqual([
      'hits_total 1',
      'hits_created 1700000000.000000001',
    ]);
    expect(since([0, 0])).toEqual(['hits_total 1']);
    const options = { ...BARE, withoutCreatedTimestamps: true };
    expect(samples(exposed(metrics, options, OPEN_METRICS))).toEqual(['hits_total 1']);
  });
});

describe('exemplars', () => {
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const spanId = 'b7ad6b7169203331';

  it('Exemplars for Histograms and Monotonic sums: of a sum the latest, in OpenMetrics', () => {
    const metrics = [
      counter('hits', [
        [
          {},
          5,
          [
            { value: 1, time: [1_700_000_050, 0], traceId, spanId },
            { value: 2, time: [1_700_000_051, 500_000_000], traceId, spanId },
            { value: 3, time: [1_700_000_049, 0] },
          ],
        ],
      ]),
    ];
    expect(samples(exposedAs(OPEN_METRICS, ...metrics))[0]).toBe(
      `hits_total 5 # {trace_id="${traceId}",span_id="${spanId}"} 2 1700000051.5`,
    );
    expect(samples(exposedAs({}, ...metrics))).toEqual(['hits_total 5']);
  });

  it('Exemplars for Histograms and Monotonic sums: of a histogram the latest of each bucket', () => {
    const value = { buckets: { boundaries: [1, 2], counts: [1, 2, 1] }, count: 4, sum: 8 };
    const exemplars = [
      { value: 1, time: [10, 0] as [number, number], traceId },
      { value: 1.5, time: [11, 0] as [number, number] },
      { value: 2, time: [12, 5_000] as [number, number], spanId },
      { value: 9, time: [13, 0] as [number, number] },
      { value: Number.NaN },
    ];
    const lines = samples(exposedAs(OPEN_METRICS, histogram('h', [[{}, value, exemplars]])));
    expect(lines.slice(0, 3)).toEqual([
      `h_bucket{le="1.0"} 1 # {trace_id="${traceId}"} 1 10`,
      `h_bucket{le="2.0"} 3 # {span_id="${spanId}"} 2 12.000005`,
      'h_bucket{le="+Inf"} 4 # {} 9 13',
    ]);
  });

  it('have the attributes that were filtered, as far as 128 characters go', () => {
    const filteredAttributes = {
      'user.id': 42,
      trace_id: 'not this one',
      long: 'x'.repeat(60),
      short: '☃'.repeat(20),
      'tenant.name': 'a"b',
    };
    const metrics = counter('hits', [[{}, 1, [{ value: 1, traceId, spanId, filteredAttributes }]]]);
    const [family] = readExposition(
      prometheusText(collected([metrics]), BARE, OPEN_METRICS),
      'openMetrics',
    );
    expect(family?.samples[0]?.exemplar?.labels).toEqual({
      trace_id: traceId,
      span_id: spanId,
      user_id: '42',
      short: '☃'.repeat(20),
      tenant_name: 'a"b',
    });
  });

  it('are dropped of gauges, up-down counters and summaries', () => {
    const metrics = [
      gauge('a', [[{}, 1, [{ value: 1, traceId }]]]),
      upDownCounter('b', [[{}, 1, [{ value: 1, traceId }]]]),
      summary('c', [[{}, { count: 1, sum: 1, quantiles: [] }, [{ value: 1, traceId }]]]),
    ];
    expect(exposedAs(OPEN_METRICS, ...metrics).join('\n')).not.toContain(' # {');
  });
});

describe('delta temporality', () => {
  const delta: Given = { temporality: DELTA };

  it('is none of Prometheus’: sums and histograms of it are left out, and said to be', () => {
    const said: string[] = [];
    const value = { buckets: BUCKETS, count: 10 };
    const metrics = collected([
      counter('a', [[{}, 1]], delta),
      upDownCounter('b', [[{}, 1]], delta),
      histogram('c', [[{}, value]], delta),
      // Says nothing of either.
      gauge('d', [[{}, 1]], delta),
    ]);
    expect(exposed(metrics, BARE, {}, (line) => said.push(line))).toEqual([
      '# TYPE d gauge',
      'd 1',
    ]);
    expect(said).toEqual(
      ['a', 'b', 'c'].map((name) => `metric '${name}' is left out: its temporality is delta`),
    );
  });
});

describe('options that cannot be used', () => {
  it.each([
    [{ translationStrategy: 'None' as never }, "option 'translationStrategy' is 'None'"],
    [{ prefix: 5 as never }, "option 'prefix' is 5"],
    [{ withResourceConstantLabels: 'a' as never }, "option 'withResourceConstantLabels' is 'a'"],
    [{ withoutScopeInfo: 'yes' as never }, "option 'withoutScopeInfo' is 'yes'"],
  ])('%j', (options, message) => {
    expect(() => prometheusText(collected([]), options)).toThrowError(
      expect.objectContaining({
        code: 'invalid_option',
        message: expect.stringContaining(message),
      }),
    );
  });

  it('an escaping there is not', () => {
    expect(() => prometheusText(collected([]), {}, { escaping: 'html' as never })).toThrowError(
      expect.objectContaining({ code: 'invalid_option' }),
    );
  });
});
