// The API, the built package by its name, start() and a first ended span.

import { trace } from '@opentelemetry/api';
import { start } from 'otlp-wasm';

start({ serviceName: 'start-up' }).register();
trace.getTracer('start-up').startSpan('first').end();
process._rawDebug(process.hrtime.bigint());
process.exit();
