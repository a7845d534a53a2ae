import type { ExportFormat } from './otlp-trace-exporter.ts';

export const PROTOBUF: ExportFormat = { contentType: 'application/x-protobuf' };
