/**
 * The bounded queue of encoded requests, a lane for each signal. What waits keeps its place: a
 * payload that is sent again is still older than those behind it.
 */

import { type Encoding, type Payload, SIGNALS, type Signal } from './transport.ts';

/** Which payloads go first when the queue is full. */
export type DropPolicy = 'oldest' | 'newest';

export interface QueueOptions {
  /** Bytes of request bodies held at most. */
  readonly maxBytes: number;
  readonly dropPolicy: DropPolicy;
  /** Signals, the most important first; those left out come after them, all alike. */
  readonly priority: readonly Signal[];
}

/** A payload on its way, and what was divided from it. */
export interface Entry {
  payload: Payload;
  /** Sent one after the other once `payload` is settled: a refused payload's other parts. */
  rest: readonly Payload[];
  readonly lane: number;
  readonly sequence: number;
  readonly pushedAt: number;
  /** Not to be sent before this moment. */
  dueAt: number;
  attempts: number;
  /** Attempts that said something about the endpoint. */
  failures: number;
  /** An attempt is under way, or its body is being made anew. */
  sending: boolean;
  /** Encodings of its body, those before the present one, that were refused. */
  refused: readonly Encoding[];
  /** Raw bytes of what was last refused of it as too large. */
  refusedBytes: number | undefined;
}

export interface Queue {
  /** The entries, those of the most important lane first, oldest first in each. */
  readonly lanes: readonly ReadonlySet<Entry>[];
  /** Sequence of the entry added last. */
  readonly sequence: number;
  readonly records: number;
  readonly bytes: number;
  readonly size: number;
  /** @returns what had to go for it; the payload itself when it finds no room. */
  add(payload: Payload, now: number): readonly (Entry | Payload)[];
  has(entry: Entry): boolean;
  remove(entry: Entry): void;
  /** The payload that is being sent is settled. Returns whether there are parts left to send. */
  next(entry: Entry, now: number): boolean;
  /** These stand for the payload from now on. */
  replace(entry: Entry, payloads: readonly Payload[], now: number): void;
  /** Of the oldest entry; Infinity when there is none. */
  oldest(): number;
}

const NONE: readonly Payload[] = [];
const NO_ENCODINGS: readonly Encoding[] = [];

export function createQueue({ maxBytes, dropPolicy, priority }: QueueOptions): Queue {
  const lanes = SIGNALS.map(() => new Set<Entry>());
  const ranked = [...new Set(priority)];
  const laneOf = (signal: Signal) => {
    const at = ranked.indexOf(signal);
    return at < 0 ? ranked.length : at;
  };
  const rank = new Map(SIGNALS.map((signal) => [signal, laneOf(signal)]));
  let sequence = 0;
  let records = 0;
  let bytes = 0;

  function add(payload: Payload, now: number): readonly (Entry | Payload)[] {
    const lane = rank.get(payload.signal) ?? lanes.length - 1;
    const victims = roomFor(payload.body.length, lane);
    if (victims === undefined) return [payload];
    for (const victim of victims) remove(victim);
    lanes[lane]!.add({
      payload,
      rest: NONE,
      lane,
      sequence: ++sequence,
      pushedAt: now,
      dueAt: now,
      attempts: 0,
      failures: 0,
      sending: false,
      refused: NO_ENCODINGS,
      refusedBytes: undefined,
    });
    count(payload, 1);
    return victims;
  }

  /** What must go so that there is room: less important signals first; undefined: not to be had. */
  function roomFor(size: number, lane: number): readonly Entry[] | undefined {
    let missing = bytes + size - maxBytes;
    if (missing <= 0) return [];
    const victims: Entry[] = [];
    for (let at = lanes.length - 1; at >= lane; at--) {
      if (at === lane && dropPolicy === 'newest') break;
      const entries = [...lanes[at]!];
      if (dropPolicy === 'newest') entries.reverse();
      for (const entry of entries) {
        if (entry.sending) continue;
        victims.push(entry);
        for (const { body } of [entry.payload, ...entry.rest]) missing -= body.length;
        if (missing <= 0) return victims;
      }
    }
    return undefined;
  }

  function count(payload: Payload, sign: 1 | -1): void {
    records += sign * payload.records;
    bytes += sign * payload.body.length;
  }

  function remove(entry: Entry): void {
    if (!lanes[entry.lane]!.delete(entry)) return;
    count(entry.payload, -1);
    for (const payload of entry.rest) count(payload, -1);
  }

  function next(entry: Entry, now: number): boolean {
    const [payload, ...rest] = entry.rest;
    if (payload === undefined) {
      remove(entry);
      return false;
    }
    count(entry.payload, -1);
    begin(entry, payload, rest, now);
    return true;
  }

  function replace(entry: Entry, payloads: readonly Payload[], now: number): void {
    const [payload, ...rest] = payloads;
    count(entry.payload, -1);
    for (const part of payloads) count(part, 1);
    begin(entry, payload!, [...rest, ...entry.rest], now);
  }

  function begin(entry: Entry, payload: Payload, rest: readonly Payload[], now: number): void {
    entry.payload = payload;
    entry.rest = rest;
    entry.dueAt = now;
    entry.attempts = 0;
    entry.failures = 0;
  }

  function oldest(): number {
    let first = Number.POSITIVE_INFINITY;
    for (const lane of lanes) {
      for (const entry of lane) {
        first = Math.min(first, entry.sequence);
        break;
      }
    }
    return first;
  }

  return {
    lanes,
    get sequence() {
      return sequence;
    },
    get records() {
      return records;
    },
    get bytes() {
      return bytes;
    },
    get size() {
      return lanes.reduce((sum, lane) => sum + lane.size, 0);
    },
    add,
    has: (entry) => lanes[entry.lane]!.has(entry),
    remove,
    next,
    replace,
    oldest,
  };
}
