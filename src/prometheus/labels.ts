/**
 * Attributes as labels (specification, "Prometheus and OpenMetrics compatibility", "Metric
 * Attributes"): names are translated, and where several keys become one name their values are joined.
 */

import type { Attributes } from '@opentelemetry/api';
import type { MetricScope } from '../api/metric/data.ts';
import { type EscapingScheme, escapedLabelName, isClassicLabelName } from './escaping.ts';
import { labelName, type TranslationStrategy } from './names.ts';
import { valueText } from './value-text.ts';

export interface Label {
  /** Of the attribute: what joined values are ordered by. */
  readonly key: string;
  readonly name: string;
  readonly value: string;
}

/** Names of labels by attribute keys, `''` for keys that have none; few keys make many labels. */
export type LabelNames = (key: string) => string;

export function labelNames(strategy: TranslationStrategy, escaping: EscapingScheme): LabelNames {
  const known = new Map<string, string>();
  return (key) => {
    let name = known.get(key);
    if (name === undefined) {
      name = labelName(key, strategy);
      if (name !== '') name = escapedLabelName(name, escaping);
      // It is the metric's name, which would be two then.
      if (name === '__name__') name = 'exported___name__';
      known.set(key, name);
    }
    return name;
  };
}

export function labelsOf(attributes: Attributes, nameOf: LabelNames): Label[] {
  const labels: Label[] = [];
  for (const key of Object.keys(attributes)) {
    const name = nameOf(key);
    if (name !== '') labels.push({ key, name, value: valueText(attributes[key]) });
  }
  return labels;
}

const SCOPE = 'otel_scope_';

/** Those of the scope that every point has. */
export function scopeLabels(scope: MetricScope, nameOf: LabelNames): Label[] {
  const own = Object.entries({
    [`${SCOPE}name`]: scope.name,
    [`${SCOPE}version`]: scope.version ?? '',
    [`${SCOPE}schema_url`]: scope.schemaUrl ?? '',
  }).map(([name, value]) => ({ key: name, name, value }));
  const prefixed = Object.fromEntries(
    Object.entries(scope.attributes ?? {}).map(([key, value]) => [SCOPE + key, value]),
  );
  const others = labelsOf(prefixed, nameOf);
  return [...own, ...others.filter(({ name }) => own.every((each) => each.name !== name))];
}

/** Labels that samples of a type have of themselves. */
export type ReservedLabel = 'le' | 'quantile';

/**
 * As they stand between braces, in the order of their names. An empty value is left out: Prometheus
 * takes a label without one for none, so that texts are the same where series are.
 */
export function labelsText(given: readonly Label[], reserved?: ReservedLabel): string {
  const labels = reserved === undefined ? given : given.map((label) => freed(label, reserved));
  const values = new Map<string, string>();
  let collided: Set<string> | undefined;
  for (const { name, value } of labels) {
    if (values.has(name)) (collided ??= new Set()).add(name);
    values.set(name, value);
  }
  for (const name of collided ?? []) values.set(name, joined(labels, name));
  const texts: string[] = [];
  for (const [name, value] of values) if (value !== '') texts.push(labelText(name, value));
  return texts.sort().join(',');
}

/** As Prometheus renames labels it has some of its own for. */
function freed(label: Label, reserved: ReservedLabel): Label {
  return label.name === reserved ? { ...label, name: `exported_${reserved}` } : label;
}

function joined(labels: readonly Label[], name: string): string {
  return labels
    .filter((label) => label.name === name)
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(({ value }) => value)
    .join(';');
}

export function labelText(name: string, value: string): string {
  return `${isClassicLabelName(name) ? name : quoted(name)}=${quoted(value)}`;
}

export function quoted(text: string): string {
  return /[\\"\n]/.test(text) ? `"${escapedText(text).replace(/"/g, '\\"')}"` : `"${text}"`;
}

/** As help is written. */
export function escapedText(text: string): string {
  return text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n');
}
