import { tracesToJson } from '../codec/json.ts';
import type { ExportFormat } from '../request-bodies.ts';

export const JSON_FORMAT: ExportFormat = {
  contentType: 'application/json',
  transcode: tracesToJson,
};
