import type { Tracer } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import { MAX_INTERNED_LENGTH, StringTable } from '../../src/buffer/strings.ts';
import { RING_BASE, STRINGS_BASE, STRINGS_HALF_BYTES } from '../../src/engine/generated/layout.ts';
import { attributeOf, decoded } from '../support/encode-everywhere.ts';
import { ENGINE_NAMES, type TraceRig, traceRig } from '../support/engines.ts';
import { expectSame } from '../support/expect-same.ts';
import { randomFrom } from '../support/random.ts';
import { reachable } from '../support/reachable.ts';
import { randomText, wellFormed } from '../support/span-plan.ts';
import { spansOf } from '../support/trace-model.ts';

describe('StringTable', () => {
  function table(): { strings: StringTable; bytes: Uint8Array } {
    const buffer = new ArrayBuffer(STRINGS_BASE + 2 * STRINGS_HALF_BYTES + 4096);
    return { strings: new StringTable(buffer), bytes: new Uint8Array(buffer) };
  }

  /** What stands at `ref`: a length word, then tag, varint length and UTF-8. */
  function textAt(bytes: Uint8Array, ref: number): string {
    const size = new DataView(bytes.buffer).getUint32(ref, true);
    if (ref % 4 !== 0 || bytes[ref + 4] !== 0x0a) expect.fail(`no string at ${ref}`);
    const first = bytes[ref + 5]!;
    const [length, at] =
      first < 128 ? [first, ref + 6] : [(first & 127) | (bytes[ref + 6]! << 7), ref + 7];
    if (first >= 128 && bytes[ref + 6] === 0) expect.fail(`the length at ${ref} is not minimal`);
    if (size !== at + length - ref - 4) expect.fail(`the size at ${ref} is ${size}`);
    return Buffer.from(bytes.subarray(at, at + length)).toString();
  }

  it('keeps a string as it stands on the wire, at every length', () => {
    const { strings, bytes } = table();
    const texts = ['a', 'é', '漢', '🚀', '\ud800', 'aé'].flatMap((alphabet) =>
      Array.from({ length: MAX_INTERNED_LENGTH + 1 }, (_, n) => alphabet.repeat(n + 1).slice(0, n)),
    );
    const refs = texts.map((text) => strings.intern(text));
    texts.forEach((text, i) => {
      expect(textAt(bytes, refs[i]!)).toBe(wellFormed(text));
      expect(strings.intern(text)).toBe(refs[i]);
    });
    expect(strings.full).toBe(false);
  });

  it('refuses what is too long without calling itself full', () => {
    const { strings } = table();
    expect(strings.intern('x'.repeat(MAX_INTERNED_LENGTH + 1))).toBe(0);
    expect(strings).toMatchObject({ full: false, usage: { strings: 0, bytes: 0 } });
  });

  it.each([
    ['short strings', 3],
    ['long strings', MAX_INTERNED_LENGTH],
    ['strings of every length', -1],
  ])('fills a half to its end and not beyond, then the other: %s', (_, units) => {
    const { strings, bytes } = table();
    const random = randomFrom(7);
    for (let epoch = 0; epoch < 4; epoch++) {
      const half = STRINGS_BASE + (epoch & 1) * STRINGS_HALF_BYTES;
      const other = STRINGS_BASE + (~epoch & 1) * STRINGS_HALF_BYTES;
      const before = bytes.slice(other, other + STRINGS_HALF_BYTES);
      const interned = new Map<string, number>();
      for (let i = 0; !strings.full; i++) {
        const length = units < 0 ? random.below(MAX_INTERNED_LENGTH + 1) : units;
        const text = `${i.toString(36)}漢`.padEnd(length, '漢').slice(0, Math.max(length, 5));
        const ref = strings.intern(text);
        if (ref !== 0) interned.set(text, ref);
      }
      for (const [text, ref] of interned) {
        if (ref < half || ref >= half + STRINGS_HALF_BYTES) expect.fail(`'${text}' is at ${ref}`);
        if (textAt(bytes, ref) !== text) expect.fail(`'${text}' was overwritten`);
      }
      // Full means full: what is left would not hold another of these.
      const { usage } = strings;
      expect(usage.bytes).toBeGreaterThan(STRINGS_HALF_BYTES - 3 * MAX_INTERNED_LENGTH - 64);
      expect(usage).toMatchObject({ strings: interned.size, epoch });
      expect(Buffer.compare(bytes.subarray(other, other + STRINGS_HALF_BYTES), before)).toBe(0);
      expect(bytes.subarray(STRINGS_BASE + 2 * STRINGS_HALF_BYTES).every((b) => b === 0)).toBe(
        true,
      );
      strings.swap();
      expect(strings).toMatchObject({ full: false, usage: { strings: 0, bytes: 0 } });
    }
  });
});

/** Spans whose attributes all have keys that were never seen before, about 90 bytes each. */
function writeFreshKeys(tracer: Tracer, i: number, count: number): void {
  const span = tracer.startSpan('fresh').setAttribute('i', i);
  for (let k = 0; k < count; k++) span.setAttribute(`key ${i}.${k} ${'y'.repeat(70)}`, k);
  span.end();
}

function checkFreshKeys(request: Uint8Array, first: number, count: number): number {
  const spans = spansOf(decoded(request));
  spans.forEach(({ name, attributes }, at) => {
    const i = first + at;
    expect(name).toBe('fresh');
    expectSame(attributes, [
      ['i', { int: BigInt(i) }],
      ...Array.from({ length: count }, (_, k) => [
        `key ${i}.${k} ${'y'.repeat(70)}`,
        { int: BigInt(k) },
      ]),
    ]);
  });
  return spans.length;
}

const tableBytes = (rig: TraceRig) =>
  new Uint8Array(rig.engine.buffer).slice(STRINGS_BASE, STRINGS_BASE + 2 * STRINGS_HALF_BYTES);

describe.each(ENGINE_NAMES)('interning on %s', (name) => {
  const take = (rig: TraceRig) => rig.drain().flatMap((request) => spansOf(decoded(request)));

  it('keeps what repeats: keys, names and values', () => {
    const rig = traceRig(name);
    const tracer = rig.tracer('t');
    for (let i = 0; i < 500; i++) {
      const span = tracer.startSpan(`name ${i % 3}`);
      span.setAttribute('method', ['GET', 'POST'][i & 1]!).setAttribute('n', i);
      span.addEvent('event', { key: 'value' }).end();
    }
    // Of the resource and the scope: service.name, shop. Of spans: three names, event, keys, values.
    expect(rig.ring.strings.usage.strings).toBe(2 + 3 + 1 + 3 + 3);
    const spans = take(rig);
    spans.forEach((span, i) => {
      expect(span.name).toBe(`name ${i % 3}`);
      expect(attributeOf(span.attributes, 'method')).toEqual({ string: ['GET', 'POST'][i & 1] });
    });
    expect(spans).toHaveLength(500);
  });

  it('gives up on a key whose values never repeat, and on no other', () => {
    const rig = traceRig(name);
    const tracer = rig.tracer('t');
    for (let i = 0; i < 4000; i++) {
      tracer
        .startSpan('s')
        .setAttribute('id', `id ${i}`)
        .setAttribute('kind', `k${i % 5}`)
        .end();
      if (i % 1000 === 999) {
        const got = take(rig).map((span) => span.attributes);
        const expected = Array.from({ length: 1000 }, (_, at) => [
          ['id', { string: `id ${i - 999 + at}` }],
          ['kind', { string: `k${(i - 999 + at) % 5}` }],
        ]);
        expectSame(got, expected);
      }
    }
    const { strings } = rig.ring;
    expect(strings.usage).toMatchObject({ epoch: 0 });
    expect(strings.usage.strings).toBeLessThan(200);
    for (let i = 0; i < 5; i++) expect(strings.refs.has(`k${i}`)).toBe(true);
  });

  it('comes back to a key whose values begin to repeat', () => {
    const rig = traceRig(name);
    const tracer = rig.tracer('t');
    for (let i = 0; i < 600; i++) tracer.startSpan('s').setAttribute('id', `id ${i}`).end();
    take(rig);
    for (let i = 0; i < 5000 && !rig.ring.strings.refs.has('the same'); i++) {
      tracer.startSpan('s').setAttribute('id', 'the same').end();
      if (rig.ring.count === 500) rig.drain();
    }
    expect(rig.ring.strings.refs.has('the same')).toBe(true);
    rig.drain();
    for (let i = 0; i < 100; i++) tracer.startSpan('s').setAttribute('id', 'the same').end();
    for (const { attributes } of take(rig)) {
      expect(attributes).toEqual([['id', { string: 'the same' }]]);
    }
  });

  describe('when the table is full', () => {
    it('swaps its halves; records stay right, those written before and drained after too', () => {
      const rig = traceRig(name);
      const tracer = rig.tracer('t');
      let written = 0;
      let taken = 0;
      while (rig.ring.strings.epoch < 3) {
        for (let i = 0; i < 10; i++) writeFreshKeys(tracer, written++, 40);
        expect(rig.last).toBe('written');
        // Behind by 30 spans, so that every swap finds records of the epoch before.
        if (rig.ring.count > 30) taken += checkFreshKeys(rig.encode(10), taken, 40);
        expect(rig.ring.strings.usage.bytes).toBeLessThanOrEqual(STRINGS_HALF_BYTES);
      }
      for (const request of rig.drain(7)) taken += checkFreshKeys(request, taken, 40);
      expect(taken).toBe(written);
    });

    it('writes keys inline as long as records of the last epoch wait', () => {
      const rig = traceRig(name, { ringBytes: 1 << 22 });
      const tracer = rig.tracer('t');
      let written = 0;
      // One of the first epoch stays in the ring all the time, for it is the oldest.
      while (rig.ring.strings.epoch < 1) writeFreshKeys(tracer, written++, 40);
      while (!rig.ring.strings.full) writeFreshKeys(tracer, written++, 40);
      const before = tableBytes(rig);
      for (let i = 0; i < 50; i++) writeFreshKeys(tracer, written++, 40);
      expect(rig.outcomes).toEqual({ written, full: 0, too_large: 0 });
      expect(rig.ring.strings).toMatchObject({ full: true, usage: { epoch: 1 } });
      expect(Buffer.compare(tableBytes(rig), before)).toBe(0);
      // Neither can a new scope be described; the caller drains and tries again.
      const other = rig.tracer('other');
      const attempt = () => {
        writeFreshKeys(other, written, 40);
        return rig.last;
      };
      let outcome = attempt();
      if (outcome === 'full') {
        expect(rig.ring.count).toBe(written);
        const requests = rig.drain(100);
        let taken = 0;
        for (const request of requests) taken += checkFreshKeys(request, taken, 40);
        expect(taken).toBe(written);
        outcome = attempt();
      }
      expect(outcome).toBe('written');
      checkFreshKeys(rig.encode(), written, 40);
    });

    it('describes scopes and resources anew in the other half', () => {
      const rig = traceRig(name, { resource: { attributes: { 'service.name': 'shop' } } });
      const origins = Array.from({ length: 5 }, (_, i) => ({
        scope: `scope ${i}`,
        tracer: rig
          .providerOf({ attributes: { r: i }, schemaUrl: `u${i}` })
          .getTracer(`scope ${i}`, `${i}`, { schemaUrl: `s${i}`, attributes: { a: i } } as never),
      }));
      let seen = 0;
      let filled = 0;
      for (let round = 0; rig.ring.strings.epoch < 3; round++) {
        for (const [i, { tracer }] of origins.entries()) {
          tracer
            .startSpan(`${i}`)
            .setAttribute(`k${round}.${i}${'z'.repeat(100)}`, 'v')
            .end();
        }
        for (let i = 0; i < 6; i++) writeFreshKeys(rig.tracer('filler'), filled++, 60);
        for (const { name: span, scope, resource } of take(rig)) {
          if (scope.name === 'filler') continue;
          seen++;
          expect(scope).toMatchObject({
            name: `scope ${span}`,
            version: span,
            schemaUrl: `s${span}`,
            attributes: [['a', { int: BigInt(span) }]],
          });
          expect(resource).toMatchObject({
            schemaUrl: `u${span}`,
            attributes: [['r', { int: BigInt(span) }]],
          });
        }
      }
      expect(seen).toBeGreaterThan(20);
    });

    it('swaps after gigabytes of records, too', () => {
      const rig = traceRig(name);
      const tracer = rig.tracer('t');
      let written = 0;
      const untilEpoch = (epoch: number) => {
        for (let i = 0; i < 400 && rig.ring.strings.epoch < epoch; i++) {
          writeFreshKeys(tracer, written, 60);
          expect(checkFreshKeys(rig.encode(), written++, 60)).toBe(1);
        }
        expect(rig.ring.strings.epoch).toBe(epoch);
      };
      untilEpoch(1);
      for (const epoch of [2, 3]) {
        // Positions go on as if 3 GiB had been recorded and drained.
        expect(rig.ring.used).toBe(0);
        const control = new Int32Array(rig.engine.buffer);
        control[0] = control[0]! + 3 * 2 ** 30;
        control[1] = control[0]!;
        untilEpoch(epoch);
      }
    });

    it('never writes into the other half or the ring: groups, keys and values together', () => {
      const rig = traceRig(name);
      const random = randomFrom(99);
      const provider = rig.providerOf({});
      const bytes = new Uint8Array(rig.engine.buffer);
      for (let i = 0; !rig.ring.strings.full; i++) {
        const tracer = provider.getTracer(`${i} ${randomText(random, random.below(600))}`);
        tracer
          .startSpan(`${i}`)
          .setAttribute(randomText(random, 128), randomText(random, 128))
          .end();
        rig.drain();
      }
      const other = bytes.subarray(STRINGS_BASE + STRINGS_HALF_BYTES, RING_BASE);
      expect(other.every((byte) => byte === 0)).toBe(true);
    });
  });

  it('goes through thousands of keys in one span, where bounds allow them', () => {
    const rig = traceRig(name, { bounds: { count: 3000 }, ringBytes: 1 << 23 });
    const span = rig.tracer('t').startSpan('s');
    for (let i = 0; i < 1500; i++) span.setAttribute(`key ${i}`, i);
    // The shapes have started anew on the way; the span's own stay.
    for (let i = 7; i < 1500; i += 7) span.setAttribute(`key ${i}`, -i);
    span.end();
    expect(rig.last).toBe('written');
    const [model] = spansOf(decoded(rig.encode()));
    expectSame(
      model!.attributes,
      Array.from({ length: 1500 }, (_, i) => [`key ${i}`, { int: BigInt(i % 7 ? i : -i) }]),
    );
  });
});

it('two recorders share nothing but the code', () => {
  const rigs = [traceRig('simd'), traceRig('simd')];
  // The same names at different addresses.
  rigs[1]!.tracer('t').startSpan('first').setAttribute('other', 'value').end();
  for (const rig of rigs) {
    for (const text of ['', 'a', 'b']) {
      const span = rig
        .tracer('t')
        .startSpan(text)
        .addEvent(text, { [text]: text, k: '' });
      span.addLink({
        context: { traceId: '1'.repeat(32), spanId: '1'.repeat(16), traceFlags: 0 },
        attributes: { k: text },
      });
      span.end();
    }
  }
  for (const rig of rigs) {
    const spans = spansOf(decoded(rig.encode())).filter((span) => span.name !== 'first');
    expect(
      spans.map((span) => [span.name, span.events[0]!.name, span.links[0]!.attributes]),
    ).toEqual(['', 'a', 'b'].map((text) => [text, text, [['k', { string: text }]]]));
  }
});

it('keeps no more for half a million distinct strings than for some thousands', () => {
  const rig = traceRig('simd');
  const tracer = rig.tracer('t');
  let n = 0;
  const run = (spans: number) => {
    for (let i = 0; i < spans; i++) {
      const span = tracer.startSpan(i % 4 ? 'name' : `name ${n++}`);
      for (let k = 0; k < 4; k++) span.setAttribute(`k${k}`, `value ${n++}`);
      span.setAttribute(`key ${n++}`, 1);
      span.addEvent(i % 3 ? 'event' : `event ${n++}`, { [`key ${n++}`]: `value ${n++}` });
      span.end();
      if (i % 500 === 499) rig.encode();
    }
    rig.drain();
    return reachable(rig.ring, rig.shared, tracer);
  };
  // Far more than any of the tables holds, so that all have started anew.
  run(6000);
  const more = run(65_000);
  expect(n).toBeGreaterThan(500_000);
  // Bounded by the tables: 4096 keys, 8192 shapes and what belongs to each, a few times.
  expect(more).toBeLessThan(150_000);
  expect(rig.outcomes).toMatchObject({ full: 0, too_large: 0 });
});
