/**
 * Every fault in every protocol, against real servers: what one attempt comes to, and what becomes of
 * batches that meet it. See `faults.ts` for the table.
 */

import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Outcome, Payload } from '../../../src/deliver/transport.ts';
import { sha256 } from './client.ts';
import { FAULTS, type Verdict, WALL_CLOCK } from './faults.ts';
import { OK, type Protocol, type Step } from './servers.ts';
import { droppedBy, expectFit, expectSound, open, start, transportTo } from './set-up.ts';

const BATCH = 8;

beforeEach(() => {
  // dates in answers are relative to it
  vi.spyOn(Date, 'now').mockReturnValue(WALL_CLOCK);
});

function payload(protocol: Protocol, bytes: number): Payload {
  return {
    signal: 'traces',
    body: randomBytes(bytes),
    encoding: 'identity',
    contentType: protocol === 'http/json' ? 'application/json' : 'application/x-protobuf',
    records: BATCH,
    rawBytes: bytes,
  };
}

function expectVerdict(outcome: Outcome, verdict: Verdict): void {
  const { kind } = verdict;
  expect(outcome.kind, JSON.stringify(outcome)).toBe(kind);
  if (outcome.kind === 'delivered' && kind === 'delivered') {
    if (verdict.text === undefined) expect(outcome.warning).toBeUndefined();
    else expect(outcome.warning).toMatch(verdict.text);
  } else if (outcome.kind === 'partial' && kind === 'partial') {
    expect(outcome.rejected).toBe(verdict.rejected);
    expect(outcome.message).toMatch(verdict.text);
  } else if (outcome.kind === 'rejected' && kind === 'rejected') {
    expect(outcome.reason).toMatch(verdict.text);
    expect(outcome.remedy).toBeUndefined();
  } else if (outcome.kind === 'retryable' && kind === 'retryable') {
    expect(outcome.reason).toMatch(verdict.text);
    expect(outcome.delayMs).toBe(verdict.delayMs);
    if (verdict.atOnce === true) expect(outcome.atOnce).toBe(true);
  }
  expectFit(outcome);
}

interface Case {
  readonly fault: string;
  readonly protocol: Protocol;
  readonly step: Step;
  readonly verdict: Verdict;
  readonly once: boolean;
  readonly timesOut: boolean;
  readonly textBytes: number;
}

const CASES = FAULTS.flatMap(({ fault, http, json, grpc, ...more }): Case[] => {
  const { once = false, timesOut = false, textBytes = 100 } = more;
  const cases: Case[] = [];
  const add = (protocol: Protocol, step: Step, verdict: Verdict) =>
    cases.push({ fault, protocol, step, verdict, once, timesOut, textBytes });
  if (http !== undefined) {
    const [step, verdict] = http;
    for (const format of ['http/protobuf', 'http/json'] as const) {
      if (format === 'http/json' && json === undefined) continue;
      add(format, typeof step === 'function' ? step(format) : step, verdict);
    }
  }
  if (grpc !== undefined) add('grpc', ...grpc);
  return cases;
});

const named = (cases: readonly Case[]) =>
  cases.map((one) => [`${one.protocol}: ${one.fault}`, one] as const);

describe('one attempt', () => {
  it.each(named(CASES))('%s', async (_, { protocol, step, verdict, timesOut, textBytes }) => {
    if (timesOut) vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const server = await open(protocol, [step, OK[protocol]]);
    const transport = transportTo(protocol, server.url);
    const sent = payload(protocol, textBytes * BATCH);
    expectVerdict(await transport.send(sent), verdict);
    expect(server.attempts).toBe(1);
    // whatever has happened, the next one may find everything in order
    expect(await transport.send(sent)).toEqual({ kind: 'delivered' });
    expect(server.attempts).toBe(2);
    expect(server.received.at(-1)?.sha256).toBe(sha256(sent.body));
  });
});

describe('three batches, of which attempts meet the fault twice', () => {
  it.each(named(CASES.filter(({ once }) => !once)))(
    '%s',
    async (_, { protocol, step, verdict, timesOut, textBytes }) => {
      if (timesOut) vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      const server = await open(protocol, [step, step, OK[protocol]]);
      const client = start(protocol, server, { compression: 'none' });
      const { telemetry } = client;
      for (let batch = 0; batch < 3; batch++) {
        client.record(BATCH, textBytes);
        expect(await telemetry.flush()).toMatchObject({ complete: true, queued: 0 });
      }

      const { kind } = verdict;
      const retries = kind === 'retryable' ? 2 : 0;
      const lost = { delivered: 0, retryable: 0, rejected: BATCH, partial: 0 }[kind];
      const rejected = 2 * (verdict.kind === 'partial' ? Math.min(verdict.rejected, BATCH) : lost);
      for (const outcome of client.outcomes.slice(0, 2)) expectVerdict(outcome, verdict);
      expect(client.outcomes.slice(2)).toEqual(Array(1 + retries).fill({ kind: 'delivered' }));
      expect(server.attempts).toBe(3 + retries);

      const { signals, endpoints } = telemetry.health();
      expect(signals.traces).toMatchObject({
        recorded: 3 * BATCH,
        sent: 3 * BATCH - rejected,
        rejected,
        queued: 0,
        requests: 3 + retries,
        retries,
      });
      expect(droppedBy(client)).toEqual({});
      const { lastError, lastWarning } = endpoints[0]!;
      if (kind === 'delivered') {
        expect(lastError).toBeUndefined();
        if (verdict.text === undefined) expect(lastWarning).toBeUndefined();
        else expect(lastWarning).toMatch(verdict.text);
      } else {
        expect(lastError).toMatch(verdict.text);
        expect(lastWarning).toBeUndefined();
      }

      const bodies = expectSound(client);
      expect(bodies.size).toBe(3);
      for (const request of server.received) expect([...bodies.values()]).toContain(request.sha256);
    },
  );
});

const RETRYABLE = CASES.filter(({ verdict, once }) => verdict.kind === 'retryable' && !once);

describe('a batch whose every attempt meets the fault, when it may not grow old', () => {
  it.each(named(RETRYABLE))('%s', async (_, one) => {
    const { protocol, step, verdict, timesOut, textBytes } = one;
    if (timesOut) vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const server = await open(protocol, [step]);
    const client = start(protocol, server, { queue: { retry: { maxAgeMs: 0 } } });
    client.record(BATCH, textBytes);
    expect(await client.telemetry.flush()).toMatchObject({ complete: true, dropped: BATCH });
    const atOnce = client.outcomes[0]?.kind === 'retryable' && client.outcomes[0].atOnce === true;
    const attempts = atOnce ? 2 : 1;
    for (const outcome of client.outcomes) expectVerdict(outcome, verdict);
    expect(server.attempts).toBe(attempts);
    const { signals, endpoints } = client.telemetry.health();
    expect(signals.traces).toMatchObject({
      recorded: BATCH,
      sent: 0,
      rejected: 0,
      queued: 0,
      requests: attempts,
      retries: attempts - 1,
    });
    expect(droppedBy(client)).toEqual({ retry_expired: BATCH });
    expect(endpoints[0]).toMatchObject({ state: 'failing', inFlight: 0 });
    expect(endpoints[0]!.lastError).toMatch((verdict as { text: RegExp }).text);
    expect(expectSound(client).size).toBe(1);
  });
});
