import { describe, expect, it } from 'vitest';
import { lateTransport } from '../../src/deliver/late-transport.ts';
import type { Connections, Outcome, Payload, Transport } from '../../src/deliver/transport.ts';
import { DELIVERED, payload } from './scripted.ts';

const CONNECTIONS: Connections = { state: 'ready', open: 1, busy: 0 };

/** A transport that can be waited for, and what happened to it. */
function rig() {
  const sent: Payload[] = [];
  let loads = 0;
  let closed = 0;
  let done: { resolve(transport: Transport): void; reject(error: unknown): void } | undefined;
  const transport: Transport = {
    send: async (one) => {
      sent.push(one);
      return DELIVERED;
    },
    connections: () => CONNECTIONS,
    close: () => closed++,
  };
  const late = lateTransport(
    () => {
      loads++;
      return new Promise((resolve, reject) => {
        done = { resolve, reject };
      });
    },
    (error): Outcome => ({ kind: 'rejected', reason: `not there: ${(error as Error).message}` }),
  );
  return {
    late,
    sent,
    loads: () => loads,
    closed: () => closed,
    arrives: () => done!.resolve(transport),
    fails: (text: string) => done!.reject(new Error(text)),
  };
}

describe('a transport that is loaded', () => {
  it('is asked for with the first payload, once for all that wait, and no more afterwards', async () => {
    const { late, sent, loads, arrives } = rig();
    expect([loads(), late.connections!()]).toEqual([0, undefined]);
    const payloads = [payload(1), payload(2), payload(3)];
    const answers = payloads.slice(0, 2).map((one) => late.send(one));
    expect([loads(), sent.length]).toEqual([1, 0]);
    arrives();
    expect(await Promise.all(answers)).toEqual([DELIVERED, DELIVERED]);
    expect(await late.send(payloads[2]!)).toEqual(DELIVERED);
    expect([loads(), sent]).toEqual([1, payloads]);
    expect(late.connections!()).toBe(CONNECTIONS);
  });

  it('answers as it is told when it cannot be had, and is asked for again', async () => {
    const { late, sent, loads, arrives, fails } = rig();
    const answers = [late.send(payload()), late.send(payload())];
    fails('no file');
    const refused = { kind: 'rejected', reason: 'not there: no file' };
    expect(await Promise.all(answers)).toEqual([refused, refused]);
    const again = late.send(payload());
    expect(loads()).toBe(2);
    arrives();
    expect(await again).toEqual(DELIVERED);
    expect(sent).toHaveLength(1);
  });

  it('is closed when that comes first, and sends nothing then', async () => {
    const { late, sent, closed, arrives } = rig();
    const answer = late.send(payload());
    late.close();
    expect(closed()).toBe(0);
    arrives();
    expect(await answer).toMatchObject({ kind: 'retryable' });
    expect([closed(), sent.length]).toEqual([1, 0]);
    expect(await late.send(payload())).toMatchObject({ kind: 'retryable' });
    expect(sent).toEqual([]);
  });

  it('is closed with it, and not loaded to be closed', async () => {
    const { late, loads, closed } = rig();
    late.close();
    expect([loads(), closed()]).toEqual([0, 0]);
    const other = rig();
    const answer = other.late.send(payload());
    other.arrives();
    await answer;
    other.late.close();
    expect(other.closed()).toBe(1);
  });
});
