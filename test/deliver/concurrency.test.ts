import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type AttemptEnd,
  adaptiveLimit,
  type ConcurrencyLimit,
} from '../../src/deliver/concurrency.ts';
import { createDeliver } from '../../src/deliver/deliver.ts';
import type { Transport } from '../../src/deliver/transport.ts';
import { ROOT } from '../support/bundle.ts';
import { randomFrom } from '../support/random.ts';
import { FakeClock } from './fake-clock.ts';
import {
  fixedLimit,
  type Measurement,
  SimulatedServer,
  type Simulation,
  simulate,
} from './simulated-server.ts';

/** As many attempts at once as there may be, all ending alike. */
function roundTrip(
  limit: ConcurrencyLimit,
  latencyMs: number,
  end: AttemptEnd = 'answered',
  inFlight = limit.current,
): void {
  const rounds = Array.from({ length: inFlight }, () => limit.started());
  for (const round of rounds) limit.ended(round, latencyMs, end);
}

/** Answers one after the other while `others` more are in flight. */
function answers(limit: ConcurrencyLimit, count: number, latencyMs: number, others: number): void {
  for (let i = 0; i < others; i++) limit.started();
  for (let i = 0; i < count; i++) limit.ended(limit.started(), latencyMs, 'answered');
  for (let i = 0; i < others; i++) limit.ended(-1, latencyMs, 'ignored');
}

describe('a fixed limit', () => {
  it('stays what it is', () => {
    const limit = fixedLimit(32);
    for (let i = 0; i < 100; i++) roundTrip(limit, 10 * i, i % 2 === 0 ? 'failed' : 'answered');
    expect(limit.current).toBe(32);
  });

  it.each([
    [0, 1],
    [-3, 1],
    [2.9, 2],
  ])('of %d is %d', (max, current) => expect(fixedLimit(max).current).toBe(current));
});

describe('an adaptive limit', () => {
  it('begins at 4, or where it is told, within its bounds', () => {
    expect(adaptiveLimit({ max: 32 }).current).toBe(4);
    expect(adaptiveLimit({ max: 3 }).current).toBe(3);
    expect(adaptiveLimit({ min: 6, max: 32 }).current).toBe(6);
    expect(adaptiveLimit({ max: 32, initial: 20 }).current).toBe(20);
    expect(adaptiveLimit({ max: 32, initial: 99 }).current).toBe(32);
    expect(adaptiveLimit({ min: 9, max: 5 }).current).toBe(5);
    expect(adaptiveLimit({ max: 0 }).current).toBe(1);
  });

  it('grows by one in a round trip that uses it', () => {
    const limit = adaptiveLimit({ max: 100, initial: 20 });
    // a hair more than 20 answers: each counts for a little less than the one before
    answers(limit, 21, 50, 19);
    expect(limit.current).toBe(21);
    answers(limit, 22, 50, 20);
    expect(limit.current).toBe(22);
  });

  it('grows by one in 16 answers while it is small', () => {
    const limit = adaptiveLimit({ max: 100, initial: 2 });
    answers(limit, 15, 50, 1);
    expect(limit.current).toBe(2);
    answers(limit, 1, 50, 1);
    expect(limit.current).toBe(3);
  });

  it('does not grow while less than three quarters of it are in flight', () => {
    const limit = adaptiveLimit({ max: 100, initial: 20 });
    answers(limit, 1000, 50, 13);
    expect(limit.current).toBe(20);
    answers(limit, 1000, 50, 15);
    expect(limit.current).toBeGreaterThan(20);
  });

  it('does not exceed its maximum', () => {
    const limit = adaptiveLimit({ max: 12 });
    for (let i = 0; i < 1000; i++) roundTrip(limit, 50);
    expect(limit.current).toBe(12);
  });

  it('is halved once by requests that fail together', () => {
    const limit = adaptiveLimit({ max: 32, initial: 32 });
    for (let i = 0; i < 10; i++) roundTrip(limit, 50);
    roundTrip(limit, 50, 'failed');
    expect(limit.current).toBe(16);
    roundTrip(limit, 50, 'failed');
    expect(limit.current).toBe(8);
  });

  it('takes no notice of what began before a decrease and ends after it', () => {
    const limit = adaptiveLimit({ max: 64, initial: 32 });
    const early = Array.from({ length: 32 }, () => limit.started());
    for (const round of early.slice(0, 6)) limit.ended(round, 50, 'failed');
    expect(limit.current).toBe(16);
    for (const round of early.slice(6, 20)) limit.ended(round, 5000, 'failed');
    for (const round of early.slice(20)) limit.ended(round, 5000, 'answered');
    expect(limit.current).toBe(16);
    // they are not in flight any more: one request at a time is no use of 16
    answers(limit, 100, 50, 0);
    expect(limit.current).toBe(16);
  });

  it('bears single failures, and not six in a row', () => {
    const limit = adaptiveLimit({ max: 32, initial: 32 });
    for (let i = 0; i < 1000; i++) {
      limit.ended(limit.started(), 50, i % 20 === 0 ? 'failed' : 'answered');
    }
    expect(limit.current).toBe(32);
    for (let i = 0; i < 100; i++) limit.ended(limit.started(), 50, 'answered');
    for (let i = 0; i < 5; i++) limit.ended(limit.started(), 50, 'failed');
    expect(limit.current).toBe(32);
    limit.ended(limit.started(), 50, 'failed');
    expect(limit.current).toBe(16);
  });

  it('counts failures anew after a decrease', () => {
    const limit = adaptiveLimit({ max: 32, initial: 32 });
    for (let i = 0; i < 6 + 5; i++) limit.ended(limit.started(), 50, 'failed');
    expect(limit.current).toBe(16);
    limit.ended(limit.started(), 50, 'failed');
    expect(limit.current).toBe(8);
  });

  it('falls to its minimum while everything fails, and comes back', () => {
    const limit = adaptiveLimit({ min: 2, max: 32, initial: 32 });
    for (let i = 0; i < 100; i++) roundTrip(limit, 50, 'failed');
    expect(limit.current).toBe(2);
    for (let i = 0; i < 200; i++) roundTrip(limit, 50);
    expect(limit.current).toBe(32);
  });

  it('learns nothing from what says nothing', () => {
    const limit = adaptiveLimit({ max: 32, initial: 16 });
    for (let i = 0; i < 100; i++) roundTrip(limit, i, 'ignored');
    expect(limit.current).toBe(16);
  });

  it('keeps what the server works on of what is in flight, and a little less, when it is slow', () => {
    const limit = adaptiveLimit({ max: 40, initial: 40 });
    for (let i = 0; i < 10; i++) roundTrip(limit, 50);
    roundTrip(limit, 101);
    // 40 × 0.85 × 50 / 101
    expect(limit.current).toBe(16);
  });

  it('gives up no more than three fifths at once', () => {
    const limit = adaptiveLimit({ max: 40, initial: 40 });
    for (let i = 0; i < 10; i++) roundTrip(limit, 50);
    roundTrip(limit, 5000);
    expect(limit.current).toBe(16);
  });

  it('bears what is less than twice as slow', () => {
    const limit = adaptiveLimit({ max: 40, initial: 40 });
    for (let i = 0; i < 10; i++) roundTrip(limit, 50);
    for (let i = 0; i < 100; i++) roundTrip(limit, 99);
    expect(limit.current).toBe(40);
  });

  it('is not misled by noise', () => {
    const random = randomFrom(5);
    const limit = adaptiveLimit({ max: 40, initial: 40 });
    let decreases = 0;
    for (let i = 0; i < 40_000; i++) {
      const before = limit.current;
      const round = limit.started();
      for (let j = 1; j < 40; j++) limit.started();
      limit.ended(round, -50 * Math.log(1 - random.next()), 'answered');
      for (let j = 1; j < 40; j++) limit.ended(-1, 0, 'ignored');
      if (limit.current < before) decreases++;
    }
    // 1000 round trips of exponentially distributed latencies
    expect(decreases).toBeLessThanOrEqual(10);
  });

  it('is not lowered by latency that it did not cause', () => {
    const limit = adaptiveLimit({ max: 40, initial: 40 });
    answers(limit, 500, 50, 2);
    answers(limit, 5000, 500, 2);
    expect(limit.current).toBe(40);
    // and it has learned it meanwhile
    for (let i = 0; i < 10; i++) roundTrip(limit, 500);
    expect(limit.current).toBe(40);
  });

  it('learns that a server has become slower for good', () => {
    const limit = adaptiveLimit({ max: 40, initial: 40 });
    for (let i = 0; i < 10; i++) roundTrip(limit, 50);
    let lowest = 40;
    for (let i = 0; i < 300; i++) {
      roundTrip(limit, 250);
      lowest = Math.min(lowest, limit.current);
    }
    expect(lowest).toBeLessThan(20);
    expect(limit.current).toBe(40);
  });

  it('learns that a server has become faster', () => {
    const limit = adaptiveLimit({ max: 40, initial: 40 });
    for (let i = 0; i < 10; i++) roundTrip(limit, 500);
    for (let i = 0; i < 20; i++) roundTrip(limit, 50);
    roundTrip(limit, 150);
    expect(limit.current).toBeLessThan(40);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, -1, 0])(
    'survives a latency of %d',
    (latencyMs) => {
      const limit = adaptiveLimit({ max: 40, initial: 40 });
      for (let i = 0; i < 10; i++) roundTrip(limit, 50);
      for (let i = 0; i < 10; i++) roundTrip(limit, latencyMs);
      expect(limit.current).toBe(40);
      roundTrip(limit, 5000);
      expect(limit.current).toBe(16);
    },
  );

  it('is an integer within its bounds, whatever happens', () => {
    const random = randomFrom(9);
    const ends: AttemptEnd[] = ['answered', 'answered', 'answered', 'failed', 'ignored'];
    const limit = adaptiveLimit({ min: 3, max: 20 });
    const open: number[] = [];
    for (let i = 0; i < 50_000; i++) {
      if (open.length < limit.current) open.push(limit.started());
      else {
        const [round = 0] = open.splice(random.below(open.length), 1);
        const end = ends[random.below(i % 7000 < 3500 ? 3 : 5)] ?? 'ignored';
        limit.ended(round, random.next() * 10 ** random.below(6), end);
      }
      if (!(Number.isInteger(limit.current) && limit.current >= 3 && limit.current <= 20)) {
        expect.fail(`${limit.current} after ${i} steps`);
      }
    }
  });
});

const SERVICE_MS = 50;
const SEEDS = [1, 2, 3, 4, 5];

interface Scenario extends Partial<Omit<Simulation, 'server' | 'client'>> {
  readonly workers: number;
  readonly service?: 'constant' | 'exponential';
  readonly maxWaiting?: number;
  readonly lost?: number;
  readonly perSecond?: number;
}

/** A client that always has more to send, of a server whose queue holds twice what it works on. */
function run(scenario: Scenario, makeLimits: () => ConcurrencyLimit[], seed: number): Measurement {
  const { workers, service = 'exponential', maxWaiting = 2 * workers } = scenario;
  const { lost = 0, perSecond } = scenario;
  return simulate({
    warmUpMs: 10_000,
    measuredMs: 20_000,
    ...scenario,
    seed,
    limits: makeLimits(),
    server: { workers, serviceMs: SERVICE_MS, service, maxWaiting },
    client: {
      roundTripMs: 5,
      lost,
      restMs: SERVICE_MS,
      ...(perSecond === undefined ? {} : { perSecond }),
    },
  });
}

const one = () => [adaptiveLimit({ max: 100 })];
const many = (count: number) => () =>
  Array.from({ length: count }, () => adaptiveLimit({ max: 100 }));

describe('simulated: the adaptive limit finds what a server can do', () => {
  const services = ['constant', 'exponential'] as const;
  const cases = services.flatMap((service) =>
    [4, 8, 16, 32].map((workers) => ({ service, workers })),
  );

  it.each(cases)('$workers workers, $service service', ({ service, workers }) => {
    for (const seed of SEEDS) {
      const measured = run({ workers, service }, one, seed);
      expect(measured.limit / workers).toBeGreaterThan(0.9);
      expect(measured.limit / workers).toBeLessThan(2.5);
      expect(utilization(measured, workers)).toBeGreaterThan(0.85);
      expect(measured.waitP95Ms).toBeLessThan(3 * SERVICE_MS);
      expect(measured.refused).toBeLessThan(0.05);
    }
  });

  it('however long the queue is: it does not fill it', () => {
    for (const seed of SEEDS) {
      const measured = run({ workers: 16, maxWaiting: 10_000 }, one, seed);
      expect(measured.limit / 16).toBeLessThan(2);
      expect(utilization(measured, 16)).toBeGreaterThan(0.9);
      expect(measured.waitP95Ms).toBeLessThan(2 * SERVICE_MS);
    }
  });

  it('by refusals alone where there is no queue', () => {
    for (const seed of SEEDS) {
      const scenario = { workers: 16, maxWaiting: 0 };
      const measured = run(scenario, one, seed);
      const fixed = run(scenario, () => [fixedLimit(32)], seed);
      expect(utilization(measured, 16)).toBeGreaterThan(0.65);
      expect(measured.refused).toBeLessThan(0.1);
      expect(fixed.refused).toBeGreaterThan(0.35);
    }
  });

  it.each([8, 16, 32])('%d workers, and 5 % of all requests lost', (workers) => {
    for (const seed of SEEDS) {
      const measured = run({ workers, lost: 0.05 }, one, seed);
      expect(measured.limit / workers).toBeGreaterThan(0.9);
      expect(utilization(measured, workers)).toBeGreaterThan(0.85);
      expect(measured.refused).toBeLessThan(0.03);
    }
  });

  it('where fixed 32 has every second request refused', () => {
    for (const seed of SEEDS) {
      const fixed = run({ workers: 8 }, () => [fixedLimit(32)], seed);
      const adaptive = run({ workers: 8 }, () => [adaptiveLimit({ max: 32 })], seed);
      expect(fixed.refused).toBeGreaterThan(0.4);
      expect(adaptive.refused).toBeLessThan(fixed.refused / 20);
      expect(adaptive.answeredPerSecond).toBeGreaterThan(0.9 * fixed.answeredPerSecond);
      expect(adaptive.waitP95Ms).toBeLessThan(fixed.waitP95Ms);
    }
  });
});

describe('simulated: the adaptive limit follows what changes', () => {
  const settled = { warmUpMs: 15_000, settleMs: 15_000, measuredMs: 15_000 };

  it('a server that loses three quarters of its workers', () => {
    for (const seed of SEEDS) {
      const change: Simulation['change'] = (server) => {
        server.workers = 4;
      };
      const measured = run({ workers: 16, maxWaiting: 64, change, ...settled }, one, seed);
      expect(measured.limit / 4).toBeLessThan(3);
      expect(utilization(measured, 4)).toBeGreaterThan(0.85);
      expect(measured.waitP95Ms).toBeLessThan(4 * SERVICE_MS);
      expect(measured.refused).toBeLessThan(0.01);
    }
  });

  it('a server that gets four times its workers', () => {
    for (const seed of SEEDS) {
      const change: Simulation['change'] = (server) => {
        server.workers = 16;
      };
      const measured = run({ workers: 4, maxWaiting: 64, change, ...settled }, one, seed);
      expect(measured.limit / 16).toBeLessThan(2.3);
      expect(utilization(measured, 16)).toBeGreaterThan(0.9);
    }
  });

  it('a server that becomes four times slower for good', () => {
    for (const seed of SEEDS) {
      const change: Simulation['change'] = (server) => {
        server.serviceMs = 4 * SERVICE_MS;
      };
      const scenario = { workers: 16, maxWaiting: 64, change, ...settled, settleMs: 45_000 };
      const measured = run({ ...scenario, measuredMs: 30_000 }, one, seed);
      expect(measured.limit / 16).toBeGreaterThan(0.7);
      expect(measured.limit / 16).toBeLessThan(2);
      // a request takes four times as long now
      expect(utilization(measured, 16) * 4).toBeGreaterThan(0.75);
    }
  });

  it('little to send: nothing waits, and the limit does not run away', () => {
    for (const seed of SEEDS) {
      const measured = run({ workers: 16, perSecond: 100 }, one, seed);
      expect(measured.answeredPerSecond).toBeGreaterThan(85);
      expect(measured.limit / 16).toBeLessThan(2);
      expect(measured.refused).toBe(0);
    }
  });
});

describe('simulated: adaptive limits share a server', () => {
  it.each([
    [2, 0],
    [2, 15_000],
    [4, 0],
  ])('%d clients, each %d ms after the one before', (count, staggerMs) => {
    for (const seed of SEEDS.slice(0, 4)) {
      const measured = run({ workers: 32, maxWaiting: 128, staggerMs }, many(count), seed);
      expect(measured.fairness).toBeGreaterThan(0.85);
      expect(utilization(measured, 32)).toBeGreaterThan(0.9);
      expect(measured.limit / 32).toBeLessThan(2.6);
      expect(measured.refused).toBeLessThan(0.03);
    }
  });

  it('eight that come one after the other are held by refusals, few and evenly', () => {
    for (const seed of SEEDS.slice(0, 2)) {
      const scenario = { workers: 32, maxWaiting: 128, staggerMs: 3000, measuredMs: 60_000 };
      const measured = run(scenario, many(8), seed);
      const fixed = run(scenario, () => Array.from({ length: 8 }, () => fixedLimit(32)), seed);
      expect(measured.fairness).toBeGreaterThan(0.85);
      expect(measured.refused).toBeLessThan(0.1);
      expect(fixed.refused).toBeGreaterThan(0.4);
    }
  });
});

describe('createDeliver with an adaptive limit', () => {
  /** A thousand payloads at once for a server that works on 8 and queues 16. */
  async function flood(concurrency: 'fixed' | 'adaptive') {
    const clock = new FakeClock();
    const random = randomFrom(77);
    const time = {
      get now() {
        return clock.now();
      },
      in: (delayMs: number, run: () => void) => void clock.setTimer(run, delayMs),
    };
    const server = new SimulatedServer(time, random, {
      workers: 8,
      serviceMs: SERVICE_MS,
      service: 'exponential',
      maxWaiting: 16,
    });
    let refused = 0;
    const transport: Transport = {
      send: () =>
        new Promise((resolve) => {
          server.request((waitedMs) => {
            if (waitedMs === undefined) refused++;
            resolve(
              waitedMs === undefined
                ? { kind: 'retryable', reason: 'HTTP 503' }
                : { kind: 'delivered' },
            );
          });
        }),
      close() {},
    };
    const next = () => random.next();
    const deliver = createDeliver({ transport, clock, random: next, concurrency });
    const body = new Uint8Array(100);
    for (let i = 0; i < 1000; i++) {
      deliver.push({
        signal: 'traces',
        body,
        encoding: 'identity',
        contentType: 'application/x-protobuf',
        records: 1,
        rawBytes: 100,
      });
    }
    const started = clock.now();
    let limit = 0;
    while (deliver.stats().queuedRecords > 0 && clock.now() - started < 250_000) {
      await clock.advance(100);
      limit = Math.max(limit, deliver.stats().limit);
    }
    return { refused, limit, elapsedMs: clock.now() - started, sent: deliver.stats().sent };
  }

  it('delivers a flood with far fewer refusals, and without delay', async () => {
    const fixed = await flood('fixed');
    const adaptive = await flood('adaptive');
    expect(adaptive.sent).toBe(1000);
    expect(adaptive.limit).toBeGreaterThan(6);
    expect(adaptive.limit).toBeLessThan(24);
    expect(adaptive.refused).toBeLessThan(fixed.refused / 10);
    // 1000 × 50 ms / 8 and then some
    expect(adaptive.elapsedMs).toBeLessThan(10_000);
  });
});

it('docs/concurrency.md shows what the simulation measures', () => {
  const rows: string[][] = [];
  for (const workers of [4, 8, 16, 32]) {
    for (const concurrency of ['fixed', 'adaptive'] as const) {
      const makeLimits = () => [
        concurrency === 'fixed' ? fixedLimit(32) : adaptiveLimit({ max: 32 }),
      ];
      const all = SEEDS.slice(0, 4).map((seed) => run({ workers }, makeLimits, seed));
      const mean = (of: (each: Measurement) => number) =>
        all.reduce((sum, each) => sum + of(each), 0) / all.length;
      rows.push([
        String(workers),
        concurrency,
        mean(({ limit }) => limit).toFixed(0),
        `${(100 * mean((each) => utilization(each, workers))).toFixed(0)} %`,
        `${mean(({ waitP95Ms }) => waitP95Ms).toFixed(0)} ms`,
        `${(100 * mean(({ refused }) => refused)).toFixed(1)} %`,
      ]);
    }
  }
  const shown = readFileSync(join(ROOT, 'docs/concurrency.md'), 'utf8')
    .split('\n')
    .filter((line) => /^\| +\d+ \|/.test(line))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  expect(shown).toEqual(rows);
});

/** Share of what the workers can do. */
function utilization({ answeredPerSecond }: Measurement, workers: number): number {
  return (answeredPerSecond * SERVICE_MS) / 1000 / workers;
}
