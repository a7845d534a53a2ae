/**
 * DEFLATE at its three levels, raw, in zlib and in gzip: read back by three inflaters that are not
 * ours, and by a reader of block headers that holds their codes to an optimum found naively.
 */

import { gunzipSync, gzipSync, inflateRawSync, inflateSync } from 'node:zlib';
import * as fflate from 'fflate';
import * as pako from 'pako';
import { describe, expect, it } from 'vitest';
import { OVERSHOOT_BYTES, STATUS_NO_ROOM } from '../../src/engine/generated/layout.ts';
import { codecsBinaries, FREE } from '../support/binaries.ts';
import { coreEngines } from '../support/core.ts';
import { CORPUS_SIGNALS, otlpCorpus } from '../support/otlp-corpora.ts';
import { blocksOf, dynamicCost, optimalCost } from './deflate-blocks.ts';
import { expectSame, joined, mixture, noise, place, prose, random, written } from './inputs.ts';

const KIB = 1024;
const LONGEST = 3 * KIB * KIB;
const DST = FREE + LONGEST + 4 * KIB;

const engines = codecsBinaries(2 * LONGEST + 64 * KIB);
const [simd, ...others] = engines;
type Engine = (typeof engines)[number];
/** `portable` is for hosts without WebAssembly, and slow: it is given short inputs only. */
const PORTABLE_BYTES = 40_000;

const FAST = 1;
const DEFAULT = 2;
const BEST = 3;
const LEVELS = [FAST, DEFAULT, BEST];

/** As documented, for all three formats. */
const bound = (length: number) => length + 5 * Math.ceil(length / 32768) + 64;

type Format = 'deflate' | 'zlib' | 'gzip';

function compress(engine: Engine, format: Format, level: number, input: Uint8Array): Uint8Array {
  place(engine, input);
  const length = engine.exports[format](level, FREE, input.length, DST, bound(input.length));
  return written(engine, DST, length);
}

/** The raw stream, the same on every engine and inflated to what went in. */
function check(level: number, input: Uint8Array, label = ''): Uint8Array {
  const stream = compress(simd, 'deflate', level, input);
  expectSame(inflateRawSync(stream), input, `${label}, level ${level}, inflated`);
  for (const engine of others) {
    if (engine.engine === 'portable' && input.length > PORTABLE_BYTES) continue;
    expectSame(compress(engine, 'deflate', level, input), stream, `${label}, ${engine.engine}`);
  }
  return stream;
}

const skewed = (length: number) =>
  Uint8Array.from({ length }, () => Math.min(40, Math.floor(-Math.log2(random.next() + 1e-12))));

describe('deflate, zlib and gzip on each engine', () => {
  it.each(LEVELS)('level %i: every inflater reads every format', (level) => {
    for (const input of [new Uint8Array(0), prose(3000), otlpCorpus('logs', 64), noise(500)]) {
      for (const engine of engines) {
        const raw = compress(engine, 'deflate', level, input);
        const zlib = compress(engine, 'zlib', level, input);
        const gzip = compress(engine, 'gzip', level, input);
        for (const [inflated, by] of [
          [inflateRawSync(raw), 'zlib raw'],
          [inflateSync(zlib), 'zlib'],
          [gunzipSync(gzip), 'zlib gzip'],
          [fflate.inflateSync(raw), 'fflate raw'],
          [fflate.unzlibSync(zlib), 'fflate zlib'],
          [fflate.gunzipSync(gzip), 'fflate gzip'],
          [pako.inflateRaw(raw), 'pako raw'],
          [pako.inflate(zlib), 'pako zlib'],
          [pako.ungzip(gzip), 'pako gzip'],
        ] as const) {
          expectSame(inflated, input, `${by} on ${engine.engine}`);
        }
      }
    }
  });

  it('says in the headers which level it was', () => {
    const input = prose(1000);
    const header = (format: Format, level: number, at: number) =>
      compress(simd, format, level, input)[at];
    expect(LEVELS.map((level) => header('gzip', level, 8))).toEqual([4, 0, 2]);
    expect(LEVELS.map((level) => header('zlib', level, 1)! >> 6)).toEqual([0, 2, 3]);
    for (const level of LEVELS) {
      expect(header('zlib', level, 0)).toBe(0x78);
      expect(((0x78 << 8) | header('zlib', level, 1)!) % 31).toBe(0);
    }
  });

  it('compresses at level fast to the bytes of the core', () => {
    const [core] = coreEngines();
    for (const input of [new Uint8Array(0), prose(70_000), otlpCorpus('traces', 512)]) {
      new Uint8Array(core.memory.buffer).set(input, FREE);
      const length = core.exports.gzipFast(FREE, input.length, DST, bound(input.length), 0);
      const member = new Uint8Array(core.memory.buffer).slice(DST, DST + length);
      expectSame(compress(simd, 'gzip', FAST, input), member, 'the core');
    }
  });
});

describe.each(LEVELS)('deflate at level %i', (level) => {
  it('round-trips every length up to 300, of four kinds', () => {
    for (let length = 0; length <= 300; length++) {
      check(level, noise(length), 'noise');
      check(level, new Uint8Array(length).fill(7), 'one byte');
      check(level, prose(length), 'prose');
      check(
        level,
        Uint8Array.from({ length }, (_, i) => i % 5),
        'period 5',
      );
    }
  });

  it('round-trips lengths around segments, the window and the largest blocks', () => {
    for (const edge of [8192, 16384, 32768, 65536, 98304, 131072, 245760]) {
      for (const delta of [-1, 0, 1, 12]) {
        check(level, noise(edge + delta), 'noise');
        check(level, new Uint8Array(edge + delta), 'zeros');
        if (edge <= 65536) check(level, prose(edge + delta), 'prose');
      }
    }
  });

  it('round-trips matches at every distance near the window, and of every length', () => {
    for (const distance of [1, 2, 3, 4, 5, 31, 32, 33, 32766, 32767, 32768, 32769]) {
      const unit = noise(distance);
      check(level, joined(unit, unit.subarray(0, 300), unit.subarray(0, 300)), `${distance} back`);
    }
    const phrase = noise(300);
    const parts = [phrase];
    for (let length = 3; length <= 300; length++) parts.push(phrase.subarray(0, length), noise(3));
    check(level, joined(...parts), 'every match length');
  });

  it('finds a match that goes back exactly one window, and none further', () => {
    const phrase = noise(120);
    const sizeAt = (distance: number) =>
      check(level, joined(phrase, new Uint8Array(distance - phrase.length), phrase)).length;
    expect(sizeAt(32768)).toBeLessThan(240);
    expect(sizeAt(32769)).toBeGreaterThan(300);
  });

  it('says a run of one byte in matches of 258', () => {
    expect(check(level, new Uint8Array(258 * 400)).length).toBeLessThan(130);
  });

  it('round-trips what fills the tokens of a block before its bytes', () => {
    const words = Array.from({ length: 64 }, () => noise(4));
    const parts = Array.from({ length: 60_000 }, () => words[random.below(64)]!);
    check(level, joined(...parts));
    check(level, joined(...parts.slice(0, 32768 + 70)));
  });

  it('round-trips what has more matches than there is room for', () => {
    const bits = Uint8Array.from({ length: 200_000 }, () => random.below(2));
    check(level, bits, 'bits');
    const pairs = Uint8Array.from({ length: 120_000 }, (_, i) => (i % 7) + random.below(2));
    check(level, pairs, 'nearly periodic');
  });

  it('takes no more than the bound for what cannot be compressed', () => {
    for (const length of [0, 1, 100, 32768, 65535, 65536, 300_000]) {
      const size = check(level, noise(length), 'noise').length;
      expect(size).toBeLessThanOrEqual(length + 5 * Math.ceil(length / 32768) + 10);
    }
  });

  it('stores incompressible stretches and still finds what follows them', () => {
    const batch = otlpCorpus('traces', 64);
    const mixed = joined(noise(100_000), batch, noise(100_000), batch);
    const alone = check(level, batch).length;
    expect(check(level, mixed).length).toBeLessThan(200_000 + 2.3 * alone);
  });

  it('round-trips OTLP requests', () => {
    for (const signal of CORPUS_SIGNALS) {
      for (const records of [1, 8, 64, 512]) check(level, otlpCorpus(signal, records), signal);
    }
  });

  it('round-trips random mixtures', () => {
    for (let round = 0; round < 40; round++) check(level, mixture(), `mixture ${round}`);
  });

  it('gives the same bytes whatever was compressed before, and wherever the input is', () => {
    const input = otlpCorpus('logs', 64);
    for (const engine of engines) {
      const first = compress(engine, 'deflate', level, input);
      for (const other of [noise(20_000), prose(30_000), new Uint8Array(40_000)]) {
        compress(engine, 'deflate', BEST, other);
        expectSame(compress(engine, 'deflate', level, input), first, engine.engine);
      }
      for (const offset of [1, 2, 3, 7, 4096]) {
        place(engine, input, FREE + offset);
        const at = DST + 3 * offset;
        const { deflate } = engine.exports;
        const length = deflate(level, FREE + offset, input.length, at, bound(input.length));
        expectSame(written(engine, at, length), first, `${engine.engine} ${offset} further`);
      }
    }
  });

  it('refuses room that is one byte too small, and writes nothing behind it', () => {
    const inputs = [prose(0), prose(40), prose(5000), noise(5000), noise(70_000), skewed(30_000)];
    for (const engine of [simd, others[0]!]) {
      const { exports, buffer } = engine;
      const view = new Uint8Array(buffer);
      for (const input of inputs) {
        for (const format of ['deflate', 'zlib', 'gzip'] as const) {
          const length = compress(engine, format, level, input).length;
          place(engine, input);
          expect(exports[format](level, FREE, input.length, DST, length)).toBe(length);
          for (const capacity of [length - 1, length >> 1, 0]) {
            const behind = DST + capacity + OVERSHOOT_BYTES;
            view.fill(0xa5, behind, behind + bound(input.length));
            const status = exports[format](level, FREE, input.length, DST, capacity);
            expect(status).toBe(STATUS_NO_ROOM);
            const untouched = view.subarray(behind, behind + bound(input.length));
            expect(untouched.every((byte) => byte === 0xa5)).toBe(true);
          }
        }
      }
    }
  });

  it('does not change its input', () => {
    const input = prose(50_000);
    compress(simd, 'deflate', level, input);
    const there = new Uint8Array(simd.buffer, FREE, input.length);
    expectSame(there, input, 'input');
  });

  it('writes parts of a stream that stand behind each other', () => {
    for (let round = 0; round < 12; round++) {
      const input = round ? mixture() : new Uint8Array(0);
      for (const engine of engines) {
        if (engine.engine === 'portable' && input.length > PORTABLE_BYTES) continue;
        const { deflateBlocks } = engine.exports;
        const parts: Uint8Array[] = [];
        const write = (from: number, to: number, final: number) => {
          place(engine, input.subarray(from, to));
          const size = to - from;
          const length = deflateBlocks(level, FREE, size, DST, bound(size), final);
          parts.push(written(engine, DST, length));
        };
        let at = 0;
        while (at < input.length) {
          const to = Math.min(input.length, at + random.below(random.below(3) ? 900 : 60_000));
          write(at, to, 0);
          at = to;
        }
        if (random.below(2)) {
          const piece = prose(random.below(300));
          place(engine, piece);
          const length = deflateBlocks(level, FREE, piece.length, DST, bound(piece.length), 1);
          const stream = joined(...parts, written(engine, DST, length));
          expectSame(inflateRawSync(stream), joined(input, piece), `parts on ${engine.engine}`);
        }
        write(0, 0, 1);
        expectSame(inflateRawSync(joined(...parts)), input, `parts on ${engine.engine}`);
      }
    }
  });

  it('ends a part with a byte, after an empty stored block, and refuses too little room for it', () => {
    for (const input of [prose(1), prose(5), prose(200), noise(70), noise(70_000)]) {
      place(simd, input);
      const { deflateBlocks } = simd.exports;
      const length = deflateBlocks(level, FREE, input.length, DST, bound(input.length), 0);
      const part = written(simd, DST, length);
      expect([...part.subarray(-4)]).toEqual([0, 0, 0xff, 0xff]);
      expect(blocksOf(part).every((block) => !block.final)).toBe(true);
      expect(deflateBlocks(level, FREE, input.length, DST, length, 0)).toBe(length);
      expect(deflateBlocks(level, FREE, input.length, DST, length - 1, 0)).toBe(STATUS_NO_ROOM);
    }
    expect(simd.exports.deflateBlocks(level, FREE, 0, DST, 0, 0)).toBe(0);
  });
});

describe('what the levels are for', () => {
  it('compress OTLP requests the better the higher', () => {
    for (const signal of CORPUS_SIGNALS) {
      for (const records of [1, 8, 64, 512]) {
        const input = otlpCorpus(signal, records);
        const [fast, standard, best] = LEVELS.map((level) => check(level, input).length);
        expect(standard, `${signal} ${records}`).toBeLessThanOrEqual(fast!);
        expect(best, `${signal} ${records}`).toBeLessThanOrEqual(standard!);
      }
    }
  });

  it('compress OTLP requests at least as well as zlib at its levels 6 and 9', () => {
    for (const signal of CORPUS_SIGNALS) {
      for (const records of [64, 512]) {
        const input = otlpCorpus(signal, records);
        const size = (level: number) => compress(simd, 'gzip', level, input).length;
        const label = `${signal} ${records}`;
        expect(size(DEFAULT) / gzipSync(input, { level: 6 }).length, label).toBeLessThan(1.002);
        expect(size(BEST) / gzipSync(input, { level: 9 }).length, label).toBeLessThan(0.992);
      }
    }
  });

  it('begin a block where statistics change', () => {
    const half = 40_000;
    const some = Uint8Array.from({ length: half }, () => random.below(64));
    const others = Uint8Array.from({ length: half }, () => 128 + random.below(64));
    for (const level of [DEFAULT, BEST]) {
      const stream = check(level, joined(some, others), 'halves');
      expect(blocksOf(stream).length).toBeGreaterThan(1);
      expect(stream.length).toBeLessThan(2 * half * (6.3 / 8));
      expect(blocksOf(check(level, some)).length).toBe(1);
    }
  });
});

describe('block headers at levels default and best', () => {
  const inputs = [
    ...CORPUS_SIGNALS.map((signal) => otlpCorpus(signal, 512)),
    prose(30_000),
    skewed(90_000),
    Uint8Array.from({ length: 60_000 }, () => Math.floor(256 * random.next() ** 6)),
    ...Array.from({ length: 4 }, tooDeep),
  ];

  /**
   * Symbols that occur once, once, twice, three times and so on like Fibonacci's numbers, between
   * pairs of others that occur once as a pair: without matches, their codes want to be deep.
   */
  function tooDeep(): Uint8Array {
    const rare: number[] = [];
    let [count, next] = [1, 1];
    for (let symbol = 0; symbol < 12; symbol++) {
      rare.push(...new Array<number>(count).fill(symbol));
      [count, next] = [next, count + next + random.below(2)];
    }
    const pairs = shuffled(Array.from({ length: 40_000 }, (_, i) => i)).slice(0, 20_000);
    const bytes = pairs.map((pair) => [
      20 + random.below(30),
      50 + (pair % 200),
      50 + Math.floor(pair / 200),
    ]);
    shuffled(rare).forEach((symbol, i) => {
      bytes[i * 20]![0] = symbol;
    });
    return Uint8Array.from(bytes.flat());
  }

  function shuffled(values: number[]): number[] {
    for (let i = values.length - 1; i > 0; i--) {
      const j = random.below(i + 1);
      [values[i], values[j]] = [values[j]!, values[i]!];
    }
    return values;
  }

  it('have codes that no others of limited length beat', () => {
    let limited = 0;
    for (const level of [DEFAULT, BEST]) {
      for (const input of inputs) {
        for (const block of blocksOf(check(level, input))) {
          if (block.type !== 2) continue;
          const label = `level ${level}, ${input.length} bytes`;
          for (const code of [block.literals, block.distances]) {
            const used = code.frequencies.filter((frequency) => frequency > 0).length;
            if (used < 2) continue;
            const longest = code === block.literals ? 14 : 15;
            expect(dynamicCost(code), label).toBe(optimalCost(code.frequencies, longest));
            if (optimalCost(code.frequencies, 30) < dynamicCost(code)) limited++;
          }
          expect(dynamicCost(block.meta), label).toBe(optimalCost(block.meta.frequencies, 7));
        }
      }
    }
    expect(limited, 'codes that the limit makes longer').toBeGreaterThan(5);
  });

  it('declare no symbol behind the last one in use', () => {
    for (const level of [DEFAULT, BEST]) {
      for (const input of inputs) {
        for (const block of blocksOf(check(level, input))) {
          if (block.type !== 2) continue;
          const { literals, distances, meta } = block;
          expect(literals.lengths.length === 257 || literals.lengths.at(-1)! > 0).toBe(true);
          expect(distances.lengths.at(-1)).toBeGreaterThan(0);
          expect(meta.declared === 4 || meta.lengths[meta.lastDeclared]! > 0).toBe(true);
        }
      }
    }
  });
});
