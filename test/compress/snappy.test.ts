/**
 * Snappy, as a block and framed: read back by a decoder that is not ours, and by strict ones that
 * hold the writer to the rules of both formats.
 */

import { compress as compressBySnappyjs, uncompress } from 'snappyjs';
import { describe, expect, it } from 'vitest';
import { OVERSHOOT_BYTES, STATUS_NO_ROOM } from '../../src/engine/generated/layout.ts';
import { naiveCrc } from '../hash/oracles.ts';
import { codecsBinaries, FREE } from '../support/binaries.ts';
import { otlpCorpus } from '../support/otlp-corpora.ts';
import {
  expectSame,
  joined,
  mixture,
  noise,
  place,
  prose,
  random,
  split,
  written,
} from './inputs.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const LONGEST = 4 * MIB + 64;
const DST = FREE + LONGEST + 4 * KIB;

const engines = codecsBinaries(2 * LONGEST + 256 * KIB);
const [simd, ...others] = engines;
/** `portable` is for hosts without WebAssembly, and slow: it is not given the long inputs. */
const PORTABLE_BYTES = 200_000;

const longNoise = noise(LONGEST);
const longProse = prose(LONGEST);

/** As documented. */
const bound = (length: number) => length + Math.floor(length / 64) + 16;
const chunksBound = (length: number) => length + 8 * Math.ceil(length / (64 * KIB));

type Element =
  | { readonly literals: number }
  | { readonly distance: number; readonly length: number; readonly bytes: number };

/** The block format. Throws where one of its rules, or of ours, is broken. */
function readBlock(block: Uint8Array): { elements: Element[]; content: Uint8Array } {
  let i = 0;
  let size = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = block[i++];
    size += (byte & 127) * 2 ** shift;
    if (byte < 128) {
      if (byte === 0 && shift > 0) throw new Error('a length longer than it need be');
      break;
    }
  }
  const content = new Uint8Array(size);
  const elements: Element[] = [];
  let o = 0;
  const word = (bytes: number) => {
    if (i + bytes > block.length) throw new Error('an element is cut');
    let value = 0;
    for (let n = 0; n < bytes; n++) value += block[i++] * 2 ** (8 * n);
    return value;
  };
  while (i < block.length) {
    const tag = block[i++];
    const type = tag & 3;
    if (type === 0) {
      const bytes = Math.max(0, (tag >> 2) - 59);
      const literals = (bytes ? word(bytes) : tag >> 2) + 1;
      if (bytes && literals <= (bytes === 1 ? 60 : 2 ** (8 * bytes - 8))) {
        throw new Error(`${literals} literals in a tag of ${1 + bytes} bytes`);
      }
      if (i + literals > block.length) throw new Error('literals are cut');
      if (o + literals > size) throw new Error('more literals than content');
      if (elements.length && 'literals' in elements.at(-1)!) throw new Error('literals twice');
      content.set(block.subarray(i, i + literals), o);
      i += literals;
      o += literals;
      elements.push({ literals });
    } else {
      if (type === 3) throw new Error('a distance of four bytes');
      const length = type === 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
      const distance = type === 1 ? (tag >> 5) * 256 + word(1) : word(2);
      if (distance === 0 || distance > o) throw new Error(`distance ${distance} at ${o}`);
      if (o + length > size) throw new Error('longer than its content');
      if (type === 2 && length < 12 && length >= 4 && distance < 2048) {
        throw new Error('a copy of three bytes where two are enough');
      }
      for (let n = 0; n < length; n++, o++) content[o] = content[o - distance];
      elements.push({ distance, length, bytes: type + 1 });
    }
  }
  if (o !== size) throw new Error(`${o} bytes of ${size}`);
  return { elements, content };
}

interface Chunk {
  readonly stored: boolean;
  readonly content: Uint8Array;
}

const STREAM_IDENTIFIER = Buffer.from([0xff, 6, 0, 0, ...Buffer.from('sNaPpY')]);

/** The framing format, as far as we write it. */
function readChunks(stream: Uint8Array): Chunk[] {
  expectSame(stream.subarray(0, 10), STREAM_IDENTIFIER, 'identifier');
  const view = new DataView(stream.buffer, stream.byteOffset, stream.length);
  const chunks: Chunk[] = [];
  let i = 10;
  while (i < stream.length) {
    const type = stream[i];
    const size = view.getUint32(i, true) >>> 8;
    const checksum = view.getUint32(i + 4, true);
    const data = stream.subarray(i + 8, i + 4 + size);
    expect(data.length, 'a whole chunk').toBe(size - 4);
    if (type !== 0 && type !== 1) throw new Error(`type ${type}`);
    const content = type === 0 ? uncompress(data) : data;
    if (type === 0) {
      expectSame(readBlock(data).content, content, 'chunk');
      expect(data.length, 'what does not shrink is stored').toBeLessThan(content.length);
    }
    expect(content.length).toBeLessThanOrEqual(64 * KIB);
    const crc = naiveCrc(0x82f63b78, content);
    expect(checksum).toBe((((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0);
    chunks.push({ stored: type === 1, content });
    i += 4 + size;
  }
  return chunks;
}

function compress(binary: (typeof engines)[number], input: Uint8Array): Uint8Array {
  place(binary, input);
  const length = binary.exports.snappy(FREE, input.length, DST, bound(input.length));
  return written(binary, DST, length);
}

function frame(binary: (typeof engines)[number], input: Uint8Array): Uint8Array {
  place(binary, input);
  const capacity = 10 + chunksBound(input.length);
  const length = binary.exports.snappyFramed(FREE, input.length, DST, capacity);
  return written(binary, DST, length);
}

/** What all engines write, which must be the same. */
function everywhere(run: typeof compress, input: Uint8Array, label: string): Uint8Array {
  const first = run(simd, input);
  for (const other of others) {
    if (other.engine === 'portable' && input.length > PORTABLE_BYTES) continue;
    expectSame(run(other, input), first, `${label} on ${other.engine}`);
  }
  return first;
}

function check(input: Uint8Array, label = ''): { block: Uint8Array; elements: Element[] } {
  const block = everywhere(compress, input, label);
  const { elements, content } = readBlock(block);
  expectSame(content, input, `${label} read strictly`);
  expectSame(uncompress(block), input, `${label} read by snappyjs`);
  return { block, elements };
}

function checkFramed(input: Uint8Array, label = ''): { stream: Uint8Array; chunks: Chunk[] } {
  const stream = everywhere(frame, input, label);
  const chunks = readChunks(stream);
  expectSame(joined(...chunks.map(({ content }) => content)), input, label);
  return { stream, chunks };
}

describe('snappy on every engine', () => {
  it('writes the elements that the format describes', () => {
    const hex = (input: Uint8Array) => Buffer.from(check(input).block).toString('hex');
    expect(hex(new Uint8Array(0))).toBe('00');
    expect(hex(Buffer.from('otlp'))).toBe('04' + '0c6f746c70');
    // A literal, then all the rest at distance 1: 64 bytes, 64, 11.
    expect(hex(new Uint8Array(140).fill(65))).toBe('8c01' + '0041' + 'fe0100' + 'fe0100' + '1d01');
    // As long, but so that the last copy gets its four bytes.
    expect(hex(new Uint8Array(67).fill(65))).toBe('43' + '0041' + 'ee0100' + '0901');
  });

  it('round-trips every length up to 300, of four kinds', () => {
    for (let length = 0; length <= 300; length++) {
      check(longNoise.subarray(length, 2 * length), 'noise');
      check(new Uint8Array(length).fill(7), 'one byte');
      check(prose(length), 'prose');
      check(
        Uint8Array.from({ length }, (_, i) => i % 5),
        'period 5',
      );
    }
  });

  it.each([64 * KIB, MIB, 4 * MIB])('round-trips lengths around %i', (edge) => {
    for (const delta of [-1, 0, 1, 13]) {
      check(longNoise.subarray(0, edge + delta), 'noise');
      check(new Uint8Array(edge + delta), 'zeros');
      check(longProse.subarray(0, edge + delta), 'prose');
    }
  });

  it('finds a match at any distance up to 65535, wherever it is, and none further', () => {
    const phrase = noise(60);
    const matchAt = (distance: number) => {
      const filler = new Uint8Array(distance - phrase.length);
      const { elements } = check(joined(new Uint8Array(40_000), phrase, filler, phrase, noise(20)));
      return elements.some((copy) => 'length' in copy && copy.distance === distance);
    };
    expect([60, 61, 2047, 2048, 4096, 32768, 65534, 65535].map(matchAt)).not.toContain(false);
    expect([65536, 65537, 65536 + 60, 131072].map(matchAt)).not.toContain(true);
  });

  it('round-trips overlapping matches of every distance up to 70', () => {
    for (let distance = 1; distance <= 70; distance++) {
      const unit = noise(distance);
      check(joined(...Array<Uint8Array>(Math.ceil(700 / distance)).fill(unit)));
    }
  });

  it('round-trips literals and matches around every length that changes how they are written', () => {
    const sizes = [
      4, 5, 11, 12, 13, 31, 32, 33, 59, 60, 61, 63, 64, 65, 66, 67, 68, 69, 70, 127, 128,
    ];
    for (const size of [...sizes, 129, 131, 132, 133, 192, 196, 255, 256, 257, 258, 600]) {
      const phrase = noise(size);
      check(joined(phrase, phrase, noise(9)), `${size}`);
      check(joined(phrase, noise(size), phrase, noise(3000), phrase, noise(9)), `${size}, apart`);
    }
    check(joined(noise(65_600), new Uint8Array(65_600), longNoise.subarray(0, 300_000)));
  });

  it('ends with a match where the input ends in one', () => {
    const phrase = noise(200);
    expect(check(joined(phrase, phrase)).elements.at(-1)).toMatchObject({ distance: 200 });
  });

  it('stays within the documented bound', () => {
    for (const length of [0, 1, 60, 61, 256, 257, 65_536, 65_537, LONGEST]) {
      const { block } = check(longNoise.subarray(0, length));
      expect(block.length).toBeLessThanOrEqual(length + 10);
    }
    // The worst there is: literals that need two bytes more, then a match that saves one.
    const word = Uint8Array.of(1, 2, 3, 4, 5);
    const parts = Array.from({ length: 2000 }, (_, i) => [
      longNoise.subarray(61 * i, 61 * i + 61),
      word,
    ]);
    const input = joined(...parts.flat());
    expect(check(input).block.length).toBeLessThanOrEqual(bound(input.length));
  });

  it('finds what repeats behind a long stretch of noise', () => {
    const batch = prose(3000);
    const { block } = check(joined(longNoise.subarray(0, 500_000), batch, batch, batch));
    expect(block.length).toBeLessThan(500_000 + 4500);
  });

  it.each(['traces', 'logs', 'metrics'] as const)(
    'compresses %s better than snappyjs',
    (signal) => {
      for (const records of [8, 64, 512]) {
        const input = otlpCorpus(signal, records);
        expect(check(input, signal).block.length).toBeLessThan(compressBySnappyjs(input).length);
      }
    },
  );

  it('round-trips random mixtures', () => {
    for (let round = 0; round < 60; round++) check(mixture(), `round ${round}`);
  });
});

describe('snappy framed, on every engine', () => {
  it('begins with the stream identifier, which is all there is of nothing', () => {
    expectSame(checkFramed(new Uint8Array(0)).stream, STREAM_IDENTIFIER, 'nothing');
  });

  it('writes the chunk that the format describes', () => {
    const { stream } = checkFramed(Buffer.from('otlp'));
    const crc = naiveCrc(0x82f63b78, Buffer.from('otlp'));
    const masked = (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
    const checksum = Buffer.alloc(4);
    checksum.writeUInt32LE(masked);
    const chunk = Buffer.concat([Buffer.from([1, 8, 0, 0]), checksum, Buffer.from('otlp')]);
    expectSame(stream.subarray(10), chunk, 'chunk');
  });

  it('round-trips every length up to 300', () => {
    for (let length = 0; length <= 300; length += 1) {
      checkFramed(longNoise.subarray(length, 2 * length), 'noise');
      checkFramed(prose(length), 'prose');
    }
  });

  it('cuts chunks at 64 KiB', () => {
    for (const length of [65_535, 65_536, 65_537, 131_072, 131_073, 200_000]) {
      for (const source of [longProse, longNoise, new Uint8Array(length)]) {
        const { chunks } = checkFramed(source.subarray(0, length));
        const sizes = chunks.map(({ content }) => content.length);
        expect(sizes.slice(0, -1).every((size) => size === 65_536)).toBe(true);
        expect(sizes.length).toBe(Math.ceil(length / 65_536));
      }
    }
  });

  it('stores chunks that do not shrink, within the documented bound', () => {
    const length = 200_000;
    const { stream, chunks } = checkFramed(longNoise.subarray(0, length));
    expect(chunks.every(({ stored }) => stored)).toBe(true);
    expect(stream.length).toBe(10 + chunksBound(length));
    const mixed = checkFramed(joined(longProse.subarray(0, 65_536), longNoise.subarray(0, 9)));
    expect(mixed.chunks.map(({ stored }) => stored)).toEqual([false, true]);
  });

  it('round-trips telemetry and random mixtures', () => {
    checkFramed(otlpCorpus('traces', 512));
    for (let round = 0; round < 20; round++) checkFramed(mixture(), `round ${round}`);
  });
});

describe.each(engines)('snappy ($engine)', (binary) => {
  const { exports, buffer } = binary;
  const memory = new Uint8Array(buffer);

  it('gives the same bytes whatever was compressed before, and at any address', () => {
    const input = prose(90_000);
    const first = compress(binary, input);
    for (const other of [noise(150_000), new Uint8Array(70_000), prose(50)]) {
      compress(binary, other);
      expectSame(compress(binary, input), first, 'again');
    }
    for (let offset = 1; offset < 16; offset++) {
      place(binary, input, FREE + offset);
      const dst = DST + 3 * offset;
      const length = exports.snappy(FREE + offset, input.length, dst, bound(input.length));
      expectSame(written(binary, dst, length), first, `at ${offset}`);
    }
  });

  it('does not change its input', () => {
    const input = mixture();
    compress(binary, input);
    expectSame(memory.slice(FREE, FREE + input.length), input, 'input');
  });

  it('refuses room that is one byte too small, and writes nothing behind it', () => {
    const runs = joined(noise(700), noise(700), new Uint8Array(700), noise(30));
    const inputs = [prose(0), prose(40), prose(5000), noise(5000), new Uint8Array(20_000), runs];
    for (const input of inputs) {
      place(binary, input);
      for (const run of [exports.snappy, exports.snappyFramed]) {
        const length = run(FREE, input.length, DST, bound(input.length) + 20);
        expect(run(FREE, input.length, DST, length)).toBe(length);
        const some = Array.from({ length: 40 }, () => random.below(length));
        for (const capacity of [length - 1, length - 2, length - 3, length >> 1, 0, ...some]) {
          if (capacity < 0) continue;
          memory.fill(0xa5, DST + capacity, DST + capacity + input.length + 1000);
          expect(run(FREE, input.length, DST, capacity), `${capacity}`).toBe(STATUS_NO_ROOM);
          const behind = DST + capacity + OVERSHOOT_BYTES;
          const untouched = memory.subarray(behind, behind + input.length + 900);
          expect(untouched.every((byte) => byte === 0xa5)).toBe(true);
        }
      }
    }
  });

  it('streams: the identifier, then chunks of any pieces', () => {
    for (let round = 0; round < 10; round++) {
      const input = mixture();
      const parts = [written(binary, DST, exports.snappyStart(DST))];
      let at = 0;
      for (const length of [...split(input.length), 0]) {
        place(binary, input.subarray(at, at + length));
        const bytes = exports.snappyChunks(FREE, length, DST, chunksBound(length));
        parts.push(written(binary, DST, bytes));
        at += length;
      }
      const contents = readChunks(joined(...parts)).map(({ content }) => content);
      expectSame(joined(...contents), input, `round ${round}`);
    }
  });
});
