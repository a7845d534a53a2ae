/** What the OpenTelemetry SDK and ours treat alike, for tests that compare the two. */

import type { PlannedAttributes } from './span-plan.ts';
import type { ModelAttributes, ModelValue } from './trace-model.ts';

/** Whether the SDK takes a value as it is, alike: no integers beyond 2^53, no -0, no bigint. */
export function agreedValue(value: unknown, simple: boolean, nested = false): boolean {
  switch (typeof value) {
    case 'bigint':
      return false;
    case 'number':
      return !Object.is(value, -0) && !(Number.isInteger(value) && !Number.isSafeInteger(value));
    case 'object':
      break;
    default:
      return true;
  }
  if (value === null) return !simple || nested;
  if (Array.isArray(value)) {
    if (simple && nested) return false;
    const types = new Set(value.filter((each) => each != null).map((each) => typeof each));
    if (simple && types.size > 1) return false;
    return value.every((each) => agreedValue(each, simple, true));
  }
  if (simple) return false;
  if (value instanceof Uint8Array) return true;
  return Object.values(value).every((each) => agreedValue(each, simple, true));
}

/** The same without pairs of surrogates, nor halves of them. */
export function oneUnitEach<T>(value: T): T;
export function oneUnitEach(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(/[\ud800-\udfff]/g, 'ß');
  if (Array.isArray(value)) return value.map(oneUnitEach);
  if (typeof value !== 'object' || value === null) return value;
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, oneUnitEach(each)]));
}

export const agreedAttributes = (attributes: PlannedAttributes | undefined, simple = false) =>
  attributes?.filter(([name, value]) => name !== '' && agreedValue(value, simple));

/** By key: the SDK keeps attributes in an object, which puts integers first. */
export function sorted(attributes: ModelAttributes): ModelAttributes {
  const ordered = [...attributes].sort(([a], [b]) => (a < b ? -1 : 1));
  return ordered.map(([key, value]) => [key, sortedValue(value)]);
}

function sortedValue(value: ModelValue): ModelValue {
  if ('map' in value) return { map: sorted(value.map) };
  if ('array' in value) return { array: value.array.map(sortedValue) };
  return value;
}
