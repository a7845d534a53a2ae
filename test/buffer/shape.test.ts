import { describe, expect, it } from 'vitest';
import { type Shape, ShapeTree, unboundedTree } from '../../src/buffer/shape.ts';
import { randomFrom } from '../support/random.ts';

const bounded = (count = 128, valueLength = Number.POSITIVE_INFINITY) =>
  new ShapeTree({ count, valueLength });

const namesOf = (shape: Shape) => shape.keys.map((key) => key.name);

const rootOf = (tree: ShapeTree, name: string) => tree.root(tree.key(name));

describe('ShapeTree', () => {
  it('leads the same keys in the same order to the same shape', () => {
    const tree = bounded();
    const once = rootOf(tree, 'GET').with('a').with('b');
    const twice = rootOf(tree, 'GET').with('a').with('b');
    expect(twice).toBe(once);
    expect(namesOf(once)).toEqual(['a', 'b']);
    expect(once.size).toBe(2);
    const otherwise = rootOf(tree, 'GET').with('b').with('a');
    expect(otherwise).not.toBe(once);
    expect(namesOf(otherwise)).toEqual(['b', 'a']);
  });

  it('begins anew for each name, and shares what is known of a key', () => {
    const tree = bounded();
    const get = rootOf(tree, 'GET').with('a');
    const put = rootOf(tree, 'PUT').with('a');
    expect(get).not.toBe(put);
    expect(get.keys[0]).toBe(put.keys[0]);
    expect(tree.key('a')).toBe(get.keys[0]);
  });

  it('shares nothing with another tree, not even for the empty name', () => {
    const trees = [bounded(1), bounded(2), unboundedTree()];
    for (const name of ['', 'a', 'name']) {
      const keys = trees.map((tree) => tree.key(name));
      expect(new Set(keys).size).toBe(3);
      const roots = trees.map((tree, i) => tree.root(keys[i]!));
      expect(roots.map((root) => root.tree)).toEqual(trees);
    }
  });

  it('knows the way taken before, among many, and none that was not', () => {
    const shape = rootOf(bounded(), 's');
    const next = new Map<string, Shape>();
    for (let i = 0; i < 50; i++) next.set(`k${i}`, shape.with(`k${i}`));
    const random = randomFrom(4);
    for (let i = 0; i < 500; i++) {
      const name = `k${random.below(50)}`;
      expect(shape.known(name)).toBe(next.get(name));
      expect(shape.known(`unknown ${i}`)).toBeUndefined();
    }
  });

  it('finds where a key is', () => {
    const shape = rootOf(bounded(), 's').with('a').with('b').with('c');
    expect(['a', 'b', 'c', 'd', ''].map((name) => shape.indexOf(name))).toEqual([0, 1, 2, -1, -1]);
    // What has followed once is still found where it is part of the shape itself.
    const root = rootOf(bounded(), 's');
    root.with('a');
    expect(root.indexOf('a')).toBe(-1);
    expect(root.with('a').indexOf('a')).toBe(0);
  });

  it('has no short way where values are cut: each must be looked at', () => {
    const tree = bounded(128, 10);
    const root = rootOf(tree, 's');
    const next = root.with('a');
    expect(tree.cuts).toBe(true);
    expect(root.known('a')).toBeUndefined();
    expect(root.with('a')).toBe(next);
    expect(bounded().cuts).toBe(false);
  });

  it('starts anew when it has grown large; shapes in use go on', () => {
    const tree = bounded();
    const early = rootOf(tree, 's').with('a').with('b');
    const key = tree.key('a');
    let restarts = 0;
    let root = rootOf(tree, 's');
    for (let i = 0; i < 40_000; i++) {
      root.with(`key ${i}`);
      const now = rootOf(tree, 's');
      if (now !== root) restarts++;
      root = now;
    }
    expect(restarts).toBeGreaterThan(2);
    expect(tree.key('a')).not.toBe(key);
    const late = early.with('c');
    expect(namesOf(late)).toEqual(['a', 'b', 'c']);
    expect(late.keys.slice(0, 2)).toEqual(early.keys);
    expect(late.indexOf('b')).toBe(1);
  });
});
