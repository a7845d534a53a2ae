import { describe, expect, it } from 'vitest';
import { backoffMs, DEFAULT_RETRY } from '../../src/deliver/retry.ts';

const bound = (failures: number) => backoffMs(DEFAULT_RETRY, failures, 0, 1);

describe('backoffMs', () => {
  it('doubles its bound up to the maximum, however many failures', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 5000].map(bound)).toEqual([
      1000, 2000, 4000, 8000, 10_000, 10_000, 10_000, 10_000,
    ]);
  });

  it('jitters over the whole of it', () => {
    expect(backoffMs(DEFAULT_RETRY, 3, 0, 0)).toBe(0);
    expect(backoffMs(DEFAULT_RETRY, 3, 0, 0.25)).toBe(1000);
  });

  it('never undercuts the server, and spreads clients after it', () => {
    expect(backoffMs(DEFAULT_RETRY, 1, 7000, 0)).toBe(7000);
    expect(backoffMs(DEFAULT_RETRY, 2, 7000, 0.5)).toBe(8000);
    expect(backoffMs(DEFAULT_RETRY, 9, 3_600_000, 0.5)).toBe(3_605_000);
  });

  it('follows the policy', () => {
    const policy = { ...DEFAULT_RETRY, initialMs: 100, multiplier: 1.5, maxMs: 200 };
    expect([1, 2, 3].map((failures) => backoffMs(policy, failures, 0, 1))).toEqual([100, 150, 200]);
  });
});
