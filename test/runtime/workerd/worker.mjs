import { isOtlpError, start } from 'otlp-wasm';
import * as codec from 'otlp-wasm/codec';
import * as functions from 'otlp-wasm/compress';
import * as http from 'otlp-wasm/exporters/http';
import * as proto from 'otlp-wasm/exporters/proto';
import * as hash from 'otlp-wasm/hash';
import { answerWith } from './answer.mjs';
import {
  codecJourney,
  compressJourney,
  exporterJourney,
  hashJourney,
  missingExporter,
} from './journey.mjs';

const answer = answerWith(start);

// biome-ignore lint/style/noDefaultExport: what the runtime asks of a worker.
export default {
  async fetch(request, env, context) {
    const asked = new URL(request.url).searchParams;
    if (asked.has('codec')) return Response.json(await codecJourney(codec));
    if (asked.has('compress')) return Response.json(await compressJourney(functions));
    if (asked.has('hash')) return Response.json(await hashJourney(hash));
    if (asked.has('exporters')) {
      const url = `${env.COLLECTOR}/v1/traces`;
      return Response.json(await exporterJourney({ proto, http }, { proto: url, http: url }));
    }
    if (asked.has('exporter')) {
      const load = () => import('otlp-wasm/exporters/grpc');
      return Response.json(await missingExporter(load, isOtlpError));
    }
    try {
      return await answer(request, env, context);
    } catch (error) {
      if (!isOtlpError(error)) throw error;
      return Response.json({ code: error.code, message: error.message });
    }
  },
};
