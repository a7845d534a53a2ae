/**
 * Metrics of all scopes by the name they have in Prometheus. A name has one type, one unit and one
 * help in an exposition (specification, "Metric Metadata"): of metrics whose types differ the first
 * stays, of units and helps that differ the first is shown. The same goes for names that the samples
 * of two metrics would share, such as those of a histogram `size` and of a gauge `size_count`.
 */

import {
  DELTA,
  EXPONENTIAL_HISTOGRAM,
  GAUGE,
  HISTOGRAM,
  type MetricData,
  type ResourceMetrics,
  SUM,
  SUMMARY,
} from '../api/metric/data.ts';
import { escapedMetricName } from './escaping.ts';
import { type Label, type LabelNames, labelsOf, scopeLabels } from './labels.ts';
import { metricName, unitText } from './names.ts';
import type { Complain, ExpositionFormat, Settings } from './settings.ts';
import { NO_UNIT, type UnitWords, unitWords } from './units.ts';

export type FamilyType = 'counter' | 'gauge' | 'histogram' | 'summary';

export interface Family {
  /** That of its metadata; samples have suffixes besides. */
  readonly name: string;
  /** OpenMetrics' `unknown` is a counter whose name has no `_total`, which it must have there. */
  readonly type: FamilyType | 'unknown';
  readonly unit: string;
  readonly help: string;
  readonly metrics: readonly { readonly data: MetricData; readonly labels: readonly Label[] }[];
}

interface Growing extends Family {
  unit: string;
  help: string;
  readonly metrics: { data: MetricData; labels: readonly Label[] }[];
}

export interface Families {
  readonly all: Iterable<Family>;
  /** Whether samples of some family have this name. */
  has(sampleName: string): boolean;
}

export interface Naming {
  readonly settings: Settings;
  readonly format: Required<ExpositionFormat>;
  readonly nameOf: LabelNames;
}

/** @param taken names that are in the exposition already. */
export function familiesOf(
  { resource, scopeMetrics }: ResourceMetrics,
  { settings, format, nameOf }: Naming,
  taken: readonly string[],
  complain: Complain,
): Families {
  const families = new Map<string, Growing>();
  /** By the name of samples, or of metadata. */
  const owners = new Map<string, Growing | undefined>(taken.map((name) => [name, undefined]));
  const constant = labelsOf(
    Object.fromEntries(
      Object.entries(resource.attributes).filter(([key]) => settings.isConstantLabel(key)),
    ),
    nameOf,
  );

  function familyOf(data: MetricData, type: FamilyType): Growing | undefined {
    const { name: original, unit, description } = data.descriptor;
    const words = unitOf(data);
    const prefixed = settings.prefix === '' ? original : `${settings.prefix}_${original}`;
    const naming = {
      unit: settings.withoutUnitSuffixes ? NO_UNIT : words,
      isCounter: type === 'counter',
      strategy: settings.strategy,
    };
    const full = escapedMetricName(metricName(prefixed, naming), format.escaping);
    if (full === '') {
      complain(`metric '${original}' is left out: nothing of its name is left for Prometheus`);
      return undefined;
    }
    const [name, shownType] = format.openMetrics ? openMetricsName(full, type) : [full, type];
    const known = families.get(name);
    if (known?.type === shownType) {
      known.unit ||= unitText(words);
      if (unit !== '' && known.unit !== unitText(words)) {
        complain(
          `the unit of metric '${original}' is not shown: ${name} has ${known.unit} already`,
        );
      }
      known.help ||= description;
      if (description !== '' && known.help !== description) {
        complain(
          `the description of metric '${original}' is not shown: ${name} has another already`,
        );
      }
      return known;
    }
    const names = sampleNames(name, shownType, format.openMetrics);
    const conflict = names.find((each) => owners.has(each));
    if (conflict !== undefined) {
      const owner = owners.get(conflict)?.type ?? 'metric about the target';
      complain(`metric '${original}' is left out: there is a ${owner} with samples ${conflict}`);
      return undefined;
    }
    const family: Growing = {
      ...{ name, type: shownType, unit: unitText(words), help: description, metrics: [] },
    };
    families.set(name, family);
    for (const each of names) owners.set(each, family);
    return family;
  }

  for (const { scope, metrics } of scopeMetrics) {
    const ofScope = settings.withoutScopeInfo ? [] : scopeLabels(scope, nameOf);
    const labels = [...ofScope, ...constant];
    for (const data of metrics) {
      if (data.dataPoints.length === 0) continue;
      const type = typeOf(data);
      if (type === undefined) {
        complain(`metric '${data.descriptor.name}' is left out: its temporality is delta`);
      } else familyOf(data, type)?.metrics.push({ data, labels });
    }
  }
  return { all: families.values(), has: (name) => owners.has(name) };
}

/** Undefined for what only makes sense as the sum of all that was ever collected. */
function typeOf(data: MetricData): FamilyType | undefined {
  switch (data.dataPointType) {
    case GAUGE:
      return 'gauge';
    case SUMMARY:
      return 'summary';
    case SUM:
      if (data.aggregationTemporality === DELTA) return undefined;
      return data.isMonotonic ? 'counter' : 'gauge';
    case HISTOGRAM:
    case EXPONENTIAL_HISTOGRAM:
      return data.aggregationTemporality === DELTA ? undefined : 'histogram';
  }
}

/** A gauge without a dimension is a ratio; what is counted in ones is not. */
function unitOf({ dataPointType, descriptor }: MetricData): UnitWords {
  const isRatio = dataPointType === GAUGE && descriptor.unit === '1';
  return isRatio ? { main: 'ratio', per: '' } : unitWords(descriptor.unit);
}

/** There `_total` belongs to the sample of a counter and not to its name. */
function openMetricsName(full: string, type: FamilyType): [string, Family['type']] {
  if (type !== 'counter') return [full, type];
  return full.endsWith('_total') && full !== '_total'
    ? [full.slice(0, -'_total'.length), 'counter']
    : [full, 'unknown'];
}

const SUFFIXES: Readonly<Record<Family['type'], readonly string[]>> = {
  counter: ['', '_total'],
  gauge: [''],
  histogram: ['', '_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
  unknown: [''],
};

function sampleNames(name: string, type: Family['type'], openMetrics: boolean): string[] {
  // Elsewhere a counter's name has its suffix, as far as it has one.
  if (type === 'counter' && !openMetrics) return [name];
  return SUFFIXES[type].map((suffix) => name + suffix);
}
