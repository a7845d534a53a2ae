/**
 * Logs of otlp-wasm as subjects: logger, pipeline, ring and codec as `start()` puts them together,
 * without the transport. Batches leave the ring when the bench says so.
 */

import type { Logger } from '@opentelemetry/api';
import { RecordingLoggerProvider } from '../../src/api/log/provider.ts';
import { describe } from '../../src/api/trace/attributes.ts';
import { Clock } from '../../src/api/trace/clock.ts';
import { Group } from '../../src/buffer/record.ts';
import { Ring } from '../../src/buffer/ring.ts';
import { ShapeTree } from '../../src/buffer/shape.ts';
import { encodeBatch } from '../../src/codec/encode.ts';
import type { Deliver } from '../../src/deliver/deliver.ts';
import { OVERSHOOT_BYTES, RING_BASE } from '../../src/engine/generated/layout.ts';
import { type EngineName, selectEngine } from '../../src/engine/select.ts';
import { Pipeline } from '../../src/pipeline.ts';
import { host } from '../../src/runtime/node/host.ts';
import { emitLogs } from '../logs.ts';
import { assertLogs } from '../points.ts';
import { BATCH } from '../workload.ts';

/** Of the ring of spans, in which there are none. */
const SPAN_RING_BYTES = 64 * 2 ** 10;
const RING_AT = RING_BASE + SPAN_RING_BYTES;
const RING_BYTES = 4 * 2 ** 20;
const REQUEST = { at: RING_AT + RING_BYTES, limitBytes: 4 * 2 ** 20 };

const BOUNDS = { count: 128, valueLength: Number.POSITIVE_INFINITY, valueDepth: 64 };

/** Nothing happens by itself. */
const still = { ...host, soon() {}, setTimer: () => () => {} };

function unexpected(): never {
  throw new Error('the pipeline took a batch by itself');
}

interface Path {
  readonly logger: Logger;
  /** Encodes a batch of the oldest records of the ring; returns the request's size. */
  encode(): number;
  /** The request encoded last, where it stands: the compressor reads it there. */
  view(bytes: number): Uint8Array;
  /** Forgets a batch of the records in the ring. */
  discard(): void;
}

function open(name: EngineName): Path {
  const bytes = REQUEST.at + REQUEST.limitBytes + OVERSHOOT_BYTES;
  const engine = selectEngine(host.engines, name, bytes);
  if (engine instanceof Promise) throw new Error('the portable engine is bundled here');
  const beside = new Ring(engine, SPAN_RING_BYTES);
  const ring = new Ring(engine, RING_BYTES, undefined, { at: RING_AT, beside });
  const pipeline = new Pipeline({
    signal: 'logs',
    host: still,
    deliver: { push: unexpected } as unknown as Deliver,
    beforeBatch: unexpected,
    batch: { size: BATCH, maxSize: BATCH, delayMs: 1000 },
    maxWaiting: 0,
  });
  pipeline.open({ engine, ring, makeBody: unexpected, request: REQUEST });
  const provider = new RecordingLoggerProvider(
    {
      clock: new Clock(host.now, host.unixNow, host.originMs(), host.hrtime),
      logShapes: new ShapeTree(BOUNDS),
      sink: pipeline,
      processors: null,
    },
    new Group(describe({ 'service.name': 'bench' })),
  );
  const memory = new Uint8Array(engine.buffer);
  return {
    logger: provider.getLogger('bench', '1.0.0') as Logger,
    encode() {
      ring.commit();
      const encoded = encodeBatch(engine, ring.control, REQUEST, BATCH);
      if (encoded?.records !== BATCH) throw new Error(`${encoded?.records} records encoded`);
      return encoded.bytes;
    },
    view: (length) => memory.subarray(REQUEST.at, REQUEST.at + length),
    discard() {
      ring.commit();
      engine.core.discard(ring.control, BATCH);
    },
  };
}

/** Emits batch after batch into the ring. */
export function emitter(name: EngineName): { run(): void; check(): void } {
  const { logger, encode, view, discard } = open(name);
  let first = 0;
  return {
    run() {
      emitLogs(logger, first, BATCH);
      first += BATCH;
      discard();
    },
    check() {
      emitLogs(logger, 0, BATCH);
      assertLogs(view(encode()), 0, BATCH);
    },
  };
}

/** Emits a batch and encodes it; the request stays in the engine's memory. */
export function encoder(name: EngineName): { run(): Uint8Array } {
  const { logger, encode, view } = open(name);
  let first = 0;
  return {
    run() {
      emitLogs(logger, first, BATCH);
      first += BATCH;
      return view(encode());
    },
  };
}

/** Encodes the batch that is in the ring. */
export function codec(name: EngineName): { run(): number; before(): void; check(): void } {
  const { logger, encode, view } = open(name);
  let first = 0;
  return {
    before() {
      emitLogs(logger, first, BATCH);
      first += BATCH;
    },
    run: encode,
    check() {
      emitLogs(logger, 0, BATCH);
      assertLogs(view(encode()), 0, BATCH);
    },
  };
}
