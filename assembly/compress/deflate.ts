/**
 * DEFLATE (RFC 1951): writes each parsed block in the cheapest of its three forms.
 *
 * The exact size of every form is known from the counted symbols before a bit is written,
 * so room is checked once per block and the loop that emits it checks nothing.
 *
 * Bits collect in a 64-bit word. It is stored whole at the output and the complete bytes
 * are shifted out, leaving at most 7 bits. Literal codes are limited to 14 bits so
 * that four of them fit behind these (7 + 4 * 14 = 63); so does a match: a length with its
 * extra bits, fused into one table entry per length (14 + 5), a distance code (15) and its
 * extra bits (13). Entries are `bits << 8 | count` and are added to the bit count whole: wasm
 * takes shift counts modulo 64, so the rubbish above bit 6 is masked once per store. Literals
 * past the end of a run are masked to empty codes instead of being branched around.
 *
 * At the level `fast` headers declare all 286 + 30 symbols and all 19 code length codes: leaving
 * out unused ones saves about two bytes per block.
 */

import { store16, store32, store64 } from '../lanes/unaligned';
import { buildCodes, buildLengths } from './huffman';
import {
  CODES,
  COUNTERS_BYTES,
  DISTANCE_SYMBOLS,
  FREQUENCIES,
  HEADS,
  HEADS_BYTES,
  LITERAL_SYMBOLS,
  MATCH_COUNTS,
  parse,
  SYMBOLS,
  TOKENS,
  tokensEnd,
  trailingLiterals,
} from './match';
import { extraBitsOf, lengthSymbolOf } from './tokens';

const LITERAL_CODES: i32 = CODES;
const DISTANCE_CODES: i32 = LITERAL_CODES + LITERAL_SYMBOLS * 4;
const MATCH_CODES: i32 = LITERAL_CODES + SYMBOLS * 4;
/** A byte per symbol, literals and distances in a row, as the header sends them. */
const LENGTHS: i32 = MATCH_CODES + 1024;
/** The same for the fixed code. */
const FIXED_LENGTHS: i32 = LENGTHS + 320;
/** The code for code lengths: frequency, length and code of each of its 19 symbols. */
const META_FREQUENCIES: i32 = FIXED_LENGTHS + 320;
const META_LENGTHS: i32 = META_FREQUENCIES + 76;
const META_CODES: i32 = META_LENGTHS + 20;
/** The lengths run-length coded: u16 items, symbol and value of its extra bits << 8. */
const ITEMS: i32 = META_CODES + 76;
/** What the header consists of: u32 each, bits << 8 | count. */
const HEADER: i32 = ITEMS + SYMBOLS * 2;

/** Lengths that a thorough header declares, in a row. */
const DECLARED: i32 = HEADER + (SYMBOLS + 20) * 4;

const LONGEST_LITERAL_CODE: i32 = 14;
const LONGEST_DISTANCE_CODE: i32 = 15;
const LONGEST_META_CODE: i32 = 7;
const END_OF_BLOCK: i32 = 256;
const LARGEST_STORED: i32 = 65535;

/** Bits not yet written, how many (at most 7 between blocks), and where they will go. */
let bits: u64 = 0;
let bitCount: u64 = 0;
let out: i32 = 0;

// @ts-ignore: decorator
@inline
function metaExtraBitsOf(symbol: i32): i32 {
  return (0x7320 >>> (max(symbol - 15, 0) << 2)) & 7;
}

/** The order in which the lengths of the code for code lengths are sent (RFC 1951, 3.2.7). */
// @ts-ignore: decorator
@inline
function metaSymbolAt(i: i32): i32 {
  // 16 17 18 0 8 7 9 6 10 5 11 4 12 3 13 2 14 1 15
  const half = i >>> 1;
  return i < 3 ? 16 + i : i == 3 ? 0 : i & 1 ? 9 - half : 6 + half;
}

/** Bits of the block's data under the code lengths given. */
function costOfData(lengths: i32): u32 {
  let sum: u32 = 0;
  for (let symbol = 0; symbol < SYMBOLS; symbol++) {
    const bitsEach = load<u8>(lengths + symbol) + extraBitsOf(symbol);
    sum += load<u32>(symbol << 2, FREQUENCIES) * bitsEach;
  }
  return sum;
}

function item(at: i32, symbol: i32, extra: i32): i32 {
  const frequency = symbol << 2;
  store<i32>(frequency, load<i32>(frequency, META_FREQUENCIES) + 1, META_FREQUENCIES);
  store16(at, symbol | (extra << 8));
  return at + 2;
}

/**
 * Run-length codes the lengths from p to end, behind which there is room for one, into ITEMS and
 * counts their symbols; returns the items' end.
 */
function lengthItems(p: i32, end: i32): i32 {
  memory.fill(META_FREQUENCIES, 0, 76);
  store<u8>(end, 255);
  let at = ITEMS;
  while (p < end) {
    const length = <i32>load<u8>(p);
    const first = p;
    do p++;
    while (<i32>load<u8>(p) == length);
    let run = p - first;
    if (length) {
      at = item(at, length, 0);
      run--;
    }
    while (run > 2) {
      // 16 repeats the last length 3-6 times, 17 and 18 are 3-10 and 11-138 zeros.
      const least = !length && run > 10 ? 11 : 3;
      const most = length ? 6 : min(run, 138);
      const n = min(run, most);
      at = item(at, length ? 16 : least == 3 ? 17 : 18, n - least);
      run -= n;
    }
    while (run--) at = item(at, length, 0);
  }
  return at;
}

function writeStored(source: i32, end: i32, final: i32): void {
  let size = 0;
  do {
    size = min(end - source, LARGEST_STORED);
    store16(out, <i32>bits | ((size < LARGEST_STORED ? final : 0) << (<i32>bitCount)));
    out += bitCount > 5 ? 2 : 1;
    bits = 0;
    bitCount = 0;
    store32(out, size | (~size << 16));
    memory.copy(out + 4, source, size);
    out += size + 4;
    source += size;
  } while (size == LARGEST_STORED);
}

/**
 * Writes the tokens from `tokens` to tokensEnd of the block that begins at source under the codes
 * in LITERAL_CODES and DISTANCE_CODES.
 *
 * bounds: reads of the source end at most 3 bytes behind the block; the block was found to
 * fit, so 8-byte stores end at most 8 bytes behind the room.
 */
function writeTokens(source: i32, tokens: i32): void {
  let b = bits;
  let n = bitCount;
  let o = out;
  const end = tokensEnd;
  store64(end, (<u64>trailingLiterals) << 32);
  for (let at = tokens; ; at += 8) {
    const token = load<u64>(at);
    let run = <i32>(token >>> 32);
    do {
      let code = <u64>(load<u32>((<i32>load<u8>(source)) << 2, LITERAL_CODES) & (-run >> 31));
      b |= (code >>> 8) << n;
      n += code;
      code = <u64>(load<u32>((<i32>load<u8>(source + 1)) << 2, LITERAL_CODES) & ((1 - run) >> 31));
      b |= (code >>> 8) << n;
      n += code;
      code = <u64>(load<u32>((<i32>load<u8>(source + 2)) << 2, LITERAL_CODES) & ((2 - run) >> 31));
      b |= (code >>> 8) << n;
      n += code;
      code = <u64>(load<u32>((<i32>load<u8>(source + 3)) << 2, LITERAL_CODES) & ((3 - run) >> 31));
      b |= (code >>> 8) << n;
      n += code;
      store64(o, b);
      o += <i32>(n >>> 3) & 7;
      b >>= n & 56;
      n &= 7;
      source += 4;
      run -= 4;
    } while (run > 0);
    if (at == end) break;
    source += run + (<i32>token & 255) + 3;
    let code = <u64>load<u32>((<i32>token & 255) << 2, MATCH_CODES);
    b |= (code >>> 8) << n;
    n += code;
    code = <u64>load<u32>(((<i32>token >>> 8) & 31) << 2, DISTANCE_CODES);
    b |= (code >>> 8) << n;
    n += code;
    b |= (<u64>(<u32>token >>> 17)) << n;
    n += (token >>> 13) & 15;
    store64(o, b);
    o += <i32>(n >>> 3) & 7;
    b >>= n & 56;
    n &= 7;
  }
  const code = <u64>load<u32>(0, LITERAL_CODES + END_OF_BLOCK * 4);
  b |= (code >>> 8) << n;
  n += code & 255;
  store64(o, b);
  out = o + <i32>(n >>> 3);
  bits = b >> (n & 56);
  bitCount = n & 7;
}

/**
 * Writes the block [source, end) that was parsed into the tokens given, and counted; false if it
 * does not fit below `room`. `thorough` spends time on its header: the shortest codes there are,
 * and none declared that come after the last one in use.
 */
export function writeBlock(
  source: i32,
  end: i32,
  final: i32,
  room: i32,
  tokens: i32,
  thorough: bool,
): bool {
  store<i32>(FREQUENCIES + END_OF_BLOCK * 4, 1);
  for (let l = 0; l < 256; l++) {
    const frequency = lengthSymbolOf(l) << 2;
    const count = load<i32>(frequency, FREQUENCIES) + load<i32>(l << 2, MATCH_COUNTS);
    store<i32>(frequency, count, FREQUENCIES);
  }
  memory.fill(FIXED_LENGTHS, 8, LITERAL_SYMBOLS);
  memory.fill(FIXED_LENGTHS + 144, 9, 112);
  memory.fill(FIXED_LENGTHS + 256, 7, 24);
  memory.fill(FIXED_LENGTHS + LITERAL_SYMBOLS, 5, DISTANCE_SYMBOLS);
  const fixedCost = costOfData(FIXED_LENGTHS) + 3;

  buildLengths(FREQUENCIES, LITERAL_SYMBOLS, LONGEST_LITERAL_CODE, LENGTHS, thorough);
  buildLengths(
    FREQUENCIES + LITERAL_SYMBOLS * 4,
    DISTANCE_SYMBOLS,
    LONGEST_DISTANCE_CODE,
    LENGTHS + LITERAL_SYMBOLS,
    thorough,
  );
  let literals = LITERAL_SYMBOLS;
  let distances = DISTANCE_SYMBOLS;
  let metas = 19;
  let declared = LENGTHS;
  if (thorough) {
    while (!load<u8>(LENGTHS + literals - 1)) literals--;
    while (!load<u8>(LENGTHS + LITERAL_SYMBOLS + distances - 1)) distances--;
    declared = DECLARED;
    memory.copy(declared, LENGTHS, literals);
    memory.copy(declared + literals, LENGTHS + LITERAL_SYMBOLS, distances);
  }
  const itemsEnd = lengthItems(declared, declared + literals + distances);
  buildLengths(META_FREQUENCIES, 19, LONGEST_META_CODE, META_LENGTHS, thorough);
  if (thorough) while (metas > 4 && !load<u8>(metaSymbolAt(metas - 1), META_LENGTHS)) metas--;
  let cost = costOfData(LENGTHS) + 17 + metas * 3;
  for (let symbol = 0; symbol < 19; symbol++) {
    cost +=
      load<u32>(symbol << 2, META_FREQUENCIES) *
      (load<u8>(symbol, META_LENGTHS) + metaExtraBitsOf(symbol));
  }

  const size = end - source;
  const pending = <u32>bitCount;
  const storedCost =
    (size / LARGEST_STORED) * 40 + (((pending + 10) & ~7) - pending) + 32 + (size << 3);
  const fixed = fixedCost <= cost;
  if (fixed) cost = fixedCost;
  const stored = <u32>storedCost < cost;
  if (stored) cost = storedCost;
  if (out + <i32>((pending + cost + 7) >>> 3) > room) return false;
  if (stored) {
    writeStored(source, end, final);
    return true;
  }
  let header = HEADER;
  if (fixed) {
    store<u32>(header, ((final | 2) << 8) | 3);
    header += 4;
  } else {
    // BFINAL, BTYPE 2, HLIT, HDIST, HCLEN
    const counts = ((literals - 257) << 3) | ((distances - 1) << 8) | ((metas - 4) << 13);
    store<u32>(header, ((final | 4 | counts) << 8) | 17);
    header += 4;
    for (let i = 0; i < metas; i++) {
      store<u32>(header, ((<i32>load<u8>(metaSymbolAt(i), META_LENGTHS)) << 8) | 3);
      header += 4;
    }
    buildCodes(META_LENGTHS, 19, META_CODES, 0);
    for (let at = ITEMS; at < itemsEnd; at += 2) {
      const symbol = <i32>load<u8>(at);
      const code = load<u32>(symbol << 2, META_CODES);
      store<u32>(
        header,
        code + metaExtraBitsOf(symbol) + ((<u32>load<u8>(at + 1)) << (8 + (code & 255))),
      );
      header += 4;
    }
  }
  for (let at = HEADER; at < header; at += 4) {
    const code = <u64>load<u32>(at);
    bits |= (code >>> 8) << bitCount;
    bitCount += code & 255;
    store64(out, bits);
    out += <i32>(bitCount >>> 3);
    bits >>= bitCount & 56;
    bitCount &= 7;
  }
  const lengths = fixed ? FIXED_LENGTHS : LENGTHS;
  buildCodes(lengths, LITERAL_SYMBOLS, LITERAL_CODES, fixed ? 2 : 0);
  buildCodes(lengths + LITERAL_SYMBOLS, DISTANCE_SYMBOLS, DISTANCE_CODES, 0);
  for (let l = 0; l < 256; l++) {
    const symbol = lengthSymbolOf(l);
    const code = load<u32>(symbol << 2, LITERAL_CODES);
    const extraBits = extraBitsOf(symbol);
    const extra = l & ((1 << extraBits) - 1);
    store<u32>(l << 2, code + extraBits + (extra << (8 + (code & 255))), MATCH_CODES);
  }
  writeTokens(source, tokens);
  return true;
}

/** Bits are written from dst on. */
export function startBits(dst: i32): void {
  bits = 0;
  bitCount = 0;
  out = dst;
}

/** Writes what is left of the last byte; returns the end of the output. */
export function endBits(): i32 {
  if (bitCount) store<u8>(out++, bits);
  return out;
}

/** An empty stored block: what was written so far can be inflated to its end. */
export function writeSync(room: i32): bool {
  if (out + (bitCount > 5 ? 6 : 5) > room) return false;
  writeStored(0, 0, 0);
  bits = 0;
  bitCount = 0;
  return true;
}

/** Writes [src, end) in blocks, the last of them marked if `final`; false if there is no room. */
export function writeFast(src: i32, end: i32, final: i32, room: i32): bool {
  memory.fill(HEADS, 0, HEADS_BYTES);
  let p = src;
  do {
    memory.fill(FREQUENCIES, 0, COUNTERS_BYTES);
    const start = p;
    p = parse(src, start, end);
    if (!writeBlock(start, p, final & i32(p == end), room, TOKENS, false)) return false;
  } while (p < end);
  return true;
}
