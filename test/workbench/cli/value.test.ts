import { expect, it } from 'vitest';
import { formatMeasure, formatNumber, valueText } from '../../../src/workbench/cli/value.ts';

it.each([
  [0, '0'],
  [-0, '0'],
  [7, '7'],
  [-1204, '-1 204'],
  [999_999, '999 999'],
  [1_000_000, '1.00 M'],
  [3.14159e9, '3.14 G'],
  [9.9999e20, '1.00e+3 E'],
  [1234.5, '1 235'],
  [0.0125, '0.0125'],
  [12.5, '12.5'],
  [100.04, '100'],
  [1e-9, '1.00e-9'],
  [-0.5, '-0.5'],
  [Number.NaN, 'NaN'],
  [Number.NEGATIVE_INFINITY, '-Infinity'],
])('%d is %s', (value, text) => {
  expect(formatNumber(value)).toBe(text);
});

it.each([
  [0.0123, 's', '12.3 ms'],
  [0, 's', '0 s'],
  [-2, 'ms', '-2.00 ms'],
  [1500, 'us', '1.50 ms'],
  [1.5, 'By', '2 B'],
  [32_715_571, 'By', '31.2 MiB'],
  [2, 'MiBy', '2.00 MiB'],
  [-5, 'By', '-5 By'],
  [12, '{request}', '12 request'],
  [0.42, '1', '0.42'],
  [7, '', '7'],
  [40, '%', '40 %'],
  [Number.NaN, 's', 'NaN s'],
])('%d in %j is %s', (value, unit, text) => {
  expect(formatMeasure(value, unit)).toBe(text);
});

it('values that are large or deep are shown in part', () => {
  expect(valueText('x'.repeat(1e6)).length).toBeLessThan(2_000);
  const list = Array.from({ length: 1000 }, () => 1);
  expect(valueText(list)).toMatch(/^\[1, .*, …\]$/);
  let deep: unknown = 1;
  for (let i = 0; i < 100; i++) deep = [deep];
  expect(valueText(deep as never)).toBe('[[[[[…]]]]]');
});
