// As an application in CommonJS has them, `node main.cjs 2.x`: everything by require.

const assert = require('node:assert/strict');
const { OTLPTraceExporter: UpstreamGrpc } = require('@opentelemetry/exporter-trace-otlp-grpc');
const { OTLPTraceExporter: UpstreamHttp } = require('@opentelemetry/exporter-trace-otlp-http');
const { OTLPTraceExporter: UpstreamProto } = require('@opentelemetry/exporter-trace-otlp-proto');
const { resourceFromAttributes } = require('@opentelemetry/resources');
const { NodeSDK } = require('@opentelemetry/sdk-node');
const { startCollector } = require('otlp-wasm/collector');
const { OTLPTraceExporter: OurGrpc } = require('otlp-wasm/exporters/grpc');
const { OTLPTraceExporter: OurHttp } = require('otlp-wasm/exporters/http');
const { OTLPTraceExporter: OurProto } = require('otlp-wasm/exporters/proto');
const { it, runCases } = require('./cases.mjs');
const { setups } = require('./setups.mjs');
const { countingIds, LIMITS, record, resourceOf } = require('./spans.mjs');

const [line] = process.argv.slice(2);
const SUBJECTS = {
  proto: [UpstreamProto, OurProto],
  http: [UpstreamHttp, OurHttp],
  grpc: [UpstreamGrpc, OurGrpc],
};

async function sent(Exporter) {
  const collector = await startCollector({ port: 0, grpcPort: 0, keepBodies: true });
  const isGrpc = Exporter === UpstreamGrpc || Exporter === OurGrpc;
  try {
    const url = isGrpc ? collector.grpcUrl : `${collector.url}/v1/traces`;
    const exporter = new Exporter({ url, compression: 'gzip' });
    const provider = setups.nodeSdk({ NodeSDK }, exporter, {
      resource: resourceOf({ resourceFromAttributes }),
      idGenerator: countingIds(),
      spanLimits: LIMITS,
    });
    record(provider, line, Exporter === UpstreamHttp || Exporter === OurHttp ? {} : undefined);
    await provider.shutdown();
    return collector.requests();
  } finally {
    await collector.close();
  }
}

for (const [protocol, [Upstream, Ours]] of Object.entries(SUBJECTS)) {
  it(`CommonJS, nodeSdk, ${protocol}: as upstream's exporter`, async () => {
    const [upstream, ours] = [await sent(Upstream), await sent(Ours)];
    for (const requests of [upstream, ours])
      assert.deepEqual(
        requests.map(({ status, contentEncoding }) => [status, contentEncoding]),
        [[200, 'gzip']],
      );
    const bodies = (requests) => requests.map(({ body }) => body);
    return { protocol, upstream: bodies(upstream), ours: bodies(ours) };
  });
}

void runCases();
