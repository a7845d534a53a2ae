import { describe, expect, it } from 'vitest';
import { DELTA, EXPONENTIAL_HISTOGRAM, GAUGE, HISTOGRAM, SUM } from '../../src/api/metric/data.ts';
import { Cells, type StreamShape } from '../../src/buffer/cells.ts';
import { Group, RecordMap } from '../../src/buffer/record.ts';
import {
  CELL_ATTRIBUTES_BYTES,
  CELL_NEXT,
  CELL_STATE,
  CELL_VALUE,
  STREAM_CELL_BYTES,
  STREAM_COUNT,
  STREAM_FIRST,
} from '../../src/engine/generated/layout.ts';
import { attributesOf, metricsSources, openCells } from '../support/cells.ts';
import { ENGINE_NAMES } from '../support/engines.ts';
import { randomFrom } from '../support/random.ts';

/** One that was made, and what it must still say. */
interface Made {
  readonly stream: number;
  readonly cell: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  value: number;
}

/** First byte and the one behind the last. */
function extent(cells: Cells, { stream, cell }: Made): [number, number] {
  const { i32 } = cells;
  const fixed = i32[(stream + STREAM_CELL_BYTES) >> 2]!;
  return [cell, cell + fixed + i32[(cell + CELL_ATTRIBUTES_BYTES) >> 2]!];
}

function expectIntact(cells: Cells, made: Iterable<Made>): void {
  const extents: [number, number][] = [];
  for (const one of made) {
    expect(cells.attributesOf(one.cell)).toEqual(one.attributes);
    expect(cells.numberOf(one.cell)).toBe(one.value);
    extents.push(extent(cells, one));
  }
  extents.sort((a, b) => a[0] - b[0]);
  for (let i = 1; i < extents.length; i++) {
    expect(extents[i]![0]).toBeGreaterThanOrEqual(extents[i - 1]![1]);
  }
}

const SHAPES: readonly StreamShape[] = [
  { name: 'sum', kind: SUM },
  { name: 'gauge', kind: GAUGE, description: 'd'.repeat(300) },
  { name: 'histogram', kind: HISTOGRAM, boundaries: [1, 2, 3, 4, 5, 6, 7, 8, 9] },
  { name: 'exponential', kind: EXPONENTIAL_HISTOGRAM },
];

describe.each(ENGINE_NAMES)('cells on %s', (engine) => {
  it('keeps attributes of every kind as they are', () => {
    const cells = openCells(engine);
    const stream = cells.stream({ name: 's', kind: SUM });
    const cell = cells.series(
      stream,
      attributesOf({
        text: 'a',
        empty: '',
        unicode: 'Grüße 👋 \u0000',
        long: 'x'.repeat(70_000),
        yes: true,
        no: false,
        zero: 0,
        negativeZero: -0,
        int: 42,
        negative: -7,
        wide: 2 ** 40,
        minusWide: -(2 ** 52),
        pi: 3.25,
        infinite: Number.NEGATIVE_INFINITY,
        big: 2n ** 62n,
        list: [1, 'two', false, null],
        bytes: new Uint8Array([1, 2, 255]),
        map: new RecordMap(['inner', '__proto__'], [[1, 2], 'own']),
        nothing: null,
        '': 'empty key',
      }),
      1,
      2,
    );
    const read = cells.attributesOf(cell) as Record<string, unknown>;
    expect(read).toEqual({
      text: 'a',
      empty: '',
      unicode: 'Grüße 👋 \u0000',
      long: 'x'.repeat(70_000),
      yes: true,
      no: false,
      zero: 0,
      negativeZero: -0,
      int: 42,
      negative: -7,
      wide: 2 ** 40,
      minusWide: -(2 ** 52),
      pi: 3.25,
      infinite: Number.NEGATIVE_INFINITY,
      big: 2n ** 62n,
      list: [1, 'two', false, undefined],
      bytes: new Uint8Array([1, 2, 255]),
      map: Object.defineProperty({ inner: [1, 2] }, '__proto__', {
        value: 'own',
        enumerable: true,
      }),
      nothing: undefined,
      '': 'empty key',
    });
    expect(Object.getPrototypeOf(read.map)).toBe(Object.prototype);
  });

  it('gives each series a place of its own, whatever is made, grown and freed', () => {
    const cells = openCells(engine, 8 << 20);
    const random = randomFrom(21);
    const streams = SHAPES.map((shape) => cells.stream(shape));
    const made = new Map<number, Made>();
    const first = cells.i32.length;
    for (let step = 0; step < 6000; step++) {
      const kind = random.below(10);
      if (kind < 6 || made.size === 0) {
        const stream = streams[random.below(streams.length)]!;
        const size = random.below(100) === 0 ? random.below(20_000) : random.below(80);
        const attributes = { id: step, text: String.fromCharCode(97 + (step % 26)).repeat(size) };
        const cell = cells.series(stream, attributesOf(attributes), step, 0);
        expect(cell).toBeGreaterThan(0);
        expect(made.has(cell)).toBe(false);
        made.set(cell, { stream, cell, attributes, value: 0 });
      } else {
        const all = [...made.keys()];
        const one = made.get(all[random.below(all.length)]!)!;
        if (kind < 9) {
          const value = random.below(1000);
          one.value += value;
          if (one.stream === streams[2]) cells.recordHistogram(one.cell, value);
          else if (one.stream === streams[3]) cells.recordExponential(one.cell, value);
          else cells.f64[(one.cell + CELL_VALUE) >> 3]! += value;
        } else {
          cells.remove(one.cell);
          made.delete(one.cell);
        }
      }
    }
    expect(cells.i32.length).toBeGreaterThan(first);
    expectIntact(cells, made.values());
    for (const stream of streams) {
      const expected = [...made.values()].filter((one) => one.stream === stream);
      const chained: number[] = [];
      let cell = cells.i32[(stream + STREAM_FIRST) >> 2]!;
      for (; cell !== 0; cell = cells.i32[(cell + CELL_NEXT) >> 2]!) chained.push(cell);
      expect(chained).toEqual(expected.map((one) => one.cell));
      expect(cells.i32[(stream + STREAM_COUNT) >> 2]).toBe(expected.length);
    }
    for (const stream of streams) cells.freeStream(stream);
    expect(cells.usage.usedBytes).toBe(0);
  });

  it('uses memory again that was freed', () => {
    const cells = openCells(engine, 1 << 20);
    const stream = cells.stream(SHAPES[3]!);
    let size = 0;
    for (let round = 0; round < 30; round++) {
      const made: number[] = [];
      for (let i = 0; i < 100; i++) {
        const cell = cells.series(stream, attributesOf({ id: `${round}-${i}` }), 1, 0);
        expect(cell).toBeGreaterThan(0);
        for (const value of [1, 100, 1e6, -3]) cells.recordExponential(cell, value);
        made.push(cell);
      }
      if (round === 3) size = cells.f64.length;
      for (const cell of made) cells.remove(cell);
    }
    expect(cells.f64.length).toBe(size);
  });

  it('refuses what the budget has no place for, and has it again when something was freed', () => {
    const cells = openCells(engine, 512 * 1024);
    const stream = cells.stream(SHAPES[0]!);
    const made: Made[] = [];
    for (;;) {
      const attributes = { id: made.length, text: 'x'.repeat(made.length % 200) };
      const cell = cells.series(stream, attributesOf(attributes), 1, 0);
      if (cell === 0) break;
      cells.f64[(cell + CELL_VALUE) >> 3] = made.length;
      made.push({ stream, cell, attributes, value: made.length });
    }
    const { usedBytes, maxBytes } = cells.usage;
    expect(usedBytes).toBeGreaterThan(maxBytes * 0.95);
    expect(usedBytes).toBeLessThanOrEqual(maxBytes);
    expect(cells.stream({ name: 'x'.repeat(1000), kind: SUM })).toBe(0);
    expect(cells.series(0, attributesOf({}), 1, 0)).toBe(0);
    expectIntact(cells, made);
    // From blocks of many sizes, smaller ones are made.
    for (const one of made.splice(0, made.length / 2)) cells.remove(one.cell);
    for (let i = 0; i < 1000; i++) {
      const cell = cells.series(stream, attributesOf({ id: -i }), 1, 0);
      expect(cell).toBeGreaterThan(0);
      made.push({ stream, cell, attributes: { id: -i }, value: 0 });
    }
    expectIntact(cells, made);
    expect(cells.usage.usedBytes).toBeLessThanOrEqual(maxBytes);
  });

  it('refuses a set of attributes that no room is large enough for, and goes on', () => {
    const cells = openCells(engine, 512 * 1024);
    const stream = cells.stream(SHAPES[0]!);
    expect(cells.series(stream, attributesOf({ text: 'x'.repeat(600_000) }), 1, 0)).toBe(0);
    expect(cells.series(stream, attributesOf({ text: 'x'.repeat(60_000) }), 1, 0)).not.toBe(0);
  });

  it('keeps exemplars until they are replaced, cleared or taken', () => {
    const cells = openCells(engine);
    const stream = cells.stream({ ...SHAPES[0]!, exemplars: 3 });
    const cell = cells.series(stream, attributesOf({}), 1, 0);
    const before = cells.usage.usedBytes;
    expect(cells.exemplarsOf(cell)).toBeUndefined();
    const ids = [0x04030201, 0x08070605, 0x0c0b0a09, 0x100f0e0d, 0x14131211, 0x18171615];
    const filtered = attributesOf({ user: 'u'.repeat(40), n: 5 });
    cells.setExemplar(cell, 2, {
      value: 1.5,
      sec: 1_700_000_000,
      nano: 999_999_999,
      ids,
      filtered,
    });
    cells.setExemplar(cell, 0, { value: -2, sec: 3_000_000_000, nano: 0 });
    cells.setExemplar(cell, 3, { value: 9, sec: 1, nano: 0 });
    const kept = [
      { value: -2, time: [3_000_000_000, 0], filteredAttributes: {} },
      {
        value: 1.5,
        time: [1_700_000_000, 999_999_999],
        filteredAttributes: { user: 'u'.repeat(40), n: 5 },
        traceId: '0102030405060708090a0b0c0d0e0f10',
        spanId: '1112131415161718',
      },
    ];
    expect(cells.exemplarsOf(cell)).toEqual(kept);
    cells.setExemplar(cell, 2, { value: 7, sec: 1, nano: 2 });
    expect(cells.exemplarsOf(cell)).toEqual([
      kept[0],
      { value: 7, time: [1, 2], filteredAttributes: {} },
    ]);
    cells.take(cell, 5, 0);
    expect(cells.exemplarsOf(cell)).toBeUndefined();
    cells.setExemplar(cell, 1, { value: 7, sec: 1, nano: 2, filtered });
    cells.clearExemplars(cell);
    expect(cells.exemplarsOf(cell)).toBeUndefined();
    cells.setExemplar(cell, 1, { value: 7, sec: 1, nano: 2, filtered });
    cells.remove(cell);
    expect(cells.usage.usedBytes).toBeLessThan(before);
    cells.freeStream(stream);
    expect(cells.usage.usedBytes).toBe(0);
  });

  it('keeps exemplars of a stream that is to keep them when they are taken', () => {
    const cells = openCells(engine);
    const stream = cells.stream({ ...SHAPES[0]!, exemplars: 1, keepExemplars: true });
    const cell = cells.series(stream, attributesOf({}), 1, 0);
    cells.setExemplar(cell, 0, { value: 7, sec: 1, nano: 2 });
    cells.take(cell, 5, 0);
    expect(cells.exemplarsOf(cell)).toHaveLength(1);
  });

  it('counts the collections since a delta series was measured', () => {
    const cells = openCells(engine);
    const stream = cells.stream({ ...SHAPES[0]!, temporality: DELTA });
    const cell = cells.series(stream, attributesOf({}), 1, 0);
    const state = () => cells.i32[(cell + CELL_STATE) >> 2];
    expect(state()).toBe(0);
    cells.take(cell, 2, 0);
    cells.take(cell, 3, 0);
    expect(state()).toBe(-2);
    cells.i32[(cell + CELL_STATE) >> 2] = 1;
    cells.take(cell, 4, 0);
    expect(state()).toBe(0);
  });

  it('frees resources and scopes', () => {
    const cells = openCells(engine);
    const resource = new Group(attributesOf({ 'service.name': 's'.repeat(500) }));
    const scope = new Group(attributesOf({}), { parent: resource, name: 'n', schemaUrl: 'urn:s' });
    const addresses = [cells.group(resource), cells.group(scope)];
    expect(addresses[0]).not.toBe(addresses[1]);
    for (const address of addresses) cells.freeGroup(address);
    expect(cells.usage.usedBytes).toBe(0);
  });
});

describe('cells', () => {
  it('are opened at once where all sources are there, and late where one must be loaded', async () => {
    expect(Cells.open(metricsSources, undefined)).toBeInstanceOf(Cells);
    const late = { ...metricsSources, scalar: async () => metricsSources.scalar() };
    const opened = Cells.open(late, 'scalar');
    expect(opened).toBeInstanceOf(Promise);
    expect((await opened).engine).toBe('scalar');
  });

  it('have the engine that was asked for, or say so', () => {
    const none = () => {
      throw new Error('not on this host');
    };
    expect(() => Cells.open({ ...metricsSources, simd: none }, 'simd')).toThrow(/simd/);
    expect((Cells.open({ ...metricsSources, simd: none }, undefined) as Cells).engine).toBe(
      'scalar',
    );
  });

  it('have memory as the host has it: they make do with less than the budget', () => {
    const cells = openCells('portable', 64 << 20);
    const stream = cells.stream(SHAPES[0]!);
    const create = globalThis.ArrayBuffer;
    const made: number[] = [];
    try {
      // The host refuses whatever is larger than a MiB.
      globalThis.ArrayBuffer = new Proxy(create, {
        construct(target, [bytes]) {
          if (bytes > 1 << 20) throw new RangeError('Array buffer allocation failed');
          return new target(bytes);
        },
      });
      for (let cell = 1; cell !== 0; ) {
        cell = cells.series(stream, attributesOf({ id: made.length }), 1, 0);
        if (cell !== 0) made.push(cell);
      }
    } finally {
      globalThis.ArrayBuffer = create;
    }
    expect(cells.usage.maxBytes).toBeLessThan(1 << 20);
    expect(made.map((cell) => cells.attributesOf(cell).id)).toEqual(made.map((_, i) => i));
  });
});
