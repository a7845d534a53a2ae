/** Upstream's exporter for gRPC: with grpc-js, which only those who use it should have loaded. */

export { OTLPTraceExporter as Exporter } from '../rivals/upstream-grpc.mjs';
