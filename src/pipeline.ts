/**
 * ★ Start here: the whole journey of a batch, and the only file that knows its order.
 *
 *   api → buffer → codec → compress → deliver
 *
 * An ended span, or an emitted log record, is written to the ring of its signal. A batch leaves the ring
 * when it is large enough, old enough, or when the ring fills up; it is encoded once, compressed once,
 * copied out of engine memory and handed to delivery. (Metrics are no records: they are aggregated
 * in cells, and join this way where a collection has been encoded; see metering.ts.)
 */

import type { Attributes, Group, LogData, SpanData } from './buffer/record.ts';
import type { Ring, Written } from './buffer/ring.ts';
import { encodeBatch } from './codec/encode.ts';
import type { Body } from './compress/compress.ts';
import type { Deliver } from './deliver/deliver.ts';
import type { Engine } from './engine/select.ts';
import type { MakeBody } from './request-bodies.ts';
import type { Host } from './runtime/host.ts';

/** What the pipeline runs on once the engine is there. */
export interface PipelineParts {
  readonly engine: Engine;
  readonly ring: Ring;
  readonly makeBody: MakeBody;
  /** Where encoded requests go, and how long they may be. */
  readonly request: { readonly at: number; readonly limitBytes: number };
}

export interface PipelineOptions {
  /** What it carries: `end` takes spans, `emit` log records. */
  readonly signal: 'traces' | 'logs';
  readonly host: Host;
  readonly deliver: Deliver;
  /** Called before each batch is taken. */
  readonly beforeBatch: () => void;
  readonly batch: {
    /** Records that make a batch go. */
    readonly size: number;
    /** Records that one takes at most. */
    readonly maxSize: number;
    readonly delayMs: number;
  };
  /** Records that may wait for an engine that is still loading. */
  readonly maxWaiting: number;
}

/** Batches and records taken in one turn of the event loop at most: one to two milliseconds. */
const BATCHES_PER_TURN = 4;
const RECORDS_PER_TURN = 2048;

/**
 * So long after a batch the next one goes on gathering, up to its maximum: where records come fast, the
 * cost of a request is shared by more of them (measured: 7 to 10 % of all CPU time).
 */
const GATHER_MS = 10;

export class Pipeline {
  recorded = 0;
  /** Records that never reached delivery, by cause. */
  readonly dropped = { ring_full: 0, too_large: 0, engine_loading: 0, after_shutdown: 0 };
  /** Calls on spans that had ended. */
  readonly late = { calls: 0 };
  closed = false;
  parts: PipelineParts | undefined;
  /** While set, a batch waits for its time even if it is full: its resource is not complete. */
  patient = false;
  private readonly options: PipelineOptions;
  private waiting: (SpanData | LogData)[] = [];
  private maxWaiting: number;
  /** Records handed to a compressor that answers later, and what they wait for. */
  private compressing = 0;
  private readonly pending = new Set<Promise<void>>();
  /** Records in the ring that plan a turn; Infinity while one is planned. */
  private wanted: number;
  /** When the last turn was. */
  private turnAt = Number.NEGATIVE_INFINITY;
  private cancelGathering: (() => void) | undefined;
  private cancelTimer: (() => void) | undefined;
  private highWater = 0;

  constructor(options: PipelineOptions) {
    this.options = options;
    this.wanted = options.batch.size;
    this.maxWaiting = options.maxWaiting;
  }

  /** The engine is there: what has waited for it goes into the ring. */
  open(parts: PipelineParts): void {
    this.parts = parts;
    this.highWater = parts.ring.ringBytes >> 1;
    const waiting = this.waiting;
    this.waiting = [];
    for (const record of waiting) this.write(record, parts);
  }

  /** Takes an ended span. Never throws, never waits; what cannot be kept is counted. */
  end(span: SpanData): void {
    this.recorded++;
    const { parts } = this;
    if (this.closed) this.dropped.after_shutdown++;
    else if (parts !== undefined) this.write(span, parts);
    else if (this.waiting.length < this.maxWaiting) this.waiting.push(span);
    else this.dropped.engine_loading++;
  }

  /** The same for an emitted log record, which whoever emits it uses again. */
  emit(log: LogData): void {
    this.recorded++;
    const { parts } = this;
    if (this.closed) this.dropped.after_shutdown++;
    else if (parts !== undefined) this.write(log, parts);
    else if (this.waiting.length < this.maxWaiting) this.waiting.push(kept(log));
    else this.dropped.engine_loading++;
  }

  private write(record: SpanData | LogData, parts: PipelineParts): void {
    const { ring } = parts;
    let written = this.put(record, ring);
    const wasFull = written === 'full';
    if (wasFull) {
      this.journey(parts);
      written = this.put(record, ring);
    }
    if (written !== 'written') {
      this.dropped[written === 'full' ? 'ring_full' : 'too_large']++;
      return;
    }
    // One batch in one call at most; pressure is looked at when a group of records is whole.
    if (ring.uncommitted === 0 && !wasFull && ring.used > this.highWater) this.journey(parts);
    else if (ring.count >= this.wanted) this.planTurn();
    if (this.cancelTimer === undefined) this.startTimer();
  }

  private put(record: SpanData | LogData, ring: Ring): Written {
    return this.options.signal === 'logs'
      ? ring.writeLog(record as LogData)
      : ring.write(record as SpanData);
  }

  /** One batch, from the ring to delivery. Returns how many records it had. */
  private journey(parts: PipelineParts): number {
    const { signal, deliver, batch, beforeBatch } = this.options;
    const { engine, ring, request, makeBody } = parts;

    beforeBatch();
    ring.commit();
    const encoded = encodeBatch(engine, ring.control, request, batch.maxSize);
    if (encoded === undefined) return 0;
    this.dropped.too_large += encoded.tooLarge;
    const { records } = encoded;
    if (records === 0) return 0;

    const body = makeBody(encoded.at, encoded.bytes, true);
    const send = ({ body, encoding, contentType, rawBytes }: Body) =>
      deliver.push({ signal, contentType, body, encoding, records, rawBytes });
    if ('body' in body) send(body);
    else this.sendLater(body, records, send);
    return records;
  }

  private sendLater(body: Promise<Body>, records: number, send: (ready: Body) => void): void {
    this.compressing += records;
    const pending = body.then((ready) => {
      this.compressing -= records;
      this.pending.delete(pending);
      send(ready);
    });
    this.pending.add(pending);
  }

  private planTurn(): void {
    if (this.patient) return;
    const { host, batch } = this.options;
    const waitMs = this.turnAt + GATHER_MS - host.now();
    if (this.wanted < batch.maxSize && waitMs > 0) {
      this.wanted = batch.maxSize;
      this.cancelGathering = host.setTimer(() => this.turn(), waitMs);
    } else {
      this.wanted = Number.POSITIVE_INFINITY;
      host.soon(() => this.turn());
    }
  }

  private turn(): void {
    this.cancelGathering?.();
    this.cancelGathering = undefined;
    const { host, batch } = this.options;
    this.turnAt = host.now();
    this.wanted = batch.size;
    const { parts } = this;
    if (parts === undefined) return;
    let records = 0;
    for (let i = 0; i < BATCHES_PER_TURN && records < RECORDS_PER_TURN; i++) {
      if (parts.ring.count < batch.size) return;
      records += this.journey(parts);
    }
    if (parts.ring.count >= batch.size) this.planTurn();
  }

  private startTimer(): void {
    this.cancelTimer = this.options.host.setTimer(() => {
      this.cancelTimer = undefined;
      this.drain();
    }, this.options.batch.delayMs);
  }

  /** Gives a resource other contents, for the records that wait as well; `full`: not now. */
  redescribe(resource: Group, attributes: Attributes, schemaUrl: string): Written {
    return this.parts?.ring.redescribe(resource, attributes, schemaUrl) ?? 'full';
  }

  /** What batches were waiting for is there. */
  settled(): void {
    this.patient = false;
    if ((this.parts?.ring.count ?? 0) >= this.wanted) this.planTurn();
  }

  /** The largest batch waits for its turn. */
  get backlogged(): boolean {
    return !this.patient && (this.parts?.ring.count ?? 0) >= this.options.batch.maxSize;
  }

  /** What resolves when bodies are there that are still made, if those are more than a few. */
  get congestion(): Promise<unknown> | undefined {
    return this.pending.size > BATCHES_PER_TURN ? Promise.all(this.pending) : undefined;
  }

  /** Sends everything that is in the ring on its way. */
  drain(): void {
    this.patient = false;
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    if (this.cancelGathering !== undefined) {
      this.cancelGathering();
      this.cancelGathering = undefined;
      this.wanted = this.options.batch.size;
    }
    const { parts } = this;
    if (parts !== undefined) while (this.journey(parts) > 0);
  }

  /** Drains; resolves when all of it has reached delivery (compressors may answer later). */
  async drained(): Promise<void> {
    this.drain();
    await Promise.all(this.pending);
  }

  /** No engine will come: what has waited for one is dropped, and so is what would wait. */
  abandonWaiting(): void {
    this.dropped.engine_loading += this.waiting.length;
    this.waiting = [];
    this.maxWaiting = 0;
  }

  /** Records that are neither dropped nor handed to delivery yet. */
  get queued(): number {
    return this.waiting.length + (this.parts?.ring.count ?? 0) + this.compressing;
  }
}

/** As it is at this moment. */
function kept(log: LogData): LogData {
  return { ...log, values: log.values.slice() };
}
