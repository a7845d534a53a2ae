import type { ExportFormat } from '../request-bodies.ts';
import type { ExporterHost } from './exporter-host.ts';
import type { OTLPExporterConfig } from './exporter-options.ts';
import type { LogLike } from './log-like.ts';
import { logEncoder } from './record-encoder.ts';
import { type ExportedSignal, RING_BYTES, SignalExporter } from './signal-exporter.ts';

const LOGS: ExportedSignal<readonly LogLike[], 'logs'> = {
  name: 'logs',
  ringBytes: RING_BYTES,
  count: (records) => records.length,
  encoder: (engine, plan) => logEncoder(engine, plan),
};

/**
 * Give it to a `BatchLogRecordProcessor` or a `SimpleLogRecordProcessor`.
 */
export class LogExporter extends SignalExporter<readonly LogLike[], 'logs'> {
  constructor(host: ExporterHost, format: ExportFormat, options: OTLPExporterConfig) {
    super(LOGS, host, format, options);
  }
}
