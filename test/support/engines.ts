/** The three engines, and the path from tracer to encoded request on each of them. */

import type { Attributes as ApiAttributes, Sampler, TracerOptions } from '@opentelemetry/api';
import { describe as describeAttributes } from '../../src/api/trace/attributes.ts';
import { Clock } from '../../src/api/trace/clock.ts';
import { RandomWords } from '../../src/api/trace/ids.ts';
import { RecordingTracerProvider } from '../../src/api/trace/provider.ts';
import type { RecordingTracer, TracerShared } from '../../src/api/trace/tracer.ts';
import { Group, type SpanData } from '../../src/buffer/record.ts';
import { Ring, type Written } from '../../src/buffer/ring.ts';
import { type Bounds, ShapeTree } from '../../src/buffer/shape.ts';
import { type Encoded, encodeBatch } from '../../src/codec/encode.ts';
import * as portable from '../../src/engine/generated/core-portable.js';
import { coreBinary as scalar } from '../../src/engine/generated/core-scalar.ts';
import { coreBinary as simd } from '../../src/engine/generated/core-simd.ts';
import { OVERSHOOT_BYTES, RING_BASE } from '../../src/engine/generated/layout.ts';
import {
  type Engine,
  type EngineName,
  type EngineSources,
  selectEngine,
} from '../../src/engine/select.ts';
import { randomFrom } from './random.ts';

export const ENGINE_NAMES: readonly EngineName[] = ['simd', 'scalar', 'portable'];

const compiled = new Map<string, WebAssembly.Module>();

function moduleOf(hex: string): WebAssembly.Module {
  let module = compiled.get(hex);
  if (module === undefined) {
    module = new WebAssembly.Module(Buffer.from(hex, 'hex'));
    compiled.set(hex, module);
  }
  return module;
}

export const engineSources: EngineSources = {
  simd: () => moduleOf(simd),
  scalar: () => moduleOf(scalar),
  portable: () => portable,
};

/** A fresh engine with memory of its own. */
export function openEngine(name: EngineName, memoryBytes: number): Engine {
  return selectEngine(engineSources, name, memoryBytes) as Engine;
}

/** The three engines, fresh. */
export function engines(memoryBytes = 4 << 20): readonly Engine[] {
  return ENGINE_NAMES.map((name) => openEngine(name, memoryBytes));
}

export interface TraceRigOptions {
  /** A power of two, from 64 KiB. Default 1 MiB. */
  readonly ringBytes?: number;
  /** Longest request. Default 4 MiB. */
  readonly limitBytes?: number;
  readonly resource?: ResourceOptions;
  readonly bounds?: Partial<Bounds>;
  readonly events?: number;
  readonly links?: number;
  readonly sampler?: Sampler;
  /** Seed of the ids. */
  readonly seed?: number;
  /** Monotonic milliseconds. Default: a quarter of a millisecond later at each reading. */
  readonly now?: () => number;
}

export interface ResourceOptions {
  readonly attributes?: object;
  readonly schemaUrl?: string;
  readonly dropped?: number;
}

/** Unix milliseconds at the zero of the rigs' monotonic clocks. */
export const ORIGIN_MS = 1_700_000_000_000;

export interface TraceRig {
  readonly engine: Engine;
  readonly ring: Ring;
  readonly clock: Clock;
  readonly shared: TracerShared;
  readonly provider: RecordingTracerProvider;
  /** What became of ended spans. */
  readonly outcomes: Record<Written, number>;
  /** What became of the last one. */
  readonly last: Written | undefined;
  /** A provider whose spans go to the same ring under another resource. */
  providerOf(resource: ResourceOptions): RecordingTracerProvider;
  tracer(
    name: string,
    version?: string,
    options?: TracerOptions & { attributes?: ApiAttributes },
  ): RecordingTracer;
  /** Commits and encodes at most so many spans as one request; empty when there is none. */
  encode(maxRecords?: number): Uint8Array;
  /** What the last call of `encode` returned. */
  readonly encoded: Encoded | undefined;
  /** Encodes whatever is in the ring, request by request. */
  drain(maxRecords?: number): Uint8Array[];
}

const GUARD_BYTES = 4096;
const GUARD = 0xa5;

/** Tracer → ring → encoder as `start()` wires them, without a pipeline, a clock or a host. */
export function traceRig(name: EngineName, options: TraceRigOptions = {}): TraceRig {
  const { ringBytes = 1 << 20, limitBytes = 4 << 20, seed = 1 } = options;
  const at = RING_BASE + ringBytes;
  const guardAt = at + limitBytes + OVERSHOOT_BYTES;
  const engine = openEngine(name, guardAt + GUARD_BYTES);
  const bytes = new Uint8Array(engine.buffer);
  bytes.fill(GUARD, guardAt, guardAt + GUARD_BYTES);
  const ring = new Ring(engine, ringBytes);
  let ticks = 0;
  const now = options.now ?? (() => ticks++ / 4);
  const clock = new Clock(now, () => ORIGIN_MS + ticks / 4, ORIGIN_MS);
  const outcomes: Record<Written, number> = { written: 0, full: 0, too_large: 0 };
  const bounds: Bounds = {
    count: 128,
    valueLength: Number.POSITIVE_INFINITY,
    valueDepth: 64,
    ...options.bounds,
  };
  const random = randomFrom(seed);
  const rig = { last: undefined as Written | undefined, encoded: undefined as Encoded | undefined };
  const shared: TracerShared = {
    clock,
    spanShapes: new ShapeTree(bounds),
    eventShapes: new ShapeTree(bounds),
    linkShapes: new ShapeTree(bounds),
    limits: { events: options.events ?? 128, links: options.links ?? 128 },
    processors: null,
    late: { calls: 0 },
    ids: new RandomWords((words) => {
      for (let i = 0; i < words.length; i++) words[i] = random.below(2 ** 32);
    }),
    sampler: options.sampler,
    sink: {
      end(span: SpanData) {
        rig.last = ring.write(span);
        outcomes[rig.last]++;
      },
    },
  };

  function providerOf({ attributes = {}, ...rest }: ResourceOptions): RecordingTracerProvider {
    return new RecordingTracerProvider(shared, new Group(describeAttributes(attributes), rest));
  }
  const provider = providerOf(options.resource ?? { attributes: { 'service.name': 'shop' } });

  function encode(maxRecords = 1 << 20): Uint8Array {
    ring.commit();
    rig.encoded = encodeBatch(engine, ring.control, { at, limitBytes }, maxRecords);
    if (bytes.subarray(guardAt, guardAt + GUARD_BYTES).some((byte) => byte !== GUARD)) {
      throw new Error(`${name} wrote beyond the room it was given`);
    }
    return bytes.slice(at, at + (rig.encoded?.bytes ?? 0));
  }

  function drain(maxRecords?: number): Uint8Array[] {
    const requests: Uint8Array[] = [];
    for (;;) {
      const request = encode(maxRecords);
      if (rig.encoded === undefined) return requests;
      if (request.length > 0) requests.push(request);
    }
  }

  return {
    engine,
    ring,
    clock,
    shared,
    provider,
    outcomes,
    providerOf,
    encode,
    drain,
    tracer: (...args) => provider.getTracer(...args) as RecordingTracer,
    get last() {
      return rig.last;
    },
    get encoded() {
      return rig.encoded;
    },
  };
}

/** The same options on the three engines: given the same calls they must yield the same bytes. */
export function traceRigs(options: TraceRigOptions = {}): readonly TraceRig[] {
  return ENGINE_NAMES.map((name) => traceRig(name, options));
}
