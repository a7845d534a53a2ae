import { propagation } from '@opentelemetry/api';
import { start } from 'otlp-wasm';

const telemetry = start(JSON.parse(Deno.args[0])).register();
console.log(JSON.stringify(propagation.fields()));
await telemetry.shutdown();
