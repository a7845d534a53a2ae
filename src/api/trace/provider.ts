import type { Attributes, Tracer, TracerOptions, TracerProvider } from '@opentelemetry/api';
import { Group } from '../../buffer/record.ts';
import { describe } from './attributes.ts';
import { RecordingTracer, type TracerShared } from './tracer.ts';

/** Distinct scopes kept; a program that makes more gets tracers that are not shared. */
const MAX_SCOPES = 1024;

/** TracerProvider of `@opentelemetry/api`: one tracer per instrumentation scope. */
export class RecordingTracerProvider implements TracerProvider {
  readonly #shared: TracerShared;
  readonly #resource: Group;
  readonly #tracers = new Map<string, Tracer>();

  constructor(shared: TracerShared, resource: Group) {
    this.#shared = shared;
    this.#resource = resource;
  }

  getTracer(
    name: string,
    version?: string,
    options?: TracerOptions & { attributes?: Attributes },
  ): Tracer {
    const scopeName = name || 'unknown';
    const { schemaUrl, attributes } = options ?? {};
    const id = JSON.stringify([scopeName, version ?? '', schemaUrl ?? '', attributes ?? null]);
    let tracer = this.#tracers.get(id);
    if (tracer === undefined) {
      const scope = new Group(describe(attributes ?? {}), { parent: this.#resource, name: scopeName, version, schemaUrl });
      tracer = new RecordingTracer(this.#shared, scope);
      if (this.#tracers.size < MAX_SCOPES) this.#tracers.set(id, tracer);
    }
    return tracer;
  }
}
