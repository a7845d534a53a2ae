import { formatWithOptions } from 'node:util';
import {
  bridgeConsoleWith,
  type ConsoleBridgeOptions,
  type FormatValues,
} from '../../bridges/console.ts';
import type { BridgeTarget } from '../../bridges/logger.ts';

const format: FormatValues = (values) => formatWithOptions({ colors: false }, ...values);

/**
 * From now on, what is printed by `console.debug`, `log`, `info`, `warn`, `error`, `trace` and
 * `assert` becomes log records, too: the text as it is printed is the body, the first error among the
 * values the exception. What exporters and this package itself print does not.
 *
 * @param target where records go: `telemetry.loggerProvider`, any other provider, or a logger.
 * @returns a function that ends it, and puts the methods back.
 */
export function bridgeConsole(target: BridgeTarget, options?: ConsoleBridgeOptions): () => void {
  return bridgeConsoleWith(format, target, options);
}

export type {
  BridgedLogger,
  BridgedLoggerProvider,
  BridgeTarget,
  ConsoleBridgeOptions,
} from '../../bridges/console.ts';
