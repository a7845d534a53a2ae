import { describe, expect, it } from 'vitest';
import {
  isSampled,
  SMALLEST_RATIO,
  thresholdOf,
} from '../../../../src/api/trace/samplers/threshold.ts';
import { randomFrom } from '../../../support/random.ts';
import { traceIds } from '../../../support/sampling.ts';

const ALL = 1n << 56n;

/** What a double is, exactly: numerator over 2^1074. */
function exactly(ratio: number): bigint {
  let [numerator, power] = [ratio, 1074];
  while (!Number.isInteger(numerator)) {
    numerator *= 2;
    power--;
  }
  return BigInt(numerator) << BigInt(power);
}

/** The specification's rule in whole numbers: rounded to digits, halves up. */
function expectedThreshold(ratio: number, precision: number): string {
  const scale = 1n << 1074n;
  let digits = precision;
  for (let bound = scale / 16n; exactly(ratio) < bound && digits < 14; bound /= 16n) digits++;
  const units = 1n << BigInt(4 * Math.min(14, digits));
  const rounded = ((scale - exactly(ratio)) * units * 2n + scale) / (2n * scale);
  const hex = rounded.toString(16).padStart(Math.min(14, digits), '0');
  return hex.replace(/0+$/, '') || '0';
}

const parsed = (threshold: string) => BigInt(`0x${threshold.padEnd(14, '0')}`);

describe('the threshold of a ratio', () => {
  // "TraceState: Probability Sampling", "Converting floating-point probability to threshold value"
  it.each([
    [1, '0', '0', '0'],
    [2, '8', '8', '8'],
    [3, 'aab', 'aaab', 'aaaab'],
    [4, 'c', 'c', 'c'],
    [5, 'ccd', 'cccd', 'ccccd'],
    [8, 'e', 'e', 'e'],
    [10, 'e66', 'e666', 'e6666'],
    [16, 'f', 'f', 'f'],
    [100, 'fd71', 'fd70a', 'fd70a4'],
    [1000, 'ffbe7', 'ffbe77', 'ffbe76d'],
    [10_000, 'fff972', 'fff9724', 'fff97247'],
    [100_000, 'ffff584', 'ffff583a', 'ffff583a5'],
    [1_000_000, 'ffffef4', 'ffffef39', 'ffffef391'],
  ])('is that of the specification for 1 in %d, at three precisions', (n, three, four, five) => {
    expect(thresholdOf(1 / n, 3)).toBe(three);
    expect(thresholdOf(1 / n, 4)).toBe(four);
    expect(thresholdOf(1 / n)).toBe(four);
    expect(thresholdOf(1 / n, 5)).toBe(five);
  });

  it('uses all 56 bits at the smallest ratio', () => {
    expect(thresholdOf(SMALLEST_RATIO)).toBe('ffffffffffffff');
    expect(thresholdOf(2 * SMALLEST_RATIO)).toBe('fffffffffffffe');
    expect(thresholdOf(1.5 * SMALLEST_RATIO)).toBe('ffffffffffffff');
  });

  it('is nothing to reject when the ratio is nearly one', () => {
    expect(thresholdOf(0.999_999_9)).toBe('0');
    expect(thresholdOf(1 - 2 ** -53)).toBe('0');
    expect(thresholdOf(0.9999)).toBe('0007');
  });

  it('is rounded as whole numbers are, for ratios of every size', () => {
    const random = randomFrom(7);
    for (let i = 0; i < 2000; i++) {
      const ratio = Math.max(SMALLEST_RATIO, random.next() * 2 ** -random.below(56));
      const precision = 1 + random.below(14);
      expect([ratio, thresholdOf(ratio, precision)]).toEqual([
        ratio,
        expectedThreshold(ratio, precision),
      ]);
    }
    for (let power = 0; power <= 56; power++) {
      expect(thresholdOf(2 ** -power)).toBe(expectedThreshold(2 ** -power, 4));
    }
  });

  it('never rises with the ratio', () => {
    const random = randomFrom(3);
    const ratios = Array.from({ length: 500 }, () => random.next() ** 4 + SMALLEST_RATIO);
    const thresholds = ratios.sort((a, b) => a - b).map((ratio) => parsed(thresholdOf(ratio)));
    for (let i = 1; i < thresholds.length; i++) {
      expect(thresholds[i]! <= thresholds[i - 1]!).toBe(true);
    }
  });
});

describe('the decision', () => {
  it('is R >= T of 56-bit numbers, bit for bit', () => {
    const random = randomFrom(11);
    const hex = (value: bigint) => value.toString(16).padStart(14, '0');
    for (const traceId of traceIds(500)) {
      const randomness = parsed(traceId.slice(18));
      const near = randomness + BigInt(random.below(5) - 2);
      const any = BigInt(Math.floor(random.next() * 2 ** 53)) * 8n;
      for (const threshold of [near, any, randomness, 0n, ALL - 1n]) {
        if (threshold < 0n || threshold >= ALL) continue;
        const text = hex(threshold).replace(/0+$/, '') || '0';
        expect(isSampled(traceId, undefined, text)).toBe(randomness >= threshold);
        expect(isSampled('f'.repeat(32), traceId.slice(18), text)).toBe(randomness >= threshold);
      }
    }
  });

  it('takes the last 56 bits of the trace id and no others', () => {
    expect(isSampled(`${'f'.repeat(18)}7fffffffffffff`, undefined, '8')).toBe(false);
    expect(isSampled(`${'0'.repeat(18)}80000000000000`, undefined, '8')).toBe(true);
  });

  it('reads a trace id in upper case', () => {
    expect(isSampled(`${'0'.repeat(18)}ABCDEF00000000`, undefined, 'abcdef')).toBe(true);
    expect(isSampled(`${'0'.repeat(18)}ABCDEE00000000`, undefined, 'abcdef')).toBe(false);
  });

  it("of the specification's example of explicit randomness", () => {
    // 0x6e6d1a75832a2f: kept by ratios from 56.9 % up
    expect(isSampled('0'.repeat(32), '6e6d1a75832a2f', thresholdOf(0.57))).toBe(true);
    expect(isSampled('0'.repeat(32), '6e6d1a75832a2f', thresholdOf(0.56))).toBe(false);
    expect(isSampled('0'.repeat(32), '6e6d1a75832a2f', '6e6d1a75832a2f')).toBe(true);
    expect(isSampled('0'.repeat(32), '6e6d1a75832a2f', '6e6d1a75832a3')).toBe(false);
  });
});
