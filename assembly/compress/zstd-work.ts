/**
 * Where the zstd compressor keeps what it works with, in CODECS_WORK; nothing outlives a call.
 *
 * ```text
 *   MATCH_TABLES  2.25 MiB  positions by hash, chains (zstd-match.ts)
 *   SEQUENCES      344 KiB  u64 each: a block's literals and matches in turn
 *   CODES          172 KiB  u32 each: their symbols
 *   LITERALS       128 KiB  the block's literals in a row, and overshoot
 *   ENTROPY         40 KiB  counters and tables (zstd-literals.ts, zstd-sequences.ts)
 * ```
 */

import { CODECS_WORK, OVERSHOOT_BYTES } from '../memory';

/** The most that a block may hold (RFC 8878, 3.1.1.2.3). */
export const BLOCK_BYTES: i32 = 0x20000;
/** Matches are no shorter, so there are no more sequences in a block. */
export const SHORTEST_MATCH: i32 = 3;
const MOST_SEQUENCES: i32 = BLOCK_BYTES / SHORTEST_MATCH + 1;

export const MATCH_TABLES: i32 = CODECS_WORK;
export const MATCH_TABLES_BYTES: i32 = 0x240000;
export const SEQUENCES: i32 = MATCH_TABLES + MATCH_TABLES_BYTES;
export const CODES: i32 = SEQUENCES + MOST_SEQUENCES * 8;
export const LITERALS: i32 = CODES + MOST_SEQUENCES * 4;
export const ENTROPY: i32 = LITERALS + BLOCK_BYTES + OVERSHOOT_BYTES;
