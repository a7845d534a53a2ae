/** Refused payloads in another form, what the observer is told, and the account of it all. */

import { describe, expect, it } from 'vitest';
import type { DeliverObserver, DropCause, Remake } from '../../src/deliver/deliver.ts';
import { type Outcome, type Payload, SIGNALS } from '../../src/deliver/transport.ts';
import { randomFrom } from '../support/random.ts';
import { DELIVERED, payload, setUp, UNAVAILABLE, unaccounted } from './scripted.ts';

const TOO_LARGE: Outcome = {
  kind: 'rejected',
  reason: 'HTTP 413: too large',
  status: 413,
  remedy: 'split',
};
const UNKNOWN_ENCODING: Outcome = {
  kind: 'rejected',
  reason: 'HTTP 415: no gzip here',
  status: 415,
  remedy: 'recode',
};
const BAD_REQUEST: Outcome = {
  kind: 'rejected',
  reason: 'HTTP 400: what is this',
  status: 400,
  remedy: 'recode',
};

const plain = (refused: Payload): Payload => ({
  ...refused,
  encoding: 'identity',
  body: new Uint8Array(refused.rawBytes),
});

function halves(refused: Payload): Payload[] {
  const first = refused.records >> 1;
  return [first, refused.records - first].map((records) => ({
    ...refused,
    records,
    body: new Uint8Array(Math.max(1, refused.body.length >> 1)),
    rawBytes: Math.max(1, refused.rawBytes >> 1),
  }));
}

/** As that of hosts, without compression. */
const remake: Remake = async (refused, form) => {
  if (form === 'split') return halves(refused);
  return form === 'gzip' ? [{ ...refused, encoding: form }] : unpacked(refused);
};
const unpacked = (refused: Payload) => [plain(refused)];

describe('a payload that is too large', () => {
  it('is sent in halves, in order, one after the other, and again down to what is taken', async () => {
    const { clock, transport, deliver } = setUp({ remake });
    transport.rule = ({ records }) => (records > 3 ? TOO_LARGE : DELIVERED);
    deliver.push(payload(11, 1000));
    await clock.settle();
    // the second half is as large as what was refused: it is divided before it is sent
    expect(transport.requests.map(({ payload }) => payload.records)).toEqual([11, 5, 2, 3, 3, 3]);
    expect(deliver.stats()).toMatchObject({
      sent: 11,
      rejected: 0,
      requests: 6,
      retries: 0,
      queuedRecords: 0,
      queuedBytes: 0,
      failing: false,
      lastWarning: 'HTTP 413: too large',
    });
    expect(unaccounted(deliver)).toBe(0);
  });

  it('is divided before it is sent, once one as large has been refused; smaller ones are not', async () => {
    const { clock, transport, deliver } = setUp({ remake, maxInFlight: 1 });
    transport.rule = ({ rawBytes }) => (rawBytes >= 1000 ? TOO_LARGE : DELIVERED);
    for (const bytes of [200, 100, 400, 199]) deliver.push(payload(8, bytes));
    deliver.push(payload(1, 300));
    await clock.settle();
    expect(transport.requests.map(({ payload }) => [payload.records, payload.rawBytes])).toEqual([
      ...[
        [8, 1000],
        [4, 500],
        [4, 500],
      ],
      [8, 500],
      // a quarter at a time
      ...[
        [2, 500],
        [2, 500],
        [2, 500],
        [2, 500],
      ],
      [8, 995],
      // what cannot be divided is tried
      [1, 1500],
    ]);
    expect(deliver.stats()).toMatchObject({ sent: 32, rejected: 1, queuedBytes: 0, inFlight: 0 });
    expect(unaccounted(deliver)).toBe(0);
  });

  it('says nothing of the size when no part of it is taken either', async () => {
    const { clock, transport, deliver } = setUp({ remake });
    transport.rule = () => TOO_LARGE;
    deliver.push(payload(4, 100));
    await clock.settle();
    expect(deliver.stats()).toMatchObject({ rejected: 4, requests: 7 });
    transport.rule = () => DELIVERED;
    deliver.push(payload(512, 9000));
    await clock.settle();
    expect(deliver.stats()).toMatchObject({ sent: 512, requests: 8 });
  });

  it('is tried whole again five minutes after a size was found', async () => {
    const { clock, transport, deliver } = setUp({ remake });
    transport.rule = ({ records }) => (records > 4 ? TOO_LARGE : DELIVERED);
    const push = async () => {
      const before = transport.requests.length;
      deliver.push(payload(8, 800));
      await clock.settle();
      return transport.requests.slice(before).map(({ payload }) => payload.records);
    };
    expect(await push()).toEqual([8, 4, 4]);
    await clock.advance(299_999);
    expect(await push()).toEqual([4, 4]);
    await clock.advance(1);
    expect(await push()).toEqual([8, 4, 4]);
    await clock.advance(300_000);
    // the limit has been raised
    transport.rule = () => DELIVERED;
    expect(await push()).toEqual([8]);
    expect(await push()).toEqual([8]);
  });

  it('has its parts in flight one at a time, others beside them', async () => {
    const { clock, transport, deliver } = setUp({ remake });
    deliver.push(payload(4));
    deliver.push(payload(7));
    await clock.settle();
    transport.requests[0]!.answer(TOO_LARGE);
    await clock.settle();
    expect([...transport.open].map(({ payload }) => payload.records)).toEqual([7, 2]);
    expect(deliver.stats()).toMatchObject({ inFlight: 2, queuedRecords: 11 });
    transport.requests[2]!.answer(DELIVERED);
    await clock.settle();
    expect(deliver.stats()).toMatchObject({ inFlight: 2, queuedRecords: 9, sent: 2 });
    transport.answerAll(DELIVERED);
    await clock.settle();
    expect(deliver.stats()).toMatchObject({ inFlight: 0, queuedRecords: 0, sent: 11 });
  });

  it('is rejected when it holds one record, the rest of it is sent', async () => {
    const { clock, transport, deliver } = setUp({ remake });
    let large = 1;
    transport.rule = ({ records }) => {
      if (records > 1) return TOO_LARGE;
      return large-- > 0 ? TOO_LARGE : DELIVERED;
    };
    deliver.push(payload(4));
    await clock.settle();
    expect(deliver.stats()).toMatchObject({ sent: 3, rejected: 1, lastError: TOO_LARGE.reason });
    expect(transport.requests.map(({ payload }) => payload.records)).toEqual([4, 2, 1, 1, 1, 1]);
    expect(unaccounted(deliver)).toBe(0);
  });

  it('is rejected when it cannot be divided, or nobody can', async () => {
    for (const given of [async () => undefined, undefined]) {
      const { clock, transport, deliver } = setUp(given === undefined ? {} : { remake: given });
      transport.rule = () => TOO_LARGE;
      deliver.push(payload(4));
      await clock.settle();
      expect(deliver.stats()).toMatchObject({ rejected: 4, requests: 1, queuedRecords: 0 });
    }
  });

  it('has its parts retried, each on its own, none before the one in front of it', async () => {
    const { clock, transport, deliver } = setUp({ remake });
    let answers: Outcome[] = [TOO_LARGE, UNAVAILABLE, UNAVAILABLE, DELIVERED, UNAVAILABLE];
    transport.rule = () => answers.shift() ?? DELIVERED;
    deliver.push(payload(3));
    await clock.advance(60_000);
    expect(transport.requests.map(({ payload }) => payload.records)).toEqual([3, 1, 1, 1, 2, 2]);
    expect(transport.requests.map(({ at }) => at - 1000)).toEqual([0, 0, 1000, 3000, 3000, 4000]);
    expect(deliver.stats()).toMatchObject({ sent: 3, requests: 6, retries: 3 });
    answers = [];
  });

  it('counts all parts that are too old, and those left at the end', async () => {
    const old = setUp({ remake, retry: { maxAgeMs: 10_000 } });
    old.transport.rule = ({ records }) => (records > 6 ? TOO_LARGE : UNAVAILABLE);
    old.deliver.push(payload(12));
    await old.clock.advance(60_000);
    expect(old.deliver.stats()).toMatchObject({
      dropped: { retry_expired: 12 },
      queuedRecords: 0,
      queuedBytes: 0,
    });

    for (const cause of ['shutdown', 'exit'] as const) {
      const { clock, transport, deliver } = setUp({ remake });
      deliver.push(payload(12));
      await clock.settle();
      transport.answerAll(TOO_LARGE);
      await clock.settle();
      transport.requests[1]!.answer(DELIVERED);
      await clock.settle();
      if (cause === 'shutdown') void deliver.close(1000);
      else expect(deliver.abandon()).toEqual({ payloads: 1, records: 6 });
      await clock.advance(1000);
      expect(deliver.stats()).toMatchObject({ sent: 6, queuedRecords: 0, queuedBytes: 0 });
      expect(deliver.stats().dropped[cause]).toBe(6);
      expect(unaccounted(deliver)).toBe(0);
    }
  });

  it('is neither sent nor counted twice when it was given up while it was divided', async () => {
    let finish: (payloads: readonly Payload[]) => void = () => {};
    const { clock, transport, deliver } = setUp({
      remake: () =>
        new Promise((resolve) => {
          finish = resolve;
        }),
    });
    deliver.push(payload(8));
    await clock.settle();
    transport.answerAll(TOO_LARGE);
    await clock.settle();
    expect(deliver.stats()).toMatchObject({ inFlight: 1, queuedRecords: 8 });
    void deliver.close(1000);
    await clock.advance(1000);
    finish(halves(payload(8)));
    await clock.settle();
    expect(transport.requests).toHaveLength(1);
    expect(deliver.stats()).toMatchObject({
      inFlight: 0,
      queuedRecords: 0,
      queuedBytes: 0,
      dropped: { shutdown: 8 },
    });
  });
});

describe('a payload whose encoding is not understood', () => {
  it('is sent as it is, and so are all that follow, those that wait too', async () => {
    let told = 0;
    const { clock, transport, deliver } = setUp({
      remake,
      maxInFlight: 1,
      onRefused: () => told++,
    });
    transport.rule = ({ encoding }) => (encoding === 'identity' ? DELIVERED : UNKNOWN_ENCODING);
    for (let i = 0; i < 4; i++) deliver.push(payload());
    await clock.settle();
    expect(transport.requests.map(({ payload }) => payload.encoding)).toEqual([
      'gzip',
      ...new Array(4).fill('identity'),
    ]);
    expect(told).toBe(1);
    expect(deliver.stats()).toMatchObject({
      sent: 40,
      rejected: 0,
      sentBytes: 4 * 500,
      failing: false,
    });
    const { lastWarning, refusedEncodings } = deliver.stats();
    expect(lastWarning).toBe('the endpoint takes no gzip: bodies are sent as they are');
    expect(refusedEncodings).toEqual(['gzip']);
    // not yet known to who compresses
    deliver.push(payload());
    deliver.push(plain(payload()));
    await clock.settle();
    expect(
      transport.requests.slice(5).every(({ payload }) => payload.encoding === 'identity'),
    ).toBe(true);
    expect([told, deliver.stats().requests, deliver.stats().queuedBytes]).toEqual([1, 7, 0]);
  });

  it('several at once: the host is told once, and each is counted once', async () => {
    let told = 0;
    const { clock, transport, deliver } = setUp({ remake, onRefused: () => told++ });
    transport.rule = ({ encoding }) => (encoding === 'identity' ? DELIVERED : BAD_REQUEST);
    for (let i = 0; i < 5; i++) deliver.push(payload());
    await clock.settle();
    expect(told).toBe(1);
    expect(deliver.stats()).toMatchObject({ sent: 50, rejected: 0, requests: 10, inFlight: 0 });
  });

  it('is rejected when it is refused uncompressed, too: the request was the matter', async () => {
    let told = 0;
    const { clock, transport, deliver } = setUp({ remake, onRefused: () => told++ });
    transport.rule = () => BAD_REQUEST;
    deliver.push(payload());
    await clock.settle();
    expect(transport.requests.map(({ payload }) => payload.encoding)).toEqual(['gzip', 'identity']);
    expect(deliver.stats()).toMatchObject({ rejected: 10, lastError: BAD_REQUEST.reason });
    transport.rule = () => DELIVERED;
    deliver.push(payload());
    await clock.settle();
    expect(transport.requests.at(-1)!.payload.encoding).toBe('gzip');
    expect(told).toBe(0);
  });

  it('a 400 is final once the encoding has been accepted, a 415 is not', async () => {
    const { clock, transport, deliver } = setUp({ remake });
    transport.rule = () => DELIVERED;
    deliver.push(payload());
    await clock.settle();
    transport.rule = () => BAD_REQUEST;
    deliver.push(payload());
    await clock.settle();
    expect(deliver.stats()).toMatchObject({ rejected: 10, requests: 2 });
    // another encoding has not been accepted yet
    deliver.push(payload(10, 100, { encoding: 'zstd' }));
    await clock.settle();
    expect(deliver.stats()).toMatchObject({ rejected: 20, requests: 4 });
    transport.rule = ({ encoding }) => (encoding === 'identity' ? DELIVERED : UNKNOWN_ENCODING);
    deliver.push(payload());
    await clock.settle();
    expect(deliver.stats()).toMatchObject({ sent: 20, requests: 6 });
  });

  it('is rejected as it is when the host cannot inflate it; later ones are sent compressed', async () => {
    let can = true;
    const { clock, transport, deliver } = setUp({
      remake: async (refused, remedy) => (can ? remake(refused, remedy) : undefined),
    });
    transport.rule = ({ encoding }) => (encoding === 'identity' ? DELIVERED : UNKNOWN_ENCODING);
    deliver.push(payload());
    await clock.settle();
    can = false;
    deliver.push(payload());
    await clock.settle();
    expect(transport.requests.map(({ payload }) => payload.encoding)).toEqual([
      'gzip',
      'identity',
      'gzip',
    ]);
    expect(deliver.stats()).toMatchObject({ sent: 10, rejected: 10, inFlight: 0 });
  });

  it('given up while it is made anew, is not sent', async () => {
    let finish = () => {};
    let slow = false;
    const { clock, transport, deliver } = setUp({
      remake: (refused) =>
        new Promise((resolve) => {
          finish = () => resolve(unpacked(refused));
          if (!slow) finish();
        }),
    });
    transport.rule = ({ encoding }) => (encoding === 'identity' ? DELIVERED : UNKNOWN_ENCODING);
    deliver.push(payload());
    await clock.settle();
    slow = true;
    deliver.push(payload());
    await clock.settle();
    expect(deliver.stats()).toMatchObject({ inFlight: 1, requests: 2 });
    deliver.abandon();
    finish();
    await clock.settle();
    expect(deliver.stats()).toMatchObject({ inFlight: 0, requests: 2, dropped: { exit: 10 } });
    expect(unaccounted(deliver)).toBe(0);
  });

  it('a compressed part that is accepted does not speak for those sent uncompressed', async () => {
    let told = 0;
    const { clock, transport, deliver } = setUp({ remake, onRefused: () => told++ });
    // the first half is no good in any form, the second one is taken as it is
    const answers = [TOO_LARGE, BAD_REQUEST, BAD_REQUEST, DELIVERED];
    transport.rule = () => answers.shift()!;
    deliver.push(payload(4));
    await clock.settle();
    expect(transport.requests.map(({ payload }) => payload.encoding)).toEqual([
      'gzip',
      'gzip',
      'identity',
      'gzip',
    ]);
    expect(deliver.stats()).toMatchObject({ sent: 2, rejected: 2 });
    expect(told).toBe(0);
  });

  const OTHERS = ['zstd', 'deflate', 'zlib', 'lz4', 'snappy', 'x-snappy-framed', 'br'] as const;

  describe.each(OTHERS)('%s', (encoding) => {
    const encodings = (transport: { requests: readonly { payload: Payload }[] }) =>
      transport.requests.map(({ payload }) => payload.encoding);

    it.each([UNKNOWN_ENCODING, BAD_REQUEST])(
      'goes as gzip, and all that follow ($reason)',
      async (refusal) => {
        const told: unknown[] = [];
        const { clock, transport, deliver } = setUp({
          remake,
          maxInFlight: 1,
          onRefused: (...args) => told.push(args),
        });
        transport.rule = (sent) => (sent.encoding === encoding ? refusal : DELIVERED);
        for (let i = 0; i < 3; i++) deliver.push(payload(10, 100, { encoding }));
        await clock.settle();
        expect(encodings(transport)).toEqual([encoding, 'gzip', 'gzip', 'gzip']);
        const warning = `the endpoint takes no ${encoding}: gzip is sent instead`;
        expect(told).toEqual([[encoding, 'gzip', warning]]);
        expect(deliver.stats()).toMatchObject({
          ...{ sent: 30, rejected: 0, queuedRecords: 0, failing: false },
          ...{ refusedEncodings: [encoding], lastWarning: warning },
        });
        expect(unaccounted(deliver)).toBe(0);
      },
    );

    it('goes as it is where gzip is refused, too', async () => {
      const told: unknown[] = [];
      const { clock, transport, deliver } = setUp({
        remake,
        maxInFlight: 1,
        onRefused: (...args) => told.push(args.slice(0, 2)),
      });
      transport.rule = (sent) => (sent.encoding === 'identity' ? DELIVERED : UNKNOWN_ENCODING);
      for (let i = 0; i < 3; i++) deliver.push(payload(10, 100, { encoding }));
      deliver.push(payload());
      await clock.settle();
      expect(encodings(transport)).toEqual([encoding, 'gzip', ...new Array(4).fill('identity')]);
      expect(told).toEqual([
        [encoding, 'gzip'],
        ['gzip', 'identity'],
      ]);
      expect(deliver.stats()).toMatchObject({ sent: 40, refusedEncodings: [encoding, 'gzip'] });
    });

    it('is the matter no longer once it has been accepted', async () => {
      const { clock, transport, deliver } = setUp({ remake, maxInFlight: 1 });
      const answers = [DELIVERED, BAD_REQUEST, DELIVERED];
      transport.rule = () => answers.shift()!;
      for (let i = 0; i < 3; i++) deliver.push(payload(10, 100, { encoding }));
      await clock.settle();
      expect(encodings(transport)).toEqual([encoding, encoding, encoding]);
      expect(deliver.stats()).toMatchObject({ sent: 20, rejected: 10, refusedEncodings: [] });
    });

    it('is not blamed for a request that is refused in every form', async () => {
      const { clock, transport, deliver } = setUp({ remake, maxInFlight: 1 });
      const answers = [BAD_REQUEST, BAD_REQUEST, BAD_REQUEST, DELIVERED];
      transport.rule = () => answers.shift()!;
      for (let i = 0; i < 2; i++) deliver.push(payload(10, 100, { encoding }));
      await clock.settle();
      expect(encodings(transport)).toEqual([encoding, 'gzip', 'identity', encoding]);
      expect(deliver.stats()).toMatchObject({ sent: 10, rejected: 10, refusedEncodings: [] });
    });
  });

  it('too large when it is uncompressed: is divided then', async () => {
    let told = 0;
    const { clock, transport, deliver } = setUp({ remake, onRefused: () => told++ });
    transport.rule = ({ encoding, records }) => {
      if (encoding !== 'identity') return UNKNOWN_ENCODING;
      return records > 5 ? TOO_LARGE : DELIVERED;
    };
    deliver.push(payload(10));
    await clock.settle();
    expect(transport.requests.map(({ payload }) => [payload.encoding, payload.records])).toEqual([
      ['gzip', 10],
      ['identity', 10],
      ['identity', 5],
      ['identity', 5],
    ]);
    expect(deliver.stats()).toMatchObject({ sent: 10 });
    expect(told).toBe(1);
  });
});

/** Keeps what becomes of each payload, and complains of what cannot be. */
function recorder() {
  const ends = new Map<Payload, 'answered' | DropCause | 'replaced'>();
  const seen: string[] = [];
  const given = new Set<Payload>();
  const faults: string[] = [];
  const counts = { sent: 0, rejected: 0, dropped: 0, attempts: 0, failures: 0 };
  const end = (payload: Payload, how: 'answered' | DropCause | 'replaced') => {
    if (ends.has(payload)) faults.push(`${ends.get(payload)} before, now ${how}`);
    if (!given.has(payload)) faults.push(`${how}, but it was never pushed`);
    ends.set(payload, how);
  };
  const alive = (payload: Payload, what: string) => {
    if (ends.has(payload)) faults.push(`${what} after ${ends.get(payload)}`);
    seen.push(what);
  };
  const observer: DeliverObserver = {
    attempted(payload) {
      alive(payload, 'attempted');
      counts.attempts++;
    },
    failed(payload) {
      alive(payload, 'failed');
      counts.failures++;
    },
    answered(payload, outcome) {
      alive(payload, outcome.kind);
      end(payload, 'answered');
      const most = payload.records;
      const refused = outcome.kind === 'partial' ? Math.min(outcome.rejected, most) : 0;
      const rejected = outcome.kind === 'rejected' ? most : refused;
      counts.rejected += rejected;
      counts.sent += most - rejected;
    },
    dropped(payload, cause) {
      alive(payload, cause);
      end(payload, cause);
      counts.dropped += payload.records;
    },
    replaced(payload, by) {
      alive(payload, 'replaced');
      end(payload, 'replaced');
      for (const part of by) given.add(part);
      const records = by.reduce((sum, part) => sum + part.records, 0);
      if (records !== payload.records) faults.push(`${payload.records} became ${records}`);
    },
  };
  return { observer, given, ends, seen, faults, counts };
}

describe('the observer', () => {
  it('is told of each attempt, failure and end, in their order', async () => {
    const { observer, given, seen, faults } = recorder();
    const { clock, transport, deliver } = setUp({ observer, remake, retry: { maxAgeMs: 5000 } });
    const push = async (answers: Outcome[]) => {
      seen.length = 0;
      transport.rule = () => answers.shift() ?? UNAVAILABLE;
      const one = payload(2);
      given.add(one);
      deliver.push(one);
      await clock.advance(60_000);
      return [...seen];
    };
    expect(await push([DELIVERED])).toEqual(['attempted', 'delivered']);
    expect(await push([UNAVAILABLE, DELIVERED])).toEqual([
      'attempted',
      'failed',
      'attempted',
      'delivered',
    ]);
    expect(await push([{ kind: 'retryable', reason: '', atOnce: true }, DELIVERED])).toEqual([
      'attempted',
      'attempted',
      'delivered',
    ]);
    expect(await push([{ kind: 'partial', rejected: 1, message: '' }])).toEqual([
      'attempted',
      'partial',
    ]);
    // one that will not be tried again has not failed, it is given up
    expect(await push([])).toEqual([
      ...['attempted', 'failed', 'attempted', 'failed', 'attempted', 'failed'],
      ...['attempted', 'retry_expired'],
    ]);
    expect(await push([TOO_LARGE, DELIVERED, TOO_LARGE])).toEqual([
      'attempted',
      'replaced',
      'attempted',
      'delivered',
      'attempted',
      'rejected',
    ]);
    expect(faults).toEqual([]);
  });

  it('is told of what is pushed after the end', async () => {
    const { observer, given, ends, faults } = recorder();
    const { clock, deliver } = setUp({ observer });
    const [early, late, last] = [payload(), payload(), payload()];
    for (const one of [early!, late!, last!]) given.add(one);
    deliver.push(early!);
    void deliver.close(0);
    await clock.settle();
    deliver.push(late!);
    deliver.abandon();
    deliver.push(last!);
    await clock.settle();
    expect([early, late, last].map((one) => ends.get(one!))).toEqual([
      'shutdown',
      'shutdown',
      'exit',
    ]);
    expect(faults).toEqual([]);
  });
});

describe('accounting with remedies and priorities', () => {
  it.each(Array.from({ length: 24 }, (_, i) => 15_485_863 * (i + 1)))(
    'holds at every step of a random run, seed %d',
    async (seed) => {
      const random = randomFrom(seed);
      const { observer, given, ends, faults, counts } = recorder();
      const shuffled = [...SIGNALS].sort(() => random.next() - 0.5);
      const { clock, transport, deliver } = setUp({
        random: random.next,
        observer,
        maxQueueBytes: 2000 + random.below(4000),
        maxInFlight: 1 + random.below(6),
        dropPolicy: random.below(2) === 0 ? 'newest' : 'oldest',
        priority: shuffled.slice(0, random.below(5)),
        concurrency: random.below(2) === 0 ? 'fixed' : 'adaptive',
        retry: { maxAgeMs: 20_000 },
        remake: (refused, remedy) =>
          new Promise((resolve) => {
            const done = () => {
              const way = random.below(8);
              if (way === 0) resolve(undefined);
              else resolve(remedy === 'split' ? halves(refused) : unpacked(refused));
            };
            if (random.below(2) === 0) done();
            else clock.setTimer(done, random.below(500));
          }),
      });
      const outcome = (): Outcome => {
        const reason = 'r';
        const outcomes: Outcome[] = [
          DELIVERED,
          DELIVERED,
          { kind: 'partial', rejected: random.below(20), message: '' },
          { kind: 'rejected', reason },
          TOO_LARGE,
          TOO_LARGE,
          random.below(2) === 0 ? UNKNOWN_ENCODING : BAD_REQUEST,
          { kind: 'retryable', reason },
          { kind: 'retryable', reason, delayMs: random.below(8000) },
          { kind: 'retryable', reason, atOnce: true },
        ];
        return outcomes[random.below(outcomes.length)]!;
      };
      let pushed = 0;
      const check = () => {
        expect(unaccounted(deliver)).toBe(0);
        const stats = deliver.stats();
        expect(stats.pushed).toBe(pushed);
        const dropped = Object.values(stats.dropped).reduce((a, b) => a + b);
        expect([stats.sent, stats.rejected, dropped, stats.requests]).toEqual([
          counts.sent,
          counts.rejected,
          counts.dropped,
          counts.attempts,
        ]);
        const waiting = [...given].filter((one) => !ends.has(one));
        const sum = (of: (one: Payload) => number) =>
          waiting.reduce((all, one) => all + of(one), 0);
        expect(stats.queuedRecords).toBe(sum(({ records }) => records));
        expect(stats.queuedBytes).toBe(sum(({ body }) => body.length));
        // the others are being made anew
        expect(stats.inFlight).toBeGreaterThanOrEqual(transport.open.size);
        expect(stats.inFlight).toBeLessThanOrEqual(6);
        expect(faults).toEqual([]);
      };
      for (let step = 0; step < 200; step++) {
        const what = random.below(10);
        if (what < 4) {
          const one = payload(1 + random.below(12), 1 + random.below(600), {
            signal: SIGNALS[random.below(4)]!,
            encoding: (['gzip', 'gzip', 'zstd', 'identity'] as const)[random.below(4)]!,
          });
          given.add(one);
          deliver.push(one);
          pushed += one.records;
        } else if (what < 8) {
          const open = [...transport.open];
          open[random.below(open.length)]?.answer(outcome());
        } else if (what === 8) {
          await clock.advance(random.below(4000));
        } else if (random.below(2) === 0) {
          void deliver.drained(random.below(3000));
        } else {
          void deliver.ready(random.below(3000));
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
      expect([...given].every((one) => ends.has(one))).toBe(true);
      expect(clock.timers.size).toBe(0);
    },
  );
});
