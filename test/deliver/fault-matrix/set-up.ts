/** What all tests of faults set up alike, and what must be true after all of them. */

import { afterEach, expect, vi } from 'vitest';
import type { Transport } from '../../../src/deliver/transport.ts';
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
import { type FaultServer, type Protocol, type Step, serve } from './servers.ts';

export const PROTOCOLS: readonly Protocol[] = ['http/protobuf', 'http/json', 'grpc'];

export const TIMEOUT_MS = 10_000;

/** Run after the test, the last one first. */
export const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  for (const cleanUp of cleanups.splice(0).reverse()) await cleanUp();
});

export async function open(
  protocol: Protocol,
  steps: readonly Step[],
  port = 0,
): Promise<FaultServer> {
  const server = await serve(protocol, steps, port);
  cleanups.push(() => server.close());
  // the time limit of an attempt passes when the server has nothing more to say
  server.onStalled = () => setImmediate(() => vi.advanceTimersByTime(TIMEOUT_MS));
  return server;
}

export function start(
  protocol: Protocol,
  server: FaultServer,
  more: Partial<ClientOptions> = {},
): Client {
  const client = startClient(protocol, { url: server.url, timeoutMs: TIMEOUT_MS, ...more });
  server.onEvent = client.account;
  cleanups.push(async () => {
    const down = client.telemetry.shutdown();
    await client.handedOver();
    // nobody else lets time pass for it
    await more.clock?.advance(60_000);
    await down;
  });
  return client;
}

export function transportTo(protocol: Protocol, url: string): Transport {
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

/** Fit to be shown: without secrets, bounded, on one line. */
export function expectFit(shown: unknown, maxChars = 320): void {
  const all = JSON.stringify(shown);
  for (const secret of Object.values(SECRETS)) expect(all).not.toContain(secret);
  for (const text of texts(shown)) {
    expect(text.length).toBeLessThanOrEqual(maxChars);
    expect(text).not.toMatch(/\p{C}/u);
  }
}

function texts(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(texts) : [];
}

/** What must be true of any client, whatever has happened to it. Returns its batches as handed over. */
export function expectSound({
  telemetry,
  accounts,
  warnings,
  handed,
}: Client): Map<Uint8Array, string> {
  expect(accounts.wrong).toEqual([]);
  expect(accounts.moments).toBeGreaterThan(1);
  expectFit(telemetry.health());
  // with what was lost and why
  expectFit(warnings, 900);
  // one body per batch however many attempts, and nothing has been written to it since the first
  const bodies = new Map<Uint8Array, string>();
  for (const { payload: sent, sha256: hash } of handed) {
    if (!bodies.has(sent.body)) bodies.set(sent.body, hash);
    expect(hash).toBe(bodies.get(sent.body));
  }
  for (const [body, hash] of bodies) expect(sha256(body)).toBe(hash);
  return bodies;
}

/** Causes of `dropped` under which anything is counted. */
export function droppedBy({ telemetry }: Client): Record<string, number> {
  const { dropped } = telemetry.health().signals.traces;
  return Object.fromEntries(Object.entries(dropped).filter(([, count]) => count > 0));
}
