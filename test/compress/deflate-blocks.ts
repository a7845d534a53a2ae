/** Reads the blocks of a DEFLATE stream with all that their headers say: naive and slow. */

/** Lengths of a prefix code, and how often the block uses each symbol. */
export interface Code {
  readonly lengths: number[];
  readonly frequencies: number[];
}

export interface Block {
  readonly final: boolean;
  readonly type: number;
  readonly literals: Code;
  readonly distances: Code;
  /** The code for code lengths: how many were declared, and the last symbol of these. */
  readonly meta: Code & { declared: number; lastDeclared: number };
}

const META_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** Reads all blocks of a raw stream, or of the part of one, that `stream` consists of. */
export function blocksOf(stream: Uint8Array): Block[] {
  let at = 0;
  const bits = (count: number): number => {
    let value = 0;
    for (let i = 0; i < count; i++, at++) value |= ((stream[at >> 3]! >> (at & 7)) & 1) << i;
    return value;
  };
  const empty = (): Code => ({ lengths: [], frequencies: [] });
  const reader = (code: Code): (() => number) => {
    const symbols = new Map<string, number>();
    let next = 0;
    for (let length = 1; length <= 15; length++) {
      next <<= 1;
      code.lengths.forEach((own, symbol) => {
        if (own === length) symbols.set((next++).toString(2).padStart(length, '0'), symbol);
      });
    }
    code.frequencies.push(...code.lengths.map(() => 0));
    return () => {
      let read = '';
      while (read.length <= 15) {
        read += bits(1);
        const symbol = symbols.get(read);
        if (symbol !== undefined) {
          code.frequencies[symbol]!++;
          return symbol;
        }
      }
      throw new Error(`no code begins with ${read}`);
    };
  };

  const blocks: Block[] = [];
  while (at < stream.length * 8 && !blocks.at(-1)?.final) {
    if (stream.length * 8 - at < 8 && blocks.length > 0) break;
    const final = bits(1) === 1;
    const type = bits(2);
    const literals = empty();
    const distances = empty();
    const meta = { ...empty(), declared: 0, lastDeclared: 0 };
    blocks.push({ final, type, literals, distances, meta });
    if (type === 0) {
      at = (at + 7) & ~7;
      const size = bits(16);
      if ((bits(16) ^ 0xffff) !== size) throw new Error('a stored size and its complement differ');
      at += size * 8;
      continue;
    }
    if (type === 1) {
      for (let symbol = 0; symbol < 288; symbol++) {
        literals.lengths.push(symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8);
      }
      for (let symbol = 0; symbol < 30; symbol++) distances.lengths.push(5);
    } else {
      const literalCount = bits(5) + 257;
      const distanceCount = bits(5) + 1;
      meta.declared = bits(4) + 4;
      meta.lastDeclared = META_ORDER[meta.declared - 1]!;
      meta.lengths.push(...META_ORDER.map(() => 0));
      for (const symbol of META_ORDER.slice(0, meta.declared)) meta.lengths[symbol] = bits(3);
      const next = reader(meta);
      const lengths: number[] = [];
      while (lengths.length < literalCount + distanceCount) {
        const symbol = next();
        if (symbol < 16) lengths.push(symbol);
        else {
          const value = symbol === 16 ? lengths.at(-1)! : 0;
          const run = symbol === 16 ? 3 + bits(2) : symbol === 17 ? 3 + bits(3) : 11 + bits(7);
          for (let i = 0; i < run; i++) lengths.push(value);
        }
      }
      literals.lengths.push(...lengths.slice(0, literalCount));
      distances.lengths.push(...lengths.slice(literalCount));
    }
    const literal = reader(literals);
    const distance = reader(distances);
    for (let symbol = literal(); symbol !== 256; symbol = literal()) {
      if (symbol < 256) continue;
      bits(symbol < 265 || symbol === 285 ? 0 : (symbol - 261) >> 2);
      bits(Math.max((distance() >> 1) - 1, 0));
    }
  }
  return blocks;
}

/** Bits that a code spends on the symbols in use. */
export const dynamicCost = ({ lengths, frequencies }: Code): number =>
  frequencies.reduce((sum, frequency, symbol) => sum + frequency * lengths[symbol]!, 0);

/**
 * The same for the cheapest code whose lengths do not exceed `longest`: package-merge, in which
 * every package is the list of its symbols' weights.
 */
export function optimalCost(frequencies: readonly number[], longest: number): number {
  const leaves = frequencies.filter((frequency) => frequency > 0).sort((a, b) => a - b);
  let list: number[] = [];
  for (let level = 0; level < longest; level++) {
    const packages: number[] = [];
    for (let i = 0; i + 1 < list.length; i += 2) packages.push(list[i]! + list[i + 1]!);
    list = [...leaves, ...packages].sort((a, b) => a - b);
  }
  return list.slice(0, 2 * leaves.length - 2).reduce((sum, weight) => sum + weight, 0);
}
