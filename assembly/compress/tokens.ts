/** Symbols of lengths and distances, and the tokens that `writeTokens` reads (match.ts). */

import { LITERAL_SYMBOLS } from './match';

/** Extra bits of a literal/length or distance symbol. */
export function extraBitsOf(symbol: i32): i32 {
  if (symbol >= LITERAL_SYMBOLS) return max(((symbol - LITERAL_SYMBOLS) >>> 1) - 1, 0);
  return symbol < 265 || symbol == 285 ? 0 : (symbol - 261) >>> 2;
}

/** Symbol of a match length, given less 3; 258 has one to itself. */
// @ts-ignore: decorator
@inline
export function lengthSymbolOf(l: i32): i32 {
  const extraBits = max(29 - clz(l | 1), 0);
  return l == 255 ? 285 : 257 + (extraBits << 2) + (l >>> extraBits);
}

/** Number of extra bits of a distance, given less 1: it is coded as floating point. */
// @ts-ignore: decorator
@inline
export function distanceExtraBitsOf(d: i32): i32 {
  return max(30 - clz(d | 1), 0);
}

/** The match of a token, of its length less 3 and its distance less 1. */
// @ts-ignore: decorator
@inline
export function matchToken(l: i32, d: i32, extraBits: i32, symbol: i32): u64 {
  const extra = d & ((1 << extraBits) - 1);
  return <u64>(<u32>((extra << 17) | (extraBits << 13) | (symbol << 8) | l));
}
