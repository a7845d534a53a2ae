import { createHash } from 'node:crypto';
import { once } from 'node:events';
import http2 from 'node:http2';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import zlib, { gunzipSync, gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { decodeRetryDelay } from '../../../src/codec/response.ts';
import { OTLPTraceExporter as GrpcExporter } from '../../../src/runtime/node/exporter-grpc.ts';
import { OTLPTraceExporter as ProtoExporter } from '../../../src/runtime/node/exporter-proto.ts';
import {
  type Collector,
  type CollectorOptions,
  type Fault,
  isOtlpError,
  startCollector,
} from '../../../src/workbench/collector/index.ts';
import { wireOf } from '../../../src/workbench/collector/schema.ts';
import { ROOT } from '../../support/bundle.ts';
import { ENCODE } from '../../support/encoded.ts';
import { type GrpcClient, grpcClient, TRACE_EXPORT } from '../../support/grpc-client.ts';
import { framed } from '../../support/grpc-server.ts';
import { endedSpans, unaccounted } from '../../support/otlp-exporter.ts';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanups.splice(0).reverse()) await cleanUp();
});

async function start(
  options: CollectorOptions = {},
): Promise<{ collector: Collector; client: GrpcClient }> {
  const collector = await startCollector({ port: 0, grpcPort: 0, ...options });
  const client = grpcClient(collector.grpcUrl!);
  cleanups.push(
    () => collector.close(),
    () => client.close(),
  );
  return { collector, client };
}

/** An encoded request with spans of these names. */
function spans(...names: string[]): Uint8Array {
  const resourceSpans = [{ scopeSpans: [{ spans: names.map((name) => ({ name })) }] }];
  return wireOf('ExportTraceServiceRequest').encode({ resourceSpans }).finish();
}

const names = ({ traces }: Collector) => traces().map(({ name }) => name);

const postTraces = (collector: Collector, body: Uint8Array, headers: Record<string, string> = {}) =>
  fetch(`${collector.url}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf', ...headers },
    body: body as BodyInit,
  });

function partialOf(body: Uint8Array | undefined): unknown {
  const type = wireOf('ExportTraceServiceResponse');
  return type.toObject(type.decode(body!), { longs: Number });
}

/** A call as its parts, by bare HTTP/2. Undefined parts did not come. */
async function rawCall(
  collector: Collector,
  bytes: Uint8Array,
  headers: http2.OutgoingHttpHeaders = {},
) {
  const session = http2.connect(collector.grpcUrl!);
  cleanups.push(() => session.destroy());
  session.on('error', () => {});
  const stream = session.request({
    ':method': 'POST',
    ':path': TRACE_EXPORT,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  });
  const got: { headers?: http2.IncomingHttpHeaders; trailers?: http2.IncomingHttpHeaders } = {};
  const chunks: Buffer[] = [];
  stream.on('error', () => {});
  stream.on('response', (incoming) => (got.headers = incoming));
  stream.on('trailers', (incoming) => (got.trailers = incoming));
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.end(bytes);
  await once(stream, 'close').catch(() => {});
  return { ...got, body: Buffer.concat(chunks), rstCode: stream.rstCode };
}

it('is not there unless it is asked for', async () => {
  const collector = await startCollector({ port: 0 });
  cleanups.push(() => collector.close());
  expect(collector.grpcUrl).toBeUndefined();
});

it('its library is not among what a collector loads at once', async () => {
  const entry = 'src/workbench/collector/index.ts';
  const { metafile } = await build({
    ...{ entryPoints: [join(ROOT, entry)], absWorkingDir: ROOT, outdir: 'unwritten', write: false },
    ...{ bundle: true, splitting: true, format: 'esm', platform: 'node', metafile: true },
  });
  const reached = new Set<string>();
  const open = Object.keys(metafile.outputs).filter((out) => {
    return metafile.outputs[out]!.entryPoint === entry;
  });
  for (const out of open) {
    const { imports, inputs } = metafile.outputs[out]!;
    for (const input of Object.keys(inputs)) reached.add(input);
    for (const { path, kind, external } of imports) {
      if (kind === 'import-statement' && !external && !open.includes(path)) open.push(path);
    }
  }
  const grpc = (inputs: Iterable<string>) => [...inputs].filter((path) => path.includes('/@grpc/'));
  expect(reached).toContain(entry);
  expect(grpc(reached)).toEqual([]);
  expect(grpc(Object.keys(metafile.inputs))).not.toEqual([]);
});

describe('a call that is accepted', () => {
  it('identity and gzip: stored, counted and described as over HTTP', async () => {
    const { collector, client } = await start({ keepBodies: true });
    const body = spans('a', 'b');
    const metadata = { 'x-tenant': 'blue', authorization: 'Bearer s3cr3t' };
    for (const gzip of [false, true]) {
      const answer = await client.call(body, { gzip, metadata });
      expect(answer).toMatchObject({ code: 0, details: 'OK', body: Buffer.alloc(0) });
    }
    await postTraces(collector, body);
    expect(names(collector)).toEqual(['a', 'b', 'a', 'b', 'a', 'b']);
    const [plain, packed, http] = collector.requests();
    const described = {
      ...{ protocol: 'grpc', path: TRACE_EXPORT, signal: 'traces', status: 200, grpcStatus: 0 },
      ...{ contentType: 'application/grpc', rawBytes: body.length, spans: 2 },
      ...{ userAgent: expect.stringMatching(/^grpc-node-js\//), body: new Uint8Array(body) },
    };
    expect(plain).toMatchObject({
      ...described,
      ...{ contentEncoding: 'identity', wireBytes: body.length },
      bodySha256: createHash('sha256').update(body).digest('hex'),
    });
    expect(plain!.headers).toMatchObject({ 'x-tenant': 'blue', authorization: '[redacted]' });
    expect(packed).toMatchObject({ ...described, contentEncoding: 'gzip' });
    expect(packed!.wireBytes).toBeGreaterThan(body.length);
    expect(http).toMatchObject({ protocol: 'http', status: 200, bodySha256: plain!.bodySha256 });
    expect(http).not.toHaveProperty('grpcStatus');
    expect(collector.stats()).toMatchObject({
      ...{ requests: 3, accepted: 3, spans: 6, rejected: 0, unanswered: 0, errors: {} },
      ...{ wireBytes: 2 * body.length + packed!.wireBytes, rawBytes: 3 * body.length },
    });
  });

  it('a compressed message is hashed as it was sent, and one that is not needs no encoding', async () => {
    const { collector } = await start();
    const gzipped = gzipSync(spans('a'));
    const headers = { 'grpc-encoding': 'gzip' };
    const answers = [
      await rawCall(collector, framed(gzipped, true), headers),
      await rawCall(collector, framed(spans('b')), headers),
    ];
    for (const { trailers } of answers) expect(trailers).toMatchObject({ 'grpc-status': '0' });
    expect(answers[0]!.headers!['grpc-accept-encoding']).toMatch(/^gzip,/);
    expect(collector.requests()).toMatchObject([
      {
        contentEncoding: 'gzip',
        wireBytes: gzipped.length,
        bodySha256: createHash('sha256').update(gzipped).digest('hex'),
      },
      { contentEncoding: 'identity' },
    ]);
  });

  it('logs and metrics', async () => {
    const { collector, client } = await start();
    const logs = wireOf('ExportLogsServiceRequest').encode({
      resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: 'x' } }] }] }],
    });
    const gauge = { dataPoints: [{ asDouble: 1 }, { asDouble: 2 }] };
    const metrics = wireOf('ExportMetricsServiceRequest').encode({
      resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: 'm', gauge }] }] }],
    });
    const path = (service: string) => `/opentelemetry.proto.collector.${service}/Export`;
    await client.call(logs.finish(), { path: path('logs.v1.LogsService') });
    await client.call(metrics.finish(), { path: path('metrics.v1.MetricsService') });
    expect(collector.logs().map(({ body }) => body)).toEqual(['x']);
    expect(collector.metrics()).toMatchObject([{ name: 'm' }]);
    expect(collector.stats()).toMatchObject({ spans: 0, logRecords: 1, dataPoints: 2 });
  });

  it('may be empty, and many may share a connection', async () => {
    const { collector, client } = await start();
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        client.call(i % 2 === 0 ? new Uint8Array() : spans(`${i}`)),
      ),
    );
    expect(new Set(answers.map(({ code }) => code))).toEqual(new Set([0]));
    expect(collector.stats()).toMatchObject({ accepted: 100, spans: 50 });
  });

  it('is decoded only as far as the collector is told to', async () => {
    const { collector, client } = await start({ store: false });
    await client.call(spans('a', 'b'), { gzip: true });
    expect(collector.stats()).toMatchObject({ accepted: 1, spans: 2 });
    expect(collector.requests()).toEqual([]);
    const bare = await start({ store: false, countSpans: false });
    await bare.client.call(Uint8Array.of(0x0f), { gzip: true });
    expect(bare.collector.stats()).toMatchObject({ accepted: 1, spans: 0 });
  });
});

describe('a refused call', () => {
  it('INVALID_ARGUMENT for what is not OTLP, or not compressed as it says', async () => {
    const { collector, client } = await start();
    expect(await client.call(Uint8Array.of(0x0f))).toMatchObject({
      code: 3,
      details: expect.stringContaining('not protobuf'),
    });
    const { headers } = await rawCall(collector, framed(spans('a'), true), {
      'grpc-encoding': 'gzip',
    });
    expect(headers).toMatchObject({ ':status': 200, 'grpc-status': '3' });
    expect(headers!['grpc-message']).toContain('not%20gzip');
    expect(collector.stats()).toMatchObject({ accepted: 0, errors: { 400: 2 } });
  });

  it('UNIMPLEMENTED for a method or an encoding that is not known', async () => {
    const { collector, client } = await start();
    const path = '/opentelemetry.proto.collector.trace.v1.TraceService/Import';
    expect((await client.call(spans('a'), { path })).code).toBe(12);
    const brotli = framed(zlib.brotliCompressSync(spans('a')), true);
    const { headers } = await rawCall(collector, brotli, { 'grpc-encoding': 'br' });
    expect(headers).toMatchObject({
      'grpc-status': '12',
      'grpc-accept-encoding': expect.stringMatching(/^gzip,.*identity$/),
    });
    expect(collector.requests()).toMatchObject([{ contentEncoding: 'br', grpcStatus: 12 }]);
  });

  it('RESOURCE_EXHAUSTED for too many bytes: announced, or inflated', async () => {
    const { collector, client } = await start({ maxRequestBytes: 1000 });
    const large = Buffer.alloc(100_000, 32);
    expect((await client.call(large)).code).toBe(8);
    expect(await client.call(large, { gzip: true })).toMatchObject({
      code: 8,
      details: expect.stringContaining('1000 bytes'),
    });
    expect((await client.call(spans('a'))).code).toBe(0);
    expect(collector.requests().map(({ status, grpcStatus }) => [status, grpcStatus])).toEqual([
      [429, 8],
      [429, 8],
      [200, 0],
    ]);
  });

  it('a sender that goes away in the middle of its message is counted', async () => {
    const { collector } = await start();
    const session = http2.connect(collector.grpcUrl!);
    session.on('error', () => {});
    const stream = session.request({
      ':method': 'POST',
      ':path': TRACE_EXPORT,
      'content-type': 'application/grpc',
    });
    stream.on('error', () => {});
    stream.write(framed(spans('a')).subarray(0, 7), () => session.destroy());
    await collector.waitFor(({ stats }) => stats().unanswered === 1);
    expect(collector.stats()).toMatchObject({ requests: 1, accepted: 0 });
  });
});

describe.each([
  ['gzip', 'gzip'],
  ['zstd', 'zstd'],
  // The Collector's name for the framed format here.
  ['snappy', 'x-snappy-framed'],
])('messages in %s', (encoding, format) => {
  const encode = ENCODE[format]!;
  const headers = { 'grpc-encoding': encoding };

  it('are inflated', async () => {
    const { collector } = await start();
    const call = await rawCall(collector, framed(encode(spans('a')), true), headers);
    expect(call.trailers).toMatchObject({ 'grpc-status': '0' });
    expect(call.headers!['grpc-accept-encoding']).toBe('gzip,zstd,snappy,identity');
    expect(names(collector)).toEqual(['a']);
  });

  it('are UNIMPLEMENTED where others are wanted', async () => {
    const encodings = Object.keys(ENCODE).filter((name) => name !== encoding);
    const { collector } = await start({ encodings });
    const call = await rawCall(collector, framed(encode(spans('a')), true), headers);
    expect(call.headers).toMatchObject({
      'grpc-status': '12',
      'grpc-message': expect.stringContaining('unsupported%20encoding'),
    });
    expect(call.headers!['grpc-accept-encoding']).not.toContain(encoding);
  });
});

it.each(['lz4', 'deflate', 'zlib', 'x-snappy-framed'])('no messages in %s', async (encoding) => {
  const { collector } = await start();
  const body = framed(ENCODE[encoding]!(spans('a')), true);
  const { headers } = await rawCall(collector, body, { 'grpc-encoding': encoding });
  expect(headers).toMatchObject({ 'grpc-status': '12' });
  expect(names(collector)).toEqual([]);
});

describe('faults', () => {
  it('every status, with and without a RetryInfo', async () => {
    const { collector, client } = await start();
    for (let code = 0; code <= 16; code++) {
      await collector.fault([
        { kind: 'status', grpcStatus: code, message: `no ${code}`, times: 1 },
        { kind: 'status', grpcStatus: code, retryAfter: 1.5, times: 1 },
      ]);
      const [plain, told] = [await client.call(spans('a')), await client.call(spans('a'))];
      expect([plain.code, told.code]).toEqual([code, code]);
      const details = ({ trailers }: typeof plain) =>
        trailers.get('grpc-status-details-bin')[0] as Buffer | undefined;
      expect(details(plain)).toBeUndefined();
      if (code === 0) continue;
      expect(plain.details).toBe(`no ${code}`);
      expect(decodeRetryDelay(details(told)!)).toBe(1500);
      expect(wireOf('Status').decode(details(told)!)).toMatchObject({
        code,
        message: told.details,
      });
    }
    expect(names(collector)).toEqual(['a', 'a']);
    expect(collector.stats()).toMatchObject({ requests: 34, accepted: 2 });
  });

  it('a delay until a date, or by a text that is a number; other texts tell nothing', async () => {
    const { collector, client } = await start();
    const retryAfters = [new Date(Date.now() + 1e6), new Date(0), '7', 'soon', ''];
    await collector.fault(
      retryAfters.map((retryAfter) => ({ kind: 'status', status: 503, retryAfter, times: 1 })),
    );
    const delays: (number | undefined)[] = [];
    for (const _ of retryAfters) {
      const [details] = (await client.call(spans('a'))).trailers.get('grpc-status-details-bin');
      delays.push(details instanceof Buffer ? decodeRetryDelay(details) : undefined);
    }
    expect(delays[0]).toBeGreaterThan(0);
    expect(delays[0]).toBeLessThanOrEqual(1e6);
    expect(delays.slice(1)).toEqual([0, 7000, undefined, undefined]);
  });

  it('a status of one protocol is what means the same over the other', async () => {
    const { collector, client } = await start();
    const over = async (fault: Fault) => {
      await collector.fault(fault);
      const { code } = await client.call(spans('a'));
      return [code, (await postTraces(collector, spans('a'))).status];
    };
    expect(await over({ kind: 'status', status: 503 })).toEqual([14, 503]);
    expect(await over({ kind: 'status', status: 400 })).toEqual([3, 400]);
    expect(await over({ kind: 'status', status: 418 })).toEqual([2, 418]);
    expect(await over({ kind: 'status', status: 202 })).toEqual([0, 202]);
    expect(await over({ kind: 'status', grpcStatus: 16 })).toEqual([16, 401]);
    expect(await over({ kind: 'status', grpcStatus: 0 })).toEqual([0, 200]);
    expect(await over({ kind: 'status', status: 429, grpcStatus: 14 })).toEqual([14, 429]);
    expect(collector.stats().errors).toEqual({ 503: 3, 400: 2, 500: 1, 418: 1, 401: 2, 429: 1 });
  });

  it.each([
    [{ kind: 'status' }, 'needs status or grpcStatus'],
    [{ kind: 'status', grpcStatus: 17 }, 'from 0 to 16, got 17'],
    [{ kind: 'status', grpcStatus: 1.5 }, 'got 1.5'],
    [{ kind: 'status', status: 200, grpcStatus: 14 }, 'one is a success, one an error'],
    [{ kind: 'reset', errorCode: 14 }, 'from 0 to 13, got 14'],
  ] as [Fault, string][])('%j makes no sense', async (fault, message) => {
    const { collector } = await start();
    await expect(collector.fault(fault)).rejects.toThrow(message);
  });

  it('partial success', async () => {
    const { collector, client } = await start();
    await collector.fault({ kind: 'partial', rejected: 2, message: 'too long' });
    const { code, body } = await client.call(spans('a', 'b', 'c'));
    expect(code).toBe(0);
    expect(partialOf(body)).toEqual({
      partialSuccess: { rejectedSpans: 2, errorMessage: 'too long' },
    });
    expect(names(collector)).toEqual(['a']);
    expect(collector.stats()).toMatchObject({ accepted: 1, spans: 1, rejected: 2 });
  });

  it('a delay answers as usual, later', async () => {
    const { collector, client } = await start();
    await collector.fault({ kind: 'delay', delayMs: 5 });
    expect((await client.call(spans('a'))).code).toBe(0);
    expect(names(collector)).toEqual(['a']);
  });

  it('a call that hangs gets nothing, not even at its deadline, and ends with the collector', async () => {
    const { collector } = await start();
    await collector.fault({ kind: 'hang' });
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    cleanups.push(() => vi.useRealTimers());
    const call = rawCall(collector, framed(spans('a')), { 'grpc-timeout': '7S' });
    await collector.waitFor({ requests: 1 });
    await vi.advanceTimersByTimeAsync(7001);
    await collector.close();
    expect((await call).headers).toBeUndefined();
    expect(collector.stats()).toMatchObject({ unanswered: 1, accepted: 0 });
    expect(collector.requests()).toMatchObject([{ status: 0, fault: 'hang' }]);
    expect(collector.requests()[0]).not.toHaveProperty('grpcStatus');
  });

  it.each(['connection', 'headers', 'body'] as const)('cut: %s', async (when) => {
    const { collector } = await start();
    await collector.fault({ kind: 'cut', when, times: 1 });
    expect((await rawCall(collector, framed(spans('lost')))).headers).toBeUndefined();
    const { trailers } = await rawCall(collector, framed(spans('a')));
    expect(trailers).toMatchObject({ 'grpc-status': '0' });
    expect(names(collector)).toEqual(['a']);
    expect(collector.stats()).toMatchObject({ requests: 2, accepted: 1, unanswered: 1 });
  });

  it('cut: connection, on one that is open already', async () => {
    const { collector, client } = await start();
    expect((await client.call(spans('a'))).code).toBe(0);
    await collector.fault({ kind: 'cut', when: 'connection', times: 1 });
    expect((await client.call(spans('lost'))).code).not.toBe(0);
    expect(names(collector)).toEqual(['a']);
    expect(collector.stats()).toMatchObject({ requests: 2, unanswered: 1 });
  });

  it('cut: in the answer, which has no status then; the spans are stored', async () => {
    const { collector } = await start();
    await collector.fault({ kind: 'cut', when: 'answer', times: 1 });
    const { trailers } = await rawCall(collector, framed(spans('a')));
    expect(trailers).toBeUndefined();
    expect(names(collector)).toEqual(['a']);
    expect(collector.stats()).toMatchObject({ accepted: 1, unanswered: 0 });
  });

  it('a stream that is reset, with the connection left as it is', async () => {
    const { collector, client } = await start();
    await collector.fault([
      { kind: 'reset', times: 1 },
      { kind: 'reset', errorCode: 7, times: 1 },
    ]);
    const resets = [
      await rawCall(collector, framed(spans('lost'))),
      await rawCall(collector, framed(spans('lost'))),
    ];
    expect(resets.map(({ rstCode }) => rstCode)).toEqual([2, 7]);
    expect((await client.call(spans('a'))).code).toBe(0);
    expect(names(collector)).toEqual(['a']);
    expect(collector.stats()).toMatchObject({ requests: 3, unanswered: 2 });
    // Over HTTP, which has no streams, the connection.
    await collector.fault({ kind: 'reset', times: 1 });
    await expect(postTraces(collector, spans('lost'))).rejects.toThrow();
    expect(collector.stats()).toMatchObject({ requests: 4, unanswered: 3 });
  });

  it('refused connections, and the same ports again afterwards', async () => {
    const { collector } = await start();
    const { port, hostname } = new URL(collector.grpcUrl!);
    await collector.fault({ kind: 'refuse' });
    const [error] = await once(connect(Number(port), hostname), 'error').catch((e) => [e]);
    expect(error.code).toBe('ECONNREFUSED');
    await collector.fault(null);
    const { trailers } = await rawCall(collector, framed(spans('a')));
    expect(trailers).toMatchObject({ 'grpc-status': '0' });
    expect((await postTraces(collector, spans('b'))).status).toBe(200);
    expect(names(collector)).toEqual(['a', 'b']);
  });

  it('garbage, and an answer that is too large, also when it was small on the wire', async () => {
    const { collector, client } = await start();
    await collector.fault([
      { kind: 'garbage', times: 1 },
      { kind: 'garbage', body: 'nonsense', times: 1 },
      { kind: 'oversized', sizeBytes: 300_000, times: 1 },
    ]);
    const garbage = await client.call(spans('a'));
    expect(garbage.code).toBe(0);
    expect(() => partialOf(garbage.body)).toThrow();
    expect(String((await client.call(spans('b'))).body)).toBe('nonsense');
    expect((await client.call(spans('c'))).body!.length).toBeGreaterThan(300_000);
    await collector.fault({ kind: 'oversized', sizeBytes: 300_000, contentEncoding: 'gzip' });
    const { headers, body, trailers } = await rawCall(collector, framed(spans('d')));
    expect(headers!['grpc-encoding']).toBe('gzip');
    expect([body[0], body.readUInt32BE(1)]).toEqual([1, body.length - 5]);
    expect(body.length).toBeLessThan(10_000);
    expect(gunzipSync(body.subarray(5)).length).toBeGreaterThan(300_000);
    expect(trailers).toMatchObject({ 'grpc-status': '0' });
    expect((await client.call(spans('e'))).code).toBe(0);
    expect(names(collector)).toEqual(['a', 'b', 'c', 'd', 'e']);
  });
});

describe('our exporter', () => {
  const attributes = {
    text: 'größe',
    int: 7,
    double: 0.5,
    yes: true,
    list: ['a', 'b'],
    big: 2 ** 40,
  };

  const exported = (exporter: GrpcExporter | ProtoExporter, batch: ReturnType<typeof endedSpans>) =>
    new Promise<{ code: number }>((resolve) => exporter.export(batch, resolve));

  it.each(['none', 'gzip'])(
    'over gRPC and over HTTP the same arrives, compression %s',
    async (compression) => {
      const { collector } = await start();
      const batch = endedSpans(40, attributes);
      const ours = new GrpcExporter({ url: collector.grpcUrl!, compression });
      const http = new ProtoExporter({ url: `${collector.url}/v1/traces`, compression });
      expect((await exported(ours, batch)).code).toBe(0);
      expect((await exported(http, batch)).code).toBe(0);
      const all = collector.traces();
      expect(all).toHaveLength(80);
      expect(all[0]!.attributes).toMatchObject(attributes);
      expect(all.slice(0, 40)).toEqual(all.slice(40));
      const [overGrpc, overHttp] = collector.requests();
      expect(overGrpc).toMatchObject({
        ...{ protocol: 'grpc', contentEncoding: compression === 'gzip' ? 'gzip' : 'identity' },
        ...{ bodySha256: overHttp!.bodySha256, wireBytes: overHttp!.wireBytes },
      });
      expect([unaccounted(ours.health()), unaccounted(http.health())]).toEqual([0, 0]);
      await Promise.all([ours.shutdown(), http.shutdown()]);
    },
  );

  it('sends the same bytes again after an UNAVAILABLE, a reset stream and a cut connection', async () => {
    const { collector } = await start();
    await collector.fault([
      { kind: 'status', grpcStatus: 14, times: 1 },
      { kind: 'reset', errorCode: 7, times: 1 },
      { kind: 'cut', when: 'body', times: 1 },
      { kind: 'delay', delayMs: 1 },
    ]);
    const queue = { retry: { initialMs: 1, maxMs: 5 } };
    const exporter = new GrpcExporter({ url: collector.grpcUrl!, compression: 'gzip', queue });
    // It says that the collector does not answer.
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    cleanups.push(() => said.mockRestore());
    expect((await exported(exporter, endedSpans(10))).code).toBe(0);
    await collector.waitFor({ spans: 10 });
    const requests = collector.requests();
    expect(requests.map(({ fault }) => fault)).toEqual(['status', 'reset', 'cut', 'delay']);
    expect(new Set(requests.map(({ bodySha256 }) => bodySha256)).size).toBe(1);
    expect(collector.stats()).toMatchObject({ spans: 10, accepted: 1 });
    await exporter.shutdown();
  });
});

describe('the ports', () => {
  it('one that is taken is said to be, and the other is free again', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    cleanups.push(() => taken.close());
    const grpcPort = (taken.address() as { port: number }).port;
    const error = await startCollector({ port: 0, grpcPort }).catch((e) => e);
    expect(isOtlpError(error) && error.code).toBe('listen_failed');
    expect(error.message).toContain(`port ${grpcPort} on 127.0.0.1 is in use`);
  });

  it('are closed together, with all that is open', async () => {
    const { collector, client } = await start();
    expect((await client.call(spans('a'))).code).toBe(0);
    const session = http2.connect(collector.grpcUrl!);
    session.on('error', () => {});
    await once(session, 'remoteSettings');
    const ended = once(session, 'close');
    await collector.close();
    await ended;
    await collector.close();
  });
});
