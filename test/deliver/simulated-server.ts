/** Discrete-event simulation: clients of one server that works on some requests and queues others. */

import type { ConcurrencyLimit } from '../../src/deliver/concurrency.ts';
import { randomFrom, type SeededRandom } from '../support/random.ts';

/** Always `max`, at least 1: what the adaptive limit is compared with. */
export function fixedLimit(max: number): ConcurrencyLimit {
  const current = Math.max(1, Math.trunc(max));
  return { current, started: () => 0, ended() {} };
}

/** Milliseconds that pass when somebody says so. */
export interface SimulatedTime {
  readonly now: number;
  in(delayMs: number, run: () => void): void;
}

/** Things that happen, in the order of their moments; no time passes in between. */
export class Timeline implements SimulatedTime {
  now = 0;
  /** A binary heap: the earliest first, of the same moment the one that was added first. */
  readonly #events: { at: number; order: number; run: () => void }[] = [];
  #order = 0;

  in(delayMs: number, run: () => void): void {
    const events = this.#events;
    const event = { at: this.now + delayMs, order: this.#order++, run };
    let i = events.push(event) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!earlier(event, events[parent]!)) break;
      events[i] = events[parent]!;
      i = parent;
    }
    events[i] = event;
  }

  runUntil(endMs: number): void {
    const events = this.#events;
    while (events.length > 0 && events[0]!.at <= endMs) {
      const first = events[0]!;
      const last = events.pop()!;
      if (events.length > 0) {
        let i = 0;
        for (;;) {
          let child = 2 * i + 1;
          if (child >= events.length) break;
          if (child + 1 < events.length && earlier(events[child + 1]!, events[child]!)) child++;
          if (earlier(last, events[child]!)) break;
          events[i] = events[child]!;
          i = child;
        }
        events[i] = last;
      }
      this.now = first.at;
      first.run();
    }
    this.now = endMs;
  }
}

function earlier(a: { at: number; order: number }, b: { at: number; order: number }): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

export interface ServerOptions {
  /** Requests it works on at once. */
  workers: number;
  /** Mean time it works on one. */
  serviceMs: number;
  readonly service: 'constant' | 'exponential';
  /** Requests that may wait; it refuses more at once. */
  readonly maxWaiting: number;
}

export class SimulatedServer {
  readonly options: ServerOptions;
  readonly #time: SimulatedTime;
  readonly #random: SeededRandom;
  readonly #waiting: { at: number; done: (waitedMs: number) => void }[] = [];
  #working = 0;

  constructor(time: SimulatedTime, random: SeededRandom, options: ServerOptions) {
    this.#time = time;
    this.#random = random;
    this.options = options;
  }

  /** `done` with how long it waited for a worker, or with nothing where it is refused. */
  request(done: (waitedMs: number | undefined) => void): void {
    if (this.#waiting.length >= this.options.maxWaiting && this.#working >= this.options.workers) {
      done(undefined);
    } else {
      this.#waiting.push({ at: this.#time.now, done });
      this.#work();
    }
  }

  #work(): void {
    while (this.#working < this.options.workers && this.#waiting.length > 0) {
      const { at, done } = this.#waiting.shift()!;
      const waitedMs = this.#time.now - at;
      const { service, serviceMs } = this.options;
      this.#working++;
      const share = service === 'constant' ? 1 : -Math.log(1 - this.#random.next());
      this.#time.in(serviceMs * share, () => {
        this.#working--;
        done(waitedMs);
        this.#work();
      });
    }
  }
}

export interface ClientOptions {
  readonly limit: ConcurrencyLimit;
  /** There and back. */
  readonly roundTripMs: number;
  /** Share of requests that never arrive; the client notices after `roundTripMs`. */
  readonly lost?: number;
  /** A failed request's place in flight stays empty that long. */
  readonly restMs: number;
  /** Mean requests per second that come; default: there are always more. */
  readonly perSecond?: number;
}

export interface Measured {
  answered: number;
  rejected: number;
  lost: number;
  /** Of those answered. */
  readonly waitsMs: number[];
  /** The limit, integrated over time. */
  limitTime: number;
}

export class SimulatedClient {
  measured: Measured = nothing();
  readonly #timeline: Timeline;
  readonly #random: SeededRandom;
  readonly #server: SimulatedServer;
  readonly #options: ClientOptions;
  #inFlight = 0;
  #resting = 0;
  #backlog = 0;
  #since = 0;

  constructor(
    timeline: Timeline,
    random: SeededRandom,
    server: SimulatedServer,
    options: ClientOptions,
  ) {
    this.#timeline = timeline;
    this.#random = random;
    this.#server = server;
    this.#options = options;
  }

  start(): void {
    const { perSecond } = this.#options;
    if (perSecond === undefined) this.#backlog = Number.POSITIVE_INFINITY;
    else this.#arrive(perSecond);
    this.#pump();
  }

  /** Forgets what was measured so far. */
  measureAnew(): void {
    this.#observe();
    this.measured = nothing();
  }

  meanLimit(overMs: number): number {
    this.#observe();
    return this.measured.limitTime / overMs;
  }

  #arrive(perSecond: number): void {
    this.#timeline.in((-Math.log(1 - this.#random.next()) * 1000) / perSecond, () => {
      this.#backlog++;
      this.#pump();
      this.#arrive(perSecond);
    });
  }

  #pump(): void {
    const { limit } = this.#options;
    while (this.#backlog > 0 && this.#inFlight + this.#resting < limit.current) this.#send();
  }

  #send(): void {
    const { limit, roundTripMs, lost = 0 } = this.#options;
    const round = limit.started();
    const sentAt = this.#timeline.now;
    this.#inFlight++;
    this.#backlog--;
    const back = (waitedMs: number | undefined, isLost: boolean) => {
      this.#inFlight--;
      this.#observe();
      const { measured } = this;
      const ok = waitedMs !== undefined;
      limit.ended(round, this.#timeline.now - sentAt, ok ? 'answered' : 'failed');
      if (ok) {
        measured.answered++;
        measured.waitsMs.push(waitedMs);
      } else {
        if (isLost) measured.lost++;
        else measured.rejected++;
        this.#backlog++;
        this.#resting++;
        this.#timeline.in(this.#options.restMs, () => {
          this.#resting--;
          this.#pump();
        });
      }
      this.#pump();
    };
    if (this.#random.next() < lost) {
      this.#timeline.in(roundTripMs, () => back(undefined, true));
      return;
    }
    this.#timeline.in(roundTripMs / 2, () =>
      this.#server.request((waitedMs) =>
        this.#timeline.in(roundTripMs / 2, () => back(waitedMs, false)),
      ),
    );
  }

  /** Before the limit changes. Called before `ended` in `back`, which alone changes it. */
  #observe(): void {
    const { now } = this.#timeline;
    this.measured.limitTime += this.#options.limit.current * (now - this.#since);
    this.#since = now;
  }
}

function nothing(): Measured {
  return { answered: 0, rejected: 0, lost: 0, waitsMs: [], limitTime: 0 };
}

export interface Simulation {
  readonly seed: number;
  readonly server: ServerOptions;
  readonly client: Omit<ClientOptions, 'limit'>;
  /** One client for each. */
  readonly limits: readonly ConcurrencyLimit[];
  /** From the start of one client to that of the next. Default 0. */
  readonly staggerMs?: number;
  /** From the start of the last client to the change. */
  readonly warmUpMs: number;
  /** Happens then. */
  readonly change?: (server: ServerOptions) => void;
  /** From the change until measuring begins. Default 0. */
  readonly settleMs?: number;
  readonly measuredMs: number;
}

export interface Measurement {
  /** Mean over time, of all clients together. */
  readonly limit: number;
  readonly answeredPerSecond: number;
  readonly waitP95Ms: number;
  /** Share of all requests. */
  readonly refused: number;
  /** Jain's index of what the clients got: 1, all the same; 1/n, one got it all. */
  readonly fairness: number;
}

export function simulate(simulation: Simulation): Measurement {
  const { limits, staggerMs = 0, warmUpMs, settleMs = 0, measuredMs } = simulation;
  const timeline = new Timeline();
  const random = randomFrom(simulation.seed * 7919);
  for (let i = 0; i < 16; i++) random.next();
  const server = new SimulatedServer(timeline, random, { ...simulation.server });
  const clients = limits.map(
    (limit) => new SimulatedClient(timeline, random, server, { ...simulation.client, limit }),
  );
  for (const [i, client] of clients.entries()) timeline.in(i * staggerMs, () => client.start());
  timeline.runUntil((clients.length - 1) * staggerMs + warmUpMs);
  simulation.change?.(server.options);
  timeline.runUntil(timeline.now + settleMs);
  for (const client of clients) client.measureAnew();
  timeline.runUntil(timeline.now + measuredMs);

  const sum = (of: (client: SimulatedClient) => number) =>
    clients.reduce((total, client) => total + of(client), 0);
  const answered = sum(({ measured }) => measured.answered);
  const rejected = sum(({ measured }) => measured.rejected);
  const lost = sum(({ measured }) => measured.lost);
  const waits = clients.flatMap(({ measured }) => measured.waitsMs).sort((a, b) => a - b);
  return {
    limit: sum((client) => client.meanLimit(measuredMs)),
    answeredPerSecond: (answered * 1000) / measuredMs,
    waitP95Ms: waits[Math.floor(waits.length * 0.95)] ?? 0,
    refused: rejected / (answered + rejected + lost),
    fairness: answered ** 2 / (clients.length * sum(({ measured }) => measured.answered ** 2)),
  };
}
