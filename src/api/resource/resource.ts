import type { Attributes } from '@opentelemetry/api';

/** What telemetry is about: attributes that do not change (specification, "Resource SDK"). */
export interface Resource {
  readonly attributes: Readonly<Attributes>;
  /** URL of the schema the attributes follow; empty when there is none or it is not known. */
  readonly schemaUrl: string;
}

/**
 * A resource with these attributes; without any it is empty. Attributes that are `undefined` or
 * `null` are left out. The result does not follow later changes of `attributes`.
 */
export function createResource(attributes: Attributes = {}, schemaUrl = ''): Resource {
  return Object.freeze({ attributes: Object.freeze(merged([attributes])), schemaUrl });
}

/**
 * A resource with the attributes of both; where both have one, that of `updating` counts, even
 * if it is empty. A schema URL that only one has is the result's; two that differ leave it empty,
 * and `warn` is told (specification, "Merge").
 */
export function mergeResources(
  old: Resource,
  updating: Resource,
  warn?: (line: string) => void,
): Resource {
  const { attributes, schemaUrl } = mergeAll([old, updating], warn);
  return createResource(attributes, schemaUrl);
}

/** As `mergeResources`, from the weakest to the strongest; the order of schema URLs is of no matter. */
export function mergeAll(
  resources: readonly Resource[],
  warn: (line: string) => void = () => {},
): Resource {
  const urls = [...new Set(resources.map(({ schemaUrl }) => schemaUrl))].filter(Boolean);
  if (urls.length > 1) {
    warn(`resources follow different schemas (${urls.join(', ')}): the schema URL is left out.`);
  }
  return {
    attributes: merged(resources.map(({ attributes }) => attributes)),
    schemaUrl: urls.length === 1 ? urls[0]! : '',
  };
}

function merged(all: readonly Attributes[]): Attributes {
  const result: Attributes = {};
  for (const attributes of all) {
    for (const [key, value] of Object.entries(attributes)) {
      if (value !== undefined && value !== null) result[key] = value;
    }
  }
  return result;
}
