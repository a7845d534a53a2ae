/**
 * What a request of metrics says, whoever encoded it, as the official decoder reads it: a plain tree
 * in which an integer is not a double, times and counts are bigint and ids hexadecimal.
 */

import { createRequire } from 'node:module';
import {
  bits,
  hex,
  type ModelAttributes,
  type ModelResource,
  type ModelScope,
  attributes as modelAttributes,
} from './trace-model.ts';

const { opentelemetry } = createRequire(import.meta.url)(
  'otlp-decoder/build/src/generated/root.js',
);
const { ExportMetricsServiceRequest } = opentelemetry.proto.collector.metrics.v1;

export type ModelNumber = { readonly int: bigint } | { readonly double: number };

export interface ModelExemplar {
  readonly filteredAttributes: ModelAttributes;
  readonly timeUnixNano: bigint;
  readonly value: ModelNumber | undefined;
  readonly traceId: string;
  readonly spanId: string;
}

interface ModelPointBase {
  readonly attributes: ModelAttributes;
  readonly startTimeUnixNano: bigint;
  readonly timeUnixNano: bigint;
  readonly flags: number;
  readonly exemplars: readonly ModelExemplar[];
}

export interface ModelNumberPoint extends ModelPointBase {
  readonly value: ModelNumber | undefined;
}

export interface ModelHistogramPoint extends ModelPointBase {
  readonly count: bigint;
  readonly sum: number | undefined;
  readonly min: number | undefined;
  readonly max: number | undefined;
  readonly boundaries: readonly number[];
  readonly bucketCounts: readonly bigint[];
}

export interface ModelBuckets {
  readonly offset: number;
  readonly bucketCounts: readonly bigint[];
}

export interface ModelExponentialPoint extends ModelPointBase {
  readonly count: bigint;
  readonly sum: number | undefined;
  readonly min: number | undefined;
  readonly max: number | undefined;
  readonly scale: number;
  readonly zeroCount: bigint;
  readonly zeroThreshold: number;
  readonly positive: ModelBuckets;
  readonly negative: ModelBuckets;
}

export interface ModelSummaryPoint extends ModelPointBase {
  readonly count: bigint;
  readonly sum: number;
  readonly quantiles: readonly { readonly quantile: number; readonly value: number }[];
}

export type ModelPoint =
  | ModelNumberPoint
  | ModelHistogramPoint
  | ModelExponentialPoint
  | ModelSummaryPoint;

export interface ModelMetric {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly kind: 'sum' | 'gauge' | 'histogram' | 'exponentialHistogram' | 'summary';
  /** 1 delta, 2 cumulative; undefined where the kind has none. */
  readonly temporality: number | undefined;
  readonly monotonic: boolean | undefined;
  readonly points: readonly ModelPoint[];
}

export interface ModelScopeMetrics extends ModelScope {
  readonly metrics: readonly ModelMetric[];
}

export interface ModelResourceMetrics extends ModelResource {
  readonly scopes: readonly ModelScopeMetrics[];
}

export type ModelMetricsRequest = readonly ModelResourceMetrics[];

// biome-ignore lint/suspicious/noExplicitAny: generated code without useful types
type Message = any;

/** A field with presence: the decoder puts its default on the prototype. */
const given = (message: Message, field: string) =>
  Object.hasOwn(message, field) ? message[field] : undefined;

function number(message: Message): ModelNumber | undefined {
  if (Object.hasOwn(message, 'asInt')) return { int: BigInt.asIntN(64, bits(message.asInt)) };
  if (Object.hasOwn(message, 'asDouble')) return { double: message.asDouble };
  return undefined;
}

function exemplar(message: Message): ModelExemplar {
  return {
    filteredAttributes: modelAttributes(message.filteredAttributes),
    timeUnixNano: bits(message.timeUnixNano),
    value: number(message),
    traceId: hex(message.traceId),
    spanId: hex(message.spanId),
  };
}

function base(message: Message): ModelPointBase {
  return {
    attributes: modelAttributes(message.attributes),
    startTimeUnixNano: bits(message.startTimeUnixNano),
    timeUnixNano: bits(message.timeUnixNano),
    flags: message.flags ?? 0,
    exemplars: (message.exemplars ?? []).map(exemplar),
  };
}

const distribution = (message: Message) => ({
  count: bits(message.count),
  sum: given(message, 'sum'),
  min: given(message, 'min'),
  max: given(message, 'max'),
});

const buckets = (message: Message): ModelBuckets => ({
  offset: message?.offset ?? 0,
  bucketCounts: (message?.bucketCounts ?? []).map(bits),
});

const POINT: Readonly<Record<ModelMetric['kind'], (message: Message) => ModelPoint>> = {
  sum: (message) => ({ ...base(message), value: number(message) }),
  gauge: (message) => ({ ...base(message), value: number(message) }),
  histogram: (message) => ({
    ...base(message),
    ...distribution(message),
    boundaries: [...message.explicitBounds],
    bucketCounts: message.bucketCounts.map(bits),
  }),
  exponentialHistogram: (message) => ({
    ...base(message),
    ...distribution(message),
    scale: message.scale ?? 0,
    zeroCount: bits(message.zeroCount),
    zeroThreshold: message.zeroThreshold ?? 0,
    positive: buckets(message.positive),
    negative: buckets(message.negative),
  }),
  summary: (message) => ({
    ...base(message),
    count: bits(message.count),
    sum: message.sum ?? 0,
    quantiles: message.quantileValues.map((each: Message) => ({
      quantile: each.quantile ?? 0,
      value: each.value ?? 0,
    })),
  }),
};

function metric(message: Message): ModelMetric {
  const kinds = Object.keys(POINT) as ModelMetric['kind'][];
  const kind = kinds.find((each) => Object.hasOwn(message, each));
  if (kind === undefined) throw new Error(`metric ${message.name} has no data`);
  const data = message[kind];
  const temporal = kind === 'sum' || kind.endsWith('istogram');
  return {
    name: message.name ?? '',
    description: message.description ?? '',
    unit: message.unit ?? '',
    kind,
    temporality: temporal ? (data.aggregationTemporality ?? 0) : undefined,
    monotonic: kind === 'sum' ? (data.isMonotonic ?? false) : undefined,
    points: data.dataPoints.map(POINT[kind]),
  };
}

/** An ExportMetricsServiceRequest as the official decoder reads it. */
export function decodeMetricsOfficially(request: Uint8Array): ModelMetricsRequest {
  const { resourceMetrics } = ExportMetricsServiceRequest.decode(request);
  return resourceMetrics.map((resource: Message) => ({
    attributes: modelAttributes(resource.resource?.attributes ?? []),
    droppedAttributes: resource.resource?.droppedAttributesCount ?? 0,
    schemaUrl: resource.schemaUrl ?? '',
    scopes: resource.scopeMetrics.map((scope: Message) => ({
      name: scope.scope?.name ?? '',
      version: scope.scope?.version ?? '',
      attributes: modelAttributes(scope.scope?.attributes ?? []),
      droppedAttributes: scope.scope?.droppedAttributesCount ?? 0,
      schemaUrl: scope.schemaUrl ?? '',
      metrics: scope.metrics.map(metric),
    })),
  }));
}
