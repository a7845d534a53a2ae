import type { Span } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import { ShapeTree } from '../../src/buffer/shape.ts';
import { traceRig } from '../support/engines.ts';
import { expectSame } from '../support/expect-same.ts';
import { randomFrom } from '../support/random.ts';
import { type ModelValue, spansOf } from '../support/trace-model.ts';
import { readCanonical } from '../support/wire.ts';

/**
 * Shapes are a guess: the keys of a span are expected to follow those of another. Here many
 * spans are under way at once and follow, leave and rewrite one another's keys.
 */
interface Style {
  readonly keys: number;
  readonly names: number;
  /** Probability that a span sets its keys in the usual order, and that a key is new. */
  readonly usual: number;
  readonly fresh: number;
  readonly count: number;
  readonly valueLength: number;
}

const STYLES: Record<string, Style> = {
  'the same keys in the same order': style({ usual: 1 }),
  'the same keys in any order': style({ usual: 0 }),
  'mostly the usual order': style({ usual: 0.9, names: 5 }),
  'few keys, set again and again': style({ keys: 3, usual: 0.3 }),
  'many keys': style({ keys: 300, usual: 0.5, names: 20 }),
  'hundreds of keys in a span': style({ keys: 400, usual: 0.7, count: 350 }),
  'keys that never come back': style({ fresh: 0.5 }),
  'a bound on their number': style({ keys: 12, usual: 0.8, count: 5 }),
  'a bound on the length of values': style({ usual: 0.9, valueLength: 4 }),
  'both bounds': style({ usual: 0.5, count: 3, valueLength: 2 }),
  'no attributes at all': style({ count: 0 }),
};

function style(some: Partial<Style>): Style {
  const valueLength = Number.POSITIVE_INFINITY;
  return { keys: 20, names: 2, usual: 0.5, fresh: 0, count: 128, valueLength, ...some };
}

interface UnderWay {
  readonly span: Span;
  readonly expected: Map<string, ModelValue>;
  dropped: number;
  /** How many keys of the usual order it has set. */
  step: number;
}

describe('shapes', () => {
  it.each(Object.entries(STYLES))('of spans under way together: %s', (_, shape) => {
    const random = randomFrom(77);
    const { count, valueLength } = shape;
    const rig = traceRig('simd', { bounds: { count, valueLength } });
    const tracer = rig.tracer('t');
    const open: UnderWay[] = [];
    const ended = new Map<string, UnderWay>();
    let fresh = 0;

    const check = () => {
      const spans = rig.drain().flatMap((request) => spansOf(readCanonical(request)));
      expect(spans).toHaveLength(ended.size);
      for (const { spanId, attributes, droppedAttributes } of spans) {
        const { expected, dropped } = ended.get(spanId)!;
        expectSame([attributes, droppedAttributes], [[...expected], dropped]);
      }
      ended.clear();
    };

    const setOne = (one: UnderWay) => {
      const usual = random.next() < shape.usual;
      const at = usual ? one.step++ % shape.keys : random.below(shape.keys);
      const name = random.next() < shape.fresh ? `fresh ${fresh++}` : `key ${at}`;
      const text = random.next() < 0.5;
      const value = text ? `text ${random.below(50)}` : random.below(1000);
      one.span.setAttribute(name, value);
      if (!one.expected.has(name) && one.expected.size >= count) one.dropped++;
      else {
        const kept = text ? { string: `${value}`.slice(0, valueLength) } : { int: BigInt(value) };
        one.expected.set(name, kept);
      }
    };

    for (let i = 0; i < 8000; i++) {
      const pick = random.below(10);
      if (open.length === 0 || (pick === 0 && open.length < 20)) {
        const span = tracer.startSpan(`name ${random.below(shape.names)}`);
        open.push({ span, expected: new Map(), dropped: 0, step: 0 });
      } else if (pick === 1) {
        const [one] = open.splice(random.below(open.length), 1);
        one!.span.end();
        ended.set(one!.span.spanContext().spanId, one!);
        if (ended.size === 200) check();
      } else {
        setOne(open[random.below(open.length)]!);
      }
    }
    check();
  });

  it('of events and links are their own', () => {
    const rig = traceRig('simd');
    const tracer = rig.tracer('t');
    const context = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 };
    for (let i = 0; i < 50; i++) {
      const attributes = i % 2 ? { a: i, b: 'x' } : { b: 'y', a: -1, [`c${i % 5}`]: true };
      tracer
        .startSpan('same')
        .setAttribute('a', 1)
        .addEvent('same', attributes)
        .setAttribute('b', 2)
        .addLink({ context, attributes })
        .addEvent('same')
        .setAttribute('a', 3)
        .end();
    }
    for (const [i, span] of spansOf(readCanonical(rig.encode())).entries()) {
      const expected =
        i % 2
          ? [
              ['a', { int: BigInt(i) }],
              ['b', { string: 'x' }],
            ]
          : [
              ['b', { string: 'y' }],
              ['a', { int: -1n }],
              [`c${i % 5}`, { bool: true }],
            ];
      expect(span.events.map((event) => event.attributes)).toEqual([expected, []]);
      expect(span.links.map((link) => link.attributes)).toEqual([expected]);
      expect(span.attributes).toEqual([
        ['a', { int: 3n }],
        ['b', { int: 2n }],
      ]);
    }
  });

  it('grow where they are, and are copied once where a span leaves them', () => {
    const unbounded = Number.POSITIVE_INFINITY;
    const bounds = { count: unbounded, valueLength: unbounded, valueDepth: 1 };
    const tree = new ShapeTree(bounds);
    const usual = tree.first(tree.key('s'));
    const names = Array.from({ length: 3000 }, (_, i) => `k${i}`);
    for (const [i, name] of names.entries()) {
      expect(usual.known(name, i)).toBeUndefined();
      expect(usual.with(name, i)).toBe(usual);
    }
    expect(usual.size).toBe(3000);
    const other = usual.with('other', 1000);
    expect(other).not.toBe(usual);
    expect(usual.known('other', 1000)).toBe(other);
    for (let i = 1001; i < 3000; i++) expect(other.with(`o${i}`, i)).toBe(other);
    for (const [i, name] of names.entries()) {
      expect(usual.known(name, i)).toBe(usual);
      expect(usual.indexOf(name, 3000)).toBe(i);
      expect(usual.indexOf(name, i)).toBe(-1);
      expect(other.indexOf(name, 3000)).toBe(i < 1000 ? i : -1);
    }
    expect(other.indexOf('o2999', 3000)).toBe(2999);
    expect(usual.indexOf('none', 3000)).toBe(-1);
  });
});
