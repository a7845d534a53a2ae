/**
 * Attributes as labels (specification, "Prometheus and OpenMetrics compatibility", "Metric
 * Attributes"): names are translated, and where several keys become one name their values are joined.
 */

import type { Attributes } from '@opentelemetry/api';
import type { MetricScope } from '../api/metric/data.ts';
import { type EscapingScheme, escapedLabelName, isClassicLabelName } from './escaping.ts';
import { labelName, type TranslationStrategy } from './names.ts';
import { valueText } from './value-text.ts';

/** What an attribute's key is as a label. */
export interface LabelName {
  /** What joined values are ordered by. */
  readonly key: string;
  readonly name: string;
  /** Labels by value, as they are written: there are few, and every series is made of them. */
  readonly texts: Map<string, string>;
}

export interface Label {
  readonly named: LabelName;
  readonly value: string;
}

/** Names of labels by attribute keys, undefined for keys that have none. */
export type LabelNames = (key: string) => LabelName | undefined;

/** Those of one exposition: what it remembers is as much as what is exposed. */
export function labelNames(strategy: TranslationStrategy, escaping: EscapingScheme): LabelNames {
  const known = new Map<string, LabelName | undefined>();
  return (key) => {
    let found = known.get(key);
    if (found === undefined && !known.has(key)) {
      const name = escapedLabelName(labelName(key, strategy), escaping);
      // That is the metric's name, which would be two then.
      if (name !== '') found = named(key, name === '__name__' ? 'exported___name__' : name);
      known.set(key, found);
    }
    return found;
  };
}

function named(key: string, name: string): LabelName {
  return { key, name, texts: new Map() };
}

export function labelsOf(attributes: Attributes, nameOf: LabelNames): Label[] {
  const labels: Label[] = [];
  for (const key of Object.keys(attributes)) {
    const found = nameOf(key);
    if (found !== undefined) labels.push({ named: found, value: valueText(attributes[key]) });
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
  }).map(([name, value]) => ({ named: named(name, name), value }));
  const prefixed = Object.fromEntries(
    Object.entries(scope.attributes ?? {}).map(([key, value]) => [SCOPE + key, value]),
  );
  const others = labelsOf(prefixed, nameOf);
  return [
    ...own,
    ...others.filter((other) => own.every((each) => each.named.name !== other.named.name)),
  ];
}

/** Labels that samples of a type have of themselves. */
export type ReservedLabel = 'le' | 'quantile';

/**
 * As they stand between braces, in the order of their names. An empty value is left out: Prometheus
 * takes a label without one for none, so that texts are the same where series are.
 */
export function labelsText(given: readonly Label[], reserved?: ReservedLabel): string {
  const labels = reserved === undefined ? [...given] : given.map((each) => freed(each, reserved));
  sort(labels);
  const texts: string[] = [];
  for (let i = 0; i < labels.length; i++) {
    const { named } = labels[i]!;
    let { value } = labels[i]!;
    while (labels[i + 1]?.named.name === named.name) value += `;${labels[++i]!.value}`;
    if (value === '') continue;
    let text = named.texts.get(value);
    if (text === undefined) {
      text = labelText(named.name, value);
      named.texts.set(value, text);
    }
    texts.push(text);
  }
  // Pieces added one by one would cost more than all the rest.
  return texts.join(',');
}

/** By name, then by key; there are few. */
function sort(labels: Label[]): void {
  for (let i = 1; i < labels.length; i++) {
    const label = labels[i]!;
    let at = i;
    for (; at > 0 && isBefore(label.named, labels[at - 1]!.named); at--)
      labels[at] = labels[at - 1]!;
    labels[at] = label;
  }
}

function isBefore(a: LabelName, b: LabelName): boolean {
  return a.name === b.name ? a.key < b.key : a.name < b.name;
}

/** As Prometheus renames labels it has some of its own for. */
function freed(label: Label, reserved: ReservedLabel): Label {
  const { key, name } = label.named;
  return name === reserved ? { ...label, named: named(key, `exported_${reserved}`) } : label;
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
