import { grpcOptions, type OTLPGRPCExporterConfig } from '../../exporters/grpc-options.ts';
import { TraceExporter } from '../../exporters/otlp-trace-exporter.ts';
import { PROTOBUF } from '../../exporters/protobuf.ts';
import { host } from './exporter-host.ts';
import { nodeGrpcTransport } from './grpc-transport.ts';

/** OTLP/gRPC. See {@link TraceExporter}. */
export class OTLPTraceExporter extends TraceExporter {
  /**
   * Opens nothing before the first spans come.
   *
   * @throws OtlpError `invalid_option`
   */
  constructor(options: OTLPGRPCExporterConfig = {}) {
    const { env, warn } = host;
    super(
      { ...host, env, httpTransport: nodeGrpcTransport },
      PROTOBUF,
      grpcOptions(options, env, (line) => warn(`otlp-wasm: ${line}`)),
    );
  }
}

export type {
  GrpcCredentials,
  GrpcMetadata,
  OTLPGRPCExporterConfig,
} from '../../exporters/grpc-options.ts';
export * from '../../exporters/otlp-exporter.ts';
