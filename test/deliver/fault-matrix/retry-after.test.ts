/** Servers that ask for silence are given it, by the batch they said it of and by all that follow it. */

import { beforeEach, describe, expect, it, vi } from 'vitest';
import { answered, retryInfo, trailersOnly } from '../../support/grpc-server.ts';
import { FakeClock } from '../fake-clock.ts';
import type { Client } from './client.ts';
import { answer, call, DATE_FORMS, status, WALL_CLOCK } from './faults.ts';
import { OK, type Protocol, type Step } from './servers.ts';
import { droppedBy, expectSound, open, start } from './set-up.ts';

const BATCH = 8;
const SECOND = 1000;

/** How a server asks for so much silence, in each form it can have. */
const FORMS: readonly (readonly [
  form: string,
  protocol: Protocol,
  asking: (delayMs: number) => Step,
])[] = [
  ...[429, 503].flatMap((code) => {
    const http = (name: string, value: (delayMs: number) => string) =>
      [
        `${code} with Retry-After as ${name}`,
        'http/protobuf',
        (delayMs: number) => answer(code, { 'retry-after': value(delayMs) })('http/protobuf'),
      ] as const;
    return [
      http('seconds', (delayMs) => String(delayMs / SECOND)),
      ...Object.entries(DATE_FORMS).map(([form, date]) => http(`a date, ${form}`, date)),
    ];
  }),
  [
    '503 with Retry-After',
    'http/json',
    (delayMs) => answer(503, { 'retry-after': String(delayMs / SECOND) })('http/json'),
  ],
  ...([14, 8] as const).flatMap((code) => {
    const details = (delayMs: number) =>
      status(code, { 'grpc-status-details-bin': retryInfo(delayMs / SECOND) });
    const name = code === 14 ? 'UNAVAILABLE' : 'RESOURCE_EXHAUSTED';
    return [
      [
        `${name} with RetryInfo`,
        'grpc',
        (delayMs: number) => call(answered(details(delayMs))),
      ] as const,
      [
        `${name} with RetryInfo, trailers only`,
        'grpc',
        (delayMs: number) => call(trailersOnly(details(delayMs))),
      ] as const,
    ];
  }),
  [
    'a proxy that answers 503 with Retry-After',
    'grpc',
    (delayMs) =>
      call((stream) => {
        const seconds = String(delayMs / SECOND);
        stream.respond({ ':status': 503, 'retry-after': seconds }, { endStream: true });
      }),
  ],
];

beforeEach(() => {
  vi.spyOn(Date, 'now').mockReturnValue(WALL_CLOCK);
});

/** Records a batch and has it handed to delivery, which may send it or not. */
async function recordAndHandOver(client: Client): Promise<void> {
  client.record(BATCH);
  void client.telemetry.flush();
  await client.handedOver();
}

describe.each(FORMS)('%s (%s)', (_, protocol, asking) => {
  it('holds back the batch and all that come after it, not a moment less', async () => {
    const clock = new FakeClock();
    const server = await open(protocol, [asking(7 * SECOND), OK[protocol]]);
    const client = start(protocol, server, { clock });
    await recordAndHandOver(client);
    await client.ended(1);
    expect(client.outcomes[0]).toMatchObject({ kind: 'retryable', delayMs: 7 * SECOND });

    await recordAndHandOver(client);
    await clock.advance(3 * SECOND);
    await recordAndHandOver(client);
    await clock.advance(4 * SECOND - 1);
    await client.handedOver();
    const held = client.telemetry.health();
    expect(held.signals.traces).toMatchObject({ recorded: 24, queued: 24, requests: 1 });
    expect(held.endpoints[0]).toMatchObject({ state: 'failing', inFlight: 0 });
    expect(server.attempts).toBe(1);

    // the jitter on top of it is 1 ms at most here
    await clock.advance(2);
    await client.ended(2);
    await client.ended(4);
    expect(client.telemetry.health().signals.traces).toMatchObject({ sent: 24, requests: 4 });
    expect(client.telemetry.health().endpoints[0]).toMatchObject({ state: 'ok' });
    const hashes = server.received.map(({ sha256 }) => sha256);
    expect(new Set(hashes).size).toBe(3);
    expect(hashes.lastIndexOf(hashes[0]!)).toBeGreaterThan(0);
    expect(droppedBy(client)).toEqual({});
    expect(expectSound(client).size).toBe(3);
  });

  it('holds back what was on its way beside it, and an answer in between does not lift it', async () => {
    const clock = new FakeClock();
    let answerFirst = () => {};
    const first: Step = {
      at: 'end',
      act(attempt: never) {
        answerFirst = () => (OK[protocol].act as (attempt: never) => void)(attempt);
      },
    };
    const server = await open(protocol, [first, asking(5 * SECOND), OK[protocol]]);
    const client = start(protocol, server, { clock });
    await recordAndHandOver(client);
    await server.seen('received', 1);
    await recordAndHandOver(client);
    await client.ended(1);
    answerFirst();
    await client.ended(2);
    expect(client.telemetry.health().signals.traces).toMatchObject({ sent: 8, queued: 8 });
    await recordAndHandOver(client);
    await clock.advance(5 * SECOND - 1);
    await client.handedOver();
    expect(client.telemetry.health().signals.traces).toMatchObject({ sent: 8, requests: 2 });
    await clock.advance(2);
    await client.ended(4);
    expect(client.telemetry.health().signals.traces).toMatchObject({ sent: 24, requests: 4 });
    expectSound(client);
  });

  it('asked for again, is honoured again, with the back-off on top', async () => {
    const clock = new FakeClock();
    const steps = [asking(2 * SECOND), asking(3 * SECOND), OK[protocol]];
    const server = await open(protocol, steps);
    const client = start(protocol, server, { clock, queue: { retry: { initialMs: 5, maxMs: 5 } } });
    await recordAndHandOver(client);
    await client.ended(1);
    await clock.advance(2 * SECOND - 1);
    await client.handedOver();
    expect(client.handed).toHaveLength(1);
    await clock.advance(6);
    await client.ended(2);
    await clock.advance(3 * SECOND - 1 - 5);
    await client.handedOver();
    expect(client.handed).toHaveLength(2);
    await clock.advance(11);
    await client.ended(3);
    expect(client.telemetry.health().signals.traces).toMatchObject({ sent: 8, retries: 2 });
    expectSound(client);
  });

  it('that ends after the batch is too old gives it up at once', async () => {
    const clock = new FakeClock();
    const server = await open(protocol, [asking(60 * SECOND), OK[protocol]]);
    const client = start(protocol, server, {
      clock,
      queue: { retry: { maxAgeMs: 30 * SECOND } },
    });
    await recordAndHandOver(client);
    await client.ended(1);
    expect(droppedBy(client)).toEqual({ retry_expired: 8 });
    // what comes now may still be young enough then
    await clock.advance(40 * SECOND);
    await recordAndHandOver(client);
    expect(client.handed).toHaveLength(1);
    await clock.advance(20 * SECOND + 1);
    await client.ended(2);
    expect(client.telemetry.health().signals.traces).toMatchObject({ sent: 8, queued: 0 });
    expectSound(client);
  });

  it('of a year is believed for an hour', async () => {
    const clock = new FakeClock();
    const server = await open(protocol, [asking(365 * 86_400 * SECOND)]);
    const client = start(protocol, server, { clock });
    await recordAndHandOver(client);
    await client.ended(1);
    expect(client.outcomes[0]).toMatchObject({ kind: 'retryable', delayMs: 3600 * SECOND });
  });
});

describe('by the clock of the server', () => {
  it.each(['http/protobuf', 'grpc'] as const)(
    '%s: nothing comes within a second',
    async (protocol) => {
      const asking =
        protocol === 'grpc'
          ? call(trailersOnly(status(14, { 'grpc-status-details-bin': retryInfo(1) })))
          : answer(429, { 'retry-after': '1' })(protocol);
      const server = await open(protocol, [asking, OK[protocol]]);
      const client = start(protocol, server);
      client.record(BATCH);
      void client.telemetry.flush();
      await client.ended(1);
      client.record(BATCH);
      expect(await client.telemetry.flush()).toMatchObject({ complete: true, sent: 2 * BATCH });
      const [first, ...later] = server.received.map(({ at }) => at);
      expect(later).toHaveLength(2);
      for (const at of later) expect(at - first!).toBeGreaterThanOrEqual(1000);
      expectSound(client);
    },
  );
});
