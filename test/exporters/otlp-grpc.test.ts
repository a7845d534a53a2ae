import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { grpcOptions } from '../../src/exporters/grpc-options.ts';
import type { SpanLike } from '../../src/exporters/span-like.ts';
import {
  grpcTransport,
  type OTLPGRPCExporterConfig,
  OTLPTraceExporter,
} from '../../src/runtime/node/exporter-grpc.ts';
import { start } from '../../src/runtime/node/index.ts';
import { runNode } from '../support/bundle.ts';
import { type Certificates, makeCertificates } from '../support/certificates.ts';
import { upstreamModel } from '../support/codecs.ts';
import { expectSame } from '../support/expect-same.ts';
import { grpcJsServer, type JsCall, type JsReply, retryInfo } from '../support/grpc-server.ts';
import { startProxy } from '../support/http-proxy.ts';
import { endedSpans, unaccounted } from '../support/otlp-exporter.ts';
import {
  decodeOfficially,
  type ModelRequest,
  spansOf,
  withoutFlags,
} from '../support/trace-model.ts';

// Against a server of grpc-js, which inflates and frames by itself.

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanups.splice(0).reverse()) await cleanUp();
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

type Handle = (call: JsCall, reply: JsReply) => void;

const accept: Handle = (_, reply) => reply(null, Buffer.alloc(0));

/** A server and what it was sent; one handle per call, the last one goes on. */
async function collecting(
  handles: readonly Handle[] = [accept],
  credentials = grpc.ServerCredentials.createInsecure(),
) {
  const requests: ModelRequest[] = [];
  const calls: JsCall[] = [];
  const count: Handle = (call, reply) => {
    const handle = handles[Math.min(calls.length, handles.length - 1)]!;
    calls.push(call);
    requests.push(decodeOfficially(call.request));
    handle(call, reply);
  };
  const { address, url, close } = await grpcJsServer(count, {}, credentials);
  cleanups.push(close);
  return { address, url, requests, calls };
}

const WINDOWS = process.platform === 'win32';

/** A server on a Unix socket. */
async function collectingOnSocket() {
  const folder = mkdtempSync(join(tmpdir(), 'grpc-'));
  cleanups.push(() => rmSync(folder, { recursive: true }));
  const address = `unix:${join(folder, 'otel.sock')}`;
  const calls: JsCall[] = [];
  const take: Handle = (call, reply) => {
    calls.push(call);
    accept(call, reply);
  };
  const { close } = await grpcJsServer(take, { address });
  cleanups.push(close);
  return { address, calls };
}

const quick = { retry: { initialMs: 5, maxMs: 10, maxAgeMs: 2000 } };

function exporterOf(options: OTLPGRPCExporterConfig): OTLPTraceExporter {
  const exporter = new OTLPTraceExporter({ queue: quick, ...options });
  cleanups.push(() => exporter.shutdown().catch(() => {}));
  return exporter;
}

function exported(exporter: OTLPTraceExporter, spans: readonly SpanLike[] = endedSpans(1)) {
  return new Promise<{ code: number; error?: Error }>((resolve) => {
    exporter.export(spans, resolve);
  });
}

function lines() {
  const said: string[] = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((line) => {
    said.push(String(line));
    return true;
  });
  return said;
}

describe('what arrives', () => {
  it.each(['gzip', 'none'])(
    '%s: the same as from upstream, field by field',
    async (compression) => {
      const server = await collecting();
      const spans = endedSpans(40, {
        text: 'größe',
        int: 7,
        double: 0.5,
        yes: true,
        list: ['a', 'b'],
      });
      const exporter = exporterOf({ url: server.url, compression });
      expect(await exported(exporter, spans)).toEqual({ code: 0 });
      expectSame(server.requests, [withoutFlags(upstreamModel(spans))]);
      expect(server.calls[0]!.metadata.get('user-agent')).toEqual([
        expect.stringMatching(/^OTel-OTLP-Exporter-JavaScript\//),
      ]);
      expect(unaccounted(exporter.health())).toBe(0);
    },
  );

  it('several hundred batches, all of them once, whatever fails on the way', async () => {
    lines();
    let count = 0;
    const sometimes: Handle = (call, reply) => {
      count++;
      if (count % 7 === 0) reply({ code: grpc.status.UNAVAILABLE, details: 'busy' });
      else accept(call, reply);
    };
    const server = await collecting([sometimes]);
    const exporter = exporterOf({
      url: server.url,
      compression: 'gzip',
      concurrencyLimit: 8,
      queue: { retry: { initialMs: 5, maxMs: 10 } },
    });
    for (let i = 0; i < 300; i++) exporter.export(endedSpans(3, { batch: i }), () => {});
    while (exporter.health().signals.traces.queued > 0) await exporter.forceFlush();
    const { sent, retries } = exporter.health().signals.traces;
    expect(sent).toBe(900);
    expect(retries).toBeGreaterThanOrEqual(42);
    const ids = new Set(server.requests.flatMap((one) => spansOf(one).map(({ spanId }) => spanId)));
    expect(ids.size).toBe(900);
  });

  it.skipIf(WINDOWS)('by a Unix socket', async () => {
    const { address, calls } = await collectingOnSocket();
    const exporter = exporterOf({ url: address });
    expect(await exported(exporter)).toEqual({ code: 0 });
    expect(calls).toHaveLength(1);
    const [endpoint] = exporter.health().endpoints;
    expect(endpoint?.url).toBe(address.replace('unix:', 'unix://'));
  });

  it('under the SDK of upstream', async () => {
    const server = await collecting();
    const exporter = exporterOf({ url: server.url });
    const provider = new TracerProvider({ spanProcessors: [new BatchSpanProcessor({ exporter })] });
    for (let i = 0; i < 20; i++) provider.getTracer('t').startSpan(`s${i}`).end();
    await provider.forceFlush();
    await provider.shutdown();
    expect(server.requests.flatMap((one) => spansOf(one).map(({ name }) => name))).toEqual(
      Array.from({ length: 20 }, (_, i) => `s${i}`),
    );
  });

  it('rejected, partly, and later, as a server of another make says it', async () => {
    const details = new grpc.Metadata();
    details.set('grpc-status-details-bin', Buffer.from(retryInfo(0, 1_000_000), 'base64'));
    const server = await collecting([
      (_, reply) => reply({ code: grpc.status.INVALID_ARGUMENT, details: 'größe' }),
      (_, reply) => reply(null, Buffer.from([0x0a, 7, 8, 1, 0x12, 3, 0x6f, 0x6c, 0x64])),
      (_, reply) => reply({ code: grpc.status.RESOURCE_EXHAUSTED, metadata: details }),
      accept,
    ]);
    const said = lines();
    const exporter = exporterOf({ url: server.url });
    const { error } = await exported(exporter);
    expect(error?.message).toBe('1 span rejected: gRPC INVALID_ARGUMENT: größe');
    await exported(exporter, endedSpans(2));
    await exported(exporter);
    await exporter.forceFlush();
    const { sent, rejected, retries } = exporter.health().signals.traces;
    expect({ sent, rejected, retries }).toEqual({ sent: 2, rejected: 2, retries: 1 });
    expect(said.length).toBeGreaterThan(0);
  });
});

describe('start()', () => {
  it('over gRPC, by its transport', async () => {
    const server = await collecting();
    const transport = grpcTransport({ url: server.url, metadata: { 'api-key': 'k-1234' } });
    const telemetry = start({ serviceName: 'shop', transport, flushOnExit: false });
    cleanups.push(() => telemetry.shutdown());
    const names = Array.from({ length: 50 }, (_, i) => `s${i}`);
    for (const name of names) telemetry.tracer('t').startSpan(name).end();
    expect(await telemetry.flush()).toMatchObject({ complete: true });
    expect(server.requests.flatMap((one) => spansOf(one).map(({ name }) => name))).toEqual(names);
    const [call] = server.calls as [JsCall];
    expect(call.metadata.get('api-key')).toEqual(['k-1234']);
    const [endpoint] = telemetry.health().endpoints;
    expect(endpoint).toMatchObject({ url: `${server.url}/`, state: 'ok', lastError: undefined });
    const { bytesRaw, bytesCompressed, sent } = telemetry.health().signals.traces;
    expect(sent).toBe(50);
    expect(bytesCompressed).toBeLessThan(bytesRaw);
  });

  it('protocol grpc: health() tells of its connections', async () => {
    const server = await collecting();
    const telemetry = start({
      serviceName: 'shop',
      protocol: 'grpc',
      endpoint: server.url,
      flushOnExit: false,
    });
    cleanups.push(() => telemetry.shutdown());
    telemetry.tracer('t').startSpan('s').end();
    expect(await telemetry.flush()).toMatchObject({ complete: true, sent: 1 });
    const connections = { state: 'ready', open: 1, busy: 0 };
    expect(telemetry.health().endpoints).toMatchObject([{ url: `${server.url}/`, connections }]);
  });

  it.skipIf(WINDOWS)('protocol grpc, by a Unix socket', async () => {
    const { address, calls } = await collectingOnSocket();
    const telemetry = start({ protocol: 'grpc', endpoint: address, flushOnExit: false });
    cleanups.push(() => telemetry.shutdown());
    telemetry.tracer('t').startSpan('s').end();
    expect(await telemetry.flush()).toMatchObject({ complete: true, sent: 1 });
    expect(calls).toHaveLength(1);
  });

  it('options that cannot be used are refused', () => {
    expect(() => grpcTransport({ url: 'ftp://h' })).toThrow(/option 'url'/);
    expect(() => grpcTransport({ timeoutMillis: 0 })).toThrow(/timeoutMillis/);
  });
});

describe('metadata', () => {
  const metadataOf = async (options: OTLPGRPCExporterConfig) => {
    const server = await collecting();
    expect(await exported(exporterOf({ url: server.url, ...options }))).toEqual({ code: 0 });
    return server.calls[0]!.metadata;
  };

  it("grpc-js's, with several values and binary ones", async () => {
    const metadata = new grpc.Metadata();
    metadata.set('Api-Key', 'k-1234');
    metadata.add('list', 'a');
    metadata.add('list', 'b');
    metadata.set('raw-bin', Buffer.from([0, 255, 7]));
    const got = await metadataOf({ metadata });
    expect(got.get('api-key')).toEqual(['k-1234']);
    expect(got.get('list').join()).toMatch(/^a, ?b$/);
    expect(got.get('raw-bin')).toEqual([Buffer.from([0, 255, 7])]);
  });

  it('an object; it wins over variables', async () => {
    vi.stubEnv('OTEL_EXPORTER_OTLP_HEADERS', 'token=general,only=here');
    vi.stubEnv('OTEL_EXPORTER_OTLP_TRACES_HEADERS', 'token=traces');
    const got = await metadataOf({ metadata: { Token: 't', n: 7, 'b-bin': new Uint8Array([1]) } });
    expect(got.get('token')).toEqual(['t']);
    expect(got.get('only')).toEqual(['here']);
    expect(got.get('n')).toEqual(['7']);
    expect(got.get('b-bin')).toEqual([Buffer.from([1])]);
  });

  it.each([
    [{ a: null }, "'a' whose value is null"],
    [{ a: new Uint8Array(1) }, "'a' of bytes"],
    [{ 'a b': 'x' }, 'no HTTP token'],
  ])('%j is refused, without its values', (metadata, message) => {
    expect(() => new OTLPTraceExporter({ metadata: metadata as never })).toThrow(message);
  });

  it('headers are for HTTP: said, and not sent', async () => {
    const said = lines();
    const got = await metadataOf({ headers: { token: 'secret-token' } } as never);
    expect(got.get('token')).toEqual([]);
    expect(said.join('')).toMatch(/'headers' is not used with gRPC/);
    expect(said.join('')).not.toContain('secret-token');
  });
});

describe('where calls go', () => {
  const urlOf = (options: OTLPGRPCExporterConfig, env: Record<string, string> = {}) => {
    const said: string[] = [];
    return { ...grpcOptions(options, env, (line) => said.push(line), 'traces'), said };
  };
  const insecure = grpc.credentials.createInsecure();
  const secure = grpc.credentials.createSsl();
  const general = 'OTEL_EXPORTER_OTLP_ENDPOINT';
  const own = 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT';

  it.each<[OTLPGRPCExporterConfig, Record<string, string>, string]>([
    [{}, {}, 'http://localhost:4317/'],
    [{ url: ' http://h:1 ' }, {}, 'http://h:1/'],
    [{ url: 'https://h' }, {}, 'https://h/'],
    [{ url: 'h:1' }, {}, 'https://h:1/'],
    [{ url: 'h:1' }, { OTEL_EXPORTER_OTLP_INSECURE: ' TRUE ' }, 'http://h:1/'],
    [{ url: 'h:1' }, { OTEL_EXPORTER_OTLP_INSECURE: '1' }, 'https://h:1/'],
    [
      { url: 'h:1' },
      { OTEL_EXPORTER_OTLP_INSECURE: 'true', OTEL_EXPORTER_OTLP_TRACES_INSECURE: 'false' },
      'https://h:1/',
    ],
    [{ url: 'https://h:1' }, { OTEL_EXPORTER_OTLP_INSECURE: 'true' }, 'https://h:1/'],
    [{}, { [general]: 'http://g:1' }, 'http://g:1/'],
    [{}, { [general]: 'http://g:1', [own]: 'https://o:2' }, 'https://o:2/'],
    [{ url: 'http://h:1' }, { [own]: 'https://o:2' }, 'http://h:1/'],
    [{ url: 'h:1', credentials: insecure }, {}, 'http://h:1/'],
    [{ url: 'https://h:1', credentials: insecure }, {}, 'http://h:1/'],
    [{ url: 'http://h:1', credentials: secure, tls: {} }, {}, 'https://h:1/'],
    [{ url: 'http://h:443', credentials: secure, tls: {} }, {}, 'https://h/'],
    [{ url: 'unix:/run/otel.sock' }, {}, 'unix:///run/otel.sock'],
    [{ url: ' unix:///run/otel.sock ' }, {}, 'unix:///run/otel.sock'],
    [{ url: 'unix:/run/a b', credentials: insecure }, {}, 'unix:///run/a%20b'],
    [{}, { [general]: 'unix:/run/otel.sock' }, 'unix:///run/otel.sock'],
  ])('%j with %j: %s', (options, env, expected) => {
    const { url, said } = urlOf(options, env);
    expect(url).toBe(expected);
    expect(said).toEqual([]);
  });

  it('a path is said to be of no use', () => {
    const { url, said } = urlOf({ url: 'http://h:1/v1/traces' });
    expect(url).toBe('http://h:1/');
    expect(said).toEqual([expect.stringMatching(/option 'url' has a path/)]);
  });

  it('a variable that is none is said, and the next one used', () => {
    const { url, said } = urlOf({}, { [own]: 'ftp://x', [general]: 'http://g:1' });
    expect(url).toBe('http://g:1/');
    expect(said).toEqual([expect.stringMatching(/TRACES_ENDPOINT is not an http.*4317.*ignored/)]);
  });

  it('secure credentials without tls: says what cannot be taken over', () => {
    const { said } = urlOf({ url: 'https://h', credentials: secure });
    expect(said).toEqual([expect.stringMatching(/cannot be read.*tls/s)]);
  });

  it.each([
    [{ url: 'ftp://h' }],
    [{ url: 7 }],
    [{ url: 'unix:otel.sock' }],
    [{ url: 'unix://run/otel.sock' }],
    [{ url: 'unix:///run/otel.sock', credentials: grpc.credentials.createSsl() }],
    [{ credentials: 'x' }],
    [{ tls: 'x' }],
    [{ metadata: 'x' }],
    [{ timeoutMillis: -1 }],
    [{ compression: 'br' }],
  ])('%j is refused', (options) => {
    expect(() => new OTLPTraceExporter(options as never)).toThrow(
      expect.objectContaining({ name: 'OtlpError', code: 'invalid_option' }),
    );
  });
});

describe('TLS', () => {
  let certificates: Certificates;
  beforeAll(() => {
    certificates = makeCertificates();
  });
  afterAll(() => certificates.remove());

  const secured = async () => {
    const { read } = certificates;
    const pair = { cert_chain: read('server.pem'), private_key: read('server.key') };
    const server = await collecting(
      [accept],
      grpc.ServerCredentials.createSsl(read('ca.pem'), [pair], true),
    );
    return server;
  };

  it('both sides show certificates, by option; without a scheme TLS is the default', async () => {
    const { address, requests } = await secured();
    const [ca, cert, key] = ['ca.pem', 'client.pem', 'client.key'].map(certificates.read);
    const exporter = exporterOf({ url: address, tls: { ca, cert, key } });
    expect(await exported(exporter)).toEqual({ code: 0 });
    expect(requests).toHaveLength(1);
  });

  it('by variables', async () => {
    const { address, requests } = await secured();
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', `https://${address}`);
    vi.stubEnv('OTEL_EXPORTER_OTLP_CERTIFICATE', certificates.path('ca.pem'));
    vi.stubEnv('OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE', certificates.path('client.pem'));
    vi.stubEnv('OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY', certificates.path('client.key'));
    expect(await exported(exporterOf({}))).toEqual({ code: 0 });
    expect(requests).toHaveLength(1);
  });

  it.each([
    ['a server that is not trusted', 'https', () => ({})],
    ['no client certificate', 'https', () => ({ ca: certificates.read('ca.pem') })],
    ['no TLS', 'http', () => ({})],
    ['a certificate that is none', 'https', () => ({ ca: 'x', cert: 'nonsense', key: 'x' })],
  ])('%s: nothing arrives, and it is known', async (_, scheme, tls) => {
    lines();
    const { address, calls } = await secured();
    const exporter = exporterOf({
      url: `${scheme}://${address}`,
      tls: tls(),
      queue: { retry: { ...quick.retry, maxAgeMs: 200 } },
    });
    await exported(exporter);
    expect(calls).toEqual([]);
    const { endpoints, signals } = exporter.health();
    expect(endpoints[0]).toMatchObject({ state: 'failing', lastError: expect.any(String) });
    expect(endpoints[0]!.lastError).not.toMatch(/no answer/);
    expect(signals.traces.sent).toBe(0);
    expect(unaccounted(exporter.health())).toBe(0);
  });
});

describe('a program', () => {
  it('ends by itself when its spans have been answered', async () => {
    const server = await collecting();
    const script = `
      import { OTLPTraceExporter } from 'otlp-wasm/exporters/grpc';
      import { TracerProvider } from '@opentelemetry/sdk-trace';
      const exporter = new OTLPTraceExporter({ url: '${server.url}' });
      const onEnd = (span) => exporter.export([span], ({ code }) => console.log(code));
      new TracerProvider({ spanProcessors: [{ onStart() {}, onEnd }] })
        .getTracer('t').startSpan('s').end();`;
    const { code, stdout, stderr } = await runNode(['--input-type=module', '-e', script]);
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '0\n', stderr: '' });
    expect(server.requests).toHaveLength(1);
  });

  it('goes through the proxy of its environment', async () => {
    const [server, proxy] = [await collecting(), await startProxy()];
    cleanups.push(() => proxy.close());
    const script = `
      import { start } from 'otlp-wasm';
      const telemetry = start({ serviceName: 'shop', protocol: 'grpc', endpoint: '${server.url}' });
      telemetry.tracer('t').startSpan('s').end();
      const { sent, lastError } = await telemetry.flush();
      console.log(sent, lastError);`;
    const { code, stdout } = await runNode(['--input-type=module', '-e', script], {
      grpc_proxy: proxy.url,
      no_proxy: '',
      NO_PROXY: '',
    });
    expect({ code, stdout }).toEqual({ code: 0, stdout: '1 undefined\n' });
    expect(proxy.received).toMatchObject([{ method: 'CONNECT', target: server.address }]);
    expect(server.requests).toHaveLength(1);
  });

  it('importing and making one loads no HTTP/2, and keeps nothing running', async () => {
    const script = `
      import { OTLPTraceExporter } from 'otlp-wasm/exporters/grpc';
      new OTLPTraceExporter();
      console.log(process.moduleLoadList.filter((name) => /http2\\/core|node:net/.test(name)).length);`;
    const { code, stdout } = await runNode(['--input-type=module', '-e', script]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '0\n' });
  });
});
