/** Servers that are not there: refused connections, names that do not resolve, restarts, real time-outs. */

import { constants } from 'node:http2';
import { describe, expect, it } from 'vitest';
import { SECRETS, startClient } from './client.ts';
import { type FaultServer, type GrpcAttempt, OK, type Step, serve } from './servers.ts';
import {
  cleanups,
  droppedBy,
  expectFit,
  expectSound,
  open,
  PROTOCOLS,
  start,
  transportTo,
} from './set-up.ts';

const BATCH = 8;

/** A server on a port that one has had before, which others may take in between. */
async function reopened(...args: Parameters<typeof open>): Promise<FaultServer> {
  for (;;) {
    try {
      return await open(...args);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      await new Promise((wake) => setTimeout(wake, 20));
    }
  }
}

describe.each(PROTOCOLS)('%s', (protocol) => {
  const steps: Step[] = [OK[protocol]];

  it('connection refused, one attempt', async () => {
    const server = await serve(protocol, steps);
    await server.close();
    const transport = transportTo(protocol, server.url);
    const outcome = await transport.send({
      signal: 'traces',
      body: new Uint8Array(100),
      encoding: 'identity',
      contentType: 'application/x-protobuf',
      records: 1,
      rawBytes: 100,
    });
    expect(outcome).toEqual({
      kind: 'retryable',
      reason: expect.stringContaining('ECONNREFUSED'),
    });
    expectFit(outcome);
  });

  it('connection refused, until there is a server', async () => {
    const gone = await serve(protocol, steps);
    const client = start(protocol, gone);
    await gone.close();
    for (let batch = 1; batch <= 3; batch++) {
      client.record(BATCH);
      const flushed = client.telemetry.flush();
      await client.ended(client.outcomes.length + 2);
      expect(client.telemetry.health().endpoints[0]).toMatchObject({
        state: 'failing',
        lastError: expect.stringContaining('ECONNREFUSED'),
      });
      expect(client.telemetry.health().signals.traces).toMatchObject({
        recorded: batch * BATCH,
        queued: BATCH,
      });
      const server = await reopened(protocol, steps, gone.port);
      server.onEvent = client.account;
      expect(await flushed).toMatchObject({ complete: true, sent: batch * BATCH, dropped: 0 });
      expect(server.received).toHaveLength(1);
      await server.close();
    }
    expect(expectSound(client).size).toBe(3);
  });

  it('connection refused for good: given up when it is too old', async () => {
    const gone = await serve(protocol, steps);
    const client = start(protocol, gone, { queue: { retry: { maxAgeMs: 0 } } });
    await gone.close();
    client.record(BATCH);
    expect(await client.telemetry.flush()).toMatchObject({ complete: true, dropped: BATCH });
    expect(client.outcomes).toHaveLength(1);
    expect(droppedBy(client)).toEqual({ retry_expired: BATCH });
    expectSound(client);
  });

  it('connection refused for good: counted as what shutdown has lost', async () => {
    const gone = await serve(protocol, steps);
    const client = start(protocol, gone, {
      // the next attempt lies beyond what shutdown waits for: it need not wait
      queue: { retry: { initialMs: 1e9, maxMs: 1e9 } },
      flushTimeoutMs: 1,
    });
    await gone.close();
    client.record(BATCH);
    await client.telemetry.flush();
    await client.ended(1);
    expect(await client.telemetry.shutdown()).toMatchObject({ complete: false, dropped: BATCH });
    expect(droppedBy(client)).toEqual({ shutdown: BATCH });
    client.record(3);
    expect(droppedBy(client)).toEqual({ shutdown: BATCH, after_shutdown: 3 });
    expectSound(client);
  });

  it('a name that does not resolve', async () => {
    const client = startClient(protocol, {
      url: 'http://collector.invalid:4318',
      queue: { retry: { maxAgeMs: 0 } },
    });
    cleanups.push(() => client.telemetry.shutdown());
    client.record(BATCH);
    expect(await client.telemetry.flush()).toMatchObject({ complete: true, dropped: BATCH });
    expect(client.outcomes).toEqual([
      { kind: 'retryable', reason: expect.stringMatching(/ENOTFOUND|EAI_AGAIN/) },
    ]);
    expect(client.telemetry.health().endpoints[0]).toMatchObject({
      state: 'failing',
      lastError: expect.stringMatching(/(ENOTFOUND|EAI_AGAIN) collector\.invalid/),
    });
    expect(droppedBy(client)).toEqual({ retry_expired: BATCH });
    expectSound(client);
  });

  it('a server that starts again, between batches', async () => {
    let server = await open(protocol, steps);
    const client = start(protocol, server);
    for (let batch = 1; batch <= 4; batch++) {
      client.record(BATCH);
      expect(await client.telemetry.flush()).toMatchObject({ complete: true, sent: batch * BATCH });
      expect(server.received).toHaveLength(1);
      await server.close();
      server = await reopened(protocol, steps, server.port);
      server.onEvent = client.account;
    }
    expect(client.handed.length).toBeGreaterThanOrEqual(4);
    expect(droppedBy(client)).toEqual({});
    expect(expectSound(client).size).toBe(4);
  });

  it('a server that starts again while requests are on their way', async () => {
    const hanging: Step = { at: 'end', act: () => {} };
    const server = await open(protocol, [hanging]);
    const client = start(protocol, server, { batch: { size: BATCH } });
    client.record(5 * BATCH);
    const flushed = client.telemetry.flush();
    await server.seen('received', 5);
    expect(client.telemetry.health().endpoints[0]).toMatchObject({ inFlight: 5, state: 'ok' });
    await server.close();
    await client.ended(5);
    const again = await reopened(protocol, steps, server.port);
    again.onEvent = client.account;
    expect(await flushed).toMatchObject({ complete: true, sent: 5 * BATCH, dropped: 0 });
    const hashes = (received: FaultServer['received']) => received.map(({ sha256 }) => sha256);
    expect(hashes(again.received).sort()).toEqual(hashes(server.received).sort());
    expect(expectSound(client).size).toBe(5);
  });

  it.each([
    ['never answered', { at: 'end', act: () => {} }],
    ['never served', { at: 'connection', act: () => {} }],
  ] as [string, Step][])('a real time-out: %s', async (_, hanging) => {
    const server = await open(protocol, [hanging]);
    const client = start(protocol, server, {
      timeoutMs: 20,
      queue: { retry: { maxAgeMs: 0 } },
    });
    client.record(BATCH);
    expect(await client.telemetry.flush()).toMatchObject({ complete: true, dropped: BATCH });
    expect(client.telemetry.health().endpoints[0]?.lastError).toMatch(
      /^no(t connected| answer) within 20 ms$/,
    );
    expect(droppedBy(client)).toEqual({ retry_expired: BATCH });
    expectSound(client);
  });

  it('never shows what is secret in its endpoint', async () => {
    const server = await open(protocol, steps);
    const { telemetry } = start(protocol, server);
    const { url } = telemetry.health().endpoints[0]!;
    expect(url).toContain(server.url);
    for (const secret of Object.values(SECRETS)) expect(url).not.toContain(secret);
  });
});

describe('grpc', () => {
  it('GOAWAY among calls on their way: those it has seen are answered, the others sent again', async () => {
    const calls: GrpcAttempt[] = [];
    const ok = (attempt: GrpcAttempt) =>
      (OK['grpc'].act as (attempt: GrpcAttempt) => void)(attempt);
    const collecting: Step = {
      at: 'end',
      act(attempt: GrpcAttempt) {
        calls.push(attempt);
        if (calls.length < 5) return;
        const seen = calls.slice(0, 3);
        attempt.session.goaway(constants.NGHTTP2_NO_ERROR, seen.at(-1)!.stream.id);
        for (const one of seen) ok(one);
      },
    };
    const server = await open('grpc', [...Array<Step>(5).fill(collecting), OK['grpc']]);
    const client = start('grpc', server, { batch: { size: BATCH } });
    client.record(5 * BATCH);
    expect(await client.telemetry.flush()).toMatchObject({ complete: true, sent: 5 * BATCH });
    expect(server.received.map(({ connection }) => connection)).toEqual([0, 0, 0, 0, 0, 1, 1]);
    const hashes = server.received.map(({ sha256 }) => sha256);
    expect(hashes.slice(5).sort()).toEqual(hashes.slice(3, 5).sort());
    expect(client.outcomes.filter(({ kind }) => kind === 'retryable')).toMatchObject([
      { atOnce: true },
      { atOnce: true },
    ]);
    expect(client.telemetry.health().endpoints[0]?.state).toBe('ok');
    expectSound(client);
  });
});
