import {
  braced,
  type JsonAttributes,
  type Origin,
  originLines,
  quoted,
  timeOf,
} from './console-text.ts';

/** A double, whose three odd ones are strings. */
type JsonNumber = number | string;

interface JsonBuckets {
  readonly offset?: number;
  readonly bucketCounts?: readonly string[];
}

interface JsonExemplar {
  readonly timeUnixNano?: string;
  readonly asDouble?: JsonNumber;
  readonly asInt?: string;
  readonly traceId?: string;
  readonly spanId?: string;
  readonly filteredAttributes?: JsonAttributes;
}

/** Of any kind. */
interface JsonPoint {
  readonly attributes?: JsonAttributes;
  readonly startTimeUnixNano?: string;
  readonly timeUnixNano?: string;
  readonly flags?: number;
  readonly asDouble?: JsonNumber;
  readonly asInt?: string;
  readonly count?: string;
  readonly sum?: JsonNumber;
  readonly min?: JsonNumber;
  readonly max?: JsonNumber;
  readonly bucketCounts?: readonly string[];
  readonly explicitBounds?: readonly JsonNumber[];
  readonly scale?: number;
  readonly zeroCount?: string;
  readonly zeroThreshold?: JsonNumber;
  readonly positive?: JsonBuckets;
  readonly negative?: JsonBuckets;
  readonly quantileValues?: readonly { readonly quantile?: number; readonly value?: JsonNumber }[];
  readonly exemplars?: readonly JsonExemplar[];
}

interface JsonData {
  readonly dataPoints?: readonly JsonPoint[];
  readonly aggregationTemporality?: number;
  readonly isMonotonic?: boolean;
}

const KINDS = {
  gauge: 'gauge',
  sum: 'sum',
  histogram: 'histogram',
  exponentialHistogram: 'exponential histogram',
  summary: 'summary',
} as const;

type Kind = keyof typeof KINDS;

export type JsonMetric = Partial<Readonly<Record<Kind, JsonData>>> & {
  readonly name?: string;
  readonly description?: string;
  readonly unit?: string;
};

const TEMPORALITIES = ['unspecified', 'delta', 'cumulative'];

function dataOf(metric: JsonMetric): readonly [Kind, JsonData] | undefined {
  const kind = (Object.keys(KINDS) as Kind[]).find((one) => metric[one] !== undefined);
  return kind && [kind, metric[kind]!];
}

export function pointsIn(metric: JsonMetric): number {
  return dataOf(metric)?.[1].dataPoints?.length ?? 0;
}

/** One entry for all data points of a metric. */
export function metricEntry(metric: JsonMetric, origin: Origin): string {
  const { name = '', unit, description } = metric;
  const [kind, data] = dataOf(metric) ?? [];
  const temporality = data?.aggregationTemporality;
  const how = [
    kind === undefined ? 'no data' : KINDS[kind],
    ...(temporality === undefined ? [] : [TEMPORALITIES[temporality] ?? String(temporality)]),
    ...(data?.isMonotonic ? ['monotonic'] : []),
  ];
  const lines = [`metric ${quoted(name)}`, `  kind        ${how.join(', ')}`];
  if (unit !== undefined) lines.push(`  unit        ${quoted(unit)}`);
  if (description !== undefined) lines.push(`  description ${quoted(description)}`);
  lines.push(...originLines(origin));
  for (const point of data?.dataPoints ?? []) {
    lines.push(`  point${braced(point.attributes)}`, ...pointLines(point));
  }
  return lines.join('\n');
}

const NO_RECORDED_VALUE = 1;

function pointLines(point: JsonPoint): string[] {
  const { startTimeUnixNano: start, timeUnixNano: time = '0', flags = 0, asInt, asDouble } = point;
  const lines: string[] = [];
  const add = (title: string, value: string | number | undefined) => {
    if (value !== undefined) lines.push(`    ${title.padEnd(9)} ${numberText(value)}`);
  };
  if (start !== undefined) add('start', timeOf(start));
  add('time', timeOf(time));
  if ((flags & NO_RECORDED_VALUE) !== 0) add('value', 'none recorded');
  else add('value', asInt ?? asDouble);
  const isDistribution = asInt === undefined && asDouble === undefined && isCounted(point);
  if (isDistribution) {
    add('count', point.count ?? '0');
    add('sum', point.sum);
    add('min', point.min);
    add('max', point.max);
    lines.push(...bucketLines(point));
    for (const { quantile = 0, value = 0 } of point.quantileValues ?? []) {
      lines.push(`    quantile  ${quantile}: ${numberText(value)}`);
    }
  }
  for (const exemplar of point.exemplars ?? [])
    lines.push(`    exemplar  ${exemplarText(exemplar)}`);
  return lines;
}

/** Points of numbers have none of these. */
function isCounted(point: JsonPoint): boolean {
  return (
    point.count !== undefined ||
    point.sum !== undefined ||
    point.bucketCounts !== undefined ||
    point.positive !== undefined ||
    point.quantileValues !== undefined
  );
}

/** Those that hold something, with their bounds. */
function bucketLines(point: JsonPoint): string[] {
  const { explicitBounds = [], bucketCounts, scale = 0, zeroCount, zeroThreshold = 0 } = point;
  const lines: string[] = [];
  const add = (range: string, count: string) => {
    if (count !== '0') lines.push(`    bucket    ${range}: ${count}`);
  };
  bucketCounts?.forEach((count, i) => {
    const from = i === 0 ? '-Infinity' : numberText(explicitBounds[i - 1]!);
    const isLast = i === explicitBounds.length;
    add(`(${from}, ${isLast ? 'Infinity)' : `${numberText(explicitBounds[i]!)}]`}`, count);
  });
  // base^index with a base of 2^(2^-scale)
  const bound = (index: number) => Number((2 ** (index * 2 ** -scale)).toPrecision(6));
  const { negative, positive } = point;
  negative?.bucketCounts
    ?.map((count, i): readonly [number, string] => [(negative.offset ?? 0) + i, count])
    .reverse()
    .forEach(([index, count]) => {
      add(`[-${bound(index + 1)}, -${bound(index)})`, count);
    });
  if (zeroCount !== undefined) {
    add(zeroThreshold === 0 ? '0' : `[-${zeroThreshold}, ${zeroThreshold}]`, zeroCount);
  }
  positive?.bucketCounts?.forEach((count, i) => {
    const index = (positive.offset ?? 0) + i;
    add(`(${bound(index)}, ${bound(index + 1)}]`, count);
  });
  return lines;
}

function exemplarText(exemplar: JsonExemplar): string {
  const { timeUnixNano = '0', asInt, asDouble = 0, traceId, spanId } = exemplar;
  const trace = traceId === undefined ? '' : ` trace id ${traceId} span id ${spanId ?? ''}`;
  const value = numberText(asInt ?? asDouble);
  return `${timeOf(timeUnixNano)} ${value}${braced(exemplar.filteredAttributes)}${trace}`;
}

function numberText(value: JsonNumber): string {
  return Object.is(value, -0) ? '-0' : String(value);
}
