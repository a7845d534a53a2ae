/**
 * Every fault in every protocol, against real servers: what one attempt comes to, and what becomes of
 * batches that meet it. See `faults.ts` for the table.
 */

import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Outcome, Payload, Transport } from '../../../src/deliver/transport.ts';
import {
  type Client,
  type ClientOptions,
  HEADERS,
  SECRETS,
  secretUrl,
  sha256,
  startClient,
  transportOf,
} from './client.ts';
import { FAULTS, type Verdict, WALL_CLOCK } from './faults.ts';
import { type FaultServer, OK, type Protocol, type Step, serve } from './servers.ts';

const TIMEOUT_MS = 10_000;
const BATCH = 8;

const cleanups: (() => unknown)[] = [];

beforeEach(() => {
  // dates in answers are relative to it
  vi.spyOn(Date, 'now').mockReturnValue(WALL_CLOCK);
});

afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  for (const cleanUp of cleanups.splice(0).reverse()) await cleanUp();
});

async function open(protocol: Protocol, steps: readonly Step[], port = 0): Promise<FaultServer> {
  const server = await serve(protocol, steps, port);
  cleanups.push(() => server.close());
  // the time limit of an attempt passes when the server has nothing more to say
  server.onStalled = () => setImmediate(() => vi.advanceTimersByTime(TIMEOUT_MS));
  return server;
}

function start(protocol: Protocol, server: FaultServer, more: Partial<ClientOptions> = {}): Client {
  const client = startClient(protocol, { url: server.url, timeoutMs: TIMEOUT_MS, ...more });
  server.onEvent = client.account;
  cleanups.push(() => client.telemetry.shutdown());
  return client;
}

function transportTo(protocol: Protocol, url: string): Transport {
  const transport = transportOf(protocol, {
    url: secretUrl(url),
    headers: HEADERS,
    userAgent: 'OTel-OTLP-Exporter-JavaScript/test',
    timeoutMs: TIMEOUT_MS,
    maxConnections: 4,
    maxResponseBytes: 4 * 1024 * 1024,
  });
  cleanups.push(() => transport.close());
  return transport;
}

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

/** Fit to be shown: without secrets, bounded, on one line. */
function expectFit(shown: unknown): void {
  const all = JSON.stringify(shown);
  for (const secret of Object.values(SECRETS)) expect(all).not.toContain(secret);
  for (const text of texts(shown)) {
    expect(text.length).toBeLessThanOrEqual(400);
    expect(text).not.toMatch(/\p{C}/u);
  }
}

function texts(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(texts) : [];
}

/** What must be true of any client, whatever has happened to it. Returns its batches as handed over. */
function expectSound({ telemetry, accounts, warnings, handed }: Client): Map<Uint8Array, string> {
  expect(accounts.wrong).toEqual([]);
  expect(accounts.moments).toBeGreaterThan(3);
  expectFit(telemetry.health());
  expectFit(warnings);
  // one body per batch however many attempts, and nothing has been written to it since the first
  const bodies = new Map<Uint8Array, string>();
  for (const { payload: sent, sha256: hash } of handed) {
    if (!bodies.has(sent.body)) bodies.set(sent.body, hash);
    expect(hash).toBe(bodies.get(sent.body));
  }
  for (const [body, hash] of bodies) expect(sha256(body)).toBe(hash);
  return bodies;
}

interface Case {
  readonly fault: string;
  readonly protocol: Protocol;
  readonly step: Step;
  readonly verdict: Verdict;
  readonly timesOut: boolean;
  readonly textBytes: number;
}

const CASES = FAULTS.flatMap(({ fault, http, json, grpc, ...more }): Case[] => {
  const { timesOut = false, textBytes = 100 } = more;
  const cases: Case[] = [];
  const add = (protocol: Protocol, step: Step, verdict: Verdict) =>
    cases.push({ fault, protocol, step, verdict, timesOut, textBytes });
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

describe('one attempt', () => {
  it.each(CASES)('$protocol: $fault', async ({ protocol, step, verdict, timesOut, textBytes }) => {
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
  it.each(CASES)('$protocol: $fault', async ({ protocol, step, verdict, timesOut, textBytes }) => {
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
    expect(Object.values(signals.traces.dropped).filter((count) => count > 0)).toEqual([]);
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
  });
});

const RETRYABLE = CASES.filter(({ verdict }) => verdict.kind === 'retryable');

describe('a batch whose every attempt meets the fault, when it may not grow old', () => {
  it.each(RETRYABLE)('$protocol: $fault', async (one) => {
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
    expect(Object.entries(signals.traces.dropped).filter(([, count]) => count > 0)).toEqual([
      ['retry_expired', BATCH],
    ]);
    expect(endpoints[0]).toMatchObject({ state: 'failing', inFlight: 0 });
    expect(endpoints[0]!.lastError).toMatch((verdict as { text: RegExp }).text);
    expect(expectSound(client).size).toBe(1);
  });
});
