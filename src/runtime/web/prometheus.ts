import {
  type PrometheusReader,
  type PrometheusReaderOptions,
  readerOn,
} from '../../prometheus/reader.ts';
import { deflated } from './deflated.ts';

// Documented where declarations come from: ../node/prometheus.ts.
export function prometheusReader(options: PrometheusReaderOptions = {}): PrometheusReader {
  return readerOn({ gzip: (bytes) => deflated(bytes, 'gzip') }, options);
}

export * from '../../prometheus.ts';
