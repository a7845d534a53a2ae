/**
 * Base-2 exponential histograms in exact arithmetic (OTLP data model, "ExponentialHistogram"): the
 * bucket of a value by integers of as many bits as it takes, never by a logarithm of doubles.
 */

const DOUBLE = new DataView(new ArrayBuffer(8));

/** A positive finite double as `mantissa · 2^exponent`, the mantissa an integer. */
export function partsOf(value: number): { readonly mantissa: bigint; readonly exponent: number } {
  DOUBLE.setFloat64(0, value);
  const bits = DOUBLE.getBigUint64(0);
  const biased = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xfffffffffffffn;
  return biased === 0
    ? { mantissa: fraction, exponent: -1074 }
    : { mantissa: fraction | 0x10000000000000n, exponent: biased - 1075 };
}

/**
 * Index of the bucket of a positive value: of the buckets (base^i, base^(i+1)] with
 * base = 2^(2^-scale).
 */
export function indexOf(value: number, scale: number): number {
  const { mantissa, exponent } = partsOf(value);
  const length = mantissa.toString(2).length;
  // value = m · 2^octave with m in [1, 2)
  const octave = exponent + length - 1;
  const isPower = (mantissa & (mantissa - 1n)) === 0n;
  if (scale <= 0) return (isPower ? octave - 1 : octave) >> -scale;
  const below = octave * 2 ** scale;
  return isPower ? below - 1 : below + digitsOfLog(mantissa, length, scale);
}

/**
 * floor(log2(m) · 2^digits) of m = mantissa / 2^(length - 1), no power of two. The logarithm is then
 * irrational and no bucket boundary is met: digits come out of squaring, of a lower and of an upper
 * bound at once, and where these differ more bits are taken.
 */
function digitsOfLog(mantissa: bigint, length: number, digits: number): number {
  for (let bits = 192n; ; bits *= 2n) {
    const shift = bits - BigInt(length - 1);
    const two = 2n << bits;
    let low = mantissa << shift;
    let high = low;
    let index = 0;
    let agreed = true;
    for (let digit = 0; digit < digits && agreed; digit++) {
      low = (low * low) >> bits;
      high = ((high * high) >> bits) + 1n;
      const one = low >= two;
      agreed = one === high >= two;
      index = 2 * index + (one ? 1 : 0);
      if (one) {
        low >>= 1n;
        high = (high >> 1n) + 1n;
      }
    }
    if (agreed) return index;
  }
}

export interface OracleHistogram {
  readonly count: number;
  readonly zeroCount: number;
  /** Undefined while there are only zeros. */
  readonly scale: number | undefined;
  /** Counts by index; no zero among them. */
  readonly positive: ReadonlyMap<number, number>;
  readonly negative: ReadonlyMap<number, number>;
  readonly min: number;
  readonly max: number;
}

const MAX_SCALE = 20;
const MIN_SCALE = -10;

/** The histogram of the best scale that `maxSize` buckets a sign allow. */
export function exponentialHistogram(
  values: readonly number[],
  maxSize = 160,
  maxScale = MAX_SCALE,
): OracleHistogram {
  const finite = values.filter((value) => Number.isFinite(value));
  const positives = finite.filter((value) => value > 0);
  const negatives = finite.filter((value) => value < 0).map((value) => -value);
  const scale = Math.min(
    bestScale(positives, maxSize, maxScale),
    bestScale(negatives, maxSize, maxScale),
  );
  return {
    count: finite.length,
    zeroCount: finite.length - positives.length - negatives.length,
    scale: positives.length + negatives.length === 0 ? undefined : scale,
    positive: counted(positives, scale),
    negative: counted(negatives, scale),
    min: finite.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
    max: finite.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
  };
}

function bestScale(values: readonly number[], maxSize: number, maxScale: number): number {
  if (values.length === 0) return maxScale;
  const smallest = values.reduce((a, b) => Math.min(a, b));
  const largest = values.reduce((a, b) => Math.max(a, b));
  for (let scale = maxScale; scale > MIN_SCALE; scale--) {
    if (indexOf(largest, scale) - indexOf(smallest, scale) < maxSize) return scale;
  }
  return MIN_SCALE;
}

function counted(values: readonly number[], scale: number): Map<number, number> {
  const counts = new Map<number, number>();
  for (const value of values) {
    const index = indexOf(value, scale);
    counts.set(index, (counts.get(index) ?? 0) + 1);
  }
  return counts;
}

/** Counts by index of buckets as they are collected or encoded; no zero among them. */
export function countsByIndex(
  offset: number,
  bucketCounts: readonly (number | bigint)[],
): Map<number, number> {
  const counts = new Map<number, number>();
  bucketCounts.forEach((count, at) => {
    if (Number(count) !== 0) counts.set(offset + at, Number(count));
  });
  return counts;
}
