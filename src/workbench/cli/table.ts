import { painter } from './color.ts';
import { fit, textWidth, visible } from './text.ts';

export type Cell = string | number;

/** Draws an aligned table. Columns whose every cell starts with a digit are right-aligned. */
export function renderTable(
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
  options: { readonly color?: boolean } = {},
): string {
  const paint = painter(options.color ?? false);
  const lines = [head, ...rows].map((row) => head.map((_, i) => visible(String(row[i] ?? ''))));
  const widths = head.map((_, i) => Math.max(...lines.map((line) => textWidth(line[i]!))));
  const aligns = head.map((_, i) =>
    rows.length > 0 && lines.slice(1).every((line) => /^(-?\d|–?$)/.test(line[i]!))
      ? ('right' as const)
      : ('left' as const),
  );
  const drawn = lines.map((line) =>
    line
      .map((cell, i) => fit(cell, widths[i]!, aligns[i]))
      .join('  ')
      .trimEnd(),
  );
  const rule = paint('dim', widths.map((width) => '─'.repeat(width)).join('  '));
  return [paint('bold', drawn[0]!), rule, ...drawn.slice(1)].join('\n');
}
