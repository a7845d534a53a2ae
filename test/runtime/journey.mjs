// What every host records. Copied into every fixture's project; runs on the host itself, so it
// imports nothing.

export const SERVICE = 'smoke';
export const SCOPE = { name: 'smoke-scope', version: '1.2.3' };
export const SPAN = { name: 'journey ✓', event: 'halfway', error: 'none of your business' };

/** One of each kind; the long one makes the request worth compressing. */
export const ATTRIBUTES = {
  text: 'smoke',
  unicode: 'Grüße, 世界 🌍',
  integer: 42,
  double: 0.5,
  negative: -7,
  flag: true,
  list: ['a', 'b'],
  long: 'the quick brown fox jumps over the lazy dog; '.repeat(20),
};

/** The options all hosts start with; `endpoint` is the collector's. */
export function optionsFor(endpoint, more = {}) {
  return {
    serviceName: SERVICE,
    resource: { 'deployment.environment.name': 'smoke' },
    endpoint,
    ...more,
  };
}

/** Records the span; it has ended when this returns. */
export function record(telemetry) {
  const tracer = telemetry.tracer(SCOPE.name, SCOPE.version);
  const span = tracer.startSpan(SPAN.name, { kind: 2, attributes: ATTRIBUTES });
  span.addEvent(SPAN.event, { 'event.n': 1 });
  span.setStatus({ code: 2, message: SPAN.error });
  span.end();
}

/** Spans in each other, by the active context alone: `later` starts after an `await`. */
export async function nest(telemetry) {
  const tracer = telemetry.tracer(SCOPE.name, SCOPE.version);
  await tracer.startActiveSpan('outer', async (outer) => {
    tracer.startActiveSpan('inner', (inner) => {
      tracer.startSpan('innermost').end();
      inner.end();
    });
    await new Promise((resolve) => setTimeout(resolve, 1));
    tracer.startSpan('later').end();
    outer.end();
  });
}

/** {@link nest} from `start()` to the flush report. */
export async function nestedJourney(start, options) {
  const telemetry = start(options);
  const before = telemetry.health().context.manager;
  telemetry.register();
  await nest(telemetry);
  const { context } = telemetry.health();
  const report = await telemetry.shutdown();
  return { before, context, report };
}

/** From `start()` to the flush report, for hosts on which it may all happen in one go. */
export async function journey(start, options) {
  const telemetry = start(options);
  record(telemetry);
  const atEnd = telemetry.health().engine;
  const report = await telemetry.shutdown();
  return { atEnd, engine: telemetry.health().engine, report };
}

/**
 * What a server makes of two spans in one request when it refuses the first request as too large,
 * and one of its halves for its encoding.
 */
export async function refusedJourney(start, options) {
  const telemetry = start(options);
  record(telemetry);
  record(telemetry);
  return { report: await telemetry.shutdown() };
}

export const LOG = { eventName: 'order.placed', severityText: 'INFO', severityNumber: 9 };
export const BODY = { text: 'Grüße', list: [1, 'a'], map: { inner: true } };
export const ROUTE = { 'http.route': '/orders/{id}' };

/** A log record and metrics beside a span, from `start()` to the flush report. */
export async function signalsJourney(start, options) {
  const telemetry = start(options);
  record(telemetry);
  telemetry
    .logger(SCOPE.name, SCOPE.version)
    .emit({ ...LOG, body: BODY, attributes: { text: 'Grüße, 世界 🌍', long: ATTRIBUTES.long } });
  const meter = telemetry.meter(SCOPE.name, SCOPE.version);
  const count = meter.createCounter('smoke.count', { unit: '{order}' });
  count.add(2, ROUTE);
  count.bind?.(ROUTE).add(3);
  const duration = meter.createHistogram('smoke.duration', { unit: 's' });
  for (const value of [0.1, 7, 20_000]) duration.record(value, ROUTE);
  meter.createObservableGauge('smoke.level').addCallback((result) => result.observe(0.5));
  const report = await telemetry.shutdown();
  return { engine: telemetry.health().engine, report };
}

/** What is said where `otlp-wasm/exporters/grpc` cannot be had; `load` imports it. */
export async function missingExporter(load, isOtlpError) {
  try {
    await load();
    return {};
  } catch (error) {
    if (!isOtlpError(error)) throw error;
    return { code: error.code, message: error.message };
  }
}

/** Spans as the SDK of somebody else gives them to its exporters. */
export function foreignSpans() {
  const context = {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    traceFlags: 1,
  };
  const state = { serialize: () => 'vendor=1' };
  const resource = {
    attributes: { 'service.name': SERVICE, hosts: ['a', 'b'] },
    schemaUrl: 'https://example.com/schema',
  };
  const rest = {
    kind: 0,
    startTime: [1_700_000_000, 1],
    endTime: [1_700_000_000, 250_000_001],
    status: { code: 0 },
    attributes: {},
    links: [],
    events: [],
    resource,
    instrumentationScope: SCOPE,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
  return [
    {
      ...rest,
      name: SPAN.name,
      kind: 2,
      spanContext: () => ({ ...context, traceState: state }),
      parentSpanContext: { ...context, spanId: '00f067aa0ba902b7', isRemote: true },
      status: { code: 2, message: SPAN.error },
      attributes: {
        text: 'Grüße, 世界 🌍',
        integer: -42,
        large: 2 ** 53,
        big: 2n ** 62n,
        double: 0.5,
        none: null,
        infinite: Infinity,
        flag: true,
        bytes: new Uint8Array([0, 127, 255]),
        list: ['a', 1, false, null],
        map: { inner: { deep: 'x' } },
      },
      events: [{ time: [1_700_000_000, 2], name: SPAN.event, attributes: { 'event.n': 1 } }],
      links: [{ context, attributes: { 'link.n': 2 }, droppedAttributesCount: 3 }],
      droppedEventsCount: 7,
    },
    { ...rest, name: 'bare', spanContext: () => ({ ...context, spanId: '0000000000000001' }) },
    {
      ...rest,
      name: 'elsewhere',
      spanContext: () => ({ ...context, spanId: '0000000000000002' }),
      instrumentationScope: { name: 'other' },
    },
  ];
}

/** What a call says that is refused. */
function refusalOf(call, isOtlpError) {
  try {
    call();
  } catch (error) {
    if (!isOtlpError(error)) throw error;
    return { code: error.code, message: error.message };
  }
}

/** What `otlp-wasm/codec` makes of them, and what it says where it must be waited for. */
export async function codecJourney({ encodeTraces, encodeTracesJson, ready, isOtlpError }) {
  const spans = foreignSpans();
  const before = refusalOf(() => encodeTraces(spans), isOtlpError);
  await ready();
  const protobuf = btoa(String.fromCharCode(...encodeTraces(spans)));
  const json = new TextDecoder().decode(encodeTracesJson(spans));
  let wrong;
  try {
    encodeTraces([spans[1], {}]);
  } catch (error) {
    wrong = isOtlpError(error) ? error.code : String(error);
  }
  return { before, protobuf, json, wrong };
}

const HASHES = ['crc32', 'crc32c', 'adler32', 'xxh32', 'xxh64'];

/** The digests of `123456789`, at once and in two pieces, and the refusals as in `codecJourney`. */
export async function hashJourney({ ready, isOtlpError, ...hash }) {
  const bytes = new TextEncoder().encode('123456789');
  const before = refusalOf(() => hash.crc32(bytes), isOtlpError);
  await ready();
  const digests = HASHES.map((name) => {
    const stream = hash.createHash(name).update(bytes.subarray(0, 4)).update(bytes.subarray(4));
    return [hash[name](bytes), stream.digest()].map((digest) => digest.toString(16)).join(' ');
  });
  const wrong = refusalOf(() => hash.xxh64('123456789'), isOtlpError);
  return { before, digests, wrong: wrong?.code };
}

/** Something that can be compressed. */
export function compressible() {
  const lines = Array.from({ length: 400 }, (_, i) => `GET /orders/${i * 7919} 200 größe=${i % 9}`);
  return new TextEncoder().encode(lines.join('\n'));
}

export const COMPRESSED = [
  ...['gzip', 'deflate', 'deflate-raw', 'zstd'].flatMap((encoding) =>
    ['fast', 'default', 'best'].map((level) => [encoding, level]),
  ),
  ...['lz4', 'snappy', 'x-snappy-framed'].map((encoding) => [encoding, 'default']),
];

/** Node's Response needs WebAssembly, and not every browser can iterate a stream. */
async function collected(readable) {
  const reader = readable.getReader();
  const bytes = [];
  for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
    bytes.push(...value);
  }
  return bytes;
}

const base64 = (bytes) => btoa(String.fromCharCode(...bytes));

/**
 * What `otlp-wasm/compress` makes of it, by each encoding and level, by a stream and by the host's
 * brotli, and the refusals as in `codecJourney`.
 */
export async function compressJourney({ compress, compressionStream, ready, isOtlpError }) {
  const bytes = compressible();
  const before = refusalOf(() => compress('gzip', bytes), isOtlpError);
  const { readable, writable } = compressionStream('zstd', { level: 'fast' });
  const writer = writable.getWriter();
  void writer.write(bytes.subarray(0, 99));
  void writer.write(bytes.subarray(99));
  void writer.close();
  const streamed = base64(await collected(readable));
  await ready();
  const whole = COMPRESSED.map(([encoding, level]) => base64(compress(encoding, bytes, { level })));
  let brotli;
  const none = refusalOf(() => {
    brotli = base64(compress('br', bytes));
  }, isOtlpError);
  const wrong = refusalOf(() => compress('gzip', bytes, { level: 22 }), isOtlpError);
  return { before, whole, streamed, brotli: brotli ?? none, wrong: wrong?.code };
}

/**
 * Exports them by each protocol; says what became of them.
 *
 * @param modules exporters' entries by protocol: `proto`, `http`, `grpc`
 * @param urls where each is to send to
 */
export async function exporterJourney(modules, urls) {
  const told = {};
  for (const [protocol, { OTLPTraceExporter }] of Object.entries(modules)) {
    const exporter = new OTLPTraceExporter({ url: urls[protocol], compression: 'gzip' });
    const { code, error } = await new Promise((resolve) => {
      exporter.export(foreignSpans(), resolve);
    });
    await exporter.shutdown();
    const { engine, signals } = exporter.health();
    told[protocol] = { code, message: error?.message, engine: engine.name, ...signals.traces };
  }
  return told;
}
