/** What arrives is what was recorded, whatever happens to its requests and behind their backs. */

import { describe, expect, it } from 'vitest';
import { ENGINE_NAMES } from '../../support/engines.ts';
import { type Recorded, sha256 } from './client.ts';
import { spansIn } from './decoded.ts';
import { FAULTS } from './faults.ts';
import {
  type FaultServer,
  type GrpcAttempt,
  type HttpAttempt,
  OK,
  type Protocol,
  type Step,
} from './servers.ts';
import { droppedBy, expectSound, open, PROTOCOLS, start } from './set-up.ts';

const BATCH = 8;
const FURTHER = 20;

/** A step that stops to read a request as soon as its head has come, until it is released. */
function stopping(protocol: Protocol) {
  const stopped: (() => void)[] = [];
  const step: Step = {
    at: 'head',
    act(attempt: HttpAttempt | GrpcAttempt) {
      const incoming = 'stream' in attempt ? attempt.stream : attempt.request;
      incoming.pause();
      incoming.once('end', () => (OK[protocol].act as (attempt: unknown) => void)(attempt));
      stopped.push(() => incoming.resume());
    },
  };
  return {
    step,
    release() {
      for (const resume of stopped.splice(0)) resume();
    },
  };
}

function byName(spans: readonly Recorded[]): Map<string, Recorded> {
  return new Map(spans.map((span) => [span.name, span]));
}

/** Every span has arrived once, as it was recorded. */
function expectArrived(server: FaultServer, recorded: readonly Recorded[]): void {
  const arrived = server.received.flatMap(spansIn);
  expect(arrived).toHaveLength(recorded.length);
  const all = byName(arrived);
  for (const span of recorded) expect(all.get(span.name)).toEqual(span);
}

/** Faults after which a request is sent again, those that pass by themselves. */
function retried(protocol: Protocol): Step[] {
  return FAULTS.flatMap(({ http, grpc, timesOut }) => {
    const row = protocol === 'grpc' ? grpc : http;
    if (row === undefined || row[1].kind !== 'retryable' || timesOut === true) return [];
    return typeof row[0] === 'function' ? [row[0](protocol as 'http/json')] : [row[0] as Step];
  });
}

describe.each(PROTOCOLS)('%s', (protocol) => {
  describe.each(ENGINE_NAMES)('engine %s', (engine) => {
    it('a request on its way is not overwritten by the next twenty batches', async () => {
      const { step, release } = stopping(protocol);
      const server = await open(protocol, [step]);
      const client = start(protocol, server, { engine, batch: { size: BATCH } });
      client.record(BATCH, 20_000);
      void client.telemetry.flush();
      await server.seen('attempts', 1);
      for (let batch = 0; batch < FURTHER; batch++) {
        client.record(BATCH, 20_000);
        void client.telemetry.flush();
        await client.handedOver();
      }
      await server.seen('attempts', 1 + FURTHER);
      expect(client.handed).toHaveLength(1 + FURTHER);
      expect(server.received).toHaveLength(0);
      expect(client.telemetry.health().signals.traces).toMatchObject({
        recorded: (1 + FURTHER) * BATCH,
        queued: (1 + FURTHER) * BATCH,
        sent: 0,
      });
      const flushed = client.telemetry.flush();
      release();
      expect(await flushed).toMatchObject({ complete: true, sent: (1 + FURTHER) * BATCH });
      expectArrived(server, client.recorded);
      for (const { sha256: hash } of server.received) {
        expect(client.handed.map((each) => each.sha256)).toContain(hash);
      }
      expect(expectSound(client).size).toBe(1 + FURTHER);
    });
  });

  it('the same in one turn of the event loop, before there is a connection', async () => {
    const server = await open(protocol, [OK[protocol]]);
    const client = start(protocol, server, { batch: { size: BATCH } });
    client.record((1 + FURTHER) * BATCH, 5000);
    const flushed = client.telemetry.flush();
    expect(server.attempts).toBe(0);
    expect(await flushed).toMatchObject({ complete: true, sent: (1 + FURTHER) * BATCH });
    expectArrived(server, client.recorded);
    expect(expectSound(client).size).toBe(1 + FURTHER);
  });

  it('a request that waits for its next attempt is not overwritten either', async () => {
    let attempts = 0;
    let recordMore = () => {};
    const busy = retried(protocol)[0]!;
    const counted: Step[] = Array.from({ length: 5 }, () => ({
      ...busy,
      act(attempt: never) {
        attempts++;
        recordMore();
        (busy.act as (attempt: never) => void)(attempt);
      },
    }));
    const server = await open(protocol, [...counted, OK[protocol]]);
    const client = start(protocol, server, { queue: { maxInFlight: 1 } });
    recordMore = () => {
      for (let batch = 0; batch < FURTHER / 5; batch++) {
        client.record(BATCH, 5000);
        void client.telemetry.flush();
      }
    };
    client.record(BATCH, 5000);
    await client.telemetry.flush();
    expect(await client.telemetry.flush()).toMatchObject({ complete: true, dropped: 0 });
    expect(attempts).toBe(5);
    expectArrived(server, client.recorded);
    expect(client.recorded).toHaveLength((1 + FURTHER) * BATCH);
    expectSound(client);
  });

  it('every fault one after the other: the same bytes at every attempt, compressed once', async () => {
    const faults = retried(protocol);
    expect(faults.length).toBeGreaterThan(10);
    const server = await open(protocol, [...faults, OK[protocol]]);
    const client = start(protocol, server, { engine: 'portable' });
    client.record(BATCH, 500);
    expect(await client.telemetry.flush()).toMatchObject({ complete: true, sent: BATCH });
    expect(server.attempts).toBeGreaterThan(faults.length);
    expect(client.handed).toHaveLength(server.attempts);
    expect(client.compressions()).toBe(1);
    expect(server.received.length).toBeGreaterThan(faults.length / 2);
    expect([...new Set(server.received.map(({ sha256: hash }) => hash))]).toEqual([
      client.handed[0]!.sha256,
    ]);
    const { body, encoding } = client.handed[0]!.payload;
    expect(encoding).toBe('gzip');
    expect(sha256(body)).toBe(client.handed[0]!.sha256);
    for (const request of server.received)
      expect(byName(spansIn(request))).toEqual(byName(client.recorded));
    expect(expectSound(client).size).toBe(1);
  });

  it('as many faults as there are attempts, of many batches at a time: each arrives once', async () => {
    const faults = retried(protocol);
    const steps = Array.from({ length: 3 * faults.length }, (_, i) =>
      i % 3 === 0 ? faults[i / 3]! : OK[protocol],
    );
    const server = await open(protocol, [...steps, OK[protocol]]);
    const client = start(protocol, server, {
      engine: 'portable',
      batch: { size: BATCH },
      queue: { maxInFlight: 8, retry: { budgetRatio: 1, budgetPerSecond: 1000 } },
    });
    const batches = 2 * faults.length;
    for (let batch = 0; batch < batches; batch++) {
      client.record(BATCH, 500);
      await client.handedOver();
    }
    expect(await client.telemetry.flush()).toMatchObject({
      complete: true,
      sent: batches * BATCH,
      rejected: 0,
    });
    expect(client.compressions()).toBe(batches);
    expect(droppedBy(client)).toEqual({});
    const bodies = expectSound(client);
    expect(bodies.size).toBe(batches);
    for (const { sha256: hash } of server.received) expect([...bodies.values()]).toContain(hash);
    // attempts that were read and then not answered have arrived as well
    const arrived = byName(server.received.flatMap(spansIn));
    for (const span of client.recorded) expect(arrived.get(span.name)).toEqual(span);
    const { signals } = client.telemetry.health();
    expect(signals.traces.requests).toBe(client.handed.length);
    expect(signals.traces.retries).toBe(client.handed.length - batches);
    // some were cut with their connection before the server had seen them
    expect(server.attempts).toBeLessThanOrEqual(client.handed.length);
    expect(server.attempts).toBeGreaterThanOrEqual(batches + faults.length);
  });
});
