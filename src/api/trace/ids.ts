/**
 * Trace and span ids. An id is kept as 32-bit words whose little-endian bytes are the id's
 * bytes, so that it goes to the ring by plain stores; its hex form is made only when asked for.
 */

const BLOCK_WORDS = 192;

export interface TraceIdWords {
  traceId0: number;
  traceId1: number;
  traceId2: number;
  traceId3: number;
}

/**
 * A source of random words: xoshiro128** seeded from the host's CSPRNG on first use, a block at
 * a time. Ids need to be unique and unbiased, not unpredictable (W3C Trace Context Level 2,
 * "Random Trace ID Flag").
 */
export class RandomWords {
  private readonly fillRandom: (words: Uint32Array<ArrayBuffer>) => void;
  private readonly block = new Int32Array(BLOCK_WORDS);
  private state: Uint32Array<ArrayBuffer> | undefined = undefined;
  private at = BLOCK_WORDS;

  constructor(fillRandom: (words: Uint32Array<ArrayBuffer>) => void) {
    this.fillRandom = fillRandom;
  }

  /** Draws a span id into `target`; never all zero, which means none. */
  spanId(target: { spanId0: number; spanId1: number }): void {
    if (this.at > BLOCK_WORDS - 2) this.refill();
    const { block, at } = this;
    this.at = at + 2;
    target.spanId0 = block[at]!;
    target.spanId1 = block[at + 1]!;
    if ((target.spanId0 | target.spanId1) === 0) target.spanId1 = 1;
  }

  /** Draws a trace id into `target`; never all zero. */
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

  private refill(): void {
    let state = this.state;
    if (state === undefined) {
      state = new Uint32Array(4);
      // All zero is the one state the generator cannot leave.
      do this.fillRandom(state);
      while ((state[0]! | state[1]! | state[2]! | state[3]!) === 0);
      this.state = state;
    }
    let [a, b, c, d] = [state[0]! | 0, state[1]! | 0, state[2]! | 0, state[3]! | 0];
    const block = this.block;
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

function nibble(code: number): number {
  // 0-9, then a-f and A-F by their low bits.
  return code < 58 ? code - 48 : (code & 7) + 9;
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
  let word = 0;
  for (let i = 6; i >= 0; i -= 2) {
    const byte = (nibble(hex.charCodeAt(at + i)) << 4) | nibble(hex.charCodeAt(at + i + 1));
    word = (word << 8) | byte;
  }
  return word;
}
