// What the fixtures share on the Node side. Copied into every fixture's project.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { compress, createCompressor } from 'otlp-wasm/compress';
import {
  ATTRIBUTES,
  BODY,
  COMPRESSED,
  compressible,
  LOG,
  ROUTE,
  SCOPE,
  SERVICE,
  SPAN,
} from './journey.mjs';

/** This host cannot be had on this machine. */
export class Unavailable extends Error {
  name = 'Unavailable';
}

/** Runs a command to its end. Rejects when it cannot be run or takes longer than `timeoutMs`. */
export function capture(command, args, { cwd, env = {}, timeoutMs = 50_000 }) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${command} ${args[0]}: no end within ${timeoutMs / 1000} s\n${stderr}`));
    }, timeoutMs);
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(new Unavailable(`${command}: ${error.message}`));
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code, stdout, stderr });
    });
  });
}

/** V8's own remark on `--jitless`. */
const JITLESS_WARNING = /^Warning: disabling flag --expose_wasm due to conflicting flags\n/;

/** Nothing but what an endpoint was found not to take. */
export const QUIET = /^(.*otlp-wasm: the endpoint takes no [\w-]+: .*\n)*$/;

/** Besides gzip; every OpenTelemetry Collector takes them over HTTP. */
export const ENCODINGS = ['zstd', 'deflate', 'zlib', 'lz4', 'snappy', 'x-snappy-framed'];

/** What the program, run with options as JSON in OPTIONS, writes to its standard output as JSON. */
export async function resultOf(command, args, { cwd, options, env = {} }) {
  const { code, stdout, stderr } = await capture(command, args, {
    cwd,
    env: { OPTIONS: JSON.stringify(options), ...env },
  });
  assert.equal(code, 0, `exit code ${code}\n${stderr}${stdout}`);
  assert.match(stderr.replace(JITLESS_WARNING, ''), QUIET, 'standard error');
  return JSON.parse(stdout);
}

/**
 * Checks that the collector got the spans of `nest`, with the parents they have when the context
 * is followed over an `await` or when it is not, and forgets them.
 */
export function assertNested(collector, { followed }) {
  const spans = collector.traces();
  collector.clear();
  const parents = spans.map(({ name, parentSpanId }) => [
    name,
    spans.find(({ spanId }) => spanId === parentSpanId)?.name,
  ]);
  assert.deepEqual(Object.fromEntries(parents), {
    outer: undefined,
    inner: 'outer',
    innermost: 'inner',
    later: followed ? 'outer' : undefined,
  });
  assert.equal(spans.length, 4, 'spans');
  const traces = new Set(spans.map(({ traceId }) => traceId));
  assert.equal(traces.size, followed ? 1 : 2, 'traces');
}

const NANOS_PER_MS = 1_000_000n;
const CLOCK_TOLERANCE_MS = 10_000;

/** Content types of what `start({ protocol })` sends. */
const CONTENT_TYPES = {
  'http/protobuf': 'application/x-protobuf',
  'http/json': 'application/json',
  grpc: 'application/grpc',
};

/** What requests look like that these options of `start()` make. */
function shapeOf({ protocol = 'http/protobuf', compression = 'gzip' } = {}) {
  return { contentType: CONTENT_TYPES[protocol], contentEncoding: compression };
}

/**
 * Checks that the collector got the span of `journey.mjs`, whole and alone, as `options` of
 * `start()` ask for it, and forgets it.
 */
export function assertArrived(collector, language, options) {
  const spans = collector.traces();
  const requests = collector.requests();
  collector.clear();
  assert.equal(requests.length, 1, 'requests');
  const { contentType, contentEncoding } = requests[0];
  assert.deepEqual({ contentType, contentEncoding }, shapeOf(options));
  assert.equal(spans.length, 1, 'spans');
  const [span] = spans;
  assert.equal(span.name, SPAN.name);
  assert.equal(span.kind, 3, 'kind: client');
  assert.match(span.traceId, /^(?!0{32})[0-9a-f]{32}$/);
  assert.match(span.spanId, /^(?!0{16})[0-9a-f]{16}$/);
  assert.deepEqual(span.attributes, ATTRIBUTES);
  assert.deepEqual(
    span.events.map(({ name, attributes }) => [name, attributes]),
    [[SPAN.event, { 'event.n': 1 }]],
  );
  assert.deepEqual(span.status, { code: 2, message: SPAN.error });
  assert.equal(span.scope.name, SCOPE.name);
  assert.equal(span.scope.version, SCOPE.version);
  const resource = span.resource.attributes;
  assert.equal(resource['service.name'], SERVICE);
  assert.equal(resource['deployment.environment.name'], 'smoke');
  assert.equal(resource['telemetry.sdk.language'], language);
  assert.match(resource['service.instance.id'], /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  assert.ok(span.endTimeUnixNano >= span.startTimeUnixNano, 'ends after it starts');
  const offMs = Number(span.startTimeUnixNano / NANOS_PER_MS) - Date.now();
  assert.ok(Math.abs(offMs) < CLOCK_TOLERANCE_MS, `starts ${offMs} ms from now`);
  return span;
}

/** Checks that the collector got what `signalsJourney` records, and forgets it. */
export function assertSignals(collector, { engine, report }, expected) {
  const [spans, logs, metrics] = [collector.traces(), collector.logs(), collector.metrics()];
  collector.clear();
  assert.equal(engine.name, expected, engine.reason);
  assert.deepEqual([report.complete, report.sent, report.dropped], [true, 5, 0]);
  assert.equal(spans.length, 1, 'spans');
  assert.equal(logs.length, 1, 'log records');
  const [log] = logs;
  const { eventName, severityText, severityNumber } = log;
  assert.deepEqual({ eventName, severityText, severityNumber }, LOG);
  assert.deepEqual(log.body, BODY);
  assert.deepEqual(log.attributes, { text: 'Grüße, 世界 🌍', long: ATTRIBUTES.long });
  const [count, duration, level] = metrics;
  assert.deepEqual(
    metrics.map(({ name, unit }) => [name, unit]),
    [
      ['smoke.count', '{order}'],
      ['smoke.duration', 's'],
      ['smoke.level', ''],
    ],
  );
  assert.equal(count.sum.dataPoints[0].asDouble, 5);
  assert.deepEqual(count.sum.dataPoints[0].attributes, ROUTE);
  const [point] = duration.histogram.dataPoints;
  assert.deepEqual([point.count, point.sum, point.min, point.max], [3n, 20_007.1, 0.1, 20_000]);
  assert.equal(point.bucketCounts.at(-1), 1n);
  assert.equal(level.gauge.dataPoints[0].asDouble, 0.5);
  for (const { scope, resource } of [log, ...metrics]) {
    assert.deepEqual([scope.name, scope.version], [SCOPE.name, SCOPE.version]);
    assert.equal(resource.attributes['service.name'], SERVICE);
  }
}

/** The first request is too large, and the encoding of the second is not understood. */
const REFUSALS = [
  { kind: 'status', status: 413, message: 'request larger than max', times: 1 },
  { kind: 'status', status: 415, message: 'unsupported encoding', times: 1 },
];

/**
 * Runs a `refusedJourney` with these options of `start()`, and checks that both spans arrive: a half
 * each, one of them uncompressed, or in gzip where it was another encoding.
 */
export async function assertRemade(collector, run, options) {
  await collector.fault(REFUSALS);
  const { report } = await run();
  const { sent, rejected, complete, lastError } = report;
  assert.deepEqual(
    { sent, rejected, complete },
    { sent: 2, rejected: 0, complete: true },
    lastError,
  );
  const requests = collector.requests();
  const spans = collector.traces();
  collector.clear();
  const { contentType, contentEncoding } = shapeOf(options);
  for (const request of requests) assert.equal(request.contentType, contentType);
  const refused = requests.filter(({ fault }) => fault !== undefined);
  const accepted = requests.filter(({ fault }) => fault === undefined);
  const encodings = (some) => some.map(({ contentEncoding }) => contentEncoding);
  const [first, second] = encodings(refused);
  assert.equal(first, contentEncoding);
  // A half is in gzip where the host cannot make the other by itself.
  assert.ok(['gzip', contentEncoding].includes(second), second);
  assert.deepEqual(
    accepted.map((request) => request.spans),
    [1, 1],
  );
  // The other half may have been on its way.
  const instead = second === 'gzip' ? 'identity' : 'gzip';
  assert.ok(encodings(accepted).includes(instead), encodings(accepted).join());
  for (const { attributes } of spans) assert.deepEqual(attributes, ATTRIBUTES);
  assert.equal(new Set(spans.map(({ spanId }) => spanId)).size, 2, 'spans');
}

/** ExportTraceServiceRequest of the spans of `codecJourney`, in base64, checked with protoc. */
const ENCODED = [
  'CrEFCjAKFwoMc2VydmljZS5uYW1lEgcKBXNtb2tlChUKBWhvc3RzEgwqCgoDCgFhCgMKAWISkgQKFAoLc21va2Utc2Nv',
  'cGUSBTEuMi4zErsDChAK92UZFs1D3YRI6yEcgDGcEgi3rWtxaSAzMRoIdmVuZG9yPTEiCADwZ6oLqQK3Kgtqb3VybmV5',
  'IOKckzADOQEAKjb+nJcXQYGyEEX+nJcXSh4KBHRleHQSFgoUR3LDvMOfZSwg5LiW55WMIPCfjI1KFgoHaW50ZWdlchIL',
  'GNb//////////wFKEgoFbGFyZ2USCSEAAAAAAABAQ0oRCgNiaWcSChiAgICAgICAgEBKEwoGZG91YmxlEgkhAAAAAAAA',
  '4D9KCAoEbm9uZRIAShUKCGluZmluaXRlEgkhAAAAAAAA8H9KCgoEZmxhZxICEAFKDgoFYnl0ZXMSBToDAH//ShkKBGxp',
  'c3QSESoPCgMKAWEKAhgBCgIQAAoASiMKA21hcBIcMhoKGAoFaW5uZXISDzINCgsKBGRlZXASAwoBeFohCQIAKjb+nJcX',
  'EgdoYWxmd2F5Gg0KB2V2ZW50Lm4SAhgBYAdqMQoQCvdlGRbNQ92ESOshHIAxnBIIt61rcWkgMzEiDAoGbGluay5uEgIY',
  'AigDNQEBAAB6GRIVbm9uZSBvZiB5b3VyIGJ1c2luZXNzGAKFAQEDAAASPAoQCvdlGRbNQ92ESOshHIAxnBIIAAAAAAAA',
  'AAEqBGJhcmUwATkBACo2/pyXF0GBshBF/pyXF4UBAQEAABJMCgcKBW90aGVyEkEKEAr3ZRkWzUPdhEjrIRyAMZwSCAAA',
  'AAAAAAACKgllbHNld2hlcmUwATkBACo2/pyXF0GBshBF/pyXF4UBAQEAABoaaHR0cHM6Ly9leGFtcGxlLmNvbS9zY2hl',
  'bWE=',
].join('');

/** The same as OTLP/JSON. */
const ENCODED_JSON = {
  resourceSpans: [
    {
      resource: {
        attributes: [
          { key: 'service.name', value: { stringValue: 'smoke' } },
          {
            key: 'hosts',
            value: { arrayValue: { values: [{ stringValue: 'a' }, { stringValue: 'b' }] } },
          },
        ],
      },
      scopeSpans: [
        {
          scope: { name: 'smoke-scope', version: '1.2.3' },
          spans: [
            {
              traceId: '0af7651916cd43dd8448eb211c80319c',
              spanId: 'b7ad6b7169203331',
              traceState: 'vendor=1',
              parentSpanId: '00f067aa0ba902b7',
              name: 'journey ✓',
              kind: 3,
              startTimeUnixNano: '1700000000000000001',
              endTimeUnixNano: '1700000000250000001',
              attributes: [
                { key: 'text', value: { stringValue: 'Grüße, 世界 🌍' } },
                { key: 'integer', value: { intValue: '-42' } },
                { key: 'large', value: { doubleValue: 9007199254740992 } },
                { key: 'big', value: { intValue: '4611686018427387904' } },
                { key: 'double', value: { doubleValue: 0.5 } },
                { key: 'none', value: {} },
                { key: 'infinite', value: { doubleValue: 'Infinity' } },
                { key: 'flag', value: { boolValue: true } },
                { key: 'bytes', value: { bytesValue: 'AH//' } },
                {
                  key: 'list',
                  value: {
                    arrayValue: {
                      values: [{ stringValue: 'a' }, { intValue: '1' }, { boolValue: false }, {}],
                    },
                  },
                },
                {
                  key: 'map',
                  value: {
                    kvlistValue: {
                      values: [
                        {
                          key: 'inner',
                          value: {
                            kvlistValue: { values: [{ key: 'deep', value: { stringValue: 'x' } }] },
                          },
                        },
                      ],
                    },
                  },
                },
              ],
              events: [
                {
                  timeUnixNano: '1700000000000000002',
                  name: 'halfway',
                  attributes: [{ key: 'event.n', value: { intValue: '1' } }],
                },
              ],
              droppedEventsCount: 7,
              links: [
                {
                  traceId: '0af7651916cd43dd8448eb211c80319c',
                  spanId: 'b7ad6b7169203331',
                  attributes: [{ key: 'link.n', value: { intValue: '2' } }],
                  droppedAttributesCount: 3,
                  flags: 257,
                },
              ],
              status: { message: 'none of your business', code: 2 },
              flags: 769,
            },
            {
              traceId: '0af7651916cd43dd8448eb211c80319c',
              spanId: '0000000000000001',
              name: 'bare',
              kind: 1,
              startTimeUnixNano: '1700000000000000001',
              endTimeUnixNano: '1700000000250000001',
              flags: 257,
            },
          ],
        },
        {
          scope: { name: 'other' },
          spans: [
            {
              traceId: '0af7651916cd43dd8448eb211c80319c',
              spanId: '0000000000000002',
              name: 'elsewhere',
              kind: 1,
              startTimeUnixNano: '1700000000000000001',
              endTimeUnixNano: '1700000000250000001',
              flags: 257,
            },
          ],
        },
      ],
      schemaUrl: 'https://example.com/schema',
    },
  ],
};

/** Checks what came of `codecJourney`; `late` where the first call must say that it is early. */
export function assertEncoded({ before, protobuf, json, wrong }, { late = false } = {}) {
  assert.equal(before?.code, late ? 'engine_unavailable' : undefined, before?.message);
  if (late) assert.match(before.message, /await ready\(\)/);
  assert.equal(protobuf, ENCODED);
  assert.deepEqual(JSON.parse(json), ENCODED_JSON);
  assert.equal(wrong, 'invalid_data');
  return before?.message;
}

/** Published check values of the hashes. */
const DIGESTS = ['cbf43926', 'e3069283', '91e01de', '937bad67', '8cb841db40e6ae83'];

/** Checks what came of `hashJourney`, as `assertEncoded` does. */
export function assertHashed({ before, digests, wrong }, { late = false } = {}) {
  assert.equal(before?.code, late ? 'engine_unavailable' : undefined, before?.message);
  if (late) assert.match(before.message, /await ready\(\)/);
  assert.deepEqual(
    digests,
    DIGESTS.map((digest) => `${digest} ${digest}`),
  );
  assert.equal(wrong, 'invalid_data');
  return before?.message;
}

/**
 * Checks what came of `compressJourney`, as `assertEncoded` does: it is what Node makes of the same.
 *
 * @param brotli whether the host has it.
 */
export function assertCompressed(result, { late = false, brotli = true } = {}) {
  const { before, whole, streamed, wrong } = result;
  assert.equal(before?.code, late ? 'engine_unavailable' : undefined, before?.message);
  if (late) assert.match(before.message, /await ready\(\)/);
  const bytes = compressible();
  const base64 = (compressed) => Buffer.from(compressed).toString('base64');
  const expected = COMPRESSED.map(([encoding, level]) => compress(encoding, bytes, { level }));
  assert.deepEqual(whole, expected.map(base64));
  assert.deepEqual(gunzipSync(expected[0]), Buffer.from(bytes));
  const stream = createCompressor('zstd', { level: 'fast' });
  assert.equal(streamed, base64(Buffer.concat([stream.push(bytes), stream.end()])));
  assert.equal(wrong, 'invalid_option');
  if (brotli) {
    const inflated = brotliDecompressSync(Buffer.from(result.brotli, 'base64'));
    assert.deepEqual(inflated, Buffer.from(bytes));
    return before?.message;
  }
  assert.equal(result.brotli.code, 'not_supported');
  return result.brotli.message;
}

/** What the exporters of each protocol send. */
const EXPORTED = { proto: 'http/protobuf', http: 'http/json', grpc: 'grpc' };

/** Where the exporters of each protocol are to send to. */
export const exporterUrls = ({ url, grpcUrl }) => ({
  proto: `${url}/v1/traces`,
  http: `${url}/v1/traces`,
  grpc: grpcUrl,
});

/** Checks what came of `exporterJourney` here and at the collector, which forgets it. */
export function assertExported(collector, told, engine = 'simd') {
  const spans = collector.traces();
  const requests = collector.requests();
  collector.clear();
  for (const [protocol, { code, message, sent, queued, dropped, ...more }] of Object.entries(
    told,
  )) {
    assert.equal(code, 0, `${protocol}: ${message}`);
    assert.deepEqual([sent, queued, more.engine], [3, 0, engine], protocol);
    assert.deepEqual(new Set(Object.values(dropped)), new Set([0]), protocol);
  }
  assert.deepEqual(
    requests.map(({ contentType, contentEncoding }) => [contentType, contentEncoding]),
    Object.keys(told).map((name) => Object.values(shapeOf({ protocol: EXPORTED[name] }))),
  );
  const first = spans.slice(0, 3);
  assert.deepEqual(
    first.map(({ name }) => name),
    [SPAN.name, 'bare', 'elsewhere'],
  );
  // The same spans, whichever way they went.
  assert.deepEqual(
    spans,
    requests.flatMap(() => first),
  );
}
