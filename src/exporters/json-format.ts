import { logsToJson, metricsToJson, tracesToJson } from '../codec/json.ts';
import type { RecordedSignal } from '../deliver/transport.ts';
import type { ExportFormat } from '../request-bodies.ts';

const TO_JSON = { traces: tracesToJson, logs: logsToJson, metrics: metricsToJson } as const;

/**
 * An encoded request of that signal as OTLP/JSON, in UTF-8 on one line.
 *
 * @throws OtlpError `invalid_data` when the bytes are no such request.
 */
export function toJson(signal: RecordedSignal, request: Uint8Array): Uint8Array<ArrayBuffer> {
  return TO_JSON[signal](request);
}

export const JSON_FORMAT: ExportFormat = { contentType: 'application/json', transcode: toJson };
