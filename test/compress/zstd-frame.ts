/**
 * A decoder of zstd frames that tells what they are made of, and refuses whatever RFC 8878 does
 * not allow. Written from the RFC for tests: plain, slow, and without a line of the compressor's.
 */

export interface ZstdSequence {
  readonly literals: number;
  readonly match: number;
  /** As sent: 1 to 3 repeat a distance, others are the distance and 3. */
  readonly offsetValue: number;
  readonly distance: number;
}

export interface ZstdBlock {
  readonly type: 'raw' | 'rle' | 'compressed';
  /** Bytes of content. */
  readonly size: number;
  /** Bytes in the frame, without the header of three. */
  readonly bytes: number;
  readonly literals?: {
    readonly type: 'raw' | 'rle' | 'compressed' | 'treeless';
    readonly size: number;
    readonly bytes: number;
    readonly streams: number;
  };
  readonly modes?: {
    readonly literals: ZstdMode;
    readonly offsets: ZstdMode;
    readonly matches: ZstdMode;
  };
  readonly sequences: readonly ZstdSequence[];
  readonly sequenceBytes?: number;
}

export type ZstdMode = 'predefined' | 'rle' | 'compressed' | 'repeat';

export interface ZstdFrame {
  readonly content: Uint8Array;
  readonly contentSize: number | undefined;
  readonly windowBytes: number;
  readonly singleSegment: boolean;
  /** The lower half of the content's XXH64, not looked at here. */
  readonly checksum: number | undefined;
  readonly blocks: readonly ZstdBlock[];
}

const BLOCK_TYPES = ['raw', 'rle', 'compressed'] as const;
const LITERAL_TYPES = ['raw', 'rle', 'compressed', 'treeless'] as const;
const MODES = ['predefined', 'rle', 'compressed', 'repeat'] as const;

function refuse(why: string): never {
  throw new Error(`zstd: ${why}`);
}

/** Reads bits from the end of a stream to its start, as all of zstd's are read. */
class BackwardBits {
  /** Bits that are left; below 0 that many too many were read. */
  left: number;
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    const last = bytes.at(-1) ?? refuse('an empty stream of bits');
    if (last === 0) refuse('a stream of bits without an end mark');
    this.left = bytes.length * 8 - 8 + (31 - Math.clz32(last));
  }

  read(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) {
      this.left--;
      const bit = this.left < 0 ? 0 : (this.bytes[this.left >> 3]! >> (this.left & 7)) & 1;
      value = value * 2 + bit;
    }
    return value;
  }
}

interface Cell {
  readonly symbol: number;
  readonly bits: number;
  readonly base: number;
}

interface FseTable {
  readonly log: number;
  readonly cells: readonly Cell[];
}

function fseTable(log: number, shares: readonly number[]): FseTable {
  const size = 2 ** log;
  const symbols = new Array<number>(size).fill(-1);
  let high = size - 1;
  shares.forEach((share, symbol) => {
    if (share === -1) symbols[high--] = symbol;
  });
  let at = 0;
  shares.forEach((share, symbol) => {
    for (let i = 0; i < share; i++) {
      symbols[at] = symbol;
      do at = (at + (size >> 1) + (size >> 3) + 3) & (size - 1);
      while (at > high);
    }
  });
  if (at !== 0) refuse('shares that do not fill their table');
  const next = shares.map((share) => Math.abs(share));
  const cells = symbols.map((symbol) => {
    const state = next[symbol]++;
    const bits = log - (31 - Math.clz32(state));
    return { symbol, bits, base: (state << bits) - size };
  });
  return { log, cells };
}

/** A description of a table; gives the shares, the log and how many bytes it takes. */
function readShares(bytes: Uint8Array, mostLog: number, mostSymbol: number) {
  let position = 0;
  const peek = (count: number) => {
    let value = 0;
    for (let i = 0; i < count; i++) {
      const at = position + i;
      value |= ((bytes[at >> 3]! >> (at & 7)) & 1) << i;
    }
    return value;
  };
  const read = (count: number) => {
    const value = peek(count);
    position += count;
    return value;
  };
  const log = read(4) + 5;
  if (log > mostLog) refuse(`accuracy ${log} over ${mostLog}`);
  let left = 2 ** log + 1;
  const shares: number[] = [];
  while (left > 1) {
    const width = 32 - Math.clz32(left);
    const low = 2 ** width - 1 - left;
    let value = peek(width);
    if ((value & (2 ** (width - 1) - 1)) < low) {
      value &= 2 ** (width - 1) - 1;
      position += width - 1;
    } else {
      if (value >= 2 ** (width - 1)) value -= low;
      position += width;
    }
    const share = value - 1;
    left -= Math.abs(share);
    shares.push(share);
    if (share === 0) {
      let repeat = 3;
      while (repeat === 3) {
        repeat = read(2);
        for (let i = 0; i < repeat; i++) shares.push(0);
      }
    }
  }
  if (left !== 1) refuse('shares beyond their table');
  if (shares.length > mostSymbol + 1) refuse(`symbol ${shares.length - 1} over ${mostSymbol}`);
  if (position > bytes.length * 8) refuse('a description cut short');
  return { log, shares, size: (position + 7) >> 3 };
}

/** Length of each symbol's code, by symbol, and the words that a decoder sees. */
interface HuffmanCode {
  readonly longest: number;
  readonly symbols: ReadonlyMap<string, number>;
}

function readWeights(bytes: Uint8Array): { weights: number[]; size: number } {
  const head = bytes[0]!;
  if (head >= 128) {
    const count = head - 127;
    const weights = Array.from({ length: count }, (_, i) => {
      const pair = bytes[1 + (i >> 1)]!;
      return i & 1 ? pair & 15 : pair >> 4;
    });
    return { weights, size: 1 + ((count + 1) >> 1) };
  }
  const { log, shares, size } = readShares(bytes.subarray(1, 1 + head), 6, 11);
  const { cells } = fseTable(log, shares);
  const bits = new BackwardBits(bytes.subarray(1 + size, 1 + head));
  const states = [bits.read(log), bits.read(log)];
  const weights: number[] = [];
  for (let turn = 0; ; turn ^= 1) {
    const cell = cells[states[turn]!]!;
    weights.push(cell.symbol);
    states[turn] = cell.base + bits.read(cell.bits);
    if (bits.left < 0) {
      weights.push(cells[states[turn ^ 1]!]!.symbol);
      return { weights, size: 1 + head };
    }
    if (weights.length > 255) refuse('more than 255 weights');
  }
}

function huffmanCode(weights: number[]): HuffmanCode {
  const sum = weights.reduce((total, weight) => total + (weight ? 2 ** (weight - 1) : 0), 0);
  const longest = 32 - Math.clz32(sum);
  if (longest > 11) refuse(`a Huffman code of ${longest} bits`);
  const left = 2 ** longest - sum;
  if (2 ** Math.round(Math.log2(left)) !== left) refuse('weights that do not add up');
  const all = [...weights, Math.log2(left) + 1];
  const symbols = new Map<string, number>();
  let word = 0;
  for (let weight = 1; weight <= longest; weight++) {
    all.forEach((own, symbol) => {
      if (own !== weight) return;
      const length = longest + 1 - weight;
      symbols.set((word >> (weight - 1)).toString(2).padStart(length, '0'), symbol);
      word += 2 ** (weight - 1);
    });
  }
  if (word !== 2 ** longest) refuse('an incomplete Huffman code');
  return { longest, symbols };
}

function huffmanStream(code: HuffmanCode, bytes: Uint8Array, count: number): number[] {
  const bits = new BackwardBits(bytes);
  const decoded: number[] = [];
  while (decoded.length < count) {
    let word = '';
    let symbol: number | undefined;
    while (symbol === undefined) {
      word += bits.read(1);
      if (word.length > code.longest) refuse('a word that no code has');
      symbol = code.symbols.get(word);
    }
    decoded.push(symbol);
  }
  if (bits.left !== 0) refuse(`${bits.left} bits left in a stream of literals`);
  return decoded;
}

const PREDEFINED = {
  literals: fseTable(
    6,
    [
      4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1,
      1, -1, -1, -1, -1,
    ],
  ),
  offsets: fseTable(
    5,
    [1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1],
  ),
  matches: fseTable(
    6,
    [
      1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
      1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1,
    ],
  ),
} as const;

type Alphabet = keyof typeof PREDEFINED;
const LIMITS = {
  literals: { log: 9, symbol: 35 },
  offsets: { log: 8, symbol: 31 },
  matches: { log: 9, symbol: 52 },
} as const;

const LITERAL_EXTRA = [
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12,
  13, 14, 15, 16,
];
const MATCH_EXTRA = [
  ...new Array<number>(32).fill(0),
  ...[1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
];

/** The first number of each symbol, from those of all before it. */
const firsts = (extra: readonly number[], first: number) =>
  extra.map((_, i) => extra.slice(0, i).reduce((sum, bits) => sum + 2 ** bits, first));
const LITERAL_FIRST = firsts(LITERAL_EXTRA, 0);
const MATCH_FIRST = firsts(MATCH_EXTRA, 3);

/** Decodes one frame, which must be all of `frame`. */
export function readZstdFrame(frame: Uint8Array): ZstdFrame {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (view.getUint32(0, true) !== 0xfd2fb528) refuse('another magic number');
  let at = 4;
  const descriptor = frame[at++]!;
  if (descriptor & 0b11011) refuse('a dictionary, or bits that are reserved or unused');
  const singleSegment = (descriptor & 32) !== 0;
  let windowBytes = 0;
  if (!singleSegment) {
    const window = frame[at++]!;
    const whole = 2 ** (10 + (window >> 3));
    windowBytes = whole + (whole / 8) * (window & 7);
  }
  const sizeFlag = descriptor >> 6;
  let contentSize: number | undefined;
  if (sizeFlag === 1) contentSize = view.getUint16(at, true) + 256;
  else if (sizeFlag === 2) contentSize = view.getUint32(at, true);
  else if (sizeFlag === 3) contentSize = Number(view.getBigUint64(at, true));
  else if (singleSegment) contentSize = frame[at]!;
  if (contentSize !== undefined) at += [1, 2, 4, 8][sizeFlag]!;
  if (singleSegment) windowBytes = contentSize!;

  const content: number[] = [];
  const blocks: ZstdBlock[] = [];
  const largest = Math.min(windowBytes, 128 * 1024);
  let repeats = [1, 4, 8];
  let code: HuffmanCode | undefined;
  const tables: Partial<Record<Alphabet, FseTable>> = {};
  let last = false;
  while (!last) {
    const header = frame[at]! | (frame[at + 1]! << 8) | (frame[at + 2]! << 16);
    at += 3;
    last = (header & 1) !== 0;
    const type = BLOCK_TYPES[(header >> 1) & 3] ?? refuse('a block of the reserved type');
    const size = header >> 3;
    const bytes = type === 'rle' ? 1 : size;
    if (at + bytes > frame.length) refuse('a block cut short');
    const body = frame.subarray(at, at + bytes);
    at += bytes;
    if (type === 'compressed') {
      if (size > largest) refuse(`a block of ${size} bytes`);
      const before = content.length;
      const block = readCompressed(body);
      if (content.length - before > largest) refuse(`${content.length - before} bytes in a block`);
      blocks.push({ ...block, type, bytes, size: content.length - before });
    } else {
      if (size > largest) refuse(`a block of ${size} bytes`);
      for (let i = 0; i < size; i++) content.push(type === 'rle' ? body[0]! : body[i]!);
      blocks.push({ type, bytes, size, sequences: [] });
    }
  }
  const checksum = descriptor & 4 ? view.getUint32(at, true) : undefined;
  if (descriptor & 4) at += 4;
  if (at !== frame.length) refuse(`${frame.length - at} bytes behind the frame`);
  if (contentSize !== undefined && contentSize !== content.length) {
    refuse(`${content.length} bytes of content where ${contentSize} were said`);
  }
  return {
    content: Uint8Array.from(content),
    contentSize,
    windowBytes,
    singleSegment,
    checksum,
    blocks,
  };

  function readCompressed(body: Uint8Array) {
    const literalsType = LITERAL_TYPES[body[0]! & 3]!;
    const format = (body[0]! >> 2) & 3;
    const start = body[0]! | (body[1]! << 8) | (body[2]! << 16);
    let literals: number[];
    let next: number;
    let streams = 0;
    if (literalsType === 'raw' || literalsType === 'rle') {
      const size = format === 1 ? (start & 0xffff) >> 4 : format === 3 ? start >> 4 : body[0]! >> 3;
      next = format === 1 ? 2 : format === 3 ? 3 : 1;
      const bytes = literalsType === 'rle' ? 1 : size;
      if (next + bytes > body.length) refuse('literals cut short');
      literals =
        literalsType === 'rle'
          ? new Array<number>(size).fill(body[next]!)
          : [...body.subarray(next, next + size)];
      next += bytes;
    } else {
      const width = [10, 10, 14, 18][format]!;
      next = [3, 3, 4, 5][format]!;
      let head = 0n;
      for (let i = next - 1; i >= 0; i--) head = (head << 8n) | BigInt(body[i]!);
      const size = Number((head >> 4n) & BigInt(2 ** width - 1));
      const compressed = Number(head >> BigInt(4 + width));
      streams = format ? 4 : 1;
      const end = next + compressed;
      if (end > body.length) refuse('literals cut short');
      if (literalsType === 'compressed') {
        const { weights, size: described } = readWeights(body.subarray(next, end));
        code = huffmanCode(weights);
        next += described;
      }
      if (!code) refuse('literals of a code that was never sent');
      if (streams === 1) {
        literals = huffmanStream(code, body.subarray(next, end), size);
      } else {
        if (size < 6) refuse(`${size} literals in four streams`);
        const sizes = [0, 2, 4].map((i) => body[next + i]! | (body[next + i + 1]! << 8));
        next += 6;
        const quarter = (size + 3) >> 2;
        literals = [];
        for (let i = 0; i < 4; i++) {
          const to = i < 3 ? next + sizes[i]! : end;
          if (to > end) refuse('streams beyond their literals');
          const count = i < 3 ? quarter : size - 3 * quarter;
          for (const symbol of huffmanStream(code, body.subarray(next, to), count)) {
            literals.push(symbol);
          }
          next = to;
        }
      }
      next = end;
    }
    const literalsInfo = { type: literalsType, size: literals.length, bytes: next, streams };

    const sequencesAt = next;
    let count = body[next++] ?? refuse('no sequences section');
    if (count === 255) {
      count = body[next]! + (body[next + 1]! << 8) + 0x7f00;
      next += 2;
    } else if (count > 127) {
      count = ((count - 128) << 8) + body[next++]!;
    }
    const sequences: ZstdSequence[] = [];
    let used = 0;
    let modes: ZstdBlock['modes'];
    if (count > 0) {
      const flags = body[next++]!;
      if (flags & 3) refuse('reserved bits of the modes');
      const read = (name: Alphabet, mode: ZstdMode): FseTable => {
        let table: FseTable;
        if (mode === 'predefined') table = PREDEFINED[name];
        else if (mode === 'repeat') table = tables[name] ?? refuse(`no ${name} to repeat`);
        else if (mode === 'rle') {
          const symbol = body[next++]!;
          if (symbol > LIMITS[name].symbol) refuse(`symbol ${symbol} of ${name}`);
          table = { log: 0, cells: [{ symbol, bits: 0, base: 0 }] };
        } else {
          const limits = LIMITS[name];
          const { log, shares, size } = readShares(body.subarray(next), limits.log, limits.symbol);
          next += size;
          table = fseTable(log, shares);
        }
        tables[name] = table;
        return table;
      };
      modes = {
        literals: MODES[flags >> 6]!,
        offsets: MODES[(flags >> 4) & 3]!,
        matches: MODES[(flags >> 2) & 3]!,
      };
      const literalsTable = read('literals', modes.literals);
      const offsetsTable = read('offsets', modes.offsets);
      const matchesTable = read('matches', modes.matches);
      const bits = new BackwardBits(body.subarray(next));
      let literalState = bits.read(literalsTable.log);
      let offsetState = bits.read(offsetsTable.log);
      let matchState = bits.read(matchesTable.log);
      for (let i = 0; i < count; i++) {
        const literalCell = literalsTable.cells[literalState]!;
        const offsetCell = offsetsTable.cells[offsetState]!;
        const matchCell = matchesTable.cells[matchState]!;
        const offsetValue = 2 ** offsetCell.symbol + bits.read(offsetCell.symbol);
        const match = MATCH_FIRST[matchCell.symbol]! + bits.read(MATCH_EXTRA[matchCell.symbol]!);
        const run =
          LITERAL_FIRST[literalCell.symbol]! + bits.read(LITERAL_EXTRA[literalCell.symbol]!);
        if (i + 1 < count) {
          literalState = literalCell.base + bits.read(literalCell.bits);
          matchState = matchCell.base + bits.read(matchCell.bits);
          offsetState = offsetCell.base + bits.read(offsetCell.bits);
        }
        let distance: number;
        if (offsetValue > 3) {
          distance = offsetValue - 3;
          repeats = [distance, repeats[0]!, repeats[1]!];
        } else {
          const index = offsetValue - 1 + (run === 0 ? 1 : 0);
          distance = index === 3 ? repeats[0]! - 1 : repeats[index]!;
          repeats = [distance, ...repeats.filter((_, at) => at !== Math.min(index, 2))];
        }
        if (used + run > literals.length) refuse('more literals used than there are');
        for (let j = 0; j < run; j++) content.push(literals[used++]!);
        if (distance < 1 || distance > content.length) refuse(`distance ${distance} too far`);
        if (distance > windowBytes) refuse(`distance ${distance} beyond the window`);
        for (let j = 0; j < match; j++) content.push(content[content.length - distance]!);
        sequences.push({ literals: run, match, offsetValue, distance });
      }
      if (bits.left !== 0) refuse(`${bits.left} bits left behind the sequences`);
    } else if (next !== body.length) {
      refuse('bytes behind no sequences');
    }
    while (used < literals.length) content.push(literals[used++]!);
    return {
      literals: literalsInfo,
      sequences,
      sequenceBytes: body.length - sequencesAt,
      ...(modes && { modes }),
    };
  }
}
