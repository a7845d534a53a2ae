/** `otlp-wasm/bridges/winston`: winston's records as log records. */

import { Writable } from 'node:stream';
import { type Context, context } from '@opentelemetry/api';
import { type BridgedLogger, type BridgeTarget, loggerOf, wants } from '../../bridges/logger.ts';
import {
  recordOfInfo,
  severityOfName,
  type WinstonInfo,
  type WinstonLevels,
} from '../../bridges/winston.ts';

export type { BridgedLogger, BridgedLoggerProvider, BridgeTarget } from '../../bridges/logger.ts';
export type { WinstonInfo } from '../../bridges/winston.ts';

/** A format of winston's: `winston.format.…()`. */
export interface WinstonFormat {
  // biome-ignore lint/suspicious/noExplicitAny: winston's own declaration has it so
  transform(info: any, options?: any): any;
  readonly options?: object;
}

export interface WinstonTransportOptions {
  /** Records up to this level are taken. Default: the logger's. */
  readonly level?: string;
  /** Takes nothing. Default false. */
  readonly silent?: boolean;
  /** Applied to a copy of each record, after the logger's own. Default none. */
  readonly format?: WinstonFormat;
  /** Uncaught errors are taken too, and winston ends the process (`exitOnError`). Default false. */
  readonly handleExceptions?: boolean;
  /** Unhandled rejections likewise. Default false. */
  readonly handleRejections?: boolean;
  /** Severity numbers of levels, before those known by name. Default none. */
  readonly severityMapping?: Readonly<Record<string, number>>;
}

/** Of a logger of winston: what a transport is piped from. */
interface WinstonLogger {
  readonly levels: WinstonLevels;
  readonly level?: string;
  write(info: unknown, ...rest: unknown[]): unknown;
}

const LEVEL = Symbol.for('level');

/**
 * A transport of winston whose records become log records:
 * `winston.createLogger({ transports: [new WinstonTransport(provider)] })`. What the package
 * winston-transport does for transports is done here, so that it is not needed.
 */
export class WinstonTransport extends Writable {
  level?: string;
  silent?: boolean;
  format?: WinstonFormat;
  handleExceptions?: boolean;
  handleRejections?: boolean;
  levels?: WinstonLevels;
  parent?: WinstonLogger | null;
  readonly #logger: BridgedLogger;
  readonly #severityMapping: Readonly<Record<string, number>> | undefined;
  readonly #severities = new Map<string, number | undefined>();
  /**
   * What was active when a record was made: it may come later, and elsewhere, where the logger waits for
   * another transport.
   */
  readonly #contexts = new WeakMap<object, Context>();
  #unwatch = () => {};

  /** @param target where records go. */
  constructor(target: BridgeTarget, options: WinstonTransportOptions = {}) {
    super({ objectMode: true });
    const { severityMapping, ...given } = options;
    Object.assign(this, given);
    this.#logger = loggerOf(target, 'winston');
    this.#severityMapping = severityMapping;
    this.on('pipe', (source) => {
      const logger = source as unknown as WinstonLogger;
      this.parent = logger;
      this.levels = logger.levels;
      this.#severities.clear();
      this.#unwatch();
      this.#unwatch = this.#watch(logger);
    });
    this.on('unpipe', (source) => {
      if ((source as unknown) !== this.parent) return;
      this.parent = null;
      this.#unwatch();
    });
  }

  #watch(logger: WinstonLogger): () => void {
    const { write } = logger;
    const own = Object.hasOwn(logger, 'write');
    const contexts = this.#contexts;
    const watched: WinstonLogger['write'] = (info, ...rest) => {
      if (typeof info === 'object' && info !== null) contexts.set(info, context.active());
      return write.call(logger, info, ...rest);
    };
    logger.write = watched;
    return () => {
      if (logger.write !== watched) return;
      if (own) logger.write = write;
      else delete (logger as Partial<WinstonLogger>).write;
    };
  }

  override _write(info: WinstonInfo, _encoding: string, done: (error?: Error | null) => void) {
    const level = this.level ?? this.parent?.level;
    const priority = this.levels?.[String(info[LEVEL])];
    const least = level === undefined ? undefined : this.levels?.[level];
    if (
      this.silent ||
      (info['exception'] === true && !this.handleExceptions) ||
      (level && !(least! >= priority!))
    ) {
      return done();
    }
    if (this.format === undefined) return this.log(info, done);
    let formatted: WinstonInfo | false | undefined;
    try {
      formatted = this.format.transform({ ...info }, this.format.options);
    } catch (error) {
      // An error would end the stream.
      this.emit('warn', error);
    }
    if (!formatted) return done();
    const active = this.#contexts.get(info);
    if (active !== undefined) this.#contexts.set(formatted, active);
    this.log(formatted, done);
  }

  /** Takes one record. winston calls it by itself for uncaught errors. */
  log(info: WinstonInfo, done?: () => void): void {
    const active = this.#contexts.get(info);
    try {
      if (active === undefined) this.#emit(info);
      else context.with(active, () => this.#emit(info));
    } catch (error) {
      this.emit('warn', error);
    }
    this.emit('logged', info);
    done?.();
  }

  #emit(info: WinstonInfo): void {
    const level = String(info[LEVEL] ?? info.level);
    let severity = this.#severities.get(level);
    if (severity === undefined) {
      severity = severityOfName(level, this.levels, this.#severityMapping);
      this.#severities.set(level, severity);
    }
    if (wants(this.#logger, severity)) this.#logger.emit(recordOfInfo(info, level, severity));
  }
}
