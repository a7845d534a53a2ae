/** The drop-in exporter for gRPC as a subject. */

export { OTLPTraceExporter as Exporter } from '../../src/runtime/node/exporter-grpc.ts';
