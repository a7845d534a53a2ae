/**
 * `otlp-wasm/bridges/pino`: pino's lines as log records. What pino has made of a record counts, with
 * its serializers, redaction and formatters: the line is what is read.
 */

import { type BridgeTarget, loggerOf } from './logger.ts';
import {
  configured,
  emitLine,
  formatOf,
  type PinoLevels,
  type PinoLineOptions,
} from './pino-line.ts';

export { traceFields } from './correlation.ts';
export type { BridgedLogger, BridgedLoggerProvider, BridgeTarget } from './logger.ts';
export type { PinoLevels, PinoLineOptions } from './pino-line.ts';

/** Where pino writes to: a destination of a logger, or of `pino.multistream`. */
export interface PinoStream {
  readonly writable: true;
  write(line: string): void;
  end(): void;
  /** pino tells a stream of its loggers' keys and levels this way. */
  emit(event: string, ...values: unknown[]): void;
}

/** What pino leaves with a stream that asks for it, before it writes. */
interface Written {
  lastLevel?: number;
  lastLogger?: { readonly levels?: PinoLevels };
}

/**
 * A destination of pino whose lines become log records: in place of another, or beside others in
 * `pino.multistream([{ stream: process.stdout }, { level: 'trace', stream: pinoStream(provider) }])`.
 * Nothing is written anywhere else.
 */
export function pinoStream(target: BridgeTarget, options: PinoLineOptions = {}): PinoStream {
  const logger = loggerOf(target, 'pino');
  const format = formatOf(options);
  const stream: PinoStream & Written = {
    writable: true,
    write(line) {
      const { lastLevel, lastLogger } = stream;
      // Children may have levels of their own.
      if (lastLogger?.levels !== undefined) format.levels = lastLogger.levels;
      emitLine(logger, line, format, typeof lastLevel === 'number' ? lastLevel : undefined);
    },
    end() {},
    emit(event, ...values) {
      if (event === 'message') configured(values[0], format, options);
    },
  };
  return Object.assign(stream, { [Symbol.for('pino.metadata')]: true });
}

/** Of pino's options, those that decide how its lines look, and the hooks. */
interface PinoHookOptions extends PinoLineOptions {
  readonly hooks?:
    | {
        logMethod?: ((this: never, args: never, method: never, level: number) => void) | undefined;
        streamWrite?: ((line: string) => string) | undefined;
      }
    | undefined;
}

/** Hooks for pino's option of that name. */
export interface PinoHooks {
  logMethod(this: unknown, args: unknown, method: unknown, level: number): void;
  streamWrite(line: string): string;
}

type Log = (this: unknown, ...args: unknown[]) => void;
type LogMethod = (this: unknown, args: unknown[], method: Log, level: number) => void;

/**
 * Options of pino under which records become log records besides being written where the logger
 * writes, whatever that is: `pino(pinoHook(provider, { level: 'debug' }))`. Hooks that `options` has
 * go on working; what is recorded is the line after them.
 *
 * @param options pino's options, which are returned with `hooks` added.
 */
export function pinoHook<Options extends object = Record<never, never>>(
  target: BridgeTarget,
  options: Options = {} as Options,
): Omit<Options, 'hooks'> & { hooks: PinoHooks } {
  const logger = loggerOf(target, 'pino');
  const given: PinoHookOptions = options;
  const format = formatOf(given);
  const own = given.hooks;
  // A call within a call happens: of a serializer that logs.
  let level: number | undefined;
  const hooks: PinoHooks = {
    logMethod(args, method, called) {
      const before = level;
      level = called;
      const { levels } = this as { levels?: PinoLevels };
      if (levels !== undefined) format.levels = levels;
      try {
        if (own?.logMethod === undefined) (method as Log).apply(this, args as unknown[]);
        else (own.logMethod as LogMethod).call(this, args as unknown[], method as Log, called);
      } finally {
        level = before;
      }
    },
    streamWrite(line) {
      const written = own?.streamWrite === undefined ? line : own.streamWrite(line);
      emitLine(logger, written, format, level);
      return written;
    },
  };
  return { ...options, hooks };
}
