import { describe, expect, it } from 'vitest';
import { renderMetrics } from '../../../src/workbench/cli/metrics.ts';
import { createSeriesHistory } from '../../../src/workbench/cli/series.ts';
import { textWidth } from '../../../src/workbench/cli/text.ts';
import type { ReceivedAttributes, ReceivedMetric } from '../../../src/workbench/collector/index.ts';
import { originOf } from './received-log.ts';

const CUMULATIVE = 2;
const DELTA = 1;

/** A metric of one service; data points need say only what matters. */
function metric(
  name: string,
  data: { readonly [kind: string]: object },
  { unit = '', service = 'shop' } = {},
): ReceivedMetric {
  const [[kind, given]] = Object.entries(data) as [[string, { dataPoints: readonly object[] }]];
  const base = { attributes: {}, startTimeUnixNano: 1n, timeUnixNano: 2n, flags: 0, exemplars: [] };
  const dataPoints = given.dataPoints.map((point) => ({ ...base, ...point }));
  return {
    ...{ name, description: '', unit, metadata: {}, ...originOf(service) },
    [kind!]: { ...given, dataPoints },
  };
}

const counter = (values: Record<string, number>, options = {}, more: object = {}) =>
  metric(
    'app.orders',
    {
      sum: {
        dataPoints: Object.entries(values).map(([plan, value]) => ({
          asInt: BigInt(value),
          attributes: (plan === '' ? {} : { plan }) as ReceivedAttributes,
        })),
        isMonotonic: true,
        aggregationTemporality: CUMULATIVE,
        ...more,
      },
    },
    { unit: '{order}', ...options },
  );

const gauge = (value: number, options = {}) =>
  metric('v8js.memory.used', { gauge: { dataPoints: [{ asDouble: value }] } }, options);

const duration = metric(
  'http.server.request.duration',
  {
    histogram: {
      aggregationTemporality: CUMULATIVE,
      dataPoints: [
        {
          ...{ count: 10n, sum: 0.123, min: 0.002, max: 0.04 },
          ...{ bucketCounts: [0n, 1n, 8n, 0n, 1n], explicitBounds: [0.001, 0.005, 0.02, 0.03] },
        },
      ],
    },
  },
  { unit: 's' },
);

/** What is drawn after the last of these exports. */
function lines(exports: readonly (readonly ReceivedMetric[])[], options = {}): string[] {
  const history = createSeriesHistory();
  const seen = exports.map((metrics) => history.take(metrics));
  return renderMetrics([...seen.at(-1)!.values()], options).split('\n');
}

/** Name, kind, chart and values, as columns of two and more spaces have them. */
const columns = (line: string) => line.trim().split(/ {2,}/);

describe('metrics', () => {
  it('have a line each, of what kind they are and what they had last', () => {
    const exported = [counter({ '': 1204 }), gauge(32_715_571, { unit: 'By' }), duration];
    const drawn = lines([exported]);
    // What there is no room for is left out whole.
    expect(lines([exported], { width: 110 })[3]).toBe(`${drawn[3]}  min 2.00 ms`);
    expect(drawn[0]).toBe('metrics of shop  3 metrics · 3 series');
    expect(drawn.slice(1).map(columns)).toEqual([
      ['app.orders', 'counter', '1 204 order'],
      ['v8js.memory.used', 'gauge', '31.2 MiB'],
      [
        ...['http.server.request.duration', 'histogram', '▁█ ▁', '10'],
        ...['avg 12.3 ms', 'max 40.0 ms'],
      ],
    ]);
  });

  it('of several series name what tells these apart once, the busiest first', () => {
    const drawn = lines([[counter({ free: 3, team: 900, pro: 40, trial: 7, edu: 1, '': 2 })]]);
    expect(drawn[1]).toBe('  app.orders  6 series by plan');
    expect(drawn.slice(2).map((line) => columns(line)[0])).toEqual([
      'team',
      'pro',
      'trial',
      'free',
    ]);
  });

  it('name no attribute that all series have alike', () => {
    const points = [1, 2].map((n) => ({
      asInt: BigInt(n),
      attributes: { host: 'a', n, list: ['x', n] } as ReceivedAttributes,
    }));
    const drawn = lines([[metric('m', { gauge: { dataPoints: points } })]]);
    expect(drawn[1]).toBe('  m  2 series by n, list');
    expect(drawn.slice(2).map((line) => columns(line)[0])).toEqual(['2 ["x", 2]', '1 ["x", 1]']);
  });

  it('of several services stand apart', () => {
    const drawn = lines([[counter({ '': 1 }), counter({ '': 2 }, { service: 'stock' })]]);
    expect(drawn.filter((line) => line.startsWith('metrics of'))).toEqual([
      'metrics of shop  1 metric · 1 series',
      'metrics of stock  1 metric · 1 series',
    ]);
  });

  it('show their course over exports: of what grows its growth', () => {
    const counts = [0, 10, 20, 60, 60].map((n) => [counter({ '': n }), gauge(n)]);
    const [, orders, memory] = lines(counts).map(columns);
    expect(orders).toEqual(['app.orders', 'counter', '▂▂█▁', '60 order (+0)']);
    expect(memory).toEqual(['v8js.memory.used', 'gauge', '▁▂▃██', '60']);
    expect(columns(lines(counts.slice(0, 4))[1]!).at(-1)).toBe('60 order (+40)');
  });

  it('a counter that begins anew has grown from nothing', () => {
    const [, orders] = lines([[counter({ '': 50 })], [counter({ '': 7 })]]).map(columns);
    expect(orders!.at(-1)).toBe('7 order (+7)');
  });

  it('a delta is what it is', () => {
    const delta = (n: number) => counter({ '': n }, {}, { aggregationTemporality: DELTA });
    const [, orders] = lines([[delta(5)], [delta(9)]]).map(columns);
    expect(orders).toEqual(['app.orders', 'counter', '▁█', '9 order']);
  });

  it('attributes in another order are the same series', () => {
    const point = (attributes: ReceivedAttributes, asInt: bigint) =>
      counter({}, {}, { dataPoints: [{ attributes, asInt }] });
    const [, orders] = lines([[point({ a: 1, b: 'x' }, 4n)], [point({ b: 'x', a: 1 }, 10n)]]).map(
      columns,
    );
    expect(orders).toEqual([
      'app.orders a=1 b=x'.replace('a=1 b=x', 'b=x a=1'),
      'counter',
      '10 order (+6)',
    ]);
  });

  it('exponential histograms have both their sides and zero, summaries their quantiles', () => {
    const drawn = lines([
      [
        metric('e', {
          exponentialHistogram: {
            aggregationTemporality: DELTA,
            dataPoints: [
              {
                ...{ count: 12n, scale: 0, zeroCount: 4n, zeroThreshold: 0 },
                negative: { offset: 0, bucketCounts: [1n, 2n] },
                positive: { offset: -1, bucketCounts: [4n, 0n, 1n] },
              },
            ],
          },
        }),
        metric(
          's',
          {
            summary: {
              dataPoints: [
                {
                  ...{ count: 4n, sum: 10 },
                  quantileValues: [
                    { quantile: 0.5, value: 2 },
                    { quantile: 0.999, value: 4.5 },
                  ],
                },
              ],
            },
          },
          { unit: 'ms' },
        ),
      ],
    ]);
    expect(columns(drawn[1]!)).toEqual(['e', 'exp. hist.', '▄▂██ ▂', '12']);
    expect(columns(drawn[2]!)).toEqual([
      ...['s', 'summary', '4', 'avg 2.50 ms', 'p50 2.00 ms', 'p99.9 4.50 ms'],
    ]);
  });

  it('have many buckets in few columns', () => {
    const counts = Array.from({ length: 160 }, (_, i) => BigInt(i));
    const point = {
      count: 1n,
      scale: 3,
      zeroCount: 0n,
      positive: { offset: 0, bucketCounts: counts },
    };
    const drawn = lines([
      [metric('e', { exponentialHistogram: { dataPoints: [point], aggregationTemporality: 1 } })],
    ]);
    expect(columns(drawn[1]!)[2]).toBe('▁▁▂▂▃▃▄▄▅▅▆▆▇▇██');
  });

  it('without a value say so', () => {
    const point = { asInt: 0n, flags: 1 };
    expect(columns(lines([[metric('m', { gauge: { dataPoints: [point] } })]])[1]!).at(-1)).toBe(
      'no value',
    );
    expect(columns(lines([[metric('m', { gauge: { dataPoints: [{}] } })]])[1]!).at(-1)).toBe(
      'no value',
    );
    const odd = [Number.NaN, Number.POSITIVE_INFINITY].map((value) => [gauge(value)]);
    expect(lines(odd)[1]).toMatch(/gauge +Infinity$/);
  });

  it('are all there before any has many lines', () => {
    const many = Array.from({ length: 12 }, (_, i) => {
      const points = Array.from({ length: 9 }, (_, n) => ({ asInt: BigInt(n), attributes: { n } }));
      return metric(`m${i}`, { gauge: { dataPoints: points } });
    });
    const drawn = lines([many]);
    expect(drawn.filter((line) => line.includes('9 series by n'))).toHaveLength(12);
    expect(drawn).toHaveLength(25);
    const few = lines([many], { maxRows: 10 });
    expect(few).toHaveLength(12);
    expect(few.at(-1)).toBe('  … 7 more metrics');
  });

  it.each([24, 63, 64, 100, 250])('fit %i columns', (width) => {
    const wide = metric('漢字'.repeat(40), { gauge: { dataPoints: [{ asInt: 1n }] } });
    const drawn = lines([[wide, duration, counter({ ['p'.repeat(99)]: 1, b: 2 })]], { width });
    for (const line of drawn.slice(1)) expect(textWidth(line)).toBeLessThanOrEqual(width);
    expect(drawn.some((line) => line.includes('█'))).toBe(width >= 64);
  });

  it('have the same text in colour', () => {
    const history = createSeriesHistory();
    const series = [...history.take([duration, counter({ a: 1, b: 2 })]).values()];
    const colored = renderMetrics(series, { color: true });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are made of them.
    expect(colored.replace(/\u001b\[\d+m/g, '')).toBe(renderMetrics(series));
    expect(colored).toContain('\u001b[36m ▁█ ▁');
  });

  it('do not let what was sent reach the terminal', () => {
    const evil = '\u001b]0;title\u0007\r\n\u009b31m\u202e';
    const points = [{ asInt: 1n, attributes: { [evil]: evil } }, { asInt: 2n }];
    const drawn = lines([
      [
        metric(evil, { gauge: { dataPoints: points } }, { unit: evil, service: evil }),
        metric('one', { gauge: { dataPoints: points.slice(0, 1) } }, { service: evil }),
      ],
    ]);
    expect(drawn).toHaveLength(5);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
    expect(drawn.join('')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
  });
});

describe('what is remembered of series', () => {
  it('is bounded: those that have not come for longest go first', () => {
    const history = createSeriesHistory(2);
    const change = (plan: string, n: number) =>
      [...history.take([counter({ [plan]: n })]).values()][0]!.change;
    expect([change('a', 1), change('b', 1), change('a', 3)]).toEqual([undefined, undefined, 2]);
    expect([change('c', 1), change('a', 4), change('b', 9)]).toEqual([undefined, 1, undefined]);
  });

  it('is nothing of a metric without data', () => {
    const { gauge: _, ...bare } = gauge(1);
    expect(createSeriesHistory().take([bare]).size).toBe(0);
  });
});
