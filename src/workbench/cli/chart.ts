/** Bars in a line of text, eighths of its height. */

const BARS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;

/** One column per value; where there are more, neighbours share one. Nothing is an empty column. */
export function histogramBars(counts: readonly number[], width: number): string {
  const columns = merged(counts, width);
  const most = columns.reduce((max, count) => Math.max(max, count), 0);
  return columns.map((count) => (count > 0 ? bar(count / most) : ' ')).join('');
}

/** The last values from the smallest to the largest of them; fewer than two show no course. */
export function sparkline(values: readonly number[], width: number): string {
  const shown = values.slice(-width);
  if (shown.length < 2 || !shown.every(Number.isFinite)) return '';
  const least = shown.reduce((min, value) => Math.min(min, value));
  const most = shown.reduce((max, value) => Math.max(max, value));
  // Values that do not change are a line in the middle, at the bottom where they are nothing.
  const flat = most === 0 ? 0 : 0.5;
  return shown
    .map((value) => bar(most === least ? flat : (value - least) / (most - least)))
    .join('');
}

function bar(share: number): string {
  return BARS[Math.max(0, Math.min(BARS.length - 1, Math.ceil(share * BARS.length) - 1))]!;
}

function merged(counts: readonly number[], width: number): readonly number[] {
  const share = Math.ceil(counts.length / Math.max(1, width));
  if (share <= 1) return counts;
  const columns: number[] = [];
  for (let i = 0; i < counts.length; i += share) {
    columns.push(counts.slice(i, i + share).reduce((sum, count) => sum + count, 0));
  }
  return columns;
}
