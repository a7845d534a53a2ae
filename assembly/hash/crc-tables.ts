/**
 * A 32-bit checksum by tables, 16 bytes a step: table t holds the checksum of a byte followed by t
 * zeros. Inlined, so that a polynomial's tables stand in the instructions as a constant.
 */

import { load32 } from '../lanes/unaligned';

/** Of one table; there are 16. */
const TABLE_BYTES: i32 = 1024;

/** @param polynomial bit-reversed. */
// @ts-ignore: decorator
@inline
export function buildCrcTables(polynomial: i32, tables: i32): void {
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (polynomial & -(crc & 1));
    store<i32>(tables + (byte << 2), crc);
  }
  for (let p = tables; p < tables + 15 * TABLE_BYTES; p += 4) {
    const crc = load<u32>(p);
    store<u32>(p, (crc >>> 8) ^ load<u32>(tables + ((crc & 255) << 2)), TABLE_BYTES);
  }
}

/**
 * Sixteen bytes a step, then byte by byte.
 *
 * bounds: reads exactly [src, src + length); table indices are bytes.
 */
// @ts-ignore: decorator
@inline
export function sliceCrc(tables: i32, crc: u32, src: i32, length: i32): u32 {
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
