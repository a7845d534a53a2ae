/** Views and cardinality limits against naive oracles, on random selectors and measurements. */

import type { Attributes } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import {
  CUMULATIVE_TEMPORALITY,
  DELTA_TEMPORALITY,
  type InstrumentKind,
  LOW_MEMORY_TEMPORALITY,
} from '../../../src/api/metric/aggregation.ts';
import type { ViewOptions } from '../../../src/api/metric/view.ts';
import { randomFrom, type SeededRandom } from '../../support/random.ts';
import { byAttributes, rig, textOf } from './rig.ts';

const OVERFLOW = 'otel.metric.overflow=true';

/** Whether a pattern stands for a text, by trying every way. */
function matches(pattern: string, text: string): boolean {
  if (pattern === '') return text === '';
  if (pattern[0] === '*') {
    return matches(pattern.slice(1), text) || (text !== '' && matches(pattern, text.slice(1)));
  }
  if (text === '' || (pattern[0] !== '?' && pattern[0] !== text[0])) return false;
  return matches(pattern.slice(1), text.slice(1));
}

function pick<T>(random: SeededRandom, from: readonly T[]): T {
  return from[random.below(from.length)]!;
}

/** One of them, or undefined. */
function maybe<T>(random: SeededRandom, from: readonly T[]): T | undefined {
  return random.below(2) === 0 ? undefined : pick(random, from);
}

const NAMES = ['a', 'ab', 'abc', 'b.a', 'b.ab', 'a.b.c', 'c', 'x-1'];
const PATTERNS = [
  '*',
  'a*',
  '*a',
  '?',
  '??',
  'b.*',
  '*.*',
  'a?c',
  '*b*',
  'c',
  'x-1',
  'x*1',
  '**a',
  'q',
];
const UNITS = ['', 'By', 's'];
const METERS = ['m', 'n'];
const KEYS = ['k1', 'k2', 'k3', 'other.a', 'other.b'];
const KEY_PATTERNS = ['k1', 'k2', 'k*', 'other.?', '*', 'none'];
const KINDS: InstrumentKind[] = ['COUNTER', 'UP_DOWN_COUNTER', 'HISTOGRAM'];

function anyView(random: SeededRandom, index: number): ViewOptions {
  const list = () => Array.from({ length: random.below(3) }, () => pick(random, KEY_PATTERNS));
  const instrumentName = pick(random, PATTERNS);
  const isExact = !/[*?]/.test(instrumentName);
  return {
    instrumentName,
    instrumentType: maybe(random, KINDS),
    instrumentUnit: maybe(random, UNITS),
    meterName: maybe(random, METERS),
    name: isExact && random.below(2) === 0 ? `view.${index}` : undefined,
    // Tells the metrics of views apart that give no name.
    description: `view ${index}`,
    allowAttributes: random.below(2) === 0 ? list() : undefined,
    // What no measurement has tells them apart, too: views that do the same are one metric.
    denyAttributes: [...(random.below(3) === 0 ? list() : []), `never.${index}`],
    aggregation: random.below(6) === 0 ? { type: 1 } : { type: 2 },
  };
}

interface Planned {
  readonly name: string;
  readonly kind: InstrumentKind;
  readonly unit: string;
  readonly meter: string;
}

/** Metrics that should come of what is added to an instrument: by name and description. */
function expected(
  views: readonly ViewOptions[],
  instrument: Planned,
  added: readonly (readonly [number, Attributes])[],
): Record<string, Record<string, number>> {
  const applying = views.filter(
    (view) =>
      matches(view.instrumentName!, instrument.name) &&
      (view.instrumentType ?? instrument.kind) === instrument.kind &&
      (view.instrumentUnit ?? instrument.unit) === instrument.unit &&
      (view.meterName ?? instrument.meter) === instrument.meter,
  );
  const metrics: Record<string, Record<string, number>> = {};
  for (const view of applying) {
    if (view.aggregation!.type === 1) continue;
    const sums: Record<string, number> = {};
    for (const [value, attributes] of added) {
      const kept = Object.entries(attributes).filter(
        ([key]) =>
          (view.allowAttributes?.some((pattern) => matches(pattern, key)) ?? true) &&
          !(view.denyAttributes?.some((pattern) => matches(pattern, key)) ?? false),
      );
      const text = textOf(Object.fromEntries(kept));
      sums[text] = (sums[text] ?? 0) + value;
    }
    metrics[`${view.name ?? instrument.name}/${view.description}`] = sums;
  }
  return metrics;
}

describe('views, by chance', () => {
  for (let seed = 1; seed <= 60; seed++) {
    it(`make the metrics that a naive reading of them makes, seed ${seed}`, async () => {
      const random = randomFrom(seed * 7919);
      const views = Array.from({ length: 1 + random.below(5) }, (_, i) => anyView(random, i));
      const { provider, collect } = rig({ views });
      const wanted: Record<string, Record<string, number>> = {};
      const used = new Set<string>();
      for (let i = 0; i < 6; i++) {
        const instrument = {
          name: pick(random, NAMES),
          kind: pick(random, KINDS),
          unit: pick(random, UNITS),
          meter: pick(random, METERS),
        };
        const { name, kind, unit, meter: scope } = instrument;
        if (used.has(`${scope}/${name}`)) continue;
        used.add(`${scope}/${name}`);
        const meter = provider.getMeter(scope);
        const options = { unit };
        const add = {
          COUNTER: () => {
            const counter = meter.createCounter(name, options);
            return (value: number, attributes: Attributes) => counter.add(value, attributes);
          },
          UP_DOWN_COUNTER: () => {
            const counter = meter.createUpDownCounter(name, options);
            return (value: number, attributes: Attributes) => counter.add(value, attributes);
          },
          HISTOGRAM: () => {
            const histogram = meter.createHistogram(name, options);
            return (value: number, attributes: Attributes) => histogram.record(value, attributes);
          },
        }[kind as 'COUNTER']();
        const added = Array.from({ length: 20 }, () => {
          const keys = KEYS.filter(() => random.below(2) === 0);
          const attributes = Object.fromEntries(keys.map((key) => [key, random.below(3)]));
          return [1 + random.below(9), attributes] as const;
        });
        for (const [value, attributes] of added) add(value, attributes);
        for (const [metric, sums] of Object.entries(expected(views, instrument, added))) {
          wanted[`${scope}/${metric}`] = sums;
        }
        if (!views.some((view) => applies(view, instrument))) wanted[`${scope}/${name}/`] = {};
      }
      const found: Record<string, Record<string, unknown>> = {};
      for (const { scope, metrics } of (await collect()).resourceMetrics.scopeMetrics) {
        for (const { descriptor, dataPoints } of metrics) {
          const key = `${scope.name}/${descriptor.name}/${descriptor.description}`;
          const isPlain = descriptor.description === '';
          found[key] = isPlain ? {} : byAttributes(dataPoints as never);
        }
      }
      expect(found).toEqual(wanted);
    });
  }

  function applies(view: ViewOptions, instrument: Planned): boolean {
    return (
      matches(view.instrumentName!, instrument.name) &&
      (view.instrumentType ?? instrument.kind) === instrument.kind &&
      (view.instrumentUnit ?? instrument.unit) === instrument.unit &&
      (view.meterName ?? instrument.meter) === instrument.meter
    );
  }
});

describe('cardinality limits, by chance', () => {
  const temporalities = {
    cumulative: CUMULATIVE_TEMPORALITY,
    delta: DELTA_TEMPORALITY,
    lowmemory: LOW_MEMORY_TEMPORALITY,
  };
  for (const [name, temporality] of Object.entries(temporalities)) {
    for (let seed = 1; seed <= 12; seed++) {
      it(`lose nothing and are never exceeded: ${name}, seed ${seed}`, async () => {
        const random = randomFrom(seed * 104_729);
        const limit = 1 + random.below(12);
        const sets = 1 + random.below(30);
        const views =
          random.below(2) === 0 ? [] : [{ instrumentName: '*', allowAttributes: ['k'] }];
        const { metrics, provider } = rig({
          views,
          cardinalityLimit: limit,
          reader: { temporality },
        });
        const meter = provider.getMeter('m');
        const counter = meter.createCounter('c');
        const updown = meter.createUpDownCounter('u');
        const histogram = meter.createHistogram('h');
        const bound = random.below(2) === 0 ? counter.bind({ k: 'bound' }) : undefined;
        const given = { c: 0, u: 0, h: 0 };
        const had = { c: 0, u: 0, h: 0 };
        const measured = new Map<string, number>();
        for (let interval = 0; interval < 12; interval++) {
          measured.clear();
          for (let i = random.below(60); i > 0; i--) {
            const attributes = { k: random.below(sets), other: random.below(3) };
            const value = random.below(10);
            counter.add(value, attributes);
            updown.add(-value, attributes);
            histogram.record(value, attributes);
            given.c += value;
            given.u -= value;
            given.h++;
            if (bound !== undefined && random.below(4) === 0) {
              bound.add(1);
              given.c++;
            }
          }
          for (const { descriptor, dataPoints, aggregationTemporality } of await metrics()) {
            expect(dataPoints.length).toBeLessThanOrEqual(limit);
            const texts = dataPoints.map((point) => textOf(point.attributes));
            expect(new Set(texts).size).toBe(texts.length);
            const key = descriptor.name as 'c';
            const total = dataPoints.reduce((sum, { value }) => {
              return sum + (typeof value === 'number' ? value : (value as { count: number }).count);
            }, 0);
            had[key] = aggregationTemporality === 0 ? had[key] + total : total;
          }
          expect(had).toEqual(given);
        }
      });
    }
  }

  it('keeps for good the series that were there before the overflow began, when cumulative', async () => {
    const { provider, points } = rig({ cardinalityLimit: 4 });
    const counter = provider.getMeter('m').createCounter('c');
    for (let round = 1; round <= 3; round++) {
      for (let i = 0; i < 6; i++) counter.add(1, { i });
      expect(byAttributes(await points('c'))).toEqual({
        'i=0': round,
        'i=1': round,
        'i=2': round,
        [OVERFLOW]: 3 * round,
      });
    }
  });

  it('gives the places of delta series that are not measured any more to others', async () => {
    const { provider, points } = rig({
      cardinalityLimit: 4,
      reader: { temporality: DELTA_TEMPORALITY },
    });
    const counter = provider.getMeter('m').createCounter('c');
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 3; i++) counter.add(i, { id: `${round}-${i}` });
      const found = byAttributes(await points('c'));
      expect(Object.keys(found).sort()).toEqual([0, 1, 2].map((i) => `id=${round}-${i}`));
    }
    expect(provider.health().overflowed).toBe(0);
  });

  it('prefers what callbacks observe first, and lets go of what they do not observe', async () => {
    const { provider, points } = rig({ cardinalityLimit: 3 });
    let ids = [1, 2, 3, 4];
    const counter = provider.getMeter('m').createObservableCounter('c');
    counter.addCallback((result) => {
      for (const id of ids) result.observe(id, { id });
    });
    expect(byAttributes(await points('c'))).toEqual({ 'id=1': 1, 'id=2': 2, [OVERFLOW]: 7 });
    ids = [5, 6];
    expect(byAttributes(await points('c'))).toEqual({ 'id=5': 5, 'id=6': 6 });
  });

  it('goes to the overflow where memory is used up, and comes back from there', async () => {
    const { provider, metrics } = rig({ maxBytes: 256 * 1024, cardinalityLimit: 100_000 });
    const histogram = provider.getMeter('m').createHistogram('h');
    const before = histogram.bind({ id: 'known' });
    for (let i = 0; i < 5000; i++) histogram.record(1, { id: `series-${i}` });
    before.record(1);
    const [metric] = await metrics();
    const counts = byAttributes(metric!.dataPoints as never) as Record<string, { count: number }>;
    expect(Object.values(counts).reduce((sum, { count }) => sum + count, 0)).toBe(5001);
    expect(counts['id=known']!.count).toBe(1);
    expect(counts[OVERFLOW]!.count).toBeGreaterThan(1000);
    const { overflowed, usedBytes, maxBytes, dropped } = provider.health();
    expect(overflowed).toBe(counts[OVERFLOW]!.count);
    expect(usedBytes).toBeLessThanOrEqual(maxBytes);
    expect(dropped.no_memory).toBe(0);
  });
});
