/** OpenTelemetry JS 3.x as a subject. */

import * as sdk from '../rivals/upstream.mjs';
import { recordSpans } from '../workload.ts';
import type { Delivery } from './delivery.ts';
import { subjectOf } from './upstream-sdk.ts';

export const { recorder, encoder, recorded, serialize } = subjectOf(sdk);

/** BatchSpanProcessor with its defaults and the OTLP/HTTP exporter. */
export function deliver(url: string, gzip: boolean): Delivery {
  const upstream = sdk.delivering({ url, gzip });
  let spans = 0;
  return {
    // maxQueueSize; the batch on its way has left the queue, so this errs on the safe side.
    capacity: 2048,
    record(first, count) {
      recordSpans(upstream.tracer, first, count);
      spans += count;
    },
    pending: () => spans - upstream.settled(),
    progress: () => upstream.progress(),
    flush: () => upstream.flush(),
  };
}
