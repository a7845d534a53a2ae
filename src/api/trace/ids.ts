/**
 * Trace and span ids. An id is kept as 32-bit words whose little-endian bytes are the id's
 * bytes, so that it goes to the ring by plain stores; its hex form is made only when asked for.
 */

const BLOCK_WORDS = 192;

/**
 * A source of random words: xoshiro128** seeded from the host's CSPRNG on first use, a block at
 * a time. Ids need to be unique and unbiased, not unpredictable (W3C Trace Context Level 2,
 * "Random Trace ID Flag").
 */
export class RandomWords {
  private readonly fillRandom: (words: Uint32Array<ArrayBuffer>) => void;
  private readonly block = new Int32Array(BLOCK_WORDS);
  private state: Uint32Array<ArrayBuffer> | undefined;
  private at = BLOCK_WORDS;

  constructor(fillRandom: (words: Uint32Array<ArrayBuffer>) => void) {
    this.fillRandom = fillRandom;
  }

  next(): number {
    if (this.at === BLOCK_WORDS) this.refill();
    return this.block[this.at++]!;
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

/** The word whose bytes, lowest first, are the eight hex digits of `hex` from `at`. */
export function wordOfHex(hex: string, at: number): number {
  let word = 0;
  for (let i = 6; i >= 0; i -= 2) {
    const byte = (nibble(hex.charCodeAt(at + i)) << 4) | nibble(hex.charCodeAt(at + i + 1));
    word = (word << 8) | byte;
  }
  return word;
}
