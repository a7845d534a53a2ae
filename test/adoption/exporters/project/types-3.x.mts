// Compiled, never run: what takes upstream's exporters takes ours, and ours take their options.

import { credentials, Metadata } from '@grpc/grpc-js';
import type { OTLPTraceExporter as UpstreamGrpc } from '@opentelemetry/exporter-trace-otlp-grpc';
import type { OTLPTraceExporter as UpstreamHttp } from '@opentelemetry/exporter-trace-otlp-http';
import type { OTLPTraceExporter as UpstreamProto } from '@opentelemetry/exporter-trace-otlp-proto';
import { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base';
import { NodeSDK } from '@opentelemetry/sdk-node';
import {
  BatchSpanProcessor,
  SimpleSpanProcessor,
  type SpanExporter,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { OTLPTraceExporter as OurGrpc } from 'otlp-wasm/exporters/grpc';
import { OTLPTraceExporter as OurHttp } from 'otlp-wasm/exporters/http';
import { OTLPTraceExporter as OurProto } from 'otlp-wasm/exporters/proto';

const proto: ConstructorParameters<typeof UpstreamProto>[0] = {
  url: 'http://127.0.0.1:4318/v1/traces',
  headers: async () => ({ 'x-shop': 'one' }),
  timeoutMillis: 5000,
  concurrencyLimit: 10,
  compression: CompressionAlgorithm.GZIP,
  keepAlive: true,
  httpAgentOptions: { keepAlive: true, maxSockets: 4 },
  userAgent: 'shop/1.0',
};
const http: ConstructorParameters<typeof UpstreamHttp>[0] = { headers: { 'x-shop': 'one' } };

const grpc: ConstructorParameters<typeof UpstreamGrpc>[0] = {
  url: 'http://127.0.0.1:4317',
  metadata: new Metadata(),
  credentials: credentials.createInsecure(),
  timeoutMillis: 5000,
  concurrencyLimit: 10,
  compression: CompressionAlgorithm.GZIP,
  userAgent: 'shop/1.0',
};

export const exporters: SpanExporter[] = [
  ...[OurHttp, OurProto].flatMap((Exporter) => [
    new Exporter(),
    new Exporter(proto),
    new Exporter(http),
    new Exporter({ ...proto, compression: 'gzip', queue: { maxBytes: 1024 * 1024 } }),
  ]),
  new OurGrpc(),
  new OurGrpc(grpc),
  new OurGrpc({ ...grpc, compression: 'gzip', queue: { maxBytes: 1024 * 1024 } }),
];

export const sdks = exporters.map((exporter) => [
  new NodeSDK({ traceExporter: exporter }),
  new TracerProvider({
    spanProcessors: [new BatchSpanProcessor({ exporter, maxQueueSize: 4096 })],
  }),
  new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }),
]);

// @ts-expect-error: it is checked, not any
export const wrong = new OurProto({ url: 42 });
