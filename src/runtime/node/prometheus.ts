import { promisify } from 'node:util';
import {
  type PrometheusReader,
  type PrometheusReaderOptions,
  readerOn,
} from '../../prometheus/reader.ts';
import { builtin } from './builtin.ts';
import { listen } from './prometheus-server.ts';

/**
 * A reader that Prometheus scrapes. Nothing is collected between scrapes and nothing is served until
 * `listen()` is called or a server of the program's own calls `fetch` or `handle`.
 *
 * @throws OtlpError `invalid_option`
 */
export function prometheusReader(options: PrometheusReaderOptions = {}): PrometheusReader {
  return readerOn(
    { gzip: (bytes) => promisify(builtin('node:zlib').gzip)(bytes), listen },
    options,
  );
}

export * from '../../prometheus.ts';
