/** OpenTelemetry JS 3.x as a subject. */

import * as sdk from '../rivals/upstream.mjs';
import { BATCH, recordNested, recordSpans } from '../workload.ts';
import { type ContextSubject, inContext } from './context.ts';
import type { Delivery, Way } from './delivering.ts';
import { subjectOf } from './upstream-sdk.ts';

export const { recorder, encoder, recorded, serialize, serializeJson } = subjectOf(sdk);

/** Starts and ends spans that AlwaysOff does not record. */
export function nonRecorder(): { run(): void } {
  const tracer = sdk.recordNothing();
  let first = 0;
  return {
    run() {
      recordSpans(tracer, first, BATCH);
      first += BATCH;
    },
  };
}

/** Active spans in each other, with upstream's own context manager. */
export function nested(): ContextSubject {
  const tracer = sdk.recordOnly();
  return inContext(sdk.contextManager(), () => recordNested(tracer, BATCH));
}

/** BatchSpanProcessor with its defaults; its own OTLP/HTTP exporter unless given another. */
export function deliver({ url, gzip }: Way, Exporter?: sdk.SpanExporter): Delivery {
  const upstream = sdk.delivering({ url, gzip, ...(Exporter && { Exporter }) });
  let spans = 0;
  return {
    // maxQueueSize; the batch on its way has left the queue, so this errs on the safe side.
    capacity: 2048,
    record(first, count) {
      recordSpans(upstream.tracer, first, count);
      spans += count;
    },
    pending: () => spans - upstream.settled(),
    // After a flush all that was not dropped has been handed to the exporter.
    underWay: () => upstream.exported() - upstream.settled(),
    sent: () => upstream.settled() - upstream.failed(),
    progress: () => upstream.progress(),
    flush: () => upstream.flush(),
  };
}
