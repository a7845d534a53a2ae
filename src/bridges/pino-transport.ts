import { type BridgeTarget, loggerOf } from './logger.ts';
import { configured, emitLine, formatOf, type PinoLineOptions } from './pino-line.ts';

/** Lines of pino, in pieces of any size as they come out of a thread's pipe. */
export interface PinoLines {
  write(piece: string): void;
  /** Takes what is left as a line. */
  end(): void;
  /** What pino says of the loggers that write; false for what else it says. */
  tell(message: unknown): boolean;
}

/** Emits each line once it is complete. The level is the line's own. */
export function pinoLines(target: BridgeTarget, options: PinoLineOptions): PinoLines {
  const logger = loggerOf(target, 'pino');
  const format = formatOf(options);
  let rest = '';
  return {
    write(piece) {
      const text = rest + piece;
      let start = 0;
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
        if (end > start) emitLine(logger, text.slice(start, end), format);
        start = end + 1;
      }
      rest = text.slice(start);
    },
    end() {
      if (rest !== '') emitLine(logger, rest, format);
      rest = '';
    },
    tell: (message) => configured(message, format, options),
  };
}
