import { gunzipSync, gzipSync } from 'node:zlib';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { describe, expect, it } from 'vitest';
import { OVERSHOOT_BYTES, STATUS_NO_ROOM } from '../../src/engine/generated/layout.ts';
import { coreEngines } from '../support/core.ts';
import { randomFrom } from '../support/random.ts';
import { eachShort } from './inputs.ts';

const SRC = 0x100000;
const DST = 0xc00000;
const random = randomFrom(20);

const engines = coreEngines();

/** A capacity that the kernel promises to suffice. */
const bound = (length: number) => length + 5 * Math.ceil(length / 32768) + 64;

/** Compresses with one engine; the bytes behind the input are noise, as they may be. */
function compress(engine: (typeof engines)[number], input: Uint8Array): Buffer {
  const view = new Uint8Array(engine.memory.buffer);
  view.set(input, SRC);
  for (let i = 0; i < 64; i++) view[SRC + input.length + i] = random.below(256);
  const length = engine.exports.gzipFast(SRC, input.length, DST, bound(input.length), 0);
  expect(length).toBeGreaterThan(0);
  return Buffer.from(view.slice(DST, DST + length));
}

/** Compresses with both engines, checks the round trip and that the bytes are the same. */
function check(input: Uint8Array, label = ''): Buffer {
  const [first, second] = engines.map((engine) => compress(engine, input));
  expect(gunzipSync(first).equals(input), `${label} round trip of ${input.length}`).toBe(true);
  expect(second.equals(first), `${label} same bytes at ${input.length}`).toBe(true);
  return first;
}

const noise = (length: number) => Uint8Array.from({ length }, () => random.below(256));

/** Letters with the frequencies of a geometric distribution: no matches, a deep code. */
const skewed = (length: number) =>
  Uint8Array.from({ length }, () => Math.min(40, Math.floor(-Math.log2(random.next() + 1e-12))));

function prose(length: number): Uint8Array {
  const words = 'the span of a batch that a collector at the end of the path takes or drops'.split(
    ' ',
  );
  let text = '';
  while (text.length < length) text += `${words[random.below(words.length)]} `;
  return new TextEncoder().encode(text.slice(0, length));
}

function telemetry(spans: number): Uint8Array {
  const hex = (bytes: number) => Buffer.from(noise(bytes)).toString('hex');
  const resource = { attributes: { 'service.name': 'checkout', 'host.name': 'ip-10-12-3-44' } };
  const instrumentationScope = { name: 'http', version: '0.301.0' };
  const made = Array.from({ length: spans }, (_, i) => ({
    name: `GET /users/:id`,
    kind: 1,
    spanContext: () => ({ traceId: hex(16), spanId: hex(8), traceFlags: 1 }),
    startTime: [1_770_000_000 + i, random.below(1e9)],
    endTime: [1_770_000_001 + i, random.below(1e9)],
    status: { code: 0 },
    attributes: {
      'http.request.method': 'GET',
      'http.route': '/users/:id',
      'url.full': `https://shop.example.com/users/${random.below(1e6)}/orders?page=${i % 50}`,
      'enduser.id': `user-${random.below(1e7)}`,
      'http.response.status_code': 200,
      'app.score': random.next(),
      'app.cache.hit': i % 3 === 0,
    },
    links: [],
    events: [{ name: 'cache.lookup', time: [1_770_000_000 + i, 5], attributes: { key: i } }],
    resource,
    instrumentationScope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  }));
  type Spans = Parameters<typeof ProtobufTraceSerializer.serializeRequest>[0];
  return ProtobufTraceSerializer.serializeRequest(made as unknown as Spans)!;
}

const joined = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

describe('gzip, simd and scalar', () => {
  it('writes a header without name or time, checksum and length', () => {
    const input = prose(1000);
    const member = check(input);
    expect([...member.subarray(0, 10)]).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255]);
    expect(member.readUInt32LE(member.length - 4)).toBe(1000);
    expect(member.readUInt32LE(member.length - 8)).toBe(
      gzipSync(input).readUInt32LE(gzipSync(input).length - 8),
    );
  });

  it('uses the cheapest block: fixed, stored or dynamic', () => {
    const type = (member: Buffer) => (member[10] >> 1) & 3;
    expect(type(check(new Uint8Array(0)))).toBe(1);
    expect(check(new Uint8Array(0)).length).toBe(20);
    expect(type(check(new TextEncoder().encode('span span span')))).toBe(1);
    expect(type(check(noise(2000)))).toBe(0);
    expect(type(check(prose(2000)))).toBe(2);
  });

  it('round-trips every length up to 300, of four kinds', () => {
    eachShort(check);
  });

  it('round-trips lengths around the window, the positions, stored and whole blocks', () => {
    for (const edge of [32768, 65535, 65536, 130560, 131070, 195840, 196605, 261120]) {
      for (const delta of [-1, 0, 1, 13]) {
        check(noise(edge + delta), 'noise');
        check(new Uint8Array(edge + delta), 'zeros');
        check(prose(edge + delta), 'prose');
      }
    }
  });

  it('round-trips matches at every distance near the window, and of every length', () => {
    for (const distance of [1, 2, 3, 4, 5, 31, 32, 33, 32766, 32767, 32768, 32769]) {
      const unit = noise(distance);
      check(joined(unit, unit.subarray(0, 300), unit.subarray(0, 300)), `distance ${distance}`);
    }
    const phrase = noise(300);
    const parts = [phrase];
    for (let length = 3; length <= 300; length++) parts.push(phrase.subarray(0, length), noise(3));
    check(joined(...parts), 'every match length');
  });

  it('finds a match that goes back exactly one window, and none further', () => {
    const phrase = noise(120);
    const sizeAt = (distance: number) =>
      check(joined(phrase, new Uint8Array(distance - phrase.length), phrase)).length;
    expect(sizeAt(32768)).toBeLessThan(260);
    expect(sizeAt(32769)).toBeGreaterThan(340);
  });

  it('round-trips what fills the tokens of a block before its bytes', () => {
    // Matches of four bytes: as many tokens as a block can hold.
    const words = Array.from({ length: 64 }, () => noise(4));
    const parts = Array.from({ length: 60_000 }, () => words[random.below(64)]);
    check(joined(...parts));
    check(joined(...parts.slice(0, 32768 + 70)));
  });

  it('limits codes that would be too deep', () => {
    const counts = [1, 1];
    while (counts.length < 22) counts.push(counts.at(-1)! + counts.at(-2)!);
    const fibonacci = counts.flatMap((count, symbol) => new Array<number>(count).fill(symbol));
    for (let i = fibonacci.length - 1; i > 0; i--) {
      const j = random.below(i + 1);
      [fibonacci[i], fibonacci[j]] = [fibonacci[j], fibonacci[i]];
    }
    check(Uint8Array.from(fibonacci));
    check(skewed(120_000));
  });

  it('compresses telemetry about as well as zlib at its fastest level', () => {
    for (const spans of [1, 8, 64, 512, 2000]) {
      const input = telemetry(spans);
      const ours = check(input, `${spans} spans`).length;
      const zlib = gzipSync(input, { level: 1 }).length;
      expect(ours / zlib, `${spans} spans`).toBeLessThan(1.03);
    }
  });

  it('stores incompressible stretches and still finds what follows them', () => {
    const batch = telemetry(64);
    const mixed = joined(noise(100_000), batch, noise(100_000), batch);
    expect(check(mixed).length).toBeLessThan(200_000 + batch.length);
  });

  it('round-trips megabytes', () => {
    check(noise(3_000_001));
    check(new Uint8Array(3_000_001));
    check(telemetry(6000));
  });

  it('round-trips random mixtures', () => {
    for (let round = 0; round < 150; round++) {
      const parts: Uint8Array[] = [];
      for (let n = random.below(8); n >= 0; n--) {
        const length = random.below(random.below(4) ? 400 : 40_000);
        const made = [noise, prose, skewed, (size: number) => new Uint8Array(size)];
        parts.push(made[random.below(4)](length));
        if (parts.length > 1 && random.below(2)) parts.push(parts[random.below(parts.length)]);
      }
      check(joined(...parts), `round ${round}`);
    }
  });
});

describe.each(engines)('gzip ($name)', (engine) => {
  const { exports, memory } = engine;
  const view = new Uint8Array(memory.buffer);

  it('gives the same bytes whatever was compressed before', () => {
    const input = prose(90_000);
    const first = compress(engine, input);
    for (const other of [noise(200_000), telemetry(100), new Uint8Array(70_000), prose(50)]) {
      compress(engine, other);
      expect(compress(engine, input).equals(first)).toBe(true);
    }
  });

  it('refuses room that is one byte too small, and writes nothing behind it', () => {
    const inputs = [prose(0), prose(40), prose(5000), noise(5000), noise(140_000), telemetry(900)];
    for (const input of inputs) {
      view.set(input, SRC);
      const length = exports.gzipFast(SRC, input.length, DST, bound(input.length), 0);
      expect(exports.gzipFast(SRC, input.length, DST, length, 0)).toBe(length);
      for (const capacity of [length - 1, length >> 1, 19, 0]) {
        view.fill(0xa5, DST + capacity, DST + 2 * bound(input.length) + 1000);
        expect(exports.gzipFast(SRC, input.length, DST, capacity, 0)).toBe(STATUS_NO_ROOM);
        const behind = DST + capacity + OVERSHOOT_BYTES;
        const untouched = view.subarray(behind, behind + bound(input.length));
        expect(untouched.every((byte) => byte === 0xa5)).toBe(true);
      }
    }
  });

  it('does not change its input', () => {
    const input = telemetry(300);
    compress(engine, input);
    expect(Buffer.from(view.subarray(SRC, SRC + input.length)).equals(input)).toBe(true);
  });

  it('works for inputs and outputs at any address', () => {
    for (let offset = 0; offset < 16; offset++) {
      const input = prose(3000 + offset);
      const at = DST + 3 * offset;
      view.set(input, SRC + offset);
      const length = exports.gzipFast(SRC + offset, input.length, at, 4000, 0);
      expect(gunzipSync(view.slice(at, at + length)).equals(input)).toBe(true);
    }
  });
});
