import type { Attributes as ApiAttributes, MeterOptions, MeterProvider } from '@opentelemetry/api';
import type { Cells } from '../../buffer/cells.ts';
import { type Attributes, Group } from '../../buffer/record.ts';
import { unboundedTree } from '../../buffer/shape.ts';
import { OtlpError } from '../../errors.ts';
import type { Host } from '../../runtime/host.ts';
import { currentContext } from '../context/current.ts';
import { Scopes } from '../scopes.ts';
import type { Clock } from '../trace/clock.ts';
import { say } from '../trace/say.ts';
import { ReaderCollector } from './collector.ts';
import type { MetricScope } from './data.ts';
import { type ExemplarFilter, filterNumber } from './exemplar.ts';
import type { Given, SyncInstrument } from './instrument.ts';
import { type MetersShared, RecordingMeter } from './meter.ts';
import type { MetricReader, ReaderHost } from './reader.ts';
import type { MetricCounts } from './stream.ts';
import { type ViewMatchingMode, type ViewOptions, Views } from './view.ts';

/** What a meter does (specification, "MeterConfig"). */
export interface MeterConfig {
  /** False: its instruments do nothing. Default true. */
  readonly enabled?: boolean | undefined;
}

/** Says what each meter does; nothing, or undefined, is the default configuration. */
export type MeterConfigurator = (scope: MetricScope) => MeterConfig | undefined | null;

/** What `RecordingMeterProvider.update` may change. */
export interface MeterProviderOptions {
  readonly views?: readonly ViewOptions[] | undefined;
  readonly viewMatchingMode?: ViewMatchingMode | undefined;
  /** Default `trace_based`. */
  readonly exemplarFilter?: ExemplarFilter | undefined;
  /**
   * Series of one metric at most, that of the overflow included, where neither view nor reader
   * says otherwise. Default 2000.
   */
  readonly cardinalityLimit?: number | undefined;
  readonly meterConfigurator?: MeterConfigurator | undefined;
}

/** What a meter provider is made of. */
export interface MeterProviderParts extends MeterProviderOptions {
  /** May come later: measurements wait for them, MAX_WAITING at most. */
  readonly cells: Cells | Promise<Cells>;
  readonly host: Pick<Host, 'now' | 'setTimer'>;
  readonly clock: Clock;
  readonly resource: { readonly attributes: Attributes; readonly schemaUrl: string };
  readonly readers: readonly MetricReader[];
  /** Tells whoever runs the program of what is wrong with views, names and the like. */
  warn(line: string): void;
}

/** Counts of a meter provider, at this moment or since start. */
export interface MetricHealth extends MetricCounts {
  /** Series that there are, of all readers. */
  readonly series: number;
  /** Bytes that they take, and may take at most. */
  readonly usedBytes: number;
  readonly maxBytes: number;
}

/** Measurements that may wait for an engine that is still loading. */
const MAX_WAITING = 2048;
const DEFAULT_LIMIT = 2000;
/** Meters; those of further scopes do nothing. */
const MAX_METERS = 1024;

interface Waiting {
  readonly instrument: SyncInstrument;
  readonly value: number;
  readonly given: Given;
}

/** MeterProvider of `@opentelemetry/api`. */
export class RecordingMeterProvider implements MeterProvider {
  readonly #shared: MetersShared;
  readonly #collectors: ReaderCollector[] = [];
  readonly #meters: RecordingMeter[] = [];
  readonly #scopes: Scopes<RecordingMeter>;
  readonly #counts: MetricCounts = {
    overflowed: 0,
    invalid: 0,
    dropped: { engine_loading: 0, no_memory: 0, after_shutdown: 0 },
  };
  readonly #host: ReaderHost;
  readonly #opened: Promise<unknown>;
  #options: MeterProviderOptions;
  #resource: Group;
  #resourceHandle = 0;
  /** Undefined once there are cells, or never will be. */
  #waiting: Waiting[] | undefined = [];
  #down: Promise<void> | undefined;

  /** @throws OtlpError `invalid_option` for views, limits and filters that cannot be used. */
  constructor(parts: MeterProviderParts) {
    const { cells, host, clock, resource, readers, warn } = parts;
    this.#options = checked(parts);
    this.#resource = new Group(resource.attributes, { schemaUrl: resource.schemaUrl });
    const random = () => Math.random();
    this.#host = { now: host.now, setTimer: host.setTimer, random };
    this.#shared = {
      clock,
      tree: unboundedTree(),
      counts: this.#counts,
      random,
      exemplarFilter: filterNumber(this.#options.exemplarFilter),
      late: (instrument, value, given) => this.#late(instrument, value, given),
      views: viewsOf(this.#options),
      readers: this.#collectors,
      cells: undefined,
      isClosed: false,
      isEnabled: (scope) => this.#isEnabled(scope),
      warn,
    };
    this.#scopes = new Scopes(
      this.#resource,
      (scope) => {
        const meter = new RecordingMeter(this.#shared, scope);
        if (this.#meters.length < MAX_METERS) this.#meters.push(meter);
        else meter.disable();
        return meter;
      },
      '',
    );
    if ('then' in cells) {
      this.#opened = cells.then(
        (opened) => this.#open(opened),
        () => this.#abandon(),
      );
    } else {
      this.#opened = Promise.resolve();
      this.#open(cells);
    }
    for (const reader of readers) this.addReader(reader);
  }

  getMeter(
    name: string,
    version?: string,
    options?: MeterOptions & { attributes?: ApiAttributes },
  ): RecordingMeter {
    return this.#scopes.get(name, version, options);
  }

  /** Adds a reader, also for the instruments there are: for them it begins now. */
  addReader(reader: MetricReader): void {
    const collector = new ReaderCollector(reader, {
      shared: this.#shared,
      host: this.#host,
      meters: () => this.#meters,
      resource: () => this.#resource,
      resourceHandle: () => this.#groupOfResource(),
      opened: this.#opened,
      cardinalityLimit: () => this.#options.cardinalityLimit ?? DEFAULT_LIMIT,
    });
    this.#collectors.push(collector);
    for (const meter of this.#meters) meter.reconfigure();
    reader.setMetricProducer(collector);
  }

  /**
   * Changes the configuration, also of meters and instruments that are there already. Metrics that
   * stay the same go on; those that are no more are collected once again.
   *
   * @throws OtlpError `invalid_option`; nothing is changed then.
   */
  update(options: MeterProviderOptions): void {
    const merged = checked({ ...this.#options, ...options });
    const views = viewsOf(merged);
    this.#options = merged;
    this.#shared.views = views;
    this.#shared.exemplarFilter = filterNumber(merged.exemplarFilter);
    for (const meter of this.#meters) meter.reconfigure();
  }

  /** Gives the resource other contents. */
  redescribe(attributes: Attributes, schemaUrl: string): void {
    this.#resource = new Group(attributes, { schemaUrl });
    if (this.#resourceHandle !== 0) this.#shared.cells?.freeGroup(this.#resourceHandle);
    this.#resourceHandle = 0;
  }

  #groupOfResource(): number {
    if (this.#resourceHandle === 0) {
      this.#resourceHandle = this.#shared.cells!.group(this.#resource);
    }
    return this.#resourceHandle;
  }

  #isEnabled(scope: MetricScope): boolean {
    try {
      return this.#options.meterConfigurator?.(scope)?.enabled !== false;
    } catch (error) {
      say('error', `the meter configurator failed for '${scope.name}'`, error);
      return true;
    }
  }

  #open(cells: Cells): void {
    const { isClosed } = this.#shared;
    this.#shared.cells = cells;
    // What waits was measured before the shutdown.
    this.#shared.isClosed = false;
    for (const meter of this.#meters) meter.reconfigure();
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const { instrument, value, given } of waiting) {
      instrument.measure(value, given.attributes, given.context);
    }
    if (isClosed) this.#close();
  }

  #close(): void {
    this.#shared.isClosed = true;
    for (const meter of this.#meters) meter.close();
  }

  /** No engine will come. */
  #abandon(): void {
    this.#counts.dropped.engine_loading += this.#waiting?.length ?? 0;
    this.#waiting = undefined;
  }

  #late(instrument: SyncInstrument, value: number, given: Given): void {
    const { dropped } = this.#counts;
    if (this.#shared.isClosed) dropped.after_shutdown++;
    else if (this.#waiting === undefined || this.#waiting.length >= MAX_WAITING) {
      dropped.engine_loading++;
    } else {
      // The span that is active now, not when the engine is there.
      const { attributes, context = currentContext() } = given;
      this.#waiting.push({ instrument, value, given: { attributes: copied(attributes), context } });
    }
  }

  /**
   * Lets every reader export what there is.
   *
   * @throws OtlpError `timeout`, where one of them failed.
   */
  async forceFlush(options?: { timeoutMillis?: number }): Promise<void> {
    await this.#each('forceFlush', (reader) => reader.forceFlush(options));
  }

  /**
   * Lets every reader export what there is for the last time. What is measured afterwards is
   * counted as dropped. A second call returns the first one's promise.
   *
   * @throws OtlpError `timeout`, where one of them failed.
   */
  shutdown(options?: { timeoutMillis?: number }): Promise<void> {
    if (this.#down === undefined) {
      this.#close();
      this.#down = this.#each('shutdown', (reader) => reader.shutdown(options));
    }
    return this.#down;
  }

  async #each(what: string, call: (reader: MetricReader) => Promise<void>): Promise<void> {
    const failures: unknown[] = [];
    const calls = this.#collectors.map(async ({ reader }) => {
      try {
        await call(reader);
      } catch (error) {
        failures.push(error);
      }
    });
    await Promise.all(calls);
    if (failures.length === 0) return;
    throw new OtlpError('timeout', `${what} failed for ${failures.length} metric readers.`, {
      cause: failures[0],
    });
  }

  health(): MetricHealth {
    const usage = this.#shared.cells?.usage;
    const { overflowed, invalid, dropped } = this.#counts;
    return {
      series: this.#meters.reduce((sum, meter) => sum + meter.series, 0),
      overflowed,
      invalid,
      dropped: { ...dropped },
      usedBytes: usage?.usedBytes ?? 0,
      maxBytes: usage?.maxBytes ?? 0,
    };
  }
}

function copied(attributes: unknown): unknown {
  try {
    return { ...(attributes as object) };
  } catch {
    return undefined;
  }
}

function checked(options: MeterProviderOptions): MeterProviderOptions {
  const { views, viewMatchingMode, exemplarFilter, cardinalityLimit, meterConfigurator } = options;
  const filters = ['always_on', 'always_off', 'trace_based'];
  if (exemplarFilter !== undefined && !filters.includes(exemplarFilter)) {
    throw new OtlpError(
      'invalid_option',
      `exemplarFilter is ${JSON.stringify(exemplarFilter)}; use one of ${filters.join(', ')}.`,
    );
  }
  const isLimit = Number.isInteger(cardinalityLimit) && cardinalityLimit! > 0;
  if (cardinalityLimit !== undefined && !isLimit) {
    throw new OtlpError(
      'invalid_option',
      `cardinalityLimit is ${cardinalityLimit}; use a positive integer.`,
    );
  }
  return { views, viewMatchingMode, exemplarFilter, cardinalityLimit, meterConfigurator };
}

function viewsOf({ views, viewMatchingMode }: MeterProviderOptions): Views {
  return new Views(views ?? [], viewMatchingMode ?? 'independent');
}
