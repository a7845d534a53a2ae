import { describe, expect, it } from 'vitest';
import { HISTOGRAM, SUM } from '../../src/api/metric/data.ts';
import type { Cells } from '../../src/buffer/cells.ts';
import { CELL_STATE, CELL_VALUE } from '../../src/engine/generated/layout.ts';
import { attributesOf, encoded, openCells } from '../support/cells.ts';
import { ENGINE_NAMES } from '../support/engines.ts';
import { expectSame } from '../support/expect-same.ts';
import { rowsOf } from '../support/metric-points.ts';

/*
 * Requests that are put together outside of the engine's memory: which holds a piece of one at a
 * time, and says the same.
 */

const SERIES = 3000;

function fill(cells: Cells): readonly number[] {
  const text = 'x'.repeat(60);
  return ([SUM, HISTOGRAM] as const).map((kind) => {
    const boundaries = [1, 2, 3, 5, 8];
    const stream = cells.stream({ name: `metric.${kind}`, kind, boundaries });
    for (let id = 0; id < SERIES; id++) {
      const cell = cells.series(stream, attributesOf({ id, text }), 1, 0);
      if (kind === HISTOGRAM) cells.recordHistogram(cell, id % 10);
      else {
        cells.f64[(cell + CELL_VALUE) >> 3] = id;
        cells.i32[(cell + CELL_STATE) >> 2] = 1;
      }
    }
    return stream;
  });
}

const reached = (cells: Cells) => cells.f64.buffer.byteLength;

describe.each(ENGINE_NAMES)('requests put together outside, on %s', (engine) => {
  it('are one request of several pieces, with the same points', () => {
    const cells = openCells(engine);
    const streams = fill(cells);
    const joined = encoded(cells, streams, { into: new Uint8Array(4 << 20) });
    const whole = encoded(cells, streams);
    expect(joined.requests).toHaveLength(1);
    expect(joined.points).toEqual(whole.points);
    // The resource comes again with each piece.
    expect(joined.models[0]!.length).toBeGreaterThan(1);
    expectSame(rowsOf(joined.models[0]!), rowsOf(whole.models[0]!));
  });

  it('take little of the memory of the cells', () => {
    const [one, other] = [openCells(engine), openCells(engine)];
    const streams = [fill(one), fill(other)] as const;
    const before = reached(one);
    encoded(one, streams[0], { into: new Uint8Array(4 << 20) });
    encoded(other, streams[1]);
    expect(reached(one) - before).toBeLessThan(600_000);
    expect(reached(other) - before).toBeGreaterThan(600_000);
  });

  it('keep to the bytes and the points of a request', () => {
    const cells = openCells(engine);
    const streams = fill(cells);
    for (const limit of [{ maxPoints: 1500 }, { maxBytes: 400_000 }]) {
      const into = new Uint8Array(1 << 20);
      const { requests, points, models, tooLarge } = encoded(cells, streams, { into, ...limit });
      expect(tooLarge).toBe(0);
      expect(points.reduce((sum, n) => sum + n, 0)).toBe(2 * SERIES);
      expect(Math.max(...points)).toBeLessThanOrEqual(limit.maxPoints ?? SERIES * 2);
      for (const request of requests) {
        expect(request.length).toBeLessThanOrEqual(limit.maxBytes ?? into.length);
      }
      const rows = models.flatMap((model) => [...rowsOf(model).keys()]);
      expect(new Set(rows).size).toBe(2 * SERIES);
    }
  });

  it('have points larger than a piece', () => {
    const cells = openCells(engine);
    const stream = cells.stream({ name: 'large', kind: SUM });
    const sizes = [10, 400_000, 20, 900_000, 30];
    for (const [id, size] of sizes.entries()) {
      const cell = cells.series(stream, attributesOf({ id, text: 't'.repeat(size) }), 1, 0);
      cells.i32[(cell + CELL_STATE) >> 2] = 1;
    }
    const { tooLarge, points } = encoded(cells, [stream], { into: new Uint8Array(2 << 20) });
    expect({ tooLarge, points }).toEqual({ tooLarge: 0, points: [sizes.length] });
  });
});
