import { expect, it } from 'vitest';
import { renderTable } from '../../../src/workbench/cli/table.ts';

it('aligns text to the left and numbers to the right', () => {
  const rows = [
    ['recorded', 12_345, '1.2×'],
    ['漢字', 7, '–'],
  ];
  expect(renderTable(['spans', 'n', 'ratio'], rows).split('\n')).toEqual([
    'spans         n  ratio',
    '────────  ─────  ─────',
    'recorded  12345   1.2×',
    '漢字          7      –',
  ]);
});

it('shows missing cells as empty and control characters as pictures', () => {
  expect(renderTable(['a', 'b'], [['x\u001b']])).toBe('a   b\n──  ─\nx␛');
  expect(renderTable(['a'], [])).toBe('a\n─');
});
