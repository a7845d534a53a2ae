import { describe, expect, it } from 'vitest';
import type { Outcome, Payload } from '../../src/deliver/transport.ts';
import { fanOutTransport } from '../../src/exporters/fan-out.ts';
import { inMemoryTransport } from '../../src/testing/in-memory-transport.ts';

const payload = (): Payload => ({
  signal: 'traces',
  body: new Uint8Array(),
  encoding: 'identity',
  contentType: 'application/x-protobuf',
  records: 10,
  rawBytes: 0,
});

function fan() {
  const a = inMemoryTransport();
  const b = inMemoryTransport();
  const both = fanOutTransport([
    { name: 'a', transport: a },
    { name: 'b', transport: b },
  ]);
  return { a, b, both };
}

const DELIVERED: Outcome = { kind: 'delivered' };

describe('a payload for several transports', () => {
  it('goes to each, uncompressed', async () => {
    const { a, b, both } = fan();
    const sent = payload();
    expect(await both.send(sent)).toEqual(DELIVERED);
    expect([a.payloads, b.payloads]).toEqual([[sent], [sent]]);
    expect(both).toMatchObject({ name: 'a,b', compression: 'none' });
  });

  it('is sent again only to those that want it again', async () => {
    const { a, b, both } = fan();
    const sent = payload();
    b.next({ kind: 'retryable', reason: 'away', delayMs: 50 });
    expect(await both.send(sent)).toEqual({ kind: 'retryable', reason: 'b: away', delayMs: 50 });
    b.next({ kind: 'retryable', reason: 'stale', atOnce: true });
    expect(await both.send(sent)).toEqual({ kind: 'retryable', reason: 'b: stale', atOnce: true });
    expect(await both.send(sent)).toEqual(DELIVERED);
    expect([a.payloads.length, b.payloads.length]).toEqual([1, 3]);
    // Another payload starts anew.
    expect(await both.send(payload())).toEqual(DELIVERED);
    expect([a.payloads.length, b.payloads.length]).toEqual([2, 4]);
  });

  it('waits as long as the one that wants most, and not at once unless all do', async () => {
    const { a, b, both } = fan();
    a.next({ kind: 'retryable', reason: 'x', delayMs: 10, atOnce: true });
    b.next({ kind: 'retryable', reason: 'y', delayMs: 700 });
    expect(await both.send(payload())).toEqual({
      kind: 'retryable',
      reason: 'a: x; b: y',
      delayMs: 700,
    });
  });

  it.each<readonly [string, Outcome, Outcome, Outcome]>([
    [
      'rejected when one has rejected it',
      { kind: 'partial', rejected: 3, message: 'some' },
      { kind: 'rejected', reason: 'no' },
      { kind: 'rejected', reason: 'b: no' },
    ],
    [
      'partial by the worst of them',
      { kind: 'partial', rejected: 3, message: 'three' },
      { kind: 'partial', rejected: 5, message: 'five' },
      { kind: 'partial', rejected: 5, message: 'a: three; b: five' },
    ],
    [
      'delivered with the warnings',
      DELIVERED,
      { kind: 'delivered', warning: 'slow' },
      { kind: 'delivered', warning: 'b: slow' },
    ],
  ])('counts as %s', async (_, first, second, expected) => {
    const { a, b, both } = fan();
    a.next(first);
    b.next(second);
    expect(await both.send(payload())).toEqual(expected);
  });

  it('keeps what the first attempt was answered, however later ones end', async () => {
    const { a, b, both } = fan();
    const sent = payload();
    a.next({ kind: 'rejected', reason: 'no' });
    b.next({ kind: 'retryable', reason: 'away' });
    expect(await both.send(sent)).toMatchObject({ kind: 'retryable' });
    expect(await both.send(sent)).toEqual({ kind: 'rejected', reason: 'a: no' });
  });

  it('is closed with all of them', () => {
    const { a, b, both } = fan();
    both.close();
    expect([a.closed, b.closed]).toEqual([true, true]);
  });
});
