/** What the benches of metrics and logs themselves cost: the workload with nothing behind the API. */

import type { Attributes, Counter, Histogram, Logger, LogRecord } from '@opentelemetry/api';
import { emitLogs } from '../logs.ts';
import { addBuilt, addFresh, MEASUREMENTS, recordFresh } from '../measurements.ts';
import { BATCH } from '../workload.ts';

const kept: unknown[] = new Array(16).fill(undefined);
let turn = 0;

// What it keeps is what the engine may not skip building.
const keep = (_value: number, attributes?: Attributes) => {
  kept[turn++ & 15] = attributes;
};

export function counting(built = false): { run(): unknown } {
  const counter = { add: keep } as Counter;
  let first = 0;
  return {
    run() {
      (built ? addBuilt : addFresh)(counter, first, MEASUREMENTS);
      first += MEASUREMENTS;
      return kept;
    },
  };
}

export function recording(): { run(): unknown } {
  const histogram = { record: keep } as Histogram;
  let first = 0;
  return {
    run() {
      recordFresh(histogram, first, MEASUREMENTS);
      first += MEASUREMENTS;
      return kept;
    },
  };
}

/** So many turns of a loop that counts. */
export function emptyLoop(count: number): { run(): number } {
  let total = 0;
  return {
    run() {
      for (let n = 0; n < count; n++) total += 1;
      return total;
    },
  };
}

export function emitter(): { run(): unknown } {
  const logger: Logger = {
    emit(record: LogRecord) {
      kept[turn++ & 15] = record;
    },
    enabled: () => true,
  };
  let first = 0;
  return {
    run() {
      emitLogs(logger, first, BATCH);
      first += BATCH;
      return kept;
    },
  };
}
