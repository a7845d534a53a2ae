/** Many batches at a time against a server that does anything: the accounts agree at every moment. */

import { describe, expect, it } from 'vitest';
import { trailersOnly } from '../../support/grpc-server.ts';
import { randomFrom } from '../../support/random.ts';
import { FakeClock } from '../fake-clock.ts';
import type { Client } from './client.ts';
import { spansIn } from './decoded.ts';
import { answer, call, FAULTS, status } from './faults.ts';
import { type GrpcAttempt, type HttpAttempt, OK, type Protocol, type Step } from './servers.ts';
import { expectSound, open, PROTOCOLS, start } from './set-up.ts';

const BATCH = 8;
const BATCHES = 80;

/** Every fault of a protocol that passes by itself. */
function faultsOf(protocol: Protocol): Step[] {
  return FAULTS.flatMap(({ http, grpc, timesOut, fault }) => {
    const row = protocol === 'grpc' ? grpc : http;
    if (row === undefined || timesOut === true || fault.includes('5 MB')) return [];
    return typeof row[0] === 'function' ? [row[0](protocol as 'http/json')] : [row[0] as Step];
  });
}

async function storm(client: Client, whenHalf: () => void): Promise<void> {
  for (let batch = 0; batch < BATCHES; batch++) {
    client.record(BATCH, 300);
    if (batch % 4 === 3) await client.handedOver();
    if (batch === BATCHES / 2) whenHalf();
  }
}

describe.each(PROTOCOLS)('%s', (protocol) => {
  const steps = (seed: number): Step[] => {
    const random = randomFrom(seed);
    const faults = faultsOf(protocol);
    return Array.from({ length: 3 * BATCHES }, () =>
      random.below(2) === 0 ? OK[protocol] : faults[random.below(faults.length)]!,
    ).concat(OK[protocol]);
  };
  const busy = { maxInFlight: 6, retry: { budgetRatio: 1, budgetPerSecond: 10_000 } };

  it.each([
    [1, 'fixed'],
    [2, 'fixed'],
    [3, 'adaptive'],
  ] as const)(
    'storm %d, concurrency %s: every span is accounted for',
    async (seed, concurrency) => {
      const server = await open(protocol, steps(seed));
      const client = start(protocol, server, {
        batch: { size: BATCH },
        queue: { ...busy, concurrency },
      });
      await storm(client, () => {});
      const report = await client.telemetry.flush();
      expect(report).toMatchObject({ complete: true, recorded: BATCHES * BATCH, queued: 0 });
      expect(report.sent + report.rejected + report.dropped).toBe(BATCHES * BATCH);
      expect(report.dropped).toBe(0);
      expect(report.rejected).toBeGreaterThan(0);
      expect(report.sent).toBeGreaterThan(BATCHES);
      // what counts as sent has arrived, whole
      const arrived = new Map(server.received.flatMap(spansIn).map((span) => [span.name, span]));
      expect(arrived.size).toBeGreaterThanOrEqual(report.sent);
      for (const span of client.recorded) {
        const got = arrived.get(span.name);
        if (got !== undefined) expect(got).toEqual(span);
      }
      expect(client.accounts.moments).toBeGreaterThan(5 * BATCHES);
      expectSound(client);
    },
  );

  it('storm with little room: what is dropped is counted as that', async () => {
    const server = await open(protocol, steps(4));
    const client = start(protocol, server, {
      batch: { size: BATCH },
      queue: { ...busy, maxBytes: 6000, dropPolicy: 'oldest' },
    });
    await storm(client, () => {});
    const report = await client.telemetry.flush();
    const { dropped, sent, rejected } = client.telemetry.health().signals.traces;
    expect(report).toMatchObject({ complete: true, queued: 0 });
    expect(dropped.queue_full).toBeGreaterThan(0);
    expect(sent + rejected + dropped.queue_full).toBe(BATCHES * BATCH);
    expectSound(client);
  });

  it('shutdown within a storm: what is left is counted as that', async () => {
    const server = await open(protocol, steps(5));
    const client = start(protocol, server, {
      batch: { size: BATCH },
      queue: busy,
      flushTimeoutMs: 0,
    });
    let down: ReturnType<Client['telemetry']['shutdown']> | undefined;
    await storm(client, () => {
      down = client.telemetry.shutdown();
    });
    const early = await down!;
    expect(early.queued).toBe(0);
    const { traces } = client.telemetry.health().signals;
    expect(traces).toMatchObject({ recorded: BATCHES * BATCH, queued: 0 });
    expect(traces.dropped.shutdown).toBeGreaterThan(0);
    expect(traces.dropped.after_shutdown).toBeGreaterThan(0);
    expectSound(client);
  });

  it('one batch that always fails among others that succeed: they go on, its retries wait', async () => {
    const failing: Step =
      protocol === 'grpc' ? call(trailersOnly(status(14))) : answer(503)(protocol);
    let recovered = false;
    const server = await open(protocol, [
      {
        at: 'end',
        act(attempt: HttpAttempt | GrpcAttempt) {
          const sick = spansIn(attempt.received!).some(({ name }) => name === 'span 0');
          const step = sick && !recovered ? failing : OK[protocol];
          (step.act as (attempt: unknown) => void)(attempt);
        },
      },
    ]);
    const clock = new FakeClock();
    const client = start(protocol, server, {
      clock,
      queue: { retry: { budgetRatio: 0.1, budgetPerSecond: 1 } },
    });
    const { telemetry } = client;
    const settled = async () => {
      await client.handedOver();
      while (telemetry.health().endpoints[0]!.inFlight > 0) {
        await client.ended(client.outcomes.length + 1);
        await client.handedOver();
      }
    };
    for (let batch = 0; batch < BATCHES; batch++) {
      client.record(BATCH);
      void telemetry.flush();
      await settled();
      // a back-off is 3 ms at most, so that only the budget bounds the retries
      await clock.advance(3);
      await settled();
    }
    await settled();
    const { traces } = telemetry.health().signals;
    expect(traces).toMatchObject({ sent: (BATCHES - 1) * BATCH, queued: BATCH, rejected: 0 });
    // 10 at once and a tenth of the batches, each of which may find no other batch to be the next probe
    expect(traces.retries).toBeGreaterThanOrEqual(1);
    expect(traces.retries).toBeLessThanOrEqual(2 * (10 + BATCHES / 10 + 1));
    recovered = true;
    await clock.advance(20_000);
    await settled();
    expect(telemetry.health().signals.traces).toMatchObject({ sent: BATCHES * BATCH, queued: 0 });
    expectSound(client);
  });
});
