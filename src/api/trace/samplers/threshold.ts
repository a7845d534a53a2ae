/**
 * Rejection thresholds and randomness of consistent probability sampling (specification,
 * "TraceState: Probability Sampling"). Both are 56-bit numbers, which no double holds, so they
 * stay what they are on the wire: hex digits, most significant first, of a threshold without
 * trailing zeros. A comparison of two of them is decided by the first digits that differ, which
 * are the very first fifteen times out of sixteen.
 */

/** Hex digits in 56 bits. */
const DIGITS = 14;
/** Where the random part of a trace id begins (W3C Trace Context Level 2, "Randomness of trace-id"). */
const RANDOM_AT = 32 - DIGITS;

/** The smallest ratio that a threshold can express. */
export const SMALLEST_RATIO = 2 ** -56;

const THRESHOLD = /^[0-9a-f]{1,14}$/;
const RANDOMNESS = /^[0-9a-f]{14}$/;

/** Whether `text` is a value of the sub-key `th`. */
export function isThreshold(text: string): boolean {
  return THRESHOLD.test(text);
}

/** Whether `text` is a value of the sub-key `rv`. */
export function isRandomness(text: string): boolean {
  return RANDOMNESS.test(text);
}

/**
 * The threshold that rejects all but `ratio` of the randomness values, as `th` carries it.
 *
 * @param ratio from 2^-56 to 1
 * @param precision significant hex digits, not counting leading f's; from 1 to 14
 */
export function thresholdOf(ratio: number, precision = 4): string {
  let digits = Math.min(precision, DIGITS);
  for (let bound = 1 / 16; ratio < bound && digits < DIGITS; bound /= 16) digits++;
  // In units of the last digit. Exact: at most 16^precision, and scaling by powers of two loses
  // nothing. Halves round the threshold up, so the accepted part down.
  const accepted = Math.ceil(ratio * 16 ** digits - 0.5) * 16 ** (DIGITS - digits);
  // 2^56 - accepted in two halves of 28 bits, since the difference may need all 56.
  const half = 2 ** 28;
  const low = (half - (accepted % half)) % half;
  const high = half - Math.ceil(accepted / half);
  const hex = high.toString(16).padStart(7, '0') + low.toString(16).padStart(7, '0');
  return hex.replace(/0+$/, '') || '0';
}

/** Whether the randomness, 14 hex digits of `digits` from `at`, reaches the threshold: R >= T. */
function reaches(digits: string, at: number, threshold: string): boolean {
  if (threshold === '0') return true;
  for (let i = 0; i < threshold.length; i++) {
    // The bit that lower-case letters have and digits have anyway: a trace id may be upper case.
    const difference = (digits.charCodeAt(at + i) | 0x20) - threshold.charCodeAt(i);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/**
 * The decision: whether a trace with this id is sampled.
 *
 * @param randomness explicit randomness, a value of `rv`; the trace id's own when undefined
 */
export function isSampled(
  traceId: string,
  randomness: string | undefined,
  threshold: string,
): boolean {
  return randomness === undefined
    ? reaches(traceId, RANDOM_AT, threshold)
    : reaches(randomness, 0, threshold);
}
