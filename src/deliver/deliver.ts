/**
 * The last room: a bounded queue of encoded requests to one endpoint, several in flight, sent
 * again until they are answered or too old. Read it in this order:
 *
 *   push → pump → attempt → answered | failed → pump …
 *
 * Invariant at any moment, in records: pushed = sent + rejected + Σ dropped + queued.
 */

import { shown } from './outcome.ts';
import { backoffMs, DEFAULT_RETRY, type RetryPolicy } from './retry.ts';
import type { Outcome, Payload, Transport } from './transport.ts';

/** The part of a host that delivery needs. */
export interface Clock {
  /** Monotonic milliseconds. */
  now(): number;
  setTimer(callback: () => void, delayMs: number, keepAlive?: boolean): () => void;
  soon(callback: () => void): void;
}

export interface DeliverOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  /** Uniform in [0, 1); spreads retries. */
  readonly random: () => number;
  /** Bytes of request bodies held at most, those in flight included. Default 67 108 864. */
  readonly maxQueueBytes?: number;
  /** Requests in flight at most. Default 32. */
  readonly maxInFlight?: number;
  readonly retry?: Partial<RetryPolicy>;
  /** Called with every payload that is given up, once it has been counted. Must not throw. */
  readonly onDrop?: (payload: Payload, cause: DropCause) => void;
}

/** Why records were given up. */
export type DropCause =
  /** The queue had no room left for the payload. */
  | 'queue_full'
  /** An attempt failed when the payload had reached `retry.maxAgeMs`. */
  | 'retry_expired'
  /** Not answered within the deadline of `close`, or pushed after it. */
  | 'shutdown'
  /** The process ended. */
  | 'exit';

export interface DeliverStats {
  /** Records handed to `push`. */
  readonly pushed: number;
  /** Records waiting or in flight. */
  readonly queuedRecords: number;
  /** Bytes of the bodies of those, as they go on the wire. */
  readonly queuedBytes: number;
  /** Requests in flight. */
  readonly inFlight: number;
  /** Records the server accepted. */
  readonly sent: number;
  /** Records the server refused for good, those of a partial success included. */
  readonly rejected: number;
  /** Records given up, by cause. */
  readonly dropped: Readonly<Record<DropCause, number>>;
  /** Attempts made, retries included. */
  readonly requests: number;
  readonly retries: number;
  /** Bytes of accepted requests before compression, and as sent. */
  readonly sentRawBytes: number;
  readonly sentBytes: number;
  /** The endpoint's last answers were all worth a retry: one request at a time goes out. */
  readonly failing: boolean;
  /** What the last failed attempt and the last warning said; free of secrets, bounded. */
  readonly lastError: string | undefined;
  readonly lastWarning: string | undefined;
}

export interface Deliver {
  /**
   * Takes a payload. Never throws, never waits, never sends within the call: it may run inside
   * `span.end()`. A payload the queue has no room for is dropped and counted.
   */
  push(payload: Payload): void;
  /**
   * Resolves `true` when everything pushed before the call is answered or given up; `false`
   * after `withinMs`, or as soon as nothing can be attempted any more before that.
   */
  drained(withinMs: number): Promise<boolean>;
  /** As `drained`; what is left then is dropped (`shutdown`), and the connections are closed. */
  close(withinMs: number): Promise<boolean>;
  /** For the end of the process: drops everything now (`exit`). Returns what was lost. */
  abandon(): { payloads: number; records: number };
  stats(): DeliverStats;
}

interface Entry {
  readonly payload: Payload;
  readonly sequence: number;
  readonly pushedAt: number;
  /** Not to be sent before this moment. */
  dueAt: number;
  attempts: number;
  /** Attempts that said something about the endpoint. */
  failures: number;
  sending: boolean;
}

interface Waiter {
  readonly last: number;
  readonly deadlineAt: number;
  readonly resolve: (complete: boolean) => void;
  cancel: () => void;
}

/** Longest wait a timer can be set to, milliseconds. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export function createDeliver(options: DeliverOptions): Deliver {
  const { transport, clock, random, maxQueueBytes = 64 * 1024 * 1024, onDrop } = options;
  const maxInFlight = Math.max(1, options.maxInFlight ?? 32);
  const retry: RetryPolicy = { ...DEFAULT_RETRY, ...options.retry };

  /** Everything not settled yet, oldest first: a retried payload keeps its place. */
  const pending = new Set<Entry>();
  const waiters = new Set<Waiter>();
  const dropped: Record<DropCause, number> = {
    queue_full: 0,
    retry_expired: 0,
    shutdown: 0,
    exit: 0,
  };
  let pushed = 0;
  let queuedRecords = 0;
  let queuedBytes = 0;
  let inFlight = 0;
  let sent = 0;
  let rejected = 0;
  let requests = 0;
  let retries = 0;
  let sentRawBytes = 0;
  let sentBytes = 0;
  let lastError: string | undefined;
  let lastWarning: string | undefined;

  let sequence = 0;
  /** Failures in a row, as rounds: requests that fail together count once. */
  let failures = 0;
  /** While failing: when the next probe may go. */
  let probeAt = 0;
  /** The server asked for silence until then; a success in between does not lift it. */
  let throttledUntil = 0;
  let closedAs: 'shutdown' | 'exit' | undefined;
  let closing: Promise<boolean> | undefined;
  let pumpPlanned = false;
  let cancelWake: (() => void) | undefined;

  function push(payload: Payload): void {
    pushed += payload.records;
    if (closedAs !== undefined) {
      count(payload, closedAs);
    } else if (queuedBytes + payload.body.length > maxQueueBytes) {
      count(payload, 'queue_full');
    } else {
      const now = clock.now();
      pending.add({
        payload,
        sequence: ++sequence,
        pushedAt: now,
        dueAt: now,
        attempts: 0,
        failures: 0,
        sending: false,
      });
      queuedRecords += payload.records;
      queuedBytes += payload.body.length;
      if (!pumpPlanned) {
        pumpPlanned = true;
        clock.soon(pump);
      }
    }
  }

  /** Sends what may be sent now, and sleeps until more may. */
  function pump(): void {
    pumpPlanned = false;
    cancelWake?.();
    cancelWake = undefined;
    const now = clock.now();
    const opensAt = failures > 0 ? Math.max(throttledUntil, probeAt) : throttledUntil;
    let wakeAt = Number.POSITIVE_INFINITY;
    if (opensAt > now) {
      if (pending.size > 0) wakeAt = opensAt;
    } else {
      for (const entry of pending) {
        // a failing endpoint gets one probe at a time, until one is answered
        if (inFlight >= (failures > 0 ? 1 : maxInFlight)) break;
        if (entry.sending) continue;
        if (entry.dueAt <= now) void attempt(entry);
        else wakeAt = Math.min(wakeAt, entry.dueAt);
      }
    }
    if (waiters.size > 0) answerWaiters(inFlight === 0 ? wakeAt : now);
    if (wakeAt !== Number.POSITIVE_INFINITY) {
      // a retry keeps the process alive only while somebody waits for it
      cancelWake = clock.setTimer(pump, Math.min(wakeAt - now, MAX_TIMER_MS), waiters.size > 0);
    }
  }

  async function attempt(entry: Entry): Promise<void> {
    const round = failures;
    entry.sending = true;
    inFlight++;
    requests++;
    if (entry.attempts++ > 0) retries++;
    let outcome: Outcome;
    try {
      outcome = await transport.send(entry.payload);
    } catch (error) {
      // a transport must not throw; waiting a tick here keeps pump from calling itself
      outcome = await Promise.resolve({ kind: 'rejected' as const, reason: String(error) });
    }
    entry.sending = false;
    inFlight--;
    // given up meanwhile: it has been counted as dropped
    if (pending.has(entry)) {
      if (outcome.kind === 'retryable') failed(entry, outcome, round);
      else answered(entry, outcome);
    }
    pump();
  }

  function answered(entry: Entry, outcome: Exclude<Outcome, { kind: 'retryable' }>): void {
    const { records, rawBytes, body } = entry.payload;
    let refused = 0;
    if (outcome.kind === 'rejected') {
      refused = records;
      lastError = shown(outcome.reason, []);
    } else {
      sentRawBytes += rawBytes;
      sentBytes += body.length;
      if (outcome.kind === 'partial') {
        refused = Math.min(Math.max(0, Math.trunc(outcome.rejected)), records);
        lastError = shown(`partial success, ${refused} rejected: ${outcome.message}`, []);
      } else if (outcome.warning !== undefined) {
        lastWarning = shown(outcome.warning, []);
      }
    }
    // a refusal is an answer too: the endpoint is alive
    failures = 0;
    rejected += refused;
    sent += records - refused;
    remove(entry);
  }

  function failed(
    entry: Entry,
    outcome: Extract<Outcome, { kind: 'retryable' }>,
    round: number,
  ): void {
    lastError = shown(outcome.reason, []);
    // a second stale connection in a row waits like any failure
    if (outcome.atOnce === true && entry.attempts === entry.failures + 1) return;
    entry.failures++;
    const now = clock.now();
    const { delayMs = 0 } = outcome;
    const newRound = round === failures;
    if (newRound) failures++;
    const steps = Math.max(entry.failures, failures);
    entry.dueAt = now + backoffMs(retry, steps, delayMs, random());
    if (newRound) probeAt = entry.dueAt;
    if (delayMs > 0) throttledUntil = Math.max(throttledUntil, entry.dueAt);
    // what is too old by the time the server would listen again goes, this payload or another
    for (const old of pending) {
      if (old.pushedAt + retry.maxAgeMs > now + delayMs) break;
      if (!old.sending) drop(old, 'retry_expired');
    }
  }

  function drop(entry: Entry, cause: DropCause): void {
    remove(entry);
    count(entry.payload, cause);
  }

  function count(payload: Payload, cause: DropCause): void {
    dropped[cause] += payload.records;
    onDrop?.(payload, cause);
  }

  function remove(entry: Entry): void {
    pending.delete(entry);
    queuedRecords -= entry.payload.records;
    queuedBytes -= entry.payload.body.length;
  }

  /** `nextAt`: nothing happens before that moment. */
  function answerWaiters(nextAt: number): void {
    const oldest = pending.values().next().value;
    for (const waiter of waiters) {
      if (oldest === undefined || oldest.sequence > waiter.last) release(waiter, true);
      else if (nextAt > waiter.deadlineAt) release(waiter, false);
    }
  }

  function release(waiter: Waiter, complete: boolean): void {
    waiter.cancel();
    waiters.delete(waiter);
    waiter.resolve(complete);
  }

  function drained(withinMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const deadlineAt = clock.now() + withinMs;
      const waiter: Waiter = { last: sequence, deadlineAt, resolve, cancel: () => {} };
      waiters.add(waiter);
      const delayMs = Math.min(withinMs, MAX_TIMER_MS);
      const expire = () => {
        release(waiter, false);
        pump();
      };
      waiter.cancel = clock.setTimer(expire, delayMs, true);
      pump();
    });
  }

  function close(withinMs: number): Promise<boolean> {
    closedAs ??= 'shutdown';
    closing ??= drained(withinMs).then((complete) => {
      end('shutdown');
      return complete;
    });
    return closing;
  }

  function abandon(): { payloads: number; records: number } {
    closedAs = 'exit';
    const lost = { payloads: pending.size, records: queuedRecords };
    end('exit');
    return lost;
  }

  function end(cause: DropCause): void {
    for (const entry of pending) drop(entry, cause);
    transport.close();
    pump();
  }

  function stats(): DeliverStats {
    return {
      pushed,
      queuedRecords,
      queuedBytes,
      inFlight,
      sent,
      rejected,
      dropped: { ...dropped },
      requests,
      retries,
      sentRawBytes,
      sentBytes,
      failing: failures > 0,
      lastError,
      lastWarning,
    };
  }

  return { push, drained, close, abandon, stats };
}
