import type { OTLPExporterConfig } from '../../exporters/exporter-options.ts';
import { JSON_FORMAT } from '../../exporters/json-format.ts';
import { LogExporter } from '../../exporters/otlp-log-exporter.ts';
import {
  MetricExporter,
  type OTLPMetricExporterOptions,
} from '../../exporters/otlp-metric-exporter.ts';
import { TraceExporter } from '../../exporters/otlp-trace-exporter.ts';
import { host } from './exporter-host.ts';
import { metricsSources } from './metrics.ts';

/** OTLP/HTTP in JSON. See {@link TraceExporter}. */
export class OTLPTraceExporter extends TraceExporter {
  /**
   * Opens nothing before the first spans come.
   *
   * @throws OtlpError `invalid_option`
   */
  constructor(options: OTLPExporterConfig = {}) {
    super(host, JSON_FORMAT, options);
  }
}

/** OTLP/HTTP in JSON. See {@link LogExporter}. */
export class OTLPLogExporter extends LogExporter {
  /**
   * Opens nothing before the first log records come.
   *
   * @throws OtlpError `invalid_option`
   */
  constructor(options: OTLPExporterConfig = {}) {
    super(host, JSON_FORMAT, options);
  }
}

/** OTLP/HTTP in JSON. See {@link MetricExporter}. */
export class OTLPMetricExporter extends MetricExporter {
  /**
   * Opens nothing before the first metrics come.
   *
   * @throws OtlpError `invalid_option`
   */
  constructor(options: OTLPMetricExporterOptions = {}) {
    super({ host, metrics: metricsSources }, JSON_FORMAT, options, options);
  }
}

export * from '../../exporters/otlp-exporter.ts';
