// Against the official OpenTelemetry Collector: spans sent by `start()` and by the drop-in exporters,
// in every protocol and encoding, go through it to the embedded collector, where all of them have to
// arrive as they were sent, field by field; also while it refuses, fails or is away (adverse.mjs).
//
//   OTELCOL=/usr/local/bin/otelcol npm run test:collector
//   OTELCOL=… npm run test:collector -- --only grpc
//
// OTELCOL names its program, of any distribution that has a memory limiter. Without it nothing is
// tested, and that is said.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { start } from 'otlp-wasm';
import { startCollector } from 'otlp-wasm/collector';
import { OTLPTraceExporter as GrpcExporter } from 'otlp-wasm/exporters/grpc';
import { OTLPTraceExporter as JsonExporter } from 'otlp-wasm/exporters/http';
import { OTLPTraceExporter as ProtoExporter } from 'otlp-wasm/exporters/proto';
import { adverseCases } from './adverse.mjs';
import { about, startOtelcol } from './otelcol.mjs';
import { complaints, record, SCOPE } from './spans.mjs';

const { values } = parseArgs({ options: { only: { type: 'string', default: '' } } });

const totals = { passed: 0, failed: 0, skipped: 0 };

function note(verdict, name, lines = []) {
  totals[verdict]++;
  console.log(`  ${verdict.padEnd(7)} ${name}`);
  for (const line of lines) console.log(String(line).replace(/^/gm, '          '));
}

function end() {
  const { passed, failed, skipped } = totals;
  console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  process.exit(failed > 0 || (passed === 0 && skipped === 0) ? 1 : 0);
}

/** What it takes, by protocol. */
const HTTP = ['none', 'gzip', 'zstd', 'deflate', 'zlib', 'lz4', 'snappy', 'x-snappy-framed'];
const ENCODINGS = {
  'http/protobuf': HTTP,
  'http/json': HTTP,
  grpc: ['none', 'gzip', 'zstd', 'snappy'],
};

/** What is tested, set up as its users do; `close` sends all and tells what was sent. */
const SUBJECTS = {
  'start()': {
    open({ protocol, compression, url }) {
      const telemetry = start({
        ...{ serviceName: 'shop', protocol, compression, endpoint: url, detectors: [] },
        // As many as the drop-in exporters are given at once.
        batch: { size: 512 },
      });
      const close = async () => {
        await telemetry.shutdown();
        return telemetry.health();
      };
      return { provider: telemetry.tracerProvider, close };
    },
  },
  'drop-in exporter': {
    open({ protocol, compression, url }) {
      const exporter = {
        'http/protobuf': () => new ProtoExporter({ url: `${url}/v1/traces`, compression }),
        'http/json': () => new JsonExporter({ url: `${url}/v1/traces`, compression }),
        grpc: () => new GrpcExporter({ url, compression }),
      }[protocol]();
      const provider = new TracerProvider({
        resource: { attributes: { 'service.name': 'shop' } },
        spanProcessors: [new BatchSpanProcessor({ exporter, maxQueueSize: 4096 })],
      });
      const close = async () => {
        await provider.shutdown();
        return exporter.health();
      };
      return { provider, close };
    },
  },
};

const PROTOCOLS = ['http/protobuf', 'http/json', 'grpc'];

function* cases() {
  for (const [subject, { open }] of Object.entries(SUBJECTS)) {
    for (const protocol of PROTOCOLS) {
      for (const compression of ENCODINGS[protocol]) {
        const name = `${subject}, ${protocol}, ${compression}`;
        if (name.includes(values.only)) yield { name, open, protocol, compression };
      }
    }
  }
}

async function check({ name, open, protocol, compression }, otelcol, embedded) {
  embedded.clear();
  const url = otelcol.url[protocol === 'grpc' ? 'grpc' : 'http'];
  try {
    const { provider, close } = open({ protocol, compression, url });
    const tracer = provider.getTracer(SCOPE.name, SCOPE.version, { schemaUrl: SCOPE.schemaUrl });
    const expected = record(tracer);
    const { signals, endpoints } = await close();
    const { sent } = signals.traces;
    const { encoding, refusedEncodings } = endpoints[0];
    await embedded.waitFor({ spans: expected.length }, { timeoutMs: 30_000 });
    const wrong = complaints(embedded.traces(), expected, 'shop');
    if (sent !== expected.length) wrong.push(`${sent} of ${expected.length} spans count as sent`);
    const asked = compression === 'none' ? 'identity' : compression;
    if (encoding !== asked) wrong.push(`sent as ${encoding}; it refused ${refusedEncodings}`);
    const { requests, errors } = embedded.stats();
    if (Object.keys(errors).length > 0) wrong.push(`refused: ${JSON.stringify(errors)}`);
    const what = `${name}: ${expected.length} spans in ${requests} requests`;
    note(wrong.length === 0 ? 'passed' : 'failed', what, wrong);
  } catch (error) {
    note('failed', name, [error.stack]);
  }
}

async function checkAdverse({ name, run }, startOne, embedded) {
  embedded.clear();
  const started = [];
  try {
    const startOtelcol = async (settings) => {
      const otelcol = await startOne(settings);
      started.push(otelcol);
      return otelcol;
    };
    const { wrong, what } = await run({ startOtelcol, embedded });
    note(wrong.length === 0 ? 'passed' : 'failed', `${name}: ${what}`, wrong);
  } catch (error) {
    note('failed', name, [error.stack]);
  }
  await embedded.fault(null);
  for (const otelcol of started) await otelcol.stop();
}

const program = process.env.OTELCOL;
if (program === undefined || program === '') {
  note('skipped', 'the official OpenTelemetry Collector', [
    'NOTHING WAS TESTED: the environment variable OTELCOL, which names its program, is not set.',
    'Get otelcol or otelcol-contrib of any release, then',
    '  OTELCOL=/path/to/otelcol npm run test:collector',
  ]);
  end();
}

// What this process has would decide for the exporters.
for (const name of Object.keys(process.env)) if (name.startsWith('OTEL_')) delete process.env[name];

const folder = mkdtempSync(join(tmpdir(), 'otlp-wasm-otelcol-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));

let otelcol;
const embedded = await startCollector({ port: 0 });
try {
  console.log(`against ${about(program)}`);
  const place = { program, folder, endpoint: embedded.url };
  otelcol = await startOtelcol(place);
  for (const one of cases()) await check(one, otelcol, embedded);
  const startOne = (settings) => startOtelcol(place, settings);
  for (const one of adverseCases()) {
    if (one.name.includes(values.only)) await checkAdverse(one, startOne, embedded);
  }
} catch (error) {
  note('failed', 'the official OpenTelemetry Collector', [error.message]);
}
await otelcol?.stop();
await embedded.close();
if (totals.failed > 0 && otelcol !== undefined) console.log(`\nit wrote\n${otelcol.said()}`);
end();
