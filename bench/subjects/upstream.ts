/** OpenTelemetry JS as a subject, with its own copy of the workload. */

import {
  collecting,
  delivering,
  type ReadableSpan,
  recordOnly,
  serialize,
} from '../rivals/upstream.mjs';
import { BATCH, recordSpans } from '../workload.ts';
import type { Delivery } from './delivery.ts';

export { serialize };

/** Records batch after batch. */
export function recorder(): { run(): void } {
  const tracer = recordOnly();
  let first = 0;
  return {
    run() {
      recordSpans(tracer, first, BATCH);
      first += BATCH;
    },
  };
}

/** Records a batch and encodes it. */
export function encoder(): { run(): Uint8Array } {
  const { tracer, take } = collecting();
  let first = 0;
  return {
    run() {
      recordSpans(tracer, first, BATCH);
      first += BATCH;
      return serialize(take());
    },
  };
}

/** `count` ended spans from number 0. */
export function recorded(count: number): ReadableSpan[] {
  const { tracer, take } = collecting();
  recordSpans(tracer, 0, count);
  return take();
}

/** BatchSpanProcessor with its defaults and the OTLP/HTTP exporter. */
export function deliver(url: string, gzip: boolean): Delivery {
  const upstream = delivering({ url, gzip });
  let recorded = 0;
  return {
    // maxQueueSize; the batch on its way has left the queue, so this errs on the safe side.
    capacity: 2048,
    record(first, count) {
      recordSpans(upstream.tracer, first, count);
      recorded += count;
    },
    pending: () => recorded - upstream.settled(),
    progress: () => upstream.progress(),
    flush: () => upstream.flush(),
  };
}
