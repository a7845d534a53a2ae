/**
 * Collected metrics as text: Prometheus' text format 0.0.4 or OpenMetrics 1.0.0 (specification,
 * "Prometheus and OpenMetrics compatibility", "OTLP Metric points to Prometheus").
 */

import type { Attributes, HrTime } from '@opentelemetry/api';
import {
  type DataPoint,
  EXPONENTIAL_HISTOGRAM,
  type ExponentialHistogramValue,
  GAUGE,
  HISTOGRAM,
  type HistogramValue,
  type MetricData,
  type ResourceMetrics,
  SUM,
  SUMMARY,
  type SummaryValue,
} from '../api/metric/data.ts';
import { isClassicMetricName } from './escaping.ts';
import { exemplarText, latest, latestByBucket } from './exemplars.ts';
import { type ExplicitBuckets, explicitBuckets } from './exponential.ts';
import { type Families, type Family, familiesOf } from './families.ts';
import {
  escapedText,
  type Label,
  type LabelNames,
  labelNames,
  labelsOf,
  labelsText,
  labelText,
  quoted,
} from './labels.ts';
import { boundText, millisText, numberText, secondsText } from './numbers.ts';
import {
  type Complain,
  type ExpositionFormat,
  type PrometheusOptions,
  resolveFormat,
  resolveSettings,
  type Settings,
} from './settings.ts';

/**
 * What a scrape of these metrics would get. Names are translated by option `translationStrategy`,
 * then by the escaping of `format`. Delta sums and histograms are left out; a reader that asks for
 * cumulative ones has none.
 *
 * @param warn is told what was left out, and why. Default: nobody.
 * @throws OtlpError `invalid_option`
 */
export function prometheusText(
  resourceMetrics: ResourceMetrics,
  options: PrometheusOptions = {},
  format: ExpositionFormat = {},
  warn: (line: string) => void = () => {},
): string {
  return expositionOf(resourceMetrics, resolveSettings(options), resolveFormat(format), warn);
}

export function expositionOf(
  resourceMetrics: ResourceMetrics,
  settings: Settings,
  format: Required<ExpositionFormat>,
  complain: Complain,
): string {
  const nameOf = labelNames(settings.strategy, format.escaping);
  const target = settings.withoutTargetInfo
    ? ''
    : targetText(resourceMetrics.resource.attributes, nameOf, format.openMetrics);
  const taken = target === '' ? [] : ['target', 'target_info'];
  const families = familiesOf(resourceMetrics, { settings, format, nameOf }, taken, complain);
  // OpenMetrics wants it to be the first.
  const texts = [target];
  for (const family of families.all) {
    texts.push(familyText(family, { settings, format, nameOf, families, complain }));
  }
  if (format.openMetrics) texts.push('# EOF\n');
  return texts.join('');
}

function targetText(attributes: Attributes, nameOf: LabelNames, openMetrics: boolean): string {
  const labels = labelsText(labelsOf(attributes, nameOf));
  if (labels === '') return '';
  const [name, type] = openMetrics ? ['target', 'info'] : ['target_info', 'gauge'];
  const metadata = `# TYPE ${name} ${type}\n# HELP ${name} Target metadata\n`;
  return `${metadata}target_info{${labels}} 1\n`;
}

interface Exposition {
  readonly settings: Settings;
  readonly format: Required<ExpositionFormat>;
  readonly nameOf: LabelNames;
  readonly families: Families;
  readonly complain: Complain;
}

function familyText(family: Family, exposition: Exposition): string {
  const { name, type, unit, help } = family;
  const samples = samplesText(family, exposition);
  if (samples === '') return '';
  const shown = isClassicMetricName(name) ? name : quoted(name);
  let text = `# TYPE ${shown} ${type}\n`;
  const { openMetrics } = exposition.format;
  // A unit that the name does not end in is an error there, and in the other format a comment.
  if (openMetrics && unit !== '' && /^[\w:]+$/.test(unit) && name.endsWith(`_${unit}`)) {
    text += `# UNIT ${shown} ${unit}\n`;
  }
  if (help !== '') {
    const escaped = escapedText(help);
    text += `# HELP ${shown} ${openMetrics ? escaped.replace(/"/g, '\\"') : escaped}\n`;
  }
  return text + samples;
}

function samplesText(family: Family, exposition: Exposition): string {
  const { settings, format, nameOf, families, complain } = exposition;
  const { openMetrics } = format;
  const { name, type } = family;
  const isCreated =
    openMetrics && !settings.withoutCreatedTimestamps && !families.has(`${name}_created`);
  const written = new Set<string>();
  const openings: { [S in Suffix]?: Opening } = {};
  const texts: string[] = [];

  function pointText(data: MetricData, point: DataPoint<unknown>, labels: string): string {
    const time = timeText(point.endTime, settings.appendTimestamp, openMetrics);
    const sample = (suffix: Suffix, value: number | string, extra = '', exemplar = '') => {
      const all = extra === '' || labels === '' ? labels + extra : `${labels},${extra}`;
      const number = typeof value === 'number' ? numberText(value) : value;
      const { bare, opening, closing } = (openings[suffix] ??= openingOf(name + suffix));
      const rest = `${number}${time}${exemplar}\n`;
      return all === '' ? bare + rest : opening + all + closing + rest;
    };
    const created = () =>
      isCreated && !isUnset(point.startTime)
        ? sample('_created', secondsText(point.startTime))
        : '';
    switch (data.dataPointType) {
      case SUM:
      case GAUGE: {
        const value = point.value as number;
        if (!openMetrics || type !== 'counter') return sample('', value);
        // Not a number a counter can have there.
        if (!(value >= 0)) return '';
        const exemplar = exemplarText(latest(point.exemplars), nameOf);
        return sample('_total', value, '', exemplar) + created();
      }
      case HISTOGRAM:
      case EXPONENTIAL_HISTOGRAM: {
        const value = point.value as HistogramValue | ExponentialHistogramValue;
        const buckets = bucketsOf(value);
        const exemplars = openMetrics ? latestByBucket(point.exemplars, buckets.boundaries) : [];
        let count = 0;
        let lines = '';
        for (const [i, boundary] of [...buckets.boundaries, Number.POSITIVE_INFINITY].entries()) {
          count += buckets.counts[i] ?? 0;
          const bound = labelText('le', boundText(boundary, openMetrics));
          lines += sample('_bucket', count, bound, exemplarText(exemplars[i], nameOf));
        }
        const { sum } = value;
        if (!openMetrics) {
          if (sum !== undefined) lines += sample('_sum', sum);
          return lines + sample('_count', count);
        }
        // There sums are those of a counter, and a count has to have one beside it.
        const isCounted = sum !== undefined && sum >= 0 && !(buckets.boundaries[0]! < 0);
        if (isCounted) lines += sample('_sum', sum) + sample('_count', count);
        return lines + created();
      }
      case SUMMARY: {
        const { quantiles, sum, count } = point.value as SummaryValue;
        let lines = '';
        for (const { quantile, value } of [...quantiles].sort((a, b) => a.quantile - b.quantile)) {
          // Neither here nor in sums does OpenMetrics have negative values.
          if (openMetrics && value < 0) continue;
          lines += sample('', value, labelText('quantile', boundText(quantile, openMetrics)));
        }
        if (!openMetrics || sum >= 0) lines += sample('_sum', sum);
        return lines + sample('_count', count) + created();
      }
    }
  }

  const reserved = type === 'histogram' ? 'le' : type === 'summary' ? 'quantile' : undefined;
  for (const { data, labels } of family.metrics) {
    for (const point of data.dataPoints) {
      const all: Label[] = [...labelsOf(point.attributes, nameOf), ...labels];
      const series = labelsText(all, reserved);
      if (written.has(series)) {
        const metric = data.descriptor.name;
        complain(`points of metric '${metric}' are left out: ${name} has others of their labels`);
        continue;
      }
      written.add(series);
      texts.push(pointText(data, point, series));
    }
  }
  return texts.join('');
}

type Suffix = '' | '_total' | '_created' | '_bucket' | '_sum' | '_count';

/** What is around the labels of a sample. */
interface Opening {
  readonly bare: string;
  readonly opening: string;
  readonly closing: string;
}

function openingOf(name: string): Opening {
  if (isClassicMetricName(name)) return { bare: `${name} `, opening: `${name}{`, closing: '} ' };
  return { bare: `{${quoted(name)}} `, opening: `{${quoted(name)},`, closing: '} ' };
}

function timeText(time: HrTime, isShown: boolean, openMetrics: boolean): string {
  if (!isShown || isUnset(time)) return '';
  return ` ${openMetrics ? secondsText(time) : millisText(time)}`;
}

function isUnset([seconds, nanos]: HrTime): boolean {
  return seconds === 0 && nanos === 0;
}

/** Bounds that are finite and rise; a histogram that has no buckets has one for everything. */
function bucketsOf(value: HistogramValue | ExponentialHistogramValue): ExplicitBuckets {
  if ('scale' in value) return explicitBuckets(value);
  const { boundaries, counts } = value.buckets;
  if (counts.length === 0) return { boundaries: [], counts: [value.count] };
  const end = boundaries.indexOf(Number.POSITIVE_INFINITY);
  if (end < 0) return value.buckets;
  const rest = counts.slice(end).reduce((sum, count) => sum + count, 0);
  return { boundaries: boundaries.slice(0, end), counts: [...counts.slice(0, end), rest] };
}
