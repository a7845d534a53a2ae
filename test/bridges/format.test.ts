import { format, inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { formatValues } from '../../src/bridges/format.ts';

class Point {
  x = 1;
  y = 2;
}

const ring: Record<string, unknown> = { a: 1 };
ring['self'] = { ring };

describe('values as a console prints them, compared with what Node prints', () => {
  it.each<[string, ...unknown[]]>([
    ['nothing'],
    ['a text', 'a'],
    ['texts', 'a', 'b', 1],
    ['directives', '%s %d %i %f %j %%', 'a', 1.5, 2.9, '3.5x', { a: 1 }],
    ['too few values', '%s %s', 'a'],
    ['too many values', '%s', 'a', 'b', { c: 1 }],
    ['a percent sign alone', '100%', 1],
    ['no values', '100%%'],
    ['an unknown directive', '%x %s', 'a'],
    ['css', '%cred%c', 'color: red', ''],
    ['%s of values', '%s %s %s %s', null, undefined, 5n, Symbol('s')],
    ['%d of values', '%d %d %d %d', '42', 5n, {}, Symbol('s')],
    ['%i of values', '%i %i', '42.9', 'x'],
    ['%O', '%O', { a: { b: 1 } }],
    ['primitives', 1, -0, true, null, undefined, 5n, Symbol('s')],
    ['a text that comes later', 1, 'a'],
    ['objects', { a: 'x', 'b-c': 1, n: null }],
    ['quotes', { a: `it's`, b: 'say "so"', c: 'line\nbreak' }],
    ['nothing in them', {}, [], new Map(), new Set()],
    ['an instance', new Point()],
    ['depth', { a: { b: { c: { d: 1 } } } }, [[[[1]]]]],
    ['lists', [1, 'a', { b: 2 }]],
    ['maps', new Map([['a', { b: 1 }]]), new Set([1, 'b'])],
    ['dates', new Date(0), /x/g],
    ['bytes', new Uint8Array([1, 2])],
    ['functions', function named() {}, () => {}],
  ])('%s', (_name, ...values) => {
    // Node breaks long lines, and quotes differently when that spares an escape.
    const printed = format(...values)
      .replace(/\n\s*/g, ' ')
      .replaceAll(`"it's"`, `'it\\'s'`);
    expect(formatValues(values)).toBe(printed);
  });

  it('shows an error with its stack trace', () => {
    const error = new Error('no');
    expect(formatValues(['failed', error])).toBe(`failed ${error.stack}`);
  });

  it('ends where objects refer to themselves', () => {
    expect(formatValues([ring])).toBe('{ a: 1, self: { ring: [Circular] } }');
    expect(formatValues(['%j', ring])).toBe('[Circular]');
  });

  it('cuts what is long', () => {
    expect(formatValues([Array(102).fill(0)])).toBe(
      inspect(Array(102).fill(0), { breakLength: Number.POSITIVE_INFINITY, compact: true }).replace(
        /\s+/g,
        ' ',
      ),
    );
  });

  it('throws nothing', () => {
    const given = {
      get broken() {
        throw new Error('no');
      },
    };
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(formatValues([given])).toBe('{ broken: [Throws] }');
    expect(formatValues([{ proxy }])).toBe('{ proxy: [Object] }');
  });
});
