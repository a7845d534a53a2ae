// A service that traces its requests by hand, continues its callers' traces, and shows what its
// telemetry has done. Spans go to OTEL_EXPORTER_OTLP_ENDPOINT, http://localhost:4318 by default.
//
//   npx otlp-wasm collector
//   node examples/http-service.mjs
//   curl http://localhost:8080/roll        curl http://localhost:8080/health

import { createServer } from 'node:http';
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { start } from 'otlp-wasm';

const telemetry = start({ serviceName: 'dice' }).register();
const tracer = trace.getTracer('dice', '1.0.0');

const server = createServer((request, response) => {
  if (request.url === '/health') return answer(response, 200, telemetry.health());
  const caller = propagation.extract(context.active(), request.headers);
  const attributes = { 'http.request.method': request.method, 'url.path': request.url };
  const options = { kind: SpanKind.SERVER, attributes };
  tracer.startActiveSpan(`${request.method} /roll`, options, caller, (span) => {
    try {
      answer(response, 200, { rolled: roll() });
    } catch (error) {
      span.recordException(error);
      span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
      answer(response, 500, { error: error.message });
    }
    span.setAttribute('http.response.status_code', response.statusCode);
    span.end();
  });
});

function roll() {
  return tracer.startActiveSpan('roll', (span) => {
    try {
      const eyes = 1 + Math.floor(Math.random() * 6);
      if (eyes === 6) throw new Error('the die fell off the table');
      span.setAttribute('dice.eyes', eyes);
      return eyes;
    } finally {
      span.end();
    }
  });
}

function answer(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(body, null, 2)}\n`);
}

server.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => {
  console.log(`http://localhost:${server.address().port}/roll`);
});

// Ctrl-C needs no code: what is recorded is delivered before the process ends.
