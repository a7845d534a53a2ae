/**
 * What a program does with metrics, as data: the same plan is played to any MeterProvider, through
 * the OpenTelemetry API alone, and collected as often as the plan says.
 *
 * Values are multiples of 1/64 and not too large, so that sums are exact in whatever order they are
 * added. Plans hold only what both SDKs take alike; what they do not is in the tests by itself.
 */

import {
  type Attributes,
  type Counter,
  type Gauge,
  type Histogram,
  type Meter,
  type MetricOptions,
  type Observable,
  ValueType,
} from '@opentelemetry/api';
import type { SeededRandom } from './random.ts';

export const SYNC_KINDS = ['counter', 'upDownCounter', 'gauge', 'histogram'] as const;
export const ASYNC_KINDS = [
  'observableCounter',
  'observableUpDownCounter',
  'observableGauge',
] as const;

export type InstrumentKind = (typeof SYNC_KINDS)[number] | (typeof ASYNC_KINDS)[number];

/** Upstream's `InstrumentType`, and ours. */
export const TYPE_OF = {
  counter: 'COUNTER',
  upDownCounter: 'UP_DOWN_COUNTER',
  gauge: 'GAUGE',
  histogram: 'HISTOGRAM',
  observableCounter: 'OBSERVABLE_COUNTER',
  observableUpDownCounter: 'OBSERVABLE_UP_DOWN_COUNTER',
  observableGauge: 'OBSERVABLE_GAUGE',
} as const satisfies Record<InstrumentKind, string>;

export interface InstrumentPlan {
  readonly kind: InstrumentKind;
  readonly meter: number;
  readonly name: string;
  readonly options: MetricOptions | undefined;
}

/** What is chosen of the aggregations, with upstream's numbers in `metricProviders`. */
export type AggregationPlan =
  | { readonly type: 'drop' | 'sum' | 'lastValue' }
  | {
      readonly type: 'explicit';
      readonly boundaries: readonly number[];
      readonly recordMinMax?: boolean;
    }
  | { readonly type: 'exponential'; readonly maxSize?: number; readonly recordMinMax?: boolean };

export interface ViewPlan {
  readonly instrumentName?: string;
  readonly instrumentType?: (typeof TYPE_OF)[InstrumentKind];
  readonly instrumentUnit?: string;
  readonly meterName?: string;
  readonly name?: string;
  readonly description?: string;
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
  readonly aggregation?: AggregationPlan;
  readonly cardinalityLimit?: number;
}

export interface ReaderPlan {
  readonly temporality: 'cumulative' | 'delta';
  /** What histograms become without a view. */
  readonly histogram: 'explicit' | 'exponential';
  readonly cardinalityLimit: number;
}

/** A measurement of a synchronous instrument; without attributes they are left out of the call. */
export interface Measurement {
  readonly instrument: number;
  readonly value: number;
  readonly attributes: Attributes | undefined;
}

/** What a callback observes of its instrument. */
export interface Observation {
  readonly value: number;
  readonly attributes: Attributes | undefined;
}

/** What happens until the next collection, and which reader collects. */
export interface Interval {
  readonly measurements: readonly Measurement[];
  /** Of each asynchronous instrument. */
  readonly observations: ReadonlyMap<number, readonly Observation[]>;
  readonly reader: number;
}

export interface MetricPlan {
  readonly meters: readonly { readonly name: string; readonly version: string }[];
  readonly instruments: readonly InstrumentPlan[];
  readonly views: readonly ViewPlan[];
  readonly readers: readonly ReaderPlan[];
  readonly intervals: readonly Interval[];
}

// ---- Plans by chance.

export interface PlanOptions {
  readonly views?: boolean;
  readonly readers?: number;
  readonly intervals?: number;
  /** Instruments; by default one of each kind and a few more. */
  readonly kinds?: readonly InstrumentKind[];
  readonly cardinalityLimit?: number;
  /** Attribute sets that one instrument sees at most. */
  readonly sets?: number;
}

function pick<T>(pool: readonly T[], random: SeededRandom): T {
  return pool[random.below(pool.length)]!;
}

const KEYS = ['method', 'route', 'status', 'cached', 'tenant.id', 'größe', '0', '__proto__x'];
const BOUNDARIES: readonly (readonly number[])[] = [
  [],
  [0],
  [1, 2, 4, 8, 16],
  [-16, -1, 0, 0.5, 100],
  [0.015625, 0.25, 3.5, 1e3, 1e6, 1e9],
];

function attributeValue(random: SeededRandom): Attributes[string] {
  switch (random.below(6)) {
    case 0:
      return random.below(4);
    case 1:
      return random.below(2) === 0;
    case 2:
      return `v${random.below(5)}`;
    case 3:
      return ['a', 'b', 'c'].slice(0, 1 + random.below(3));
    case 4:
      return random.below(8) / 4 + 0.125;
    default:
      return pick(['', 'ä', 'GET', '0', 'true', '日本語'], random);
  }
}

/** The pairs of a set in a random order: what an object says does not depend on it. */
function shuffled(set: readonly (readonly [string, Attributes[string]])[], random: SeededRandom) {
  const pairs = [...set];
  for (let i = pairs.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [pairs[i], pairs[j]] = [pairs[j]!, pairs[i]!];
  }
  return Object.fromEntries(pairs);
}

type Pairs = readonly (readonly [string, Attributes[string]])[];

function attributeSets(count: number, random: SeededRandom): Pairs[] {
  const sets: Pairs[] = [];
  const seen = new Set<string>();
  while (sets.length < count) {
    const keys = KEYS.filter(() => random.below(3) > 0).slice(0, 1 + random.below(6));
    const pairs: Pairs = keys.map((key) => [key, attributeValue(random)] as const);
    const text = JSON.stringify(pairs);
    if (pairs.length === 0 || seen.has(text)) continue;
    seen.add(text);
    sets.push(pairs);
  }
  return sets;
}

function options(kind: InstrumentKind, random: SeededRandom): MetricOptions | undefined {
  if (random.below(4) === 0) return undefined;
  return {
    ...(random.below(2) === 0 && { description: `what ${kind} says` }),
    ...(random.below(2) === 0 && { unit: pick(['ms', 's', '{request}', 'By'], random) }),
    ...(random.below(2) === 0 && { valueType: pick([ValueType.INT, ValueType.DOUBLE], random) }),
    ...(kind === 'histogram' &&
      random.below(2) === 0 && {
        advice: { explicitBucketBoundaries: [...pick(BOUNDARIES, random)] },
      }),
  };
}

function aggregation(isSync: boolean, random: SeededRandom): AggregationPlan {
  const recordMinMax = random.below(3) > 0;
  switch (random.below(isSync ? 5 : 3)) {
    case 0:
      return { type: 'drop' };
    case 1:
      return { type: 'sum' };
    case 2:
      return { type: 'lastValue' };
    case 3:
      return { type: 'explicit', boundaries: pick(BOUNDARIES, random), recordMinMax };
    default:
      return { type: 'exponential', maxSize: pick([2, 4, 20, 160], random), recordMinMax };
  }
}

function view(
  instrument: InstrumentPlan,
  meters: MetricPlan['meters'],
  random: SeededRandom,
): ViewPlan {
  const byName = random.below(2) === 0;
  const byType = !byName && random.below(2) === 0;
  const chosen: ViewPlan = byName
    ? { instrumentName: instrument.name }
    : byType
      ? { instrumentType: TYPE_OF[instrument.kind] }
      : pick<ViewPlan>(
          [
            { instrumentName: '*' },
            { instrumentName: `${instrument.name.slice(0, 8)}*` },
            { meterName: meters[instrument.meter]!.name },
            { instrumentUnit: 'ms' },
          ],
          random,
        );
  const keys = KEYS.filter(() => random.below(2) === 0);
  // Asynchronous ones are for themselves: they have no histograms, and what a view makes of two
  // observations of one callback is the subject of a test of its own.
  const isSync = (byName || byType) && instrument.kind in SYNC;
  return {
    ...chosen,
    ...(byName && random.below(3) === 0 && { meterName: meters[instrument.meter]!.name }),
    ...(byName && random.below(2) === 0 && { name: `renamed.${instrument.name}` }),
    ...(random.below(3) === 0 && { description: 'as a view has it' }),
    ...(isSync && random.below(2) === 0 && { [pick(['allow', 'deny'], random)]: keys }),
    ...(random.below(2) === 0 && { aggregation: aggregation(isSync, random) }),
  };
}

/** Whether a view of a plan is for an instrument. */
export function selects(
  view: ViewPlan,
  instrument: InstrumentPlan,
  plan: Pick<MetricPlan, 'meters'>,
) {
  const { instrumentName = '*', instrumentType, instrumentUnit, meterName } = view;
  const [before, after] = instrumentName.split('*');
  const isNamed =
    after === undefined ? instrument.name === before : instrument.name.startsWith(before!);
  return (
    isNamed &&
    (instrumentType === undefined || instrumentType === TYPE_OF[instrument.kind]) &&
    (instrumentUnit === undefined || instrumentUnit === instrument.options?.unit) &&
    (meterName === undefined || meterName === plan.meters[instrument.meter]!.name)
  );
}

/**
 * Views of which no two make a metric of the same name of one instrument. (Upstream lets such
 * metrics share their state, and counts each measurement twice.)
 */
function views(
  count: number,
  plan: Pick<MetricPlan, 'meters' | 'instruments'>,
  random: SeededRandom,
): ViewPlan[] {
  const made = new Set<string>();
  const chosen: ViewPlan[] = [];
  for (let n = 0; n < count; n++) {
    const candidate = view(pick(plan.instruments, random), plan.meters, random);
    const names = plan.instruments
      .filter((instrument) => selects(candidate, instrument, plan))
      .map((instrument) => `${instrument.meter} ${candidate.name ?? instrument.name}`);
    if (names.some((name) => made.has(name))) continue;
    for (const name of names) made.add(name);
    chosen.push(candidate);
  }
  return chosen;
}

const SYNC: Readonly<Record<string, true>> = {
  counter: true,
  upDownCounter: true,
  gauge: true,
  histogram: true,
};

function number(kind: InstrumentKind, random: SeededRandom): number {
  const magnitude = 2 ** random.below(24);
  const value = Math.floor(random.next() * magnitude * 64) / 64;
  const negative = kind === 'upDownCounter' || kind.endsWith('auge') || kind.includes('UpDown');
  const signed = negative && random.below(2) === 0 ? -value : value;
  // Whole numbers and zeros are what most instruments see.
  switch (random.below(8)) {
    case 0:
      return 0;
    case 1:
    case 2:
      return Math.trunc(signed);
    default:
      return signed;
  }
}

export function randomMetricPlan(random: SeededRandom, planOptions: PlanOptions = {}): MetricPlan {
  const {
    views: withViews = false,
    readers = 1,
    intervals = 2 + random.below(4),
    kinds = [...SYNC_KINDS, ...ASYNC_KINDS, pick([...SYNC_KINDS], random)],
    cardinalityLimit = 2000,
    sets = 8,
  } = planOptions;
  const meters = [
    { name: 'shop', version: '1.0.0' },
    { name: 'stock', version: '' },
  ];
  const instruments = kinds.map(
    (kind, at): InstrumentPlan => ({
      kind,
      meter: random.below(meters.length),
      name: `${kind}.${at}`,
      options: options(kind, random),
    }),
  );
  const setsOf = instruments.map(() => attributeSets(1 + random.below(sets), random));
  const attributesOf = (at: number): Attributes | undefined =>
    random.below(12) === 0 ? undefined : shuffled(pick(setsOf[at]!, random), random);
  const sync = instruments.flatMap(({ kind }, at) => (kind in SYNC ? [at] : []));
  const async = instruments.flatMap(({ kind }, at) => (kind in SYNC ? [] : [at]));
  const grown = new Map<string, number>();

  function observed(at: number): Observation[] {
    const { kind } = instruments[at]!;
    const total = (key: string, value: number) => {
      if (kind !== 'observableCounter') return value;
      // What is observed of a counter is its total.
      const grownTo = value + (grown.get(key) ?? 0);
      grown.set(key, grownTo);
      return grownTo;
    };
    return [...setsOf[at]!, []]
      .filter(() => readers > 1 || random.below(4) > 0)
      .map((pairs) => ({
        value: total(`${at} ${JSON.stringify(pairs)}`, number(kind, random)),
        attributes: pairs.length === 0 ? undefined : shuffled(pairs, random),
      }));
  }

  const chosenViews = withViews ? views(1 + random.below(4), { meters, instruments }, random) : [];
  const chosenReaders = Array.from(
    { length: readers },
    (): ReaderPlan => ({
      temporality: pick(['cumulative', 'delta'], random),
      // A view without an aggregation: the specification asks the reader, upstream does not.
      histogram: withViews ? 'explicit' : pick(['explicit', 'exponential'], random),
      cardinalityLimit,
    }),
  );
  // Upstream cannot add a collection without anything but zeros to an exponential histogram: a
  // test of its own looks at zeros.
  const isExponential =
    chosenReaders.some(({ histogram }) => histogram === 'exponential') ||
    chosenViews.some((each) => each.aggregation?.type === 'exponential');
  const usable = ({ value }: Measurement) => !isExponential || Math.abs(value) >= 1;
  return {
    meters,
    instruments,
    views: chosenViews,
    readers: chosenReaders,
    intervals: Array.from(
      { length: intervals },
      (): Interval => ({
        measurements: Array.from({ length: sync.length > 0 ? random.below(60) : 0 }, () => {
          const instrument = pick(sync, random);
          const { kind } = instruments[instrument]!;
          return { instrument, value: number(kind, random), attributes: attributesOf(instrument) };
        }).filter(usable),
        observations: new Map(async.map((at) => [at, observed(at)] as const)),
        reader: random.below(readers),
      }),
    ),
  };
}

// ---- Playing them.

interface SomeProvider {
  getMeter(name: string, version?: string): Meter;
}

/** A plan's instruments on a provider. */
export interface Played {
  /** Makes the measurements of an interval, and sets what callbacks observe in it. */
  play(interval: Interval): void;
}

function isCounter(instrument: object): instrument is Counter {
  return 'add' in instrument;
}

export function playOn(provider: SomeProvider, plan: MetricPlan): Played {
  const meters = plan.meters.map(({ name, version }) => provider.getMeter(name, version));
  let observations: Interval['observations'] = new Map();
  const observe = (observable: Observable, at: number): Observable => {
    observable.addCallback((result) => {
      for (const { value, attributes } of observations.get(at) ?? []) {
        if (attributes === undefined) result.observe(value);
        else result.observe(value, attributes);
      }
    });
    return observable;
  };
  const create = ({ kind, meter: meterAt, name, options }: InstrumentPlan, at: number): object => {
    const meter = meters[meterAt]!;
    if (kind === 'counter') return meter.createCounter(name, options);
    if (kind === 'upDownCounter') return meter.createUpDownCounter(name, options);
    if (kind === 'gauge') return meter.createGauge(name, options);
    if (kind === 'histogram') return meter.createHistogram(name, options);
    if (kind === 'observableGauge') return observe(meter.createObservableGauge(name, options), at);
    return kind === 'observableCounter'
      ? observe(meter.createObservableCounter(name, options), at)
      : observe(meter.createObservableUpDownCounter(name, options), at);
  };
  const instruments = plan.instruments.map(create);
  return {
    play(interval) {
      observations = interval.observations;
      for (const { instrument: at, value, attributes } of interval.measurements) {
        const instrument = instruments[at]!;
        const rest: [Attributes] | [] = attributes === undefined ? [] : [attributes];
        if (isCounter(instrument)) instrument.add(value, ...rest);
        else (instrument as Gauge | Histogram).record(value, ...rest);
      }
    },
  };
}
