/**
 * Checked by the compiler alone: our interfaces of span processors, readable spans and id
 * generators stand for those of the OpenTelemetry SDK, and the other way round.
 */

import type { Span } from '@opentelemetry/api';
import type * as sdk from '@opentelemetry/sdk-trace';
import type { IdGenerator, ReadableSpan, SpanProcessor } from '../../../src/index.ts';

/** Compiles where `From` may be given for `To`. */
type Goes<From extends To, To> = From;

export type Checked = [
  Goes<sdk.SpanProcessor, SpanProcessor>,
  Goes<SpanProcessor, sdk.SpanProcessor>,
  Goes<ReadableSpan, sdk.ReadableSpan>,
  Goes<Span & ReadableSpan, sdk.Span>,
  Goes<sdk.IdGenerator, IdGenerator>,
  Goes<IdGenerator, sdk.IdGenerator>,
  Goes<Parameters<SpanProcessor['onStart']>, Parameters<sdk.SpanProcessor['onStart']>>,
  Goes<Parameters<SpanProcessor['onEnd']>, Parameters<sdk.SpanProcessor['onEnd']>>,
];

/** What a user of the SDK has written, given to ours. */
export const theirs = (exporter: sdk.SpanExporter, Processor: typeof sdk.BatchSpanProcessor) => {
  const processors: readonly SpanProcessor[] = [new Processor({ exporter })];
  return processors;
};

/** An exporter of the SDK takes our spans. */
export const exported = (exporter: sdk.SpanExporter, spans: ReadableSpan[]) =>
  exporter.export(spans, () => {});
