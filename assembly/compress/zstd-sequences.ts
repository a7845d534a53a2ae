/**
 * The sequences section of a zstd block (RFC 8878, 3.1.1.3.2).
 *
 * A parser leaves its sequences at SEQUENCES, a u64 each:
 *
 *     bits  0 … 16  literals before the match
 *     bits 17 … 33  length of the match, less 3
 *     bits 34 … 63  how far back it lies
 *
 * The first pass, forwards, finds what the format calls them: distances that one of the last
 * three repeats, and of each number its symbol and extra bits. It counts the symbols, and puts
 * in place of a sequence its extra bits in a row, at CODES its symbols and how many bits those
 * are. Then each of the three alphabets gets the cheapest of four tables: the predefined one, a
 * single symbol, a new one that is sent, or the one of the block before. The second pass,
 * backwards as the decoder reads from the end, writes states and extra bits; together they are
 * seldom more than the 56 bits that fit behind the 7 a store may leave.
 */

import { load32, load64, store16, store32, store64 } from '../lanes/unaligned';
import {
  buildSingle,
  buildTable,
  COST_NEVER,
  COST_SHIFT,
  costUnder,
  describe,
  FSE_TABLE_BYTES,
  firstState,
  logOf,
  setLog,
  setShares,
  share,
} from './fse';
import { LITERALS_WORK_BYTES } from './zstd-literals';
import { CODES, ENTROPY, SEQUENCES } from './zstd-work';

/** The three alphabets, in the order in which their tables are sent. */
const LITERAL_LENGTHS: i32 = 0;
const DISTANCES: i32 = 1;
const MATCH_LENGTHS: i32 = 2;
/** Modes of a table. */
const PREDEFINED: i32 = 0;
const SINGLE: i32 = 1;
const DESCRIBED: i32 = 2;
const REPEATED: i32 = 3;

/** Symbols of an alphabet, at most. */
const ALPHABET: i32 = 64;

const COUNTS: i32 = ENTROPY + LITERALS_WORK_BYTES;
/** The symbol of each number of literals below 64. */
const LITERAL_SYMBOLS: i32 = COUNTS + 3 * ALPHABET * 4;
/** The symbol of each length of a match, less 3, below 128. */
const MATCH_SYMBOLS: i32 = LITERAL_SYMBOLS + 64;
/** For each alphabet the table before and two to choose from. */
const TABLES: i32 = MATCH_SYMBOLS + 128;
const KIND_BYTES: i32 = 3 * FSE_TABLE_BYTES;
/** A description, before it is known to be used: at most 10 bits for each symbol. */
const DESCRIPTION: i32 = TABLES + 3 * KIND_BYTES;

/** The alphabets' tables that the decoder has, 0 if none, and those after the block. */
let known0: i32 = 0;
let known1: i32 = 0;
let known2: i32 = 0;
let next0: i32 = 0;
let next1: i32 = 0;
let next2: i32 = 0;

/** The last three distances, before the block and after it. */
export let repeat0: i32 = 0;
export let repeat1: i32 = 0;
export let repeat2: i32 = 0;
let nextRepeat0: i32 = 0;
let nextRepeat1: i32 = 0;
let nextRepeat2: i32 = 0;

/** Begins a frame, or a part of it that knows only the last distances of the part before. */
export function forgetSequences(distance0: i32, distance1: i32, distance2: i32): void {
  known0 = 0;
  known1 = 0;
  known2 = 0;
  repeat0 = distance0;
  repeat1 = distance1;
  repeat2 = distance2;
  for (let symbol = 0; symbol < 25; symbol++) {
    const first = literalsFrom(symbol);
    memory.fill(LITERAL_SYMBOLS + first, <u8>symbol, 64 - first);
  }
  for (let symbol = 0; symbol < 43; symbol++) {
    const first = matchFrom(symbol);
    memory.fill(MATCH_SYMBOLS + first, <u8>symbol, 128 - first);
  }
}

/** The block with the sequences encoded last has been sent. */
export function keepSequences(): void {
  known0 = next0;
  known1 = next1;
  known2 = next2;
  repeat0 = nextRepeat0;
  repeat1 = nextRepeat1;
  repeat2 = nextRepeat2;
}

/** Extra bits of a symbol for a number of literals: 16 have none, then 1 1 1 1 2 2 3 3 4 6 7 8 … */
// @ts-ignore: decorator
@inline
function literalsExtra(symbol: i32): i32 {
  if (symbol > 24) return symbol - 19;
  return symbol < 16 ? 0 : <i32>((<u64>0x433221111) >> ((symbol - 16) << 2)) & 15;
}

/** Extra bits of a symbol for a length: 32 have none, then 1 1 1 1 2 2 3 3 4 4 5 7 8 9 … */
// @ts-ignore: decorator
@inline
function matchExtra(symbol: i32): i32 {
  if (symbol > 42) return symbol - 36;
  return symbol < 32 ? 0 : <i32>((<u64>0x54433221111) >> ((symbol - 32) << 2)) & 15;
}

/** The first number of literals below 64 that a symbol up to 24 stands for. */
function literalsFrom(symbol: i32): i32 {
  let from = min(symbol, 16);
  for (let s = 16; s < symbol; s++) from += 1 << literalsExtra(s);
  return from;
}

/** The first length, less 3, below 128 that a symbol up to 42 stands for. */
function matchFrom(symbol: i32): i32 {
  let from = min(symbol, 32);
  for (let s = 32; s < symbol; s++) from += 1 << matchExtra(s);
  return from;
}

// @ts-ignore: decorator
@inline
function countSymbol(kind: i32, symbol: i32): void {
  const at = (kind * ALPHABET + symbol) << 2;
  store<i32>(at, load<i32>(at, COUNTS) + 1, COUNTS);
}

/**
 * The first pass: SEQUENCES become extra bits, CODES the symbols: literals (bits 0-7), distance
 * (8-15), match (16-23), number of extra bits (24-31).
 */
function encodeNumbers(end: i32): void {
  memory.fill(COUNTS, 0, 3 * ALPHABET * 4);
  let a = repeat0;
  let b = repeat1;
  let c = repeat2;
  let code = CODES;
  for (let at = SEQUENCES; at < end; at += 8) {
    const sequence = load64(at);
    const literals = <i32>sequence & 0x1ffff;
    const match = <i32>(sequence >> 17) & 0x1ffff;
    const distance = <i32>(sequence >> 34);
    // Moves the distance to the front. Without literals before it, the last one cannot be told
    // as such (a match would have been longer), and the numbers count from the second.
    const isA = i32(distance == a) & i32(literals != 0);
    const isB = i32(distance == b);
    const isC = i32(distance == c);
    const base = i32(literals != 0);
    let value = distance + 3;
    value = select(3, value, i32(distance == a - 1) & (base ^ 1));
    value = select(base + 2, value, isC);
    value = select(base + 1, value, isB);
    value = select(1, value, isA);
    c = select(c, b, isA | isB);
    b = select(b, a, isA);
    a = distance;

    const literalSymbol =
      literals < 64 ? <i32>load<u8>(literals, LITERAL_SYMBOLS) : 50 - clz(literals);
    const matchSymbol = match < 128 ? <i32>load<u8>(match, MATCH_SYMBOLS) : 67 - clz(match);
    const distanceSymbol = 31 - clz(value);
    countSymbol(LITERAL_LENGTHS, literalSymbol);
    countSymbol(DISTANCES, distanceSymbol);
    countSymbol(MATCH_LENGTHS, matchSymbol);
    const literalBits = literalsExtra(literalSymbol);
    const matchBits = matchExtra(matchSymbol);
    let extra: u64 = value ^ (1 << distanceSymbol);
    extra = (extra << matchBits) | <u64>(match & ((1 << matchBits) - 1));
    extra = (extra << literalBits) | <u64>(literals & ((1 << literalBits) - 1));
    store64(at, extra);
    const bits = distanceSymbol + matchBits + literalBits;
    store32(code, literalSymbol | (distanceSymbol << 8) | (matchSymbol << 16) | (bits << 24));
    code += 4;
  }
  nextRepeat0 = a;
  nextRepeat1 = b;
  nextRepeat2 = c;
}

/** The predefined shares (RFC 8878, 3.1.1.3.2.2). */
function setPredefined(table: i32, kind: i32): void {
  if (kind == LITERAL_LENGTHS) {
    setLog(table, 6);
    setShares(table, 0, 0x1112222222222234);
    setShares(table, 16, 0x1111123222222222);
    setShares(table, 32, 0xffff);
  } else if (kind == DISTANCES) {
    setLog(table, 5);
    setShares(table, 0, 0x1111111222111111);
    setShares(table, 16, 0xfffff11111111);
  } else {
    setLog(table, 6);
    setShares(table, 0, 0x1111111222222341);
    setShares(table, 16, 0x1111111111111111);
    setShares(table, 32, 0xff11111111111111);
    setShares(table, 48, 0xfffff);
  }
}

/** The table that `chooseTable` chose, and the end of what it wrote. */
let chosen: i32 = 0;
let written: i32 = 0;

/**
 * Chooses the table of an alphabet, writes what describes it to dst, unless that ends behind
 * `limit`, and returns the mode. `known` is the table that the decoder has from before.
 */
function chooseTable(kind: i32, known: i32, total: i32, dst: i32, limit: i32): i32 {
  const counts = COUNTS + kind * ALPHABET * 4;
  let most = 0;
  let mostSymbol = 0;
  for (let symbol = 0; symbol < ALPHABET; symbol++) {
    const count = load<i32>(counts + (symbol << 2));
    if (count > most) {
      most = count;
      mostSymbol = symbol;
    }
  }
  const tables = TABLES + kind * KIND_BYTES;
  // Two tables that are not in use.
  const predefined = known == tables ? tables + FSE_TABLE_BYTES : tables;
  const third = tables + 2 * FSE_TABLE_BYTES;
  const fresh = known == third ? tables + FSE_TABLE_BYTES : third;
  memory.fill(predefined, 0, FSE_TABLE_BYTES);
  setPredefined(predefined, kind);
  let cost = costUnder(predefined, counts, ALPHABET);
  chosen = predefined;
  written = dst;
  let mode = PREDEFINED;
  if (known) {
    const again = costUnder(known, counts, ALPHABET);
    if (again < cost) {
      cost = again;
      chosen = known;
      mode = REPEATED;
    }
  }
  if (most == total) {
    if (cost > 8 << COST_SHIFT) {
      memory.fill(fresh, 0, FSE_TABLE_BYTES);
      buildSingle(fresh, mostSymbol);
      store<u8>(dst, mostSymbol);
      chosen = fresh;
      written = dst + 1;
      return SINGLE;
    }
  } else {
    // Few sequences do not make up for the description of many cells.
    const log = max(min(kind == DISTANCES ? 8 : 9, 29 - clz(total - 1)), 6);
    share(fresh, counts, ALPHABET, total, log);
    const end = describe(fresh, ALPHABET, DESCRIPTION);
    if (costUnder(fresh, counts, ALPHABET) + ((end - DESCRIPTION) << (COST_SHIFT + 3)) < cost) {
      chosen = fresh;
      written = dst + end - DESCRIPTION;
      if (written > limit) return DESCRIBED;
      memory.copy(dst, DESCRIPTION, end - DESCRIPTION);
      buildTable(fresh, ALPHABET);
      return DESCRIBED;
    }
  }
  if (mode == PREDEFINED) buildTable(predefined, ALPHABET);
  return mode;
}

let bits: u64 = 0;
let bitCount: i32 = 0;

// @ts-ignore: decorator
@inline
function finalState(table: i32, state: i32): void {
  const log = logOf(table);
  bits |= (<u64>(state & ((1 << log) - 1))) << bitCount;
  bitCount += log;
}

/**
 * Writes the block's sequences, up to `end`, to dst; returns the end, or 0 if that lies behind
 * `limit`.
 *
 * bounds: until the first table is described at most 4 bytes are written, from then on `limit` is
 * looked at before whatever is more than 16; both stay within the overshoot behind it.
 */
export function writeSequences(end: i32, dst: i32, limit: i32): i32 {
  next0 = known0;
  next1 = known1;
  next2 = known2;
  nextRepeat0 = repeat0;
  nextRepeat1 = repeat1;
  nextRepeat2 = repeat2;
  const total = (end - SEQUENCES) >>> 3;
  if (total < 128) {
    store<u8>(dst++, total);
  } else if (total < 0x7f00) {
    store<u8>(dst, (total >>> 8) + 128);
    store<u8>(dst + 1, total);
    dst += 2;
  } else {
    store<u8>(dst, 255);
    store16(dst + 1, total - 0x7f00);
    dst += 3;
  }
  if (dst > limit) return 0;
  if (!total) return dst;
  encodeNumbers(end);
  const modes = dst++;
  let mode = chooseTable(LITERAL_LENGTHS, known0, total, dst, limit) << 6;
  const literalTable = chosen;
  dst = written;
  if (dst > limit) return 0;
  mode |= chooseTable(DISTANCES, known1, total, dst, limit) << 4;
  const distanceTable = chosen;
  dst = written;
  if (dst > limit) return 0;
  mode |= chooseTable(MATCH_LENGTHS, known2, total, dst, limit) << 2;
  const matchTable = chosen;
  dst = written;
  if (dst > limit) return 0;
  store<u8>(modes, mode);
  next0 = literalTable;
  next1 = distanceTable;
  next2 = matchTable;

  let code = CODES + ((total - 1) << 2);
  let at = end - 8;
  let symbols = load32(code);
  let literalState = firstState(literalTable, symbols & 255);
  let distanceState = firstState(distanceTable, (symbols >>> 8) & 255);
  let matchState = firstState(matchTable, (symbols >>> 16) & 255);
  let b = load64(at);
  let n = symbols >>> 24;
  while (true) {
    // Usually all is stored at the next turn.
    if (dst > limit) return 0;
    store64(dst, b);
    dst += n >>> 3;
    b >>= n & 56;
    n &= 7;
    if (code == CODES) break;
    code -= 4;
    at -= 8;
    symbols = load32(code);
    let entry = load64(distanceTable + ((<i32>(symbols >>> 8) & 255) << 3));
    let size: u32 = (distanceState + <u32>entry) >>> 16;
    let rest = <u32>distanceState >>> size;
    b |= (<u64>(distanceState - (rest << size))) << n;
    n += size;
    distanceState = <i32>load<u16>(<i32>(entry >> 32) + (rest << 1));

    entry = load64(matchTable + ((<i32>(symbols >>> 16) & 255) << 3));
    size = (matchState + <u32>entry) >>> 16;
    rest = <u32>matchState >>> size;
    b |= (<u64>(matchState - (rest << size))) << n;
    n += size;
    matchState = <i32>load<u16>(<i32>(entry >> 32) + (rest << 1));

    entry = load64(literalTable + ((<i32>symbols & 255) << 3));
    size = (literalState + <u32>entry) >>> 16;
    rest = <u32>literalState >>> size;
    b |= (<u64>(literalState - (rest << size))) << n;
    n += size;
    literalState = <i32>load<u16>(<i32>(entry >> 32) + (rest << 1));

    const extraBits = symbols >>> 24;
    if (n + extraBits > 63) {
      store64(dst, b);
      dst += n >>> 3;
      b >>= n & 56;
      n &= 7;
    }
    b |= load64(at) << n;
    n += extraBits;
  }
  bits = b;
  bitCount = n;
  finalState(matchTable, matchState);
  finalState(distanceTable, distanceState);
  finalState(literalTable, literalState);
  bits |= (<u64>1) << bitCount;
  store64(dst, bits);
  dst += (bitCount >>> 3) + 1;
  return dst > limit ? 0 : dst;
}
