import { describe, expect, it } from 'vitest';
import { DELTA, EXPONENTIAL_HISTOGRAM, GAUGE, HISTOGRAM, SUM } from '../../src/api/metric/data.ts';
import type { Cells } from '../../src/buffer/cells.ts';
import { CELL_STATE, CELL_VALUE } from '../../src/engine/generated/layout.ts';
import {
  attributesOf,
  type Encoded,
  encoded,
  encodeMetricsEverywhere,
  groupsOf,
  openCells,
} from '../support/cells.ts';
import { ENGINE_NAMES } from '../support/engines.ts';
import { decodeMetricsOfficially, type ModelMetric } from '../support/metric-model.ts';
import { randomFrom } from '../support/random.ts';

/** Streams of every kind with many series, some of which were not measured. */
function fill(cells: Cells, temporality?: 0 | 1): readonly number[] {
  const random = randomFrom(41);
  return Array.from({ length: 12 }, (_, i) => {
    const kind = ([SUM, GAUGE, HISTOGRAM, EXPONENTIAL_HISTOGRAM] as const)[i % 4]!;
    const boundaries = Array.from({ length: i }, (_, b) => b * 10);
    const stream = cells.stream({
      name: `metric.${i}`,
      kind,
      boundaries,
      temporality,
      exemplars: 1,
    });
    for (let id = random.below(60); id >= 0; id--) {
      const values = { id, text: 't'.repeat(random.below(200)) };
      const cell = cells.series(stream, attributesOf(values), 1, 0);
      if (id % 7 === 3) continue;
      for (let n = random.below(20); n >= 0; n--) {
        const value = Math.exp(random.next() * 5);
        if (kind === HISTOGRAM) cells.recordHistogram(cell, value);
        else if (kind === EXPONENTIAL_HISTOGRAM) cells.recordExponential(cell, value);
        else cells.f64[(cell + CELL_VALUE) >> 3]! += value;
      }
      cells.i32[(cell + CELL_STATE) >> 2] = 1;
      if (id % 5 === 0) cells.setExemplar(cell, 0, { value: 1, sec: 2, nano: 3 });
    }
    return stream;
  });
}

/** All metrics, those that were split put together. */
function joined({ models }: Encoded): readonly ModelMetric[] {
  const metrics = new Map<string, ModelMetric>();
  for (const model of models) {
    expect(model).toHaveLength(1);
    const { attributes, schemaUrl, scopes } = model[0]!;
    expect({ attributes, schemaUrl }).toEqual({
      attributes: [['service.name', { string: 'shop' }]],
      schemaUrl: 'urn:r',
    });
    expect(scopes.map(({ name, version }) => [name, version])).toEqual([['scope', '1']]);
    for (const metric of scopes[0]!.metrics) {
      const before = metrics.get(metric.name)?.points ?? [];
      expect(metric.points.length).toBeGreaterThan(0);
      metrics.set(metric.name, { ...metric, points: [...before, ...metric.points] });
    }
  }
  return [...metrics.values()];
}

const whole = encodeMetricsEverywhere(fill);

describe('requests of metrics', () => {
  it('hold all points in one where there is no reason for several', () => {
    expect(whole.requests).toHaveLength(1);
    expect(whole.points[0]).toBe(joined(whole).reduce((sum, { points }) => sum + points.length, 0));
  });

  it.each([1, 2, 3, 7, 50, 100, 1000])(
    'have %d points at most, and none is lost or twice',
    (maxPoints) => {
      const split = encodeMetricsEverywhere(fill, { maxPoints });
      expect(joined(split)).toEqual(joined(whole));
      const last = split.points.length - 1;
      split.points.forEach((points, i) => {
        if (i < last) expect(points).toBe(maxPoints);
        else expect(points).toBeLessThanOrEqual(maxPoints);
      });
    },
  );

  it.each([2500, 3000, 4097, 10_000, 33_333, 1_000_000])(
    'have %d bytes at most, and no point is lost or twice',
    (maxBytes) => {
      const split = encodeMetricsEverywhere(fill, { maxBytes });
      expect(split.tooLarge).toBe(0);
      expect(joined(split)).toEqual(joined(whole));
      for (const request of split.requests) expect(request.length).toBeLessThanOrEqual(maxBytes);
      // As few as there may be, but for what might not have fitted.
      expect(split.requests.length).toBeLessThan(
        2 + (1.6 * whole.requests[0]!.length) / (maxBytes - 1500),
      );
    },
  );

  it('leave out a point that is too large on its own, say so, and hold all others', () => {
    const split = encodeMetricsEverywhere(
      (cells) => {
        const stream = cells.stream({ name: 'm', kind: SUM });
        for (const size of [10, 1000, 20, 30, 2000, 40, 600]) {
          const cell = cells.series(stream, attributesOf({ text: 'x'.repeat(size) }), 1, 0);
          cells.i32[(cell + CELL_STATE) >> 2] = 1;
        }
        return [stream];
      },
      { maxBytes: 800 },
    );
    expect(split.tooLarge).toBe(3);
    expect(joined(split)[0]!.points).toHaveLength(4);
  });

  it('say of all points that they are too large where not even their resource fits', () => {
    for (const engine of ENGINE_NAMES) {
      const cells = openCells(engine);
      const streams = fill(cells);
      expect(encoded(cells, streams, { maxBytes: 50 })).toMatchObject({
        requests: [],
        tooLarge: whole.points[0],
      });
      // Nothing was taken.
      expect(encoded(cells, streams).points).toEqual(whole.points);
    }
  });

  it('give away each delta series once, however they are split', () => {
    for (const engine of ENGINE_NAMES) {
      const cells = openCells(engine);
      const streams = fill(cells, DELTA);
      const split = encoded(cells, streams, { maxBytes: 5000, maxPoints: 20 });
      expect(split.requests.length).toBeGreaterThan(5);
      const deltas = joined(whole).map((metric) => ({
        ...metric,
        temporality: metric.kind === 'gauge' ? undefined : 1,
      }));
      expect(joined(split)).toEqual(deltas);
      expect(encoded(cells, streams).requests).toEqual([]);
    }
  });

  it('come one after the other from the same place: each is to be used at once', () => {
    const cells = openCells('simd');
    const streams = fill(cells);
    const { resource, scope } = groupsOf(cells);
    const places = new Set<number>();
    const batch = { resource, scopes: [{ scope, streams }], timeSec: 1, timeNano: 0, maxPoints: 9 };
    cells.encode(batch, (bytes) => places.add(bytes.byteOffset));
    expect(places.size).toBe(1);
  });

  it('outlast measurements, and new series, while they are handed out', () => {
    for (const engine of ENGINE_NAMES) {
      const cells = openCells(engine);
      const streams = fill(cells);
      const { resource, scope } = groupsOf(cells);
      const exponential = cells.series(streams[3]!, attributesOf({ late: true }), 1, 0);
      const requests: Buffer[] = [];
      let value = 1;
      const batch = { resource, scopes: [{ scope, streams }], timeSec: 1_700_000_000, timeNano: 7 };
      const outcome = cells.encode({ ...batch, maxPoints: 10 }, (bytes) => {
        cells.recordExponential(exponential, value);
        value *= 1.7;
        expect(cells.series(streams[0]!, attributesOf({ late: true }), 1, 0)).toBe(0);
        cells.recordExponential(exponential, -value);
        requests.push(Buffer.from(bytes));
      });
      expect(outcome.points).toBe(requests.length === 0 ? 0 : whole.points[0]! + 1);
      expect(cells.exponentialOf(exponential).count).toBe(2 * requests.length);
      expect(cells.series(streams[0]!, attributesOf({ late: true }), 1, 0)).not.toBe(0);
    }
  });

  it.each([
    [1 << 20, undefined],
    [400_000, undefined],
    [1 << 20, 700],
  ])('are put together elsewhere from pieces, in %d bytes, of %s points', (length, maxPoints) => {
    for (const engine of ENGINE_NAMES) {
      const cells = openCells(engine);
      const { resource, scope } = groupsOf(cells);
      const stream = cells.stream({ name: 'm', kind: SUM });
      for (let id = 0; id < 2500; id++) {
        const cell = cells.series(stream, attributesOf({ id, text: 'x'.repeat(300) }), 1, 0);
        cells.i32[(cell + CELL_STATE) >> 2] = 1;
      }
      const into = new Uint8Array(length);
      const ids: unknown[] = [];
      const batch = { resource, scopes: [{ scope, streams: [stream] }], timeSec: 1, timeNano: 0 };
      const outcome = cells.encode({ ...batch, into, maxPoints }, (bytes, points) => {
        expect(bytes.buffer).toBe(into.buffer);
        expect(points).toBeLessThanOrEqual(maxPoints ?? 2500);
        const read = decodeMetricsOfficially(bytes).flatMap((r) =>
          r.scopes.flatMap((s) => s.metrics.flatMap((metric) => metric.points)),
        );
        expect(read).toHaveLength(points);
        ids.push(...read.map(({ attributes }) => attributes[0]![1]));
      });
      expect(outcome).toMatchObject({ points: 2500, tooLarge: 0 });
      expect(ids).toEqual(Array.from({ length: 2500 }, (_, id) => ({ int: BigInt(id) })));
    }
  });

  it('are whole when memory is used up: they become smaller, and more', () => {
    for (const engine of ENGINE_NAMES) {
      const cells = openCells(engine, 512 * 1024);
      const { resource, scope } = groupsOf(cells);
      const boundaries = Array.from({ length: 60 }, (_, i) => i);
      const stream = cells.stream({ name: 'h', kind: HISTOGRAM, boundaries });
      let series = 0;
      for (;;) {
        const cell = cells.series(stream, attributesOf({ series }), 1, 0);
        if (cell === 0) break;
        cells.recordHistogram(cell, series++ % 70);
      }
      const ids: unknown[] = [];
      const batch = { resource, scopes: [{ scope, streams: [stream] }], timeSec: 1, timeNano: 0 };
      const outcome = cells.encode(batch, (bytes) => {
        const [model] = decodeMetricsOfficially(Buffer.from(bytes));
        for (const point of model!.scopes[0]!.metrics[0]!.points) ids.push(point.attributes[0]![1]);
      });
      expect(outcome).toMatchObject({ points: series, tooLarge: 0 });
      expect(outcome.requests).toBeGreaterThan(1);
      expect(ids).toEqual(Array.from({ length: series }, (_, i) => ({ int: BigInt(i) })));
    }
  });
});
