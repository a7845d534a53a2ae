/** `otlp-wasm/bridges/console`: what a program prints on the console as log records. */

import { context } from '@opentelemetry/api';
import { isTracingSuppressed } from '../api/context/suppress-tracing.ts';
import type { LogRecord } from '../api/log/types.ts';
import { isError, thrownOf } from './any-value.ts';
import { type BridgeTarget, loggerOf, wants } from './logger.ts';
import { bridged, type Print } from './unbridged.ts';

export type { BridgedLogger, BridgedLoggerProvider, BridgeTarget } from './logger.ts';

export interface ConsoleBridgeOptions {
  /** Prints nothing any more: records only. Default false. */
  readonly silent?: boolean;
}

/** A method's values as one text, the first being a format if it is a string. */
export type FormatValues = (values: readonly unknown[]) => string;

/** The bridged methods of the console, and their severity numbers. */
const SEVERITIES = {
  trace: 1,
  debug: 5,
  log: 9,
  info: 9,
  warn: 13,
  error: 17,
  assert: 17,
} as const;

type Method = keyof typeof SEVERITIES;

/** How lines of this package's own begin, such as those about lost records. */
const OWN = 'otlp-wasm: ';

/** Entries bind the format, so users call `bridgeConsole(target, options)`. */
export function bridgeConsoleWith(
  format: FormatValues,
  target: BridgeTarget,
  { silent = false }: ConsoleBridgeOptions = {},
): () => void {
  const logger = loggerOf(target, 'console');
  const methods = console as unknown as Record<Method, Print>;
  let active = true;
  /** A method may print by another one, and whoever takes a record may print as well. */
  let busy = false;

  function emit(method: Method, values: readonly unknown[], caller: Print): void {
    const asserted = method === 'assert';
    if (asserted && values[0]) return;
    try {
      if (!wants(logger, SEVERITIES[method])) return;
      const said = asserted ? assertion(values) : values;
      const body = format(withoutStack(said, format));
      const record: LogRecord = { severityNumber: SEVERITIES[method], severityText: method, body };
      const error = said.find(isError);
      if (error !== undefined) record.exception = error;
      if (method === 'trace') record.attributes = { 'code.stacktrace': stackOf(caller) };
      logger.emit(record);
    } catch {
      // A value that cannot be formatted: printing it is where that shows.
    }
  }

  const restores = (Object.keys(SEVERITIES) as Method[]).map((method) => {
    const prints = methods[method];
    const caller = bridged(function (this: unknown, ...values: unknown[]) {
      if (!active || busy || isOurs(values)) return prints.apply(this, values);
      busy = true;
      try {
        if (!silent) prints.apply(this, values);
        emit(method, values, caller);
      } finally {
        busy = false;
      }
    }, prints);
    methods[method] = caller;
    return () => {
      // Whoever has patched it since keeps calling us, who only print from now on.
      if (methods[method] === caller) methods[method] = prints;
    };
  });
  return () => {
    active = false;
    for (const restore of restores) restore();
  };
}

/** What is printed by this package, or in the course of an export. */
function isOurs([first]: readonly unknown[]): boolean {
  if (typeof first === 'string' && first.startsWith(OWN)) return true;
  return isTracingSuppressed(context.active());
}

/** What console.assert prints when its first value does not hold. */
function assertion([, ...values]: readonly unknown[]): readonly unknown[] {
  const [format, ...rest] = values;
  if (typeof format === 'string') return [`Assertion failed: ${format}`, ...rest];
  return ['Assertion failed', ...values];
}

/** The first error's stack trace is with the exception, and not in the text besides. */
function withoutStack(values: readonly unknown[], format: FormatValues): readonly unknown[] {
  const at = values.findIndex(isError);
  if (at < 0) return values;
  const { name, message } = values[at] as Error;
  const { rest: fields } = thrownOf(values[at])!;
  const title = message === '' ? name : `${name}: ${message}`;
  const shown = fields === undefined ? title : `${title} ${format([fields])}`;
  const rest = values.slice(at + 1);
  // In the first place it would be taken for a format.
  return at === 0 ? ['%s', shown, ...rest] : [...values.slice(0, at), shown, ...rest];
}

/** Where the program called the method: without its name and message, and without our frames. */
function stackOf(caller: Print): string {
  const holder: { stack?: string } = new Error();
  const { captureStackTrace } = Error as {
    captureStackTrace?: (target: object, until: Print) => void;
  };
  captureStackTrace?.(holder, caller);
  return String(holder.stack).replace(/^Error:? ?\n/, '');
}
