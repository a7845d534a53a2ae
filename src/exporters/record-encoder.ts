/**
 * The way of records that another SDK has made: into a ring of their own, and out of it as encoded
 * requests, within one call.
 */

import { Ring } from '../buffer/ring.ts';
import { type Encoded, encodeBatch } from '../codec/encode.ts';
import type { MemoryPlan } from '../engine/plan.ts';
import type { Engine } from '../engine/select.ts';
import { GroupReader } from './group-reader.ts';
import type { LogLike } from './log-like.ts';
import { LogReader } from './log-reader.ts';
import { READ_AHEAD, type RecordReader } from './read-record.ts';
import type { RequestEncoder } from './signal-exporter.ts';
import type { SpanLike } from './span-like.ts';
import { SpanReader } from './span-reader.ts';

export class RecordEncoder<From> implements RequestEncoder<readonly From[]> {
  readonly engine: Engine;
  readonly plan: MemoryPlan;
  readonly ring: Ring;
  private readonly reader: RecordReader<From>;

  /** @param engine with as much memory as `plan` says. */
  constructor(engine: Engine, plan: MemoryPlan, ring: Ring, reader: RecordReader<From>) {
    this.engine = engine;
    this.plan = plan;
    this.ring = ring;
    this.reader = reader;
  }

  /**
   * As `RequestEncoder.encode`. Too large is a record that takes half of the ring, or more than a
   * request may have.
   */
  encode(
    records: readonly From[],
    take: (request: Encoded) => void,
    unreadable: (error: unknown, at: number) => void,
  ): number {
    const { ring, reader } = this;
    let tooLarge = 0;
    // What a call that ended early has left.
    if (ring.count > 0) this.drain(() => {});
    for (let at = 0; at < records.length; at++) {
      const place = at % READ_AHEAD;
      if (place === 0) reader.prepare(records, at);
      try {
        reader.read(records[at]!, place);
        let written = reader.write();
        if (written === 'full') {
          tooLarge += this.drain(take);
          written = reader.write();
        }
        if (written !== 'written') tooLarge++;
      } catch (error) {
        unreadable(error, at);
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

/** Of spans. The engine has as much memory as `plan` says. */
export function spanEncoder(engine: Engine, plan: MemoryPlan): RecordEncoder<SpanLike> {
  const ring = new Ring(engine, plan.ringBytes, plan.ringBytes / 2, { at: plan.ringAt });
  return new RecordEncoder(engine, plan, ring, new SpanReader(ring, new GroupReader()));
}

/**
 * Of log records.
 *
 * @param turns an encoder that takes turns with this one in the same memory: each leaves its ring empty
 *   when its call ends, or finds it so when its next one begins.
 */
export function logEncoder(
  engine: Engine,
  plan: MemoryPlan,
  turns?: RecordEncoder<SpanLike>,
): RecordEncoder<LogLike> {
  const beside = turns?.ring;
  const ring = new Ring(engine, plan.ringBytes, plan.ringBytes / 2, {
    ...(beside !== undefined && { beside }),
    ...{ at: plan.ringAt, logs: true },
  });
  return new RecordEncoder(engine, plan, ring, new LogReader(ring, new GroupReader()));
}
