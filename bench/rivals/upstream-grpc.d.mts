import type { SpanExporter } from './upstream.mjs';

export const OTLPTraceExporter: SpanExporter;
