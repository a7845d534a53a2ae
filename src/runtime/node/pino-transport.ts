/**
 * `otlp-wasm/bridges/pino-transport`: a transport that pino runs in its worker thread, with a telemetry of
 * its own there: `pino({ transport: { target: 'otlp-wasm/bridges/pino-transport', options } })`.
 */

import { Writable } from 'node:stream';
import { parentPort, workerData } from 'node:worker_threads';
import type { PinoLineOptions } from '../../bridges/pino-line.ts';
import { pinoLines } from '../../bridges/pino-transport.ts';
import type { StartOptions } from '../../options/options.ts';
import { start } from './index.ts';

/**
 * Options of `start()` that can be sent to another thread: no functions, no class instances. What is left
 * out, `OTEL_*` variables say. `flushTimeoutMs` is 8000 by default, and should stay below the ten seconds
 * that pino waits for its worker.
 */
export type PinoTransportOptions = StartOptions & PinoLineOptions;

/** What pino adds to the options. */
interface FromPino {
  readonly pinoWillSendConfig?: boolean;
  readonly levels?: unknown;
  readonly dedupe?: unknown;
  readonly $context?: unknown;
}

/** pino waits ten seconds for its worker at the end of a program. */
const FLUSH_TIMEOUT_MS = 8_000;

/** How long a piece of lines waits for room, once, before what has none is dropped and counted. */
const ROOM_MS = 250;

async function pinoTransport(given: PinoTransportOptions & FromPino): Promise<Writable> {
  const { pinoWillSendConfig: _, levels: __, dedupe: ___, $context: ____, ...options } = given;
  const { messageKey, errorKey, customLevels, ...startOptions } = options;
  const telemetry = start({ flushTimeoutMs: FLUSH_TIMEOUT_MS, ...startOptions });
  const keys = {
    ...(messageKey !== undefined && { messageKey }),
    ...(errorKey !== undefined && { errorKey }),
    ...(customLevels !== undefined && { customLevels }),
  };
  const lines = pinoLines(telemetry.loggerProvider, keys);
  const told = configuration(lines.tell);

  // A burst waits in pino's buffer, which is the larger one. While nothing can be delivered at all,
  // waiting would only make that buffer, and in the end the program, wait too.
  let room = true;
  const stream = new Writable({
    decodeStrings: false,
    write(piece, _encoding, done) {
      lines.write(String(piece));
      void telemetry.ready(room ? ROOM_MS : 0).then((ready) => {
        room = ready;
        done();
      });
    },
    final(done) {
      lines.end();
      void telemetry.shutdown().then(() => done());
    },
  });
  // `logger.flush(callback)` waits for it.
  Object.assign(stream, { flush: () => telemetry.flush() });
  await told;
  return stream;
}

/**
 * Resolves when pino has said how its lines are to be read, which it does before the first of them, where
 * it does at all.
 */
function configuration(tell: (message: unknown) => boolean): Promise<void> {
  const sent = (workerData as { workerData?: FromPino } | null)?.workerData?.pinoWillSendConfig;
  const port = parentPort;
  if (port === null || sent !== true) return Promise.resolve();
  return new Promise((told) => {
    port.on('message', (message) => {
      if (tell(message)) told();
    });
  });
}

// biome-ignore lint/style/noDefaultExport: what pino looks for
export { pinoTransport as default };
