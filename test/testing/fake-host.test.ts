import { describe, expect, it } from 'vitest';
import { fakeHost, startOn } from '../../src/testing/index.ts';

describe('a fake host', () => {
  it('runs timers in their order, each at its time', async () => {
    const host = fakeHost();
    const start = host.now();
    const ran: [string, number][] = [];
    const at = (name: string, delayMs: number) =>
      host.setTimer(() => ran.push([name, host.now() - start]), delayMs);
    at('b', 20);
    at('a', 10);
    const cancel = at('never', 15);
    host.setTimer(() => at('from a timer', 5), 10);
    host.soon(() => ran.push(['soon', host.now() - start]));
    cancel();
    expect(ran).toEqual([]);
    await host.advance(12);
    expect(ran).toEqual([
      ['soon', 0],
      ['a', 10],
    ]);
    await host.advance(100);
    expect(ran.slice(2)).toEqual([
      ['from a timer', 15],
      ['b', 20],
    ]);
    expect(host.now() - start).toBe(112);
    expect(host.unixNow()).toBe(Date.UTC(2026, 0, 1) + 112);
    expect(host.pending).toBe(0);
  });

  it('has the same random numbers on every run, others for another seed', async () => {
    const ids = async (seed?: number) => {
      const host = fakeHost(seed === undefined ? {} : { seed });
      const telemetry = startOn(host);
      telemetry.tracer('t').startSpan('s').end();
      await host.advance(1000);
      return host.transport.traces().map(({ traceId, spanId }) => traceId + spanId);
    };
    expect(await ids()).toEqual(await ids());
    expect(await ids(2)).not.toEqual(await ids());
  });

  it('compresses as hosts do for the portable engine', async () => {
    const host = fakeHost();
    const telemetry = startOn(host, { engine: 'portable' });
    for (let i = 0; i < 30; i++) telemetry.tracer('t').startSpan('s').end();
    await host.advance(1000);
    expect(host.transport.payloads[0]?.encoding).toBe('gzip');
    expect(host.transport.traces()).toHaveLength(30);
  });

  it('keeps what was warned of', () => {
    const host = fakeHost({ env: { OTEL_BSP_SCHEDULE_DELAY: 'x' } });
    startOn(host);
    expect(host.warnings).toHaveLength(1);
  });
});
