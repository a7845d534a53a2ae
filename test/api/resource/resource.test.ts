import { describe, expect, it } from 'vitest';
import { createResource, mergeResources } from '../../../src/api/resource/resource.ts';

const A = 'https://opentelemetry.io/schemas/1.40.0';
const B = 'https://opentelemetry.io/schemas/1.45.0';

describe('a resource', () => {
  it('Create from Attributes: has them as they were then', () => {
    const list = ['a', 'b'];
    const given = { 'service.name': 'shop', count: 2, on: false, list };
    const resource = createResource(given, A);
    expect(resource).toEqual({ attributes: given, schemaUrl: A });
    given['service.name'] = 'other';
    expect(resource.attributes['service.name']).toBe('shop');
  });

  it('leaves out attributes without a value', () => {
    const given = { a: undefined, b: null as unknown as string, c: '', d: 0 };
    expect(createResource(given).attributes).toEqual({ c: '', d: 0 });
  });

  it('Create empty: without attributes and schema URL', () => {
    expect(createResource()).toEqual({ attributes: {}, schemaUrl: '' });
  });

  it('Retrieve attributes: hands them out; they cannot be changed', () => {
    const { attributes } = createResource({ a: 1, b: ['x'] });
    expect(Object.entries(attributes)).toEqual([
      ['a', 1],
      ['b', ['x']],
    ]);
    expect(() => {
      (attributes as Record<string, unknown>)['a'] = 2;
    }).toThrow(TypeError);
  });
});

describe('mergeResources', () => {
  const merged = (...[old, updating]: Parameters<typeof createResource>[]) => {
    const warnings: string[] = [];
    const resource = mergeResources(
      createResource(...old!),
      createResource(...updating!),
      (line) => void warnings.push(line),
    );
    return { resource, warnings };
  };

  it('Merge (v2): has the attributes of both; the updating one wins, even with an empty value', () => {
    const { resource, warnings } = merged(
      [{ a: 1, b: 'old', c: 'old' }],
      [{ b: 'new', c: '', d: 4 }],
    );
    expect(resource.attributes).toEqual({ a: 1, b: 'new', c: '', d: 4 });
    expect(warnings).toEqual([]);
  });

  it('changes neither', () => {
    const old = createResource({ a: 1 }, A);
    const updating = createResource({ a: 2 });
    mergeResources(old, updating);
    expect([old, updating]).toEqual([
      { attributes: { a: 1 }, schemaUrl: A },
      { attributes: { a: 2 }, schemaUrl: '' },
    ]);
  });

  it.each([
    ['', '', ''],
    ['', A, A],
    [A, '', A],
    [A, A, A],
  ])('schema URL of %j and %j: %j', (old, updating, expected) => {
    const { resource, warnings } = merged([{}, old], [{}, updating]);
    expect(resource.schemaUrl).toBe(expected);
    expect(warnings).toEqual([]);
  });

  it('Merge (v2): of two schemas has none, says so and keeps the attributes', () => {
    const { resource, warnings } = merged([{ a: 1 }, A], [{ b: 2 }, B]);
    expect(resource).toEqual({ attributes: { a: 1, b: 2 }, schemaUrl: '' });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(`${A}, ${B}`);
    expect(mergeResources(createResource({}, A), createResource({}, B)).schemaUrl).toBe('');
  });

  it('with an empty resource is the other', () => {
    const resource = createResource({ a: 1 }, A);
    expect(mergeResources(resource, createResource())).toEqual(resource);
    expect(mergeResources(createResource(), resource)).toEqual(resource);
  });
});
