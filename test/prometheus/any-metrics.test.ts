import type { Attributes } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import type { MetricData, ResourceMetrics } from '../../src/api/metric/data.ts';
import type { EscapingScheme } from '../../src/prometheus/escaping.ts';
import { TRANSLATION_STRATEGIES } from '../../src/prometheus/names.ts';
import { prometheusText } from '../../src/prometheus.ts';
import {
  counter,
  exponentialHistogram,
  gauge,
  histogram,
  summary,
  upDownCounter,
} from '../support/collected.ts';
import { readExposition } from '../support/exposition.ts';
import { randomFrom, type SeededRandom } from '../support/random.ts';

const ESCAPINGS: readonly EscapingScheme[] = ['allow-utf-8', 'underscores', 'dots', 'values'];

/** Few, so that they collide, and some that no name should have. */
const NAMES = [
  ...['size', 'size.count', 'size_count', 'size.sum', 'size_bucket', 'size.total', 'size_total'],
  ...[
    'size_created',
    'size.created',
    'target',
    'target_info',
    'requests',
    'requests.total',
    'total',
  ],
  ...[
    'http.server.duration',
    'HTTP/x',
    '2xx',
    'größe',
    '日本',
    '_',
    '',
    'a b',
    'q"uote',
    'back\\slash',
  ],
  ...[
    'line\nfeed',
    '__proto__',
    'constructor',
    '🎆',
    'half\ud800',
    ':',
    'size_seconds',
    'size_bytes',
  ],
];
const UNITS = [
  '',
  '1',
  's',
  'ms',
  'By',
  'By/s',
  '{row}',
  '{row}/s',
  '%',
  'km/h',
  'odd unit',
  'n\nl',
];
const KEYS = [
  ...[
    'a',
    'a.b',
    'a_b',
    'a-b',
    'le',
    'quantile',
    'exported_le',
    '__name__',
    '1st',
    '',
    '日',
    'key"',
  ],
  ...['otel.scope.name', 'otel_scope_name', '__proto__', 'constructor', 'b\\c', 'c\nd', 'trace_id'],
];
const VALUES = [
  '',
  'x',
  'x"y',
  'a\\b',
  'l\nf',
  '日本',
  '\r',
  true,
  7,
  -0.5,
  ['x', 'y'],
  Number.NaN,
  null,
];
const NUMBERS = [0, 1, -1, 0.1, 1e21, 1e-9, 123456789, Number.NaN, 1 / 0, -1 / 0, 5e-324];

describe('whatever was collected', () => {
  const seeds = Array.from({ length: 4 }, (_, i) => i + 1);
  it.each(seeds)('is exposed as both formats want it, every way to name it (seed %i)', (seed) => {
    const random = randomFrom(seed * 7919);
    for (let round = 0; round < 3; round++) {
      const metrics = anyMetrics(random);
      for (const translationStrategy of TRANSLATION_STRATEGIES) {
        for (const escaping of ESCAPINGS) {
          for (const openMetrics of [false, true]) {
            const options = {
              translationStrategy,
              prefix: one(random, ['', 'app', 'my.app', '9']),
              withoutScopeInfo: random.below(2) === 0,
              appendTimestamp: random.below(2) === 0,
              withResourceConstantLabels: one(random, [/a/, () => false]),
            };
            const text = prometheusText(metrics, options, { openMetrics, escaping });
            const families = readExposition(text, openMetrics ? 'openMetrics' : 'text');
            if (escaping !== 'allow-utf-8') expect(text).not.toMatch(/^\{|[{,]"/m);
            // Not everything collides.
            expect(families.length).toBeGreaterThan(0);
          }
        }
      }
    }
  });
});

function one<T>(random: SeededRandom, all: readonly T[]): T {
  return all[random.below(all.length)]!;
}

function several<T>(random: SeededRandom, limit: number, make: () => T): T[] {
  return Array.from({ length: random.below(limit) }, make);
}

function anyAttributes(random: SeededRandom, limit = 5): Attributes {
  const entries = several(random, limit, () => [one(random, KEYS), one(random, VALUES)]);
  return Object.fromEntries(entries) as Attributes;
}

function anyMetric(random: SeededRandom): MetricData {
  const given = {
    unit: one(random, UNITS),
    description: one(random, ['', 'Of "this"', 'two\nlines\\']),
    temporality: one(random, [0, 1, 1, 1] as const),
    startTime: one(random, [
      [0, 0],
      [1_700_000_000, 7],
    ] as [number, number][]),
  };
  const name = one(random, NAMES);
  const points = <Value>(make: () => Value) =>
    several(random, 4, () => {
      const exemplars = several(random, 3, () => ({
        value: one(random, NUMBERS),
        time: [1_700_000_000 + random.below(9), random.below(1e9)] as [number, number],
        filteredAttributes: anyAttributes(random),
        traceId: one(random, [undefined, '0af7651916cd43dd8448eb211c80319c']),
        spanId: one(random, [undefined, 'b7ad6b7169203331']),
      }));
      return [anyAttributes(random), make(), exemplars] as const;
    });
  const number = () => one(random, NUMBERS);
  const sum = () => one(random, [undefined, ...NUMBERS]);
  const counts = (length: number) => Array.from({ length }, () => random.below(5));
  switch (random.below(6)) {
    case 0:
      return counter(name, points(number), given);
    case 1:
      return upDownCounter(name, points(number), given);
    case 2:
      return gauge(name, points(number), given);
    case 3:
      return histogram(
        name,
        points(() => {
          const boundaries = [-5, 0, 0.001, 1, 1e7].slice(random.below(5));
          const all = counts(boundaries.length + 1);
          return {
            buckets: { boundaries, counts: all },
            count: all.reduce((a, b) => a + b),
            sum: sum(),
          };
        }),
        given,
      );
    case 4:
      return exponentialHistogram(
        name,
        points(() => ({
          ...{ count: 0, sum: sum(), scale: random.below(20) - 5, zeroCount: random.below(3) },
          positive: { offset: random.below(400) - 200, bucketCounts: counts(random.below(60)) },
          negative: { offset: random.below(400) - 200, bucketCounts: counts(random.below(10)) },
        })),
        given,
      );
    default:
      return summary(
        name,
        points(() => ({
          ...{ count: random.below(9), sum: number() },
          quantiles: [0.99, 0, 1, 0.5].map((quantile) => ({ quantile, value: number() })),
        })),
        given,
      );
  }
}

function anyMetrics(random: SeededRandom): ResourceMetrics {
  return {
    resource: { attributes: anyAttributes(random) },
    scopeMetrics: Array.from({ length: 3 }, () => ({
      scope: {
        name: one(random, ['', 'lib', 'lib"2']),
        version: one(random, [undefined, '', '1.0']),
        schemaUrl: one(random, [undefined, 'https://example.com']),
        attributes: anyAttributes(random),
      },
      metrics: [gauge('certain', [[{}, 1]]), ...several(random, 12, () => anyMetric(random))],
    })),
  };
}
