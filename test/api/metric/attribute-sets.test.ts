import { describe, expect, it } from 'vitest';
import { AttributeSets, type KeyFilter, UNKNOWN } from '../../../src/api/metric/attribute-sets.ts';
import { unboundedTree } from '../../../src/buffer/shape.ts';
import { randomFrom, type SeededRandom } from '../../support/random.ts';

function setsFor(capacity: number, filter?: KeyFilter): AttributeSets {
  return new AttributeSets(unboundedTree(), filter, capacity);
}

/** What a stream does with attributes: finds their set, or adds it. */
function numberOf(sets: AttributeSets, given: unknown): number {
  const found = sets.find(given);
  if (found !== UNKNOWN) return found;
  const kept = sets.kept(sets.read(given));
  const known = sets.lookup(kept);
  return known !== UNKNOWN ? known : sets.add(kept);
}

/** The same for attributes that are the same set. */
function contentOf(attributes: Record<string, unknown>): string {
  return JSON.stringify(
    Object.keys(attributes)
      .filter((key) => attributes[key] !== undefined)
      .sort()
      .map((key) => [key, typeof attributes[key], String(attributes[key])]),
  );
}

const VALUES = ['', 'a', 'b', 'aa', 'ab', 'ba', 'long enough to be one of many', 0, 1, 2, 3.5, -7];

function anyAttributes(random: SeededRandom): Record<string, unknown> {
  const attributes: Record<string, unknown> = {};
  for (let i = random.below(6); i > 0; i--) {
    const kind = random.below(10);
    const text = VALUES[random.below(VALUES.length)];
    const value = kind === 0 ? random.below(2) === 0 : kind === 1 ? `v${random.below(300)}` : text;
    attributes[`k${random.below(7)}`] = kind === 2 ? undefined : value;
  }
  return attributes;
}

describe('attribute sets', () => {
  it('tells sets apart as a map by sorted content does, in any order of keys', () => {
    const random = randomFrom(7);
    const sets = setsFor(100_000);
    const oracle = new Map<string, number>();
    for (let i = 0; i < 20_000; i++) {
      const attributes = anyAttributes(random);
      const content = contentOf(attributes);
      const number = numberOf(sets, attributes);
      const known = oracle.get(content);
      if (known === undefined) {
        expect([...oracle.values()]).not.toContain(number);
        oracle.set(content, number);
      } else expect(number, content).toBe(known);
      if (i > 400 && oracle.size > 1500) break;
    }
    expect(sets.size).toBe(oracle.size);
    expect(oracle.size).toBeGreaterThan(500);
  });

  it('finds sets again after others were removed, and gives their numbers to new ones', () => {
    const random = randomFrom(11);
    const sets = setsFor(64);
    const live = new Map<string, number>();
    for (let i = 0; i < 30_000; i++) {
      const id = `id-${random.below(5000)}`;
      const attributes = { id, kind: i % 3 };
      const content = contentOf(attributes);
      const number = numberOf(sets, attributes);
      const known = live.get(content);
      if (known !== undefined) expect(number).toBe(known);
      else if (live.size === 64) {
        expect(number).toBe(UNKNOWN);
        const [oldest] = live.keys();
        sets.remove(live.get(oldest!)!);
        live.delete(oldest!);
      } else {
        expect([...live.values()]).not.toContain(number);
        expect(number).toBeLessThan(64);
        live.set(content, number);
      }
    }
    expect(sets.size).toBe(live.size);
    // What is kept of values that came and went is bounded by those that are there.
    expect((sets as unknown as { pairs: number }).pairs).toBeLessThan(2048);
  });

  it('knows nothing of a set that has no room', () => {
    const sets = setsFor(1);
    expect(numberOf(sets, { a: 1 })).toBe(0);
    for (let i = 0; i < 1000; i++) expect(numberOf(sets, { b: `${i}` })).toBe(UNKNOWN);
    expect((sets as unknown as { pairs: number }).pairs).toBe(1);
    expect(numberOf(sets, { a: 1 })).toBe(0);
  });

  it('takes values of different types for different ones', () => {
    const sets = setsFor(100);
    const given = [1, '1', true, 'true', null, 'null', [1], ['1'], [[1]], [], '', 0, false, 1n];
    const numbers = given.map((value) => numberOf(sets, { value }));
    expect(new Set(numbers).size).toBe(given.length);
    expect(given.map((value) => numberOf(sets, { value }))).toEqual(numbers);
  });

  it('takes both zeros for one, and all values that are not a number', () => {
    const sets = setsFor(100);
    expect(numberOf(sets, { v: -0 })).toBe(numberOf(sets, { v: 0 }));
    expect(numberOf(sets, { v: Number.NaN })).toBe(numberOf(sets, { v: Number.NaN }));
    expect(sets.size).toBe(2);
  });

  it('leaves out what is no attribute: undefined, functions, symbols, keys without a name', () => {
    const sets = setsFor(100);
    const empty = numberOf(sets, {});
    const given = [
      undefined,
      null,
      'text',
      5,
      { a: undefined },
      { a: () => 1 },
      { a: Symbol('x') },
    ];
    for (const each of [...given, { '': 1 }, { [Symbol('key')]: 1 }]) {
      expect(numberOf(sets, each)).toBe(empty);
    }
    expect(sets.size).toBe(1);
  });

  it('does without what throws', () => {
    const sets = setsFor(100);
    const thrower = {
      a: 1,
      get b(): string {
        throw new Error('no');
      },
    };
    const closed = new Proxy(
      {},
      {
        ownKeys() {
          throw new Error('no');
        },
      },
    );
    expect(numberOf(sets, thrower)).toBe(numberOf(sets, { a: 1 }));
    expect(numberOf(sets, closed)).toBe(numberOf(sets, {}));
  });

  it('looks past the keys that are dropped', () => {
    const filter = { id: 'a', keeps: (name: string) => name === 'a' };
    const sets = setsFor(100, filter);
    const set = numberOf(sets, { a: 1 });
    for (let i = 0; i < 50; i++) expect(numberOf(sets, { [`x${i % 5}`]: i, a: 1 })).toBe(set);
    expect(sets.find({ x0: 'new', a: 1, x1: 2 })).toBe(set);
    expect(sets.size).toBe(1);
  });

  it('takes sets of very many keys', () => {
    const sets = setsFor(100);
    const wide = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`k${i}`, i]));
    const set = numberOf(sets, wide);
    expect(numberOf(sets, Object.fromEntries(Object.entries(wide).reverse()))).toBe(set);
    expect(numberOf(sets, { ...wide, k7: 'other' })).not.toBe(set);
  });

  it('keeps sets apart whose texts agree where they are looked at first', () => {
    const sets = setsFor(5000);
    const numbers = Array.from({ length: 3000 }, (_, i) =>
      numberOf(sets, { id: `${String(i).padStart(8, '0')}-middle-same` }),
    );
    expect(new Set(numbers).size).toBe(3000);
    expect(
      Array.from({ length: 3000 }, (_, i) =>
        sets.find({ id: `${String(i).padStart(8, '0')}-middle-same` }),
      ),
    ).toEqual(numbers);
  });
});
