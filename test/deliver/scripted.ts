/** A delivery whose answers are scripted, on a clock that stands still until told. */

import { createDeliver, type Deliver, type DeliverOptions } from '../../src/deliver/deliver.ts';
import type { Outcome, Payload, Transport } from '../../src/deliver/transport.ts';
import { FakeClock } from './fake-clock.ts';

export const DELIVERED: Outcome = { kind: 'delivered' };
export const UNAVAILABLE: Outcome = { kind: 'retryable', reason: 'HTTP 503' };
export const REFUSED: Outcome = { kind: 'retryable', reason: 'ECONNREFUSED' };

export function payload(records = 10, bytes = 100, more: Partial<Payload> = {}): Payload {
  return {
    signal: 'traces',
    body: new Uint8Array(bytes),
    encoding: 'gzip',
    contentType: 'application/x-protobuf',
    records,
    rawBytes: bytes * 5,
    ...more,
  };
}

export interface Request {
  readonly payload: Payload;
  readonly at: number;
  answer(outcome: Outcome): void;
}

/** A transport that answers when told, or by rule. */
export class ScriptedTransport implements Transport {
  readonly requests: Request[] = [];
  readonly open = new Set<Request>();
  closed = 0;
  rule: ((payload: Payload) => Outcome) | undefined;
  readonly #clock: FakeClock;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  send(sent: Payload): Promise<Outcome> {
    return new Promise((resolve) => {
      const answer = (outcome: Outcome) => {
        this.open.delete(request);
        resolve(outcome);
      };
      const request: Request = { payload: sent, at: this.#clock.now(), answer };
      this.requests.push(request);
      this.open.add(request);
      if (this.rule !== undefined) answer(this.rule(sent));
    });
  }

  close(): void {
    this.closed++;
    for (const { answer } of this.open) answer({ kind: 'retryable', reason: 'closed' });
  }

  answerAll(outcome: Outcome): void {
    for (const { answer } of this.open) answer(outcome);
  }
}

export function setUp(options: Partial<DeliverOptions> = {}) {
  const clock = new FakeClock();
  const transport = new ScriptedTransport(clock);
  // the bound itself: waits are 1, 2, 4, 8, 16, 30, 30 … seconds
  const random = () => 1;
  const retry = { maxMs: 30_000, ...options.retry };
  const deliver = createDeliver({ transport, clock, random, ...options, retry });
  return { clock, transport, deliver };
}

/** Records that are neither sent nor rejected nor dropped nor queued: always 0. */
export function unaccounted(deliver: Deliver): number {
  const { pushed, sent, rejected, dropped, queuedRecords } = deliver.stats();
  return pushed - sent - rejected - queuedRecords - Object.values(dropped).reduce((a, b) => a + b);
}
