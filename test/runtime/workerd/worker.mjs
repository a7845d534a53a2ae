import { start } from 'otlp-wasm';
import * as codec from 'otlp-wasm/codec';
import * as http from 'otlp-wasm/exporters/http';
import * as proto from 'otlp-wasm/exporters/proto';
import { codecJourney, exporterJourney, nest, optionsFor, record } from './journey.mjs';

// Not started here: a worker has neither random numbers nor network before its first request.
const telemetries = new Map();

// biome-ignore lint/style/noDefaultExport: what the runtime asks of a worker.
export default {
  async fetch(request, env, context) {
    const asked = new URL(request.url).searchParams;
    if (asked.has('codec')) return Response.json(await codecJourney(codec));
    if (asked.has('exporters')) {
      return Response.json(await exporterJourney({ proto, http }, env.COLLECTOR));
    }
    const engine = asked.get('engine') ?? undefined;
    if (!telemetries.has(engine)) {
      telemetries.set(engine, start(optionsFor(env.COLLECTOR, engine && { engine })));
    }
    const telemetry = telemetries.get(engine);
    if (asked.has('nested')) await nest(telemetry.register());
    else record(telemetry);
    // The answer does not wait for the collector.
    context.waitUntil(telemetry.flush());
    return Response.json(telemetry.health());
  },
};
