import { describe, expect, it } from 'vitest';
import { createDeliver } from '../../src/deliver/deliver.ts';
import type { Outcome, Transport } from '../../src/deliver/transport.ts';
import { randomFrom } from '../support/random.ts';
import { FakeClock } from './fake-clock.ts';
import {
  DELIVERED,
  payload,
  REFUSED,
  type Request,
  setUp,
  UNAVAILABLE,
  unaccounted,
} from './scripted.ts';

const MINUTE = 60_000;

const times = (requests: readonly Request[]) => requests.map(({ at }) => at - 1000);

describe('push', () => {
  it('sends after the call, not within it', async () => {
    const { clock, transport, deliver } = setUp();
    deliver.push(payload());
    expect(transport.requests).toHaveLength(0);
    expect(deliver.stats()).toMatchObject({ pushed: 10, queuedRecords: 10, queuedBytes: 100 });
    await clock.settle();
    expect(transport.requests).toHaveLength(1);
    expect(deliver.stats()).toMatchObject({ queuedRecords: 10, inFlight: 1, sent: 0 });
    transport.answerAll(DELIVERED);
    await clock.settle();
    expect(deliver.stats()).toMatchObject({
      queuedRecords: 0,
      queuedBytes: 0,
      inFlight: 0,
      sent: 10,
      sentBytes: 100,
      sentRawBytes: 500,
      requests: 1,
      retries: 0,
      lastError: undefined,
    });
    expect(clock.timers.size).toBe(0);
  });

  it('keeps the order and the number of requests in flight', async () => {
    const { clock, transport, deliver } = setUp({ maxInFlight: 3 });
    const payloads = Array.from({ length: 7 }, () => payload());
    for (const each of payloads) deliver.push(each);
    await clock.settle();
    expect(transport.requests.map((request) => request.payload)).toEqual(payloads.slice(0, 3));
    transport.requests[1]?.answer(DELIVERED);
    await clock.settle();
    expect(transport.open.size).toBe(3);
    transport.rule = () => DELIVERED;
    transport.answerAll(DELIVERED);
    await clock.settle();
    expect(new Set(transport.requests.map((request) => request.payload))).toEqual(
      new Set(payloads),
    );
    expect(deliver.stats()).toMatchObject({ sent: 70, requests: 7 });
  });

  it('drops what the queue has no room for, those in flight counted', async () => {
    const { clock, transport, deliver } = setUp({ maxQueueBytes: 250 });
    for (let i = 0; i < 3; i++) deliver.push(payload());
    await clock.settle();
    deliver.push(payload());
    expect(deliver.stats()).toMatchObject({
      queuedBytes: 200,
      queuedRecords: 20,
      dropped: { queue_full: 20 },
    });
    transport.answerAll(DELIVERED);
    await clock.settle();
    deliver.push(payload(1, 251));
    deliver.push(payload(1, 250));
    expect(deliver.stats()).toMatchObject({ queuedBytes: 250, dropped: { queue_full: 21 } });
    expect(unaccounted(deliver)).toBe(0);
  });
});

describe('answers', () => {
  it('counts a partial success once, and never sends it again', async () => {
    const { clock, transport, deliver } = setUp();
    transport.rule = () => ({ kind: 'partial', rejected: 4, message: 'too long' });
    deliver.push(payload());
    await clock.advance(10 * MINUTE);
    expect(deliver.stats()).toMatchObject({ sent: 6, rejected: 4, requests: 1 });
    expect(deliver.stats().lastError).toContain('too long');
  });

  it.each([
    [11, 10],
    [-3, 0],
    [Number.POSITIVE_INFINITY, 10],
    [2.7, 2],
  ])('believes no more than it sent: %d rejected', async (rejected, counted) => {
    const { clock, transport, deliver } = setUp();
    transport.rule = () => ({ kind: 'partial', rejected, message: '' });
    deliver.push(payload());
    await clock.settle();
    expect(deliver.stats()).toMatchObject({ sent: 10 - counted, rejected: counted });
  });

  it('never sends again what was refused', async () => {
    const { clock, transport, deliver } = setUp();
    transport.rule = () => ({ kind: 'rejected', reason: 'HTTP 400: no', status: 400 });
    deliver.push(payload());
    await clock.advance(10 * MINUTE);
    expect(deliver.stats()).toMatchObject({
      rejected: 10,
      requests: 1,
      failing: false,
      lastError: 'HTTP 400: no',
    });
  });

  it('shows a warning, and counts the records as sent', async () => {
    const { clock, transport, deliver } = setUp();
    transport.rule = () => ({ kind: 'delivered', warning: 'deprecated' });
    deliver.push(payload());
    await clock.settle();
    expect(deliver.stats()).toMatchObject({ sent: 10, lastWarning: 'deprecated' });
  });

  it('takes a transport that throws for a refusal', async () => {
    const clock = new FakeClock();
    const transport: Transport = {
      send: () => {
        throw new Error('broken');
      },
      close() {},
    };
    const deliver = createDeliver({ transport, clock, random: () => 1 });
    for (let i = 0; i < 20_000; i++) deliver.push(payload());
    expect(await deliver.drained(1000)).toBe(true);
    expect(deliver.stats()).toMatchObject({ rejected: 200_000, lastError: 'Error: broken' });
  });
});

describe('retry', () => {
  it('backs off exponentially, and sends the same payload', async () => {
    const { clock, transport, deliver } = setUp();
    transport.rule = () => UNAVAILABLE;
    const sent = payload();
    deliver.push(sent);
    await clock.advance(100_000);
    expect(times(transport.requests)).toEqual([
      0, 1000, 3000, 7000, 15_000, 31_000, 61_000, 91_000,
    ]);
    expect(transport.requests.every((request) => request.payload === sent)).toBe(true);
    expect(deliver.stats()).toMatchObject({ requests: 8, retries: 7, failing: true });
    transport.rule = () => DELIVERED;
    await clock.advance(30_000);
    expect(deliver.stats()).toMatchObject({ sent: 10, requests: 9, failing: false });
  });

  it('waits as long as the server says, then backs off on top', async () => {
    const { clock, transport, deliver } = setUp({ random: () => 0.5 });
    transport.rule = () => ({ kind: 'retryable', reason: 'HTTP 429', delayMs: 20_000 });
    deliver.push(payload());
    await clock.advance(45_000);
    expect(times(transport.requests)).toEqual([0, 20_500, 41_500]);
  });

  it('backs off from what the server had asked for, when it fails again without a word', async () => {
    const { clock, transport, deliver } = setUp();
    let attempt = 0;
    transport.rule = () => {
      attempt++;
      if (attempt === 1) return { ...UNAVAILABLE, delayMs: 5000 } as Outcome;
      return attempt < 4 ? UNAVAILABLE : DELIVERED;
    };
    deliver.push(payload());
    await clock.advance(MINUTE);
    // 5 s and jitter of up to 1 s; then 2 x 5 s, 4 x 5 s
    expect(times(transport.requests)).toEqual([0, 6000, 16_000, 36_000]);
    transport.rule = () => (attempt++ === 4 ? UNAVAILABLE : DELIVERED);
    deliver.push(payload());
    await clock.advance(MINUTE);
    // forgotten with the answer
    expect(times(transport.requests).slice(4)).toEqual([60_000, 61_000]);
  });

  it('backs off after Retry-After: 0', async () => {
    const { clock, transport, deliver } = setUp();
    transport.rule = () => ({ kind: 'retryable', reason: 'HTTP 429', delayMs: 0 });
    deliver.push(payload());
    await clock.advance(3000);
    expect(times(transport.requests)).toEqual([0, 1000, 3000]);
  });

  it('holds back the following payloads when the server asks for silence', async () => {
    const { clock, transport, deliver } = setUp();
    for (let i = 0; i < 2; i++) deliver.push(payload());
    await clock.settle();
    const [first, second] = transport.requests;
    first?.answer({ kind: 'retryable', reason: 'HTTP 429', delayMs: 10_000 });
    await clock.settle();
    // an answer to an earlier request does not lift it
    second?.answer(DELIVERED);
    await clock.settle();
    deliver.push(payload());
    await clock.advance(10_999);
    expect(transport.requests).toHaveLength(2);
    transport.rule = () => DELIVERED;
    await clock.advance(1);
    expect(times(transport.requests)).toEqual([0, 0, 11_000, 11_000]);
    expect(deliver.stats().sent).toBe(30);
  });

  it('sends one probe at a time to a failing endpoint, all when it is back', async () => {
    const { clock, transport, deliver } = setUp({ maxInFlight: 8 });
    transport.rule = () => REFUSED;
    for (let i = 0; i < 20; i++) deliver.push(payload());
    await clock.settle();
    // the eight that were under way fail together: one step of the back-off
    expect(times(transport.requests)).toEqual(new Array(8).fill(0));
    await clock.advance(31_000);
    expect(times(transport.requests).slice(8)).toEqual([1000, 3000, 7000, 15_000, 31_000]);
    transport.rule = undefined;
    await clock.advance(30_000);
    expect(transport.open.size).toBe(1);
    transport.answerAll(DELIVERED);
    await clock.settle();
    expect(transport.open.size).toBe(8);
    transport.rule = () => DELIVERED;
    transport.answerAll(DELIVERED);
    await clock.settle();
    expect(deliver.stats()).toMatchObject({ sent: 200, failing: false, queuedRecords: 0 });
  });

  it('goes on at full width when one request of many fails', async () => {
    const { clock, transport, deliver } = setUp({ maxInFlight: 4 });
    for (let i = 0; i < 9; i++) deliver.push(payload());
    await clock.settle();
    transport.requests[0]?.answer(UNAVAILABLE);
    await clock.settle();
    expect(transport.open.size).toBe(3);
    transport.requests[1]?.answer(DELIVERED);
    await clock.settle();
    expect(transport.open.size).toBe(4);
    transport.rule = () => DELIVERED;
    transport.answerAll(DELIVERED);
    await clock.settle();
    expect(deliver.stats()).toMatchObject({ sent: 80, queuedRecords: 10 });
    // the failed one has its own back-off all the same
    await clock.advance(999);
    expect(deliver.stats().sent).toBe(80);
    await clock.advance(1);
    expect(deliver.stats().sent).toBe(90);
  });

  it('sends again at once when the connection was stale, but only once', async () => {
    const { clock, transport, deliver } = setUp();
    transport.rule = () => ({ kind: 'retryable', reason: 'ECONNRESET', atOnce: true });
    deliver.push(payload());
    await clock.settle();
    expect(transport.requests).toHaveLength(2);
    expect(deliver.stats()).toMatchObject({ retries: 1, failing: true });
    await clock.advance(999);
    expect(transport.requests).toHaveLength(2);
    transport.rule = () => DELIVERED;
    await clock.advance(1);
    expect(deliver.stats()).toMatchObject({ sent: 10, retries: 2 });
  });

  it('loses nothing in an outage as long as the maximum age', async () => {
    const { clock, transport, deliver } = setUp();
    transport.rule = () => REFUSED;
    deliver.push(payload());
    for (let second = 0; second < 300; second++) {
      deliver.push(payload());
      await clock.advance(1000);
    }
    transport.rule = () => DELIVERED;
    await clock.advance(30_000);
    expect(deliver.stats()).toMatchObject({ sent: 3010, queuedRecords: 0 });
  });

  it('gives up what is too old when an attempt fails, and keeps the rest', async () => {
    const { clock, transport, deliver } = setUp({ retry: { maxAgeMs: 60_000 } });
    transport.rule = () => REFUSED;
    deliver.push(payload());
    deliver.push(payload(7));
    await clock.advance(50_000);
    deliver.push(payload(5));
    await clock.advance(10_999);
    expect(deliver.stats().dropped.retry_expired).toBe(0);
    await clock.advance(1);
    expect(deliver.stats()).toMatchObject({ dropped: { retry_expired: 17 }, queuedRecords: 5 });
    await clock.advance(10 * MINUTE);
    expect(deliver.stats()).toMatchObject({ dropped: { retry_expired: 22 }, queuedRecords: 0 });
    expect(unaccounted(deliver)).toBe(0);
    expect(clock.timers.size).toBe(0);
  });

  it('gives up at once what the server wants later than the maximum age', async () => {
    const { clock, transport, deliver } = setUp();
    transport.rule = () => ({ kind: 'retryable', reason: 'HTTP 503', delayMs: 3_600_000 });
    deliver.push(payload());
    await clock.settle();
    expect(deliver.stats().dropped.retry_expired).toBe(10);
  });
});

describe('drained', () => {
  it('is complete when there is nothing', async () => {
    const { clock, deliver } = setUp();
    expect(await deliver.drained(1000)).toBe(true);
    expect(clock.timers.size).toBe(0);
  });

  it('sends at once, and waits for what was pushed before, not after', async () => {
    const { clock, transport, deliver } = setUp();
    deliver.push(payload());
    const drained = deliver.drained(1000);
    expect(transport.requests).toHaveLength(1);
    deliver.push(payload());
    await clock.settle();
    expect(transport.requests).toHaveLength(2);
    transport.requests[0]?.answer(DELIVERED);
    expect(await drained).toBe(true);
    expect(deliver.stats()).toMatchObject({ sent: 10, queuedRecords: 10 });
  });

  it('waits for one that was already in flight', async () => {
    const { clock, transport, deliver } = setUp();
    deliver.push(payload());
    await clock.settle();
    let complete: boolean | undefined;
    void deliver.drained(1000).then((value) => {
      complete = value;
    });
    await clock.advance(999);
    expect(complete).toBeUndefined();
    transport.answerAll(DELIVERED);
    await clock.settle();
    expect(complete).toBe(true);
  });

  it('waits through a retry, and keeps the process alive for it', async () => {
    const { clock, transport, deliver } = setUp();
    transport.rule = () => UNAVAILABLE;
    deliver.push(payload());
    await clock.settle();
    expect([...clock.timers].map(({ keepAlive }) => keepAlive)).toEqual([false]);
    const drained = deliver.drained(5000);
    await clock.settle();
    expect([...clock.timers].map(({ keepAlive }) => keepAlive)).toEqual([true, true]);
    transport.rule = () => DELIVERED;
    await clock.advance(1000);
    expect(await drained).toBe(true);
  });

  it('ends at the deadline, and lets the process go', async () => {
    const { clock, transport, deliver } = setUp();
    deliver.push(payload());
    const drained = deliver.drained(5000);
    await clock.advance(5000);
    expect(await drained).toBe(false);
    expect(deliver.stats().queuedRecords).toBe(10);
    transport.answerAll(UNAVAILABLE);
    await clock.settle();
    expect([...clock.timers].map(({ keepAlive }) => keepAlive)).toEqual([false]);
  });

  it('ends early when nothing can happen before the deadline', async () => {
    const { clock, transport, deliver } = setUp();
    transport.rule = () => ({ kind: 'retryable', reason: 'HTTP 503', delayMs: 60_000 });
    deliver.push(payload());
    const drained = deliver.drained(5000);
    await clock.settle();
    expect(await drained).toBe(false);
    expect(deliver.stats().queuedRecords).toBe(10);
    expect([...clock.timers].map(({ keepAlive }) => keepAlive)).toEqual([false]);
  });

  it('counts what was given up as answered', async () => {
    const { clock, transport, deliver } = setUp({ retry: { maxAgeMs: 3000 } });
    transport.rule = () => REFUSED;
    deliver.push(payload());
    const drained = deliver.drained(20_000);
    await clock.advance(20_000);
    expect(await drained).toBe(true);
    expect(deliver.stats().dropped.retry_expired).toBe(10);
  });

  it('answers several callers, with no deadline too', async () => {
    const { clock, transport, deliver } = setUp();
    deliver.push(payload());
    const all = [1000, 2000, Number.POSITIVE_INFINITY].map((ms) => deliver.drained(ms));
    await clock.advance(1500);
    transport.answerAll(DELIVERED);
    expect(await Promise.all(all)).toEqual([false, true, true]);
  });
});

describe('close', () => {
  it('delivers what it can, then closes the connections', async () => {
    const { transport, deliver } = setUp();
    transport.rule = () => DELIVERED;
    deliver.push(payload());
    expect(await deliver.close(1000)).toBe(true);
    expect(transport.closed).toBe(1);
    expect(deliver.stats()).toMatchObject({ sent: 10, dropped: { shutdown: 0 } });
  });

  it('drops the rest at the deadline and whatever is pushed later, counting each once', async () => {
    const { clock, transport, deliver } = setUp({ maxInFlight: 2 });
    for (let i = 0; i < 5; i++) deliver.push(payload());
    const closed = deliver.close(1000);
    deliver.push(payload());
    await clock.settle();
    transport.requests[0]?.answer(DELIVERED);
    await clock.advance(1000);
    expect(await closed).toBe(false);
    expect(deliver.stats()).toMatchObject({
      sent: 10,
      dropped: { shutdown: 50 },
      queuedRecords: 0,
    });
    expect(transport.open.size).toBe(0);
    await clock.advance(MINUTE);
    expect(deliver.stats()).toMatchObject({ sent: 10, dropped: { shutdown: 50 }, inFlight: 0 });
    expect(unaccounted(deliver)).toBe(0);
    expect(clock.timers.size).toBe(0);
  });

  it('happens once', async () => {
    const { transport, deliver } = setUp();
    transport.rule = () => DELIVERED;
    expect(deliver.close(1000)).toBe(deliver.close(5));
    await deliver.close(1);
    expect(transport.closed).toBe(1);
  });
});

describe('abandon', () => {
  it('drops everything at once, and says how much', async () => {
    const { clock, transport, deliver } = setUp({ maxInFlight: 1 });
    const drained = deliver.drained(1000);
    for (let i = 0; i < 3; i++) deliver.push(payload());
    await clock.settle();
    expect(deliver.abandon()).toEqual({ payloads: 3, records: 30 });
    expect(deliver.stats()).toMatchObject({
      queuedRecords: 0,
      queuedBytes: 0,
      dropped: { exit: 30 },
    });
    deliver.push(payload());
    expect(deliver.abandon()).toEqual({ payloads: 0, records: 0 });
    await clock.advance(MINUTE);
    await drained;
    expect(deliver.stats()).toMatchObject({ dropped: { exit: 40 }, requests: 1 });
    expect(unaccounted(deliver)).toBe(0);
    expect(transport.open.size).toBe(0);
  });
});

describe('accounting', () => {
  it.each(Array.from({ length: 40 }, (_, i) => 7919 * (i + 1)))(
    'holds at every step of a random run, seed %d',
    async (seed) => {
      const random = randomFrom(seed);
      const maxQueueBytes = 2000 + random.below(4000);
      const { clock, transport, deliver } = setUp({
        random: random.next,
        maxQueueBytes,
        maxInFlight: 1 + random.below(6),
        retry: { maxAgeMs: 20_000 },
      });
      const outcome = (): Outcome => {
        const reason = 'r';
        const outcomes: Outcome[] = [
          DELIVERED,
          DELIVERED,
          { kind: 'partial', rejected: random.below(20), message: '' },
          { kind: 'rejected', reason },
          { kind: 'retryable', reason },
          { kind: 'retryable', reason, delayMs: random.below(8000) },
          { kind: 'retryable', reason, atOnce: true },
        ];
        return outcomes[random.below(outcomes.length)] as Outcome;
      };
      let pushed = 0;
      const check = () => {
        expect(unaccounted(deliver)).toBe(0);
        const { queuedBytes, queuedRecords, inFlight, ...stats } = deliver.stats();
        expect(stats.pushed).toBe(pushed);
        expect(Math.min(queuedBytes, queuedRecords, inFlight)).toBeGreaterThanOrEqual(0);
        expect(queuedBytes).toBeLessThanOrEqual(maxQueueBytes);
        expect(inFlight).toBe(transport.open.size);
      };
      for (let step = 0; step < 300; step++) {
        const records = 1 + random.below(12);
        const what = random.below(10);
        if (what < 4) {
          deliver.push(payload(records, 1 + random.below(600)));
          pushed += records;
        } else if (what < 8) {
          const open = [...transport.open];
          open[random.below(open.length)]?.answer(outcome());
          await clock.settle();
        } else if (what === 8) {
          await clock.advance(random.below(4000));
        } else {
          void deliver.drained(random.below(3000));
          await clock.settle();
        }
        await clock.settle();
        check();
      }
      const closed = deliver.close(10_000);
      for (let i = 0; i < 50; i++) {
        const [first] = transport.open;
        first?.answer(outcome());
        await clock.advance(500);
        check();
      }
      await closed;
      check();
      expect(deliver.stats()).toMatchObject({ queuedRecords: 0, queuedBytes: 0, inFlight: 0 });
      expect(clock.timers.size).toBe(0);
    },
  );
});
