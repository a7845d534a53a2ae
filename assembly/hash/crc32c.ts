/** CRC-32C (Castagnoli: iSCSI, the framed form of snappy). The tables are as in `crc32.ts`. */

import { CRC32C_TABLES } from '../memory';
import { buildCrcTables, sliceCrc } from './crc-tables';

/** Bit-reversed. */
const POLYNOMIAL: i32 = 0x82f63b78;

/**
 * CRC-32C of `length` bytes at `src`, continuing from `seed`: the checksum of what came before,
 * 0 at the start.
 *
 * bounds: reads exactly [src, src + length).
 */
export function crc32c(seed: i32, src: i32, length: i32): i32 {
  if (!load<i32>(4, CRC32C_TABLES)) buildCrcTables(POLYNOMIAL, CRC32C_TABLES);
  return ~sliceCrc(CRC32C_TABLES, ~seed, src, length);
}
