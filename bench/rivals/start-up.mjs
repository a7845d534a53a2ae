// Upstream's part of bench/start-up.mjs: the API, its packages as a user sets them up, and a
// first ended span.

import { trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';

const resource = resourceFromAttributes({ 'service.name': 'start-up' });
const processor = new BatchSpanProcessor({ exporter: new OTLPTraceExporter() });
trace.setGlobalTracerProvider(new TracerProvider({ resource, spanProcessors: [processor] }));
trace.getTracer('start-up').startSpan('first').end();
process._rawDebug(process.hrtime.bigint());
process.exit();
