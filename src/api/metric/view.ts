import type { Attributes, Context } from '@opentelemetry/api';
import { OtlpError } from '../../errors.ts';
import {
  AGGREGATION_DEFAULT,
  type Aggregation,
  type AggregationOption,
  boundariesOf,
  type InstrumentKind,
  isAsync,
  resolveAggregation,
} from './aggregation.ts';
import type { KeyFilter } from './attribute-sets.ts';
import type { MetricDescriptor, MetricScope } from './data.ts';
import type { ReservoirFactory } from './exemplar.ts';
import { hasWildcard, wildcard } from './wildcard.ts';

/** Changes attributes before they are looked at: upstream's `IAttributesProcessor`. */
export interface AttributesProcessor {
  process(incoming: Attributes, context?: Context): Attributes;
}

/**
 * Selects instruments and says what becomes of what they measure (specification, "View"). An
 * instrument has to meet all criteria that are given; at least one is needed. What is left out of
 * the stream is as the instrument and the reader say.
 */
export interface ViewOptions {
  /** Name; `*` stands for any characters or none, `?` for exactly one. Case does not matter. */
  readonly instrumentName?: string | undefined;
  readonly instrumentType?: InstrumentKind | undefined;
  readonly instrumentUnit?: string | undefined;
  readonly meterName?: string | undefined;
  readonly meterVersion?: string | undefined;
  readonly meterSchemaUrl?: string | undefined;
  /** Name of the metric. Only for views that select at most one instrument of a meter. */
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  /** Attribute keys that are kept; all others are dropped. `*` and `?` as above, case matters. */
  readonly allowAttributes?: readonly string[] | undefined;
  /** Attribute keys that are dropped; they win where both lists name a key. */
  readonly denyAttributes?: readonly string[] | undefined;
  /**
   * Upstream's way to change attributes. Each measurement then takes several times as long: prefer
   * the two lists.
   */
  readonly attributesProcessors?: readonly AttributesProcessor[] | undefined;
  readonly aggregation?: AggregationOption | undefined;
  /** Series at most, that of the overflow included. */
  readonly aggregationCardinalityLimit?: number | undefined;
  /** Makes a reservoir for each series in place of the default one. */
  readonly exemplarReservoir?: ReservoirFactory | undefined;
}

/**
 * What several views that match one instrument come to: each a stream of its own (`independent`,
 * default), or together one for each name (`composable`; specification, "View matching mode").
 */
export type ViewMatchingMode = 'independent' | 'composable';

/** What an instrument is (specification, "Instrument"); `name` as it was first seen. */
export interface InstrumentDescriptor extends MetricDescriptor {
  readonly type: InstrumentKind;
  readonly advice: {
    readonly explicitBucketBoundaries?: number[];
    /** Attribute keys that are kept where no view says which. */
    readonly attributes?: readonly string[];
  };
}

/** What a reader wants where no view says otherwise. */
export interface StreamDefaults {
  readonly aggregation: AggregationOption;
  readonly cardinalityLimit: number;
}

/** A metric that comes of an instrument. */
export interface StreamConfig {
  readonly name: string;
  readonly description: string;
  readonly aggregation: Aggregation;
  readonly filter: KeyFilter | undefined;
  readonly processors: readonly AttributesProcessor[] | undefined;
  readonly cardinalityLimit: number;
  readonly reservoir: ReservoirFactory | undefined;
  /** Whether a view has its say in the name, and in the description. */
  readonly renamed: boolean;
  readonly described: boolean;
}

/** The views of a provider, ready to be asked. */
export class Views {
  private readonly views: readonly View[];
  private readonly composable: boolean;

  /** @throws OtlpError `invalid_option` for one that selects nothing, or renames too many. */
  constructor(options: readonly ViewOptions[], mode: ViewMatchingMode = 'independent') {
    if (mode !== 'independent' && mode !== 'composable') {
      throw new OtlpError(
        'invalid_option',
        `viewMatchingMode is ${JSON.stringify(mode)}; use 'independent' or 'composable'.`,
      );
    }
    this.views = options.map((each, i) => viewOf(each, i));
    this.composable = mode === 'composable';
  }

  /** The streams of an instrument; none where all of them are dropped. */
  streamsOf(
    instrument: InstrumentDescriptor,
    scope: MetricScope,
    defaults: StreamDefaults,
    warn: (line: string) => void,
  ): StreamConfig[] {
    const matching = this.views.filter((view) => view.matches(instrument, scope));
    const groups = this.composable ? composed(matching) : matching.map((view) => [view.options]);
    const streams: StreamConfig[] = [];
    let applied = 0;
    for (const group of groups) {
      const stream = streamOf(group, instrument, defaults, warn);
      // It cannot be applied: as if there were no such view.
      if (stream === undefined) continue;
      applied++;
      if (stream !== 'drop') streams.push(stream);
    }
    if (applied > 0) return streams;
    const own = streamOf([{}], instrument, defaults, warn);
    return own === undefined || own === 'drop' ? [] : [own];
  }
}

interface View {
  readonly options: ViewOptions;
  matches(instrument: InstrumentDescriptor, scope: MetricScope): boolean;
}

function viewOf(options: ViewOptions, index: number): View {
  const refuse = (what: string) => new OtlpError('invalid_option', `view ${index} ${what}`);
  const { instrumentName, instrumentType, instrumentUnit } = options;
  const { meterName, meterVersion, meterSchemaUrl } = options;
  const criteria = [
    instrumentName,
    instrumentType,
    instrumentUnit,
    meterName,
    meterVersion,
    meterSchemaUrl,
  ];
  if (criteria.every((each) => each === undefined)) {
    throw refuse("selects nothing; give it an instrumentName, '*' for all instruments.");
  }
  if (options.name !== undefined && (instrumentName === undefined || hasWildcard(instrumentName))) {
    throw refuse(
      `would give the name '${options.name}' to several instruments; select one by its instrumentName.`,
    );
  }
  const limit = options.aggregationCardinalityLimit;
  if (limit !== undefined && !(Number.isInteger(limit) && limit > 0)) {
    throw refuse(`has the aggregationCardinalityLimit ${limit}; use a positive integer.`);
  }
  const isName = wildcard(instrumentName ?? '*', true);
  const isGiven = (wanted: string | undefined, seen: string | undefined) =>
    wanted === undefined || wanted === (seen ?? '');
  return {
    options,
    matches: (instrument, scope) =>
      isName(instrument.name) &&
      isGiven(instrumentType, instrument.type) &&
      isGiven(instrumentUnit, instrument.unit) &&
      isGiven(meterName, scope.name) &&
      isGiven(meterVersion, scope.version) &&
      isGiven(meterSchemaUrl, scope.schemaUrl),
  };
}

/** The matching views by the name they give; those that give none have their say in all. */
function composed(matching: readonly View[]): ViewOptions[][] {
  const names = new Set(matching.flatMap(({ options }) => options.name ?? []));
  const all = matching.map(({ options }) => options);
  if (names.size === 0) return all.length === 0 ? [] : [all];
  return [...names].map((name) => all.filter((each) => (each.name ?? name) === name));
}

/** Of views that are applied together, the last one that says something wins. */
function streamOf(
  views: readonly ViewOptions[],
  instrument: InstrumentDescriptor,
  defaults: StreamDefaults,
  warn: (line: string) => void,
): StreamConfig | 'drop' | undefined {
  const last = <K extends keyof ViewOptions>(name: K): ViewOptions[K] =>
    views.filter((view) => view[name] !== undefined).at(-1)?.[name];
  const aggregation = aggregationOf(views, instrument, defaults, warn);
  if (aggregation === undefined || aggregation === 'drop') return aggregation;
  const name = last('name');
  const description = last('description');
  const processors = views.flatMap((view) => view.attributesProcessors ?? []);
  return {
    name: name ?? instrument.name,
    description: description ?? instrument.description,
    aggregation,
    filter: filterOf(views, instrument),
    processors: processors.length === 0 ? undefined : processors,
    cardinalityLimit: last('aggregationCardinalityLimit') ?? defaults.cardinalityLimit,
    reservoir: last('exemplarReservoir'),
    renamed: name !== undefined,
    described: description !== undefined,
  };
}

function aggregationOf(
  views: readonly ViewOptions[],
  instrument: InstrumentDescriptor,
  defaults: StreamDefaults,
  warn: (line: string) => void,
): Aggregation | 'drop' | undefined {
  const { name, type, advice } = instrument;
  const resolve = (option: AggregationOption) =>
    resolveAggregation(option, type, advice.explicitBucketBoundaries);
  const asked = views.flatMap((view) => view.aggregation ?? []);
  for (const option of asked.reverse()) {
    const aggregation = resolve(option);
    if (aggregation !== undefined) return aggregation;
    warn(
      `a view asks for an aggregation that the instrument '${name}' (${type}) cannot have ` +
        `(${isAsync(type) ? 'asynchronous instruments have no histograms' : JSON.stringify(option)}); ` +
        'the view is not applied.',
    );
  }
  if (asked.length > 0 && views.length === 1) return undefined;
  return (
    resolve(defaults.aggregation) ??
    resolveAggregation({ type: AGGREGATION_DEFAULT }, type, undefined)
  );
}

/** Keys that all of the views keep; where none says which, those that the instrument asks for. */
function filterOf(
  views: readonly ViewOptions[],
  instrument: InstrumentDescriptor,
): KeyFilter | undefined {
  const allowed = views.flatMap((view) => (view.allowAttributes ? [view.allowAttributes] : []));
  const denied = views.flatMap((view) => view.denyAttributes ?? []);
  const isSaid =
    allowed.length > 0 ||
    views.some((view) => view.denyAttributes !== undefined) ||
    views.some((view) => view.attributesProcessors !== undefined);
  if (!isSaid && instrument.advice.attributes !== undefined) {
    allowed.push(instrument.advice.attributes);
  }
  if (allowed.length === 0 && denied.length === 0) return undefined;
  const isAllowed = allowed.map(anyOf);
  const isDenied = anyOf(denied);
  return {
    id: JSON.stringify([allowed.map((list) => [...list].sort()), [...denied].sort()]),
    keeps: (name) => isAllowed.every((matches) => matches(name)) && !isDenied(name),
  };
}

function anyOf(patterns: readonly string[]): (name: string) => boolean {
  const exact = new Set(patterns.filter((pattern) => !hasWildcard(pattern)));
  const wild = patterns.filter(hasWildcard).map((pattern) => wildcard(pattern, false));
  return (name) => exact.has(name) || wild.some((matches) => matches(name));
}

/** Advisory parameters without those that cannot be used, of which `warn` hears. */
export function adviceOf(
  given: unknown,
  name: string,
  warn: (line: string) => void,
): InstrumentDescriptor['advice'] {
  if (typeof given !== 'object' || given === null) return {};
  const { explicitBucketBoundaries, attributes } = given as Record<string, unknown>;
  const advice: { explicitBucketBoundaries?: number[]; attributes?: readonly string[] } = {};
  if (explicitBucketBoundaries !== undefined) {
    const boundaries = boundariesOf(explicitBucketBoundaries);
    if (boundaries === undefined) {
      warn(`the advised explicitBucketBoundaries of '${name}' are no list of numbers; left out.`);
    } else advice.explicitBucketBoundaries = [...boundaries];
  }
  if (attributes !== undefined) {
    if (Array.isArray(attributes) && attributes.every((each) => typeof each === 'string')) {
      advice.attributes = [...attributes];
    } else warn(`the advised attributes of '${name}' are no list of keys; left out.`);
  }
  return advice;
}
