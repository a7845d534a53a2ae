/**
 * What DEFLATE's levels `default` and `best` need besides the work area of `fast` (match.ts):
 *
 * ```text
 *   LAZY_HEADS      128 KiB   lazy.ts: the last place of each hash,
 *   LAZY_PREVIOUS    64 KiB   and how far back the place before has the same, 2^15 positions
 *   OPTIMAL_HEADS   128 KiB   optimal.ts: the same for its own search, which follows behind
 *   OPTIMAL_PREVIOUS 64 KiB
 *   OPTIMAL_HEADS_3  64 KiB   the last place of each hash of three bytes
 *   HISTOGRAMS        4 KiB   split.ts: symbols counted
 *   PACKAGES         16 KiB   huffman.ts: package-merge
 *   PRICES            4 KiB   optimal.ts: what symbols cost
 *   COSTS            36 KiB   what the rest of the block costs from a position on
 *   CHOICES         768 KiB   the match chosen at each position
 *   CANDIDATES      1.8 MiB   matches found; in the end the tokens
 * ```
 */

import { CODECS_END, CODECS_WORK } from '../memory';

export const HASH_BITS: i32 = 15;
export const HEADS_BYTES: i32 = 4 << HASH_BITS;
const PREVIOUS_BYTES: i32 = 2 << 15;
export const HASH_3_BITS: i32 = 14;
export const HEADS_3_BYTES: i32 = 4 << HASH_3_BITS;
/** What `optimal.ts` can take in one block. */
export const OPTIMAL_BYTES: i32 = 192 << 10;
export const COSTS_BYTES: i32 = 36 << 10;

export const LAZY_HEADS: i32 = CODECS_WORK;
export const LAZY_PREVIOUS: i32 = LAZY_HEADS + HEADS_BYTES;
export const OPTIMAL_HEADS: i32 = LAZY_PREVIOUS + PREVIOUS_BYTES;
export const OPTIMAL_PREVIOUS: i32 = OPTIMAL_HEADS + HEADS_BYTES;
export const OPTIMAL_HEADS_3: i32 = OPTIMAL_PREVIOUS + PREVIOUS_BYTES;
export const HISTOGRAMS: i32 = OPTIMAL_HEADS_3 + HEADS_3_BYTES;
export const PACKAGES: i32 = HISTOGRAMS + 0x1000;
export const PRICES: i32 = PACKAGES + 0x4000;
export const COSTS: i32 = PRICES + 0x1000;
export const CHOICES: i32 = COSTS + COSTS_BYTES;
export const CANDIDATES: i32 = CHOICES + OPTIMAL_BYTES * 4;
export const CANDIDATES_END: i32 = CODECS_END;
