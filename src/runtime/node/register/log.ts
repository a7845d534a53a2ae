import { format } from 'node:util';
import { type DiagLogger, DiagLogLevel } from '@opentelemetry/api';
import type { ApiGlobals } from './api-globals.ts';

export interface Log {
  /** Undefined where `OTEL_LOG_LEVEL` is not set. */
  readonly level: DiagLogLevel | undefined;
  /** What concerns this product, whatever the level. */
  warn(line: string): void;
  info(line: () => string): void;
}

const NAMES = ['none', 'error', 'warn', 'info', 'debug', 'verbose', 'all'];

/** Stack traces are not for a line. */
const MAX_LINE_UNITS = 1000;

const DUPLICATE = /Attempted duplicate registration of API: (\w+)/;

const GLOBALS: Readonly<Record<string, string>> = {
  trace: 'tracer provider',
  context: 'context manager',
  propagation: 'propagator',
};

/** A frame in a stack that is not the application's. */
const INNER_FRAME = /[/\\]node_modules[/\\]|[( ]node:/;

/** @param write shows one line */
export function openLog(text: string | undefined, write: (line: string) => void): Log {
  const warn = (line: string) => write(`otlp-wasm: ${line}`);
  const name = text?.trim().toLowerCase();
  let level: DiagLogLevel | undefined;
  if (name) {
    if (NAMES.includes(name)) {
      level = DiagLogLevel[name.toUpperCase() as keyof typeof DiagLogLevel];
    } else {
      level = DiagLogLevel.INFO;
      const seen = JSON.stringify(text!.slice(0, 80));
      warn(`OTEL_LOG_LEVEL is ${seen}, not ${NAMES.join(', ')}; info is used.`);
    }
  }
  return {
    level,
    warn,
    info: (line) => {
      if (level !== undefined && level >= DiagLogLevel.INFO) write(line());
    },
  };
}

/**
 * Installs the logger for what all of OpenTelemetry in the process has to say, one line each, by
 * `log.level`; without a level it says nothing.
 *
 * In any case, attempts to register a second SDK are reported, once: the API tells nobody but this
 * logger of them. So a logger that the application sets is listened to on its way, too.
 */
export function installDiagLogger(
  globals: ApiGlobals,
  log: Log,
  write: (line: string) => void,
): void {
  let reported = false;
  const duplicate = (what: unknown): boolean => {
    const match = DUPLICATE.exec(String(what));
    const name = match?.[1] !== undefined && GLOBALS[match[1]];
    if (!name) return false;
    // One SDK makes several attempts.
    if (!reported) log.warn(secondSdk(name, String(what)));
    reported = true;
    return true;
  };
  const listened = (logger: DiagLogger): DiagLogger => ({
    error: (...args) => {
      if (!duplicate(args[0])) logger.error(...args);
    },
    warn: (...args) => logger.warn(...args),
    info: (...args) => logger.info(...args),
    debug: (...args) => logger.debug(...args),
    verbose: (...args) => logger.verbose(...args),
  });
  let current = listened(lineLogger(log.level ?? DiagLogLevel.NONE, write));
  // An application that was quicker has its own.
  if (globals['diag']) current = listened(globals['diag'] as DiagLogger);
  Object.defineProperty(globals, 'diag', {
    configurable: true,
    enumerable: true,
    get: () => current,
    set: (logger: DiagLogger) => {
      current = listened(logger);
    },
  });
}

function secondSdk(name: string, stack: string): string {
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line));
  const frame = frames.find((line) => !INNER_FRAME.test(line)) ?? '';
  const at = /\(?((?:file:|[/\\]|[A-Za-z]:)[^()]*:\d+:\d+)\)?$/.exec(frame)?.[1];
  const where = at === undefined ? '' : ` (at ${at})`;
  return (
    `a second OpenTelemetry SDK wants to register its ${name}${where}, but otlp-wasm/register came ` +
    'first and stays. Remove the set-up of the second one, or otlp-wasm/register from --import, ' +
    '--require and NODE_OPTIONS.'
  );
}

function lineLogger(level: DiagLogLevel, write: (line: string) => void): DiagLogger {
  const say =
    (name: string, from: DiagLogLevel) =>
    (...args: unknown[]) => {
      if (level < from) return;
      const line = format(...args).replace(/\s*\n\s*/g, ' ');
      write(`opentelemetry ${name}: ${line.slice(0, MAX_LINE_UNITS)}`);
    };
  return {
    error: say('error', DiagLogLevel.ERROR),
    warn: say('warn', DiagLogLevel.WARN),
    info: say('info', DiagLogLevel.INFO),
    debug: say('debug', DiagLogLevel.DEBUG),
    verbose: say('verbose', DiagLogLevel.VERBOSE),
  };
}
