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
import { type AggregationOption, temporalityOf } from '../../src/api/metric/aggregation.ts';
import type { CollectionResult } from '../../src/api/metric/data.ts';
import {
  type MeterProviderOptions,
  RecordingMeterProvider,
} from '../../src/api/metric/provider.ts';
import { manualReader } from '../../src/api/metric/readers.ts';
import type { ViewOptions } from '../../src/api/metric/view.ts';
import { describe as describeAttributes } from '../../src/api/trace/attributes.ts';
import { Clock } from '../../src/api/trace/clock.ts';
import type { Cells } from '../../src/buffer/cells.ts';
import type { EngineName } from '../../src/engine/select.ts';
import { openCells } from './cells.ts';
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

// ---- Ours.

const OUR_AGGREGATIONS = { drop: 1, sum: 2, lastValue: 3 } as const;

function ourAggregation(plan: AggregationPlan): AggregationOption {
  switch (plan.type) {
    case 'explicit': {
      const { boundaries, recordMinMax } = plan;
      return { type: 4, options: { boundaries, recordMinMax } };
    }
    case 'exponential': {
      const { maxSize, recordMinMax } = plan;
      return { type: 5, options: { maxSize, recordMinMax } };
    }
    default:
      return { type: OUR_AGGREGATIONS[plan.type] };
  }
}

function ourView(plan: ViewPlan): ViewOptions {
  const { allow, deny, aggregation, cardinalityLimit, ...rest } = plan;
  return {
    ...rest,
    allowAttributes: allow,
    denyAttributes: deny,
    aggregation: aggregation && ourAggregation(aggregation),
    aggregationCardinalityLimit: cardinalityLimit,
  };
}

export interface OurProvider extends PlannedProvider {
  readonly provider: RecordingMeterProvider;
  readonly cells: Cells;
  /** The same as objects. */
  collectObjects(reader: number): Promise<CollectionResult>;
  /** What there was to warn of. */
  readonly warnings: readonly string[];
}

/** What a test needs beyond a plan. */
export type OurOptions = Pick<MeterProviderOptions, 'exemplarFilter'>;

export function oursOf(
  engine: EngineName,
  plan: Pick<MetricPlan, 'readers' | 'views'> & Partial<MetricPlan>,
  options: OurOptions = { exemplarFilter: 'always_off' },
): OurProvider {
  const readers = plan.readers.map((reader) =>
    manualReader({
      temporality: temporalityOf(reader.temporality),
      aggregation: (kind) => ({
        type: reader.histogram === 'exponential' && kind === 'HISTOGRAM' ? 5 : 0,
      }),
      cardinalityLimit: reader.cardinalityLimit,
    }),
  );
  const warnings: string[] = [];
  const cells = openCells(engine);
  const now = () => performance.now();
  const provider = new RecordingMeterProvider({
    ...options,
    cells,
    host: { now, setTimer: () => () => {} },
    clock: new Clock(now, () => Date.now(), performance.timeOrigin),
    resource: { attributes: describeAttributes(RESOURCE), schemaUrl: '' },
    readers,
    views: plan.views.map(ourView),
    warn: (line) => void warnings.push(line),
  });
  const { play } = playOn(provider, { meters: [], instruments: [], intervals: [], ...plan });
  return {
    provider,
    cells,
    warnings,
    play,
    async collect(reader) {
      const requests: Uint8Array[] = [];
      const { errors } = await readers[reader]!.collector!.collectRequests(
        { maxBytes: 4 << 20 },
        (bytes) => void requests.push(bytes.slice()),
      );
      // One after the other they are one: fields that repeat go on.
      return { reader, request: Buffer.concat(requests), errors };
    },
    collectObjects: (reader) => readers[reader]!.collect(),
  };
}
