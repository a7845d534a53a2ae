import type { Measurement } from './measure.ts';

/** Four significant digits at most, no exponent. */
export function figure(value: number): string {
  if (value === 0) return '0';
  const digits = Math.max(0, 3 - Math.floor(Math.log10(Math.abs(value))));
  return digits > 0 ? value.toFixed(Math.min(digits, 2)) : String(Math.round(value));
}

/** The measurements of one case as aligned lines, one block per unit. */
export function table(measurements: readonly Measurement[]): string {
  const blocks: string[] = [];
  for (const unit of new Set(measurements.map((m) => m.unit))) {
    const own = measurements.filter((m) => m.unit === unit);
    const rivals = [...new Set(own.flatMap((m) => Object.keys(m.factors)))];
    const ratios = own.some((m) => m.ratio !== undefined);
    const head = [unit, 'median', 'min', 'max', 'spread'];
    head.push(...rivals.map((rival) => `vs ${rival}`), ...(ratios ? ['ratio'] : []));
    const rows = own.map((m) => {
      const spread = m.median ? `${Math.round((100 * (m.max - m.min)) / m.median)}%` : '';
      const row = [m.subject, figure(m.median), figure(m.min), figure(m.max), spread];
      for (const rival of rivals) {
        row.push(rival in m.factors ? `${figure(m.factors[rival])}×` : '');
      }
      if (ratios) row.push(m.ratio === undefined ? '' : m.ratio.toFixed(2));
      return row;
    });
    blocks.push(aligned([head, ...rows]));
  }
  return blocks.join('\n\n');
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) => {
      const cells = row.map((cell, i) =>
        i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]),
      );
      return `  ${cells.join('  ')}`.trimEnd();
    })
    .join('\n');
}
