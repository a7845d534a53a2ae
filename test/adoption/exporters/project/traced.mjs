// An application whose `node:http` is instrumented before the exporters are loaded, `node traced.mjs
// 2.x`: spans of exporting would be exported in their turn, for ever.

import assert from 'node:assert/strict';
import { register } from 'node:module';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { it, runCases } from './cases.mjs';
import { disableGlobals } from './setups.mjs';

process.env.OTEL_METRICS_EXPORTER = 'none';
process.env.OTEL_LOGS_EXPORTER = 'none';

register('@opentelemetry/instrumentation/hook.mjs', import.meta.url);
const instrumentations = [new HttpInstrumentation({ disableIncomingRequestInstrumentation: true })];
const { createServer, get } = await import('node:http');
const { OTLPTraceExporter: OurHttp } = await import('otlp-wasm/exporters/http');
const { OTLPTraceExporter: OurProto } = await import('otlp-wasm/exporters/proto');
const { startCollector } = await import('otlp-wasm/collector');
const { NodeSDK, simple } = await import(`./sdk-${process.argv[2]}.mjs`);

const queue = { retry: { initialMs: 20, multiplier: 1, maxMs: 20, maxAgeMs: 60_000 } };

const ask = (url) =>
  new Promise((resolve, reject) => {
    get(url, (response) => response.resume().once('end', resolve)).once('error', reject);
  });

for (const [protocol, Exporter] of Object.entries({ proto: OurProto, http: OurHttp }))
  it(`${protocol}: exporting is not traced, not even a second attempt`, async () => {
    const collector = await startCollector({ port: 0 });
    const server = createServer((_request, response) => response.end());
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = `http://127.0.0.1:${server.address().port}`;
    try {
      await collector.fault({ kind: 'status', status: 503, times: 2 });
      const exporter = new Exporter({ url: `${collector.url}/v1/traces`, queue });
      const spanProcessors = [simple(exporter)];
      const sdk = new NodeSDK({ instrumentations, spanProcessors, autoDetectResources: false });
      sdk.start();
      await Promise.all([ask(address), ask(address)]);
      await collector.waitFor({ spans: 2 });
      await sdk.shutdown();
      assert.deepEqual(
        collector.traces().map(({ name, scope }) => [name, scope.name]),
        Array(2).fill(['GET', '@opentelemetry/instrumentation-http']),
      );
      const { sent, retries } = exporter.health().signals.traces;
      assert.deepEqual({ sent, retries }, { sent: 2, retries: 2 });
    } finally {
      disableGlobals();
      server.close();
      await collector.close();
    }
  });

await runCases();
