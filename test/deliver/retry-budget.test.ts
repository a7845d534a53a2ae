import { describe, expect, it } from 'vitest';
import { DEFAULT_RETRY_BUDGET, retryBudget } from '../../src/deliver/retry-budget.ts';
import { randomFrom } from '../support/random.ts';

const HOUR = 3_600_000;

/** Takes what is there; how many that was. */
function takeAll(budget: ReturnType<typeof retryBudget>, now: number): number {
  let taken = 0;
  while (taken < 10_000 && budget.take(now)) taken++;
  return taken;
}

describe('a budget of retries', () => {
  it('is 20 % of first attempts, one a second and ten at once, where nothing else is said', () => {
    expect(DEFAULT_RETRY_BUDGET).toEqual({ ratio: 0.2, perSecond: 1, burst: 10 });
    const budget = retryBudget({}, 0);
    expect(takeAll(budget, 0)).toBe(10);
    for (let i = 0; i < 15; i++) budget.deposit(1);
    expect(takeAll(budget, 0)).toBe(3);
    expect(takeAll(budget, 4000)).toBe(4);
  });

  it('takes nothing where it refuses', () => {
    const budget = retryBudget({ burst: 1 }, 0);
    expect(budget.take(0)).toBe(true);
    for (let now = 0; now < 1000; now++) expect(budget.take(now)).toBe(false);
    expect(budget.take(1000)).toBe(true);
  });

  it('keeps fractions of first attempts', () => {
    const budget = retryBudget({ ratio: 0.25, perSecond: 0.001 }, 0);
    takeAll(budget, 0);
    for (let i = 0; i < 3; i++) {
      budget.deposit(1);
      expect(budget.take(0)).toBe(false);
    }
    budget.deposit(1);
    expect(budget.take(0)).toBe(true);
  });

  it('holds no more than its burst, whatever was deposited and however long it was quiet', () => {
    const budget = retryBudget({ burst: 3 }, 0);
    for (let i = 0; i < 1000; i++) budget.deposit(1);
    expect(takeAll(budget, 0)).toBe(3);
    expect(takeAll(budget, 100 * HOUR)).toBe(3);
    expect(takeAll(budget, 100 * HOUR + 999)).toBe(0);
  });

  it('lets at least one go, whatever the burst', () => {
    const budget = retryBudget({ burst: 0 }, 0);
    expect(takeAll(budget, 0)).toBe(1);
    expect(takeAll(budget, 1000)).toBe(1);
  });

  it('says when the next may go: now, or when time has made a token of what is there', () => {
    const budget = retryBudget({ perSecond: 2 }, 7000);
    expect(budget.availableAt(7000)).toBe(7000);
    takeAll(budget, 7000);
    expect(budget.availableAt(7000)).toBe(7500);
    expect(budget.availableAt(7200)).toBe(7500);
    budget.deposit(1);
    expect(budget.availableAt(7200)).toBeCloseTo(7400, 6);
    expect(budget.availableAt(9000)).toBe(9000);
  });

  it('grants at the very moment that it named, for any numbers', () => {
    const random = randomFrom(11);
    for (let round = 0; round < 200; round++) {
      let now = random.next() * 10 ** random.below(14);
      const ratio = random.next();
      const perSecond = 0.01 + random.next() * 10 ** random.below(4);
      const budget = retryBudget({ ratio, perSecond, burst: 1 + random.next() * 20 }, now);
      for (let i = 0; i < 50; i++) {
        for (let j = random.below(4); j > 0; j--) budget.deposit(1);
        now = budget.availableAt(now);
        expect(budget.take(now)).toBe(true);
        if (random.below(3) === 0) now += random.next() * 1000;
      }
    }
  });

  it('waits while the clock stands still', () => {
    const budget = retryBudget({}, 5);
    expect(takeAll(budget, 5)).toBe(10);
    for (let i = 0; i < 10_000; i++) expect(budget.take(5)).toBe(false);
    expect(budget.availableAt(5)).toBe(1005);
  });

  it('is off by less than one retry after ten hours of ten a second', () => {
    const budget = retryBudget({ ratio: 0.2, perSecond: 1 }, 0);
    let granted = takeAll(budget, 0);
    let now = 0;
    for (; now < 10 * HOUR; now += 100) {
      budget.deposit(1);
      if (budget.take(now)) granted++;
    }
    // ten in the beginning, one a second, and a fifth of ten a second
    expect(Math.abs(granted - (10 + 3 * 36_000))).toBeLessThanOrEqual(1);
  });

  it.each([1e12, 2 ** 52])('works on clocks as late as %d ms', (start) => {
    const budget = retryBudget({ burst: 5 }, start);
    expect(takeAll(budget, start)).toBe(5);
    expect(budget.take(start + 900)).toBe(false);
    expect(takeAll(budget, start + 3000)).toBe(3);
  });

  it('is empty at worst after a clock that went back, and never stuck', () => {
    const budget = retryBudget({ burst: 5 }, 100 * HOUR);
    expect(takeAll(budget, 100 * HOUR)).toBe(5);
    expect(budget.take(0)).toBe(false);
    expect(budget.availableAt(0)).toBe(1000);
    expect(takeAll(budget, 1000)).toBe(1);
  });

  it('survives a moment that is no number', () => {
    const budget = retryBudget({ burst: 2 }, 0);
    expect(budget.take(Number.NaN)).toBe(false);
    expect(takeAll(budget, 0)).toBe(2);
    budget.availableAt(Number.NaN);
    budget.take(Number.POSITIVE_INFINITY);
    expect(takeAll(budget, 2000)).toBeLessThanOrEqual(2);
    expect(takeAll(budget, 60_000)).toBe(2);
  });

  it('gives back what a retry took that was answered', () => {
    const budget = retryBudget({ burst: 2, perSecond: 0.001 }, 0);
    for (let i = 0; i < 100; i++) {
      expect(budget.take(0)).toBe(true);
      expect(budget.take(0)).toBe(true);
      expect(budget.take(0)).toBe(false);
      budget.refund();
      budget.refund();
    }
    for (let i = 0; i < 100; i++) budget.refund();
    expect(takeAll(budget, 0)).toBe(2);
  });

  /** 50 payloads a second for ten minutes; what fails waits until the budget has room for it. */
  function tenMinutesOf(share: number) {
    const random = randomFrom(3);
    const budget = retryBudget({}, 0);
    const counts = { first: 0, failedRetries: 0, waiting: 0 };
    for (let now = 0; now < 600_000; now += 20) {
      counts.first++;
      budget.deposit(1);
      if (random.next() < share) counts.waiting++;
      while (counts.waiting > 0 && budget.take(now)) {
        if (random.next() < share) counts.failedRetries++;
        else {
          counts.waiting--;
          budget.refund();
        }
      }
    }
    return counts;
  }

  it('keeps failed retries to their share while most answers are refusals', () => {
    const { first, failedRetries, waiting } = tenMinutesOf(0.8);
    expect(failedRetries).toBeLessThanOrEqual(0.2 * first + 600 + 10);
    // and all of that share is used
    expect(failedRetries).toBeGreaterThan(0.2 * first + 580);
    expect(waiting).toBeGreaterThan(0);
  });

  it('keeps nothing waiting while a third of all answers are refusals', () => {
    expect(tenMinutesOf(1 / 3).waiting).toBeLessThan(50);
  });
});
