// The service that W3C's trace-context test harness drives: it calls whom it is told to and hands
// the caller's trace on. README.md says how to run the two together.
//
//   npx otlp-wasm collector
//   node examples/w3c-service/service.mjs
//   curl -d '[{ "url": "http://localhost:4318/", "arguments": [] }]' http://localhost:5000/test

import { once } from 'node:events';
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { start } from 'otlp-wasm';

start({ serviceName: 'w3c-service' }).register();
const tracer = trace.getTracer('w3c-service');

const server = createServer((request, response) => {
  // headersDistinct keeps fields that came more than once apart: two `traceparent` are none.
  const caller = propagation.extract(context.active(), request.headersDistinct);
  const options = {
    kind: SpanKind.SERVER,
    attributes: { 'http.request.method': request.method, 'url.path': request.url },
  };
  tracer.startActiveSpan(request.method, options, caller, async (span) => {
    try {
      const called = await callAll(await json(request));
      answer(response, 200, called);
    } catch (error) {
      span.recordException(error);
      span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
      answer(response, 400, { error: error.message });
    }
    span.setAttribute('http.response.status_code', response.statusCode);
    span.end();
  });
});

/** One after the other, as they are listed. Whom nobody answers does not stop the rest. */
async function callAll(calls) {
  if (!Array.isArray(calls)) throw new TypeError('the body must be a list of { url, arguments }');
  const answers = [];
  for (const { url, arguments: body } of calls) answers.push(await call(url, body));
  return answers;
}

function call(url, body) {
  const options = {
    kind: SpanKind.CLIENT,
    attributes: { 'http.request.method': 'POST', 'url.full': url },
  };
  return tracer.startActiveSpan('POST', options, async (span) => {
    const headers = { 'content-type': 'application/json' };
    propagation.inject(context.active(), headers);
    try {
      const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
      await response.arrayBuffer();
      span.setAttribute('http.response.status_code', response.status);
      return { url, status: response.status };
    } catch (error) {
      span.recordException(error);
      span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
      return { url, error: error.message };
    } finally {
      span.end();
    }
  });
}

function answer(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

server.listen(Number(process.env.PORT ?? 5000), '127.0.0.1');
await once(server, 'listening');
console.log(`http://127.0.0.1:${server.address().port}/test`);
