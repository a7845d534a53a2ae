/**
 * Histograms with exponential buckets (OTLP, ExponentialHistogramDataPoint). At scale s, bucket i holds
 * what is greater than 2^(i / 2^s) and not greater than 2^((i + 1) / 2^s). A series begins at the finest
 * scale that its stream allows; where values are too far apart for the buckets there may be, the
 * scale goes down, and each pair of neighbours becomes one.
 *
 * The bucket of 2^e · m with 1 < m < 2 is e · 2^s + floor(log2(m) · 2^s), but for an m that stands on
 * the border of two. At scales up to 0 that is an affair of the exponent. At finer ones the logarithm
 * is that of one of 64 numbers near m, from a table, and a polynomial of the rest: off by 2^-43 at
 * most, hence by 2^-23 of a bucket. Where that leaves two buckets to choose from, which is one
 * measurement in a million or one chosen to lie there, m is compared with the border itself: the
 * product of roots of two, one for each bit of the border's number, in pairs of doubles with 100 bits.
 * (No double is closer than 2^-78 to one of the borders, other than powers of two: the tests go
 * through all of them.)
 *
 * The coarsest scale of all is -11: then there are two buckets, one for what is up to 1. Two buckets
 * for each sign are part of the cell. So no measurement is lost for want of memory: the scale goes
 * down instead.
 */

import {
  BUCKETS_ADDRESS,
  BUCKETS_CAPACITY,
  BUCKETS_LENGTH,
  BUCKETS_OFFSET,
  CELL_FEW,
  CELL_FEW_END,
  CELL_NEGATIVE,
  CELL_POSITIVE,
  CELL_SCALE,
  CELL_STREAM,
  CELL_ZEROS,
  FEW_BUCKETS,
  GROW,
  HEAP_SCRATCH,
  LOGARITHMS,
  ROOTS,
  STREAM_SIZE,
} from './cell';
import { countValue } from './explicit';
import { allocate, free } from './heap';

/** The finest scale, and so many roots besides the zeroth, which is 2. */
const FINEST: i32 = 20;
/** Of 64 entries: a reciprocal and the logarithm of what it is one of. */
const ENTRY_BITS: i32 = 6;
/** Buckets new blocks have at least. */
const FIRST_BUCKETS: i32 = 8;
/** This near to a border, in buckets, the logarithm does not tell on which side. */
const DOUBTFUL: f64 = 1.0 / 1048576.0;
const LN2: f64 = 0.6931471805599453;

/** What a product of two doubles lacks. */
// @ts-ignore: decorator
@inline
function lackOf(product: f64, a: f64, b: f64): f64 {
  // Halves of 26 bits, whose products are exact (Dekker). Neither is larger than 2.
  const wideA = a * 134217729.0;
  const highA = wideA - (wideA - a);
  const lowA = a - highA;
  const wideB = b * 134217729.0;
  const highB = wideB - (wideB - b);
  const lowB = b - highB;
  return lowA * lowB - (product - highA * highB - lowA * highB - highA * lowB);
}

/** Fills the tables. */
export function initExponential(): void {
  // bounds: ROOTS has 32 places of 16 bytes, LOGARITHMS 64.
  let high = 2.0;
  let low = 0.0;
  for (let i = 0; i <= FINEST; ++i) {
    store<f64>(ROOTS + (i << 4), high);
    store<f64>(ROOTS + (i << 4), low, 8);
    // A step of Newton's from the root of the higher part.
    const root = sqrt<f64>(high);
    const square = root * root;
    const rest = (high - square - lackOf(square, root, root) + low) / (root + root);
    high = root + rest;
    low = rest - (high - root);
  }
  for (let i = 0; i < 1 << ENTRY_BITS; ++i) {
    const reciprocal = 1.0 / (1.0 + (<f64>i + 0.5) / <f64>(1 << ENTRY_BITS));
    // -ln(r) = 2 artanh((1 - r) / (1 + r)), of which 20 terms are exact to a double.
    const z = (1.0 - reciprocal) / (1.0 + reciprocal);
    let sum = 0.0;
    for (let k = 39; k > 0; k -= 2) sum = sum * z * z + 1.0 / <f64>k;
    store<f64>(LOGARITHMS + (i << 4), reciprocal);
    store<f64>(LOGARITHMS + (i << 4), (2.0 / LN2) * z * sum, 8);
  }
}

/** The bucket of m, 1 < m < 2, which is `border` or the one before. */
function besideBorder(m: f64, scale: i32, border: i32): i32 {
  if (border == 0) return 0;
  if (border >> scale != 0) return border - 1;
  let high = 1.0;
  let low = 0.0;
  for (let i = scale; i > 0; --i) {
    if ((border >> (scale - i)) & 1) {
      // bounds: 0 < i <= FINEST.
      const rootHigh = load<f64>(ROOTS + (i << 4));
      const rootLow = load<f64>(ROOTS + (i << 4), 8);
      const product = high * rootHigh;
      const lack = lackOf(product, high, rootHigh) + (high * rootLow + low * rootHigh);
      high = product + lack;
      low = lack - (high - product);
    }
  }
  return m > high || (m == high && low < 0.0) ? border : border - 1;
}

// @ts-ignore: decorator
@inline
function bitsOf(value: f64): u64 {
  if (ASC_FEATURE_BULK_MEMORY) return reinterpret<u64>(value);
  // Targets without bulk memory are turned into JavaScript, which has this from memory only.
  store<f64>(HEAP_SCRATCH, value);
  return load<u64>(HEAP_SCRATCH);
}

// @ts-ignore: decorator
@inline
function doubleOf(bits: u64): f64 {
  if (ASC_FEATURE_BULK_MEMORY) return reinterpret<f64>(bits);
  store<u64>(HEAP_SCRATCH, bits);
  return load<f64>(HEAP_SCRATCH);
}

/** The bucket of a finite value greater than 0. */
// @ts-ignore: decorator
@inline
function bucketOf(value: f64, scale: i32): i32 {
  let bits = bitsOf(value);
  let exponent = <i32>(bits >> 52);
  if (exponent == 0) {
    bits = bitsOf(value * 4503599627370496.0);
    exponent = <i32>(bits >> 52) - 52;
  }
  exponent -= 1023;
  const fraction = bits & 0xfffffffffffff;
  if (scale <= 0) return (exponent - i32(fraction == 0)) >> -scale;
  if (fraction == 0) return (exponent << scale) - 1;
  const m = doubleOf(fraction | 0x3ff0000000000000);
  // bounds: an entry for each of the topmost bits of the fraction.
  const entry = LOGARITHMS + (<i32>(fraction >> (52 - ENTRY_BITS)) << 4);
  const r = m * load<f64>(entry) - 1.0;
  const r2 = r * r;
  const log =
    load<f64>(entry, 8) +
    (r * (1.0 / LN2 - r * (0.5 / LN2)) +
      r2 * r * (1.0 / 3.0 / LN2 - r * (0.25 / LN2) + r2 * (0.2 / LN2)));
  const place = log * <f64>(1 << scale);
  const below = <i32>place;
  const past = place - <f64>below;
  const bucket =
    past > DOUBTFUL && past < 1.0 - DOUBTFUL
      ? below
      : besideBorder(m, scale, <i32>nearest<f64>(place));
  return (exponent << scale) + bucket;
}

/** Makes the buckets of one sign coarser. */
function coarsen(buckets: i32, by: i32): void {
  const length = load<i32>(buckets + BUCKETS_LENGTH);
  if (length == 0) return;
  const address = load<i32>(buckets + BUCKETS_ADDRESS);
  const offset = load<i32>(buckets + BUCKETS_OFFSET);
  const first = offset >> by;
  let last = 0;
  // bounds: a bucket moves to its own place or before it, all within `length`.
  for (let i = 0; i < length; ++i) {
    const to = ((offset + i) >> by) - first;
    const count = load<f64>(address + (i << 3));
    const slot = address + (to << 3);
    store<f64>(slot, to == last && i > 0 ? load<f64>(slot) + count : count);
    last = to;
  }
  store<i32>(buckets + BUCKETS_OFFSET, first);
  store<i32>(buckets + BUCKETS_LENGTH, last + 1);
}

/** Frees a sign's block, unless it is a part of the cell. */
// @ts-ignore: decorator
@inline
function freeBlock(cell: i32, buckets: i32): void {
  const address = load<i32>(buckets + BUCKETS_ADDRESS);
  if (<u32>(address - cell) >= <u32>CELL_FEW_END) {
    free(address, load<i32>(buckets + BUCKETS_CAPACITY) << 3);
  }
}

/** Gives a sign room for so many buckets, those it has included; 0 and GROW as of `allocate`. */
function reserve(cell: i32, buckets: i32, capacity: i32): i32 {
  const block = allocate(capacity << 3);
  if (block <= 0) return block;
  const length = load<i32>(buckets + BUCKETS_LENGTH);
  memory.copy(block, load<i32>(buckets + BUCKETS_ADDRESS), length << 3);
  freeBlock(cell, buckets);
  store<i32>(buckets + BUCKETS_ADDRESS, block);
  store<i32>(buckets + BUCKETS_CAPACITY, capacity);
  return block;
}

/**
 * Makes a place for bucket `index`, which is at hand in no bucket yet: more buckets, or coarser ones.
 * Returns which of the buckets it is, or GROW.
 */
function widen(cell: i32, buckets: i32, index: i32): i32 {
  const most = load<i32>(load<i32>(cell + CELL_STREAM) + STREAM_SIZE);
  let length = load<i32>(buckets + BUCKETS_LENGTH);
  let low = index;
  let high = index;
  if (length != 0) {
    const offset = load<i32>(buckets + BUCKETS_OFFSET);
    low = min(low, offset);
    high = max(high, offset + length - 1);
  }
  let by = 0;
  // Unsigned: between the smallest and the largest double are more than 2^31 buckets.
  while (<u32>(high - low) >= <u32>most) {
    low >>= 1;
    high >>= 1;
    by++;
  }
  const capacity = load<i32>(buckets + BUCKETS_CAPACITY);
  if (high - low >= capacity) {
    const roomy = max(FIRST_BUCKETS, 1 << (32 - clz(high - low)));
    const block = reserve(cell, buckets, min(roomy, most));
    if (block == GROW) return GROW;
    if (block == 0) {
      while (high - low >= capacity) {
        low >>= 1;
        high >>= 1;
        by++;
      }
    }
  }
  if (by > 0) {
    coarsen(cell + CELL_POSITIVE, by);
    coarsen(cell + CELL_NEGATIVE, by);
    store<i32>(cell + CELL_SCALE, load<i32>(cell + CELL_SCALE) - by);
    index >>= by;
    length = load<i32>(buckets + BUCKETS_LENGTH);
  }
  // bounds: all buckets between `low` and `high` have room from here on.
  const address = load<i32>(buckets + BUCKETS_ADDRESS);
  const offset = length == 0 ? index : load<i32>(buckets + BUCKETS_OFFSET);
  if (index < offset) {
    const more = offset - index;
    memory.copy(address + (more << 3), address, length << 3);
    memory.fill(address, 0, more << 3);
    length += more;
  } else if (index - offset >= length) {
    memory.fill(address + (length << 3), 0, (index - offset + 1 - length) << 3);
    length = index - offset + 1;
  }
  low = min(offset, index);
  store<i32>(buckets + BUCKETS_OFFSET, low);
  store<i32>(buckets + BUCKETS_LENGTH, length);
  return index - low;
}

/** Returns 0, or GROW: memory must grow first, and nothing was recorded. */
export function recordExponential(cell: i32, value: f64): i32 {
  const magnitude = abs<f64>(value);
  if (!(magnitude < Infinity)) return 0;
  let slot = cell + CELL_ZEROS;
  if (magnitude > 0.0) {
    const buckets = cell + (value < 0.0 ? CELL_NEGATIVE : CELL_POSITIVE);
    const index = bucketOf(magnitude, load<i32>(cell + CELL_SCALE));
    let at = index - load<i32>(buckets + BUCKETS_OFFSET);
    if (<u32>at >= <u32>load<i32>(buckets + BUCKETS_LENGTH)) {
      at = widen(cell, buckets, index);
      if (at == GROW) return GROW;
    }
    // bounds: one of the sign's buckets.
    slot = load<i32>(buckets + BUCKETS_ADDRESS) + (at << 3);
  }
  store<f64>(slot, load<f64>(slot) + 1);
  countValue(cell, value);
  return 0;
}

/** Gives a new cell its buckets. */
export function initBuckets(cell: i32): void {
  // bounds: an exponential histogram's cell reaches to CELL_FEW_END.
  for (let i = 0; i < 2; ++i) {
    const buckets = cell + (i == 0 ? CELL_POSITIVE : CELL_NEGATIVE);
    store<i32>(buckets + BUCKETS_ADDRESS, cell + CELL_FEW + i * FEW_BUCKETS * 8);
    store<i32>(buckets + BUCKETS_CAPACITY, FEW_BUCKETS);
  }
}

/** Frees what its buckets take besides the cell. */
export function freeBuckets(cell: i32): void {
  freeBlock(cell, cell + CELL_POSITIVE);
  freeBlock(cell, cell + CELL_NEGATIVE);
}

/**
 * Gives a cell `length` buckets of one sign, empty and from `offset` on, in place of those it has.
 * Returns the address of the first one's count, or as `allocate`.
 */
export function setBuckets(cell: i32, negative: i32, offset: i32, length: i32): i32 {
  const buckets = cell + (negative != 0 ? CELL_NEGATIVE : CELL_POSITIVE);
  store<i32>(buckets + BUCKETS_LENGTH, 0);
  if (length > load<i32>(buckets + BUCKETS_CAPACITY)) {
    const block = reserve(cell, buckets, length);
    if (block <= 0) return block;
  }
  const address = load<i32>(buckets + BUCKETS_ADDRESS);
  memory.fill(address, 0, length << 3);
  store<i32>(buckets + BUCKETS_OFFSET, offset);
  store<i32>(buckets + BUCKETS_LENGTH, length);
  return address;
}
