// Upstream's exporter over gRPC, in a module of its own: it loads grpc-js.

export { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
