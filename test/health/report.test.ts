import { describe, expect, it } from 'vitest';
import { shownUrl } from '../../src/health/report.ts';
import { ENGINE_NAMES } from '../support/engines.ts';
import { started } from '../support/telemetry.ts';

const NOTHING = {
  recorded: 0,
  queued: 0,
  sent: 0,
  rejected: 0,
  dropped: {
    ring_full: 0,
    too_large: 0,
    engine_loading: 0,
    after_shutdown: 0,
    queue_full: 0,
    retry_expired: 0,
    shutdown: 0,
    exit: 0,
  },
  bytesRaw: 0,
  bytesCompressed: 0,
  requests: 0,
  retries: 0,
};

describe('health', () => {
  it.each(ENGINE_NAMES)('before anything happened, on the engine %s', (engine) => {
    const { telemetry } = started({ engine });
    const health = telemetry.health();
    expect(health).toEqual({
      engine: { name: engine, reason: 'asked for' },
      detectors: [{ name: 'service', state: 'ok' }],
      context: { manager: 'none', reason: 'register() installs one' },
      signals: {
        traces: { ...NOTHING, lateCalls: 0 },
        logs: NOTHING,
        metrics: {
          ...NOTHING,
          series: 0,
          measurements: {
            overflowed: 0,
            invalid: 0,
            dropped: { engine_loading: 0, no_memory: 0, after_shutdown: 0 },
          },
          cells: { usedBytes: 0, maxBytes: 64 * 1024 * 1024 },
        },
      },
      endpoints: [
        {
          signals: ['traces', 'logs', 'metrics'],
          url: 'http://localhost:4318/v1/traces',
          state: 'ok',
          inFlight: 0,
          limit: 32,
          encoding: 'gzip',
          refusedEncodings: [],
          connections: undefined,
          lastError: undefined,
          lastWarning: undefined,
        },
      ],
      redacted: undefined,
      memory: {
        engineBytes: expect.any(Number),
        ring: { bytes: 4 * 1024 * 1024, used: 0, records: 0 },
        logRing: { bytes: 2 * 1024 * 1024, used: 0, records: 0 },
        strings: { strings: 0, bytes: 0, epoch: 0 },
        queueBytes: 0,
      },
    });
    expect(health.memory.engineBytes).toBeLessThanOrEqual(16 * 1024 * 1024);
    expect(telemetry.health()).not.toBe(health);
  });

  it('follows spans from the ring to the server', async () => {
    const { host, telemetry, tracer, transport } = started();
    for (let i = 0; i < 20; i++) tracer.startSpan('a name', { attributes: { key: 'value' } }).end();
    const recorded = telemetry.health();
    expect(recorded.signals.traces).toMatchObject({ recorded: 20, queued: 20 });
    expect(recorded.memory.ring).toMatchObject({ records: 20 });
    expect(recorded.memory.ring.used).toBeGreaterThan(20 * 50);
    expect(recorded.memory.strings.strings).toBeGreaterThan(0);

    let answer: (outcome: { kind: 'delivered'; warning: string }) => void = () => {};
    transport.next(
      new Promise((resolve) => {
        answer = resolve;
      }),
    );
    await host.advance(1000);
    const sending = telemetry.health();
    expect(sending.signals.traces).toMatchObject({ recorded: 20, queued: 20, requests: 1 });
    expect(sending.memory).toMatchObject({
      ring: { used: 0, records: 0 },
      queueBytes: transport.payloads[0]?.body.length,
    });
    expect(sending.endpoints[0]).toMatchObject({ inFlight: 1 });

    answer({ kind: 'delivered', warning: 'deprecated path' });
    await host.settle();
    const sent = telemetry.health();
    expect(sent.signals.traces).toMatchObject({
      recorded: 20,
      queued: 0,
      sent: 20,
      bytesRaw: transport.payloads[0]?.rawBytes,
      bytesCompressed: transport.payloads[0]?.body.length,
    });
    expect(sent.memory.queueBytes).toBe(0);
    expect(sent.endpoints[0]).toMatchObject({ inFlight: 0, lastWarning: 'deprecated path' });
  });

  it('says that the endpoint fails and why, until it answers again', async () => {
    const { host, telemetry, tracer, transport } = started();
    transport.next({ kind: 'retryable', reason: 'HTTP 503: overloaded' });
    tracer.startSpan('s').end();
    await host.advance(1000);
    expect(telemetry.health().endpoints[0]).toMatchObject({
      state: 'failing',
      lastError: 'HTTP 503: overloaded',
    });
    await host.advance(60_000);
    expect(telemetry.health().endpoints[0]).toMatchObject({
      state: 'ok',
      lastError: 'HTTP 503: overloaded',
    });
    expect(telemetry.health().signals.traces).toMatchObject({ requests: 2, retries: 1, sent: 1 });
  });

  it('counts what the server refused', async () => {
    const { host, telemetry, tracer, transport } = started();
    transport.next({ kind: 'partial', rejected: 2, message: 'no name' });
    for (let i = 0; i < 5; i++) tracer.startSpan('s').end();
    await host.advance(1000);
    expect(telemetry.health().signals.traces).toMatchObject({ sent: 3, rejected: 2 });
    transport.next({ kind: 'rejected', reason: 'HTTP 400', status: 400 });
    for (let i = 0; i < 5; i++) tracer.startSpan('s').end();
    await host.advance(1000);
    expect(telemetry.health()).toMatchObject({
      signals: { traces: { sent: 3, rejected: 7, queued: 0 } },
      endpoints: [{ state: 'ok', lastError: 'HTTP 400' }],
    });
  });
});

describe('a URL that is shown', () => {
  it('has no user, password, query and fragment', () => {
    expect(shownUrl('https://user:pass@host:8443/a/b?key=secret#part')).toBe(
      'https://host:8443/a/b',
    );
    expect(shownUrl('http://host')).toBe('http://host/');
  });
});
