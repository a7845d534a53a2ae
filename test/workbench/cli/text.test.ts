import { describe, expect, it } from 'vitest';
import {
  counted,
  fit,
  formatBytes,
  formatCount,
  formatDuration,
  formatRatio,
  textWidth,
  visible,
} from '../../../src/workbench/cli/text.ts';

describe('visible', () => {
  it('leaves nothing a terminal would act upon', () => {
    const hostile = '\u001b[2J\r\n\t\u0000\u007f\u009b31m\u202e\u2066\u200b\ufeff\ud800';
    const shown = visible(`a${hostile}z`);
    expect(shown).toBe('a␛[2J␍␊␉␀␡\ufffd31m\ufffd\ufffd\ufffd\ufffd\ufffdz');
  });

  it('leaves everything else', () => {
    const text = 'GET /größe/漢字?q=🚀 — “ok”';
    expect(visible(text)).toBe(text);
  });
});

describe('fit', () => {
  it.each([
    ['abc', 5, 'abc  '],
    ['abc', 3, 'abc'],
    ['abcd', 3, 'ab…'],
    ['漢字', 4, '漢字'],
    ['漢字', 3, '漢…'],
    ['漢字', 2, '… '],
    ['e\u0301e\u0301', 3, 'e\u0301e\u0301 '],
    ['abc', 0, ''],
  ])('%s in %i columns', (text, width, expected) => {
    expect(fit(text, width)).toBe(expected);
    expect(textWidth(fit(text, width))).toBe(width);
  });

  it('aligns to the right', () => {
    expect(fit('1', 3, 'right')).toBe('  1');
  });
});

it.each([
  [0, '0 ns'],
  [999, '999 ns'],
  [1500n, '1.50 µs'],
  [999_499, '999 µs'],
  [999_500, '1.00 ms'],
  [12_345_678n, '12.3 ms'],
  [99_960_000, '100 ms'],
  [1.2e9, '1.20 s'],
  [59.9e9, '59.9 s'],
  [59.96e9, '1 m 00 s'],
  [123e9, '2 m 03 s'],
  [3_723e9, '1 h 02 m'],
  [-5e6, '-5.00 ms'],
])('%s ns is %s', (nanoseconds, text) => {
  expect(formatDuration(nanoseconds)).toBe(text);
});

it.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.00 KiB'],
  [1_048_000, '1023 KiB'],
  [1_048_576, '1.00 MiB'],
  [20 * 1024 ** 2, '20.0 MiB'],
])('%i bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

it('counts', () => {
  expect([0, 999, 1000, 1234567].map(formatCount)).toEqual(['0', '999', '1 000', '1 234 567']);
  expect([counted(1, 'span'), counted(2000, 'span')]).toEqual(['1 span', '2 000 spans']);
  expect([formatRatio(61, 10), formatRatio(0, 0)]).toEqual(['6.1×', '–']);
});
