/** An OpenTelemetry JS SDK, of whichever version, as a subject. */

import type { ReadableSpan, UpstreamSdk } from '../rivals/upstream.mjs';
import { BATCH, recordSpans } from '../workload.ts';

export interface UpstreamSubject {
  /** Records batch after batch. */
  recorder(): { run(): void };
  /** Records a batch and encodes it. */
  encoder(): { run(): Uint8Array };
  /** `count` ended spans from number 0. */
  recorded(count: number): ReadableSpan[];
  serialize: UpstreamSdk['serialize'];
  serializeJson: UpstreamSdk['serializeJson'];
}

export function subjectOf(sdk: UpstreamSdk): UpstreamSubject {
  const { recordOnly, collecting, serialize, serializeJson } = sdk;
  return {
    recorder() {
      const tracer = recordOnly();
      let first = 0;
      return {
        run() {
          recordSpans(tracer, first, BATCH);
          first += BATCH;
        },
      };
    },
    encoder() {
      const { tracer, take } = collecting();
      let first = 0;
      return {
        run() {
          recordSpans(tracer, first, BATCH);
          first += BATCH;
          return serialize(take());
        },
      };
    },
    recorded(count) {
      const { tracer, take } = collecting();
      recordSpans(tracer, 0, count);
      return take();
    },
    serialize,
    serializeJson,
  };
}
