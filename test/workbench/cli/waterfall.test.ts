import { describe, expect, it } from 'vitest';
import { textWidth } from '../../../src/workbench/cli/text.ts';
import { renderWaterfall } from '../../../src/workbench/cli/waterfall.ts';
import type { ReceivedSpan } from '../../../src/workbench/collector/index.ts';
import { receivedSpan } from './received-span.ts';

const TRACE = [
  receivedSpan('a', [0, 12], { name: 'GET /cart' }),
  receivedSpan('b', [0.5, 2.5], { parent: 'a', name: 'authorize', events: [['miss', 1.5]] }),
  receivedSpan('c', [3, 10], {
    ...{ parent: 'a', name: 'GET /stock', service: 'stock', error: true },
    events: [['exception', 7]],
  }),
  receivedSpan('d', [4, 6], { parent: 'c', name: 'SELECT', service: 'stock' }),
];

const lines = (spans: readonly ReceivedSpan[], options = {}) =>
  renderWaterfall(spans, options).split('\n');

const rowOf = (drawn: readonly string[], name: string) =>
  drawn.find((line, i) => i > 1 && line.includes(name))!;

/** First and last column of a row's bar. */
function extent(row: string): [number, number] {
  const columns = [...row];
  const drawn = columns.flatMap((char, i) => (/[▌█▐•◆]/.test(char) ? [i] : []));
  return [drawn[0]!, drawn.at(-1)!];
}

describe('a trace', () => {
  it('is drawn as a tree, whatever order its spans came in', () => {
    const drawn = lines(TRACE);
    expect(drawn[0]).toBe('GET /cart  12.0 ms · 4 spans · 2 services · 1 error');
    expect(drawn[1]).toBe('trace 0af7651916cd43dd8448eb211c80319c');
    expect(drawn[3]).toMatch(/^ +0 ─+ 6\.00 ms ─+ 12\.0 ms$/);
    const bars = drawn[3]!.indexOf('0');
    expect(drawn.slice(4).map((line) => line.slice(0, bars).trimEnd())).toEqual([
      'shop   GET /cart',
      'shop   ├ authorize',
      'stock  └ ✖ GET /stock',
      'stock    └ SELECT',
    ]);
    expect(drawn.slice(4).map((line) => line.match(/\S+ ms$/)?.[0])).toEqual([
      ...['12.0 ms', '2.00 ms', '7.00 ms', '2.00 ms'],
    ]);
    for (const order of [
      [3, 2, 1, 0],
      [1, 3, 0, 2],
    ]) {
      expect(lines(order.map((i) => TRACE[i]!))).toEqual(drawn);
    }
  });

  it('has its bars where the spans were, and its events in them', () => {
    const drawn = lines(TRACE);
    const [start, end] = extent(rowOf(drawn, 'GET /cart'));
    const column = (ms: number) => start + ((end + 1 - start) * ms) / 12;
    for (const [name, from, to] of [
      ['authorize', 0.5, 2.5],
      ['GET /stock', 3, 10],
      ['SELECT', 4, 6],
    ] as const) {
      const [first, last] = extent(rowOf(drawn, name));
      expect(Math.abs(first - column(from))).toBeLessThanOrEqual(1);
      expect(Math.abs(last + 1 - column(to))).toBeLessThanOrEqual(1);
    }
    expect(Math.abs([...rowOf(drawn, 'authorize')].indexOf('•') - column(1.5))).toBeLessThanOrEqual(
      1,
    );
    expect(Math.abs([...rowOf(drawn, 'GET /stock')].indexOf('◆') - column(7))).toBeLessThanOrEqual(
      1,
    );
  });

  it.each([24, 47, 48, 63, 64, 80, 100, 250])('fits %i columns', (width) => {
    const long = receivedSpan('e', [1, 2], { parent: 'd', name: '漢字 '.repeat(50) });
    const drawn = lines([...TRACE, long], { width });
    for (const line of drawn.slice(2)) expect(textWidth(line)).toBeLessThanOrEqual(width);
    expect(drawn.some((line) => line.includes('█'))).toBe(width >= 48);
    expect(rowOf(drawn, 'SELECT')).toMatch(/2\.00 ms$/);
  });

  it('has the same text in colour', () => {
    const colored = renderWaterfall(TRACE, { color: true });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are made of them.
    expect(colored.replace(/\u001b\[\d+m/g, '')).toBe(renderWaterfall(TRACE));
    expect(colored).toContain('\u001b[31m✖ GET /stock');
    expect(renderWaterfall(TRACE)).not.toContain('\u001b');
  });

  it('may be one span, of no length, or none at all', () => {
    expect(renderWaterfall([])).toBe('');
    const drawn = lines([receivedSpan('a', [0, 0])]);
    expect(drawn[0]).toBe('a  0 ns · 1 span · shop');
    expect(drawn[3]).toMatch(/^a {2}█+ +0 ns$/);
  });

  it('does not let names reach the terminal', () => {
    const hostile = '\u001b]0;title\u0007\r\n';
    const drawn = lines([receivedSpan('a', [0, 1], { name: hostile, service: hostile })]);
    expect(drawn).toHaveLength(5);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
    expect(drawn.join('')).not.toMatch(/[\u0000-\u001f]/);
  });
});

describe('a trace that is not whole', () => {
  it('marks spans whose parent was not received', () => {
    const drawn = lines(TRACE.slice(1));
    expect(rowOf(drawn, 'authorize')).toContain('⋯ authorize');
    expect(rowOf(drawn, 'GET /stock')).toContain('⋯ ✖ GET /stock');
    expect(rowOf(drawn, 'SELECT')).toContain('└ SELECT');
    expect(drawn.at(-1)).toContain('the parent was not received');
  });

  it('shows every span when parents go in circles', () => {
    const circle = [
      receivedSpan('a', [0, 9], { parent: 'b' }),
      receivedSpan('b', [1, 8], { parent: 'c' }),
      receivedSpan('c', [2, 7], { parent: 'a' }),
      receivedSpan('self', [3, 4], { parent: 'self' }),
    ];
    const drawn = lines(circle);
    for (const name of ['⋯ a', '└ c', '└ b', '⋯ self']) expect(rowOf(drawn, name)).toBeDefined();
    expect(drawn[0]).toContain('4 spans');
  });

  it('says when spans were received again', () => {
    const drawn = lines([...TRACE, TRACE[3]!, TRACE[3]!]);
    expect(drawn[0]).toContain('4 spans · 2 services · 1 error · 2 spans received again');
    expect(drawn.filter((line) => line.includes('SELECT'))).toHaveLength(1);
  });

  it('draws a child whose clock is behind inside its parent, with all below it', () => {
    const drawn = lines([
      receivedSpan('a', [0, 100]),
      receivedSpan('b', [-60_000, -59_960], { parent: 'a', service: 'other' }),
      receivedSpan('c', [-59_990, -59_980], { parent: 'b', service: 'other' }),
    ]);
    expect(drawn[0]).toContain('100 ms');
    const [a, b, c] = ['shop   a', '≈ b', '└ c'].map((name) => extent(rowOf(drawn, name)));
    expect(b![0]).toBeGreaterThan(a![0]);
    expect(b![1]).toBeLessThan(a![1]);
    expect(c![0]).toBeGreaterThan(b![0]);
    expect(c![1]).toBeLessThan(b![1]);
    expect(drawn.at(-1)).toContain('the clocks disagree');
  });

  it('takes an end before the start for no length', () => {
    const drawn = lines([receivedSpan('a', [0, 10]), receivedSpan('b', [5, 1], { parent: 'a' })]);
    expect(rowOf(drawn, '≈ b')).toMatch(/ 0 ns$/);
  });
});

describe('a large trace', () => {
  it('may be deeper than the call stack', () => {
    const chain = Array.from({ length: 20_000 }, (_, i) =>
      receivedSpan(`s${i}`, [i, 40_000 - i], { parent: i > 0 ? `s${i - 1}` : '' }),
    );
    const drawn = lines(chain, { maxRows: 30 });
    expect(rowOf(drawn, 's29')).toMatch(/┄29 s29/);
    expect(drawn.at(-1)).toBe('… 19 970 more spans');
    for (const line of drawn) expect(textWidth(line)).toBeLessThanOrEqual(100);
  });

  it('folds runs of like spans', () => {
    const children = Array.from({ length: 1000 }, (_, i) =>
      receivedSpan(`q${i}`, [i, i + 0.5], { parent: 'a', name: 'redis GET', error: i === 500 }),
    );
    const last = receivedSpan('z', [1000, 1001], { parent: 'a', name: 'render' });
    const drawn = lines([receivedSpan('a', [0, 1001]), ...children, last]);
    expect(drawn.filter((line) => line.includes('├ redis GET'))).toHaveLength(3);
    expect(rowOf(drawn, '× 997 more')).toMatch(/├ × 997 more \(✖ 1\) redis GET .* Σ 499 ms$/);
    expect(rowOf(drawn, '└ render')).toBeDefined();
    expect(drawn).toHaveLength(4 + 1 + 3 + 1 + 1);
  });

  it('draws as many rows as it may and counts the rest', () => {
    const children = Array.from({ length: 50_000 }, (_, i) =>
      receivedSpan(`q${i}`, [i, i + 1], { parent: 'a' }),
    );
    const drawn = lines([receivedSpan('a', [0, 50_000]), ...children], { maxRows: 10 });
    expect(drawn.at(-1)).toBe('… 49 991 more spans');
    expect(drawn).toHaveLength(4 + 10 + 1);
  });
});
