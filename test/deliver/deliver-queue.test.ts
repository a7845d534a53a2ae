/** What delivery makes of its queue: order of signals, what goes when it is full, back-pressure. */

import { describe, expect, it } from 'vitest';
import type { Signal } from '../../src/deliver/transport.ts';
import { DELIVERED, payload, REFUSED, setUp, UNAVAILABLE, unaccounted } from './scripted.ts';

const of = (signal: Signal, records = 10, bytes = 100) => payload(records, bytes, { signal });

describe('priority', () => {
  it('sends the most important signals first, the oldest first in each', async () => {
    const { clock, transport, deliver } = setUp({ maxInFlight: 1, priority: ['logs', 'metrics'] });
    transport.rule = () => DELIVERED;
    const all = (['traces', 'metrics', 'logs', 'profiles', 'logs', 'traces'] as const).map((s) =>
      of(s),
    );
    for (const one of all) deliver.push(one);
    await clock.settle();
    const [t1, m1, l1, p1, l2, t2] = all;
    const order = [l1, l2, m1, t1, p1, t2];
    expect(transport.requests.map(({ payload }) => all.indexOf(payload))).toEqual(
      order.map((one) => all.indexOf(one!)),
    );
    expect(deliver.stats().sent).toBe(60);
  });

  it('sends others while the most important one waits for its next attempt', async () => {
    const { clock, transport, deliver } = setUp({ maxInFlight: 2, priority: ['logs'] });
    deliver.push(of('logs'));
    deliver.push(of('traces'));
    await clock.settle();
    transport.requests[0]!.answer(UNAVAILABLE);
    transport.requests[1]!.answer(DELIVERED);
    await clock.settle();
    deliver.push(of('traces'));
    await clock.settle();
    expect(transport.requests.map(({ payload }) => payload.signal)).toEqual([
      'logs',
      'traces',
      'traces',
    ]);
    transport.rule = () => DELIVERED;
    transport.answerAll(DELIVERED);
    await clock.advance(1000);
    expect(transport.requests.at(-1)!.payload.signal).toBe('logs');
    expect(deliver.stats().sent).toBe(40 - 10);
  });

  it('probes a failing endpoint with what is most important', async () => {
    const { clock, transport, deliver } = setUp({ maxInFlight: 1, priority: ['logs'] });
    transport.rule = () => REFUSED;
    deliver.push(of('traces'));
    await clock.settle();
    deliver.push(of('logs'));
    await clock.advance(1000);
    expect(transport.requests.map(({ payload }) => payload.signal)).toEqual(['traces', 'logs']);
    expect(deliver.stats()).toMatchObject({ failing: true, queuedRecords: 20 });
  });

  it('waits for all that was pushed before, whatever the lane', async () => {
    const { clock, transport, deliver } = setUp({ maxInFlight: 1, priority: ['logs'] });
    deliver.push(of('traces'));
    let drained: boolean | undefined;
    void deliver.drained(10_000).then((value) => {
      drained = value;
    });
    // goes first, and is not waited for
    deliver.push(of('logs'));
    deliver.push(of('logs'));
    await clock.settle();
    expect(transport.requests).toHaveLength(1);
    transport.answerAll(DELIVERED);
    await clock.settle();
    expect(drained).toBe(true);
    expect(transport.open.size).toBe(1);
  });
});

describe('a full queue', () => {
  it('drops less important signals for more important ones, and counts them', async () => {
    const { clock, transport, deliver } = setUp({
      maxQueueBytes: 300,
      maxInFlight: 1,
      priority: ['logs', 'traces'],
    });
    deliver.push(of('metrics', 1));
    await clock.settle();
    deliver.push(of('metrics', 2));
    deliver.push(of('traces', 3));
    deliver.push(of('logs', 4));
    expect(deliver.stats()).toMatchObject({ queuedRecords: 1 + 3 + 4, dropped: { queue_full: 2 } });
    // the metrics that are in flight stay, the traces go
    deliver.push(of('logs', 5));
    expect(deliver.stats()).toMatchObject({ queuedRecords: 1 + 4 + 5, dropped: { queue_full: 5 } });
    deliver.push(of('traces', 6));
    deliver.push(of('logs', 7));
    expect(deliver.stats()).toMatchObject({ dropped: { queue_full: 5 + 6 + 7 } });
    transport.rule = () => DELIVERED;
    transport.answerAll(DELIVERED);
    await clock.settle();
    expect(transport.requests.map(({ payload }) => payload.records)).toEqual([1, 4, 5]);
    expect(unaccounted(deliver)).toBe(0);
  });

  it('drops what has waited longest with dropPolicy oldest, retries among it', async () => {
    const { clock, transport, deliver } = setUp({ maxQueueBytes: 300, dropPolicy: 'oldest' });
    transport.rule = () => REFUSED;
    for (const records of [1, 2, 3]) deliver.push(of('traces', records));
    await clock.settle();
    deliver.push(of('traces', 4));
    expect(deliver.stats()).toMatchObject({ queuedRecords: 9, dropped: { queue_full: 1 } });
    transport.rule = () => DELIVERED;
    await clock.advance(60_000);
    expect(deliver.stats()).toMatchObject({ sent: 9, dropped: { queue_full: 1 } });
    expect(unaccounted(deliver)).toBe(0);
  });

  it('tells those who wait that what they wait for was given up', async () => {
    const { clock, transport, deliver } = setUp({ maxQueueBytes: 100, dropPolicy: 'oldest' });
    transport.rule = () => REFUSED;
    deliver.push(of('traces'));
    await clock.settle();
    const drained = deliver.drained(60_000);
    deliver.push(of('traces'));
    await clock.settle();
    expect(await drained).toBe(true);
    expect(deliver.stats()).toMatchObject({ queuedRecords: 10, dropped: { queue_full: 10 } });
  });
});

describe('ready', () => {
  /** What a promise has come to so far. */
  function watch(promise: Promise<boolean>): { value: boolean | undefined } {
    const seen: { value: boolean | undefined } = { value: undefined };
    void promise.then((value) => {
      seen.value = value;
    });
    return seen;
  }

  it('is at once until more than three quarters are taken, then from half on', async () => {
    const { clock, transport, deliver } = setUp({ maxQueueBytes: 400 });
    for (let i = 0; i < 3; i++) deliver.push(payload());
    expect(await deliver.ready(0)).toBe(true);
    deliver.push(payload(1, 1));
    const ready = watch(deliver.ready(60_000));
    await clock.settle();
    expect(ready.value).toBeUndefined();
    transport.requests[0]!.answer(DELIVERED);
    await clock.settle();
    // 201 bytes are left
    expect(ready.value).toBeUndefined();
    transport.requests[3]!.answer(DELIVERED);
    await clock.settle();
    expect(ready.value).toBe(true);
    transport.answerAll(DELIVERED);
    await clock.settle();
    expect(clock.timers.size).toBe(0);
  });

  it('is false after the time that is given, and keeps the process alive until then', async () => {
    const { clock, deliver } = setUp({ maxQueueBytes: 100 });
    deliver.push(payload());
    await clock.settle();
    expect(clock.timers.size).toBe(0);
    const ready = watch(deliver.ready(5000));
    expect([...clock.timers].map(({ keepAlive }) => keepAlive)).toEqual([true]);
    await clock.advance(4999);
    expect(ready.value).toBeUndefined();
    await clock.advance(1);
    expect(ready.value).toBe(false);
    expect(clock.timers.size).toBe(0);
  });

  it('keeps the process alive for the retry that makes room', async () => {
    const { clock, transport, deliver } = setUp({ maxQueueBytes: 100 });
    transport.rule = () => UNAVAILABLE;
    deliver.push(payload());
    await clock.settle();
    expect([...clock.timers].map(({ keepAlive }) => keepAlive)).toEqual([false]);
    const ready = watch(deliver.ready(Number.POSITIVE_INFINITY));
    expect([...clock.timers].map(({ keepAlive }) => keepAlive)).toEqual([true, true]);
    transport.rule = () => DELIVERED;
    await clock.advance(1000);
    expect(ready.value).toBe(true);
    expect(clock.timers.size).toBe(0);
  });

  it('answers several who wait, each by its own time', async () => {
    const { clock, transport, deliver } = setUp({ maxQueueBytes: 100 });
    deliver.push(payload());
    const all = [1000, 2000, Number.POSITIVE_INFINITY].map((ms) => deliver.ready(ms));
    await clock.advance(1500);
    transport.answerAll(DELIVERED);
    expect(await Promise.all(all)).toEqual([false, true, true]);
  });

  it('waits for nothing once delivery is closed or abandoned', async () => {
    for (const end of ['close', 'abandon'] as const) {
      const { clock, deliver } = setUp({ maxQueueBytes: 100 });
      deliver.push(payload());
      await clock.settle();
      const ready = watch(deliver.ready(60_000));
      if (end === 'close') void deliver.close(1000);
      else deliver.abandon();
      await clock.advance(1000);
      expect(ready.value).toBe(true);
      expect(await deliver.ready(0)).toBe(true);
      expect(clock.timers.size).toBe(0);
    }
  });

  it('waits for nothing where there never will be room', async () => {
    const { deliver } = setUp({ maxQueueBytes: 0 });
    deliver.push(payload());
    expect(await deliver.ready(Number.POSITIVE_INFINITY)).toBe(true);
    expect(deliver.stats().dropped.queue_full).toBe(10);
  });

  it('loses nothing of a producer that asks before every batch', async () => {
    const { clock, transport, deliver } = setUp({ maxQueueBytes: 1000, maxInFlight: 2 });
    let produced = 0;
    const producer = (async () => {
      for (; produced < 200; produced++) {
        await deliver.ready(Number.POSITIVE_INFINITY);
        deliver.push(payload());
      }
    })();
    for (let i = 0; i < 400 && deliver.stats().sent < 2000; i++) {
      await clock.settle();
      expect(deliver.stats().queuedBytes).toBeLessThanOrEqual(1000);
      transport.answerAll(i % 10 === 3 ? UNAVAILABLE : DELIVERED);
      await clock.advance(i % 10 === 3 ? 30_000 : 0);
    }
    await producer;
    expect(deliver.stats()).toMatchObject({ sent: 2000, dropped: { queue_full: 0 } });
  });
});
