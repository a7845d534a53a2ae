/**
 * The literals section of a zstd block (RFC 8878, 3.1.1.3.1).
 *
 * Literals are split into four streams, so the counters are four as well: summed they give the
 * Huffman code, apart from each other, with its lengths, the exact size of every stream before
 * a bit is written. So the cheapest form is known first, room is checked once, and each stream
 * goes where it belongs. A code that a block before has sent is used again where the new one
 * does not make up for its description.
 *
 * The decoder reads a stream from its end, so it is written from its last symbol. Bits collect
 * in a 64-bit word: five codes of at most 11 bits fit behind the 7 that a store may leave.
 * Entries are `code << 8 | length` and are added to the bit count whole; wasm takes shift counts
 * modulo 64, so the rubbish above is masked once per store.
 */

import { load32, load64, store16, store32, store64 } from '../lanes/unaligned';
import { buildTable, describe, FSE_TABLE_BYTES, firstState, logOf, share } from './fse';
import { buildLengths } from './huffman';
import { ENTROPY } from './zstd-work';

const LONGEST_CODE: i32 = 11;
/** Up to so many literals go into one stream: what one header size can tell. */
const SINGLE_STREAM: i32 = 1023;
/** Fewer are not worth a code of their own. */
const WORTHWHILE: i32 = 32;

/** Four times u32 of 256 symbols. */
const COUNTS: i32 = ENTROPY;
/** Their sums. */
const FREQUENCIES: i32 = COUNTS + 4096;
/** Two codes, the current and the one before: u32 of 256 symbols, then a length each, u8. */
const HUFFMAN_BYTES: i32 = 1024 + 256;
const HUFFMAN: i32 = FREQUENCIES + 1024;
const LENGTHS: i32 = 1024;
/** The description of a code: its size, then up to 128 bytes and what is stored behind them. */
const DESCRIPTION: i32 = HUFFMAN + 2 * HUFFMAN_BYTES;
const WEIGHTS: i32 = DESCRIPTION + 256;
const WEIGHT_COUNTS: i32 = WEIGHTS + 256;
const WEIGHT_TABLE: i32 = WEIGHT_COUNTS + 64;
const RANKS: i32 = WEIGHT_TABLE + FSE_TABLE_BYTES;
export const LITERALS_WORK_BYTES: i32 = RANKS + 64 - ENTROPY;

/** The code that the decoder has, 0 if it has none. */
let known: i32 = 0;
/** The code it will have after this block. */
let next: i32 = 0;

/** Begins a frame, or a part of it that does not know what the part before has sent. */
export function forgetLiterals(): void {
  known = 0;
}

/** The block with the literals encoded last has been sent. */
export function keepLiterals(): void {
  known = next;
}

// @ts-ignore: decorator
@inline
function count(counter: i32, symbol: u64): void {
  const at = counter + ((<i32>symbol & 255) << 2);
  store<i32>(at, load<i32>(at) + 1);
}

/** Counts the symbols of [src, src + size), each quarter on its own. */
function countSymbols(src: i32, size: i32): void {
  memory.fill(COUNTS, 0, 4096);
  const quarter = (size + 3) >>> 2;
  const end = src + size;
  let counter = COUNTS;
  for (let from = src; from < end; from += quarter) {
    const to = min(from + quarter, end);
    let p = from;
    for (; p + 4 <= to; p += 4) {
      const four = load32(p);
      count(counter, four);
      count(counter, four >>> 8);
      count(counter, four >>> 16);
      count(counter, four >>> 24);
    }
    for (; p < to; p++) count(counter, load<u8>(p));
    counter += 1024;
  }
}

/** Bits of a stream with these counts under a code; 0 if there are none. */
function streamBits(counts: i32, code: i32): i32 {
  let bits = 0;
  for (let symbol = 0; symbol < 256; symbol++) {
    bits += load<i32>(counts + (symbol << 2)) * <i32>load<u8>(code + symbol, LENGTHS);
  }
  return bits;
}

// @ts-ignore: decorator
@inline
function streamBytes(counts: i32, code: i32): i32 {
  return (streamBits(counts, code) >>> 3) + 1;
}

/** Whether a code has a word for everything counted. */
function covers(code: i32): bool {
  for (let symbol = 0; symbol < 256; symbol++) {
    if (load<i32>(symbol << 2, FREQUENCIES) && !load<u8>(code + symbol, LENGTHS)) return false;
  }
  return true;
}

/**
 * Writes the weights of symbols up to `last` (exclusive) as the two interleaved states of an FSE
 * stream to dst; returns the end.
 */
function writeWeights(last: i32, dst: i32): i32 {
  share(WEIGHT_TABLE, WEIGHT_COUNTS, 16, last, last > 127 ? 6 : 5);
  buildTable(WEIGHT_TABLE, 16);
  dst = describe(WEIGHT_TABLE, 16, dst);
  let i = last - 1;
  let a = firstState(WEIGHT_TABLE, load<u8>(i, WEIGHTS));
  let b = firstState(WEIGHT_TABLE, load<u8>(--i, WEIGHTS));
  let bits: u64 = 0;
  let n = 0;
  while (i--) {
    const entry = load64(WEIGHT_TABLE + ((<i32>load<u8>(i, WEIGHTS)) << 3));
    const size = (a + <i32>entry) >>> 16;
    const rest = a >>> size;
    bits |= (<u64>(a - (rest << size))) << n;
    n += size;
    // The states take turns.
    a = b;
    b = <i32>load<u16>(<i32>(entry >> 32) + (rest << 1));
    store64(dst, bits);
    dst += n >>> 3;
    bits >>= n & 56;
    n &= 7;
  }
  const log = logOf(WEIGHT_TABLE);
  const mask = (1 << log) - 1;
  bits |= (<u64>(a & mask)) << n;
  n += log;
  bits |= (<u64>(b & mask)) << n;
  n += log;
  bits |= (<u64>1) << n;
  store64(dst, bits);
  return dst + (n >>> 3) + 1;
}

/** Writes a code's description to DESCRIPTION; returns its size, 0 if it cannot be described. */
function describeCode(code: i32, longest: i32): i32 {
  let last = 255;
  while (!load<u8>(code + last, LENGTHS)) last--;
  memory.fill(WEIGHT_COUNTS, 0, 64);
  for (let symbol = 0; symbol < last; symbol++) {
    const length = <i32>load<u8>(code + symbol, LENGTHS);
    const weight = length ? longest + 1 - length : 0;
    store<u8>(symbol, weight, WEIGHTS);
    const at = weight << 2;
    store<i32>(at, load<i32>(at, WEIGHT_COUNTS) + 1, WEIGHT_COUNTS);
  }
  let most = 0;
  for (let at = 0; at < 64; at += 4) most = max(most, load<i32>(at, WEIGHT_COUNTS));
  let size = 128;
  if (last > 1 && most < last) size = writeWeights(last, DESCRIPTION + 1) - DESCRIPTION - 1;
  store<u8>(DESCRIPTION, size);
  const plain = (last + 1) >>> 1;
  if (plain < size && last <= 128) {
    store<u8>(DESCRIPTION, last + 127);
    store<u8>(last, 0, WEIGHTS);
    for (let i = 0; i < plain; i++) {
      const weights = (load<u8>(i << 1, WEIGHTS) << 4) | load<u8>(i << 1, WEIGHTS + 1);
      store<u8>(i, weights, DESCRIPTION + 1);
    }
    size = plain;
  }
  return size < 128 ? size + 1 : 0;
}

/** Gives the symbols of a code their bits: the longest codes are the lowest. */
function buildWords(code: i32, longest: i32): void {
  memory.fill(RANKS, 0, 64);
  for (let symbol = 0; symbol < 256; symbol++) {
    const at = (<i32>load<u8>(code + symbol, LENGTHS)) << 2;
    store<i32>(at, load<i32>(at, RANKS) + 1, RANKS);
  }
  let word = 0;
  for (let length = longest; length; length--) {
    const at = length << 2;
    const size = load<i32>(at, RANKS);
    store<i32>(at, word, RANKS);
    word = (word + size) >>> 1;
  }
  for (let symbol = 0; symbol < 256; symbol++) {
    const length = <i32>load<u8>(code + symbol, LENGTHS);
    const at = length << 2;
    const word = load<i32>(at, RANKS);
    store<i32>(at, word + 1, RANKS);
    store<i32>(code + (symbol << 2), length ? (word << 8) | length : 0);
  }
}

/**
 * Writes the codes of [src, end) from the last on to dst.
 *
 * bounds: the stream's size is known to fit; stores reach at most 8 bytes behind it.
 */
function writeStream(code: i32, src: i32, end: i32, dst: i32): void {
  let bits: u64 = 0;
  let n: u64 = 0;
  for (let rest = (end - src) % 5; rest; rest--) {
    const word = <u64>load<u32>(code + ((<i32>load<u8>(--end)) << 2));
    bits |= (word >> 8) << n;
    n += word & 255;
  }
  while (true) {
    store64(dst, bits);
    dst += <i32>(n >> 3) & 7;
    bits >>= n & 56;
    n &= 7;
    if (end == src) break;
    end -= 5;
    let word = <u64>load<u32>(code + ((<i32>load<u8>(end, 4)) << 2));
    bits |= (word >> 8) << n;
    n += word;
    word = <u64>load<u32>(code + ((<i32>load<u8>(end, 3)) << 2));
    bits |= (word >> 8) << n;
    n += word;
    word = <u64>load<u32>(code + ((<i32>load<u8>(end, 2)) << 2));
    bits |= (word >> 8) << n;
    n += word;
    word = <u64>load<u32>(code + ((<i32>load<u8>(end, 1)) << 2));
    bits |= (word >> 8) << n;
    n += word;
    word = <u64>load<u32>(code + ((<i32>load<u8>(end)) << 2));
    bits |= (word >> 8) << n;
    n += word;
  }
  store<u8>(dst, <u8>(bits | (1 << n)));
}

/** Literals as they are, or one that repeats: `type` 0 or 1. */
function writePlain(type: i32, src: i32, size: i32, dst: i32, limit: i32): i32 {
  const bytes = type ? 1 : size;
  if (dst + bytes + 1 + i32(size > 31) + i32(size > 4095) > limit) return 0;
  if (size < 32) {
    store<u8>(dst++, (size << 3) | type);
  } else if (size < 4096) {
    store16(dst, (size << 4) | 4 | type);
    dst += 2;
  } else {
    store32(dst, (size << 4) | 12 | type);
    dst += 3;
  }
  memory.copy(dst, src, bytes);
  return dst + bytes;
}

/** Writes the literals of a block to dst; returns the end, or 0 if that lies behind `limit`. */
export function writeLiterals(src: i32, size: i32, dst: i32, limit: i32): i32 {
  next = known;
  if (size < WORTHWHILE) return writePlain(0, src, size, dst, limit);
  countSymbols(src, size);
  let most = 0;
  for (let at = 0; at < 1024; at += 4) {
    const sum =
      load<i32>(at, COUNTS) +
      load<i32>(at, COUNTS + 1024) +
      load<i32>(at, COUNTS + 2048) +
      load<i32>(at, COUNTS + 3072);
    store<i32>(at, sum, FREQUENCIES);
    most = max(most, sum);
  }
  if (most == size) return writePlain(1, src, size, dst, limit);
  if (most <= (size >>> 7) + 4) return writePlain(0, src, size, dst, limit);

  const fresh = HUFFMAN + (known == HUFFMAN ? HUFFMAN_BYTES : 0);
  buildLengths(FREQUENCIES, 256, LONGEST_CODE, fresh + LENGTHS);
  let longest = 0;
  for (let symbol = 0; symbol < 256; symbol++) {
    longest = max(longest, <i32>load<u8>(fresh + symbol, LENGTHS));
  }
  let description = describeCode(fresh, longest);
  let bits = streamBits(FREQUENCIES, fresh) + (description << 3);
  if (!description) bits = 0x7fffffff;
  let code = fresh;
  if (known && covers(known)) {
    const again = streamBits(FREQUENCIES, known);
    if (again <= bits) {
      bits = again;
      code = known;
      description = 0;
    }
  }
  if ((bits >>> 3) + 12 >= size) return writePlain(0, src, size, dst, limit);

  const type = description ? 2 : 3;
  let compressed = description;
  let size1 = 0;
  let size2 = 0;
  let size3 = 0;
  if (size <= SINGLE_STREAM) {
    compressed += streamBytes(FREQUENCIES, code);
  } else {
    size1 = streamBytes(COUNTS, code);
    size2 = streamBytes(COUNTS + 1024, code);
    size3 = streamBytes(COUNTS + 2048, code);
    compressed += 6 + size1 + size2 + size3 + streamBytes(COUNTS + 3072, code);
  }
  const format = size <= SINGLE_STREAM ? 0 : size < 1 << 14 ? 2 : 3;
  const header = max(format + 2, 3);
  const end = dst + header + compressed;
  if (end > limit) return 0;
  // Both sizes have 10, 14 or 18 bits.
  const width = format ? format * 4 + 6 : 10;
  store64(dst, type | (format << 2) | ((<u64>size) << 4) | ((<u64>compressed) << (4 + width)));
  dst += header;
  memory.copy(dst, DESCRIPTION, description);
  dst += description;
  if (code == fresh) {
    buildWords(fresh, longest);
    next = fresh;
  }
  if (format) {
    const quarter = (size + 3) >>> 2;
    store32(dst, size1 | (size2 << 16));
    store16(dst + 4, size3);
    dst += 6;
    // In this order, as a stream's last store reaches into the next one.
    writeStream(code, src, src + quarter, dst);
    dst += size1;
    writeStream(code, src + quarter, src + 2 * quarter, dst);
    dst += size2;
    writeStream(code, src + 2 * quarter, src + 3 * quarter, dst);
    dst += size3;
    writeStream(code, src + 3 * quarter, src + size, dst);
  } else {
    writeStream(code, src, src + size, dst);
  }
  return end;
}
