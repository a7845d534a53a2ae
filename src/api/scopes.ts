import type { Attributes } from '@opentelemetry/api';
import { Group } from '../buffer/record.ts';
import { describe, textOf } from './trace/attributes.ts';

/** Distinct scopes kept; a program that makes more gets tracers, or loggers, that are not shared. */
const MAX_SCOPES = 1024;

/** What an instrumentation scope has beside name and version. */
export interface ScopeOptions {
  readonly schemaUrl?: string | undefined;
  readonly attributes?: Attributes | undefined;
}

/** What there is one of for each instrumentation scope: a tracer, a logger. */
export class Scopes<T> {
  readonly #resource: Group;
  readonly #make: (scope: Group) => T;
  readonly #unnamed: string;
  readonly #made = new Map<string, T>();

  /** @param unnamed stands for a name that is missing. */
  constructor(resource: Group, make: (scope: Group) => T, unnamed = 'unknown') {
    this.#resource = resource;
    this.#make = make;
    this.#unnamed = unnamed;
  }

  /** The same for scopes that are the same. Never throws. */
  get(name: string, version: string | undefined, options: ScopeOptions | undefined): T {
    try {
      return this.#get(name, version, options ?? {});
    } catch {
      // Options that throw when they are read.
      return this.#get(name, version, {});
    }
  }

  #get(name: string, version: string | undefined, options: ScopeOptions): T {
    const { attributes } = options;
    const scope = {
      name: textOf(name || this.#unnamed),
      version: textOf(version ?? ''),
      schemaUrl: textOf(options.schemaUrl ?? ''),
    };
    const id = idOf(scope, attributes);
    let one = id === undefined ? undefined : this.#made.get(id);
    if (one === undefined) {
      one = this.#make(new Group(describe(attributes), { parent: this.#resource, ...scope }));
      if (id !== undefined && this.#made.size < MAX_SCOPES) this.#made.set(id, one);
    }
    return one;
  }
}

/** The same for scopes that are the same; undefined for attributes that cannot be compared. */
function idOf(scope: object, attributes: Attributes | undefined): string | undefined {
  try {
    return JSON.stringify([scope, attributes ?? null]);
  } catch {
    // Circular, or a bigint.
    return undefined;
  }
}
