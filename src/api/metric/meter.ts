import type {
  BatchObservableCallback,
  Meter,
  MetricOptions,
  Observable,
  ObservableCounter,
  ObservableGauge,
  ObservableUpDownCounter,
} from '@opentelemetry/api';
import { ValueType } from '@opentelemetry/api';
import type { Cells } from '../../buffer/cells.ts';
import type { Group } from '../../buffer/record.ts';
import { textOf } from '../trace/attributes.ts';
import { readScope } from '../trace/readable.ts';
import { type InstrumentKind, isAsync, type TemporalitySelector } from './aggregation.ts';
import type { MetricScope } from './data.ts';
import {
  AddingInstrument,
  type InstrumentsShared,
  MeasuringInstrument,
  type Route,
  SyncInstrument,
} from './instrument.ts';
import { Callbacks, ObservableInstrument, observables } from './observable.ts';
import { SetTable, Stream } from './stream.ts';
import {
  adviceOf,
  type InstrumentDescriptor,
  type StreamConfig,
  type StreamDefaults,
  type Views,
} from './view.ts';

/** Specification, "Instrument name syntax". */
const NAME = /^[a-z][a-z0-9_.\-/]{0,254}$/i;

/** Instruments of one meter; further ones do nothing. Names that are made of ids have no end. */
const MAX_INSTRUMENTS = 4096;

/** What a meter asks of a reader. */
export interface MeterReader {
  readonly temporality: TemporalitySelector;
  defaults(kind: InstrumentKind): StreamDefaults;
}

/** What the meters of a provider share; what `update` changes is read at each use. */
export interface MetersShared extends InstrumentsShared {
  views: Views;
  readonly readers: readonly MeterReader[];
  cells: Cells | undefined;
  isClosed: boolean;
  /** What a meter's configuration says; see `MeterConfig`. */
  isEnabled(scope: MetricScope): boolean;
  warn(line: string): void;
}

/** Options of an instrument; newer than the API are the advised attributes. */
export type InstrumentOptions = MetricOptions & {
  readonly advice?: { readonly attributes?: readonly string[] };
};

type Instrument = SyncInstrument | ObservableInstrument;

/** Meter of `@opentelemetry/api`. Creating an instrument never throws. */
export class RecordingMeter implements Meter {
  readonly scope: MetricScope;
  readonly group: Group;
  /** Address of the scope in the cells; 0 while it is not there. */
  handle = 0;
  readonly callbacks = new Callbacks();
  private readonly shared: MetersShared;
  /** By everything that tells instruments apart. */
  private readonly instruments = new Map<string, Instrument>();
  /** How each name was first written. */
  private readonly names = new Map<string, InstrumentDescriptor>();
  private isFull = false;
  private isDisabled = false;
  /** By reader, in the order they were made. */
  private streams = new Map<MeterReader, StreamList>();
  /** Those that are in use, while that is found out anew. */
  private before: Map<MeterReader, StreamList> | undefined = undefined;

  constructor(shared: MetersShared, group: Group) {
    this.shared = shared;
    this.group = group;
    this.scope = readScope(group);
  }

  createCounter(name: string, options?: InstrumentOptions): AddingInstrument {
    return this.create(name, 'COUNTER', options) as AddingInstrument;
  }

  createUpDownCounter(name: string, options?: InstrumentOptions): AddingInstrument {
    return this.create(name, 'UP_DOWN_COUNTER', options) as AddingInstrument;
  }

  createHistogram(name: string, options?: InstrumentOptions): MeasuringInstrument {
    return this.create(name, 'HISTOGRAM', options) as MeasuringInstrument;
  }

  createGauge(name: string, options?: InstrumentOptions): MeasuringInstrument {
    return this.create(name, 'GAUGE', options) as MeasuringInstrument;
  }

  createObservableCounter(name: string, options?: InstrumentOptions): ObservableCounter {
    return this.create(name, 'OBSERVABLE_COUNTER', options) as ObservableInstrument;
  }

  createObservableUpDownCounter(
    name: string,
    options?: InstrumentOptions,
  ): ObservableUpDownCounter {
    return this.create(name, 'OBSERVABLE_UP_DOWN_COUNTER', options) as ObservableInstrument;
  }

  createObservableGauge(name: string, options?: InstrumentOptions): ObservableGauge {
    return this.create(name, 'OBSERVABLE_GAUGE', options) as ObservableInstrument;
  }

  addBatchObservableCallback(callback: BatchObservableCallback, instruments: Observable[]): void {
    const known = observables(instruments);
    if (known.length > 0) this.callbacks.add(callback, known, true);
    else this.shared.warn('a batch callback names no asynchronous instrument; it is left out.');
  }

  removeBatchObservableCallback(
    callback: BatchObservableCallback,
    instruments: Observable[],
  ): void {
    this.callbacks.remove(callback, observables(instruments), true);
  }

  /** The same instrument for the same description, so that what it measures comes together. */
  private create(name: string, type: InstrumentKind, given: unknown): Instrument {
    const { warn } = this.shared;
    let options: InstrumentOptions = {};
    let unit = '';
    let description = '';
    try {
      options = { ...(given as InstrumentOptions) };
      unit = textOf(options.unit ?? '');
      description = textOf(options.description ?? '');
    } catch {
      // Options that throw when they are read: the instrument does without.
    }
    const text = textOf(name);
    if (!NAME.test(text)) {
      warn(
        `the instrument name ${JSON.stringify(text.slice(0, 80))} does not start with a letter, ` +
          'or has other characters than letters, digits, _ . - / or more than 255 of them.',
      );
    }
    const key = text.toLowerCase();
    const valueType = options.valueType === ValueType.INT ? ValueType.INT : ValueType.DOUBLE;
    const id = JSON.stringify([key, type, unit, description, valueType]);
    const advice = adviceOf(options.advice, text, warn);
    const known = this.instruments.get(id);
    const first = this.names.get(key);
    if (first !== undefined && first.name !== text) {
      warn(`the instrument '${text}' is there already as '${first.name}', and keeps that name.`);
    }
    if (known !== undefined) {
      if (JSON.stringify(known.descriptor.advice) !== JSON.stringify(advice)) {
        warn(`the instrument '${first!.name}' was made before with other advice, which it keeps.`);
      }
      return known;
    }
    const descriptor: InstrumentDescriptor = {
      name: first?.name ?? text,
      type,
      unit,
      description,
      valueType,
      advice,
    };
    const instrument = this.make(descriptor);
    if (this.instruments.size >= MAX_INSTRUMENTS) {
      if (!this.isFull)
        warn(
          `the meter '${this.scope.name}' has ${MAX_INSTRUMENTS} instruments; further ones do nothing.`,
        );
      this.isFull = true;
      if (instrument instanceof SyncInstrument) instrument.route([]);
      return instrument;
    }
    if (first === undefined) this.names.set(key, descriptor);
    this.instruments.set(id, instrument);
    this.attach(instrument);
    return instrument;
  }

  private make(descriptor: InstrumentDescriptor): Instrument {
    const { type } = descriptor;
    if (isAsync(type)) return new ObservableInstrument(descriptor, this.callbacks);
    return type === 'HISTOGRAM' || type === 'GAUGE'
      ? new MeasuringInstrument(this.shared, descriptor)
      : new AddingInstrument(this.shared, descriptor);
  }

  /** Gives an instrument the streams that views and readers want of it. */
  private attach(instrument: Instrument): void {
    const { shared } = this;
    const { readers, isClosed, cells } = shared;
    const made: Stream[] = [];
    const isActive = !isClosed && !this.isDisabled && shared.isEnabled(this.scope);
    for (const reader of isActive ? readers : []) {
      const streams = this.streamsOf(instrument.descriptor, reader, made);
      if (cells !== undefined) for (const each of streams) if (each.handle === 0) each.open(cells);
      if (instrument instanceof ObservableInstrument)
        instrument.routes.set(reader, routes(streams));
      for (const each of streams) if (!made.includes(each)) made.push(each);
    }
    if (instrument instanceof ObservableInstrument) {
      if (!isActive) instrument.routes.clear();
    } else {
      const isLate = isClosed || (isActive && cells === undefined && made.length > 0);
      instrument.route(isLate ? undefined : routes(made));
    }
  }

  private streamsOf(
    descriptor: InstrumentDescriptor,
    reader: MeterReader,
    made: readonly Stream[],
  ): Stream[] {
    const { views, warn } = this.shared;
    const list = this.listOf(reader);
    const configs = views.streamsOf(descriptor, this.scope, reader.defaults(descriptor.type), warn);
    const streams: Stream[] = [];
    for (const config of configs) {
      const temporality = reader.temporality(descriptor.type);
      const isSame = (each: Stream) =>
        !each.isRetired &&
        each.temporality === temporality &&
        isSameStream(each, config, descriptor);
      let stream = list.named(config.name).find(isSame);
      if (stream === undefined) {
        this.warnOfConflicts(config, descriptor, list);
        stream = this.before?.get(reader)?.named(config.name).find(isSame);
        const table = this.tableFor(config, [...made, ...streams]);
        stream ??= new Stream(table, config, descriptor, { shared: this.shared, temporality });
        list.add(stream);
      } else this.describe(stream, config);
      if (!streams.includes(stream)) streams.push(stream);
    }
    return streams;
  }

  /** Streams of an instrument that keep the same attributes look them up once. */
  private tableFor(config: StreamConfig, made: readonly Stream[]): SetTable {
    const id = config.filter?.id;
    const other = made.find(
      (each) =>
        config.processors === undefined &&
        each.config.processors === undefined &&
        each.config.filter?.id === id,
    );
    return other?.table ?? new SetTable(this.shared.tree, config.filter);
  }

  /** Of descriptions that differ the longer one is taken (specification, "Duplicate …"). */
  private describe(stream: Stream, config: StreamConfig): void {
    const { name, description } = stream.descriptor;
    if (description === config.description) return;
    if (config.description.length > description.length) stream.redescribe(config.description);
    this.shared.warn(
      `the metric '${name}' has two descriptions, of which the longer one is taken; ` +
        'a view with a description for it decides.',
    );
  }

  private warnOfConflicts(
    config: StreamConfig,
    descriptor: InstrumentDescriptor,
    list: StreamList,
  ): void {
    if (list.named(config.name).length === 0) return;
    const { type, unit } = descriptor;
    this.shared.warn(
      `several metrics of the meter '${this.scope.name}' have the name '${config.name}', and differ ` +
        `in kind, unit, type of values or configuration; all are exported. Give one another name: ` +
        `views: [{ instrumentName: '${descriptor.name}', instrumentType: '${type}', ` +
        `instrumentUnit: '${unit}', name: '…' }].`,
    );
  }

  /** Instruments of this meter will do nothing. */
  disable(): void {
    this.isDisabled = true;
  }

  /** Synchronous instruments record no more; callbacks are called as long as readers collect. */
  close(): void {
    for (const instrument of this.instruments.values()) {
      if (instrument instanceof SyncInstrument) instrument.route(undefined);
    }
  }

  /** Everything anew: views, readers, configuration or the cells have changed. */
  reconfigure(): void {
    this.before = this.streams;
    this.streams = new Map();
    for (const instrument of this.instruments.values()) this.attach(instrument);
    for (const [reader, { all }] of this.before) {
      const list = this.listOf(reader);
      for (const stream of all) {
        if (list.all.has(stream)) continue;
        stream.isRetired = true;
        list.add(stream);
      }
    }
    this.before = undefined;
  }

  private listOf(reader: MeterReader): StreamList {
    let list = this.streams.get(reader);
    if (list === undefined) {
      list = new StreamList();
      this.streams.set(reader, list);
    }
    return list;
  }

  streamsFor(reader: MeterReader): Iterable<Stream> {
    return this.streams.get(reader)?.all ?? [];
  }

  /** Gives back what nobody needs any more; after a collection of the reader. */
  closeRetired(reader: MeterReader): void {
    const list = this.streams.get(reader);
    for (const each of list?.all ?? []) {
      if (!each.isRetired) continue;
      each.close();
      list!.remove(each);
    }
  }

  get series(): number {
    let series = 0;
    for (const { all } of this.streams.values()) for (const each of all) series += each.count;
    return series;
  }
}

/** Streams in the order they were made, found by name. */
class StreamList {
  readonly all = new Set<Stream>();
  private readonly byName = new Map<string, Stream[]>();

  /** Those of a name, in whatever case. */
  named(name: string): readonly Stream[] {
    return this.byName.get(name.toLowerCase()) ?? [];
  }

  add(stream: Stream): void {
    const { name } = stream.config;
    this.all.add(stream);
    this.byName.set(name.toLowerCase(), [...this.named(name), stream]);
  }

  remove(stream: Stream): void {
    const { name } = stream.config;
    this.all.delete(stream);
    this.byName.set(
      name.toLowerCase(),
      this.named(name).filter((each) => each !== stream),
    );
  }
}

/** Whether what is measured by both comes together as one metric. */
function isSameStream(
  stream: Stream,
  config: StreamConfig,
  descriptor: InstrumentDescriptor,
): boolean {
  const { config: own, descriptor: has, type } = stream;
  return (
    has.name.toLowerCase() === config.name.toLowerCase() &&
    has.unit === descriptor.unit &&
    has.valueType === descriptor.valueType &&
    type === descriptor.type &&
    own.filter?.id === config.filter?.id &&
    own.cardinalityLimit === config.cardinalityLimit &&
    own.reservoir === config.reservoir &&
    JSON.stringify(own.aggregation) === JSON.stringify(config.aggregation) &&
    (own.processors ?? []).length === (config.processors ?? []).length &&
    (own.processors ?? []).every((each, i) => each === config.processors![i])
  );
}

/** The streams by what they look up. */
function routes(streams: readonly Stream[]): Route[] {
  const tables = new Map<SetTable, Stream[]>();
  for (const stream of streams) {
    tables.set(stream.table, [...(tables.get(stream.table) ?? []), stream]);
  }
  return [...tables].map(([table, of]) => ({
    table,
    streams: of,
    processors: of[0]!.config.processors,
  }));
}
