/**
 * What the benches themselves cost: the workload through a tracer that only keeps the last
 * values, so that the engine may not skip building them.
 */

import type { Span, SpanContext, Tracer } from '@opentelemetry/api';
import { BATCH, recordSpans } from '../workload.ts';
import type { Delivery } from './delivering.ts';

const kept: unknown[] = new Array(16).fill(undefined);
let turn = 0;

const span: Span = {
  spanContext: (): SpanContext => ({ traceId: '', spanId: '', traceFlags: 0 }),
  setAttribute(_key, value) {
    kept[turn++ & 15] = value;
    return this;
  },
  setAttributes() {
    return this;
  },
  addEvent(name) {
    kept[turn++ & 15] = name;
    return this;
  },
  addLink() {
    return this;
  },
  addLinks() {
    return this;
  },
  setStatus() {
    return this;
  },
  updateName() {
    return this;
  },
  end() {},
  isRecording: () => true,
  recordException() {},
};

const tracer: Tracer = {
  startSpan(name) {
    kept[turn++ & 15] = name;
    return span;
  },
  startActiveSpan(): never {
    throw new Error('the workload does not start active spans');
  },
};

export function recorder(): { run(): unknown } {
  let first = 0;
  return {
    run() {
      recordSpans(tracer, first, BATCH);
      first += BATCH;
      return kept;
    },
  };
}

/** In the place of what delivers: nothing is kept, nothing is sent. */
export function discard(): Delivery {
  return {
    capacity: Number.POSITIVE_INFINITY,
    record: (first, count) => recordSpans(tracer, first, count),
    pending: () => 0,
    underWay: () => 0,
    sent: () => 0,
    progress: async () => {},
    flush: async () => {},
  };
}
