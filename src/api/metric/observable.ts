import {
  type BatchObservableResult,
  type Observable,
  type ObservableCallback,
  type ObservableResult,
  ROOT_CONTEXT,
  ValueType,
} from '@opentelemetry/api';
import type { Attributes } from '../../buffer/record.ts';
import { readAttributes } from '../trace/readable.ts';
import { say } from '../trace/say.ts';
import { contentOfAll } from './attribute-sets.ts';
import { FILTER_ON } from './exemplar.ts';
import { type InstrumentsShared, processed, type Route } from './instrument.ts';
import type { ReaderHost } from './reader.ts';
import type { InstrumentDescriptor } from './view.ts';

/** Where the callbacks of a meter are kept. */
interface Registration {
  readonly callback: (result: never) => unknown;
  readonly instruments: ReadonlySet<ObservableInstrument>;
  readonly isBatch: boolean;
}

/** An asynchronous instrument of any kind. */
export class ObservableInstrument implements Observable {
  readonly descriptor: InstrumentDescriptor;
  private readonly callbacks: Callbacks;
  /** By reader: where what is observed goes. */
  readonly routes = new Map<object, readonly Route[]>();

  constructor(descriptor: InstrumentDescriptor, callbacks: Callbacks) {
    this.descriptor = descriptor;
    this.callbacks = callbacks;
  }

  addCallback(callback: ObservableCallback): void {
    this.callbacks.add(callback, [this], false);
  }

  removeCallback(callback: ObservableCallback): void {
    this.callbacks.remove(callback, [this], false);
  }
}

/** What one callback observes of one instrument, for one reader. */
class Observations {
  private readonly instrument: ObservableInstrument;
  private readonly shared: InstrumentsShared;
  private readonly routes: readonly Route[];
  private readonly values: number[] = [];
  private readonly given: Attributes[] = [];
  /** Where each set was observed: the last value of one counts, and several may become one. */
  private readonly places = new Map<string, number>();
  /** The callback is over: what it observes later is ignored. */
  private isClosed = false;

  constructor(
    instrument: ObservableInstrument,
    routes: readonly Route[],
    shared: InstrumentsShared,
  ) {
    this.instrument = instrument;
    this.routes = routes;
    this.shared = shared;
  }

  observe(value: number, attributes: unknown): void {
    if (this.isClosed || this.routes.length === 0) return;
    const { name, valueType } = this.instrument.descriptor;
    const even = valueType === ValueType.INT ? Math.trunc(value) : value;
    if (typeof value !== 'number' || Number.isNaN(even)) {
      this.shared.counts.invalid++;
      say('warn', `a value that was observed of '${name}' is no number`);
      return;
    }
    const all = this.routes[0]!.table.sets.read(attributes);
    const content = contentOfAll(all);
    const place = this.places.get(content);
    if (place !== undefined) {
      this.values[place] = even;
      return;
    }
    this.places.set(content, this.values.length);
    this.values.push(even);
    this.given.push(all);
  }

  close(): void {
    this.isClosed = true;
  }

  /** The callback is over in time: what it observed counts. */
  apply(): void {
    for (const route of this.routes) {
      for (let i = 0; i < this.values.length; i++) this.applyTo(route, this.given[i]!, i);
    }
  }

  private applyTo(route: Route, all: Attributes, index: number): void {
    const { table, streams, processors } = route;
    const { sets } = table;
    const given =
      processors === undefined ? all : sets.read(processed(readAttributes(all), processors));
    const kept = sets.kept(given);
    const set = table.admit(kept);
    // Without a filter each set is a series of its own, and another callback's value replaces it.
    const adds = sets.filter !== undefined || processors !== undefined;
    for (const stream of streams) {
      const cell = stream.seriesOf(set, kept);
      if (cell === 0) continue;
      const value = this.values[index]!;
      stream.observe(cell, value, adds || stream.isOverflow(cell));
      if (this.shared.exemplarFilter !== FILTER_ON) continue;
      const place = stream.placeOf(cell, value);
      if (place < 0) continue;
      const left = stream.isOverflow(cell) ? all : sets.dropped(all);
      const attributes = { all: () => all, filtered: () => left };
      stream.sample(cell, value, { place, ...attributes, context: ROOT_CONTEXT });
    }
    if (set >= 0) table.settle(set);
  }
}

/** The callbacks of one meter. */
export class Callbacks {
  private list: Registration[] = [];
  /** Those that a reader has given up waiting for, and that still run. */
  private readonly running = new Map<object, Set<Registration>>();

  add(
    callback: Registration['callback'],
    instruments: readonly ObservableInstrument[],
    isBatch: boolean,
  ): void {
    if (typeof callback !== 'function') {
      say('warn', 'an asynchronous callback is no function; it is left out');
      return;
    }
    if (this.indexOf(callback, instruments, isBatch) >= 0) return;
    // Another array: a collection may be going through this one.
    this.list = [...this.list, { callback, instruments: new Set(instruments), isBatch }];
  }

  remove(
    callback: Registration['callback'],
    instruments: readonly ObservableInstrument[],
    isBatch: boolean,
  ): void {
    const at = this.indexOf(callback, instruments, isBatch);
    this.list = this.list.filter((_, i) => i !== at);
  }

  private indexOf(
    callback: Registration['callback'],
    instruments: readonly ObservableInstrument[],
    isBatch: boolean,
  ): number {
    const wanted = new Set(instruments);
    return this.list.findIndex(
      (each) =>
        each.callback === callback &&
        each.isBatch === isBatch &&
        each.instruments.size === wanted.size &&
        [...wanted].every((instrument) => each.instruments.has(instrument)),
    );
  }

  /**
   * Calls those whose instruments the reader has streams of. Returns what is still to be waited
   * for: callbacks that return promises.
   */
  observe(
    reader: object,
    shared: InstrumentsShared,
    late: { host: ReaderHost; timeoutMillis: number | undefined; errors: unknown[] },
  ): Promise<void>[] {
    const waits: Promise<void>[] = [];
    for (const registration of this.list) {
      if (![...registration.instruments].some((each) => each.routes.get(reader)?.length)) continue;
      if (this.running.get(reader)?.has(registration)) {
        late.errors.push(new Error('an asynchronous callback still runs; it is not called again.'));
        continue;
      }
      const called = this.call(registration, reader, shared);
      if (called.error !== undefined) late.errors.push(called.error);
      else if (called.promise !== undefined) {
        waits.push(this.wait(registration, reader, { ...called, promise: called.promise }, late));
      }
    }
    return waits;
  }

  private call(
    registration: Registration,
    reader: object,
    shared: InstrumentsShared,
  ): { observed: Observations[]; promise?: PromiseLike<unknown>; error?: unknown } {
    const { callback, instruments, isBatch } = registration;
    const of = new Map<unknown, Observations>();
    for (const instrument of instruments) {
      of.set(instrument, new Observations(instrument, instrument.routes.get(reader) ?? [], shared));
    }
    const observed = [...of.values()];
    const single: ObservableResult = {
      observe: (value, attributes) => observed[0]!.observe(value, attributes),
    };
    const batch: BatchObservableResult = {
      observe: (metric, value, attributes) => of.get(metric)?.observe(value, attributes),
    };
    try {
      const returned = callback((isBatch ? batch : single) as never);
      if (isPromise(returned)) return { observed, promise: returned };
    } catch (error) {
      for (const each of observed) each.close();
      return { observed, error: error ?? new Error('an asynchronous callback threw nothing') };
    }
    for (const each of observed) {
      each.close();
      each.apply();
    }
    return { observed };
  }

  /** Waits for a callback, for as long as it may take. */
  private wait(
    registration: Registration,
    reader: object,
    called: { observed: Observations[]; promise: PromiseLike<unknown> },
    late: { host: ReaderHost; timeoutMillis: number | undefined; errors: unknown[] },
  ): Promise<void> {
    const { timeoutMillis, host, errors } = late;
    const { observed } = called;
    const running = this.running.get(reader) ?? new Set();
    this.running.set(reader, running);
    running.add(registration);
    return new Promise<void>((resolve) => {
      let isOver = false;
      const over = (apply: boolean, error?: unknown) => {
        if (isOver) return;
        isOver = true;
        cancel?.();
        for (const each of observed) {
          each.close();
          if (apply) each.apply();
        }
        if (!apply) errors.push(error);
        resolve();
      };
      const cancel =
        timeoutMillis === undefined
          ? undefined
          : host.setTimer(() => {
              const waited = `after ${timeoutMillis} ms; what it observed is left out.`;
              over(false, new Error(`an asynchronous callback is not over ${waited}`));
            }, timeoutMillis);
      const ended = () => running.delete(registration);
      called.promise.then(
        () => {
          ended();
          over(true);
        },
        (error: unknown) => {
          ended();
          over(false, error);
        },
      );
    });
  }
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value;
}

/** The instruments among what a user names for a callback. */
export function observables(given: unknown): ObservableInstrument[] {
  if (!Array.isArray(given)) return [];
  return given.filter((each) => each instanceof ObservableInstrument);
}
