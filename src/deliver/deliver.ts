/**
 * The last room: a bounded queue of encoded requests to one endpoint, several in flight, sent
 * again until they are answered or too old. Read it in this order:
 *
 *   push → pump → attempt → answered | failed → pump …
 *
 * Invariant at any moment, in records: pushed = sent + rejected + Σ dropped + queued.
 */

import { type AttemptEnd, adaptiveLimit } from './concurrency.ts';
import { shown } from './outcome.ts';
import { createQueue, type DropPolicy, type Entry } from './queue.ts';
import { backoffMs, DEFAULT_RETRY, type RetryPolicy } from './retry.ts';
import { retryBudget } from './retry-budget.ts';
import type {
  Connections,
  Encoding,
  Form,
  Outcome,
  Payload,
  Signal,
  Transport,
} from './transport.ts';

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
  /** What goes when the queue is full: what comes (`newest`) or what has waited longest. Default `newest`. */
  readonly dropPolicy?: DropPolicy;
  /** Signals, the most important first: sent first, dropped last. Default all alike. */
  readonly priority?: readonly Signal[];
  /** Requests in flight at most. Default 32. */
  readonly maxInFlight?: number;
  /** Whether fewer are in flight while the endpoint is slow or fails. Default `fixed`. */
  readonly concurrency?: 'fixed' | 'adaptive';
  readonly retry?: Partial<RetryPolicy>;
  /**
   * Makes other payloads of one that is refused as it is; undefined when that cannot be done. Must
   * not reject. Default: what is refused is rejected.
   */
  readonly remake?: Remake;
  /**
   * Called when it turns out that the endpoint does not take an encoding, once for each.
   *
   * @param instead what is sent in place of it from now on.
   * @param warning the same, for whoever runs the program.
   */
  readonly onRefused?: (encoding: Encoding, instead: Encoding, warning: string) => void;
  readonly observer?: DeliverObserver;
}

/** Is told what becomes of each payload, once it has been counted. Must not throw. */
export interface DeliverObserver {
  /** An attempt begins. */
  attempted(payload: Payload): void;
  /** It has failed in a way that says something of the endpoint, and there will be another. */
  failed(payload: Payload, outcome: Retryable): void;
  answered(payload: Payload, outcome: Answer): void;
  dropped(payload: Payload, cause: DropCause): void;
  /** These are sent in its place. */
  replaced(payload: Payload, by: readonly Payload[]): void;
}

type Retryable = Extract<Outcome, { kind: 'retryable' }>;
type Answer = Exclude<Outcome, Retryable>;

export type Remake = (payload: Payload, form: Form) => Promise<readonly Payload[] | undefined>;

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

/** What became of the records of one signal, or of all of them. */
export interface SignalStats {
  /** Records handed to `push`. */
  readonly pushed: number;
  /** Records waiting or in flight. */
  readonly queuedRecords: number;
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
}

export interface DeliverStats extends SignalStats {
  /** Bytes of the bodies of what is queued, as they go on the wire. */
  readonly queuedBytes: number;
  /** Requests in flight, and how many may be at this moment. */
  readonly inFlight: number;
  readonly limit: number;
  readonly connections: Connections | undefined;
  /** The endpoint's last answers were all worth a retry: one request at a time goes out. */
  readonly failing: boolean;
  /** Encodings that the endpoint does not take. */
  readonly refusedEncodings: readonly Encoding[];
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
   * Resolves `true` at once while no more than three quarters of the queue's bytes are taken,
   * otherwise as soon as no more than half are; `false` after `withinMs`.
   */
  ready(withinMs: number): Promise<boolean>;
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
  /** What of that is of one signal. */
  statsOf(signal: Signal): SignalStats;
}

interface Waiter {
  readonly last: number;
  readonly deadlineAt: number;
  readonly resolve: (complete: boolean) => void;
  cancel: () => void;
}

/** How long a size is held to be too large, milliseconds: limits change, and some are mistakes. */
const TOO_LARGE_MS = 300_000;

/** Longest wait a timer can be set to, milliseconds. */
const MAX_TIMER_MS = 2 ** 31 - 1;

interface Counts {
  pushed: number;
  sent: number;
  rejected: number;
  readonly dropped: Record<DropCause, number>;
  requests: number;
  retries: number;
  sentRawBytes: number;
  sentBytes: number;
}

const DROP_CAUSES: readonly DropCause[] = ['queue_full', 'retry_expired', 'shutdown', 'exit'];

function noCounts(): Counts {
  const dropped = { queue_full: 0, retry_expired: 0, shutdown: 0, exit: 0 };
  const none = { pushed: 0, sent: 0, rejected: 0, requests: 0, retries: 0 };
  return { ...none, dropped, sentRawBytes: 0, sentBytes: 0 };
}

function shownCounts(counts: Counts): SignalStats {
  const { pushed, sent, rejected, dropped } = counts;
  const gone = DROP_CAUSES.reduce((sum, cause) => sum + dropped[cause], sent + rejected);
  return { ...counts, dropped: { ...dropped }, queuedRecords: pushed - gone };
}

/** What the end of an attempt says about the load of the endpoint. */
function endOf(outcome: Outcome): AttemptEnd {
  if (outcome.kind === 'retryable') return outcome.atOnce === true ? 'ignored' : 'failed';
  return outcome.kind === 'rejected' ? 'ignored' : 'answered';
}

export function createDeliver(options: DeliverOptions): Deliver {
  const { transport, clock, random, maxQueueBytes = 64 * 1024 * 1024 } = options;
  const { remake, observer } = options;
  const { dropPolicy = 'newest', priority = [] } = options;
  const maxInFlight = Math.max(1, options.maxInFlight ?? 32);
  const retry: RetryPolicy = { ...DEFAULT_RETRY, ...options.retry };
  const limit =
    options.concurrency === 'adaptive' ? adaptiveLimit({ max: maxInFlight }) : undefined;
  const budget = retryBudget(
    { ratio: retry.budgetRatio, perSecond: retry.budgetPerSecond },
    clock.now(),
  );

  /** Everything not settled yet. */
  const queue = createQueue({ maxBytes: maxQueueBytes, dropPolicy, priority });
  const waiters = new Set<Waiter>();
  /** Those who wait for room in the queue. */
  const producers = new Set<Waiter>();
  const counts = new Map<Signal, Counts>();
  let inFlight = 0;
  /** First attempts that the budget of retries does not know of. */
  let fresh = 0;
  let lastError: string | undefined;
  let lastWarning: string | undefined;

  /** Encodings that the endpoint has accepted. */
  const accepted = new Set<Encoding>();
  /** Encodings that it has refused where it took the same request in another one. */
  const refusedEncodings = new Set<Encoding>();
  /** Raw bytes of the smallest request that it found too large and took in parts, and until when. */
  let tooLargeBytes = Number.POSITIVE_INFINITY;
  let tooLargeUntil = 0;
  /** Failures in a row, as rounds: requests that fail together count once. */
  let failures = 0;
  /** While failing: when the next probe may go. */
  let probeAt = 0;
  /** How long a silence it asked for last, since it answered. */
  let askedMs = 0;
  /** The server asked for silence until then; a success in between does not lift it. */
  let throttledUntil = 0;
  let closedAs: 'shutdown' | 'exit' | undefined;
  let closing: Promise<boolean> | undefined;
  let pumpPlanned = false;
  let cancelWake: (() => void) | undefined;

  function push(payload: Payload): void {
    countsOf(payload.signal).pushed += payload.records;
    if (closedAs !== undefined) {
      count(payload, closedAs);
      return;
    }
    for (const lost of queue.add(payload, clock.now())) {
      if ('payload' in lost) countAll(lost, 'queue_full');
      else count(lost, 'queue_full');
    }
    if (!pumpPlanned && queue.size > 0) {
      pumpPlanned = true;
      clock.soon(pump);
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
      if (queue.size > 0) wakeAt = opensAt;
    } else if (failures > 0) {
      wakeAt = probe(now);
    } else {
      for (const lane of queue.lanes) wakeAt = Math.min(wakeAt, sendFrom(lane, now));
    }
    if (waiters.size > 0) answerWaiters(inFlight === 0 ? wakeAt : now);
    if (producers.size > 0 && queue.bytes <= maxQueueBytes / 2) {
      for (const producer of producers) release(producers, producer, true);
    }
    if (wakeAt !== Number.POSITIVE_INFINITY) {
      // a retry keeps the process alive only while somebody waits for it
      const awaited = waiters.size > 0 || producers.size > 0;
      cancelWake = clock.setTimer(pump, Math.min(wakeAt - now, MAX_TIMER_MS), awaited);
    }
  }

  /**
   * A failing endpoint gets one request at a time, until one is answered: what has failed least often,
   * since it may be this very request that it fails on. Returns when one will be due.
   */
  function probe(now: number): number {
    let wakeAt = Number.POSITIVE_INFINITY;
    if (inFlight > 0) return wakeAt;
    let best: Entry | undefined;
    for (const lane of queue.lanes) {
      for (const entry of lane) {
        if (entry.dueAt > now) wakeAt = Math.min(wakeAt, entry.dueAt);
        else if (best === undefined || entry.failures < best.failures) best = entry;
      }
    }
    if (best === undefined) return wakeAt;
    void attempt(best);
    return Number.POSITIVE_INFINITY;
  }

  /** Sends what is due; returns when more will be. */
  function sendFrom(lane: ReadonlySet<Entry>, now: number): number {
    let wakeAt = Number.POSITIVE_INFINITY;
    const most = limit?.current ?? maxInFlight;
    /** Retries wait for the budget. */
    let spent = false;
    for (const entry of lane) {
      if (inFlight >= most) break;
      if (entry.sending) continue;
      if (entry.dueAt > now) {
        wakeAt = Math.min(wakeAt, entry.dueAt);
        continue;
      }
      if (entry.failures > 0) {
        budget.deposit(fresh);
        fresh = 0;
        spent ||= !budget.take(now);
        if (spent) continue;
      }
      void attempt(entry);
    }
    return spent ? Math.min(wakeAt, budget.availableAt(now)) : wakeAt;
  }

  async function attempt(entry: Entry): Promise<void> {
    const round = failures;
    entry.sending = true;
    inFlight++;
    // what is known to be refused is not tried
    let known = knownForm(entry.payload);
    while (known !== undefined && (await replaced(entry, known))) known = knownForm(entry.payload);
    if (!queue.has(entry)) {
      entry.sending = false;
      inFlight--;
      return pump();
    }
    const { payload } = entry;
    const startedAt = clock.now();
    const limitRound = limit?.started() ?? 0;
    let outcome: Outcome;
    const counted = countsOf(payload.signal);
    counted.requests++;
    if (entry.attempts++ > 0) counted.retries++;
    else fresh++;
    observer?.attempted(payload);
    try {
      outcome = await transport.send(payload);
    } catch (error) {
      // a transport must not throw; waiting a tick here keeps pump from calling itself
      outcome = await Promise.resolve({ kind: 'rejected' as const, reason: String(error) });
    }
    limit?.ended(limitRound, clock.now() - startedAt, endOf(outcome));
    const form = formFor(payload, outcome);
    if (form === 'split') entry.refusedBytes = payload.rawBytes;
    const again = form !== undefined && (await replaced(entry, form));
    entry.sending = false;
    inFlight--;
    // given up meanwhile: it has been counted as dropped
    if (queue.has(entry)) {
      if (again) {
        failures = 0;
        lastWarning = shown((outcome as { reason: string }).reason, []);
      } else if (outcome.kind === 'retryable') {
        failed(entry, outcome, round);
      } else {
        if (entry.failures > 0) budget.refund();
        answered(entry, outcome);
      }
    }
    pump();
  }

  function knownForm({ encoding, records, rawBytes }: Payload): Form | undefined {
    if (refusedEncodings.has(encoding)) return insteadOf(encoding);
    if (rawBytes < tooLargeBytes || records === 1) return undefined;
    return clock.now() < tooLargeUntil ? 'split' : undefined;
  }

  /** A part was accepted of what was refused whole: it was the size. */
  function learnSize(refusedBytes: number | undefined, acceptedBytes: number): void {
    const now = clock.now();
    const isOld = now >= tooLargeUntil || acceptedBytes >= tooLargeBytes;
    if (isOld) tooLargeBytes = Number.POSITIVE_INFINITY;
    if (refusedBytes === undefined || refusedBytes >= tooLargeBytes) return;
    tooLargeBytes = refusedBytes;
    tooLargeUntil = now + TOO_LARGE_MS;
  }

  /** Every OTLP server takes gzip, but some say so only; what is not compressed, all take. */
  function insteadOf(encoding: Encoding): 'gzip' | 'identity' {
    return encoding === 'gzip' || refusedEncodings.has('gzip') ? 'identity' : 'gzip';
  }

  /** What can be tried with a payload that is refused as it is. */
  function formFor({ encoding, records }: Payload, outcome: Outcome): Form | undefined {
    if (outcome.kind !== 'rejected') return undefined;
    const { remedy, status } = outcome;
    if (remedy === 'split') return records > 1 ? remedy : undefined;
    // a 400 to an encoding that has been accepted before means the request itself
    const known = status === 400 && accepted.has(encoding);
    const final = remedy === undefined || encoding === 'identity' || known;
    return final ? undefined : insteadOf(encoding);
  }

  async function replaced(entry: Entry, form: Form): Promise<boolean> {
    const { payload } = entry;
    const payloads = await remake?.(payload, form);
    if (payloads === undefined || !queue.has(entry)) return false;
    observer?.replaced(payload, payloads);
    queue.replace(entry, payloads, clock.now());
    if (form !== 'split') entry.refused = [...entry.refused, payload.encoding];
    return true;
  }

  function answered(entry: Entry, outcome: Answer): void {
    const { payload } = entry;
    const { records, rawBytes, body, encoding } = payload;
    const counted = countsOf(payload.signal);
    let refused = 0;
    if (outcome.kind === 'rejected') {
      refused = records;
      lastError = shown(outcome.reason, []);
    } else {
      accepted.add(encoding);
      learnSize(entry.refusedBytes, rawBytes);
      counted.sentRawBytes += rawBytes;
      counted.sentBytes += body.length;
      if (outcome.kind === 'partial') {
        refused = Math.min(Math.max(0, Math.trunc(outcome.rejected)), records);
        lastError = shown(`partial success, ${refused} rejected: ${outcome.message}`, []);
      } else if (outcome.warning !== undefined) {
        lastWarning = shown(outcome.warning, []);
      }
    }
    // a refusal is an answer too: the endpoint is alive
    failures = 0;
    askedMs = 0;
    counted.rejected += refused;
    counted.sent += records - refused;
    // other parts of it may be accepted as they were
    const recoded = !entry.refused.includes(encoding);
    if (recoded && outcome.kind !== 'rejected') for (const one of entry.refused) learnRefused(one);
    queue.next(entry, clock.now());
    observer?.answered(payload, outcome);
  }

  /** A request was accepted in another encoding: it was this one. */
  function learnRefused(encoding: Encoding): void {
    if (refusedEncodings.has(encoding)) return;
    refusedEncodings.add(encoding);
    const instead = insteadOf(encoding);
    const then = instead === 'gzip' ? 'gzip is sent instead' : 'bodies are sent as they are';
    lastWarning = `the endpoint takes no ${encoding}: ${then}`;
    options.onRefused?.(encoding, instead, lastWarning);
  }

  function failed(entry: Entry, outcome: Retryable, round: number): void {
    lastError = shown(outcome.reason, []);
    // a second stale connection in a row waits like any failure
    if (outcome.atOnce === true && entry.attempts === entry.failures + 1) return;
    entry.failures++;
    const now = clock.now();
    const { delayMs = 0 } = outcome;
    // google.rpc.RetryInfo: what fails again after a delay backs off based on that
    const initialMs = Math.max(retry.initialMs, delayMs > 0 ? 0 : askedMs);
    const policy = { ...retry, initialMs, maxMs: Math.max(retry.maxMs, initialMs) };
    const wait = (steps: number) => now + backoffMs(policy, steps, delayMs, random());
    if (delayMs > 0) askedMs = delayMs;
    entry.dueAt = wait(entry.failures);
    if (round === failures) probeAt = wait(++failures);
    if (delayMs > 0) throttledUntil = Math.max(throttledUntil, entry.dueAt);
    // what is too old by the time the server would listen again goes, this payload or another
    for (const lane of queue.lanes) {
      for (const old of lane) {
        if (old.pushedAt + retry.maxAgeMs > now + delayMs) break;
        if (!old.sending) drop(old, 'retry_expired');
      }
    }
    if (queue.has(entry)) observer?.failed(entry.payload, outcome);
  }

  function drop(entry: Entry, cause: DropCause): void {
    queue.remove(entry);
    countAll(entry, cause);
  }

  function countAll({ payload, rest }: Entry, cause: DropCause): void {
    count(payload, cause);
    for (const part of rest) count(part, cause);
  }

  function count(payload: Payload, cause: DropCause): void {
    countsOf(payload.signal).dropped[cause] += payload.records;
    observer?.dropped(payload, cause);
  }

  /** `nextAt`: nothing happens before that moment. */
  function answerWaiters(nextAt: number): void {
    const oldest = queue.oldest();
    for (const waiter of waiters) {
      if (oldest > waiter.last) release(waiters, waiter, true);
      else if (nextAt > waiter.deadlineAt) release(waiters, waiter, false);
    }
  }

  function release(among: Set<Waiter>, waiter: Waiter, complete: boolean): void {
    waiter.cancel();
    among.delete(waiter);
    waiter.resolve(complete);
  }

  /** Adds somebody who waits `withinMs` at most. */
  function waitAmong(among: Set<Waiter>, withinMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const deadlineAt = clock.now() + withinMs;
      const waiter: Waiter = { last: queue.sequence, deadlineAt, resolve, cancel: () => {} };
      among.add(waiter);
      const expire = () => {
        release(among, waiter, false);
        pump();
      };
      waiter.cancel = clock.setTimer(expire, Math.min(withinMs, MAX_TIMER_MS), true);
      pump();
    });
  }

  const drained = (withinMs: number) => waitAmong(waiters, withinMs);

  async function ready(withinMs: number): Promise<boolean> {
    return queue.bytes <= (maxQueueBytes * 3) / 4 || waitAmong(producers, withinMs);
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
    const lost = { payloads: queue.size, records: queue.records };
    end('exit');
    return lost;
  }

  function end(cause: DropCause): void {
    for (const lane of queue.lanes) for (const entry of lane) drop(entry, cause);
    transport.close();
    pump();
  }

  function countsOf(signal: Signal): Counts {
    let found = counts.get(signal);
    if (found === undefined) counts.set(signal, (found = noCounts()));
    return found;
  }

  function statsOf(signal: Signal): SignalStats {
    return shownCounts(counts.get(signal) ?? noCounts());
  }

  function stats(): DeliverStats {
    const all = noCounts();
    for (const counted of counts.values()) {
      all.pushed += counted.pushed;
      all.sent += counted.sent;
      all.rejected += counted.rejected;
      for (const cause of DROP_CAUSES) all.dropped[cause] += counted.dropped[cause];
      all.requests += counted.requests;
      all.retries += counted.retries;
      all.sentRawBytes += counted.sentRawBytes;
      all.sentBytes += counted.sentBytes;
    }
    return {
      ...shownCounts(all),
      queuedBytes: queue.bytes,
      inFlight,
      limit: limit?.current ?? maxInFlight,
      connections: transport.connections?.(),
      failing: failures > 0,
      refusedEncodings: [...refusedEncodings],
      lastError,
      lastWarning,
    };
  }

  return { push, ready, drained, close, abandon, stats, statsOf };
}
