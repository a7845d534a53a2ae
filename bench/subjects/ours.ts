/**
 * otlp-wasm as a subject, with its own copy of the workload: tracer, pipeline, ring and
 * kernels as `start()` puts them together, without the transport. Batches leave the ring when
 * the bench says so.
 */

import type { Tracer } from '@opentelemetry/api';
import { describe } from '../../src/api/trace/attributes.ts';
import { Clock } from '../../src/api/trace/clock.ts';
import { RandomWords } from '../../src/api/trace/ids.ts';
import { RecordingTracerProvider } from '../../src/api/trace/provider.ts';
import { alwaysOff } from '../../src/api/trace/samplers/always.ts';
import type { TraceSampler } from '../../src/api/trace/tracer.ts';
import { Group } from '../../src/buffer/record.ts';
import { Ring } from '../../src/buffer/ring.ts';
import { ShapeTree } from '../../src/buffer/shape.ts';
import { encodeBatch } from '../../src/codec/encode.ts';
import { gzipCapacity } from '../../src/compress/compress.ts';
import type { Deliver } from '../../src/deliver/deliver.ts';
import { OVERSHOOT_BYTES, RING_BASE } from '../../src/engine/generated/layout.ts';
import { type Engine, type EngineName, selectEngine } from '../../src/engine/select.ts';
import { Pipeline } from '../../src/pipeline.ts';
import { AsyncLocalStorageContextManager } from '../../src/runtime/node/context-manager.ts';
import { host } from '../../src/runtime/node/host.ts';
import { start } from '../../src/runtime/node/index.ts';
import { assertSpans } from '../spans.ts';
import { BATCH, recordNested, recordSpans } from '../workload.ts';
import { type ContextSubject, inContext } from './context.ts';
import type { Delivery, Way } from './delivering.ts';

const RING_BYTES = 4 * 2 ** 20;
const REQUEST_AT = RING_BASE + RING_BYTES;
const LIMIT_BYTES = 4 * 2 ** 20;
const REQUEST = { at: REQUEST_AT, limitBytes: LIMIT_BYTES };

const BOUNDS = { count: 128, valueLength: Number.POSITIVE_INFINITY, valueDepth: 64 };

/** Nothing happens by itself. */
const still = { ...host, soon() {}, setTimer: () => () => {} };

function unexpected(): never {
  throw new Error('the pipeline took a batch by itself');
}

interface Path {
  readonly engine: Engine;
  readonly tracer: Tracer;
  /** Encodes as many of the oldest spans of the ring, by default a batch; returns the request's size. */
  encode(spans?: number): number;
  /** The request encoded last, where it stands: the compressor reads it there. */
  view(bytes: number): Uint8Array;
  /** Forgets the spans in the ring. */
  discard(): void;
}

/** Makes the path from tracer to encoded request on one engine. */
function open(name: EngineName, sampler?: TraceSampler): Path {
  const engine = engineOf(name, REQUEST_AT + LIMIT_BYTES + OVERSHOOT_BYTES);
  const ring = new Ring(engine, RING_BYTES);
  const pipeline = new Pipeline({
    signal: 'traces',
    host: still,
    deliver: { push: unexpected } as unknown as Deliver,
    beforeBatch: unexpected,
    batch: { size: BATCH, maxSize: BATCH, delayMs: 1000 },
    maxWaiting: 0,
  });
  pipeline.open({ engine, ring, makeBody: unexpected, request: REQUEST });
  const provider = new RecordingTracerProvider(
    {
      clock: new Clock(host.now, host.unixNow, host.originMs(), host.hrtime),
      spanShapes: new ShapeTree(BOUNDS),
      eventShapes: new ShapeTree(BOUNDS),
      linkShapes: new ShapeTree(BOUNDS),
      limits: { events: 128, links: 128 },
      sink: pipeline,
      processors: null,
      late: { calls: 0 },
      ids: new RandomWords(host.fillRandom),
      sampler,
    },
    new Group(describe({ 'service.name': 'bench' })),
  );
  const memory = new Uint8Array(engine.buffer);
  return {
    engine,
    tracer: provider.getTracer('bench', '1.0.0'),
    encode(spans = BATCH) {
      ring.commit();
      const encoded = encodeBatch(engine, ring.control, REQUEST, spans);
      if (encoded?.records !== spans) throw new Error(`${encoded?.records} spans encoded`);
      return encoded.bytes;
    },
    view: (bytes) => memory.subarray(REQUEST_AT, REQUEST_AT + bytes),
    discard() {
      ring.commit();
      engine.core.discard(ring.control, BATCH);
    },
  };
}

function engineOf(name: EngineName, memoryBytes: number): Engine {
  const engine = selectEngine(host.engines, name, memoryBytes);
  if (engine instanceof Promise) throw new Error('the portable engine is bundled here');
  return engine;
}

/** Records batch after batch into the ring. */
export function recorder(name: EngineName): { run(): void; check(): void } {
  const { tracer, encode, view, discard } = open(name);
  let first = 0;
  return {
    run() {
      recordSpans(tracer, first, BATCH);
      first += BATCH;
      discard();
    },
    check() {
      recordSpans(tracer, 0, BATCH);
      assertSpans(view(encode()), 0, BATCH);
    },
  };
}

/** Starts and ends spans that `alwaysOff` does not record. */
export function nonRecorder(name: EngineName): { run(): void } {
  const { tracer } = open(name, alwaysOff());
  let first = 0;
  return {
    run() {
      recordSpans(tracer, first, BATCH);
      first += BATCH;
    },
  };
}

/** Active spans in each other, with the context manager of the host. */
export function nested(name: EngineName): ContextSubject {
  const { tracer, discard } = open(name);
  return inContext(new AsyncLocalStorageContextManager(), () => {
    recordNested(tracer, BATCH);
    discard();
  });
}

/** Records a batch and encodes it; the request is copied out of the engine's memory. */
export function encoder(name: EngineName): { run(): Uint8Array } {
  const { tracer, encode, view } = open(name);
  let first = 0;
  return {
    run() {
      recordSpans(tracer, first, BATCH);
      first += BATCH;
      return view(encode());
    },
  };
}

/** Encodes the batch that is in the ring; the request stays in the engine's memory. */
export function codec(name: EngineName): { run(): number; before(): void; check(): void } {
  const { tracer, encode, view } = open(name);
  let first = 0;
  return {
    before() {
      recordSpans(tracer, first, BATCH);
      first += BATCH;
    },
    run: encode,
    check() {
      recordSpans(tracer, 0, BATCH);
      assertSpans(view(encode()), 0, BATCH);
    },
  };
}

/** gzip at level `fast`: the kernel, and the copy out of the engine's memory. */
export function gzip(name: 'simd' | 'scalar', input: Uint8Array): () => Uint8Array {
  const { kernels, memory, outAt } = holding(name, input);
  const capacity = gzipCapacity(input.length);
  return () => {
    const length = kernels.gzipFast(REQUEST_AT, input.length, outAt, capacity, 0);
    if (length < 0) throw new Error(`gzipFast: status ${length}`);
    return memory.slice(outAt, outAt + length);
  };
}

/**
 * gzip of our own request of so many spans, with and without what the encoder notes of it
 * (assembly/compress/match.ts).
 */
export function gzipOfRequest(name: 'simd' | 'scalar', spans: number) {
  const { engine, tracer, encode, view } = open(name);
  recordSpans(tracer, 0, spans);
  const bytes = encode(spans);
  // The ring is empty by now, and large enough for what becomes of the request.
  const outAt = RING_BASE;
  const memory = new Uint8Array(engine.buffer);
  const compress = (noted: number) => () => {
    const length = engine.kernels!.gzipFast(REQUEST_AT, bytes, outAt, RING_BYTES, noted);
    if (length < 0) throw new Error(`gzipFast: status ${length}`);
    return memory.slice(outAt, outAt + length);
  };
  return { request: view(bytes).slice(), noted: compress(1), plain: compress(0) };
}

export function crc32(name: 'simd' | 'scalar', input: Uint8Array): () => number {
  const { kernels } = holding(name, input);
  return () => kernels.crc32(0, REQUEST_AT, input.length) >>> 0;
}

/** An engine with `input` where encoded requests stand, and room for as much behind it. */
function holding(name: 'simd' | 'scalar', input: Uint8Array) {
  const outAt = REQUEST_AT + ((input.length + OVERSHOOT_BYTES + 15) & ~15);
  const engine = engineOf(name, outAt + gzipCapacity(input.length) + OVERSHOOT_BYTES);
  const memory = new Uint8Array(engine.buffer);
  memory.set(input, REQUEST_AT);
  const { kernels } = engine;
  if (kernels === undefined) throw new Error(`the ${name} engine has no kernels`);
  return { kernels, memory, outAt };
}

/** `start()` as users call it, with its defaults. */
export function deliver({ protocol, url, gzip }: Way, engine: EngineName): Delivery {
  const telemetry = start({
    serviceName: 'bench',
    protocol: protocol === 'grpc' ? 'grpc' : 'http/protobuf',
    tracesEndpoint: url,
    compression: gzip ? 'gzip' : 'none',
    engine,
  });
  const tracer = telemetry.tracer('bench', '1.0.0');
  const traces = () => telemetry.health().signals.traces;
  return {
    // All that can be on the wire at once: 32 requests. More would only fill the queue.
    capacity: 32 * BATCH,
    record: (first, count) => recordSpans(tracer, first, count),
    pending: () => traces().queued,
    underWay: () => traces().queued,
    sent: () => traces().sent,
    queuedBytes: () => telemetry.health().memory.queueBytes,
    progress: () => new Promise((resolve) => setTimeout(resolve, 1)),
    flush: () => telemetry.flush(),
  };
}
