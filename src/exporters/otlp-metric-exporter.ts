import {
  AGGREGATION_DEFAULT,
  AGGREGATION_EXPONENTIAL_HISTOGRAM,
  CUMULATIVE_TEMPORALITY,
  DELTA_TEMPORALITY,
  type InstrumentKind,
  LOW_MEMORY_TEMPORALITY,
  type TemporalitySelector,
  temporalityOf,
} from '../api/metric/aggregation.ts';
import type { AggregationTemporality, ResourceMetrics } from '../api/metric/data.ts';
import { refused } from '../options/checks.ts';
import type { ExportFormat } from '../request-bodies.ts';
import type { ExporterHost } from './exporter-host.ts';
import { type OTLPExporterConfig, withoutNulls } from './exporter-options.ts';
import { type MetricSources, metricEncoder, pointsOf } from './metric-encoder.ts';
import { type ExportedSignal, SignalExporter } from './signal-exporter.ts';

export {
  CUMULATIVE_TEMPORALITY as CumulativeTemporalitySelector,
  DELTA_TEMPORALITY as DeltaTemporalitySelector,
  LOW_MEMORY_TEMPORALITY as LowMemoryTemporalitySelector,
} from '../api/metric/aggregation.ts';

/** What the points of a metric say; see {@link OTLPMetricExporterOptions.temporalityPreference}. */
export const AggregationTemporalityPreference = { DELTA: 0, CUMULATIVE: 1, LOWMEMORY: 2 } as const;

/** An `AggregationOption` of upstream's. */
export type SelectedAggregation =
  | { readonly type: 0 | 1 | 2 | 3 }
  | {
      readonly type: 4;
      readonly options?: { recordMinMax?: boolean; boundaries: number[] };
    }
  | {
      readonly type: 5;
      readonly options?: { recordMinMax?: boolean; maxSize?: number };
    };

/** Options of `OTLPMetricExporter` besides those of the other exporters. */
export interface MetricPreferences {
  /**
   * An `AggregationTemporalityPreference`, or upstream's. Cumulative: points say what was since the
   * beginning. Delta: what was since the last export, but for up-down counters. Low memory: delta for
   * counters and histograms that are recorded, cumulative for the others.
   * `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE` (`cumulative`, `delta`, `lowmemory`). Default
   * cumulative.
   */
  readonly temporalityPreference?: 0 | 1 | 2;
  /**
   * How measurements of each kind of instrument are aggregated. Default: as the SDK does it;
   * histograms with exponential buckets where `OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION`
   * is `base2_exponential_bucket_histogram`.
   */
  // Upstream's kinds are an enum, whose members are these strings, but none for the compiler.
  readonly aggregationPreference?: (instrumentType: never) => SelectedAggregation;
}

export interface OTLPMetricExporterOptions extends OTLPExporterConfig, MetricPreferences {}

function metricsBy(sources: MetricSources): ExportedSignal<ResourceMetrics, 'metrics'> {
  return {
    name: 'metrics',
    ringBytes: 0,
    count: pointsOf,
    encoder: (engine, plan) => metricEncoder(engine, plan, sources),
  };
}

/** Give it to a `PeriodicExportingMetricReader`. */
export class MetricExporter extends SignalExporter<ResourceMetrics, 'metrics'> {
  readonly #temporality: TemporalitySelector;
  readonly #aggregation: (kind: never) => SelectedAggregation;

  constructor(
    parts: { readonly host: ExporterHost; readonly metrics: MetricSources },
    format: ExportFormat,
    options: OTLPExporterConfig,
    preferences: MetricPreferences,
  ) {
    const { host, metrics } = parts;
    super(metricsBy(metrics), host, format, options);
    const { temporalityPreference, aggregationPreference } = withoutNulls(preferences);
    const warn = (line: string) => host.warn(`otlp-wasm: ${line}`);
    const variables = host.variables?.(host.env, warn, 'metrics');
    const names = ['cumulative', 'delta', 'lowmemory'] as const;
    this.#temporality =
      selectorOf(temporalityPreference) ??
      temporalityOf(variables?.choice('metrics.temporality', 'cumulative', names) ?? 'cumulative');
    if (aggregationPreference !== undefined && typeof aggregationPreference !== 'function') {
      throw refused('aggregationPreference', aggregationPreference, 'a function');
    }
    const explicit = 'explicit_bucket_histogram';
    const exponential = 'base2_exponential_bucket_histogram';
    const histogram =
      aggregationPreference === undefined
        ? variables?.choice('metrics.histogramAggregation', explicit, [explicit, exponential])
        : undefined;
    const isExponential = (kind: InstrumentKind) =>
      histogram === exponential && kind === 'HISTOGRAM';
    this.#aggregation =
      aggregationPreference ??
      ((kind) => ({
        type: isExponential(kind) ? AGGREGATION_EXPONENTIAL_HISTOGRAM : AGGREGATION_DEFAULT,
      }));
  }

  /**
   * What its reader asks.
   *
   * @param instrumentType upstream's `InstrumentType`, `COUNTER` and so on.
   */
  selectAggregationTemporality(instrumentType: string): AggregationTemporality {
    return this.#temporality(instrumentType as InstrumentKind);
  }

  /** The same. */
  selectAggregation(instrumentType: string): SelectedAggregation {
    return this.#aggregation(instrumentType as never);
  }
}

function selectorOf(preference: unknown): TemporalitySelector | undefined {
  switch (preference) {
    case undefined:
      return undefined;
    case AggregationTemporalityPreference.DELTA:
      return DELTA_TEMPORALITY;
    case AggregationTemporalityPreference.CUMULATIVE:
      return CUMULATIVE_TEMPORALITY;
    case AggregationTemporalityPreference.LOWMEMORY:
      return LOW_MEMORY_TEMPORALITY;
    default:
      throw refused(
        'temporalityPreference',
        preference,
        '0 (delta), 1 (cumulative) or 2 (low memory)',
      );
  }
}
