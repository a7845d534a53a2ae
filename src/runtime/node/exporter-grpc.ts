import type { RecordedSignal, Transport } from '../../deliver/transport.ts';
import { resolveExporterOptions } from '../../exporters/exporter-options.ts';
import { grpcOptions, type OTLPGRPCExporterConfig } from '../../exporters/grpc-options.ts';
import { LogExporter } from '../../exporters/otlp-log-exporter.ts';
import { MetricExporter, type MetricPreferences } from '../../exporters/otlp-metric-exporter.ts';
import { TraceExporter } from '../../exporters/otlp-trace-exporter.ts';
import { shownUrl } from '../../health/report.ts';
import { PROTOBUF } from '../../request-bodies.ts';
import { transportOptions } from '../../wiring.ts';
import { host } from './exporter-host.ts';
import { nodeGrpcTransport } from './grpc-transport.ts';
import { metricsSources } from './metrics.ts';

/** OTLP/gRPC. See {@link TraceExporter}. */
export class OTLPTraceExporter extends TraceExporter {
  /**
   * Opens nothing before the first spans come.
   *
   * @throws OtlpError `invalid_option`
   */
  constructor(options: OTLPGRPCExporterConfig = {}) {
    super(grpcHost(), PROTOBUF, httpOptions(options, 'traces'));
  }
}

/** OTLP/gRPC. See {@link LogExporter}. */
export class OTLPLogExporter extends LogExporter {
  /**
   * Opens nothing before the first log records come.
   *
   * @throws OtlpError `invalid_option`
   */
  constructor(options: OTLPGRPCExporterConfig = {}) {
    super(grpcHost(), PROTOBUF, httpOptions(options, 'logs'));
  }
}

/** OTLP/gRPC. See {@link MetricExporter}. */
export class OTLPMetricExporter extends MetricExporter {
  /**
   * Opens nothing before the first metrics come.
   *
   * @throws OtlpError `invalid_option`
   */
  constructor(options: OTLPGRPCExporterConfig & MetricPreferences = {}) {
    const parts = { host: grpcHost(), metrics: metricsSources };
    super(parts, PROTOBUF, httpOptions(options, 'metrics'), options);
  }
}

const warn = (line: string) => host.warn(`otlp-wasm: ${line}`);

function grpcHost() {
  return { ...host, env: host.env, httpTransport: nodeGrpcTransport, grpc: true } as const;
}

function httpOptions(options: OTLPGRPCExporterConfig, signal: RecordedSignal) {
  return grpcOptions(options, host.env, warn, signal);
}

/** Options of {@link grpcTransport}. */
export type GrpcTransportOptions = Pick<
  OTLPGRPCExporterConfig,
  'url' | 'metadata' | 'credentials' | 'tls' | 'timeoutMillis' | 'concurrencyLimit'
>;

/**
 * OTLP/gRPC for `start({ transport })`, which compresses, queues and sends again as it does over
 * HTTP. `concurrencyLimit` bounds connections. Opens nothing before the first request.
 *
 * @throws OtlpError `invalid_option`
 */
export function grpcTransport(options: GrpcTransportOptions = {}): Transport {
  const given = httpOptions(options, 'traces');
  const settings = resolveExporterOptions(given, grpcHost(), warn, 'traces');
  const { agent } = settings;
  const transport = nodeGrpcTransport({ ...transportOptions(settings), agent });
  return { ...transport, name: shownUrl(settings.url), protocol: 'grpc' };
}

export type {
  GrpcCredentials,
  GrpcMetadata,
  OTLPGRPCExporterConfig,
} from '../../exporters/grpc-options.ts';
export * from '../../exporters/otlp-exporter.ts';
