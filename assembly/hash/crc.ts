/**
 * A 32-bit cyclic redundancy check without a carry-less multiplication, for any polynomial.
 *
 * A message is a polynomial over GF(2), its checksum the rest after division by P. So any
 * multiple of P may be added to it. P has a sparse multiple, found by search; that of CRC-32, say,
 * has five terms:
 *
 *     S(x) = x^300 + x^155 + x^117 + x^89 + 1
 *
 * Squaring over GF(2) squares each term, so S(x)^128 = S(x^128) is a multiple too and its
 * terms lie whole 16-byte vectors apart: a vector can be struck out of the message by adding
 * it to those 145, 183, 211 and 300 places further on. Seen from there,
 *
 *     w[k] = message[k] ^ w[k - 145] ^ w[k - 183] ^ w[k - 211] ^ w[k - 300]
 *
 * is what stands at place k when it is its turn: five loads and four exclusive ors for
 * 16 bytes, no tables, nothing that waits for the previous step. The last 300 vectors are
 * not struck out; they hold what is left of the message, 4800 bytes, which go through the
 * usual tables, 16 bytes a step. Measured on 256 KiB: 12 GB/s
 * with SIMD, 5 to 7 without, where tables alone reach 2.
 *
 * w is written into the gzip work area, which holds nothing between calls. With the span of S in
 * bytes, 16 for each vector:
 *
 *     the last vectors of w: span | chunk being struck out, up to 16 KiB | rest: span
 *
 * The seed belongs into the first four bytes; it is put into the empty history one span before
 * them.
 *
 * What depends on the polynomial is inlined where its numbers are known.
 */

import { xor5, xor6 } from '../lanes/index';
import { load32 } from '../lanes/unaligned';
import { GZIP_WORK } from '../memory';

/** Of one table; there are 16. Table t holds the checksum of a byte followed by t zeros. */
const TABLE_BYTES: i32 = 1024;
const HISTORY: i32 = GZIP_WORK;
const CHUNK: i32 = 16 * 1024;

/** @param polynomial bit-reversed. */
// @ts-ignore: decorator
@inline
export function buildTables(polynomial: i32, tables: i32): void {
  for (let i = 0; i < 16 * 256; i++) {
    // One zero more than in the table before.
    const before = tables + (i << 2) - TABLE_BYTES;
    let crc = i < 256 ? i : load<i32>(before);
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (polynomial & -(crc & 1));
    store<i32>(before, crc, TABLE_BYTES);
  }
}

/**
 * Sixteen bytes a step, then byte by byte.
 *
 * bounds: reads exactly [src, src + length); table indices are bytes.
 */
// @ts-ignore: decorator
@inline
export function slices(tables: i32, crc: u32, src: i32, length: i32): u32 {
  for (; length >= 16; length -= 16) {
    let next: u32 = 0;
    for (let table = tables + 12 * TABLE_BYTES; table >= tables; table -= 4 * TABLE_BYTES) {
      const word = load32(src) ^ crc;
      next ^=
        load<u32>(table + ((word & 255) << 2), 3 * TABLE_BYTES) ^
        load<u32>(table + (((word >>> 8) & 255) << 2), 2 * TABLE_BYTES) ^
        load<u32>(table + (((word >>> 16) & 255) << 2), TABLE_BYTES) ^
        load<u32>(table + ((word >>> 24) << 2));
      crc = 0;
      src += 4;
    }
    crc = next;
  }
  while (length--) {
    crc = (crc >>> 8) ^ load<u32>(tables + (((crc ^ load<u8>(src++)) & 255) << 2));
  }
  return crc;
}

/** Where `strikeOut` leaves what is left of a message. */
// @ts-ignore: decorator
@inline
export function restAt(span: i32): i32 {
  return HISTORY + span + CHUNK;
}

/**
 * Leaves of the whole vectors of [src, src + length) `span` bytes at `restAt(span)` that have the
 * same checksum, begun with 0, as those have begun with `crc`. They are more than `span` bytes.
 *
 * All taps are multiples of 16, those between a vector and its addends but for `span`, which is the
 * furthest; `tap4` is 0 where there is none.
 *
 * bounds: reads [src, src + (length & ~15)). w is written from HISTORY + span to less than CHUNK bytes
 * on, or span bytes from the rest; taps reach back to HISTORY.
 */
// @ts-ignore: decorator
@inline
export function strikeOut(
  crc: u32,
  src: i32,
  length: i32,
  tap1: i32,
  tap2: i32,
  tap3: i32,
  tap4: i32,
  span: i32,
): void {
  memory.fill(HISTORY, 0, span);
  store<u32>(HISTORY, crc);
  const rest = src + (length & ~15) - span;
  while (true) {
    const last = src == rest;
    const size = last ? span : min(rest - src, CHUNK);
    const dst = last ? restAt(span) : HISTORY + span;
    for (let i = 0; i < size; i += 16) {
      const h = HISTORY + span + i;
      if (tap4) xor6(dst + i, src + i, h - tap1, h - tap2, h - tap3, h - tap4, h - span);
      else xor5(dst + i, src + i, h - tap1, h - tap2, h - tap3, h - span);
    }
    if (last) break;
    src += size;
    memory.copy(HISTORY, HISTORY + size, span);
    if (src == rest) memory.fill(HISTORY + span, 0, span);
  }
}
