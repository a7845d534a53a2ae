/** CRC-32 (ISO-HDLC: gzip, zip, PNG). How it is computed: `crc.ts`. */

import { CRC32_TABLES } from '../memory';
import * as crc from './crc';

/** Bit-reversed. */
const POLYNOMIAL: i32 = 0xedb88320;

/** Of x^300 + x^155 + x^117 + x^89 + 1. */
const TAP_1: i32 = 145 * 16;
const TAP_2: i32 = 183 * 16;
const TAP_3: i32 = 211 * 16;
const SPAN: i32 = 300 * 16;
/** Shorter inputs go through the tables alone. */
const WORTHWHILE: i32 = SPAN + SPAN / 2;

/** bounds: reads exactly [src, src + length). */
function slices(before: u32, src: i32, length: i32): u32 {
  return crc.slices(CRC32_TABLES, before, src, length);
}

/**
 * CRC-32 of `length` bytes at `src`, continuing from `seed`: the checksum of what came before,
 * 0 at the start.
 *
 * bounds: reads exactly [src, src + length).
 */
export function crc32(seed: i32, src: i32, length: i32): i32 {
  if (!load<i32>(4, CRC32_TABLES)) crc.buildTables(POLYNOMIAL, CRC32_TABLES);
  let sum: u32 = ~seed;
  if (length >= WORTHWHILE) {
    crc.strikeOut(sum, src, length, TAP_1, TAP_2, TAP_3, 0, SPAN);
    sum = slices(0, crc.restAt(SPAN), SPAN);
    src += length & ~15;
    length &= 15;
  }
  return ~slices(sum, src, length);
}
