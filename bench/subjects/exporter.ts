/** The drop-in exporter as a subject. */

export { OTLPTraceExporter as Exporter } from '../../src/runtime/node/exporter-proto.ts';
