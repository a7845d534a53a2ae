/** The adaptive limit and the budget of retries at work in delivery. */

import { describe, expect, it } from 'vitest';
import type { RetryPolicy } from '../../src/deliver/retry.ts';
import { randomFrom } from '../support/random.ts';
import { DELIVERED, payload, setUp, UNAVAILABLE, unaccounted } from './scripted.ts';

describe('the adaptive limit', () => {
  it('is not there by default: as many are in flight as may be', async () => {
    const { clock, transport, deliver } = setUp({ maxInFlight: 32 });
    for (let i = 0; i < 40; i++) deliver.push(payload());
    await clock.settle();
    expect(transport.open.size).toBe(32);
    expect(deliver.stats()).toMatchObject({ limit: 32, inFlight: 32 });
  });

  it('begins low, grows while answers come as fast as before, and is never exceeded', async () => {
    const { clock, transport, deliver } = setUp({ maxInFlight: 12, concurrency: 'adaptive' });
    for (let i = 0; i < 2000; i++) deliver.push(payload());
    await clock.settle();
    expect(transport.open.size).toBe(4);
    expect(deliver.stats().limit).toBe(4);
    const seen: number[] = [];
    while (deliver.stats().queuedRecords > 0) {
      const { limit } = deliver.stats();
      expect(transport.open.size).toBeLessThanOrEqual(limit);
      seen.push(limit);
      await clock.advance(50);
      transport.answerAll(DELIVERED);
      await clock.settle();
    }
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBe(12);
    expect(deliver.stats()).toMatchObject({ sent: 20_000, limit: 12 });
  });

  it('falls when answers are refusals worth a retry, and grows again', async () => {
    const { clock, transport, deliver } = setUp({ maxInFlight: 16, concurrency: 'adaptive' });
    for (let i = 0; i < 3000; i++) deliver.push(payload());
    await clock.settle();
    const turn = async (healthy: (at: number) => boolean) => {
      await clock.advance(50);
      for (const [at, request] of [...transport.open].entries()) {
        request.answer(healthy(at) ? DELIVERED : UNAVAILABLE);
      }
      await clock.settle();
    };
    while (deliver.stats().limit < 16) await turn(() => true);
    for (let i = 0; i < 20; i++) await turn((at) => at % 2 === 1);
    expect(deliver.stats().limit).toBeLessThan(8);
    while (deliver.stats().queuedRecords > 0) await turn(() => true);
    expect(deliver.stats()).toMatchObject({ sent: 30_000, limit: 16 });
    expect(unaccounted(deliver)).toBe(0);
  });

  it('falls when a queue forms in front of the endpoint, before it refuses anything', async () => {
    const { clock, transport, deliver } = setUp({ maxInFlight: 32, concurrency: 'adaptive' });
    for (let i = 0; i < 4000; i++) deliver.push(payload());
    await clock.settle();
    // works on four at once, 50 ms each: more of them wait for each other
    let highest = 0;
    let last = 0;
    for (let i = 0; i < 900; i++) {
      await clock.advance(50);
      for (const request of [...transport.open].slice(0, 4)) request.answer(DELIVERED);
      await clock.settle();
      last = deliver.stats().limit;
      highest = Math.max(highest, last);
    }
    expect(highest).toBeGreaterThan(4);
    expect(highest).toBeLessThan(20);
    expect(deliver.stats().sent).toBe(900 * 4 * 10);
    expect(last).toBeGreaterThanOrEqual(3);
  });
});

describe('the budget of retries', () => {
  /** An endpoint of which half of the answers are 503, at random, for 20 s of 20 payloads each. */
  async function halfSick(seed: number, retry: Partial<RetryPolicy>) {
    const random = randomFrom(seed);
    const { clock, transport, deliver } = setUp({ random: random.next, retry });
    const seen = new Set<object>();
    let first = 0;
    /** Retries that failed while the endpoint was answering others. */
    let failed = 0;
    const most: number[] = [];
    transport.rule = (sent) => {
      const isRetry = seen.has(sent);
      seen.add(sent);
      if (!isRetry) first++;
      const healthy = random.below(2) === 0;
      if (isRetry && !healthy && !deliver.stats().failing) failed++;
      most.push(failed - 10 - 0.2 * first - (clock.now() - 1000) / 1000);
      return healthy ? DELIVERED : UNAVAILABLE;
    };
    for (let turn = 0; turn < 400; turn++) {
      deliver.push(payload());
      await clock.advance(50);
    }
    const during = failed;
    await clock.advance(280_000);
    return { during, first, over: Math.max(...most), deliver };
  }

  it.each([3, 17, 2026])(
    'keeps failed retries in proportion, and loses nothing, seed %d',
    async (seed) => {
      const { first, over, deliver } = await halfSick(seed, {});
      expect(first).toBe(400);
      // a retry under way may have taken the last token
      expect(over).toBeLessThanOrEqual(0);
      expect(deliver.stats()).toMatchObject({ sent: 4000, queuedRecords: 0, failing: false });
      expect(unaccounted(deliver)).toBe(0);
    },
  );

  it('makes a difference: without it there are more of them', async () => {
    const tight = { budgetRatio: 0.05, budgetPerSecond: 0.2, maxAgeMs: 600_000 };
    const loose = { budgetRatio: 100, budgetPerSecond: 1000, maxAgeMs: 600_000 };
    const [few, many] = [await halfSick(5, tight), await halfSick(5, loose)];
    expect(few.during).toBeLessThanOrEqual(10 + 0.05 * 400 + 0.2 * 20);
    expect(many.during).toBeGreaterThan(2 * few.during);
    expect(many.deliver.stats().sent).toBe(4000);
  });

  it('wakes by itself for what has waited for it', async () => {
    const { clock, transport, deliver } = setUp({
      retry: { budgetRatio: 0, budgetPerSecond: 0.1, initialMs: 1, maxMs: 1 },
    });
    // all fail once, but for the last, which says that the endpoint is well
    const failing = new Set(Array.from({ length: 15 }, () => payload()));
    const seen = new Map<object, number>();
    transport.rule = (sent) => {
      const attempts = (seen.get(sent) ?? 0) + 1;
      seen.set(sent, attempts);
      return failing.has(sent) && attempts < 3 ? UNAVAILABLE : DELIVERED;
    };
    for (const one of failing) deliver.push(one);
    deliver.push(payload());
    await clock.settle();
    expect(deliver.stats()).toMatchObject({ sent: 10, requests: 16, failing: false });
    await clock.advance(250_000);
    expect(deliver.stats()).toMatchObject({ sent: 160, queuedRecords: 0 });
  });
});
