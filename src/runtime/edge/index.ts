import type { StartOptions } from '../../options/options.ts';
import { startOn, type Telemetry } from '../../telemetry.ts';
import { host } from './host.ts';

/**
 * Starts telemetry: picks an engine, opens no connection, reads the environment once. What ends
 * from now on is recorded; call `register()` to install it as the OpenTelemetry globals.
 *
 * @throws OtlpError `invalid_option` when an option cannot be used, `engine_unavailable` when
 *   the engine asked for cannot be had.
 */
export function start(options?: StartOptions): Telemetry {
  return startOn(host, options);
}

export * from '../../index.ts';
