/**
 * Prefix codes: lengths from frequencies, codes from lengths.
 *
 * The symbols in use are sorted by frequency (radix, two digits of nine bits), then the
 * Moffat-Katajainen construction runs in one array: behind a moving front lie leaf
 * weights, then before it the weights of inner nodes, then the index of each one's parent.
 * Walking that tree from the root gives how many codes there are of each length. Where a
 * node would lie too deep, the deepest leaf that may still be split takes its place, which
 * keeps the code complete. Lengths are dealt out, longest first, to the sorted symbols.
 *
 * Codes are canonical and stored bit-reversed, because DEFLATE sends them from the most
 * significant bit into a stream that fills from the least: `code << 8 | length`.
 */

import { PACKAGES } from './deflate-work';
import { CODES } from './match';

const KEYS: i32 = CODES + 8192;
const NODES: i32 = KEYS + 2048;
const DIGITS: i32 = NODES + 2048;
const LENGTH_COUNTS: i32 = DIGITS + 2048;
/** Whether an entry of a list is a leaf: 576 for each length, from 1 on. */
const IS_LEAF: i32 = PACKAGES + 2 * 2304 - 576;

// @ts-ignore: decorator
@inline
function add(counter: i32, amount: i32): void {
  store<i32>(counter, load<i32>(counter) + amount);
}

/** One pass of the radix sort: keys from one array to the other by nine bits. */
function sortDigit(from: i32, to: i32, bytes: i32, shift: i32): void {
  memory.fill(DIGITS, 0, 2048);
  for (let i = 0; i < bytes; i += 4) {
    add(DIGITS + (((load<u32>(from + i) >>> shift) & 511) << 2), 4);
  }
  for (let digit = DIGITS; digit < DIGITS + 2048; digit += 4) {
    const size = load<i32>(digit);
    store<i32>(digit, to);
    to += size;
  }
  for (let i = 0; i < bytes; i += 4) {
    const key = load<u32>(from + i);
    const digit = DIGITS + (((key >>> shift) & 511) << 2);
    store<u32>(load<i32>(digit), key);
    add(digit, 4);
  }
}

/**
 * How many codes of each length, at most `longest`, cost n sorted KEYS the least, by packages
 * (Larmore and Hirschberg): a code of length l is l coins, worth 1/2 to 1/2^l, that cost its
 * frequency each; the cheapest that are worth n - 1 together are wanted. From the smallest coins on,
 * two of one value make a package of the next, and the leaves of a value are merged with the
 * packages. The first 2n - 2 of the last list are the answer; which leaves lie in it is followed
 * back by counting: leaves come in order, so do packages.
 *
 * bounds: a list has at most 2n - 1 entries, of 572; there are 15 lists of a byte an entry.
 */
function packageMerge(n: i32, longest: i32): void {
  let list = PACKAGES;
  let before = PACKAGES + 2304;
  let packages = 0;
  for (let level = longest; level; level--) {
    let leaf = 0;
    let taken = 0;
    let size = 0;
    while (leaf < n || taken < packages) {
      const weight = leaf < n ? load<u32>(KEYS + (leaf << 2)) >>> 9 : u32.MAX_VALUE;
      const pair = before + (taken << 3);
      const sum = taken < packages ? load<u32>(pair) + load<u32>(pair + 4) : u32.MAX_VALUE;
      const isLeaf = i32(weight <= sum);
      store<u8>(IS_LEAF + level * 576 + size, isLeaf);
      store<u32>(list + (size << 2), min(weight, sum));
      leaf += isLeaf;
      taken += 1 - isLeaf;
      size++;
    }
    packages = size >>> 1;
    const swap = list;
    list = before;
    before = swap;
  }
  let wanted = 2 * n - 2;
  let longer = LENGTH_COUNTS;
  for (let level = 1; level <= longest; level++) {
    let leaves = 0;
    for (let i = 0; i < wanted; i++) leaves += load<u8>(IS_LEAF + level * 576 + i);
    // So many codes have this length or more.
    store<i32>(longer, load<i32>(longer) - leaves);
    longer += 4;
    store<i32>(longer, leaves);
    wanted = 2 * (wanted - leaves);
  }
}

/**
 * Writes the code length of each of n symbols, a byte each, 0 where the frequency is 0;
 * at least two symbols get one, because some inflaters refuse an incomplete code.
 * Frequencies stay below 2^18, n below 2^9. Where the limit is in force, `optimal` lengths take
 * longer to find than good ones.
 */
export function buildLengths(
  frequencies: i32,
  n: i32,
  longest: i32,
  lengths: i32,
  optimal: bool = false,
): void {
  memory.fill(lengths, 0, n);
  let bytes = 0;
  for (let pass = 0; pass < 2; pass++) {
    // First the symbols in use; then, if there are fewer than two, the first unused ones.
    for (let symbol = 0; symbol < n && (!pass || bytes < 8); symbol++) {
      const frequency = load<u32>(frequencies + (symbol << 2));
      if (i32(frequency == 0) == pass) {
        store<u32>(KEYS + bytes, (frequency << 9) | symbol);
        bytes += 4;
      }
    }
  }
  sortDigit(KEYS, NODES, bytes, 9);
  sortDigit(NODES, KEYS, bytes, 18);
  for (let i = 0; i < bytes; i += 4) store<u32>(NODES + i, load<u32>(KEYS + i) >>> 9);

  const last = NODES + bytes - 4;
  let leaf = NODES;
  let inner = NODES;
  for (let next = NODES; next < last; next += 4) {
    let weight: u32 = 0;
    for (let child = 0; child < 2; child++) {
      if (leaf > last || (inner < next && load<u32>(inner) < load<u32>(leaf))) {
        weight += load<u32>(inner);
        store<i32>(inner, next);
        inner += 4;
      } else {
        weight += load<u32>(leaf);
        leaf += 4;
      }
    }
    store<u32>(next, weight);
  }

  memory.fill(LENGTH_COUNTS, 0, 64);
  store<i32>(last - 4, 0);
  store<i32>(LENGTH_COUNTS + 4, 2);
  let deepest = 0;
  for (let node = last - 8; node >= NODES; node -= 4) {
    const depth = load<i32>(load<i32>(node)) + 1;
    store<i32>(node, depth);
    if (optimal) deepest = max(deepest, depth);
    let count = LENGTH_COUNTS + (min(depth, longest - 1) << 2);
    while (!load<i32>(count)) count -= 4;
    add(count, -1);
    add(count + 4, 2);
  }
  if (optimal && deepest >= longest) packageMerge(bytes >>> 2, longest);
  let key = KEYS;
  for (let length = longest; length; length--) {
    for (let i = load<i32>(LENGTH_COUNTS + (length << 2)); i; i--) {
      store<u8>(lengths + (load<u32>(key) & 511), length);
      key += 4;
    }
  }
}

/**
 * Writes the codes that belong to n lengths, four bytes each. `absent` codes of length 8
 * are left out behind the last of that length: the fixed code has two that no data uses.
 */
export function buildCodes(lengths: i32, n: i32, codes: i32, absent: i32): void {
  memory.fill(LENGTH_COUNTS, 0, 64);
  for (let i = 0; i < n; i++) add(LENGTH_COUNTS + ((<i32>load<u8>(lengths + i)) << 2), 1);
  add(LENGTH_COUNTS + 32, absent);
  store<i32>(LENGTH_COUNTS, 0);
  let code = 0;
  for (let count = LENGTH_COUNTS; count < LENGTH_COUNTS + 64; count += 4) {
    code <<= 1;
    const size = load<i32>(count);
    store<i32>(count, code);
    code += size;
  }
  for (let i = 0; i < n; i++) {
    const length = <i32>load<u8>(lengths + i);
    let reversed = 0;
    if (length) {
      const next = LENGTH_COUNTS + (length << 2);
      code = load<i32>(next);
      store<i32>(next, code + 1);
      for (let bit = length; bit; bit--) {
        reversed = (reversed << 1) | (code & 1);
        code >>>= 1;
      }
    }
    store<i32>(codes + (i << 2), (reversed << 8) | length);
  }
}
