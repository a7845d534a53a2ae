/**
 * LZ4 frames: read back by a decoder that is not ours, and by a strict one that holds the writer
 * to every rule of the block and frame formats, those of the last bytes of a block included.
 */

import { compress as compressByLz4js, decompress } from 'lz4js';
import { describe, expect, it } from 'vitest';
import {
  OVERSHOOT_BYTES,
  STATUS_NO_ROOM,
  STREAM_STATE,
  STREAM_STATE_BYTES,
} from '../../src/engine/generated/layout.ts';
import { naiveXxh32 } from '../hash/oracles.ts';
import { codecsBinaries, FREE, hashesBinaries } from '../support/binaries.ts';
import { otlpCorpus } from '../support/otlp-corpora.ts';
import {
  eachShort,
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
const LONGEST = 5 * MIB;
const DST = FREE + LONGEST + 4 * KIB;

const engines = codecsBinaries(2 * LONGEST + 64 * KIB);
const [simd, ...others] = engines;
/** `portable` is for hosts without WebAssembly, and slow: it is not given the long inputs. */
const PORTABLE_BYTES = 200_000;

const [hashes] = hashesBinaries(LONGEST);

const longNoise = noise(LONGEST);
const longProse = prose(LONGEST);

function xxh32(bytes: Uint8Array): number {
  if (bytes.length < 2000) return naiveXxh32(bytes);
  new Uint8Array(hashes.buffer).set(bytes, FREE);
  return hashes.exports.xxh32(0, FREE, bytes.length) >>> 0;
}

/** As documented. */
const bound = (length: number) => length + 23 + 4 * Math.ceil(length / (4 * MIB));
const streamBound = (length: number) => length + 8 + 4 * Math.ceil(length / MIB);

interface Sequence {
  readonly at: number;
  readonly literals: number;
  readonly distance: number;
  readonly length: number;
}

interface Block {
  readonly stored: boolean;
  readonly bytes: number;
  readonly sequences: readonly Sequence[];
}

interface Frame {
  readonly blockCode: number;
  readonly contentSize: number | undefined;
  readonly blocks: readonly Block[];
  readonly content: Uint8Array;
}

/** The block format with all its rules for a writer. Throws where one is broken. */
function readBlock(block: Uint8Array, out: Uint8Array, start: number, limit: number) {
  const sequences: Sequence[] = [];
  let i = 0;
  let o = start;
  const rest = (length: number) => {
    if (length < 15) return length;
    let byte: number;
    do {
      if (i >= block.length) throw new Error('a length is cut');
      byte = block[i++];
      length += byte;
    } while (byte === 255);
    return length;
  };
  while (true) {
    if (i >= block.length) throw new Error('no last sequence');
    const token = block[i++];
    const at = o;
    const literals = rest(token >> 4);
    if (i + literals > block.length) throw new Error('literals are cut');
    if (o + literals > limit) throw new Error('longer than a block may be');
    out.set(block.subarray(i, i + literals), o);
    i += literals;
    o += literals;
    if (i === block.length) {
      if (token & 15) throw new Error('a last sequence with a match');
      sequences.push({ at: at - start, literals, distance: 0, length: 0 });
      break;
    }
    const distance = block[i] | (block[i + 1] << 8);
    i += 2;
    const length = rest(token & 15) + 4;
    if (distance === 0) throw new Error('distance 0');
    if (distance > o - start) throw new Error('a match begins before its block');
    if (o + length > limit) throw new Error('longer than a block may be');
    sequences.push({ at: at - start, literals, distance, length });
    for (let n = 0; n < length; n++, o++) out[o] = out[o - distance];
  }
  const last = sequences.at(-1)!;
  const match = sequences.at(-2);
  if (match) {
    if (last.literals < 5) throw new Error(`only ${last.literals} last literals`);
    if (o - start - (match.at + match.literals) < 12) throw new Error('a match too near the end');
  }
  return { sequences, end: o };
}

/** The frame format, as far as we write it. */
function readFrame(frame: Uint8Array, mostBytes = LONGEST): Frame {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  expect(view.getUint32(0, true)).toBe(0x184d2204);
  const flags = frame[4];
  expect(flags & ~0x08, 'version 01, independent blocks, content checksum').toBe(0x64);
  const blockCode = frame[5] >> 4;
  expect(frame[5] & 0x8f, 'reserved bits').toBe(0);
  expect(blockCode).toBeGreaterThanOrEqual(4);
  const headerEnd = flags & 8 ? 14 : 6;
  const contentSize = flags & 8 ? Number(view.getBigUint64(6, true)) : undefined;
  expect(frame[headerEnd]).toBe((naiveXxh32(frame.subarray(4, headerEnd)) >> 8) & 255);
  const out = new Uint8Array(contentSize ?? mostBytes);
  const blockBytes = 2 ** (8 + 2 * blockCode);
  const blocks: Block[] = [];
  let i = headerEnd + 1;
  let o = 0;
  while (true) {
    const word = view.getUint32(i, true);
    i += 4;
    if (word === 0) break;
    const size = word & 0x7fffffff;
    const stored = word >= 0x80000000;
    const body = frame.subarray(i, i + size);
    i += size;
    const from = o;
    let sequences: readonly Sequence[] = [];
    if (stored) {
      out.set(body, o);
      o += size;
    } else {
      ({ sequences, end: o } = readBlock(body, out, o, Math.min(o + blockBytes, out.length)));
      expect(size, 'a block that does not shrink is stored').toBeLessThan(o - from);
    }
    expect(o - from).toBeLessThanOrEqual(blockBytes);
    blocks.push({ stored, bytes: o - from, sequences });
  }
  const content = out.subarray(0, o);
  if (contentSize !== undefined) expect(o).toBe(contentSize);
  expect(view.getUint32(i, true), 'checksum').toBe(xxh32(content));
  expect(i + 4, 'nothing behind the frame').toBe(frame.length);
  return { blockCode, contentSize, blocks, content };
}

function compress(binary: (typeof engines)[number], input: Uint8Array): Uint8Array {
  place(binary, input);
  const length = binary.exports.lz4(FREE, input.length, DST, bound(input.length));
  return written(binary, DST, length);
}

/** Compresses on every engine, checks that the bytes are the same and what they decode to. */
function check(input: Uint8Array, label = ''): { frame: Uint8Array } & Frame {
  const frame = compress(simd, input);
  for (const other of others) {
    if (other.engine === 'portable' && input.length > PORTABLE_BYTES) continue;
    expectSame(compress(other, input), frame, `${label} on ${other.engine}`);
  }
  const read = readFrame(frame);
  expect(read.contentSize).toBe(input.length);
  expectSame(read.content, input, `${label} read strictly`);
  if (input.length) expectSame(decompress(frame), input, `${label} read by lz4js`);
  return { frame, ...read };
}

describe('lz4 on every engine', () => {
  it('writes the frame that the lz4 command line writes', () => {
    const { frame } = check(Buffer.from('otlp otlp otlp otlp otlp otlp otlp'));
    const header = '04224d186c402200000000000000d3';
    const block = '0f0000005f6f746c702005000550206f746c70';
    expect(Buffer.from(frame).toString('hex')).toBe(`${header}${block}00000000bd33bbff`);
    expect(check(new Uint8Array(0)).blocks).toEqual([]);
  });

  it('declares the smallest block that holds the content, and makes it one block', () => {
    const sizes = [1, 64 * KIB, 64 * KIB + 1, 256 * KIB, 256 * KIB + 1, MIB, MIB + 1, 4 * MIB];
    const codes = sizes.map((size) => {
      const { blockCode, blocks } = check(new Uint8Array(size).fill(65));
      expect(blocks.length).toBe(1);
      return blockCode;
    });
    expect(codes).toEqual([4, 4, 5, 5, 6, 6, 7, 7]);
  });

  it('round-trips every length up to 300, of four kinds', () => {
    eachShort(check);
  });

  it.each([64 * KIB, 256 * KIB, MIB, 4 * MIB])('round-trips lengths around %i', (edge) => {
    for (const delta of [-1, 0, 1]) {
      check(longNoise.subarray(0, edge + delta), 'noise');
      check(new Uint8Array(edge + delta), 'zeros');
      check(longProse.subarray(0, edge + delta), 'prose');
    }
  });

  it('cuts what is longer than 4 MiB into blocks that do not refer to each other', () => {
    const { blocks, blockCode } = check(longProse);
    expect(blockCode).toBe(7);
    expect(blocks.map((block) => block.bytes)).toEqual([4 * MIB, MIB]);
  });

  it('keeps the last five bytes literals, and lets no match begin in the last twelve', () => {
    for (let length = 13; length <= 80; length++) {
      const [{ sequences, stored }] = check(new Uint8Array(length)).blocks;
      if (stored) continue;
      expect(sequences.at(-1)!.literals).toBe(5);
    }
    // The shortest in which anything can match at all.
    const [shortest] = check(new Uint8Array(13)).blocks;
    expect(shortest.sequences.map(({ literals, length }) => [literals, length])).toEqual([
      [1, 7],
      [5, 0],
    ]);
  });

  it('finds a match at any distance up to 65535, and none further', () => {
    const phrase = noise(100);
    const matchAt = (distance: number) => {
      const filler = new Uint8Array(distance - phrase.length);
      const [{ sequences }] = check(joined(phrase, filler, phrase, noise(20))).blocks;
      return sequences.some((match) => match.distance === distance && match.length >= 90);
    };
    expect([100, 101, 255, 4096, 32768, 65534, 65535].map(matchAt)).not.toContain(false);
    expect([65536, 65537, 65536 + 100, 131072].map(matchAt)).not.toContain(true);
  });

  it('round-trips overlapping matches of every distance up to 70', () => {
    for (let distance = 1; distance <= 70; distance++) {
      const unit = noise(distance);
      check(joined(...Array<Uint8Array>(Math.ceil(700 / distance)).fill(unit)));
    }
  });

  it('writes lengths around every limit of the token and the bytes behind it', () => {
    const phrase = noise(900);
    const limits = [4, 5, 14, 15, 16, 18, 19, 20, 31, 32, 33, 63, 64, 65, 269, 270, 271, 272, 273];
    for (const size of [...limits, 274, 524, 525, 526, 528, 529, 530, 779, 780, 785]) {
      const [{ sequences }] = check(joined(phrase, noise(size), phrase, noise(20))).blocks;
      expect(sequences[0], `${size} literals`).toMatchObject({ literals: 900 + size, length: 900 });
      const match = phrase.subarray(0, size);
      check(joined(phrase, noise(5), match, noise(5), match, noise(20)), `match of ${size}`);
    }
  });

  it('round-trips runs of literals and matches of tens of thousands', () => {
    for (const size of [65535, 65536, 70_000, 300_000]) {
      const run = noise(size);
      check(joined(run, new Uint8Array(size), run), `runs of ${size}`);
    }
  });

  it('stores what does not shrink, within the documented bound', () => {
    for (const length of [1, 12, 300, 70_000, 4 * MIB + 1, LONGEST]) {
      const { frame, blocks } = check(longNoise.subarray(0, length));
      expect(blocks.every((block) => block.stored)).toBe(true);
      expect(frame.length).toBe(bound(length));
    }
  });

  it('finds what repeats behind a long stretch of noise', () => {
    const batch = prose(3000);
    const { frame } = check(joined(noise(500_000), batch, batch, batch));
    expect(frame.length).toBeLessThan(500_000 + 4500);
  });

  it.each(['traces', 'logs', 'metrics'] as const)('compresses %s better than lz4js', (signal) => {
    for (const records of [64, 512]) {
      const input = otlpCorpus(signal, records);
      const { frame } = check(input, signal);
      // lz4js writes neither the content's size nor its checksum.
      expect(frame.length - 12).toBeLessThan(compressByLz4js(input).length);
    }
  });

  it('round-trips random mixtures', () => {
    for (let round = 0; round < 60; round++) check(mixture(), `round ${round}`);
  });
});

describe.each(engines)('lz4 ($engine)', (binary) => {
  const { exports, buffer } = binary;
  const memory = new Uint8Array(buffer);
  const part = (bytes: number) => (binary.engine === 'portable' ? bytes >> 4 : bytes);

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
      const length = exports.lz4(FREE + offset, input.length, dst, bound(input.length));
      expectSame(written(binary, dst, length), first, `at ${offset}`);
    }
  });

  it('does not change its input', () => {
    const input = mixture();
    compress(binary, input);
    expectSame(memory.slice(FREE, FREE + input.length), input, 'input');
  });

  it('refuses room that is one byte too small, and writes nothing behind it', () => {
    const zeros = new Uint8Array(20_000);
    const runs = joined(noise(700), noise(700), new Uint8Array(700), noise(30));
    for (const input of [prose(0), prose(40), prose(5000), noise(5000), zeros, runs]) {
      place(binary, input);
      const length = exports.lz4(FREE, input.length, DST, bound(input.length));
      expect(exports.lz4(FREE, input.length, DST, length)).toBe(length);
      const some = Array.from({ length: 40 }, () => random.below(length));
      for (const capacity of [length - 1, length - 2, length - 8, length - 9, 19, 15, 0, ...some]) {
        memory.fill(0xa5, DST + capacity, DST + capacity + input.length + 1000);
        expect(exports.lz4(FREE, input.length, DST, capacity), `${capacity}`).toBe(STATUS_NO_ROOM);
        const behind = DST + capacity + OVERSHOOT_BYTES;
        const untouched = memory.subarray(behind, behind + input.length + 900);
        expect(untouched.every((byte) => byte === 0xa5)).toBe(true);
      }
    }
  });

  /** Streams an input in pieces of these lengths; the last one is final. */
  function stream(input: Uint8Array, pieces: readonly number[]): Uint8Array {
    const parts = [written(binary, DST, exports.lz4Start(DST))];
    let at = 0;
    pieces.forEach((length, i) => {
      const final = i === pieces.length - 1 ? 1 : 0;
      place(binary, input.subarray(at, at + length));
      const bytes = exports.lz4Blocks(FREE, length, DST, streamBound(length), final);
      parts.push(written(binary, DST, bytes));
      at += length;
    });
    return joined(...parts);
  }

  it('streams: a frame of unknown size, of blocks up to 1 MiB', () => {
    const input = joined(prose(part(2 * MIB)), noise(part(MIB)), prose(part(50_000)));
    const frame = stream(input, [input.length, 0]);
    const { contentSize, blockCode, content, blocks } = readFrame(frame);
    expect(contentSize).toBeUndefined();
    expect(blockCode).toBe(6);
    expect(blocks.length).toBe(Math.ceil(input.length / MIB));
    expectSame(content, input, 'whole');
  });

  it('streams: any pieces, empty ones too, give the content and its checksum', () => {
    expect(readFrame(stream(new Uint8Array(0), [0])).content.length).toBe(0);
    for (let round = 0; round < 12; round++) {
      const input = joined(mixture(), prose(part(random.below(400_000))));
      const frame = stream(input, [...split(input.length), 0]);
      expectSame(readFrame(frame).content, input, `round ${round}`);
      expectSame(decompress(frame, input.length), input, `round ${round}, lz4js`);
    }
  });

  it('streams: several at once, each with its state put back', () => {
    const state = () => memory.slice(STREAM_STATE, STREAM_STATE + STREAM_STATE_BYTES);
    const open = Array.from({ length: 3 }, () => {
      const parts = [written(binary, DST, exports.lz4Start(DST))];
      return { parts, contents: [] as Uint8Array[], state: state() };
    });
    for (let turn = 0; turn < 24; turn++) {
      const one = open[turn % 3];
      const input = prose(random.below(3000));
      place(binary, input);
      memory.set(one.state, STREAM_STATE);
      const length = exports.lz4Blocks(FREE, input.length, DST, 5000, turn >= 21 ? 1 : 0);
      one.parts.push(written(binary, DST, length));
      one.state = state();
      one.contents.push(input);
    }
    for (const { parts, contents } of open) {
      expectSame(readFrame(joined(...parts)).content, joined(...contents), 'one of three');
    }
  });

  it('streams: one that had no room is as it was', () => {
    const input = mixture();
    const parts = [written(binary, DST, exports.lz4Start(DST))];
    place(binary, input);
    const before = memory.slice(STREAM_STATE, STREAM_STATE + STREAM_STATE_BYTES);
    const length = exports.lz4Blocks(FREE, input.length, DST, streamBound(input.length), 1);
    for (const capacity of [0, 3, 7, 8, length >> 1, length - 1]) {
      memory.set(before, STREAM_STATE);
      expect(exports.lz4Blocks(FREE, input.length, DST, capacity, 1)).toBe(STATUS_NO_ROOM);
    }
    expect(exports.lz4Blocks(FREE, input.length, DST, length, 1)).toBe(length);
    parts.push(written(binary, DST, length));
    expectSame(readFrame(joined(...parts)).content, input, 'after refusals');
  });

  it('streams: what does not shrink stays within the documented bound', () => {
    const input = noise(part(2 * MIB) + 1);
    place(binary, input);
    exports.lz4Start(DST);
    const capacity = streamBound(input.length);
    expect(exports.lz4Blocks(FREE, input.length, DST, capacity, 1)).toBe(capacity);
  });
});
