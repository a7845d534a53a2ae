import type { Group } from '../../buffer/record.ts';
import { Key, type ShapeTree } from '../../buffer/shape.ts';
import { Scopes } from '../scopes.ts';
import type { Clock } from '../trace/clock.ts';
import { Bodies } from './body.ts';
import type { LoggerConfigurator } from './config.ts';
import { severityKeys } from './emitted.ts';
import { type LogShared, type LogSink, RecordingLogger } from './logger.ts';
import type { LogRecordProcessors } from './processors.ts';
import type { Logger, LoggerOptions, LoggerProvider } from './types.ts';

/** What a logger provider is made of. */
export interface LoggerParts {
  readonly clock: Clock;
  /** Attribute keys of log records, with their bounds and their redaction. */
  readonly logShapes: ShapeTree;
  /** Where records go; null where nothing is exported. */
  readonly sink: LogSink | null;
  /** Null with none. */
  readonly processors: LogRecordProcessors | null;
  /** What loggers let through. Undefined: everything. */
  readonly configurator?: LoggerConfigurator | undefined;
}

/** LoggerProvider of the logs API: one logger per instrumentation scope. */
export class RecordingLoggerProvider implements LoggerProvider {
  readonly #shared: LogShared;
  readonly #loggers: Scopes<Logger>;
  /** Loggers whose records belong to no trace by themselves. */
  readonly #untraced: Scopes<Logger>;

  constructor(parts: LoggerParts, resource: Group) {
    const { clock, logShapes, sink, processors, configurator } = parts;
    const shared: LogShared = {
      clock,
      logShapes,
      sink,
      processors,
      bodies: new Bodies(logShapes),
      severityKeys: severityKeys(),
      noEvent: new Key(''),
      configuration: { configurator },
    };
    this.#shared = shared;
    this.#loggers = new Scopes(resource, (scope) => new RecordingLogger(shared, scope, true));
    this.#untraced = new Scopes(resource, (scope) => new RecordingLogger(shared, scope, false));
  }

  getLogger(name: string, version?: string, options?: LoggerOptions): Logger {
    let loggers = this.#loggers;
    let scope = options;
    try {
      if (options?.includeTraceContext === false) loggers = this.#untraced;
      const { schemaUrl, attributes, scopeAttributes } = options ?? {};
      scope = { schemaUrl, attributes: attributes ?? scopeAttributes } as LoggerOptions;
    } catch {
      // Options that throw when they are read.
      scope = undefined;
    }
    return loggers.get(name, version, scope);
  }

  /**
   * Changes what loggers let through, those that exist included (specification, "LoggerConfigurator").
   * Undefined: everything.
   */
  configureLoggers(configurator: LoggerConfigurator | undefined): void {
    this.#shared.configuration = { configurator };
  }
}
