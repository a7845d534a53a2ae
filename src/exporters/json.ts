import { tracesToJson } from '../codec/json.ts';
import type { ExportFormat } from './otlp-trace-exporter.ts';

export const JSON_FORMAT: ExportFormat = {
  contentType: 'application/json',
  transcode: tracesToJson,
};
