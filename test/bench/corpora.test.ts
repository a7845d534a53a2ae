import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { CORPUS_SIGNALS, otlpCorpus } from '../support/otlp-corpora.ts';

const collector = createRequire(import.meta.url)('otlp-decoder/build/src/generated/root.js')
  .opentelemetry.proto.collector;

// biome-ignore lint/suspicious/noExplicitAny: messages as the decoder has them
type Message = any;

const RECORDS = 512;

/** Spans, log records or data points of a request, as an official decoder reads them. */
const recordsOf = {
  traces: (bytes: Uint8Array): Message[] =>
    collector.trace.v1.ExportTraceServiceRequest.decode(bytes).resourceSpans.flatMap(
      (resource: Message) => resource.scopeSpans.flatMap((scope: Message) => scope.spans),
    ),
  logs: (bytes: Uint8Array): Message[] =>
    collector.logs.v1.ExportLogsServiceRequest.decode(bytes).resourceLogs.flatMap(
      (resource: Message) => resource.scopeLogs.flatMap((scope: Message) => scope.logRecords),
    ),
  metrics: (bytes: Uint8Array): Message[] =>
    collector.metrics.v1.ExportMetricsServiceRequest.decode(bytes).resourceMetrics.flatMap(
      (resource: Message) =>
        resource.scopeMetrics.flatMap((scope: Message) =>
          scope.metrics.flatMap(
            ({ sum, gauge, histogram, exponentialHistogram }: Message) =>
              (sum ?? gauge ?? histogram ?? exponentialHistogram).dataPoints,
          ),
        ),
    ),
};

describe.each(CORPUS_SIGNALS)('the corpus of %s', (signal) => {
  const bytes = otlpCorpus(signal, RECORDS);

  it('is the same on every run', () => {
    expect(Buffer.compare(otlpCorpus(signal, RECORDS), bytes)).toBe(0);
  });

  it.each([1, 64, RECORDS])('has as many records as asked for (%d)', (records) => {
    expect(recordsOf[signal](otlpCorpus(signal, records))).toHaveLength(records);
  });

  it('has over a hundred attribute sets', () => {
    const sets = recordsOf[signal](bytes).map(({ attributes }) => JSON.stringify(attributes));
    expect(new Set(sets).size).toBeGreaterThan(100);
  });
});

describe('the corpus of logs', () => {
  it('has records of one span, and some of none', () => {
    const spans = recordsOf
      .logs(otlpCorpus('logs', RECORDS))
      .map(({ spanId }) => Buffer.from(spanId ?? []).toString('hex'));
    expect(spans).toContain('');
    expect(new Set(spans).size).toBeLessThan(RECORDS / 2);
    expect(new Set(spans).size).toBeGreaterThan(RECORDS / 8);
  });
});
