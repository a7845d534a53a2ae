/** gzip of requests whose ids the encoder has noted (assembly/compress/match.ts). */

import { gunzipSync } from 'node:zlib';
import { context, trace } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import { gzipCapacity } from '../../src/compress/compress.ts';
import { OPAQUE_FIELDS, OPAQUE_FIELDS_END } from '../../src/engine/generated/layout.ts';
import { type TraceRig, traceRig } from '../support/engines.ts';
import { randomFrom } from '../support/random.ts';

const WASM = ['simd', 'scalar'] as const;
const LIMIT = 4 << 20;

/** A rig whose compressor writes where the ring is, which is empty by then. */
function rigOf(engine: (typeof WASM)[number]): TraceRig {
  return traceRig(engine, { ringBytes: 8 << 20, limitBytes: LIMIT, seed: 7 });
}

/** Traces of a root and three children; every third root alone. */
function record(rig: TraceRig, spans: number): void {
  const tracer = rig.tracer('shop');
  for (let i = 0; i < spans; i += 4) {
    const root = tracer.startSpan('order', { attributes: { 'order.id': `order-${i}` } });
    const inside = trace.setSpan(context.active(), root);
    for (let child = 1; child < 4; child++) {
      tracer.startSpan(`step ${child}`, { attributes: { child } }, inside).end();
    }
    root.end();
  }
}

/** The request encoded last, compressed with and without what is noted of it. */
function compressed(rig: TraceRig, request: Uint8Array): { noted: Buffer; plain: Buffer } {
  const { engine } = rig;
  const at = rig.encoded!.at;
  const room = at - (8 << 20);
  const capacity = gzipCapacity(request.length);
  const gzip = (noted: number) => {
    const length = engine.kernels!.gzipFast(at, request.length, room, capacity, noted);
    return Buffer.from(engine.buffer.slice(room, room + length));
  };
  return { noted: gzip(1), plain: gzip(0) };
}

describe('gzip of a request whose ids are noted', () => {
  for (const engine of WASM) {
    it(`inflates to the request, and is no longer than without the notes (${engine})`, () => {
      for (const spans of [4, 64, 512, 2048]) {
        const rig = rigOf(engine);
        // The first request tells the encoder how long prefixes of lengths are.
        record(rig, spans);
        rig.encode();
        record(rig, spans);
        const request = rig.encode();
        const { noted, plain } = compressed(rig, request);
        expect(gunzipSync(noted).equals(request)).toBe(true);
        expect(gunzipSync(plain).equals(request)).toBe(true);
        expect(noted.length).toBeLessThan(plain.length * 1.005);
      }
    });

    it(`passes over ids: the notes change what is written (${engine})`, () => {
      const rig = rigOf(engine);
      record(rig, 512);
      const { noted, plain } = compressed(rig, rig.encode());
      expect(noted.equals(plain)).toBe(false);
    });

    it(`notes every id once, in ascending order, and what ends them (${engine})`, () => {
      const rig = rigOf(engine);
      record(rig, 8);
      const request = rig.encode();
      const words = new Int32Array(rig.engine.buffer);
      const first = OPAQUE_FIELDS >> 2;
      const notes = words.subarray(first, words.indexOf(0x7fffffff, first));
      // Eight trace ids, eight span ids, parent ids of six.
      expect(notes.length).toBe(22);
      expect([...notes]).toEqual([...notes].sort((a, b) => a - b));
      expect([...notes].filter((note) => (note & 15) === 14)).toHaveLength(8);
      expect([...notes].filter((note) => (note & 15) === 6)).toHaveLength(14);
      // These spans are so short that each has come a byte closer to the begin of the request.
      const prefixes = [...notes].map((note) => request[(note >> 4) - 3]);
      expect(prefixes.every((length) => length === 16 || length === 8)).toBe(true);
    });

    it(`keeps to its room with more ids than there is room for (${engine})`, () => {
      const rig = rigOf(engine);
      const many = Math.ceil((OPAQUE_FIELDS_END - OPAQUE_FIELDS) / 4 / 2) + 100;
      const tracer = rig.tracer('shop');
      for (let i = 0; i < many; i++) tracer.startSpan('s').end();
      const request = rig.encode();
      expect(rig.encoded!.records).toBe(many);
      const words = new Int32Array(rig.engine.buffer);
      const end = words.indexOf(0x7fffffff, OPAQUE_FIELDS >> 2) << 2;
      expect(end).toBeGreaterThan(OPAQUE_FIELDS_END - 20);
      expect(end).toBeLessThan(OPAQUE_FIELDS_END);
      expect(gunzipSync(compressed(rig, request).noted).equals(request)).toBe(true);
    });

    it(`inflates to what stands there even if the notes are about something else (${engine})`, () => {
      const rig = rigOf(engine);
      record(rig, 512);
      const request = rig.encode();
      const random = randomFrom(3);
      const other = request.map((byte) => (random.below(3) === 0 ? random.below(256) : byte));
      new Uint8Array(rig.engine.buffer).set(other, rig.encoded!.at);
      expect(gunzipSync(compressed(rig, other).noted).equals(other)).toBe(true);
    });
  }

  it('is the same on both engines', () => {
    const [simd, scalar] = WASM.map((engine) => {
      const rig = rigOf(engine);
      record(rig, 512);
      return compressed(rig, rig.encode()).noted;
    });
    expect(simd!.equals(scalar!)).toBe(true);
  });
});
