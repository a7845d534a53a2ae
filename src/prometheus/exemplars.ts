/** Exemplars as OpenMetrics has them (specification, "Exemplar Conversion"). */

import type { Exemplar } from '../api/metric/data.ts';
import { type LabelNames, labelsOf, labelText } from './labels.ts';
import { isAfter, numberText, secondsText } from './numbers.ts';

/** Characters that names and values of labels may have together (OpenMetrics, "Exemplars"). */
const MAX_CHARACTERS = 128;

/** What follows a sample; `''` without an exemplar. */
export function exemplarText(exemplar: Exemplar | undefined, nameOf: LabelNames): string {
  if (exemplar === undefined) return '';
  const { filteredAttributes, traceId, spanId, value, time } = exemplar;
  const labels = new Map<string, string>();
  let left = MAX_CHARACTERS;
  const add = (name: string, text: string) => {
    const size = [...name].length + [...text].length;
    // The first of a name wins; what does not fit is left out, and what is shorter may still fit.
    if (labels.has(name) || size > left) return;
    labels.set(name, text);
    left -= size;
  };
  if (traceId) add('trace_id', traceId);
  if (spanId) add('span_id', spanId);
  for (const { named, value: text } of labelsOf(filteredAttributes, nameOf)) add(named.name, text);
  const texts = [...labels].map(([name, text]) => labelText(name, text));
  const at = time[0] === 0 && time[1] === 0 ? '' : ` ${secondsText(time)}`;
  return ` # {${texts.join(',')}} ${numberText(value)}${at}`;
}

/** The one to show where there is room for one only. */
export function latest(exemplars: readonly Exemplar[] = []): Exemplar | undefined {
  let found: Exemplar | undefined;
  for (const exemplar of exemplars) {
    if (found === undefined || isAfter(exemplar.time, found.time)) found = exemplar;
  }
  return found;
}

/**
 * By bucket, the latest whose value it covers.
 *
 * @param boundaries upper bounds, which are inside; one more bucket has none.
 */
export function latestByBucket(
  exemplars: readonly Exemplar[] = [],
  boundaries: readonly number[],
): readonly (Exemplar | undefined)[] {
  const found: (Exemplar | undefined)[] = [];
  for (const exemplar of exemplars) {
    if (Number.isNaN(exemplar.value)) continue;
    const above = boundaries.findIndex((boundary) => exemplar.value <= boundary);
    const bucket = above < 0 ? boundaries.length : above;
    const known = found[bucket];
    if (known === undefined || isAfter(exemplar.time, known.time)) found[bucket] = exemplar;
  }
  return found;
}
