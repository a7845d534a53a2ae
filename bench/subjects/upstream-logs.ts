/** Logs of OpenTelemetry JS 3.x as subjects. */

import { emitLogs } from '../logs.ts';
import { logging, type ReadableLogRecord, serializeLogs } from '../rivals/upstream.mjs';
import { BATCH } from '../workload.ts';

export { serializeLogs as serialize };

/** Emits a batch; the records are thrown away. */
export function emitter(): { run(): unknown } {
  const { logger, take } = logging();
  let first = 0;
  return {
    run() {
      emitLogs(logger, first, BATCH);
      first += BATCH;
      return take();
    },
  };
}

/** Emits a batch and encodes it. */
export function encoder(): { run(): Uint8Array } {
  const { logger, take } = logging();
  let first = 0;
  return {
    run() {
      emitLogs(logger, first, BATCH);
      first += BATCH;
      return serializeLogs(take());
    },
  };
}

/** `count` records from number 0. */
export function emitted(count: number): ReadableLogRecord[] {
  const { logger, take } = logging();
  emitLogs(logger, 0, count);
  return take();
}
