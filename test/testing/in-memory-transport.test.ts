import { describe, expect, it } from 'vitest';
import { start } from '../../src/runtime/node/index.ts';
import { inMemoryTransport, type Payload } from '../../src/testing/index.ts';

const payload: Payload = {
  signal: 'traces',
  contentType: 'application/x-protobuf',
  body: new Uint8Array(0),
  encoding: 'identity',
  records: 1,
  rawBytes: 0,
};

describe('a transport in memory', () => {
  it('takes what a telemetry sends, compressed or not', async () => {
    for (const compression of ['gzip', 'none'] as const) {
      const transport = inMemoryTransport();
      const telemetry = start({ transport, compression, flushOnExit: false });
      for (let i = 0; i < 50; i++) telemetry.tracer('t').startSpan(`span ${i}`).end();
      await telemetry.shutdown();
      expect(transport.payloads.map(({ encoding }) => encoding)).toEqual([
        compression === 'gzip' ? 'gzip' : 'identity',
      ]);
      expect(transport.traces()).toHaveLength(50);
      expect(transport.traces()[7]).toMatchObject({ name: 'span 7', scope: { name: 't' } });
      expect(transport.closed).toBe(true);
      transport.clear();
      expect(transport.payloads).toEqual([]);
      expect(transport.traces()).toEqual([]);
    }
  });

  it('answers by script, then as always', async () => {
    const transport = inMemoryTransport();
    transport.next(
      { kind: 'retryable', reason: 'HTTP 503' },
      Promise.resolve({ kind: 'rejected', reason: 'HTTP 400' }),
      ({ records }) => ({ kind: 'partial', rejected: records, message: '' }),
    );
    const send = async () => (await transport.send(payload)).kind;
    expect([await send(), await send(), await send(), await send()]).toEqual([
      'retryable',
      'rejected',
      'partial',
      'delivered',
    ]);
    transport.always({ kind: 'rejected', reason: 'HTTP 403' });
    expect([await send(), await send()]).toEqual(['rejected', 'rejected']);
    expect(transport.payloads).toHaveLength(6);
  });

  it('cuts what is in flight when it is closed', async () => {
    const transport = inMemoryTransport();
    transport.next(new Promise(() => {}));
    const attempt = transport.send(payload);
    expect(transport.inFlight).toBe(1);
    transport.close();
    expect(await attempt).toMatchObject({ kind: 'retryable' });
    expect(transport.inFlight).toBe(0);
    expect(await transport.send(payload)).toMatchObject({ kind: 'retryable' });
    expect(transport.payloads).toHaveLength(1);
  });
});
