import type { Attributes, Tracer, TracerOptions, TracerProvider } from '@opentelemetry/api';
import { Group } from '../../buffer/record.ts';
import { describe, textOf } from './attributes.ts';
import { RecordingTracer, type TracerShared } from './tracer.ts';

/** Distinct scopes kept; a program that makes more gets tracers that are not shared. */
const MAX_SCOPES = 1024;

type ScopeOptions = TracerOptions & { attributes?: Attributes };

/** TracerProvider of `@opentelemetry/api`: one tracer per instrumentation scope. */
export class RecordingTracerProvider implements TracerProvider {
  readonly #shared: TracerShared;
  readonly #resource: Group;
  readonly #tracers = new Map<string, Tracer>();

  constructor(shared: TracerShared, resource: Group) {
    this.#shared = shared;
    this.#resource = resource;
  }

  getTracer(name: string, version?: string, options?: ScopeOptions): Tracer {
    try {
      return this.#tracerOf(name, version, options ?? {});
    } catch {
      // Options that throw when they are read.
      return this.#tracerOf(name, version, {});
    }
  }

  #tracerOf(name: string, version: string | undefined, options: ScopeOptions): Tracer {
    const { attributes } = options;
    const scope = {
      name: textOf(name || 'unknown'),
      version: textOf(version ?? ''),
      schemaUrl: textOf(options.schemaUrl ?? ''),
    };
    const id = idOf(scope, attributes);
    let tracer = id === undefined ? undefined : this.#tracers.get(id);
    if (tracer === undefined) {
      const group = new Group(describe(attributes), { parent: this.#resource, ...scope });
      tracer = new RecordingTracer(this.#shared, group);
      if (id !== undefined && this.#tracers.size < MAX_SCOPES) this.#tracers.set(id, tracer);
    }
    return tracer;
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
