/** `otlp-wasm/prometheus` on every host, but for the reader, which needs something of each. */

export { isOtlpError, OtlpError, type OtlpErrorCode } from './errors.ts';
export type { EscapingScheme } from './prometheus/escaping.ts';
export type { TranslationStrategy } from './prometheus/names.ts';
export type {
  IncomingScrape,
  ListenOptions,
  OutgoingScrape,
  PrometheusReader,
  PrometheusReaderOptions,
  PrometheusServer,
  ScrapeRequest,
} from './prometheus/reader.ts';
export type { ExpositionFormat, PrometheusOptions } from './prometheus/settings.ts';
export { prometheusText } from './prometheus/text.ts';
