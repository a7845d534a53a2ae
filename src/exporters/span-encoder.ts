/**
 * The way of spans that another SDK has recorded: into a ring of their own, and out of it as
 * encoded requests, within one call.
 */

import { Ring } from '../buffer/ring.ts';
import { type Encoded, encodeBatch } from '../codec/encode.ts';
import type { MemoryPlan } from '../engine/plan.ts';
import type { Engine } from '../engine/select.ts';
import type { SpanLike } from './span-like.ts';
import { READ_AHEAD, SpanReader } from './span-reader.ts';

export class SpanEncoder {
  readonly engine: Engine;
  readonly plan: MemoryPlan;
  private readonly ring: Ring;
  private readonly reader = new SpanReader();

  /** @param engine with as much memory as `plan` says. */
  constructor(engine: Engine, plan: MemoryPlan) {
    this.engine = engine;
    this.plan = plan;
    this.ring = new Ring(engine, plan.ringBytes, plan.ringBytes / 2, { at: plan.ringAt });
  }

  /**
   * Encodes all spans: as one request, or as several where one would be too long.
   *
   * @param take gets each request, which stands in the engine's memory for the time of the call.
   *   Must not throw.
   * @param unreadable is told of each span that could not be read, because it is none or because
   *   one of its own functions threw. Must not throw.
   * @returns how many spans are in no request because they are too large: their record, for half
   *   of the ring, or for a request of their own.
   */
  encode(
    spans: readonly SpanLike[],
    take: (request: Encoded) => void,
    unreadable: (at: number, error: unknown) => void,
  ): number {
    const { ring, reader } = this;
    let tooLarge = 0;
    // What a call that ended early has left.
    if (ring.count > 0) this.drain(() => {});
    for (let at = 0; at < spans.length; at++) {
      const place = at % READ_AHEAD;
      if (place === 0) reader.prepare(spans, at);
      try {
        const span = reader.read(spans[at]!, place);
        let written = ring.write(span);
        if (written === 'full') {
          tooLarge += this.drain(take);
          written = ring.write(span);
        }
        if (written !== 'written') tooLarge++;
      } catch (error) {
        unreadable(at, error);
      }
    }
    reader.release();
    return tooLarge + this.drain(take);
  }

  private drain(take: (request: Encoded) => void): number {
    const { engine, ring } = this;
    let tooLarge = 0;
    ring.commit();
    while (ring.count > 0) {
      const request = encodeBatch(engine, ring.control, this.plan.request, ring.count);
      if (request === undefined) break;
      tooLarge += request.tooLarge;
      if (request.records > 0) take(request);
    }
    return tooLarge;
  }
}
