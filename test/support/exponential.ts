/**
 * Buckets of exponential histograms by exact arithmetic. The digits of a binary logarithm are what
 * squaring tells, one after the other: whether the square is 2 or more.
 */

const BITS = 220n;
const ONE = 1n << BITS;
/** More than twenty squarings make of the error of the first one. */
const ERROR = 1n << 40n;

const view = new DataView(new ArrayBuffer(8));

/** v = m / 2^52 · 2^e with 2^52 <= m < 2^53; v is finite and greater than 0. */
export function parts(value: number): { m: bigint; e: number } {
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  let e = Number(bits >> 52n);
  let m = bits & ((1n << 52n) - 1n);
  if (e > 0) return { m: m | (1n << 52n), e: e - 1023 };
  e = -1022;
  while (m >> 52n === 0n) {
    m <<= 1n;
    e--;
  }
  return { m, e };
}

/** The double so many places above a positive one. */
export function neighbour(value: number, places: number): number {
  view.setFloat64(0, value);
  view.setBigUint64(0, view.getBigUint64(0) + BigInt(places));
  return view.getFloat64(0);
}

/** The bucket of a finite value greater than 0. */
export function bucketOf(value: number, scale: number): number {
  const { m, e } = parts(value);
  const power = m === 1n << 52n;
  if (scale <= 0) return Math.floor((power ? e - 1 : e) / 2 ** -scale);
  if (power) return e * 2 ** scale - 1;
  let x = m << (BITS - 52n);
  let digits = 0;
  for (let i = 0; i < scale; i++) {
    x = (x * x) >> BITS;
    const far = x > 2n * ONE ? x - 2n * ONE : 2n * ONE - x;
    if (far < ERROR << BigInt(i))
      throw new Error(`${value} is too near to a border for this oracle`);
    digits *= 2;
    if (x >= 2n * ONE) {
      x >>= 1n;
      digits++;
    }
  }
  return e * 2 ** scale + digits;
}

function squareRoot(n: bigint): bigint {
  let x = 1n << BigInt((n.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (x + n / x) >> 1n;
    if (next >= x) return x;
    x = next;
  }
}

let roots: bigint[] | undefined;

/** The double that is nearest to the upper border of a bucket between 1 and 2. */
export function border(place: number, scale: number): number {
  if (roots === undefined) {
    roots = [2n * ONE];
    for (let i = 1; i <= 20; i++) roots.push(squareRoot(roots[i - 1]! << BITS));
  }
  let x = ONE;
  for (let i = 1; i <= scale; i++) {
    if ((place >> (scale - i)) & 1) x = (x * roots[i]!) >> BITS;
  }
  return Number((x >> (BITS - 53n)) + 1n) / 2 ** 53;
}

/** The doubles on both sides of each border between 1 and 2 at the finest scale, in order. */
export function* borders(): Generator<{ place: number; below: number; above: number }> {
  border(1, 1);
  const step = roots![20]!;
  let x = ONE;
  for (let place = 1; place < 2 ** 20; place++) {
    // Off by one unit more each time: by 2^-199 at last, and no double is closer than 2^-78.
    x = (x * step) >> BITS;
    const below = Number(x >> (BITS - 52n)) / 2 ** 52;
    yield { place, below, above: below + 2 ** -52 };
  }
}

export interface ExpectedBuckets {
  readonly offset: number;
  readonly bucketCounts: readonly number[];
}

/** What a histogram of at most `maxSize` buckets a sign holds after all these values. */
export function expectedBuckets(
  values: readonly number[],
  maxSize: number,
  maxScale: number,
): { scale: number; zeroCount: number; positive: ExpectedBuckets; negative: ExpectedBuckets } {
  const indexes = (sign: number) =>
    values.filter((v) => v * sign > 0).map((v) => bucketOf(Math.abs(v), maxScale));
  const signs = [indexes(1), indexes(-1)];
  const coarser = (index: number, by: number) => Math.floor(index / 2 ** by);
  const fits = (by: number) =>
    signs.every((all) => {
      const low = all.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
      const high = all.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
      return all.length === 0 || coarser(high, by) - coarser(low, by) < maxSize;
    });
  let by = 0;
  while (!fits(by)) by++;
  const [positive, negative] = signs.map((all) => {
    const at = all.map((index) => coarser(index, by));
    if (at.length === 0) return { offset: 0, bucketCounts: [] };
    const offset = at.reduce((a, b) => Math.min(a, b));
    const bucketCounts: number[] = [];
    for (const index of at) bucketCounts[index - offset] = (bucketCounts[index - offset] ?? 0) + 1;
    return { offset, bucketCounts: Array.from(bucketCounts, (count) => count ?? 0) };
  });
  const zeroCount = values.filter((v) => v === 0).length;
  return { scale: maxScale - by, zeroCount, positive: positive!, negative: negative! };
}
