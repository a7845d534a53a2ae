import type { Tracer, TracerProvider } from '@opentelemetry/api';
import type { Group } from '../../buffer/record.ts';
import { type ScopeOptions, Scopes } from '../scopes.ts';
import { RecordingTracer, type TracerShared } from './tracer.ts';

/** TracerProvider of `@opentelemetry/api`: one tracer per instrumentation scope. */
export class RecordingTracerProvider implements TracerProvider {
  readonly #tracers: Scopes<Tracer>;

  constructor(shared: TracerShared, resource: Group) {
    this.#tracers = new Scopes(resource, (scope) => new RecordingTracer(shared, scope));
  }

  getTracer(name: string, version?: string, options?: ScopeOptions): Tracer {
    return this.#tracers.get(name, version, options);
  }
}
