/**
 * Inputs for compressors, made from a seed: not noise but what their decisions depend on. Copies
 * from just within and just beyond every reach, of lengths around every limit, with the
 * distance of the one, two or three before; literals from few symbols or many, alike or skewed;
 * runs; telemetry that was changed a little. An input has a style, which says how often each of
 * these comes, so that some inputs have one kind of thing only.
 */

import { otlpCorpus } from './otlp-corpora.ts';
import type { SeededRandom } from './random.ts';

/** Distances that something may be wrong around: windows, tables, extra bits, blocks. */
const DISTANCES = [
  1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 511,
  513, 1023, 1025, 2047, 2048, 2049, 4095, 4097, 8191, 8193, 16383, 16385, 24576, 24577, 32506,
  32767, 32768, 32769, 65534, 65535, 65536, 65537, 131071, 131072, 131073, 262143, 262144, 262145,
  524287, 524288, 1048575, 1048576, 1048577,
];

/** Lengths of matches and of literals likewise. */
const LENGTHS = [
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 31, 32, 33, 34, 35, 47,
  48, 59, 60, 61, 63, 64, 65, 66, 67, 68, 79, 127, 128, 129, 130, 131, 194, 255, 256, 257, 258, 259,
  260, 269, 270, 271, 273, 274, 516, 517, 1023, 1024, 1025, 4096, 16383, 16384, 32767, 32768, 65535,
  65536, 65537, 65538, 65539, 131071, 131072, 131074, 131075,
];

/** Lengths of whole inputs. */
const SIZES = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 255, 256,
  257, 258, 259, 1023, 1024, 1025, 4096, 16383, 16384, 16385, 32767, 32768, 32769, 65535, 65536,
  65537, 65791, 65792, 131071, 131072, 131073, 196608, 262143, 262144, 262145,
];

/** How many of them are below 10,000 bytes. */
const SMALL_SIZES = SIZES.findIndex((size) => size > 10_000);

const WORDS = (
  'the span of a batch that collector at the end path takes or drops const let return function if ' +
  'else => { } ( ) ; "service.name": "checkout", "http.request.method" "GET" 200 404 true null ' +
  'import from export attributes resource scope trace_id 0x7f deadline exceeded <div class="row">'
).split(' ');

/** `NAME` of {@link OPERATIONS} and how often it comes. */
type Weights = readonly (readonly [Operation, number])[];

type Operation = (input: Growing) => void;

/** An input that is being made. */
class Growing {
  readonly random: SeededRandom;
  readonly bytes: Uint8Array;
  at = 0;
  /** Distances of the last copies, the last one first. */
  readonly last = [1, 4, 8];
  /** Makes a literal. */
  readonly literal: () => number;

  constructor(random: SeededRandom, length: number) {
    this.random = random;
    this.bytes = new Uint8Array(length);
    this.literal = alphabet(random);
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  /** Appends so many bytes, as far as there is room. */
  fill(length: number, next: () => number): void {
    for (let end = this.at + Math.min(length, this.left); this.at < end; ) {
      this.bytes[this.at++] = next();
    }
  }

  copy(distance: number, length: number): void {
    const { bytes } = this;
    if (distance > this.at || distance < 1) return;
    for (let end = this.at + Math.min(length, this.left); this.at < end; this.at++) {
      bytes[this.at] = bytes[this.at - distance];
    }
    if (this.last[0] === distance) return;
    this.last.splice(this.last.indexOf(distance, 1) === 1 ? 1 : 2, 1);
    this.last.unshift(distance);
  }
}

function pick<T>(pool: readonly T[], random: SeededRandom): T {
  return pool[random.below(pool.length)];
}

/** Small numbers far more often than large ones. */
function skewed(random: SeededRandom, bits: number): number {
  return random.below(2 ** (1 + random.below(bits)));
}

/** A source of literals: how many symbols, which, and how unlike their frequencies. */
function alphabet(random: SeededRandom): () => number {
  const symbols = pick([1, 2, 3, 4, 8, 16, 17, 40, 64, 128, 129, 200, 255, 256], random);
  const base = random.below(257 - symbols);
  switch (random.below(5)) {
    case 0: // Alike.
    case 1:
      return () => base + random.below(symbols);
    case 2: // Halving: codes as deep as they get.
      return () => base + Math.min(symbols - 1, Math.floor(-Math.log2(random.next() + 1e-12)));
    case 3: {
      // Fibonacci: the deepest tree there is for so many literals.
      const ratio = Math.log((1 + Math.sqrt(5)) / 2) / Math.LN2;
      return () =>
        base + Math.min(symbols - 1, Math.floor(-Math.log2(random.next() + 1e-12) / ratio));
    }
    default: // One nearly always.
      return () => (random.next() < 0.97 ? base : base + random.below(symbols));
  }
}

let pool: readonly Uint8Array[] | undefined;

/** Telemetry, the same whatever the seed. */
function telemetry(random: SeededRandom): Uint8Array {
  pool ??= [1, 12, 120, 700].flatMap((records) =>
    (['traces', 'logs', 'metrics'] as const).map((signal) => otlpCorpus(signal, records)),
  );
  return pick(pool, random);
}

const distanceOf = ({ random, at }: Growing): number => {
  switch (random.below(4)) {
    case 0:
      return 1 + skewed(random, 21);
    case 1: // From the very beginning, or nearly.
      return at - random.below(4);
    default:
      return pick(DISTANCES, random) + (random.below(4) === 0 ? random.below(7) - 3 : 0);
  }
};

const lengthOf = ({ random }: Growing): number =>
  random.below(3) === 0 ? 1 + skewed(random, 12) : pick(LENGTHS, random);

/** Lengths as they mostly are. */
const shortLengthOf = ({ random }: Growing): number =>
  random.below(20) === 0 ? pick(LENGTHS, random) : 3 + skewed(random, 5);

const literals: Operation = (input) => input.fill(lengthOf(input), input.literal);
const fewLiterals: Operation = (input) => input.fill(1 + input.random.below(4), input.literal);
const copy: Operation = (input) => input.copy(distanceOf(input), lengthOf(input));
const shortCopy: Operation = (input) => input.copy(distanceOf(input), shortLengthOf(input));
const again: Operation = (input) => {
  // With no literals before it, a distance of before means another one.
  if (input.random.below(2)) fewLiterals(input);
  const distance = input.last[input.random.below(3)] - (input.random.below(6) === 0 ? 1 : 0);
  input.copy(distance, shortLengthOf(input));
};
const changedCopy: Operation = (input) => {
  const from = input.at;
  copy(input);
  const { at, random } = input;
  if (at > from) input.bytes[from + random.below(at - from)] ^= 1 << random.below(8);
};
const run: Operation = (input) => {
  const byte = input.random.below(2) ? 0 : input.random.below(256);
  input.fill(lengthOf(input), () => byte);
};
const noise: Operation = (input) => {
  const { random } = input;
  input.fill(lengthOf(input), () => random.below(256));
};
const words: Operation = (input) => {
  const { random } = input;
  for (let i = skewed(random, 7); i >= 0; i--) {
    const word = WORDS[Math.floor(WORDS.length * random.next() ** 2)];
    for (let j = 0; j < word.length; j++) input.fill(1, () => word.charCodeAt(j));
    input.fill(1, () => 32);
  }
};
const message: Operation = (input) => {
  const { random, bytes, at } = input;
  const source = telemetry(random);
  const from = random.below(source.length);
  const part = source.subarray(from, from + Math.min(input.left, 1 + skewed(random, 17)));
  bytes.set(part, at);
  input.at += part.length;
  for (let i = random.below(4) === 0 ? skewed(random, 6) : 0; i > 0; i--) {
    bytes[at + random.below(part.length)] = random.below(256);
  }
};
const numbers: Operation = (input) => {
  // Records of a width, each a little more than the one before.
  const { random } = input;
  const width = pick([2, 4, 8, 12, 16], random);
  let value = random.below(2 ** 31);
  for (let i = skewed(random, 10); i >= 0; i--) {
    value += random.below(1000);
    for (let j = 0; j < width; j++) input.fill(1, () => (j < 4 ? value >>> (8 * j) : j) & 255);
  }
};

const OPERATIONS = [
  literals,
  fewLiterals,
  copy,
  shortCopy,
  again,
  changedCopy,
  run,
  noise,
  words,
  message,
  numbers,
];

const STYLES: readonly Weights[] = [
  OPERATIONS.map((operation) => [operation, 1] as const),
  [[noise, 1]],
  [[literals, 1]],
  [[run, 1]],
  [[words, 1]],
  [[message, 1]],
  [
    [message, 20],
    [changedCopy, 5],
    [noise, 1],
  ],
  [
    [fewLiterals, 3],
    [shortCopy, 3],
    [again, 2],
  ],
  [
    [again, 6],
    [shortCopy, 1],
  ],
  [
    [literals, 1],
    [copy, 3],
  ],
  [
    [literals, 1],
    [changedCopy, 3],
  ],
  [
    [words, 2],
    [numbers, 1],
    [shortCopy, 2],
  ],
  [
    [noise, 1],
    [copy, 1],
  ],
];

function lengthFrom(random: SeededRandom, maxBytes: number): number {
  // The small ones of SIZES far more often: they take less time each.
  const sized = random.below(24);
  if (sized < 6) {
    const size = SIZES[random.below(sized === 0 ? SIZES.length : SMALL_SIZES)];
    return Math.min(maxBytes, size + random.below(2));
  }
  const bits = pick([6, 8, 9, 10, 11, 12, 13], random);
  if (random.below(100) === 0) return random.below(Math.min(maxBytes, 2 ** 18));
  if (random.below(1000) === 0) return random.below(maxBytes);
  return random.below(Math.min(maxBytes, 2 ** bits));
}

/** An input of at most `maxBytes`, mostly far fewer. */
export function fuzzInput(random: SeededRandom, maxBytes: number): Uint8Array {
  const input = new Growing(random, lengthFrom(random, maxBytes));
  let weights = pick(STYLES, random);
  let sum = weights.reduce((total, [, weight]) => total + weight, 0);
  // Nothing is there to be copied at first.
  if (random.below(2)) literals(input);
  for (let stuck = 0; input.left > 0; ) {
    const { at } = input;
    if (random.below(100) === 0) {
      weights = pick(STYLES, random);
      sum = weights.reduce((total, [, weight]) => total + weight, 0);
    }
    let share = random.next() * sum;
    const [operation] = weights.find(([, weight]) => (share -= weight) < 0) ?? weights[0];
    operation(input);
    stuck = input.at > at ? 0 : stuck + 1;
    if (stuck > 3) fewLiterals(input);
  }
  return input.bytes;
}
