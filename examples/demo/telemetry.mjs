// Loaded before a service by `node --import ./telemetry.mjs service.mjs`: the official
// instrumentation of node:http and fetch, with otlp-wasm as the SDK under it. Where to send and
// under which name comes from OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_SERVICE_NAME.

import { register } from 'node:module';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { start } from 'otlp-wasm';
import { obeyDemo } from './control.mjs';

// ES modules get to see a patched node:http only by way of a loader hook.
register('@opentelemetry/instrumentation/hook.mjs', import.meta.url);

const engine = process.env.DEMO_ENGINE;
const telemetry = start(engine === undefined ? {} : { engine }).register();

registerInstrumentations({
  instrumentations: [new HttpInstrumentation(), new UndiciInstrumentation()],
});

obeyDemo(telemetry);
