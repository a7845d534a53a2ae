import type { Span, Tracer } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import {
  RECORD_PAD,
  RING_BASE,
  RING_COUNT,
  RING_HEAD,
  RING_TAIL,
  SPAN_RING,
} from '../../src/engine/generated/layout.ts';
import { attributeOf, decoded } from '../support/encode-everywhere.ts';
import { ENGINE_NAMES, type TraceRig, traceRig } from '../support/engines.ts';
import { expectSame } from '../support/expect-same.ts';
import { randomFrom } from '../support/random.ts';
import { type ModelSpan, spansOf } from '../support/trace-model.ts';

const RING_BYTES = 1 << 17;

const LINK = {
  traceId: '0102030405060708090a0b0c0d0e0f10',
  spanId: 'a1a2a3a4a5a6a7a8',
  traceFlags: 1,
};

/** Records span number `i` with `units` of text, some of it in each place a record has for it. */
function write(tracer: Tracer, i: number, units: number): void {
  const text = `${i}:`.padEnd(units, i % 5 === 0 ? 'ü' : 'x');
  const span = tracer
    .startSpan(`span ${i % 7}`)
    .setAttribute('i', i)
    .setAttribute('text', text);
  if (i % 3 === 0) span.addEvent('e', { [`k${i % 11}`]: text.slice(0, 40) });
  span.end();
}

function check(span: ModelSpan, i: number): void {
  expect(span.name).toBe(`span ${i % 7}`);
  expect(attributeOf(span.attributes, 'i')).toEqual({ int: BigInt(i) });
  const text = attributeOf(span.attributes, 'text') as { string: string };
  expect(text.string.startsWith(`${i}:`)).toBe(true);
  expect(text.string.replace(`${i}:`, '')).toMatch(i % 5 === 0 ? /^ü*$/ : /^x*$/);
  expect(span.events).toHaveLength(i % 3 === 0 ? 1 : 0);
}

const headOf = (rig: TraceRig) => new Int32Array(rig.engine.buffer)[(SPAN_RING + RING_HEAD) >> 2]!;

/** Moves both ends of an empty ring, as if so many bytes had gone through it. */
function advance(rig: TraceRig, bytes: number): void {
  expect(rig.ring.used).toBe(0);
  expect(bytes % RING_BYTES).toBe(0);
  const control = new Int32Array(rig.engine.buffer);
  control[(SPAN_RING + RING_HEAD) >> 2] = control[(SPAN_RING + RING_HEAD) >> 2]! + bytes;
  control[(SPAN_RING + RING_TAIL) >> 2] = control[(SPAN_RING + RING_HEAD) >> 2]!;
}

describe.each(ENGINE_NAMES)('%s', (name) => {
  it.each([0, 2 ** 31 - RING_BYTES, 2 ** 32 - RING_BYTES])(
    'goes round and round from position %d, records of every size',
    (position) => {
      const rig = traceRig(name, { ringBytes: RING_BYTES });
      advance(rig, position);
      const tracer = rig.tracer('t');
      const random = randomFrom(11);
      let written = 0;
      let taken = 0;
      let bytes = 0;
      const take = (most: number) => {
        const before = rig.ring.used;
        const request = rig.encode(most);
        bytes += before - rig.ring.used;
        for (const span of spansOf(decoded(request))) check(span, taken++);
      };
      while (bytes < 4 * RING_BYTES) {
        write(tracer, written, random.below(random.below(4) === 0 ? 3500 : 300));
        if (rig.last === 'full') take(1 + random.below(30));
        else written++;
        expect(rig.last).not.toBe('too_large');
        // Seldom empty, so that records and pads stand everywhere in the ring.
        if (rig.ring.used > RING_BYTES / 3 && random.below(8) === 0) take(1 + random.below(20));
        expect(rig.ring.count).toBe(written - taken);
      }
      take(1 << 20);
      expect(taken).toBe(written);
      expect(rig.ring).toMatchObject({ count: 0, used: 0 });
      // Modulo 2^32, as the words in memory are.
      const laps = ((headOf(rig) - position) | 0) / RING_BYTES;
      expect(laps).toBeGreaterThan(3);
    },
  );

  it('says when it is full, keeps what it has and goes on once drained', () => {
    const rig = traceRig(name, { ringBytes: RING_BYTES });
    const tracer = rig.tracer('t');
    const seen: number[] = [];
    let next = 0;
    for (let round = 0; round < 5; round++) {
      do write(tracer, next++, 200);
      while (rig.last === 'written');
      // The one that found no room is lost; it is for the caller to try again.
      next--;
      expect(rig.last).toBe('full');
      expect(rig.ring.count).toBe(next - seen.length);
      // Less is left than the largest record and the texts gathered would need.
      expect(rig.ring.used).toBeGreaterThan(RING_BYTES / 3);
      for (let more = 0; more < 3; more++) {
        write(tracer, 1_000_000, 10);
        expect(rig.last).toBe('full');
      }
      for (const span of spansOf(decoded(rig.encode(round === 4 ? 1 << 20 : 150)))) {
        check(span, seen.length);
        seen.push(seen.length);
      }
    }
    expect(seen).toHaveLength(next);
    expect(rig.outcomes).toEqual({ written: next, full: 20, too_large: 0 });
  });

  it('starts over at its beginning when it is empty', () => {
    const rig = traceRig(name, { ringBytes: RING_BYTES });
    const tracer = rig.tracer('t');
    for (let i = 0; i < 150; i++) {
      write(tracer, i, 100);
      const head = rig.ring.used;
      // One record and its text: it never reaches the end of the ring.
      expect(head).toBeLessThan(1000);
      for (const span of spansOf(decoded(rig.encode()))) check(span, i);
    }
    expect(headOf(rig) & (RING_BYTES - 1)).toBeLessThan(1000);
  });

  describe('a record at the limit of its share', () => {
    const text = (units: number) => 'x'.repeat(units);
    const parts: Record<string, (span: Span, units: number) => unknown> = {
      'a value': (span, units) => span.setAttribute('v', text(units)),
      'values, gathered': (span, units) => {
        for (let i = 0; i < 120; i++) span.setAttribute(`k${i}`, text(Math.ceil(units / 120)));
      },
      'small values': (span, units) => {
        span.setAttribute('list', new Array(units >> 3).fill(1.5));
      },
      'a key': (span, units) => span.setAttribute(`k${text(units)}`, 1),
      'a value of three bytes a unit': (span, units) =>
        span.setAttribute('v', '漢'.repeat(units / 3)),
      bytes: (span, units) => span.setAttribute('v', new Uint8Array(units) as never),
      'nested values': (span, units) => {
        const map = Object.fromEntries(
          Array.from({ length: units >> 5 }, (_, i) => [`k${i}`, [i]]),
        );
        span.setAttribute('v', map as never);
      },
      'a name': (span, units) => span.updateName(text(units)),
      'a status message': (span, units) => span.setStatus({ code: 2, message: text(units) }),
      'an event name': (span, units) => span.addEvent(text(units)),
      'an event value': (span, units) => span.addEvent('e', { v: text(units) }),
      events: (span, units) => {
        for (let i = 0; i < 100; i++) span.addEvent(`e${i}`, { v: [text(units / 100)] });
      },
      'a link value': (span, units) =>
        span.addLink({ context: LINK, attributes: { v: text(units) } }),
      'the trace state of a link': (span, units) => {
        const traceState = { serialize: () => text(units) } as never;
        span.addLink({ context: { ...LINK, traceState } });
      },
      'its own trace state': (span, units) => {
        (span as unknown as { setTraceState(state: unknown): void }).setTraceState({
          serialize: () => text(units),
        });
      },
    };
    it.each(Object.entries(parts))('is written whole or not at all: %s', (part, fill) => {
      const rig = traceRig(name, { ringBytes: RING_BYTES, limitBytes: 1 << 20 });
      const tracer = rig.tracer('t');
      const { ring } = rig;
      const attempt = (units: number) => {
        // Neither its name nor its first value is interned; the value is gathered with others.
        const span = tracer.startSpan('n'.repeat(150)).setAttribute('first', 'ü'.repeat(150));
        fill(span, units);
        span.end();
        return rig.last!;
      };
      // Texts that are gathered stand behind the records, so what fits depends on the others'.
      const gathered = part === 'values, gathered' || part === 'events';
      let low = 0;
      let high = gathered ? 120 * 1100 : ring.recordBytes * 8;
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        if (attempt(middle) === 'too_large') high = middle;
        else low = middle;
        rig.drain();
      }
      if (!gathered) expect(low).toBeGreaterThan(ring.recordBytes / 4);

      for (let units = Math.max(0, low - 3); units < high + 3; units++) {
        write(tracer, 5, 150);
        const [before, used] = [ring.count, ring.used];
        const outcome = attempt(units);
        if (!gathered) expect(outcome).toBe(units <= low ? 'written' : 'too_large');
        if (outcome === 'too_large') expect([ring.count, ring.used]).toEqual([before, used]);
        write(tracer, 10, 150);
        write(tracer, 2, 150);
        const spans = spansOf(decoded(rig.encode()));
        check(spans[0]!, 5);
        check(spans.at(-2)!, 10);
        check(spans.at(-1)!, 2);
        expect(spans).toHaveLength(outcome === 'written' ? 4 : 3);
        if (outcome === 'written') {
          expect(spans[1]!.attributes[0]).toEqual(['first', { string: 'ü'.repeat(150) }]);
        }
        expect(ring.count).toBe(0);
      }
      // Far too large is no different.
      write(tracer, 3, 150);
      for (const units of [high * 2, high * 10]) expect(attempt(units)).toBe('too_large');
      write(tracer, 4, 150);
      const spans = spansOf(decoded(rig.encode()));
      [3, 4].forEach((i, at) => {
        check(spans[at]!, i);
      });
    });
  });

  describe('commits', () => {
    const committed = (rig: TraceRig) => {
      const at = RING_BASE + rig.ring.ringBytes;
      const size = rig.engine.core.encodeBatch(SPAN_RING, at, 1 << 20, 1 << 20);
      return spansOf(decoded(new Uint8Array(rig.engine.buffer).slice(at, at + Math.max(0, size))));
    };

    /** Records written until some can be drained. */
    const untilCommit = (rig: TraceRig, one: (tracer: Tracer, i: number) => void) => {
      const count = new Int32Array(rig.engine.buffer, SPAN_RING + RING_COUNT, 1);
      for (let i = 0; i < 1000; i++) {
        one(rig.tracer('t'), i);
        expect(rig.ring.count).toBe(i + 1);
        if (count[0]! > 0) return i + 1;
      }
      return expect.fail('nothing was ever committed');
    };

    it('several records at a time, and the rest when asked', () => {
      const rig = traceRig(name);
      const several = untilCommit(rig, (tracer, i) => write(tracer, i, 100));
      expect(several).toBeGreaterThan(4);
      for (let i = several; i < several + 3; i++) write(rig.tracer('t'), i, 100);
      const first = committed(rig);
      expect(first).toHaveLength(several);
      expect(rig.ring.count).toBe(3);
      rig.ring.commit();
      const rest = committed(rig);
      [...first, ...rest].forEach(check);
      expect(rest).toHaveLength(3);
      rig.ring.commit();
      expect(committed(rig)).toHaveLength(0);
    });

    it('earlier when their texts grow large or many', () => {
      const several = untilCommit(traceRig(name), (tracer, i) => write(tracer, i, 100));
      for (const [texts, units] of [
        [8, 1000],
        [120, 130],
      ] as const) {
        const rig = traceRig(name);
        const values = Array.from({ length: texts }, (_, k) => `${k}`.padEnd(units, '.'));
        const soon = untilCommit(rig, (tracer) => {
          const span = tracer.startSpan('s');
          for (const [k, value] of values.entries()) span.setAttribute(`k${k}`, value);
          span.end();
        });
        expect(soon).toBeLessThan(several);
        const spans = committed(rig);
        expect(spans).toHaveLength(soon);
        const expected = values.map((string, k) => [`k${k}`, { string }]);
        for (const span of spans) expectSame(span.attributes, expected);
      }
    });

    it('frees the text behind records only after the last of them', () => {
      const rig = traceRig(name, { ringBytes: RING_BYTES });
      const tracer = rig.tracer('t');
      let written = 0;
      let taken = 0;
      for (let round = 0; round < 12; round++) {
        // Stops amid records that share a text block, then fills the ring up to it.
        do write(tracer, written++, 90);
        while (rig.last === 'written');
        written--;
        const most = 16 * (round % 9) + (round % 16);
        for (const span of spansOf(decoded(rig.encode(most)))) check(span, taken++);
      }
      for (const span of spansOf(decoded(rig.encode()))) check(span, taken++);
      expect(taken).toBe(written);
    });
  });

  it('discards the oldest records, pads not counted', () => {
    const rig = traceRig(name, { ringBytes: RING_BYTES });
    const tracer = rig.tracer('t');
    let next = 0;
    let first = 0;
    const random = randomFrom(3);
    for (let round = 0; round < 300; round++) {
      for (let i = random.below(30); i >= 0; i--) {
        write(tracer, next, random.below(400));
        if (rig.last === 'written') next++;
      }
      rig.ring.commit();
      const most = random.below(40);
      const thrown = rig.engine.core.discard(SPAN_RING, most);
      expect(thrown).toBe(Math.min(most, next - first));
      first += thrown;
      expect(rig.ring.count).toBe(next - first);
      for (const span of spansOf(decoded(rig.encode(random.below(4))))) check(span, first++);
    }
    expect(first).toBeGreaterThan(1000);
  });

  it('lays every record and pad on whole words, each with its size', () => {
    const rig = traceRig(name, { ringBytes: RING_BYTES });
    const tracer = rig.tracer('t');
    for (let i = 0; i < 100; i++) write(tracer, i, i);
    rig.ring.commit();
    const words = new Int32Array(rig.engine.buffer);
    let [at, records] = [words[(SPAN_RING + RING_TAIL) >> 2]!, 0];
    while (at !== words[(SPAN_RING + RING_HEAD) >> 2]) {
      const size = words[(RING_BASE + at) >> 2]!;
      if ((size & RECORD_PAD) === 0) records++;
      expect(size & 3).toBe(0);
      expect(size & ~RECORD_PAD).toBeGreaterThan(0);
      at += size & ~RECORD_PAD;
      expect(at).toBeLessThanOrEqual(words[(SPAN_RING + RING_HEAD) >> 2]!);
    }
    expect(records).toBe(100);
    expect(rig.ring.used).toBe(at);
  });
});
