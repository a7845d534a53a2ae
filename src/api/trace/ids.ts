/**
 * Trace and span ids. An id is kept as 32-bit words whose little-endian bytes are the id's
 * bytes, so that it goes to the ring by plain stores; its hex form is made only when asked for.
 */

import { textOf } from './attributes.ts';

const BLOCK_WORDS = 192;
/** Some two thousand spans: the seed's microsecond is lost among them. */
const RESEED_BLOCKS = 64;

export interface TraceIdWords {
  traceId0: number;
  traceId1: number;
  traceId2: number;
  traceId3: number;
}

export interface SpanIdWords {
  spanId0: number;
  spanId1: number;
}

/** Where ids come from. */
export interface IdSource {
  /** Whether the last seven bytes of trace ids are random (W3C Trace Context Level 2). */
  readonly isRandom: boolean;
  /** Draws a span id into `target`; never all zero, which means none. */
  spanId(target: SpanIdWords): void;
  /** Draws a trace id into `target`; never all zero. */
  traceId(target: TraceIdWords): void;
}

/** Makes ids in place of the built-in generator (specification, "Id Generators"). */
export interface IdGenerator {
  /** 32 lower-case hex digits, not all zero. */
  generateTraceId(): string;
  /** 16 lower-case hex digits, not all zero. */
  generateSpanId(): string;
  /**
   * Whether the last seven bytes of trace ids are random, so that traces that begin here may say
   * so (W3C Trace Context Level 2, "Random Trace ID Flag"). Default false.
   */
  readonly isRandom?: boolean;
}

/**
 * A source of random words: xoshiro128** seeded from the host's CSPRNG on first use and every
 * RESEED_BLOCKS blocks after, a block at a time. Ids need to be unique and unbiased, not
 * unpredictable. Workers, cluster members and forked processes each have one of their own; two
 * copies of one process image (a restored snapshot) part ways with the next seed.
 */
export class RandomWords implements IdSource {
  readonly isRandom = true;
  private readonly fillRandom: (words: Uint32Array<ArrayBuffer>) => void;
  private readonly block = new Int32Array(BLOCK_WORDS);
  private readonly state = new Uint32Array(4);
  private blocksLeft = 0;
  private at = BLOCK_WORDS;

  constructor(fillRandom: (words: Uint32Array<ArrayBuffer>) => void) {
    this.fillRandom = fillRandom;
  }

  spanId(target: SpanIdWords): void {
    if (this.at > BLOCK_WORDS - 2) this.refill();
    const { block, at } = this;
    this.at = at + 2;
    target.spanId0 = block[at]!;
    target.spanId1 = block[at + 1]!;
    if ((target.spanId0 | target.spanId1) === 0) target.spanId1 = 1;
  }

  traceId(target: TraceIdWords): void {
    if (this.at > BLOCK_WORDS - 4) this.refill();
    const { block, at } = this;
    this.at = at + 4;
    target.traceId0 = block[at]!;
    target.traceId1 = block[at + 1]!;
    target.traceId2 = block[at + 2]!;
    target.traceId3 = block[at + 3]!;
    if ((target.traceId0 | target.traceId1 | target.traceId2 | target.traceId3) === 0) {
      target.traceId3 = 1;
    }
  }

  private seed(): void {
    const { state } = this;
    // All zero is the one state the generator cannot leave.
    do this.fillRandom(state);
    while ((state[0]! | state[1]! | state[2]! | state[3]!) === 0);
    this.blocksLeft = RESEED_BLOCKS;
  }

  private refill(): void {
    if (this.blocksLeft === 0) this.seed();
    this.blocksLeft--;
    const { state, block } = this;
    let [a, b, c, d] = [state[0]! | 0, state[1]! | 0, state[2]! | 0, state[3]! | 0];
    for (let i = 0; i < BLOCK_WORDS; i++) {
      const scaled = Math.imul(b, 5);
      block[i] = Math.imul((scaled << 7) | (scaled >>> 25), 9);
      const shifted = b << 9;
      c ^= a;
      d ^= b;
      b ^= c;
      a ^= d;
      c ^= shifted;
      d = (d << 11) | (d >>> 21);
    }
    state[0] = a;
    state[1] = b;
    state[2] = c;
    state[3] = d;
    this.at = 0;
  }
}

const TRACE_ID = /^(?!0{32})[0-9a-f]{32}$/;
const SPAN_ID = /^(?!0{16})[0-9a-f]{16}$/;

/** Ids of a user's generator; one it cannot make, or makes wrongly, is drawn at random. */
export class GeneratedIds implements IdSource {
  readonly isRandom: boolean;
  private readonly generator: IdGenerator;
  private readonly random: RandomWords;
  private readonly warn: (line: string) => void;
  private warned = false;

  constructor(generator: IdGenerator, random: RandomWords, warn: (line: string) => void) {
    this.generator = generator;
    this.isRandom = generator.isRandom === true;
    this.random = random;
    this.warn = warn;
  }

  spanId(target: SpanIdWords): void {
    const id = this.ask('generateSpanId', SPAN_ID);
    if (id === undefined) this.random.spanId(target);
    else {
      target.spanId0 = wordOfHex(id, 0);
      target.spanId1 = wordOfHex(id, 8);
    }
  }

  traceId(target: TraceIdWords): void {
    const id = this.ask('generateTraceId', TRACE_ID);
    if (id === undefined) this.random.traceId(target);
    else {
      target.traceId0 = wordOfHex(id, 0);
      target.traceId1 = wordOfHex(id, 8);
      target.traceId2 = wordOfHex(id, 16);
      target.traceId3 = wordOfHex(id, 24);
    }
  }

  private ask(method: 'generateTraceId' | 'generateSpanId', form: RegExp): string | undefined {
    let problem: string;
    try {
      const id: unknown = this.generator[method]();
      if (typeof id === 'string' && form.test(id)) return id;
      const digits = form === TRACE_ID ? 32 : 16;
      problem = `returned ${textOf(id).slice(0, 40)}, not ${digits} lower-case hex digits that are not all 0`;
    } catch (error) {
      problem = `threw ${textOf(error).slice(0, 160)}`;
    }
    if (!this.warned) this.warn(`idGenerator.${method} ${problem}; such ids are drawn at random.`);
    this.warned = true;
    return undefined;
  }
}

let hexOfByte: string[] | undefined;

/** Eight hex digits: the bytes of `word`, lowest first. */
export function hexOfWord(word: number): string {
  hexOfByte ??= Array.from({ length: 256 }, (_, i) => (i + 256).toString(16).slice(1));
  return (
    hexOfByte[word & 255]! +
    hexOfByte[(word >>> 8) & 255]! +
    hexOfByte[(word >>> 16) & 255]! +
    hexOfByte[word >>> 24]!
  );
}

export function traceIdHex(id: TraceIdWords): string {
  return (
    hexOfWord(id.traceId0) +
    hexOfWord(id.traceId1) +
    hexOfWord(id.traceId2) +
    hexOfWord(id.traceId3)
  );
}

/** The word whose bytes, lowest first, are the eight hex digits of `hex` from `at`. */
export function wordOfHex(hex: string, at: number): number {
  const high =
    hex.charCodeAt(at) |
    (hex.charCodeAt(at + 1) << 8) |
    (hex.charCodeAt(at + 2) << 16) |
    (hex.charCodeAt(at + 3) << 24);
  const low =
    hex.charCodeAt(at + 4) |
    (hex.charCodeAt(at + 5) << 8) |
    (hex.charCodeAt(at + 6) << 16) |
    (hex.charCodeAt(at + 7) << 24);
  return wordOfDigits(high, low);
}

/** The same of the digits' ASCII codes, four and four, lowest first. */
export function wordOfDigits(first: number, second: number): number {
  return twoBytes(first) | (twoBytes(second) << 16);
}

function twoBytes(codes: number): number {
  // A letter's value is nine more than its low bits.
  const digits = (codes & 0x0f0f0f0f) + Math.imul((codes >>> 6) & 0x01010101, 9);
  const bytes = ((digits << 4) | (digits >>> 8)) & 0x00ff00ff;
  return (bytes | (bytes >>> 8)) & 0xffff;
}

const HEX_IDS = /^[0-9a-f]{32} [0-9a-f]{16}$/i;

/** Trace and span id as six words; zero where they are not ids. */
export function idsOf(traceId: string, spanId: string): Int32Array {
  const ids = new Int32Array(6);
  if (!HEX_IDS.test(`${traceId} ${spanId}`)) return ids;
  for (let i = 0; i < 4; i++) ids[i] = wordOfHex(traceId, i * 8);
  for (let i = 0; i < 2; i++) ids[4 + i] = wordOfHex(spanId, i * 8);
  return ids;
}
