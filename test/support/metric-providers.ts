/** A plan of metrics played to upstream's SDK, and to ours on an engine. */

import { ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  AggregationType,
  createAllowListAttributesProcessor,
  createDenyListAttributesProcessor,
  InstrumentType,
  MeterProvider,
  MetricReader,
  type AggregationOption as UpstreamAggregation,
  type ResourceMetrics as UpstreamResourceMetrics,
  type ViewOptions as UpstreamView,
} from '@opentelemetry/sdk-metrics';
import type { AggregationPlan, MetricPlan, ReaderPlan, ViewPlan } from './metric-plan.ts';
import { type Interval, playOn } from './metric-plan.ts';

/** What came of one collection of a plan, that of `reader`. */
export interface Collected {
  readonly reader: number;
  readonly request: Uint8Array;
  readonly errors: readonly unknown[];
}

/** A provider with a plan's readers and views. */
export interface PlannedProvider {
  play(interval: Interval): void;
  collect(reader: number): Promise<Collected>;
}

export const RESOURCE = { 'service.name': 'shop' };

class AskedReader extends MetricReader {
  async onForceFlush() {}
  async onShutdown() {}
}

function upstreamAggregation(plan: AggregationPlan): UpstreamAggregation {
  switch (plan.type) {
    case 'drop':
      return { type: AggregationType.DROP };
    case 'sum':
      return { type: AggregationType.SUM };
    case 'lastValue':
      return { type: AggregationType.LAST_VALUE };
    case 'explicit':
      return {
        type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM,
        options: {
          boundaries: [...plan.boundaries],
          ...(plan.recordMinMax !== undefined && { recordMinMax: plan.recordMinMax }),
        },
      };
    case 'exponential':
      return {
        type: AggregationType.EXPONENTIAL_HISTOGRAM,
        options: {
          ...(plan.maxSize !== undefined && { maxSize: plan.maxSize }),
          ...(plan.recordMinMax !== undefined && { recordMinMax: plan.recordMinMax }),
        },
      };
  }
}

function upstreamView(plan: ViewPlan): UpstreamView {
  const { instrumentType, allow, deny, aggregation, cardinalityLimit, ...rest } = plan;
  return {
    ...rest,
    ...(instrumentType && { instrumentType: InstrumentType[instrumentType] }),
    ...((allow || deny) && {
      attributesProcessors: [
        ...(allow ? [createAllowListAttributesProcessor([...allow])] : []),
        ...(deny ? [createDenyListAttributesProcessor([...deny])] : []),
      ],
    }),
    ...(aggregation && { aggregation: upstreamAggregation(aggregation) }),
    ...(cardinalityLimit !== undefined && { aggregationCardinalityLimit: cardinalityLimit }),
  };
}

/** Up-and-down counters are cumulative whatever is preferred (OTLP exporters, "temporality preference"). */
function upstreamReader(plan: ReaderPlan): AskedReader {
  return new AskedReader({
    aggregationTemporalitySelector: (type) =>
      plan.temporality === 'delta' && !type.endsWith('UP_DOWN_COUNTER')
        ? AggregationTemporality.DELTA
        : AggregationTemporality.CUMULATIVE,
    aggregationSelector: (type) => ({
      type:
        plan.histogram === 'exponential' && type === InstrumentType.HISTOGRAM
          ? AggregationType.EXPONENTIAL_HISTOGRAM
          : AggregationType.DEFAULT,
    }),
    cardinalitySelector: () => plan.cardinalityLimit,
  });
}

export interface UpstreamProvider extends PlannedProvider {
  collectObjects(reader: number): Promise<UpstreamResourceMetrics>;
}

export function upstreamOf(plan: MetricPlan): UpstreamProvider {
  const readers = plan.readers.map(upstreamReader);
  const provider = new MeterProvider({
    resource: resourceFromAttributes(RESOURCE),
    views: plan.views.map(upstreamView),
    readers,
  });
  const { play } = playOn(provider, plan);
  return {
    play,
    async collect(reader) {
      const { resourceMetrics, errors } = await readers[reader]!.collect();
      const request = ProtobufMetricsSerializer.serializeRequest(resourceMetrics);
      if (request === undefined) throw new Error('upstream did not serialize');
      return { reader, request, errors };
    },
    async collectObjects(reader) {
      return (await readers[reader]!.collect()).resourceMetrics;
    },
  };
}
