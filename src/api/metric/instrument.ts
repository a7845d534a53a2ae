import {
  type Attributes as ApiAttributes,
  type Context,
  type Counter,
  type Gauge,
  type Histogram,
  ROOT_CONTEXT,
  type UpDownCounter,
  ValueType,
} from '@opentelemetry/api';
import type { Attributes } from '../../buffer/record.ts';
import { CELL_STATE, CELL_VALUE } from '../../engine/generated/layout.ts';
import { textOf } from '../trace/attributes.ts';
import { say } from '../trace/say.ts';
import { isMonotonic } from './aggregation.ts';
import { GAUGE, SUM } from './data.ts';
import { contextOf, FILTER_OFF, FILTER_ON, isSampled } from './exemplar.ts';
import type { SetTable, Stream, StreamsShared } from './stream.ts';
import type { AttributesProcessor, InstrumentDescriptor } from './view.ts';

/** A counter, or up-down counter, for one set of attributes. */
export interface BoundCounter {
  add(value: number, context?: Context): void;
}

/** A histogram, or gauge, for one set of attributes. */
export interface BoundRecorder {
  record(value: number, context?: Context): void;
}

/** What instruments of all synchronous kinds have beyond the API of today. */
export interface Bindable<Bound> {
  /**
   * Whether anything becomes of measurements: false where the meter is disabled, or views drop all
   * of them. May change: ask for each measurement that takes effort (specification, "Enabled").
   */
  enabled(): boolean;
  /**
   * The instrument for these attributes, which are looked up once and then no more (specification,
   * "Bind"). Its series stays for as long as the provider.
   */
  bind(attributes?: ApiAttributes): Bound;
}

/** What instruments of one provider share. */
export interface InstrumentsShared extends StreamsShared {
  /** FILTER_OFF, FILTER_TRACE or FILTER_ON. */
  exemplarFilter: number;
  /** Keeps a measurement for later: there are no cells yet, or none any more. */
  late(instrument: SyncInstrument, value: number, given: Given): void;
}

/** The attributes of a measurement, and its context. */
export interface Given {
  readonly attributes: unknown;
  readonly context: Context | undefined;
}

/** Streams whose series are told apart by the same attributes. */
export interface Route {
  readonly table: SetTable;
  readonly streams: readonly Stream[];
  readonly processors: readonly AttributesProcessor[] | undefined;
}

/** Series that a measurement goes to. */
interface Target {
  readonly stream: Stream;
  readonly cell: number;
}

/** What all synchronous instruments are. */
export class SyncInstrument {
  readonly shared: InstrumentsShared;
  readonly descriptor: InstrumentDescriptor;
  /** The only stream, where there is no more to do than to look up the attributes. */
  private only: Stream | null = null;
  private routes: readonly Route[] = [];
  /** Whether fractions are left out. */
  readonly isInt: boolean;
  /** Values below are not recorded. */
  readonly least: number;
  /** Whether `late` is asked, rather than nothing done, where there are no routes. */
  private isLate = true;
  private hasWarned = false;
  /** Changes with the routes: whoever is bound then looks again. */
  version = 0;

  constructor(shared: InstrumentsShared, descriptor: InstrumentDescriptor) {
    this.shared = shared;
    this.descriptor = descriptor;
    this.isInt = descriptor.valueType === ValueType.INT;
    this.least = isMonotonic(descriptor.type) ? 0 : Number.NEGATIVE_INFINITY;
  }

  /** Where measurements go from now on; undefined: to `late`. */
  route(routes: readonly Route[] | undefined): void {
    this.routes = routes ?? [];
    this.isLate = routes === undefined;
    const [first] = this.routes;
    const isPlain = this.routes.length === 1 && first!.streams.length === 1;
    this.only = isPlain && first!.processors === undefined ? first!.streams[0]! : null;
    this.version++;
  }

  enabled(): boolean {
    return this.isLate || this.routes.length > 0;
  }

  /** A value that may have to be changed, or not be recorded at all: undefined. */
  checked(value: unknown): number | undefined {
    const { name, type } = this.descriptor;
    if (typeof value !== 'number' || !(value >= this.least)) {
      this.shared.counts.invalid++;
      this.warnOnce(
        `the value ${textOf(value).slice(0, 40)} is not recorded by '${name}' (${type})`,
      );
      return undefined;
    }
    if (!this.isInt || Number.isInteger(value)) return value;
    this.warnOnce(`'${name}' takes integers: of ${value} the fraction is left out`);
    const whole = Math.trunc(value);
    if (Number.isInteger(whole)) return whole;
    this.shared.counts.invalid++;
    return undefined;
  }

  private warnOnce(line: string): void {
    if (this.hasWarned) return;
    this.hasWarned = true;
    say('warn', line);
  }

  /** The hot path: a known set, one stream, no exemplar. Never throws. */
  measure(value: number, attributes: unknown, context: Context | undefined): void {
    if (typeof value !== 'number' || !(value >= this.least) || this.isInt) {
      const checked = this.checked(value);
      if (checked === undefined) return;
      value = checked;
    }
    const stream = this.only;
    if (stream === null) {
      this.measureAll(value, { attributes, context });
      return;
    }
    const set = stream.sets.find(attributes);
    let cell = set < 0 ? 0 : stream.cellOf[set]! | 0;
    if (cell === 0) {
      cell = admit(stream, attributes);
      if (cell === 0) return;
    }
    put(stream, cell, value);
    const { exemplarFilter } = this.shared;
    if (exemplarFilter !== FILTER_OFF) {
      const active = contextOf(context);
      if (exemplarFilter === FILTER_ON || isSampled(active)) {
        const place = stream.placeOf(cell, value);
        if (place >= 0) sample({ stream, cell, place }, value, { attributes, context: active });
      }
    }
  }

  private measureAll(value: number, given: Given): void {
    if (this.routes.length === 0) {
      if (this.isLate) this.shared.late(this, value, given);
      return;
    }
    for (const target of this.targets(given.attributes)) {
      put(target.stream, target.cell, value);
      this.consider(target, value, given);
    }
  }

  /** The series of a set of attributes in all streams, which may be new. */
  targets(given: unknown): Target[] {
    const targets: Target[] = [];
    for (const { table, streams, processors } of this.routes) {
      const attributes = processors === undefined ? given : processed(given, processors);
      const set = table.sets.find(attributes);
      for (const stream of streams) {
        let cell = set < 0 ? 0 : stream.cellOf[set]! | 0;
        if (cell === 0) cell = admit(stream, attributes);
        if (cell !== 0) targets.push({ stream, cell });
      }
    }
    return targets;
  }

  /** Makes an exemplar of a measurement, if the filter lets it. */
  consider(target: Target, value: number, given: Given): void {
    const { exemplarFilter } = this.shared;
    if (exemplarFilter === FILTER_OFF) return;
    const context = contextOf(given.context);
    if (exemplarFilter === FILTER_ON || isSampled(context)) {
      const { stream, cell } = target;
      const place = stream.placeOf(cell, value);
      const { attributes } = given;
      if (place >= 0) sample({ stream, cell, place }, value, { attributes, context });
    }
  }

  /** The routes, for series that are to stay. */
  pinned(attributes: unknown): Target[] {
    const targets = this.targets(attributes);
    for (const { table, processors } of this.routes) {
      const given = processors === undefined ? attributes : processed(attributes, processors);
      const { sets } = table;
      const set = sets.lookup(sets.kept(sets.read(given)));
      for (const { stream } of targets) if (stream.table === table) stream.pin(set);
    }
    return targets;
  }
}

/** Adds a measurement to a series; a sum, or the last value, without a call. */
function put(stream: Stream, cell: number, value: number): void {
  const { cells, kind } = stream;
  if (kind === SUM) {
    cells.f64[(cell + CELL_VALUE) >> 3]! += value;
    cells.i32[(cell + CELL_STATE) >> 2] = 1;
  } else if (kind === GAUGE) {
    cells.f64[(cell + CELL_VALUE) >> 3] = value;
    cells.i32[(cell + CELL_STATE) >> 2] = 1;
  } else stream.record(cell, value);
}

/** The series of attributes that are not known, or not to this stream. */
function admit(stream: Stream, attributes: unknown): number {
  const { table, sets } = stream;
  const kept = sets.kept(sets.read(attributes));
  const set = table.admit(kept);
  const cell = stream.seriesOf(set, kept);
  if (set >= 0) table.settle(set);
  return cell;
}

function sample(target: Target & { readonly place: number }, value: number, given: Given): void {
  const { stream, cell, place } = target;
  const { sets } = stream;
  try {
    const all = () => sets.read(given.attributes);
    stream.sample(cell, value, {
      place,
      all,
      filtered: () => missing(stream, cell, all()),
      context: given.context ?? ROOT_CONTEXT,
    });
  } catch (error) {
    say('error', 'an exemplar is left out', error);
  }
}

/** The attributes of a measurement that its series does not have. */
function missing(stream: Stream, cell: number, all: Attributes): Attributes | undefined {
  if (stream.isOverflow(cell)) return all;
  if (stream.config.processors === undefined) return stream.sets.dropped(all);
  const kept = stream.cells.attributesOf(cell);
  return stream.sets.without(all, (name) => Object.hasOwn(kept, name));
}

/** What the processors of a view make of attributes. */
export function processed(
  attributes: unknown,
  processors: readonly AttributesProcessor[],
): unknown {
  try {
    let changed = { ...(attributes as ApiAttributes) };
    for (const processor of processors) changed = processor.process(changed);
    return changed;
  } catch (error) {
    say('error', 'an attributes processor failed', error);
    return attributes;
  }
}

/** An instrument for one set of attributes, whose series are looked up no more. */
class Bound {
  private readonly instrument: SyncInstrument;
  private readonly attributes: unknown;
  private version = -1;
  /** The only stream and its series, where there is one. */
  private stream: Stream | null = null;
  private cell = 0;
  private targets: readonly Target[] = [];

  constructor(instrument: SyncInstrument, attributes: unknown) {
    this.instrument = instrument;
    // As they are now: a later change of the object does not show.
    this.attributes = copied(attributes);
    this.resolve();
  }

  private resolve(): void {
    this.version = this.instrument.version;
    this.targets = this.instrument.pinned(this.attributes);
    const [first] = this.targets;
    this.stream = this.targets.length === 1 ? first!.stream : null;
    this.cell = first?.cell ?? 0;
  }

  protected measure(value: number, context: Context | undefined): void {
    const { instrument } = this;
    if (typeof value !== 'number' || !(value >= instrument.least) || instrument.isInt) {
      const checked = instrument.checked(value);
      if (checked === undefined) return;
      value = checked;
    }
    if (this.version !== instrument.version) this.resolve();
    const { stream } = this;
    if (stream === null) {
      this.measureAll(value, context);
      return;
    }
    put(stream, this.cell, value);
    const { exemplarFilter } = instrument.shared;
    if (exemplarFilter !== FILTER_OFF) {
      const active = contextOf(context);
      if (exemplarFilter === FILTER_ON || isSampled(active)) {
        const { attributes, cell } = this;
        const place = stream.placeOf(cell, value);
        if (place >= 0) sample({ stream, cell, place }, value, { attributes, context: active });
      }
    }
  }

  private measureAll(value: number, context: Context | undefined): void {
    const { instrument, attributes, targets } = this;
    if (targets.length === 0) {
      instrument.measure(value, attributes, context);
      return;
    }
    for (const target of targets) {
      put(target.stream, target.cell, value);
      instrument.consider(target, value, { attributes, context });
    }
  }
}

class BoundAdder extends Bound implements BoundCounter {
  add(value: number, context?: Context): void {
    this.measure(value, context);
  }
}

class BoundMeasurer extends Bound implements BoundRecorder {
  record(value: number, context?: Context): void {
    this.measure(value, context);
  }
}

function copied(attributes: unknown): unknown {
  try {
    return { ...(attributes as ApiAttributes) };
  } catch {
    return undefined;
  }
}

/** Counter and up-down counter. */
export class AddingInstrument
  extends SyncInstrument
  implements Counter, UpDownCounter, Bindable<BoundCounter>
{
  add(value: number, attributes?: ApiAttributes, context?: Context): void {
    this.measure(value, attributes, context);
  }

  bind(attributes?: ApiAttributes): BoundCounter {
    return new BoundAdder(this, attributes);
  }
}

/** Histogram and gauge. */
export class MeasuringInstrument
  extends SyncInstrument
  implements Histogram, Gauge, Bindable<BoundRecorder>
{
  record(value: number, attributes?: ApiAttributes, context?: Context): void {
    this.measure(value, attributes, context);
  }

  bind(attributes?: ApiAttributes): BoundRecorder {
    return new BoundMeasurer(this, attributes);
  }
}
