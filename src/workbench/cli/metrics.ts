/**
 * Metrics in a terminal, a line per series:
 *
 *     metrics of shop  3 metrics · 4 series
 *       http.server.duration  histogram   ▁▃▇█▅▂ ▁          1 204 (+31)  avg 12.3 ms  max 1.20 s
 *       app.orders  2 series by plan
 *         free                counter     ▂▃▅▇▃             1 204 order (+31)
 *         team                counter     ▂▂▂▃▂             17 order (+1)
 *       v8js.memory.used      gauge       ▂▃▅▇▃             31.2 MiB
 */

import type { ReceivedValue } from '../collector/received.ts';
import { histogramBars, sparkline } from './chart.ts';
import { type Ink, type Paint, painter } from './color.ts';
import type { Series } from './series.ts';
import { counted, fit, formatCount, textWidth, visible } from './text.ts';
import { attributesText, formatMeasure, formatNumber, valueText } from './value.ts';

export interface MetricsOptions {
  /** Columns to draw in. Default 100. Under 64 there are no bars. */
  readonly width?: number;
  /** ANSI colours. Default false. */
  readonly color?: boolean;
  /** Lines of series drawn at most, of one metric and in all. Default 4 and 24. */
  readonly maxSeries?: number;
  readonly maxRows?: number;
}

const CHART_WIDTH = 16;

/** The kind as users know it by its instrument, and its ink. */
const KINDS: Readonly<Record<Series['kind'], readonly [string, Ink]>> = {
  gauge: ['gauge', 'magenta'],
  sum: ['sum', 'green'],
  histogram: ['histogram', 'cyan'],
  exponentialHistogram: ['exp. hist.', 'cyan'],
  summary: ['summary', 'blue'],
};
const COUNTER: readonly [string, Ink] = ['counter', 'green'];
const KIND_WIDTH = 10;

/** Of DataPointFlags (metrics/v1). */
const NO_RECORDED_VALUE = 1;

interface Row {
  readonly label: string;
  readonly series: Series | undefined;
}

/** Draws the series of one or more services, without a newline at the end. */
export function renderMetrics(all: readonly Series[], options: MetricsOptions = {}): string {
  const { color = false, maxSeries = 4, maxRows = 24 } = options;
  const width = Math.max(24, options.width ?? 100);
  const paint = painter(color);
  const blocks = [...groupedBy(all, ({ service }) => service)].map(([service, series]) => {
    const metrics = [...groupedBy(series, ({ name, kind }) => `${kind} ${name}`).values()];
    const facts = [counted(metrics.length, 'metric'), `${formatCount(series.length)} series`];
    const title = `${paint('bold', fit(`metrics of ${service}`, width).trimEnd())}  ${facts.join(' · ')}`;
    return [title, ...table(metrics, { width, maxSeries, maxRows }, paint)].join('\n');
  });
  return blocks.join('\n');
}

function table(
  metrics: readonly (readonly Series[])[],
  limits: { readonly width: number; readonly maxSeries: number; readonly maxRows: number },
  paint: Paint,
): string[] {
  const { width, maxSeries, maxRows } = limits;
  const rows: Row[] = [];
  let hidden = 0;
  const shown = seriesThatFit(metrics, maxSeries, maxRows);
  for (const metric of metrics) {
    const next = rowsOf(metric, shown);
    if (rows.length + next.length <= maxRows) rows.push(...next);
    else hidden++;
  }
  const bars = width >= 64;
  const wanted = rows.reduce(
    (most, { label, series }) => (series === undefined ? most : Math.max(most, textWidth(label))),
    0,
  );
  const free = width - KIND_WIDTH - 2 - (bars ? CHART_WIDTH + 2 : 0);
  const labelWidth = Math.min(wanted, Math.floor(free * 0.55));
  const lines = rows.map(({ label, series }) => {
    if (series === undefined) return paint('dim', fit(label, width).trimEnd());
    const name = fit(label, labelWidth);
    const [kind, ink] = series.isMonotonic ? COUNTER : KINDS[series.kind];
    const chart = bars ? `${paint(ink, fit(chartOf(series), CHART_WIDTH))}  ` : '';
    const values = joined(valuesOf(series), free - labelWidth - 2);
    return `${name}  ${paint('dim', fit(kind, KIND_WIDTH))}  ${chart}${values}`.trimEnd();
  });
  if (hidden > 0) lines.push(paint('dim', `  … ${counted(hidden, 'more metric')}`));
  return lines;
}

/** Rather fewer series of each than not every metric. */
function seriesThatFit(
  metrics: readonly (readonly Series[])[],
  maxSeries: number,
  maxRows: number,
): number {
  const lines = ({ length }: readonly Series[], series: number) =>
    length === 1 ? 1 : 1 + Math.min(length, series);
  for (let series = maxSeries; series > 1; series--) {
    if (metrics.reduce((sum, metric) => sum + lines(metric, series), 0) <= maxRows) return series;
  }
  return 1;
}

/**
 * One line for a metric of one series, else a line for each of the busiest below what they have in
 * common: keys are said once, values of those that differ.
 */
function rowsOf(metric: readonly Series[], maxSeries: number): Row[] {
  const [first] = metric;
  const name = visible(first!.name);
  if (metric.length === 1) {
    const attributes = attributesText(first!.attributes);
    return [{ label: `  ${name}${attributes === '' ? '' : ` ${attributes}`}`, series: first }];
  }
  const keys = differing(metric);
  const by = keys.length === 0 ? '' : ` by ${keys.map(visible).join(', ')}`;
  const title = `  ${name}  ${formatCount(metric.length)} series${by}`;
  const rows: Row[] = [{ label: title, series: undefined }];
  const busiest = [...metric].sort(busier).slice(0, maxSeries);
  for (const series of busiest) {
    const values = keys.map((key) => textOf(series.attributes[key]));
    rows.push({ label: `    ${values.join(' ')}`, series });
  }
  return rows;
}

/** Keys that not all series have the same value of. */
function differing(metric: readonly Series[]): string[] {
  const keys = new Set(metric.flatMap(({ attributes }) => Object.keys(attributes)));
  return [...keys].filter(
    (key) => new Set(metric.map(({ attributes }) => textOf(attributes[key]))).size > 1,
  );
}

function textOf(value: ReceivedValue | undefined): string {
  return value === undefined ? '–' : valueText(value) || "''";
}

/** First what has grown most, then what there is most of. */
function busier(a: Series, b: Series): number {
  const changed = (b.change ?? 0) - (a.change ?? 0);
  return changed !== 0 ? changed : amountOf(b) - amountOf(a);
}

function amountOf({ point }: Series): number {
  return Math.abs(Number(point.count ?? point.asInt ?? point.asDouble ?? 0)) || 0;
}

function chartOf({ kind, point, recent }: Series): string {
  if (kind === 'histogram')
    return histogramBars((point.bucketCounts ?? []).map(Number), CHART_WIDTH);
  if (kind !== 'exponentialHistogram') return sparkline(recent, CHART_WIDTH);
  const counts = (buckets: Series['point']['positive']) =>
    (buckets?.bucketCounts ?? []).map(Number);
  const negative = counts(point.negative).reverse();
  const zero = Number(point.zeroCount ?? 0);
  const positive = counts(point.positive);
  return histogramBars([...negative, ...(zero > 0 ? [zero] : []), ...positive], CHART_WIDTH);
}

/** The most telling first. */
function valuesOf(series: Series): string[] {
  const { kind, unit, point, change } = series;
  const grown = change === undefined ? '' : ` (+${formatNumber(change)})`;
  if ((point.flags & NO_RECORDED_VALUE) !== 0) return ['no value'];
  if (kind === 'gauge' || kind === 'sum') {
    const value = point.asInt ?? point.asDouble;
    return [value === undefined ? 'no value' : formatMeasure(Number(value), unit) + grown];
  }
  const { sum, min, max, quantileValues = [] } = point;
  const count = Number(point.count ?? 0);
  const parts = [formatCount(count) + grown];
  if (count > 0 && sum !== undefined) parts.push(`avg ${formatMeasure(sum / count, unit)}`);
  for (const { quantile, value } of quantileValues) {
    parts.push(`p${Number((quantile * 100).toFixed(3))} ${formatMeasure(value, unit)}`);
  }
  if (count > 0 && max !== undefined) parts.push(`max ${formatMeasure(max, unit)}`);
  if (count > 0 && min !== undefined) parts.push(`min ${formatMeasure(min, unit)}`);
  return parts;
}

/** As many as there is room for, of the first one what there is. */
function joined(parts: readonly string[], width: number): string {
  let text = fit(parts[0]!, width).trimEnd();
  for (const part of parts.slice(1)) {
    if (textWidth(text) + 2 + textWidth(part) > width) break;
    text += `  ${part}`;
  }
  return text;
}

function groupedBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
