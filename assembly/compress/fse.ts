/**
 * Finite state entropy (RFC 8878, 4.1): shares of a table from counts, their description, and
 * the table that encodes.
 *
 * A distribution gives each symbol a share of the 2^log cells of a table, at least one cell if it
 * occurs at all. The decoder's state is a cell: it names a symbol, and how many bits to read to
 * get to the next cell. The encoder walks the same way backwards. A state x, kept as 2^log plus
 * the cell, goes to the next one by
 *
 *     count = (x + step) >>> 16       bits to be written, the lowest of x
 *     x = cells[(x >>> count) + first]
 *
 * where `step` carries two counts that differ by one, and the state at which the larger begins,
 * in one number. Of all cells of a symbol with s of them, x >>> count is always one of
 * s … 2s - 1, so `first` is where its cells begin, less s.
 *
 * A table takes FSE_TABLE_BYTES:
 *
 *     0 ┌────────────────────────┐
 *       │ symbols      64 * u64  │ step, and the address `first` stands for << 32
 *   512 ├────────────────────────┤
 *       │ cells       512 * u16  │ 2^log + cell, by symbol
 *  1536 ├────────────────────────┤
 *       │ shares       64 * i16  │ cells of each symbol; -1: one, at the table's end
 *  1664 ├────────────────────────┤
 *       │ log               i32  │
 *       └────────────────────────┘
 */

import { load16, load64, store16, store64 } from '../lanes/unaligned';

const MOST_SYMBOLS: i32 = 64;
const CELLS: i32 = MOST_SYMBOLS * 8;
const SHARES: i32 = CELLS + 1024;
const LOG: i32 = SHARES + MOST_SYMBOLS * 2;
/** Of each symbol, where its next cell is listed, while a table is built; i32. */
const NEXT_CELLS: i32 = LOG + 4;
/** The symbol of each cell, while a table is built. */
const CELL_SYMBOLS: i32 = NEXT_CELLS + MOST_SYMBOLS * 4;
export const FSE_TABLE_BYTES: i32 = CELL_SYMBOLS + 512;

/** Costs are in 1/256 bit. */
export const COST_SHIFT: i32 = 8;
/** More than any block's. */
export const COST_NEVER: u32 = 0x7fffffff;

/** log2(value) in 1/256, for values from 1 on; at most one too low. */
export function log2Cost(value: u32): u32 {
  const whole = 31 - clz(value);
  const part = ((value << (31 - whole)) >>> 15) & 0xffff;
  // The chord from 1 to 2 lies below log2 by up to 0.086: a parabola closes most of that.
  const bulge = (((part * (0x10000 - part)) >>> 16) * 22) >>> 16;
  return (whole << COST_SHIFT) + (part >>> 8) + bulge;
}

// @ts-ignore: decorator
@inline
export function logOf(table: i32): i32 {
  return load<i32>(table + LOG);
}

/**
 * Bits, in 1/256, that symbols with these counts take under a table's shares; COST_NEVER if one
 * of them has no share.
 */
export function costUnder(table: i32, counts: i32, symbols: i32): u32 {
  const whole = <u32>logOf(table) << COST_SHIFT;
  let sum: u32 = 0;
  for (let symbol = 0; symbol < symbols; symbol++) {
    const count = load<u32>(counts + (symbol << 2));
    if (!count) continue;
    const share = <i32>load<i16>(table + (symbol << 1), SHARES);
    if (!share) return COST_NEVER;
    sum += count * (whole - log2Cost(max(share, 1)));
  }
  return sum;
}

/**
 * Shares out the 2^log cells of a table among symbols with these counts, `total` altogether; at
 * least two symbols, and no more than cells, have one.
 *
 * Rounded at the geometric mean, where two shares cost the same; what is then missing or too many
 * goes to, or is taken from, where it costs least.
 */
export function share(table: i32, counts: i32, symbols: i32, total: i32, log: i32): void {
  const scale = <f64>(1 << log) / <f64>total;
  store<i32>(table + LOG, log);
  let left = 1 << log;
  for (let symbol = 0; symbol < symbols; symbol++) {
    const count = load<i32>(counts + (symbol << 2));
    let cells = 0;
    if (count) {
      const exact = <f64>count * scale;
      cells = max(<i32>exact, 1);
      if (exact * exact > <f64>(cells * (cells + 1))) cells++;
    }
    store<i16>(table + (symbol << 1), <i16>cells, SHARES);
    left -= cells;
  }
  while (left) {
    const step = left > 0 ? 1 : -1;
    let best = 0;
    let bestGain = -Infinity;
    for (let symbol = 0; symbol < symbols; symbol++) {
      const count = load<i32>(counts + (symbol << 2));
      const cells = <i32>load<i16>(table + (symbol << 1), SHARES);
      if (!count || cells + step <= 0) continue;
      // Close to what the cell before, or behind, the last is worth: count * ln(1 + 1 / cells).
      const gain = <f64>(count * step) / (<f64>cells + 0.5 * <f64>step);
      if (gain > bestGain) {
        bestGain = gain;
        best = symbol;
      }
    }
    const at = table + (best << 1);
    store<i16>(at, load<i16>(at, SHARES) + <i16>step, SHARES);
    left -= step;
  }
}

/**
 * Writes a table's description (RFC 8878, 4.1.1) to dst and returns its end.
 *
 * bounds: takes at most 10 bits for each of 64 symbols; stores reach 8 bytes from where they are.
 */
export function describe(table: i32, symbols: i32, dst: i32): i32 {
  const log = logOf(table);
  let bits: u64 = log - 5;
  let n = 4;
  let left = (1 << log) + 1;
  let threshold = 1 << log;
  let width = log + 1;
  let symbol = 0;
  while (symbol < symbols && left > 1) {
    const cells = <i32>load<i16>(table + (symbol << 1), SHARES);
    const most = 2 * threshold - 1 - left;
    left -= abs(cells);
    let value = cells + 1;
    if (value >= threshold) value += most;
    bits |= (<u64>value) << n;
    n += width - i32(value < most);
    symbol++;
    if (!cells) {
      // How many more without a share: by threes, then the rest.
      let run = 0;
      while (symbol + run < symbols && !load<i16>(table + ((symbol + run) << 1), SHARES)) run++;
      symbol += run;
      for (; run >= 3; run -= 3) {
        bits |= (<u64>3) << n;
        n += 2;
      }
      bits |= (<u64>run) << n;
      n += 2;
    }
    while (left < threshold) {
      width--;
      threshold >>>= 1;
    }
    store64(dst, bits);
    dst += n >>> 3;
    bits >>= n & 56;
    n &= 7;
  }
  store<u8>(dst, <u8>bits);
  return dst + i32(n > 0);
}

/**
 * Builds what encodes under a table's shares.
 *
 * bounds: a share's cells stay below 2^log <= 512, as the shares add up to 2^log.
 */
export function buildTable(table: i32, symbols: i32): void {
  const log = logOf(table);
  const size = 1 << log;
  let high = size - 1;
  let total = 0;
  for (let symbol = 0; symbol < symbols; symbol++) {
    const cells = <i32>load<i16>(table + (symbol << 1), SHARES);
    if (!cells) continue;
    store<i32>(table + (symbol << 2), table + (total << 1), NEXT_CELLS);
    const count = abs(cells);
    // The larger number of bits, and the smallest state that takes it.
    const most = count == 1 ? log : log - 31 + clz(count - 1);
    const entry = table + CELLS + ((total - count) << 1);
    const step = <u32>((most << 16) - (count << most));
    store64(table + (symbol << 3), <u64>step | ((<u64>entry) << 32));
    if (cells < 0) store<u8>(table + high--, symbol, CELL_SYMBOLS);
    total += count;
  }
  const step = (size >>> 1) + (size >>> 3) + 3;
  let cell = 0;
  for (let symbol = 0; symbol < symbols; symbol++) {
    for (let i = <i32>load<i16>(table + (symbol << 1), SHARES); i > 0; i--) {
      store<u8>(table + cell, symbol, CELL_SYMBOLS);
      do cell = (cell + step) & (size - 1);
      while (cell > high);
    }
  }
  for (let cell = 0; cell < size; cell++) {
    const next = table + ((<i32>load<u8>(table + cell, CELL_SYMBOLS)) << 2);
    const at = load<i32>(next, NEXT_CELLS);
    store16(at + CELLS, size + cell);
    store<i32>(next, at + 2, NEXT_CELLS);
  }
}

/** A table of one cell: the symbol takes no bits. */
export function buildSingle(table: i32, symbol: i32): void {
  store<i32>(table + LOG, 0);
  store64(table + (symbol << 3), ((<u64>(table + CELLS - 2)) << 32) | 0xffffffff);
  store16(table + CELLS, 1);
}

/** Sets the shares of up to 16 symbols from `from` on, packed four bits each; 15 stands for -1. */
export function setShares(table: i32, from: i32, packed: u64): void {
  for (let at = table + (from << 1); packed; packed >>= 4) {
    store<i16>(at, <i16>((<i32>(packed & 15) ^ 8) - 8), SHARES);
    at += 2;
  }
}

// @ts-ignore: decorator
@inline
export function setLog(table: i32, log: i32): void {
  store<i32>(table + LOG, log);
}

/** The first state, for the symbol encoded first (decoded last): the one that takes most bits. */
// @ts-ignore: decorator
@inline
export function firstState(table: i32, symbol: i32): i32 {
  const entry = load64(table + (symbol << 3));
  const step = <u32>entry;
  const count = (step + 0x8000) >>> 16;
  return load16(<i32>(entry >> 32) + ((((count << 16) - step) >>> count) << 1));
}
