/**
 * zstd frames: read back by a decoder that is not ours, by the strict one of `zstd-frame.ts`, which
 * also tells what a frame is made of, and by the command line where there is one.
 */

import { spawnSync } from 'node:child_process';
import * as zlib from 'node:zlib';
import { decompress } from 'fzstd';
import { describe, expect, it } from 'vitest';
import {
  OVERSHOOT_BYTES,
  STATUS_NO_ROOM,
  STREAM_STATE,
  STREAM_STATE_BYTES,
} from '../../src/engine/generated/layout.ts';
import { codecsBinaries, FREE } from '../support/binaries.ts';
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
import { readZstdFrame } from './zstd-frame.ts';

const KIB = 1024;
const BLOCK = 128 * KIB;
const LONGEST = 3 * 1024 * KIB;
const DST = FREE + LONGEST + 4 * KIB;
const LEVELS = [1, 2, 3] as const;
const [FAST, DEFAULT, BEST] = LEVELS;

const engines = codecsBinaries(2 * LONGEST + 64 * KIB);
const [simd, scalar] = engines;
/** `portable` is for hosts without WebAssembly, and slow: it is not given the long inputs. */
const PORTABLE_BYTES = 20_000;

/** As documented. */
const bound = (length: number) => length + 3 * Math.ceil(length / BLOCK) + 17;
const streamBound = (length: number) => length + 3 * Math.ceil(length / BLOCK) + 7;

type Engine = (typeof engines)[number];

function compress(engine: Engine, level: number, input: Uint8Array): Uint8Array {
  place(engine, input);
  const length = engine.exports.zstd(level, FREE, input.length, DST, bound(input.length));
  return written(engine, DST, length);
}

// Where Node has zstd, since 22.15.
const host = zlib as { zstdDecompressSync?: (frame: Uint8Array) => Uint8Array };

/** Checks that it decodes to the input, and the checksum where that is ours to see. */
function expectDecodes(frame: Uint8Array, input: Uint8Array, label: string): void {
  expectSame(decompress(frame), input, `${label}, by fzstd`);
  if (host.zstdDecompressSync) {
    expectSame(host.zstdDecompressSync(frame), input, `${label}, by the host`);
  }
}

/** Compresses on all engines and checks that they agree and that the frame decodes. */
function check(input: Uint8Array, label: string, levels: readonly number[] = LEVELS): Uint8Array {
  let frame: Uint8Array = new Uint8Array(0);
  for (const level of levels) {
    const name = `${label}, level ${level}`;
    frame = compress(simd, level, input);
    expectSame(compress(scalar, level, input), frame, `${name}, scalar like simd`);
    expectDecodes(frame, input, name);
  }
  return frame;
}

function checkEverywhere(input: Uint8Array, label: string): void {
  check(input, label);
  if (input.length > PORTABLE_BYTES) return;
  for (const level of LEVELS) {
    const frame = compress(engines[2], level, input);
    expectSame(frame, compress(simd, level, input), `${label}, level ${level}, portable like simd`);
  }
}

/** The frame of the strict decoder, after it has given back the input. */
function read(frame: Uint8Array, input: Uint8Array) {
  const told = readZstdFrame(frame);
  expectSame(told.content, input, 'by the strict decoder');
  return told;
}

/** Bytes of a few values, each with its own likelihood. */
const skewed = (length: number) =>
  Uint8Array.from({ length }, () => Math.min(60, Math.floor(-3 * Math.log2(1 - random.next()))));

describe('zstd', () => {
  it('round-trips every length up to 300', () => {
    eachShort(check);
  });

  it('gives the same bytes on every engine', () => {
    for (const length of [0, 1, 2, 31, 32, 255, 256, 257, 1023, 1024, 5000]) {
      checkEverywhere(prose(length), 'prose');
      checkEverywhere(noise(length), 'noise');
      checkEverywhere(skewed(length), 'skewed');
    }
    checkEverywhere(otlpCorpus('traces', 30), 'traces');
  });

  it('round-trips lengths around the sizes of headers, literals and blocks', () => {
    for (const edge of [256, 1024, 4096, 16 * KIB, 64 * KIB + 256, BLOCK]) {
      for (const delta of [-1, 0, 1]) {
        check(noise(edge + delta), 'noise', [FAST, DEFAULT]);
        check(skewed(edge + delta), 'skewed', [DEFAULT]);
        check(new Uint8Array(edge + delta), 'zeros', [FAST, BEST]);
        check(prose(edge + delta), 'prose', [FAST]);
      }
    }
  });

  it('round-trips literals alone, as many as a header can tell, and one more or less', () => {
    for (const edge of [1024, 4096, 16 * KIB]) {
      for (const delta of [-1, 0, 1]) {
        const input = noise(edge + delta).map((byte) => byte % 100);
        const [{ literals }] = read(check(input, 'literals', [FAST]), input).blocks;
        expect(literals).toMatchObject({ type: 'compressed', size: edge + delta });
      }
    }
  });

  it('round-trips matches of every length and at distances of every size', () => {
    const phrase = noise(700);
    const parts = [phrase];
    for (let length = 3; length <= 700; length += length < 160 ? 1 : 29) {
      parts.push(phrase.subarray(0, length), noise(3));
    }
    check(joined(...parts), 'every length');
    for (let distance = 1; distance < 200_000; distance = distance * 2 + 1) {
      const unit = noise(distance);
      check(joined(unit, unit.subarray(0, 300), unit.subarray(0, 300)), `distance ${distance}`);
    }
    check(joined(noise(10), new Uint8Array(300_000), noise(10), new Uint8Array(140_000)), 'long');
  });

  it('round-trips random mixtures', () => {
    for (let round = 0; round < 60; round++) check(mixture(), `round ${round}`);
  });

  it('round-trips telemetry, smaller at every level', () => {
    for (const [signal, records] of [
      ['traces', 512],
      ['logs', 700],
      ['metrics', 900],
    ] as const) {
      const input = otlpCorpus(signal, records);
      const sizes = LEVELS.map((level) => check(input, signal, [level]).length);
      expect(sizes[1], `${signal}: ${sizes}`).toBeLessThan(sizes[0]);
      expect(sizes[2], `${signal}: ${sizes}`).toBeLessThan(sizes[1]);
      expect(sizes[0] * 2, `${signal}: ${sizes}`).toBeLessThan(input.length);
    }
  });

  it('round-trips megabytes', () => {
    check(otlpCorpus('traces', 5000), 'traces', [FAST, DEFAULT]);
    check(joined(prose(BLOCK + 5), noise(LONGEST - BLOCK - 5)), 'noise', [DEFAULT]);
    check(new Uint8Array(LONGEST), 'zeros', [BEST]);
  });

  it('is read by the zstd command line, checksum included', ({ skip }) => {
    if (spawnSync('zstd', ['--version']).status !== 0) skip();
    const inputs = [
      ...Array.from({ length: 40 }, () => mixture()),
      ...Array.from({ length: 100 }, () => prose(random.below(3000))),
      otlpCorpus('logs', 300),
    ];
    for (const level of LEVELS) {
      // Frames in a row decode to their contents in a row.
      const frames = inputs.map((input) => compress(simd, level, input));
      const { status, stdout, stderr } = spawnSync('zstd', ['-dc'], {
        input: joined(...frames),
        maxBuffer: 100 * 1024 * KIB,
      });
      expect(String(stderr)).toBe('');
      expect(status).toBe(0);
      expectSame(stdout, joined(...inputs), `level ${level}`);
    }
  });
});

describe('what a zstd frame is made of', () => {
  it('says its content size and is a single segment', () => {
    for (const length of [0, 1, 255, 256, 65_791, 65_792, 200_000]) {
      const input = prose(length);
      const frame = read(check(input, 'sizes', [FAST]), input);
      expect(frame.contentSize).toBe(length);
      expect(frame.singleSegment).toBe(true);
      expect(frame.checksum).toBeDefined();
    }
  });

  it('holds raw blocks, blocks of one byte and compressed ones, of 128 KiB', () => {
    const input = joined(noise(BLOCK), new Uint8Array(BLOCK).fill(9), prose(BLOCK + 10));
    for (const level of LEVELS) {
      const { blocks } = read(check(input, 'blocks', [level]), input);
      expect(blocks.map(({ type }) => type)).toEqual([
        'raw',
        'rle',
        'compressed',
        expect.any(String),
      ]);
      expect(blocks.map(({ size }) => size)).toEqual([BLOCK, BLOCK, BLOCK, 10]);
    }
  });

  it('holds literals raw, of one byte, in one stream and in four', () => {
    const literals = (input: Uint8Array) =>
      read(check(input, 'literals', [DEFAULT]), input).blocks[0].literals!;
    expect(literals(skewed(900))).toMatchObject({ type: 'compressed', streams: 1 });
    expect(literals(skewed(30_000))).toMatchObject({ type: 'compressed', streams: 4 });
    const unit = noise(25);
    expect(literals(joined(unit, unit, unit)).type).toBe('raw');
    const run = new Uint8Array(40).fill(1);
    const tail = Uint8Array.from([2, ...run, 3, ...run, 2, ...run]);
    expect(['raw', 'rle']).toContain(literals(tail).type);
  });

  it('has matches further back than 64 KiB, and into blocks before', () => {
    const phrase = noise(2000);
    const input = joined(phrase, noise(180_000), phrase);
    for (const level of [DEFAULT, BEST]) {
      const { blocks } = read(check(input, 'far', [level]), input);
      const far = blocks.at(-1)!.sequences.find(({ distance }) => distance === 182_000);
      expect(far?.match, `level ${level}`).toBeGreaterThan(1900);
    }
  });

  it('repeats the last distances', () => {
    const input = otlpCorpus('traces', 300);
    for (const level of LEVELS) {
      const { blocks } = read(check(input, 'repeats', [level]), input);
      const used = blocks.flatMap(({ sequences }) => sequences.map((s) => s.offsetValue));
      for (const value of level === BEST ? [1, 2, 3] : [1]) {
        expect(used, `level ${level}`).toContain(value);
      }
      const share = used.filter((value) => value < 4).length / used.length;
      expect(share, `level ${level}`).toBeGreaterThan(0.1);
    }
  });

  it('repeats the code of literals and the tables of sequences', () => {
    const even = Uint8Array.from({ length: 2 * BLOCK + 999 }, () =>
      Math.min(random.below(100), random.below(100)),
    );
    const input = joined(even, otlpCorpus('traces', 900));
    for (const level of LEVELS) {
      const { blocks } = read(check(input, 'tables', [level]), input);
      const types = blocks.map(({ literals }) => literals?.type);
      expect(types, `level ${level}`).toContain('treeless');
      const modes = blocks.flatMap((block) => Object.values(block.modes ?? {}));
      expect(modes, `level ${level}`).toContain('repeat');
      expect(modes, `level ${level}`).toContain('compressed');
    }
    const short = prose(120);
    const { blocks } = read(check(short, 'short', [DEFAULT]), short);
    expect(Object.values(blocks[0].modes!)).toContain('predefined');
    const period = joined(...Array.from({ length: 300 }, () => noise(20)));
    const twice = joined(period, period);
    const told = read(check(twice, 'single', [DEFAULT]), twice);
    expect(told.blocks[0].sequences.length).toBeGreaterThan(0);
  });

  it('keeps nothing of a block that is sent raw after all', () => {
    // Noise with a match here and there: parsed, coded, found too long, and forgotten.
    const unit = noise(8);
    const barren = joined(
      ...Array.from({ length: 64 }, (_, i) => joined(noise(2030), i % 16 ? noise(8) : unit)),
    );
    const input = joined(otlpCorpus('traces', 290).subarray(0, BLOCK), barren, prose(20_000));
    check(input, 'raw between');
    for (const level of LEVELS) read(compress(simd, level, input), input);
  });
});

describe.each(engines)('zstd ($engine)', (engine) => {
  const { exports, buffer } = engine;
  const memory = new Uint8Array(buffer);
  const portable = engine.engine === 'portable';

  it('refuses room that is one byte too small, and writes nothing behind it', () => {
    const inputs = [prose(0), prose(40), prose(2000), noise(2000), new Uint8Array(3000)];
    if (!portable) inputs.push(noise(140_000), otlpCorpus('traces', 400), skewed(40_000));
    for (const level of LEVELS) {
      for (const input of inputs) {
        place(engine, input);
        const length = exports.zstd(level, FREE, input.length, DST, bound(input.length));
        expect(length).toBeLessThanOrEqual(bound(input.length));
        expect(exports.zstd(level, FREE, input.length, DST, length)).toBe(length);
        for (const capacity of [length - 1, length - 5, length >> 1, 19, 5, 0]) {
          if (capacity < 0 || capacity >= length) continue;
          const behind = DST + capacity + OVERSHOOT_BYTES;
          memory.fill(0xa5, behind, behind + bound(input.length));
          const status = exports.zstd(level, FREE, input.length, DST, capacity);
          expect(status, `${capacity} for ${length}`).toBe(STATUS_NO_ROOM);
          const untouched = memory.subarray(behind, behind + bound(input.length));
          expect(untouched.every((byte) => byte === 0xa5)).toBe(true);
        }
      }
    }
  });

  it('gives the same bytes whatever was compressed before, and leaves its input alone', () => {
    const input = prose(portable ? 3000 : 90_000);
    for (const level of LEVELS) {
      const first = compress(engine, level, input);
      for (const other of [noise(5000), new Uint8Array(7000), skewed(3000), prose(50)]) {
        compress(engine, level, other);
        expectSame(compress(engine, level, input), first, `level ${level}`);
        expectSame(memory.slice(FREE, FREE + input.length), input, 'the input');
      }
    }
  });

  it('works for inputs and outputs at any address', () => {
    for (let offset = 0; offset < 16; offset++) {
      const input = prose(1000 + offset);
      place(engine, input, FREE + offset);
      const at = DST + 3 * offset;
      const level = LEVELS[offset % 3];
      const length = exports.zstd(level, FREE + offset, input.length, at, bound(input.length));
      expectDecodes(written(engine, at, length), input, `offset ${offset}`);
    }
  });

  it('makes a frame of a stream, however it is cut, of several at once', () => {
    const inputs = [
      new Uint8Array(0),
      prose(portable ? 9000 : 200_000),
      portable ? skewed(3000) : joined(skewed(20_000), noise(150_000)),
      otlpCorpus('logs', portable ? 20 : 300),
    ];
    for (const level of LEVELS) {
      const streams = inputs.map((input) => {
        const frame = [written(engine, DST, exports.zstdStart(level, DST))];
        return { input, frame, pieces: split(input.length), at: 0, state: keep() };
      });
      for (let left = streams; left.length > 0; left = left.filter(({ at }) => at >= 0)) {
        for (const stream of left) {
          memory.set(stream.state, STREAM_STATE);
          const size = stream.pieces.shift() ?? 0;
          const final = stream.pieces.length === 0;
          place(engine, stream.input.subarray(stream.at, stream.at + size));
          // Without room the stream stays as it was.
          const none = exports.zstdBlocks(level, FREE, size, DST, 0, Number(final));
          expect(none).toBe(size || final ? STATUS_NO_ROOM : 0);
          expectSame(keep(), stream.state, 'the state');
          const capacity = streamBound(size);
          const length = exports.zstdBlocks(level, FREE, size, DST, capacity, Number(final));
          stream.frame.push(written(engine, DST, length));
          stream.at = final ? -1 : stream.at + size;
          stream.state = keep();
        }
      }
      for (const { input, frame } of streams) {
        const whole = joined(...frame);
        expectDecodes(whole, input, `level ${level}`);
        if (level !== DEFAULT) continue;
        const told = read(whole, input);
        expect(told.contentSize).toBeUndefined();
        expect(told.windowBytes).toBe(8 * 1024 * KIB);
        expect(told.checksum).toBe(read(compress(engine, level, input), input).checksum);
      }
    }
  });

  function keep(): Uint8Array {
    return memory.slice(STREAM_STATE, STREAM_STATE + STREAM_STATE_BYTES);
  }
});
