import { describe, expect, it } from 'vitest';
import { createQueue, type Entry, type QueueOptions } from '../../src/deliver/queue.ts';
import { type Payload, SIGNALS, type Signal } from '../../src/deliver/transport.ts';
import { randomFrom } from '../support/random.ts';

function payload(signal: Signal, bytes: number, records = 1): Payload {
  return {
    signal,
    body: new Uint8Array(bytes),
    encoding: 'gzip',
    contentType: 'application/x-protobuf',
    records,
    rawBytes: bytes,
  };
}

function queueOf(options: Partial<QueueOptions> = {}) {
  return createQueue({ maxBytes: 1000, dropPolicy: 'newest', priority: [], ...options });
}

type Queue = ReturnType<typeof queueOf>;

const entriesOf = (queue: Queue) => queue.lanes.flatMap((lane) => [...lane]);
const payloadsOf = (queue: Queue) => entriesOf(queue).map((entry) => entry.payload);
/** What `add` gave up, as payloads. */
const lost = (given: readonly (Entry | Payload)[]) =>
  given.map((one) => ('payload' in one ? one.payload : one));

describe('lanes', () => {
  it('without priorities are one: payloads of all signals in the order they came', () => {
    const queue = queueOf();
    const all = (['logs', 'traces', 'profiles', 'metrics', 'traces'] as const).map((signal) =>
      payload(signal, 10),
    );
    for (const one of all) queue.add(one, 5);
    expect(payloadsOf(queue)).toEqual(all);
    expect(entriesOf(queue).map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5]);
    expect(entriesOf(queue)[0]).toMatchObject({ pushedAt: 5, dueAt: 5, attempts: 0, failures: 0 });
  });

  it('with priorities: the most important first, those left out last and all alike', () => {
    const queue = queueOf({ priority: ['logs', 'traces'] });
    const [m1, t1, p1, l1, t2, l2, m2] = (
      ['metrics', 'traces', 'profiles', 'logs', 'traces', 'logs', 'metrics'] as const
    ).map((signal) => payload(signal, 10)) as Payload[];
    for (const one of [m1, t1, p1, l1, t2, l2, m2]) queue.add(one!, 0);
    expect(payloadsOf(queue)).toEqual([l1, l2, t1, t2, m1, p1, m2]);
    expect(queue.oldest()).toBe(1);
  });

  it('with all signals named, and with one named twice, are one for each', () => {
    for (const priority of [
      ['profiles', 'logs', 'metrics', 'traces'],
      ['profiles', 'profiles', 'logs', 'metrics', 'metrics', 'traces'],
    ] as const) {
      const queue = queueOf({ priority });
      const all = SIGNALS.map((signal) => payload(signal, 10));
      for (const one of all) queue.add(one, 0);
      expect(payloadsOf(queue).map(({ signal }) => signal)).toEqual([
        'profiles',
        'logs',
        'metrics',
        'traces',
      ]);
    }
  });

  it('know the oldest of them all', () => {
    const queue = queueOf({ priority: ['logs'] });
    expect(queue.oldest()).toBe(Number.POSITIVE_INFINITY);
    queue.add(payload('traces', 1), 0);
    queue.add(payload('logs', 1), 0);
    queue.add(payload('traces', 1), 0);
    const [log, first] = entriesOf(queue) as [Entry, Entry];
    expect(queue.oldest()).toBe(1);
    queue.remove(first);
    expect(queue.oldest()).toBe(2);
    queue.remove(log);
    expect(queue.oldest()).toBe(3);
    expect(queue.sequence).toBe(3);
  });
});

describe('a full queue', () => {
  it('newest: takes nothing more of signals that are alike', () => {
    const queue = queueOf();
    const [a, b, c] = [payload('traces', 600), payload('logs', 400), payload('traces', 1)];
    expect(queue.add(a!, 0)).toEqual([]);
    expect(queue.add(b!, 0)).toEqual([]);
    expect(queue.add(c!, 0)).toEqual([c]);
    expect(payloadsOf(queue)).toEqual([a, b]);
    expect(queue.sequence).toBe(2);
  });

  it('oldest: gives up those that have waited longest, and no more than it must', () => {
    const queue = queueOf({ dropPolicy: 'oldest' });
    const all = [300, 300, 300].map((bytes) => payload('traces', bytes));
    for (const one of all) queue.add(one, 0);
    const come = payload('logs', 500);
    expect(lost(queue.add(come, 0))).toEqual(all.slice(0, 2));
    expect(payloadsOf(queue)).toEqual([all[2], come]);
    expect(queue.bytes).toBe(800);
  });

  it.each(['newest', 'oldest'] as const)('%s: gives up less important signals first', (policy) => {
    const queue = queueOf({ dropPolicy: policy, priority: ['logs', 'traces'] });
    const metrics = [1, 2].map(() => payload('metrics', 200));
    const traces = [1, 2].map(() => payload('traces', 200));
    const log = payload('logs', 200);
    for (const one of [...traces, ...metrics, log]) queue.add(one, 0);
    // the first to go is of the last lane, by the policy
    const [first, second] = policy === 'oldest' ? metrics : metrics.toReversed();
    const come = [1, 2, 3].map(() => payload('logs', 200));
    expect(lost(queue.add(come[0]!, 0))).toEqual([first]);
    expect(lost(queue.add(come[1]!, 0))).toEqual([second]);
    const trace = policy === 'oldest' ? traces[0] : traces[1];
    expect(lost(queue.add(come[2]!, 0))).toEqual([trace]);
    // one of less importance finds nothing that it may take the place of
    const metric = payload('metrics', 200);
    expect(queue.add(metric, 0)).toEqual([metric]);
    expect(queue.bytes).toBe(1000);
  });

  it.each(['newest', 'oldest'] as const)('%s: never gives up a more important one', (policy) => {
    const queue = queueOf({ dropPolicy: policy, priority: ['logs', 'traces'] });
    queue.add(payload('logs', 1000), 0);
    const trace = payload('traces', 1);
    expect(queue.add(trace, 0)).toEqual([trace]);
    expect(queue.bytes).toBe(1000);
  });

  it.each(['newest', 'oldest'] as const)('%s: never gives up what is being sent', (policy) => {
    const queue = queueOf({ dropPolicy: policy, priority: ['logs'] });
    const sent = payload('traces', 600);
    const waits = payload('traces', 400);
    queue.add(sent, 0);
    queue.add(waits, 0);
    entriesOf(queue)[0]!.sending = true;
    const small = payload('logs', 400);
    expect(lost(queue.add(small, 0))).toEqual([waits]);
    const large = payload('logs', 401);
    expect(lost(queue.add(large, 0))).toEqual([large]);
    expect(payloadsOf(queue)).toEqual([small, sent]);
  });

  it('gives up nothing in vain when that would not be enough', () => {
    for (const bytes of [1001, 5000]) {
      const queue = queueOf({ dropPolicy: 'oldest', priority: ['logs'] });
      const all = [payload('traces', 500), payload('metrics', 300)];
      for (const one of all) queue.add(one, 0);
      const come = payload('logs', bytes);
      expect(queue.add(come, 0)).toEqual([come]);
      expect(payloadsOf(queue)).toEqual(all);
    }
    const queue = queueOf({ dropPolicy: 'oldest' });
    queue.add(payload('traces', 500), 0);
    entriesOf(queue)[0]!.sending = true;
    queue.add(payload('traces', 500), 0);
    expect(queue.add(payload('traces', 501), 0)).toHaveLength(1);
    expect(queue.size).toBe(2);
  });

  it('gives up all parts of a payload that was divided', () => {
    const queue = queueOf({ dropPolicy: 'oldest' });
    queue.add(payload('traces', 900, 10), 0);
    const [entry] = entriesOf(queue) as [Entry];
    queue.replace(entry, [payload('traces', 500, 6), payload('traces', 450, 4)], 0);
    const [victim] = queue.add(payload('traces', 1000, 3), 0);
    expect(victim).toBe(entry);
    expect([queue.bytes, queue.records, queue.size]).toEqual([1000, 3, 1]);
  });

  it('of no bytes at all takes nothing', () => {
    const queue = queueOf({ maxBytes: 0, dropPolicy: 'oldest' });
    const come = payload('traces', 1);
    expect(queue.add(come, 0)).toEqual([come]);
    expect([queue.bytes, queue.records, queue.size]).toEqual([0, 0, 0]);
  });
});

describe('parts', () => {
  const part = (records: number) => payload('traces', records * 10, records);

  it('are sent one after the other in the place of their payload', () => {
    const queue = queueOf();
    queue.add(part(8), 1);
    queue.add(part(1), 2);
    const [entry] = entriesOf(queue) as [Entry];
    entry.attempts = 3;
    entry.failures = 2;
    const [left, right] = [part(5), part(3)];
    queue.replace(entry, [left, right], 7);
    expect(entry).toMatchObject({ attempts: 0, failures: 0, dueAt: 7, pushedAt: 1, sequence: 1 });
    expect(entry.payload).toBe(left);
    // divided once more: its own parts come before what was left
    const halves = [part(3), part(2)];
    queue.replace(entry, halves, 8);
    const order = [entry.payload];
    while (queue.next(entry, 9)) order.push(entry.payload);
    expect(order).toEqual([...halves, right]);
    expect(queue.has(entry)).toBe(false);
    expect([queue.size, queue.records, queue.bytes]).toEqual([1, 1, 10]);
  });

  it('are as new: the attempts of the one before do not count', () => {
    const queue = queueOf();
    queue.add(part(2), 1);
    const [entry] = entriesOf(queue) as [Entry];
    queue.replace(entry, [part(1), part(1)], 2);
    entry.attempts = 4;
    entry.failures = 4;
    entry.dueAt = 99;
    expect(queue.next(entry, 50)).toBe(true);
    expect(entry).toMatchObject({ attempts: 0, failures: 0, dueAt: 50, pushedAt: 1 });
  });

  it('go with their entry, which is removed once', () => {
    const queue = queueOf();
    queue.add(part(9), 1);
    const [entry] = entriesOf(queue) as [Entry];
    queue.replace(entry, [part(4), part(3), part(2)], 2);
    queue.remove(entry);
    queue.remove(entry);
    expect([queue.size, queue.records, queue.bytes]).toEqual([0, 0, 0]);
  });
});

describe('beside a plain model', () => {
  interface Kept {
    readonly entry: Entry;
    payloads: Payload[];
  }

  it.each(Array.from({ length: 24 }, (_, i) => 104_729 * (i + 1)))(
    'holds the same, in the same order, with the same sums, seed %d',
    (seed) => {
      const random = randomFrom(seed);
      const shuffled = [...SIGNALS].sort(() => random.next() - 0.5);
      const priority = shuffled.slice(0, random.below(5));
      const dropPolicy = random.below(2) === 0 ? 'newest' : 'oldest';
      const queue = queueOf({ maxBytes: 2000, dropPolicy, priority });
      const rankOf = ({ signal }: Payload) =>
        priority.includes(signal) ? priority.indexOf(signal) : priority.length;
      let model: Kept[] = [];
      const bytesOf = (kept: Kept) => kept.payloads.reduce((sum, { body }) => sum + body.length, 0);
      const total = () => model.reduce((sum, kept) => sum + bytesOf(kept), 0);
      const sorted = () =>
        [...model].sort(
          (a, b) =>
            rankOf(a.payloads[0]!) - rankOf(b.payloads[0]!) || a.entry.sequence - b.entry.sequence,
        );

      /** Those that must go, in that order, as slowly as can be. */
      function expected(come: Payload): Kept[] | undefined {
        const candidates = model
          .filter(({ entry }) => !entry.sending)
          .filter(({ payloads: [first] }) => {
            const difference = rankOf(first!) - rankOf(come);
            return difference > 0 || (difference === 0 && dropPolicy === 'oldest');
          })
          .sort((a, b) => {
            const byRank = rankOf(b.payloads[0]!) - rankOf(a.payloads[0]!);
            const byAge = a.entry.sequence - b.entry.sequence;
            return byRank || (dropPolicy === 'oldest' ? byAge : -byAge);
          });
        for (let many = 0; many <= candidates.length; many++) {
          const freed = candidates.slice(0, many).reduce((sum, kept) => sum + bytesOf(kept), 0);
          if (total() - freed + come.body.length <= 2000) return candidates.slice(0, many);
        }
        return undefined;
      }

      for (let step = 0; step < 300; step++) {
        const picked = model[random.below(model.length)];
        const what = random.below(10);
        if (what < 5 || picked === undefined) {
          const signal = SIGNALS[random.below(4)]!;
          const come = payload(signal, 1 + random.below(500), 1 + random.below(9));
          const victims = expected(come);
          const given = queue.add(come, step);
          const wanted = victims?.map(({ entry }) => entry) ?? [come];
          expect(given.length).toBe(wanted.length);
          expect(given.every((one, at) => one === wanted[at])).toBe(true);
          if (victims !== undefined) {
            model = model.filter((kept) => !victims.includes(kept));
            const entry = entriesOf(queue).find((one) => one.payload === come)!;
            expect(entry.sequence).toBe(queue.sequence);
            model.push({ entry, payloads: [come] });
          }
        } else if (what === 5) {
          picked.entry.sending = !picked.entry.sending;
        } else if (what === 6) {
          queue.remove(picked.entry);
          model = model.filter((kept) => kept !== picked);
        } else if (what < 9) {
          const more = queue.next(picked.entry, step);
          picked.payloads.shift();
          expect(more).toBe(picked.payloads.length > 0);
          if (!more) model = model.filter((kept) => kept !== picked);
        } else {
          const [replaced, ...rest] = picked.payloads;
          const parts = Array.from({ length: 1 + random.below(3) }, () =>
            payload(replaced!.signal, 1 + random.below(300), 1 + random.below(5)),
          );
          queue.replace(picked.entry, parts, step);
          picked.payloads = [...parts, ...rest];
        }

        const ordered = sorted();
        // compared by identity: their bodies are long
        const held = entriesOf(queue);
        expect(held.map(({ sequence }) => sequence)).toEqual(
          ordered.map(({ entry }) => entry.sequence),
        );
        const alike = ordered.every(({ entry, payloads }, at) => {
          const kept = [entry.payload, ...entry.rest];
          return (
            held[at] === entry &&
            queue.has(entry) &&
            kept.length === payloads.length &&
            kept.every((one, i) => one === payloads[i])
          );
        });
        expect(alike).toBe(true);
        expect(queue.bytes).toBe(total());
        expect(queue.records).toBe(
          model.flatMap(({ payloads }) => payloads).reduce((sum, { records }) => sum + records, 0),
        );
        expect(queue.size).toBe(model.length);
        expect(queue.oldest()).toBe(
          Math.min(Number.POSITIVE_INFINITY, ...model.map(({ entry }) => entry.sequence)),
        );
      }
    },
  );
});
