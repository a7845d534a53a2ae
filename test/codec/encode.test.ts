import type { Tracer } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import { encodeBatch } from '../../src/codec/encode.ts';
import {
  OVERSHOOT_BYTES,
  RING_BASE,
  RING_COUNT,
  RING_TAIL,
  RING_TAKEN,
  SPAN_RING,
  STATUS_EMPTY,
  STATUS_NO_ROOM,
} from '../../src/engine/generated/layout.ts';
import { decoded } from '../support/encode-everywhere.ts';
import { ENGINE_NAMES, traceRig } from '../support/engines.ts';
import { randomFrom } from '../support/random.ts';
import { spansOf } from '../support/trace-model.ts';

const namesIn = (request: Uint8Array) => spansOf(decoded(request)).map((span) => span.name);

const LINK = {
  traceId: '0102030405060708090a0b0c0d0e0f10',
  spanId: 'a1a2a3a4a5a6a7a8',
  traceFlags: 1,
};

/** Spans, each of which ends with what it is named after. */
const SPANS: Record<string, (tracer: Tracer) => void> = {
  'a long name': (tracer) => tracer.startSpan('n'.repeat(300)).end(),
  'interned values': (tracer) => {
    for (let i = 0; i < 3; i++) tracer.startSpan('s').setAttribute('k', 'v'.repeat(100)).end();
  },
  'a gathered value': (tracer) => {
    tracer
      .startSpan('s')
      .setAttribute('k', `${'g'.repeat(500)}ü`)
      .end();
  },
  'an inline value': (tracer) => tracer.startSpan('s').setAttribute('k', 'i'.repeat(1500)).end(),
  'small values': (tracer) => {
    const span = tracer.startSpan('s');
    for (let i = 0; i < 60; i++) span.setAttribute(`k${i}`, [i, -i, i * 0.5, i % 2 > 0][i % 4]!);
    span.end();
  },
  'bytes and nested values': (tracer) => {
    const bytes = new Uint8Array(300) as never;
    tracer
      .startSpan('s')
      .setAttributes({ bytes, map: { list: ['x'.repeat(200), 1] } } as never)
      .end();
  },
  events: (tracer) => {
    const span = tracer.startSpan('s');
    for (let i = 0; i < 12; i++) span.addEvent('e'.repeat(i * 9), { i, text: 't'.repeat(i * 5) });
    span.end();
  },
  links: (tracer) => {
    const span = tracer.startSpan('s');
    for (let i = 0; i < 12; i++) {
      const traceState = { serialize: () => 's'.repeat(i * 20) } as never;
      span.addLink({ context: { ...LINK, traceState }, droppedAttributesCount: 2 ** 32 - 1 });
    }
    span.end();
  },
  'dropped counts and a status message': (tracer) => {
    const span = tracer.startSpan('s');
    for (let i = 0; i < 140; i++) span.setAttribute(`k${i}`, 1).addLink({ context: LINK });
    span.setStatus({ code: 2, message: 'm'.repeat(500) }).end();
  },
  'many bare spans': (tracer) => {
    for (let i = 0; i < 30; i++) tracer.startSpan('').end();
  },
};

describe.each(ENGINE_NAMES)('%s', (name) => {
  describe('a limit', () => {
    it.each(Object.entries(SPANS))('is kept to the byte: %s', (_, write) => {
      const rig = traceRig(name, {
        resource: { attributes: { r: 1 }, schemaUrl: 'u'.repeat(400) },
      });
      const { engine, ring } = rig;
      const at = RING_BASE + ring.ringBytes;
      const bytes = new Uint8Array(engine.buffer);
      write(rig.tracer('t', '1', { schemaUrl: 's'.repeat(400) }));
      ring.commit();
      const { count } = ring;

      // What the request is when it has all the room it wants; a refusal takes nothing.
      const whole = () => engine.core.encodeBatch(SPAN_RING, at, 1 << 20, count);
      const control = new Int32Array(engine.buffer);
      const tail = control[(SPAN_RING + RING_TAIL) >> 2]!;
      const size = whole();
      const request = bytes.slice(at, at + size);
      expect(spansOf(decoded(request))).toHaveLength(count);

      const first = Math.max(0, size - 2500);
      for (let limit = first; limit <= size + 300; limit += limit < size - 350 ? 11 : 1) {
        control[(SPAN_RING + RING_TAIL) >> 2] = tail;
        control[(SPAN_RING + RING_COUNT) >> 2] = count;
        bytes.fill(0xa5, at + limit, at + limit + OVERSHOOT_BYTES + 512);
        const result = engine.core.encodeBatch(SPAN_RING, at, limit, count);
        const guard = bytes.subarray(
          at + limit + OVERSHOOT_BYTES,
          at + limit + OVERSHOOT_BYTES + 512,
        );
        if (guard.some((byte) => byte !== 0xa5)) expect.fail(`wrote beyond the limit ${limit}`);
        if (result === STATUS_NO_ROOM) {
          // The encoder wants room for the fixed part of whatever comes next, but no more.
          expect(limit).toBeLessThan(size + 256);
          expect(ring.count).toBe(count);
        } else {
          expect(result).toBe(size);
          expect(limit).toBeGreaterThanOrEqual(size);
          expect(Buffer.compare(bytes.subarray(at, at + size), request)).toBe(0);
          expect(ring.count).toBe(0);
        }
      }
    });

    it('splits what lies in the ring into requests that keep it, in order', () => {
      const random = randomFrom(5);
      for (const limitBytes of [1200, 2000, 5000, 20_000]) {
        const rig = traceRig(name, { limitBytes });
        const tracer = rig.tracer('t');
        const names: string[] = [];
        for (let i = 0; i < 200; i++) {
          names.push(`span ${i}`);
          tracer
            .startSpan(`span ${i}`)
            .setAttribute('v', 'x'.repeat(random.below(500)))
            .end();
        }
        const requests = rig.drain(64);
        expect(requests.flatMap(namesIn)).toEqual(names);
        for (const request of requests) expect(request.length).toBeLessThanOrEqual(limitBytes);
        expect(rig.ring.count).toBe(0);
      }
    });

    it('throws away the records that exceed it alone, and counts them', () => {
      const rig = traceRig(name, { limitBytes: 2000 });
      const tracer = rig.tracer('t');
      const large = [3, 4, 9, 20, 39];
      for (let i = 0; i < 40; i++) {
        const units = large.includes(i) ? 2500 : 10;
        tracer.startSpan(`span ${i}`).setAttribute('v', 'x'.repeat(units)).end();
      }
      const kept: string[] = [];
      let tooLarge = 0;
      let records = 0;
      for (;;) {
        const request = rig.encode(16);
        const { encoded } = rig;
        if (encoded === undefined) break;
        tooLarge += encoded.tooLarge;
        records += encoded.records;
        kept.push(...namesIn(request));
      }
      expect(tooLarge).toBe(large.length);
      expect(records).toBe(40 - large.length);
      expect(kept).toEqual(
        [...Array(40).keys()].filter((i) => !large.includes(i)).map((i) => `span ${i}`),
      );
    });

    it('takes a whole batch again after a record too large', () => {
      const rig = traceRig(name, { limitBytes: 2000 });
      const tracer = rig.tracer('t');
      tracer.startSpan('large').setAttribute('v', 'x'.repeat(2500)).end();
      for (let i = 0; i < 10; i++) tracer.startSpan(`${i}`).end();
      expect(namesIn(rig.encode())).toHaveLength(10);
      expect(rig.encoded).toMatchObject({ records: 10, tooLarge: 1 });
    });

    it('may throw away all there is', () => {
      const rig = traceRig(name, { limitBytes: 300 });
      for (let i = 0; i < 5; i++) {
        rig.tracer('t').startSpan('s').setAttribute('v', 'x'.repeat(400)).end();
      }
      expect(rig.encode()).toHaveLength(0);
      expect(rig.encoded).toMatchObject({ bytes: 0, records: 0, tooLarge: 5 });
      rig.encode();
      expect(rig.encoded).toBeUndefined();
    });

    it('of nothing takes nothing', () => {
      const rig = traceRig(name);
      rig.tracer('t').startSpan('s').end();
      rig.ring.commit();
      const at = RING_BASE + rig.ring.ringBytes;
      expect(rig.engine.core.encodeBatch(SPAN_RING, at, 0, 1)).toBe(STATUS_NO_ROOM);
      expect(rig.engine.core.encodeBatch(SPAN_RING, at, 1 << 20, 0)).toBe(STATUS_EMPTY);
      expect(namesIn(rig.encode())).toEqual(['s']);
    });
  });

  it('takes as many records as it may, and says how many', () => {
    const rig = traceRig(name);
    const tracer = rig.tracer('t');
    for (let i = 0; i < 100; i++) tracer.startSpan(`${i}`).setAttribute('text', `value ${i}`).end();
    const taken = [1, 2, 15, 16, 17, 31, 1000].map((most) => {
      const spans = spansOf(decoded(rig.encode(most)));
      const { records } = rig.encoded!;
      expect(new Int32Array(rig.engine.buffer)[(SPAN_RING + RING_TAKEN) >> 2]).toBe(records);
      expect(spans).toHaveLength(records);
      for (const { name: of, attributes } of spans) {
        expect(attributes).toEqual([['text', { string: `value ${of}` }]]);
      }
      return records;
    });
    expect(taken).toEqual([1, 2, 15, 16, 17, 31, 18]);
  });

  it('says when the ring is empty', () => {
    const rig = traceRig(name);
    const at = RING_BASE + rig.ring.ringBytes;
    expect(rig.engine.core.encodeBatch(SPAN_RING, at, 1 << 20, 512)).toBe(STATUS_EMPTY);
    expect(encodeBatch(rig.engine, SPAN_RING, { at, limitBytes: 1 << 20 }, 512)).toBeUndefined();
    rig.tracer('t').startSpan('s').end();
    expect(rig.encode()).not.toHaveLength(0);
    expect(rig.engine.core.encodeBatch(SPAN_RING, at, 1 << 20, 512)).toBe(STATUS_EMPTY);
  });
});
