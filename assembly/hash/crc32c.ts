/** CRC-32C (Castagnoli: iSCSI, the framed form of snappy). How it is computed: `crc.ts`. */

import { CRC32C_TABLES } from '../memory';
import * as crc from './crc';

/** Bit-reversed. */
const POLYNOMIAL: i32 = 0x82f63b78;

/**
 * Of x^209 + x^144 + x^54 + x^39 + x^14 + 1: the polynomial is one of those that x + 1 divides, whose
 * multiples have an even number of terms, and none has four before x^5243.
 */
const TAP_1: i32 = 65 * 16;
const TAP_2: i32 = 155 * 16;
const TAP_3: i32 = 170 * 16;
const TAP_4: i32 = 195 * 16;
const SPAN: i32 = 209 * 16;
/** Shorter inputs go through the tables alone. */
const WORTHWHILE: i32 = SPAN + SPAN / 2;

/** bounds: reads exactly [src, src + length). */
function slices(before: u32, src: i32, length: i32): u32 {
  return crc.slices(CRC32C_TABLES, before, src, length);
}

/**
 * CRC-32C of `length` bytes at `src`, continuing from `seed`: the checksum of what came before,
 * 0 at the start.
 *
 * bounds: reads exactly [src, src + length).
 */
export function crc32c(seed: i32, src: i32, length: i32): i32 {
  if (!load<i32>(4, CRC32C_TABLES)) crc.buildTables(POLYNOMIAL, CRC32C_TABLES);
  let sum: u32 = ~seed;
  if (length >= WORTHWHILE) {
    crc.strikeOut(sum, src, length, TAP_1, TAP_2, TAP_3, TAP_4, SPAN);
    sum = slices(0, crc.restAt(SPAN), SPAN);
    src += length & ~15;
    length &= 15;
  }
  return ~slices(sum, src, length);
}
